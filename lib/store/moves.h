/* moves.h - money that moves without a request: granted, taken back.
 *
 * Each movement is one txn of two entries with an actor and a reason, and is
 * never changed.  A txn with a ref happens once.
 */
#ifndef STORE_MOVES_H
#define STORE_MOVES_H

#include "base/err.h"

struct db;

/* Moves money from the issued account to another in a txn of its own, out of
 * a negative amount back (kind adjust).  ref: what must not happen twice
 * (ERR_EXISTS), or NULL.  The id of the txn, or -1. */
int64_t moves_grant(struct db *db, int64_t account_id, int64_t amount_nusd,
		    const char *actor, const char *reason, const char *ref,
		    struct err *e);

#endif
