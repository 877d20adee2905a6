/* idem.h - a client's Idempotency-Key: a request that must not run twice.
 *
 * A key belongs to one API key (token).  It is claimed in the transaction that
 * reserves the money, and ends in the one that settles: kept with the answer,
 * or released where nothing was answered and nothing was charged.  What became
 * of a claim whose worker died, or whose settle went through the spool, is read
 * from the request's own row: nothing has to be put right afterwards.
 */
#ifndef STORE_IDEM_H
#define STORE_IDEM_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define IDEM_HASH 32 /* bytes, SHA-256 */

/* One use of a key. */
struct idem {
	int64_t token_id;
	uint8_t key[IDEM_HASH];
	uint8_t body[IDEM_HASH]; /* of all that makes two requests the same */
	const char *request_id;  /* of this use */
};

enum idem_state {
	IDEM_FREE,     /* nobody has used it, or it was released */
	IDEM_OTHER,    /* used with another body */
	IDEM_RUNNING,  /* the first use has not ended */
	IDEM_ANSWERED, /* it has, and its answer is here */
	IDEM_DONE      /* it has, and its answer was not kept */
};

struct idem_found { /* what the first use came to */
	enum idem_state state;
	const char *request_id;
	int64_t status;    /* HTTP */
	struct str answer; /* IDEM_ANSWERED: the body */
	const char *type;  /* its content type */
};

/* since_ms: keys that were first used before count no more, unless their
 * request still runs.  0, or -1. */
int idem_look(struct db *db, const struct idem *use, int64_t since_ms,
	      struct idem_found *out, struct arena *arena, struct err *e);
/* Inside of the transaction that reserves: takes the key where it is free,
 * which out says. */
int idem_claim(struct db *db, const struct idem *use, int64_t since_ms,
	       struct idem_found *out, struct arena *arena, struct err *e);
/* Inside of the one that settles.  answer STR_NONE: it is not kept. */
int idem_keep(struct db *db, const struct idem *use, int64_t status,
	      struct str answer, const char *type, struct err *e);
int idem_release(struct db *db, const struct idem *use, struct err *e);

/* Forgets keys from before then, a batch a transaction: how many, or -1.  At
 * most some thousand at once. */
int idem_expire(struct db *db, int64_t before_ms, struct err *e);

#endif
