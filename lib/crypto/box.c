/* box.c - see box.h. */
#include "crypto/box_in.h"

#include "base/rand.h"

#include <sodium.h>

#define NONCE    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG      crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BIND_MAX 4096 /* bytes of a binding */

/* Bytes that are wiped when they are given back. */
struct raw {
	unsigned char *p;
	size_t n, size;
};

static struct raw raw_new(size_t size)
{
	return (struct raw){ mem_alloc(size + 1), 0, size };
}

static void raw_free(struct raw *r)
{
	box_wipe(r->p, r->size);
	free(r->p);
}

static void raw_add(struct raw *r, const void *p, size_t n)
{
	if (n)
		memcpy(r->p + r->n, p, n);
	r->n += n;
}

/* --- the place --------------------------------------------------------------- */

static void bind_number(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		buf_char(b, (char)(v >> 8 * i & 0xff));
}

static void bind_text(struct buf *b, const char *s)
{
	bind_number(b, strlen(s));
	buf_str(b, s);
}

/* The place in bytes that no other place has.  b: released by the caller. */
static int bind(struct buf *b, const struct box_place *at, struct err *e)
{
	buf_init(b, BIND_MAX);
	bind_text(b, at->table);
	bind_number(b, (uint64_t)at->row_id);
	bind_text(b, at->origin);
	if (!buf_ok(b))
		return err_set(e, ERR_VALUE,
			       "the base URL is too long to keep a secret for");
	return 0;
}

static int check_size(struct str secret, struct err *e)
{
	if (secret.n <= BOX_SECRET_MAX)
		return 0;
	return err_set(e, ERR_VALUE, "a secret has at most %d bytes",
		       BOX_SECRET_MAX);
}

static int finish(const struct buf *out, struct err *e)
{
	return buf_ok(out) ?
		       0 :
		       err_set(e, ERR_VALUE, "the sealed secret is too large");
}

/* --- reading a sealed text ------------------------------------------------------ */

/* Checks kind and key id and leaves what follows them in *rest. */
static int open_head(const struct box_key *k, const char *kind,
		     struct str sealed, struct str *rest, struct err *e)
{
	struct str piece, id;

	*rest = sealed;
	if (sealed.n > BOX_SEALED_MAX || !str_next(rest, '$', &piece) ||
	    !str_eq(piece, kind) || !str_next(rest, '$', &id) || !rest->n ||
	    id.n != BOX_ID - 1)
		return err_set(e, ERR_SECRET,
			       "a stored secret is damaged; enter it again");
	if (!str_eq(id, k->id))
		return err_set(e, ERR_SECRET,
			       "a secret was sealed for the key file %.*s, but "
			       "the one in use is %s; bring the right key file "
			       "back or enter the secret again",
			       STR_FMT(id), k->id);
	return 0;
}

static int wrong(struct err *e)
{
	return err_set(e, ERR_SECRET,
		       "a stored secret does not open: it is damaged, or was "
		       "sealed for another row or base URL; enter it again");
}

/* --- for a public key ------------------------------------------------------------ */

int box_seal(const struct box_public *p, const struct box_place *at,
	     struct str secret, struct buf *out, struct err *e)
{
	struct raw plain, sealed;
	struct buf place;

	if (check_size(secret, e) < 0)
		return -1;
	if (bind(&place, at, e) < 0) {
		buf_release(&place);
		return -1;
	}
	plain = raw_new(place.len + secret.n);
	sealed = raw_new(plain.size + crypto_box_SEALBYTES);
	raw_add(&plain, place.p, place.len);
	raw_add(&plain, secret.p, secret.n);
	crypto_box_seal(sealed.p, plain.p, plain.n, p->key);
	buf_printf(out, "v1$%s$", p->id);
	box_base64(out, sealed.p, sealed.size);
	raw_free(&plain);
	raw_free(&sealed);
	buf_release(&place);
	return finish(out, e);
}

