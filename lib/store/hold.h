/* hold.h - money that open requests may still need: of the account, of the
 * key and of every budget that concerns them, all or nothing.
 *
 * Each limit is one conditional UPDATE, so two requests never hold the same
 * dollar.  Inside a transaction of the caller's; only ledger.h's operations
 * call it, which keep the sums equal to the rows of open requests.
 */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

#include "base/err.h"

struct db;

struct hold_of {                               /* whose limits */
	int64_t account_id, token_id, user_id; /* 0: none */
	const char *group;                     /* when the request began */
};

/* Holds amount_nusd, or as much as all limits leave, if that is at least
 * least_nusd: how much, or -1 (ERR_NO_FUNDS: the message says which limit,
 * what it has left, and when it renews).  0 always succeeds. */
int64_t hold_take(struct db *db, const struct hold_of *of, int64_t amount_nusd,
		  int64_t least_nusd, int64_t now_ms, struct err *e);

/* A limit, and what it leaves. */
struct hold_left {
	const char *scope, *period; /* "account"; as of struct budget */
	int64_t held_nusd, left_nusd, end_ms;
};

/* Sets ERR_NO_FUNDS in the words of hold_take(), for who finds out before. */
int hold_refuse(const struct hold_left *l, int64_t wanted_nusd, struct err *e);

#endif
