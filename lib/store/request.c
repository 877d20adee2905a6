/* request.c - see request.h. */
#include "store/request.h"

#include "db/db.h"
#include "sql.h"

#define LIST_DEFAULT 50
#define UNORDERLY_MS 600000 /* rows are in order of start within this */

static const struct db_cols cols = DB_COLS(
	struct request, DB_INT(request, id), DB_STR(request, request_id),
	DB_STR(request, state), DB_INT(request, started_ms),
	DB_INT(request, user_id), DB_INT(request, account_id),
	DB_INT(request, token_id), DB_INT(request, channel_id),
	DB_STR(request, endpoint), DB_STR(request, provider),
	DB_STR(request, model_asked), DB_STR(request, model_served),
	DB_INT(request, stream), DB_INT(request, prompt_tok),
	DB_INT(request, cached_tok), DB_INT(request, completion_tok),
	DB_INT(request, reasoning_tok), DB_STR(request, source),
	DB_INT(request, reserved_nusd), DB_INT(request, cost_nusd),
	DB_INT(request, overshoot), DB_INT(request, price_id),
	DB_INT(request, txn_id), DB_INT(request, refunded_nusd),
	DB_INT(request, refund_txn_id), DB_INT(request, status),
	DB_STR(request, error), DB_INT(request, attempts),
	DB_STR(request, attempts_json), DB_INT(request, first_token_ms),
	DB_INT(request, total_ms), DB_STR(request, address),
	DB_INT(request, worker_id), DB_INT(request, progress_ms),
	DB_INT(request, progress_prompt_tok),
	DB_INT(request, progress_completion_tok),
	DB_INT(request, progress_cost_nusd), DB_STR(request, group),
	DB_INT(request, factor_ppm), DB_STR(request, service_tier),
	DB_STR(request, usage), DB_STR(request, usage_raw),
	DB_STR(request, usage_flag), DB_STR(request, lines),
	DB_INT(request, upstream_nusd), DB_INT(request, stopped),
	DB_STR(request, route), DB_STR(request, user), DB_STR(request, token),
	DB_STR(request, channel));

/* The first row that may have begun at the time or later: by halving, since
 * rows are nearly in order of time.  Saves an index that every request would
 * have to write. */
static int first_since(struct db *db, int64_t since_ms, int64_t *first,
		       struct err *e)
{
	int64_t lo = 1, hi, mid, at_ms;
	int rc;

	*first = 1;
	if (since_ms <= 0)
		return 0;
	if (db_int(db, db_bind(db, ST_REQUEST_NEWEST, ""), &hi, e) < 0)
		return -1;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		rc = db_int(db, db_bind(db, ST_REQUEST_START_AT, "i", mid),
			    &at_ms, e);
		if (rc < 0)
			return -1;
		if (rc && at_ms < since_ms - UNORDERLY_MS)
			lo = mid + 1;
		else
			hi = mid;
	}
	*first = lo;
	return 0;
}

/* The three differ in the index that finds the rows. */
static int list_stmt(const struct request_filter *f)
{
	if (f->token_id)
		return ST_REQUEST_LIST_TOKEN;
	return f->user_id ? ST_REQUEST_LIST_USER : ST_REQUEST_LIST;
}

static const char *text(const char *s)
{
	return s ? s : "";
}

int request_list(struct db *db, const struct request_filter *f,
		 struct request **out, struct arena *arena, struct err *e)
{
	int64_t before = f->before_id ? f->before_id : INT64_MAX, first;
	int limit = f->limit > 0 ? f->limit : LIST_DEFAULT;
	struct sqlite3_stmt *st;

	if (first_since(db, f->since_ms, &first, e) < 0)
		return -1;
	st = db_bind(db, list_stmt(f), "iiiisssiid", before, first, f->since_ms,
		     f->channel_id, text(f->model), text(f->state),
		     text(f->error), f->user_id, f->token_id,
		     MIN(limit, REQUEST_LIST_MAX));
	return db_rows(db, st, &cols, out, arena, e);
}

int request_find(struct db *db, const char *request_id, struct request *r,
		 struct arena *arena, struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_REQUEST_FIND, "s", request_id),
			&cols, r, arena, e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no request %s",
			    request_id);
}
