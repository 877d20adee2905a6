/* ledger.h - where money moves.
 *
 * A request holds an amount when it begins (reserve) and costs one when it
 * ends (settle).  A hold is no movement: account.held_nusd is the sum of the
 * account's open requests.  What settles in one commit is posted as one txn
 * with an entry for each account, and every txn sums to zero.
 *
 * The operations are run by db/writer.h: embed, fill in, writer_put(), and
 * look at op.err when it comes back.  The row and its texts must live until
 * then, and are not touched meanwhile.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "db/writer.h"
#include "store/request.h"

struct db;

#define LEDGER_ISSUED   1 /* accounts that are always there */
#define LEDGER_REVENUE  2
#define LEDGER_OPERATOR 3   /* pays for probes */
#define LEDGER_ACCOUNTS 512 /* that one commit may touch */

/* What one commit gathers; the writer's hooks post it. */
struct ledger {
	int64_t txn_id; /* 0: nothing has settled in this commit yet */
	int n;
	struct ledger_amount {
		int64_t account_id, amount_nusd;
	} amounts[LEDGER_ACCOUNTS];
};

/* For struct writer_conf: arg is the struct ledger. */
int ledger_before_commit(struct db *db, void *ledger, struct err *e);
void ledger_after(void *ledger, bool committed);

/* What else belongs in the transaction of an operation, if it has its way: run
 * before it, and undone with it.  What this refuses is refused. */
struct ledger_also {
	int (*run)(struct db *db, void *arg, struct err *e); /* NULL: nothing */
	void *arg;
};

/* Holds row->reserved_nusd of the account, the key and all budgets and inserts
 * the row as open; sets row->id.  Where not so much is left, but least_nusd
 * is, holds all that is left and sets row->reserved_nusd to it.  ERR_NO_FUNDS:
 * less than that, nothing held, no row; the message says which limit.  0
 * always succeeds: a free model.  Columns of the end are ignored. */
struct reserve_op {
	struct write_op op;
	struct ledger_also also;
	struct request *row;
	int64_t least_nusd; /* 1 to row->reserved_nusd; init: all of it */
	int64_t now_ms;     /* whose windows count; 0: when it runs */
};
void reserve_op_init(struct reserve_op *op, struct request *row,
		     int64_t deadline_ms);

/* Holds so much more for an open request, or what is left, if that is at
 * least least_nusd; got_nusd says how much.  ERR_NO_FUNDS: it is as it was. */
struct extend_op {
	struct write_op op;
	const struct request *row; /* as it was reserved */
	int64_t amount_nusd;
	int64_t least_nusd; /* 1 to amount_nusd; init: all of it */
	int64_t now_ms;     /* as above */
	int64_t got_nusd;
};
void extend_op_init(struct extend_op *op, const struct request *row,
		    int64_t amount_nusd, int64_t deadline_ms);

/* Ends an open request: releases what the database says it holds, takes
 * row->cost_nusd even below zero, completes the row as settled, or as void
 * where row->state says so and the cost is 0.  A request that has ended is
 * left as it is.  Sets row->overshoot. */
struct settle_op {
	struct write_op op;
	struct ledger *ledger;
	struct request *row;
	struct ledger_also also;
};
void settle_op_init(struct settle_op *op, struct ledger *ledger,
		    struct request *row, int64_t deadline_ms);

/* The one row of a request that was refused and held nothing. */
struct refuse_op {
	struct write_op op;
	struct request *row;
};
void refuse_op_init(struct refuse_op *op, struct request *row);

/* A note of what an open request has delivered and would cost by now, with the
 * lines that explain it: what a sweep charges. */
struct progress_op {
	struct write_op op;
	int64_t id, prompt_tok, completion_tok, cost_nusd;
	const char *usage, *lines;    /* as in struct request; init: "" */
	int64_t channel_id, price_id; /* that serves; of what serves */
	const char *provider, *model_served;
	int64_t upstream_nusd;
};
void progress_op_init(struct progress_op *op, int64_t id);

struct ledger_swept {
	int64_t settled, voided; /* from a note; without one */
	int64_t cost_nusd, released_nusd;
};

/* Ends the open requests of workers that are not alive, as lost: at what
 * their last note says, else at nothing. */
int ledger_sweep(struct db *db, const int64_t *live, int n_live,
		 struct ledger_swept *out, struct err *e);

#endif
