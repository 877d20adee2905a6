/* ledger.c - see ledger.h. */
#include "store/ledger.h"

#include <assert.h>

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

/* --- what one commit gathers ------------------------------------------------- */

static void gather(struct ledger *l, int64_t account_id, int64_t amount_nusd)
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

/* Who asks holds the write lock, so the number is ours until the commit. */
static int txn_of(struct db *db, struct ledger *l, struct err *e)
{
	if (l->txn_id)
		return 0;
	return db_int(db, db_bind(db, ST_TXN_NEXT, ""), &l->txn_id, e) < 0 ?
		       -1 :
		       0;
}

/* --- reserve ------------------------------------------------------------------ */

/* Undone by the operation's savepoint where the second says no. */
static int hold(struct db *db, int64_t account_id, int64_t token_id,
		int64_t amount_nusd, struct err *e)
{
	int n;

	if (amount_nusd == 0)
		return 0;
	n = db_run(db,
		   db_bind(db, ST_ACCOUNT_HOLD, "ii", amount_nusd, account_id),
		   e);
	if (n <= 0)
		return n ? -1 :
			   err_set(e, ERR_NO_FUNDS,
				   "You exceeded your current quota: the "
				   "balance does not cover this request. Ask "
				   "your administrator for a grant, or ask "
				   "for fewer tokens.");
	if (token_id == 0)
		return 0;
	n = db_run(db, db_bind(db, ST_TOKEN_HOLD, "ii", amount_nusd, token_id),
		   e);
	if (n <= 0)
		return n ? -1 :
			   err_set(e, ERR_NO_FUNDS,
				   "You exceeded your current quota: the "
				   "limit of this key does not cover this "
				   "request. Raise the key's limit, use "
				   "another key, or ask for fewer tokens.");
	return 0;
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

static int run_reserve(struct db *db, struct write_op *op, struct err *e)
{
	struct request *r = ((struct reserve_op *)op)->row;

	if (hold(db, r->account_id, r->token_id, r->reserved_nusd, e) < 0)
		return -1;
	r->id = db_insert(db, db_bind_row(db, ST_REQUEST_OPEN, &open_cols, r),
			  e);
	return r->id < 0 ? -1 : 0;
}

void reserve_op_init(struct reserve_op *op, struct request *row,
		     int64_t deadline_ms)
{
	assert(row->reserved_nusd >= 0);
	*op = (struct reserve_op){
		.op = { .run = run_reserve, .deadline_ms = deadline_ms },
		.row = row,
	};
}

static int run_extend(struct db *db, struct write_op *op, struct err *e)
{
	struct extend_op *x = (struct extend_op *)op;
	int n;

	if (hold(db, x->account_id, x->token_id, x->amount_nusd, e) < 0)
		return -1;
	n = db_run(db,
		   db_bind(db, ST_REQUEST_EXTEND, "ii", x->amount_nusd, x->id),
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
		.id = row->id,
		.account_id = row->account_id,
		.token_id = row->token_id,
		.amount_nusd = amount_nusd,
	};
}

/* --- settle ------------------------------------------------------------------- */

struct held { /* what an open request holds */
	int64_t account_id, token_id, reserved_nusd;
};

static const struct db_cols held_cols =
	DB_COLS(struct held, DB_INT(held, account_id), DB_INT(held, token_id),
		DB_INT(held, reserved_nusd));

static int release(struct db *db, const struct held *h, int64_t cost_nusd,
		   struct err *e)
{
	int n;

	if (h->reserved_nusd == 0 && cost_nusd == 0)
		return 0;
	n = db_run(db,
		   db_bind(db, ST_ACCOUNT_SETTLE, "iii", h->reserved_nusd,
			   cost_nusd, h->account_id),
		   e);
	if (n <= 0)
		return n ? -1 : err_set(e, ERR_DB, "internal error");
	if (h->token_id == 0)
		return 0;
	n = db_run(db,
		   db_bind(db, ST_TOKEN_SETTLE, "iii", h->reserved_nusd,
			   cost_nusd, h->token_id),
		   e);
	return n > 0 ? 0 : n ? -1 : err_set(e, ERR_DB, "internal error");
}

static const struct db_cols settle_cols =
	DB_COLS(struct request, DB_STR(request, state),
		DB_INT(request, channel_id), DB_STR(request, provider),
		DB_STR(request, model_served), DB_INT(request, prompt_tok),
		DB_INT(request, cached_tok), DB_INT(request, completion_tok),
		DB_INT(request, reasoning_tok), DB_STR(request, source),
		DB_INT(request, cost_nusd), DB_INT(request, overshoot),
		DB_INT(request, price_id), DB_INT(request, txn_id),
		DB_INT(request, status), DB_STR(request, error),
		DB_INT(request, attempts), DB_STR(request, attempts_json),
		DB_INT(request, first_token_ms), DB_INT(request, total_ms),
		DB_STR(request, service_tier), DB_STR(request, usage),
		DB_STR(request, usage_raw), DB_STR(request, usage_flag),
		DB_STR(request, lines), DB_INT(request, upstream_nusd),
		DB_INT(request, stopped), DB_INT(request, id));

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
	if (r->cost_nusd && txn_of(db, s->ledger, e) < 0)
		return -1;
	r->state = is_void(r) ? "void" : "settled";
	r->reserved_nusd = h.reserved_nusd;
	r->overshoot = r->cost_nusd > h.reserved_nusd;
	r->txn_id = r->cost_nusd ? s->ledger->txn_id : 0;
	if (release(db, &h, r->cost_nusd, e) < 0 ||
	    db_run(db, db_bind_row(db, ST_REQUEST_SETTLE, &settle_cols, r), e) <
		    0)
		return -1;
	if (r->cost_nusd) /* last: what is gathered stays gathered */
		gather(s->ledger, h.account_id, r->cost_nusd);
	return 0;
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
		DB_INT(request, worker_id));

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
	struct sqlite3_stmt *st =
		db_bind(db, ST_REQUEST_PROGRESS, "iiiii", clock_wall_ms(),
			p->prompt_tok, p->completion_tok, p->cost_nusd, p->id);

	return db_run(db, st, e) < 0 ? -1 : 0; /* 0: it has ended meanwhile */
}

