/* hash.c - see hash.h. */
#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>

void crypto_start(void)
{
	int r = sodium_init();

	assert(r >= 0); /* there is no source of random numbers */
	(void)r;
}

void hash_sha256(const void *p, size_t n, unsigned char out[static HASH_SHA256])
{
	crypto_hash_sha256(out, p, n);
}

bool secret_same(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void secret_wipe(void *p, size_t n)
{
	if (n)
		sodium_memzero(p, n);
}
