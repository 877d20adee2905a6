/* ledger.c - see ledger.h. */
#include "store/ledger.h"

#include <assert.h>

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/budget.h"
#include "store/hold.h"
#include "store/ledger_in.h"

/* --- what one commit gathers ------------------------------------------------- */

void ledger_gather(struct ledger *l, int64_t account_id, int64_t amount_nusd)
{
	int i = 0;

	while (i < l->n && l->amounts[i].account_id != account_id)
		i++;
	assert(i < LEDGER_ACCOUNTS);
	if (i == l->n)
		l->amounts[l->n++] =
			(struct ledger_amount){ .account_id = account_id };
	l->amounts[i].amount_nusd += amount_nusd;
}

static int entry(struct db *db, int64_t txn_id, int64_t account_id,
		 int64_t amount_nusd, struct err *e)
{
	return db_run(db,
		      db_bind(db, ST_ENTRY_ADD, "iii", txn_id, account_id,
			      amount_nusd),
		      e);
}

static int move(struct db *db, int64_t account_id, int64_t amount_nusd,
		struct err *e)
{
	int n = db_run(
		db, db_bind(db, ST_ACCOUNT_ADD, "ii", amount_nusd, account_id),
		e);

	return n ? n :
		   err_set(e, ERR_NOT_FOUND, "there is no account %lld",
			   (long long)account_id);
}

/* The accounts' own balances have moved with each settle. */
int ledger_before_commit(struct db *db, void *ledger, struct err *e)
{
	struct ledger *l = ledger;
	int64_t total_nusd = 0;
	struct sqlite3_stmt *st;

	if (!l->n)
		return 0;
	st = db_bind(db, ST_TXN_ADD, "isisss", l->txn_id, "settle",
		     clock_wall_ms(), "", "", NULL);
	if (db_run(db, st, e) < 0)
		return -1;
	for (int i = 0; i < l->n; i++) {
		if (entry(db, l->txn_id, l->amounts[i].account_id,
			  -l->amounts[i].amount_nusd, e) < 0)
			return -1;
		total_nusd += l->amounts[i].amount_nusd;
	}
	if (entry(db, l->txn_id, LEDGER_REVENUE, total_nusd, e) < 0)
		return -1;
	return move(db, LEDGER_REVENUE, total_nusd, e) < 0 ? -1 : 0;
}

void ledger_after(void *ledger, bool committed)
{
	struct ledger *l = ledger;

	(void)committed; /* posted or rolled back: gone either way */
	l->txn_id = 0;
	l->n = 0;
}

int ledger_txn(struct db *db, struct ledger *l, struct err *e)
{
	if (l->txn_id)
		return 0;
	return db_int(db, db_bind(db, ST_TXN_NEXT, ""), &l->txn_id, e) < 0 ?
		       -1 :
		       0;
}

/* --- reserve ------------------------------------------------------------------ */

static int64_t at_ms(int64_t given_ms)
{
	return given_ms ? given_ms : clock_wall_ms();
}

static struct hold_of holder(const struct request *r)
{
	return (struct hold_of){ r->account_id, r->token_id, r->user_id,
				 r->group };
}

static const struct db_cols open_cols =
	DB_COLS(struct request, DB_STR(request, request_id),
		DB_INT(request, started_ms), DB_INT(request, user_id),
		DB_INT(request, account_id), DB_INT(request, token_id),
		DB_STR(request, endpoint), DB_STR(request, provider),
		DB_STR(request, model_asked), DB_INT(request, stream),
		DB_INT(request, reserved_nusd), DB_INT(request, price_id),
		DB_STR(request, address), DB_INT(request, worker_id),
		DB_STR(request, group), DB_INT(request, factor_ppm));

static int run_also(struct db *db, const struct ledger_also *also,
		    struct err *e)
{
	return also->run ? also->run(db, also->arg, e) : 0;
}

