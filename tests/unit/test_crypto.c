/* test_crypto.c - lib/crypto: hashes, keys, passwords. */
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/passwd.h"

#include "rows.h"

static const char *hex(const unsigned char *p, size_t n)
{
	static char text[2 * 64 + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	return text;
}

static void sha256_as_in_fips_180(void **state)
{
	static const struct {
		const char *in, *want;
	} vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
			 "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039"
		  "a33ce45964ff2167f6ecedd419db06c1" },
	};
	unsigned char out[HASH_SHA256];

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		row("%s", vectors[i].in);
		hash_sha256(vectors[i].in, strlen(vectors[i].in), out);
		ROW_STR(hex(out, sizeof(out)), vectors[i].want);
	}
	rows_done();
}

static void secrets_compare_and_wipe(void **state)
{
	char a[] = "abcd";

	(void)state;
	assert_true(secret_same("abcd", a, 4));
	assert_false(secret_same("abce", a, 4));
	assert_false(secret_same("xbcd", a, 4));
	assert_true(secret_same("x", a, 0));
	secret_wipe(a, 4);
	assert_memory_equal(a, "\0\0\0\0", 5);
	secret_wipe(NULL, 0);
}

/* --- keys ------------------------------------------------------------------ */

static void a_new_key_is_ours_and_no_other(void **state)
{
	char a[KEY_TEXT], b[KEY_TEXT];

	(void)state;
	for (int i = 0; i < 200; i++) {
		row("key %d", i);
		ROW_INT(strlen(key_new(a)), KEY_LENGTH);
		ROW_TRUE(!strncmp(a, "sk-", 3));
		ROW_INT(key_check(str_of(a)), KEY_OK);
		ROW_TRUE(strcmp(a, key_new(b)) != 0);
	}
	rows_done();
}

/* The checksum of a fixed key, so that keys in use stay ours. */
static void the_checksum_stays_what_it_is(void **state)
{
	static const char key[] =
		"sk-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
		"1GctnF";

	(void)state;
	assert_int_equal(key_check(str_of(key)), KEY_OK);
}

static void any_typing_error_is_found(void **state)
{
	char key[KEY_TEXT];

	(void)state;
	key_new(key);
	for (size_t i = 3; i < KEY_LENGTH; i++) {
		char was = key[i];

		row("at %zu", i);
		key[i] = was == 'x' ? 'y' : 'x';
		ROW_INT(key_check(str_of(key)), KEY_BAD_CHECKSUM);
		key[i] = '-';
		ROW_INT(key_check(str_of(key)), KEY_NOT_OURS);
		key[i] = was;
	}
	for (size_t i = 3; i + 1 < KEY_LENGTH; i++) {
		char was = key[i];

		if (key[i + 1] == was)
			continue;
		row("swapped at %zu", i);
		key[i] = key[i + 1];
		key[i + 1] = was;
		ROW_INT(key_check(str_of(key)), KEY_BAD_CHECKSUM);
		key[i + 1] = key[i];
		key[i] = was;
	}
	row("short, long, other");
	ROW_INT(key_check((struct str){ key, KEY_LENGTH - 1 }), KEY_NOT_OURS);
	ROW_INT(key_check((struct str){ key, KEY_LENGTH + 1 }), KEY_NOT_OURS);
	ROW_INT(key_check(STR_NONE), KEY_NOT_OURS);
	key[0] = 'S';
	ROW_INT(key_check(str_of(key)), KEY_NOT_OURS);
	rows_done();
}

static void a_key_is_hashed_whole(void **state)
{
	unsigned char out[KEY_HASH];

	(void)state;
	key_hash(STR("abc"), out);
	assert_string_equal(hex(out, 4), "ba7816bf");
}