void progress_op_init(struct progress_op *op, int64_t id)
{
	*op = (struct progress_op){ .op = { .run = run_progress }, .id = id };
}

/* --- the sweep ---------------------------------------------------------------- */

struct orphan {
	int64_t id;
	struct held h;
	int64_t progress_ms, cost_nusd;
};

static const struct db_cols orphan_cols =
	DB_COLS(struct orphan, DB_INT(orphan, id), DB_INT(orphan, h.account_id),
		DB_INT(orphan, h.token_id), DB_INT(orphan, h.reserved_nusd),
		DB_INT(orphan, progress_ms), DB_INT(orphan, cost_nusd));

struct worker {
	int64_t id;
};

static const struct db_cols worker_cols =
	DB_COLS(struct worker, DB_INT(worker, id));

static int end_orphan(struct db *db, struct ledger *l, const struct orphan *o,
		      struct err *e)
{
	struct sqlite3_stmt *st;

	if (o->cost_nusd && txn_of(db, l, e) < 0)
		return -1;
	if (release(db, &o->h, o->cost_nusd, e) < 0)
		return -1;
	st = db_bind(db, ST_REQUEST_LOST, "ii",
		     o->cost_nusd ? l->txn_id : (int64_t)0, o->id);
	if (db_run(db, st, e) < 0)
		return -1;
	if (o->cost_nusd)
		gather(l, o->h.account_id, o->cost_nusd);
	return 0;
}

/* In a transaction: ends some of one worker's requests; how many. */
static int end_some(struct db *db, int64_t worker_id, struct ledger_swept *out,
		    struct arena *arena, struct err *e)
{
	struct ledger l = { .n = 0 };
	struct orphan *rows;
	int n = db_rows(db, db_bind(db, ST_REQUEST_ORPHANS, "i", worker_id),
			&orphan_cols, &rows, arena, e);

	for (int i = 0; i < n; i++) {
		if (end_orphan(db, &l, &rows[i], e) < 0)
			return -1;
		if (rows[i].progress_ms)
			out->settled++;
		else
			out->voided++;
		out->cost_nusd += rows[i].cost_nusd;
		out->released_nusd += rows[i].h.reserved_nusd;
	}
	if (n > 0 && ledger_before_commit(db, &l, e) < 0)
		return -1;
	return n;
}

static int sweep_worker(struct db *db, int64_t worker_id,
			struct ledger_swept *out, struct err *e)
{
	struct ledger_swept now;
	struct arena arena;
	int n;

	do {
		now = *out;
		arena_init(&arena);
		n = db_begin(db, e);
		if (n == 0)
			n = end_some(db, worker_id, &now, &arena, e);
		if (n >= 0 && db_commit(db, e) < 0)
			n = -1;
		if (n >= 0)
			*out = now;
		else
			db_rollback(db);
		arena_release(&arena);
	} while (n > 0);
	return n;
}

static bool is_live(int64_t id, const int64_t *live, int n_live)
{
	for (int i = 0; i < n_live; i++)
		if (live[i] == id)
			return true;
	return false;
}

int ledger_sweep(struct db *db, const int64_t *live, int n_live,
		 struct ledger_swept *out, struct err *e)
{
	struct arena arena;
	struct worker *all;
	int n, rc = 0;

	*out = (struct ledger_swept){ .settled = 0 };
	arena_init(&arena);
	n = db_rows(db, db_bind(db, ST_REQUEST_WORKERS, ""), &worker_cols, &all,
		    &arena, e);
	for (int i = 0; i < n && rc == 0; i++)
		if (!is_live(all[i].id, live, n_live))
			rc = sweep_worker(db, all[i].id, out, e);
	arena_release(&arena);
	return n < 0 ? -1 : rc;
}