static int hold_and_open(struct db *db, struct reserve_op *o, struct err *e)
{
	struct request *r = o->row;
	const struct hold_of of = holder(r);
	int64_t held_nusd = hold_take(db, &of, r->reserved_nusd, o->least_nusd,
				      at_ms(o->now_ms), e);

	if (held_nusd < 0)
		return -1;
	r->reserved_nusd = held_nusd;
	r->id = db_insert(db, db_bind_row(db, ST_REQUEST_OPEN, &open_cols, r),
			  e);
	return r->id < 0 ? -1 : 0;
}

static int run_reserve(struct db *db, struct write_op *op, struct err *e)
{
	struct reserve_op *o = (struct reserve_op *)op;

	return run_also(db, &o->also, e) < 0 ? -1 : hold_and_open(db, o, e);
}

void reserve_op_init(struct reserve_op *op, struct request *row,
		     int64_t deadline_ms)
{
	assert(row->reserved_nusd >= 0);
	*op = (struct reserve_op){
		.op = { .run = run_reserve, .deadline_ms = deadline_ms },
		.row = row,
		.least_nusd = row->reserved_nusd,
	};
}

static int run_extend(struct db *db, struct write_op *op, struct err *e)
{
	struct extend_op *x = (struct extend_op *)op;
	const struct hold_of of = holder(x->row);
	int n;

	x->got_nusd = hold_take(db, &of, x->amount_nusd, x->least_nusd,
				at_ms(x->now_ms), e);
	if (x->got_nusd < 0)
		return -1;
	n = db_run(
		db,
		db_bind(db, ST_REQUEST_EXTEND, "ii", x->got_nusd, x->row->id),
		e);
	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "the request has ended");
}

void extend_op_init(struct extend_op *op, const struct request *row,
		    int64_t amount_nusd, int64_t deadline_ms)
{
	assert(amount_nusd >= 0);
	*op = (struct extend_op){
		.op = { .run = run_extend, .deadline_ms = deadline_ms },
		.row = row,
		.amount_nusd = amount_nusd,
		.least_nusd = amount_nusd,
	};
}

/* --- settle ------------------------------------------------------------------- */

static const struct db_cols held_cols =
	DB_COLS(struct held, DB_INT(held, account_id), DB_INT(held, token_id),
		DB_INT(held, reserved_nusd), DB_INT(held, started_ms),
		DB_INT(held, budgets));

static int of_account(struct db *db, const struct held *h, int64_t cost_nusd,
		      struct err *e)
{
	return db_run(db,
		      db_bind(db, ST_ACCOUNT_SETTLE, "iii", h->reserved_nusd,
			      cost_nusd, h->account_id),
		      e);
}

static int of_token(struct db *db, const struct held *h, int64_t cost_nusd,
		    struct err *e)
{
	if (h->token_id == 0)
		return 1;
	return db_run(db,
		      db_bind(db, ST_TOKEN_SETTLE, "iii", h->reserved_nusd,
			      cost_nusd, h->token_id),
		      e);
}

static int of_budgets(struct db *db, int64_t id, const struct held *h,
		      int64_t cost_nusd, struct err *e)
{
	if (h->budgets == HELD_NO_BUDGET)
		return 1;
	if (h->budgets == HELD_OLD_WINDOW &&
	    budget_roll_request(db, id, h->started_ms, e) < 0)
		return -1;
	return budget_settle(db, id, h, cost_nusd, e);
}

int ledger_release(struct db *db, int64_t id, const struct held *h,
		   int64_t cost_nusd, struct err *e)
{
	int n;

	if (h->reserved_nusd == 0 && cost_nusd == 0)
		return 0;
	n = of_account(db, h, cost_nusd, e);
	if (n > 0)
		n = of_token(db, h, cost_nusd, e);
	if (n > 0)
		n = of_budgets(db, id, h, cost_nusd, e);
	return n > 0 ? 0 : n ? -1 : err_set(e, ERR_DB, "internal error");
}

static const struct db_col settle_col[] = {
#define S(field) DB_STR(request, field),
#define I(field) DB_INT(request, field),
#include "store/settle.def"
#undef S
#undef I
};

