/* box.h - secrets at rest: sealed for one place, opened by one key file.
 *
 * Two kinds of key files.  master.key opens what anybody with the public key
 * may seal (provider keys: the command and the pages seal, relay workers
 * open).  admin.key seals and opens by itself (what admin.fcgi must read).
 * Both look alike:
 *
 *	pontage-key 1 <key id>
 *	<32 bytes in base64>
 *
 * Sealed text is v1$keyid$base64 (crypto_box_seal) or a1$keyid$nonce$base64
 * (XChaCha20-Poly1305).  Invariant: a text opens only for the table, the row
 * and the origin that it was sealed for, so it is worth nothing in another
 * row, nor after a base URL was changed.
 */
#ifndef CRYPTO_BOX_H
#define CRYPTO_BOX_H

#include "base/buf.h"
#include "base/err.h"

#define BOX_ID          9     /* a key id with its '\0' */
#define BOX_PUBLIC_TEXT 64    /* enough for box_public_text() */
#define BOX_SECRET_MAX  16384 /* bytes of a secret */
#define BOX_SEALED_MAX  32768 /* enough for any sealed text */

struct box_key; /* in memory that is locked, guarded and never dumped */

struct box_public {
	char id[BOX_ID];
	unsigned char key[32];
};

struct box_place { /* what a secret is bound to */
	const char *table;
	int64_t row_id;
	const char *origin; /* scheme://host:port; "" where there is none */
};

/* Makes a key file, readable by its owner only, and puts it on the disk.
 * id (BOX_ID bytes), public: may be NULL.  ERR_EXISTS: nothing was changed. */
int box_key_create(const char *path, char *id, struct box_public *public,
		   struct err *e);
/* NULL: not there (ERR_NOT_FOUND), readable by others or no key file (the
 * message names path and cure: for operators).  Ends in box_key_wipe(). */
struct box_key *box_key_load(const char *path, struct err *e);
void box_key_wipe(struct box_key *k); /* NULL: nothing */
const char *box_key_id(const struct box_key *k);
void box_key_public(const struct box_key *k, struct box_public *out);

/* As the database keeps it: p1$keyid$base64. */
char *box_public_text(const struct box_public *p,
		      char at[static BOX_PUBLIC_TEXT]);
int box_public_parse(struct str s, struct box_public *out, struct err *e);

/* Appends the sealed text to out.  -1: the secret or out is too large. */
int box_seal(const struct box_public *p, const struct box_place *at,
	     struct str secret, struct buf *out, struct err *e);
/* Appends the secret to out, whose bytes the caller wipes. -1, ERR_SECRET:
 * sealed with another key, for another place, or damaged. */
int box_open(const struct box_key *k, const struct box_place *at,
	     struct str sealed, struct buf *out, struct err *e);

/* The same under a key of which nobody has a public half. */
int aead_seal(const struct box_key *k, const struct box_place *at,
	      struct str secret, struct buf *out, struct err *e);
int aead_open(const struct box_key *k, const struct box_place *at,
	      struct str sealed, struct buf *out, struct err *e);

void box_wipe(void *p, size_t n);

#endif