/* Opens what was decoded into `sealed`, and compares the place. */
static int open_sealed(const struct box_key *k, const struct buf *place,
		       const struct raw *sealed, struct buf *out, struct err *e)
{
	struct raw plain;
	int r = 0;

	if (sealed->n < crypto_box_SEALBYTES + place->len)
		return wrong(e);
	plain = raw_new(sealed->n - crypto_box_SEALBYTES);
	if (crypto_box_seal_open(plain.p, sealed->p, sealed->n, k->public,
				 k->secret) != 0 ||
	    memcmp(plain.p, place->p, place->len) != 0)
		r = wrong(e);
	else
		buf_add(out, (char *)plain.p + place->len,
			plain.size - place->len);
	raw_free(&plain);
	return r < 0 ? r : finish(out, e);
}

int box_open(const struct box_key *k, const struct box_place *at,
	     struct str sealed, struct buf *out, struct err *e)
{
	struct raw bytes;
	struct buf place;
	struct str rest;
	int n, r;

	if (open_head(k, "v1", sealed, &rest, e) < 0)
		return -1;
	bytes = raw_new(rest.n);
	n = box_unbase64(rest, bytes.p, bytes.size);
	bytes.n = n < 0 ? 0 : (size_t)n;
	r = bind(&place, at, e);
	if (!r)
		r = open_sealed(k, &place, &bytes, out, e);
	buf_release(&place);
	raw_free(&bytes);
	return r;
}

/* --- for the key alone -------------------------------------------------------------- */

int aead_seal(const struct box_key *k, const struct box_place *at,
	      struct str secret, struct buf *out, struct err *e)
{
	unsigned char nonce[NONCE];
	unsigned long long n;
	struct raw sealed;
	struct buf place;

	if (check_size(secret, e) < 0)
		return -1;
	if (bind(&place, at, e) < 0) {
		buf_release(&place);
		return -1;
	}
	rand_bytes(nonce, sizeof(nonce));
	sealed = raw_new(secret.n + TAG);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		sealed.p, &n, (const unsigned char *)secret.p, secret.n,
		(const unsigned char *)place.p, place.len, NULL, nonce,
		k->secret);
	buf_printf(out, "a1$%s$", k->id);
	box_base64(out, nonce, sizeof(nonce));
	buf_char(out, '$');
	box_base64(out, sealed.p, (size_t)n);
	raw_free(&sealed);
	buf_release(&place);
	return finish(out, e);
}

/* nonce and sealed text, still in base64, as the two halves of *rest. */
static int open_aead(const struct box_key *k, const struct buf *place,
		     struct str rest, struct raw *plain, struct err *e)
{
	unsigned char nonce[NONCE + 1];
	struct raw bytes = raw_new(rest.n);
	unsigned long long n = 0;
	struct str first;
	int size, r = 0;

	if (!str_next(&rest, '$', &first) ||
	    box_unbase64(first, nonce, sizeof(nonce)) != NONCE ||
	    (size = box_unbase64(rest, bytes.p, bytes.size)) < 0 ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(
		    plain->p, &n, NULL, bytes.p, (unsigned long long)size,
		    (const unsigned char *)place->p, place->len, nonce,
		    k->secret) != 0)
		r = wrong(e);
	plain->n = (size_t)n;
	raw_free(&bytes);
	return r;
}

int aead_open(const struct box_key *k, const struct box_place *at,
	      struct str sealed, struct buf *out, struct err *e)
{
	struct raw plain;
	struct buf place;
	struct str rest;
	int r;

	if (open_head(k, "a1", sealed, &rest, e) < 0)
		return -1;
	plain = raw_new(rest.n);
	r = bind(&place, at, e);
	if (!r)
		r = open_aead(k, &place, rest, &plain, e);
	if (!r)
		buf_add(out, (char *)plain.p, plain.n);
	buf_release(&place);
	raw_free(&plain);
	return r < 0 ? r : finish(out, e);
}