static const struct db_cols settle_cols = { settle_col, COUNT(settle_col),
					    sizeof(struct request) };

static bool is_void(const struct request *r)
{
	return r->cost_nusd == 0 && r->state && !strcmp(r->state, "void");
}

static int run_settle(struct db *db, struct write_op *op, struct err *e)
{
	struct settle_op *s = (struct settle_op *)op;
	struct request *r = s->row;
	struct held h;
	int rc = db_row(db, db_bind(db, ST_REQUEST_HELD, "i", r->id),
			&held_cols, &h, NULL, e);

	if (rc <= 0)
		return rc; /* it has ended: once is enough */
	if (run_also(db, &s->also, e) < 0)
		return -1;
	if (r->cost_nusd && ledger_txn(db, s->ledger, e) < 0)
		return -1;
	r->state = is_void(r) ? "void" : "settled";
	r->reserved_nusd = h.reserved_nusd;
	r->overshoot = r->cost_nusd > h.reserved_nusd;
	r->txn_id = r->cost_nusd ? s->ledger->txn_id : 0;
	if (ledger_release(db, r->id, &h, r->cost_nusd, e) < 0 ||
	    db_run(db, db_bind_row(db, ST_REQUEST_SETTLE, &settle_cols, r), e) <
		    0)
		return -1;
	if (r->cost_nusd) /* last: what is gathered stays gathered */
		ledger_gather(s->ledger, h.account_id, r->cost_nusd);
	return 0;
}

const struct request *ledger_settle_row(const struct write_op *op)
{
	return op->run == run_settle ? ((const struct settle_op *)op)->row :
				       NULL;
}

void settle_op_init(struct settle_op *op, struct ledger *ledger,
		    struct request *row, int64_t deadline_ms)
{
	assert(row->cost_nusd >= 0);
	*op = (struct settle_op){
		.op = { .run = run_settle,
			.deadline_ms = deadline_ms,
			.keep = true },
		.ledger = ledger,
		.row = row,
	};
}

/* --- rows without money --------------------------------------------------------- */

static const struct db_cols refuse_cols =
	DB_COLS(struct request, DB_STR(request, request_id),
		DB_INT(request, started_ms), DB_INT(request, user_id),
		DB_INT(request, account_id), DB_INT(request, token_id),
		DB_INT(request, channel_id), DB_STR(request, endpoint),
		DB_STR(request, provider), DB_STR(request, model_asked),
		DB_INT(request, stream), DB_INT(request, price_id),
		DB_INT(request, status), DB_STR(request, error),
		DB_INT(request, attempts), DB_STR(request, attempts_json),
		DB_INT(request, total_ms), DB_STR(request, address),
		DB_INT(request, worker_id), DB_STR(request, route));

static int run_refuse(struct db *db, struct write_op *op, struct err *e)
{
	struct request *r = ((struct refuse_op *)op)->row;

	r->id = db_insert(
		db, db_bind_row(db, ST_REQUEST_REFUSE, &refuse_cols, r), e);
	return r->id < 0 ? -1 : 0;
}

void refuse_op_init(struct refuse_op *op, struct request *row)
{
	*op = (struct refuse_op){ .op = { .run = run_refuse }, .row = row };
}

static int run_progress(struct db *db, struct write_op *op, struct err *e)
{
	struct progress_op *p = (struct progress_op *)op;
	struct sqlite3_stmt *st = db_bind(
		db, ST_REQUEST_PROGRESS, "iiiissiissii", clock_wall_ms(),
		p->prompt_tok, p->completion_tok, p->cost_nusd, p->usage,
		p->lines, p->channel_id, p->price_id, p->provider,
		p->model_served, p->upstream_nusd, p->id);

	return db_run(db, st, e) < 0 ? -1 : 0; /* 0: it has ended meanwhile */
}

void progress_op_init(struct progress_op *op, int64_t id)
{
	*op = (struct progress_op){ .op = { .run = run_progress },
				    .id = id,
				    .usage = "",
				    .lines = "",
				    .provider = "",
				    .model_served = "" };
}
