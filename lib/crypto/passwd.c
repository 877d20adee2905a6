/* passwd.c - see passwd.h. */
#include "crypto/passwd.h"

#include "base/rand.h"

#include <sodium.h>

#define ROUNDS 2
#define MEMORY (64UL << 20) /* bytes */

_Static_assert(PASSWD_TEXT == crypto_pwhash_STRBYTES, "the size of a hash");

int passwd_hash(struct str password, char at[static PASSWD_TEXT], struct err *e)
{
	if (password.n < PASSWD_MIN || password.n > PASSWD_MAX)
		return err_set(e, ERR_VALUE, "a password has %d to %d bytes",
			       PASSWD_MIN, PASSWD_MAX);
	if (crypto_pwhash_str_alg(at, password.p, password.n, ROUNDS, MEMORY,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(e, ERR_OVERLOADED,
			       "there is no memory to check passwords (64 MiB "
			       "each); try again");
	return 0;
}

/* Spends what checking a hash would. */
static void pretend(struct str password)
{
	unsigned char out[32], salt[crypto_pwhash_SALTBYTES] = { 0 };

	(void)!crypto_pwhash(out, sizeof(out), password.p, password.n, salt,
			     ROUNDS, MEMORY, crypto_pwhash_ALG_ARGON2ID13);
}

bool passwd_check(const char *hash, struct str password)
{
	char text[PASSWD_TEXT] = { 0 }; /* read to its whole size */
	size_t n = strlen(hash);

	if (!password.p)
		password = STR("");
	if (n >= sizeof(text) || !str_starts(str_of(hash), "$argon2")) {
		pretend(password);
		return false;
	}
	memcpy(text, hash, n + 1);
	return !crypto_pwhash_str_verify(text, password.p, password.n);
}

bool passwd_stale(const char *hash)
{
	char text[PASSWD_TEXT] = { 0 };
	size_t n = strlen(hash);

	if (n >= sizeof(text))
		return true;
	memcpy(text, hash, n + 1);
	return crypto_pwhash_str_needs_rehash(text, ROUNDS, MEMORY) != 0;
}

char *passwd_random(char *at, size_t n)
{
	/* without 0 o, 1 l i and u, which is like v by hand */
	static const char readable[] = "23456789abcdefghjkmnpqrstvwxyz";

	for (size_t i = 0; i < n; i++)
		at[i] = readable[rand_below(sizeof(readable) - 1)];
	at[n] = '\0';
	return at;
}
