/* test_box.c - lib/crypto/box: a secret opens in its place, with its key. */
#include "crypto/box.h"

#include "crypto/hash.h"

#include "rows.h"

#include <sys/stat.h>

static char folder[] = "/tmp/test_box.XXXXXX";
static char master[64], other[64], bad[64];
static struct box_key *key, *foreign;
static struct box_public public;

static const struct box_place home = { "channel_key", 7,
				       "https://api.example.com:443" };

static int start(void **state)
{
	struct err e = { 0 };

	(void)state;
	crypto_start();
	if (!mkdtemp(folder))
		return -1;
	snprintf(master, sizeof(master), "%s/master.key", folder);
	snprintf(other, sizeof(other), "%s/other.key", folder);
	snprintf(bad, sizeof(bad), "%s/bad.key", folder);
	if (box_key_create(master, NULL, &public, &e) < 0 ||
	    box_key_create(other, NULL, NULL, &e) < 0)
		return -1;
	key = box_key_load(master, &e);
	foreign = box_key_load(other, &e);
	return key && foreign ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	box_key_wipe(key);
	box_key_wipe(foreign);
	box_key_wipe(NULL);
	unlink(master);
	unlink(other);
	unlink(bad);
	return rmdir(folder);
}

/* Two ways to seal, the same promises. */
static int seal_for_public(const struct box_place *at, struct str secret,
			   struct buf *out, struct err *e)
{
	return box_seal(&public, at, secret, out, e);
}

static int seal_for_key(const struct box_place *at, struct str secret,
			struct buf *out, struct err *e)
{
	return aead_seal(key, at, secret, out, e);
}

static const struct way {
	const char *name;
	int (*seal)(const struct box_place *, struct str, struct buf *,
		    struct err *);
	int (*open)(const struct box_key *, const struct box_place *,
		    struct str, struct buf *, struct err *);
} ways[] = {
	{ "v1", seal_for_public, box_open },
	{ "a1", seal_for_key, aead_open },
};

static void what_is_sealed_opens(void **state)
{
	static const size_t sizes[] = { 0, 1, 51, 4096, BOX_SECRET_MAX };
	static char secret[BOX_SECRET_MAX];

	(void)state;
	memset(secret, 's', sizeof(secret));
	secret[0] = '\0'; /* any bytes */
	for (size_t i = 0; i < COUNT(ways) * COUNT(sizes); i++) {
		const struct way *w = &ways[i % COUNT(ways)];
		struct str in = { secret, sizes[i / COUNT(ways)] };
		struct buf sealed, again, out;
		struct err e = { 0 };

		row("%s, %zu bytes", w->name, in.n);
		buf_init(&sealed, BOX_SEALED_MAX);
		buf_init(&again, BOX_SEALED_MAX);
		buf_init(&out, BOX_SECRET_MAX);
		ROW_INT(w->seal(&home, in, &sealed, &e), 0);
		ROW_INT(w->seal(&home, in, &again, &e), 0);
		ROW_TRUE(str_starts(buf_span(&sealed), w->name));
		ROW_TRUE(!str_same(buf_span(&sealed), buf_span(&again)));
		ROW_TRUE(in.n < 50 || !strstr(sealed.p, "ssssssss"));
		ROW_INT(w->open(key, &home, buf_span(&sealed), &out, &e), 0);
		ROW_TRUE(str_same(buf_span(&out), in));
		box_wipe(out.p, out.len);
		buf_release(&sealed);
		buf_release(&again);
		buf_release(&out);
	}
	rows_done();
}

static const struct {
	const char *label;
	struct box_place at;
	bool opens;
} places[] = {
	/* clang-format off */
	{ "home", { "channel_key", 7, "https://api.example.com:443" }, true },
	{ "another row", { "channel_key", 8, "https://api.example.com:443" }, false },
	{ "another table", { "channel_kez", 7, "https://api.example.com:443" }, false },
	{ "another host", { "channel_key", 7, "https://api.example.org:443" }, false },
	{ "another scheme", { "channel_key", 7, "http://api.example.com:443" }, false },
	{ "another port", { "channel_key", 7, "https://api.example.com:444" }, false },
	{ "no origin", { "channel_key", 7, "" }, false },
	{ "a longer origin", { "channel_key", 7, "https://api.example.com:443s" }, false },
	{ "a shorter origin", { "channel_key", 7, "https://api.example.com:44" }, false },
	{ "a minus", { "channel_key", -7, "https://api.example.com:443" }, false },
	/* clang-format on */
};

