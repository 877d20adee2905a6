/* key.h - the API keys that this gateway gives out.
 *
 *	sk- 42 random characters, 6 characters of checksum
 *
 * All are of [0-9A-Za-z].  The checksum is the CRC-32 of the 42 in base 62,
 * most significant digit first: a typing error is told apart from an unknown
 * key, and a scanner for leaked secrets knows a key when it sees one.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/str.h"

#define KEY_LENGTH 51 /* characters */
#define KEY_TEXT   (KEY_LENGTH + 1)
#define KEY_HASH   32 /* bytes */
#define KEY_HINT   16 /* enough for key_hint() */

enum key_verdict {
	KEY_OK,
	KEY_BAD_CHECKSUM, /* ours by its look, but mistyped or cut */
	KEY_NOT_OURS      /* may still be valid: imported from elsewhere */
};

char *key_new(char at[static KEY_TEXT]); /* returns at */
enum key_verdict key_check(struct str key);
/* What the database knows of a key: SHA-256 of its whole text. */
void key_hash(struct str key, unsigned char out[static KEY_HASH]);

/* What lists and messages show of a key, also of a provider's: "sk-ab12...wxyz"
 * into at, which it returns.  Four characters of each end at most, fewer of
 * shorter keys, none of those under 16 ("sk-..."); a byte that is no letter, digit, '-'
 * or '_' shows as '*', so any bytes are safe. */
char *key_hint(struct str key, char at[static KEY_HINT]);

#endif
