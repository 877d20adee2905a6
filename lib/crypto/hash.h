/* hash.h - SHA-256, comparing secrets, wiping them. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/str.h"

#define HASH_SHA256 32 /* bytes */

/* Once in a process, before its threads; a second call does nothing. */
void crypto_start(void);

void hash_sha256(const void *p, size_t n,
		 unsigned char out[static HASH_SHA256]);

/* The time it takes says nothing about where they differ. */
bool secret_same(const void *a, const void *b, size_t n);
void secret_wipe(void *p, size_t n); /* p may be NULL where n is 0 */

#endif