static void it_opens_nowhere_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ways) * COUNT(places); i++) {
		const struct way *w = &ways[i % COUNT(ways)];
		size_t k = i / COUNT(ways);
		struct buf sealed, out;
		struct err e = { 0 };
		int r;

		row("%s, %s", w->name, places[k].label);
		buf_init(&sealed, BOX_SEALED_MAX);
		buf_init(&out, BOX_SECRET_MAX);
		ROW_INT(w->seal(&home, STR("sk-provider"), &sealed, &e), 0);
		r = w->open(key, &places[k].at, buf_span(&sealed), &out, &e);
		ROW_INT(r, places[k].opens ? 0 : -1);
		ROW_INT(e.code, r ? ERR_SECRET : ERR_NONE);
		ROW_STR(out.p, r ? "" : "sk-provider");
		buf_release(&sealed);
		buf_release(&out);
	}
	rows_done();
}

static void another_key_file_does_not_open_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct buf sealed, out;
		struct err e = { 0 };

		row("%s", ways[i].name);
		buf_init(&sealed, BOX_SEALED_MAX);
		buf_init(&out, BOX_SECRET_MAX);
		ROW_INT(ways[i].seal(&home, STR("s"), &sealed, &e), 0);
		ROW_INT(ways[i].open(foreign, &home, buf_span(&sealed), &out,
				     &e),
			-1);
		ROW_TRUE(strstr(e.msg, box_key_id(key)));
		ROW_TRUE(strstr(e.msg, box_key_id(foreign)));
		/* nor where it claims to be that key's */
		memcpy(sealed.p + 3, box_key_id(foreign), BOX_ID - 1);
		err_clear(&e);
		ROW_INT(ways[i].open(foreign, &home, buf_span(&sealed), &out,
				     &e),
			-1);
		ROW_INT(e.code, ERR_SECRET);
		ROW_INT(out.len, 0);
		buf_release(&sealed);
		buf_release(&out);
	}
	rows_done();
}

static void damage_is_noticed_wherever_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct buf sealed, out;
		struct err e = { 0 };

		buf_init(&sealed, BOX_SEALED_MAX);
		buf_init(&out, BOX_SECRET_MAX);
		ways[i].seal(&home, STR("secret"), &sealed, &e);
		for (size_t k = 0; k < sealed.len; k++) {
			char was = sealed.p[k];

			row("%s, a byte at %zu", ways[i].name, k);
			err_clear(&e);
			sealed.p[k] = was == 'A' ? 'B' : 'A';
			ROW_INT(ways[i].open(key, &home, buf_span(&sealed),
					     &out, &e),
				-1);
			ROW_INT(e.code, ERR_SECRET);
			sealed.p[k] = was;
			row("%s, cut at %zu", ways[i].name, k);
			err_clear(&e);
			ROW_INT(ways[i].open(key, &home,
					     (struct str){ sealed.p, k }, &out,
					     &e),
				-1);
		}
		ROW_INT(out.len, 0);
		buf_release(&sealed);
		buf_release(&out);
	}
	rows_done();
}

static void a_secret_has_a_size(void **state)
{
	static char secret[BOX_SECRET_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct buf sealed, small;
		struct err e = { 0 };

		row("%s", ways[i].name);
		buf_init(&sealed, BOX_SEALED_MAX);
		buf_init(&small, 20);
		ROW_INT(ways[i].seal(&home,
				     (struct str){ secret, sizeof(secret) },
				     &sealed, &e),
			-1);
		err_clear(&e);
		ROW_INT(ways[i].seal(&home, STR("secret"), &small, &e), -1);
		ROW_INT(e.code, ERR_VALUE);
		buf_release(&sealed);
		buf_release(&small);
	}
	rows_done();
}

