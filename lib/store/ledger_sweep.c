/* ledger_sweep.c - what dead workers left open; see ledger.h. */
#include "base/log.h"
#include "db/db.h"
#include "sql.h"
#include "store/ledger_in.h"

struct orphan {
	int64_t id;
	const char *request_id;
	struct held h;
	int64_t progress_ms, cost_nusd;
};

static const struct db_cols orphan_cols =
	DB_COLS(struct orphan, DB_INT(orphan, id), DB_STR(orphan, request_id),
		DB_INT(orphan, h.account_id), DB_INT(orphan, h.token_id),
		DB_INT(orphan, h.reserved_nusd), DB_INT(orphan, h.started_ms),
		DB_INT(orphan, h.budgets), DB_INT(orphan, progress_ms),
		DB_INT(orphan, cost_nusd));

struct worker {
	int64_t id;
};

static const struct db_cols worker_cols =
	DB_COLS(struct worker, DB_INT(worker, id));

static int end_orphan(struct db *db, struct ledger *l, const struct orphan *o,
		      struct err *e)
{
	struct sqlite3_stmt *st;

	if (o->cost_nusd && ledger_txn(db, l, e) < 0)
		return -1;
	if (ledger_release(db, o->id, &o->h, o->cost_nusd, e) < 0)
		return -1;
	st = db_bind(db, ST_REQUEST_LOST, "ii",
		     o->cost_nusd ? l->txn_id : (int64_t)0, o->id);
	if (db_run(db, st, e) < 0)
		return -1;
	if (o->cost_nusd)
		ledger_gather(l, o->h.account_id, o->cost_nusd);
	return 0;
}

/* In a transaction: ends some of one worker's requests; how many. */
static int end_some(struct db *db, int64_t worker_id, struct orphan **rows,
		    struct arena *arena, struct err *e)
{
	struct ledger l = { .n = 0 };
	int n = db_rows(db, db_bind(db, ST_REQUEST_ORPHANS, "i", worker_id),
			&orphan_cols, rows, arena, e);

	for (int i = 0; i < n; i++)
		if (end_orphan(db, &l, &(*rows)[i], e) < 0)
			return -1;
	if (n > 0 && ledger_before_commit(db, &l, e) < 0)
		return -1;
	return n;
}

static void report(int64_t worker_id, const struct orphan *rows, int n,
		   struct ledger_swept *out)
{
	for (int i = 0; rows && i < n; i++) {
		const struct orphan *o = &rows[i];

		if (o->progress_ms)
			out->settled++;
		else
			out->voided++;
		out->cost_nusd += o->cost_nusd;
		out->released_nusd += o->h.reserved_nusd;
		log_warn("ledger.lost", LOG_S("id", o->request_id),
			 LOG_I("worker", worker_id),
			 LOG_S("end", o->progress_ms ? "settled" : "void"),
			 LOG_I("nusd", o->cost_nusd),
			 LOG_I("released_nusd", o->h.reserved_nusd));
	}
}

static int sweep_worker(struct db *db, int64_t worker_id,
			struct ledger_swept *out, struct err *e)
{
	struct orphan *rows = NULL;
	struct arena arena;
	int n;

	do {
		arena_init(&arena);
		n = db_begin(db, e);
		if (n == 0)
			n = end_some(db, worker_id, &rows, &arena, e);
		if (n >= 0 && db_commit(db, e) < 0)
			n = -1;
		if (n >= 0)
			report(worker_id, rows, n, out);
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
