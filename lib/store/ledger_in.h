/* ledger_in.h - what ledger.c, ledger_sweep.c and spool.c share. */
#ifndef STORE_LEDGER_IN_H
#define STORE_LEDGER_IN_H

#include "store/ledger.h"

enum {
	HELD_NO_BUDGET,
	HELD_BUDGETS,
	HELD_OLD_WINDOW /* of some, to be rolled before */
};

struct held { /* what an open request holds, of whom */
	int64_t account_id, token_id, reserved_nusd, started_ms, budgets;
};

/* The row of a settle operation; NULL: it is another one. */
const struct request *ledger_settle_row(const struct write_op *op);
/* The number of the txn of this commit: who asks holds the write lock. */
int ledger_txn(struct db *db, struct ledger *l, struct err *e);
/* A cost for the txn of this commit. */
void ledger_gather(struct ledger *l, int64_t account_id, int64_t amount_nusd);
/* Gives back what an open request holds, and takes what it cost.  Before its
 * row changes. */
int ledger_release(struct db *db, int64_t id, const struct held *h,
		   int64_t cost_nusd, struct err *e);

#endif