/* --- key files ------------------------------------------------------------------ */

static void a_key_file_is_its_owner_s_alone(void **state)
{
	static const int modes[] = { 0440, 0404, 0644, 0420, 0401, 0777 };
	struct stat st;

	(void)state;
	assert_int_equal(stat(master, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct err e = { 0 };

		row("mode %03o", (unsigned int)modes[i]);
		chmod(master, (mode_t)modes[i]);
		ROW_TRUE(!box_key_load(master, &e));
		ROW_INT(e.code, ERR_CONFIG);
		ROW_TRUE(strstr(e.msg, "chmod 400 ") && strstr(e.msg, master));
	}
	chmod(master, 0600);
	rows_done();
	{
		struct err e = { 0 };
		struct box_key *k = box_key_load(master, &e);

		assert_non_null(k);
		box_key_wipe(k);
	}
}

static void a_key_file_is_never_overwritten(void **state)
{
	struct err e = { 0 };
	struct box_key *k;

	(void)state;
	assert_int_equal(box_key_create(master, NULL, NULL, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
	err_clear(&e);
	k = box_key_load(master, &e);
	assert_non_null(k);
	assert_string_equal(box_key_id(k), box_key_id(key));
	box_key_wipe(k);
}

static void what_is_no_key_file_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"pontage-key 1 abcdefgh\n",
		"pontage-key 2 abcdefgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"pontage-key 1 abcdefg\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"pontage-key 1 abcd$fgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"pontage-key 1 abcdefgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n",
		"pontage-key 1 abcdefgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		"pontage-key 1 abcdefgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!\n",
		"pontage-key 1 abcdefgh\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		FILE *f = fopen(bad, "w");
		struct err e = { 0 };

		row("text %zu", i);
		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		chmod(bad, 0600);
		ROW_TRUE(!box_key_load(bad, &e));
		ROW_INT(e.code, ERR_CONFIG);
		ROW_TRUE(strstr(e.msg, "not a key file"));
		unlink(bad);
	}
	{
		struct err e = { 0 };

		row("none");
		ROW_TRUE(!box_key_load(bad, &e));
		ROW_INT(e.code, ERR_NOT_FOUND);
		row("a folder");
		err_clear(&e);
		ROW_TRUE(!box_key_load(folder, &e));
		ROW_INT(e.code, ERR_CONFIG);
		row("nowhere to make it");
		err_clear(&e);
		ROW_INT(box_key_create("/nonexistent/x", NULL, NULL, &e), -1);
		ROW_INT(e.code, ERR_CONFIG);
	}
	rows_done();
}

static void a_public_key_has_a_text(void **state)
{
	static const char *const wrong[] = { "", "p1$", "p2$abcdefgh$AA",
					     "p1$abcdefgh$AA", "p1$abcdefgh" };
	char text[BOX_PUBLIC_TEXT];
	struct box_public back;
	struct err e = { 0 };

	(void)state;
	box_public_text(&public, text);
	assert_int_equal(box_public_parse(str_of(text), &back, &e), 0);
	assert_string_equal(back.id, public.id);
	assert_memory_equal(back.key, public.key, sizeof(back.key));
	box_key_public(key, &back);
	assert_memory_equal(back.key, public.key, sizeof(back.key));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		row("%s", wrong[i]);
		err_clear(&e);
		ROW_INT(box_public_parse(str_of(wrong[i]), &back, &e), -1);
		ROW_INT(e.code, ERR_SECRET);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(it_opens_nowhere_else),
		cmocka_unit_test(another_key_file_does_not_open_it),
		cmocka_unit_test(damage_is_noticed_wherever_it_is),
		cmocka_unit_test(a_secret_has_a_size),
		cmocka_unit_test(a_key_file_is_its_owner_s_alone),
		cmocka_unit_test(a_key_file_is_never_overwritten),
		cmocka_unit_test(what_is_no_key_file_is_refused),
		cmocka_unit_test(a_public_key_has_a_text),
	};

	return cmocka_run_group_tests_name("box", tests, start, end);
}