static const struct {
	const char *key, *want;
} hints[] = {
	/* clang-format off */
	{ "", "..." },
	{ "a", "..." },
	{ "sk-", "sk-..." },
	{ "sk-a", "sk-..." },
	{ "sk-123456789012345", "sk-..." },
	{ "123456789012345", "..." },
	{ "1234567890123456", "12...56" },
	{ "sk-1234567890123456", "sk-12...56" },
	{ "sk-1234567890123456789012345678901", "sk-12...01" },
	{ "sk-12345678901234567890123456789012", "sk-1234...9012" },
	{ "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "sk-proj...6789" },
	{ "ab\r\ncdefghijklmnopqrstuvwxyz012345\xc3\xa9", "ab**...45**" },
	{ "\x1b[31mabcdefghijklmnopqrstuvwx<b>&", "**31...*b**" },
	/* clang-format on */
};

static void a_hint_never_shows_more_than_its_ends(void **state)
{
	char at[KEY_HINT], key[KEY_TEXT], long_key[5000];

	(void)state;
	for (size_t i = 0; i < COUNT(hints); i++) {
		row("hint %zu", i);
		ROW_STR(key_hint(str_of(hints[i].key), at), hints[i].want);
	}
	row("a new key");
	key_hint(str_of(key_new(key)), at);
	ROW_INT(strlen(at), 3 + 4 + 3 + 4);
	memset(long_key, 'x', sizeof(long_key));
	row("a long key");
	ROW_STR(key_hint((struct str){ long_key, sizeof(long_key) }, at),
		"xxxx...xxxx");
	row("NULs");
	memset(long_key, 0, 40);
	ROW_STR(key_hint((struct str){ long_key, 40 }, at), "****...****");
	row("absent");
	ROW_STR(key_hint(STR_NONE, at), "...");
	rows_done();
}

/* --- passwords --------------------------------------------------------------- */

static void a_password_is_checked(void **state)
{
	char hash[PASSWD_TEXT];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(passwd_hash(STR("correct horse"), hash, &e), 0);
	assert_non_null(strstr(hash, "$argon2id$v=19$m=65536,t=2,p=1$"));
	assert_true(passwd_check(hash, STR("correct horse")));
	assert_false(passwd_check(hash, STR("correct horsf")));
	assert_false(passwd_check(hash, STR("correct horse\0")));
	assert_false(passwd_check(hash, STR_NONE));
	assert_false(passwd_stale(hash));
	assert_true(
		passwd_stale("$argon2id$v=19$m=19456,t=2,p=1$"
			     "c29tZXNhbHRzb21lc2FsdA$"
			     "c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ"));
	assert_true(passwd_stale(""));
	/* cut: no hash, no crash */
	hash[60] = '\0';
	assert_false(passwd_check(hash, STR("correct horse")));
	assert_false(passwd_check("", STR("correct horse")));
	assert_false(passwd_check("plain", STR("plain")));
}

static void a_password_has_a_length(void **state)
{
	char hash[PASSWD_TEXT], text[PASSWD_MAX + 1];
	struct err e = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(
		passwd_hash((struct str){ text, PASSWD_MIN - 1 }, hash, &e),
		-1);
	assert_int_equal(e.code, ERR_VALUE);
	err_clear(&e);
	assert_int_equal(
		passwd_hash((struct str){ text, PASSWD_MAX + 1 }, hash, &e),
		-1);
	assert_int_equal(e.code, ERR_VALUE);
}

static void a_random_password_can_be_read(void **state)
{
	char a[21], b[21];

	(void)state;
	assert_int_equal(strlen(passwd_random(a, 20)), 20);
	assert_int_equal(strspn(a, "23456789abcdefghjkmnpqrstvwxyz"), 20);
	assert_string_not_equal(a, passwd_random(b, 20));
}

static int start(void **state)
{
	(void)state;
	crypto_start();
	crypto_start(); /* does nothing */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_as_in_fips_180),
		cmocka_unit_test(secrets_compare_and_wipe),
		cmocka_unit_test(a_new_key_is_ours_and_no_other),
		cmocka_unit_test(the_checksum_stays_what_it_is),
		cmocka_unit_test(any_typing_error_is_found),
		cmocka_unit_test(a_key_is_hashed_whole),
		cmocka_unit_test(a_hint_never_shows_more_than_its_ends),
		cmocka_unit_test(a_password_is_checked),
		cmocka_unit_test(a_password_has_a_length),
		cmocka_unit_test(a_random_password_can_be_read),
	};

	return cmocka_run_group_tests_name("crypto", tests, start, NULL);
}
