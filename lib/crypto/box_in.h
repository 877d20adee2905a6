/* box_in.h - what box.c and box_key.c share. */
#ifndef CRYPTO_BOX_IN_H
#define CRYPTO_BOX_IN_H

#include "crypto/box.h"

#define BOX_KEY 32 /* bytes of a secret or public key */

struct box_key {
	char id[BOX_ID];
	unsigned char secret[BOX_KEY], public[BOX_KEY];
};

/* Base64, appended to out. */
void box_base64(struct buf *out, const unsigned char *p, size_t n);
/* At most max bytes into at: how many, or -1. */
int box_unbase64(struct str s, unsigned char *at, size_t max);
/* A key id: letters and digits, BOX_ID - 1 of them. */
bool box_id(struct str s, char at[static BOX_ID]);

#endif
