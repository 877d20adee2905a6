/* moves.h - money that moves without a request, and what requests give back.
 *
 * Each movement is one txn of two entries with an actor and a reason, and is
 * never changed.  Grants, top-ups and codes come from the issued account;
 * an adjustment goes either way; a refund takes from revenue.
 *
 * A txn with a ref happens once, also after its month was archived: asked for
 * the same again, the first one is the answer.
 */
#ifndef STORE_MOVES_H
#define STORE_MOVES_H

#include "base/arena.h"
#include "base/err.h"

struct db;

struct move {
	const char *kind;    /* grant, topup, redeem, adjust */
	int64_t account_id;  /* that gets it */
	int64_t amount_nusd; /* below 0, adjust only: that it loses */
	const char *actor, *reason;
	const char *ref; /* what must not happen twice; NULL: nothing */
	bool below_zero; /* adjust may take what is not there, or is held */
	bool again;      /* out: it was done before, nothing has moved */
};

/* In a transaction of its own.  The id of the txn, or -1: ERR_VALUE (an
 * amount or kind that does not go), ERR_NOT_FOUND (the account), ERR_NO_FUNDS
 * (adjust, without below_zero), ERR_EXISTS (the ref was something else). */
int64_t moves_run(struct db *db, struct move *m, struct err *e);
/* The same inside the caller's. */
int64_t moves_post(struct db *db, struct move *m, struct err *e);
/* A grant, or an adjustment where the amount is below zero; done before:
 * ERR_EXISTS. */
int64_t moves_grant(struct db *db, int64_t account_id, int64_t amount_nusd,
		    const char *actor, const char *reason, const char *ref,
		    struct err *e);

struct refund {
	const char *request_id;
	int64_t amount_nusd; /* 0: all that it cost; out: how much it was */
	const char *actor, *reason;
};

/* Gives back what a request that has ended cost, or a part of it, once: to
 * the account, the key's use and the budgets whose present window it began
 * in; the log's row and the roll-up say so.  The id of the txn, or -1:
 * ERR_NOT_FOUND, ERR_EXISTS (refunded before), ERR_VALUE (it is open, cost
 * nothing, or less). */
int64_t moves_refund(struct db *db, struct refund *r, struct err *e);

struct moves_line { /* an entry of one account */
	int64_t txn_id, at_ms;
	const char *kind, *actor, *reason, *ref;
	int64_t amount_nusd, balance_nusd; /* balance: after it */
};

/* The newest of an account, newest first, before txn before_id (0: all): how
 * many, or -1.  What is archived is not in it. */
int moves_list(struct db *db, int64_t account_id, int64_t before_id, int limit,
	       struct moves_line **out, struct arena *arena, struct err *e);

#endif
