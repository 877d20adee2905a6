/* idem.c - see idem.h. */
#include "store/idem.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

#define BATCHES 16 /* of idem_expire at once */

struct first { /* the first use, and its request */
	const char *request_id;
	struct str body;
	int64_t created_ms, status;
	struct str answer;
	const char *type, *state, *error;
	int64_t cost_nusd;
};

static const struct db_cols first_cols = DB_COLS(
	struct first, DB_STR(first, request_id), DB_BLOB(first, body),
	DB_INT(first, created_ms), DB_INT(first, status),
	DB_BLOB(first, answer), DB_STR(first, type), DB_STR(first, state),
	DB_STR(first, error), DB_INT(first, cost_nusd));

/* Of a claim that says nothing of its end, the request's row does: the worker
 * died, or the settle went through the spool. */
static bool is_released(const struct first *f)
{
	if (f->status || !*f->state || f->cost_nusd)
		return false;
	return strcmp(f->state, "settled") || *f->error;
}

static enum idem_state state_of(const struct first *f, const struct idem *use,
				int64_t since_ms)
{
	bool running = !f->status && !strcmp(f->state, "open");

	if (!running && (f->created_ms < since_ms || is_released(f)))
		return IDEM_FREE;
	if (f->body.n != IDEM_HASH || memcmp(f->body.p, use->body, IDEM_HASH))
		return IDEM_OTHER;
	if (running)
		return IDEM_RUNNING;
	return f->answer.p ? IDEM_ANSWERED : IDEM_DONE;
}

int idem_look(struct db *db, const struct idem *use, int64_t since_ms,
	      struct idem_found *out, struct arena *arena, struct err *e)
{
	struct first f;
	int rc = db_row(db,
			db_bind(db, ST_IDEM_FIND, "ib", use->token_id, use->key,
				(size_t)IDEM_HASH),
			&first_cols, &f, arena, e);

	*out = (struct idem_found){ .state = IDEM_FREE, .request_id = NULL };
	if (rc <= 0)
		return rc;
	*out = (struct idem_found){
		.state = state_of(&f, use, since_ms),
		.request_id = f.request_id,
		.status = f.status,
		.answer = f.answer,
		.type = f.type,
	};
	return 0;
}

static int run_of(struct db *db, int st, const struct idem *use,
		  const char *request_id, struct err *e)
{
	return db_run(db,
		      db_bind(db, st, "ibs", use->token_id, use->key,
			      (size_t)IDEM_HASH, request_id),
		      e) < 0 ?
		       -1 :
		       0;
}

int idem_claim(struct db *db, const struct idem *use, int64_t since_ms,
	       struct idem_found *out, struct arena *arena, struct err *e)
{
	struct sqlite3_stmt *st;

	if (idem_look(db, use, since_ms, out, arena, e) < 0)
		return -1;
	if (out->state != IDEM_FREE)
		return 0;
	if (out->request_id &&
	    run_of(db, ST_IDEM_DROP, use, out->request_id, e) < 0)
		return -1;
	st = db_bind(db, ST_IDEM_ADD, "ibbsi", use->token_id, use->key,
		     (size_t)IDEM_HASH, use->body, (size_t)IDEM_HASH,
		     use->request_id, clock_wall_ms());
	return db_run(db, st, e) < 0 ? -1 : 0;
}

int idem_keep(struct db *db, const struct idem *use, int64_t status,
	      struct str answer, const char *type, struct err *e)
{
	struct sqlite3_stmt *st = db_bind(
		db, ST_IDEM_END, "ibsibs", status, answer.p, answer.n, type,
		use->token_id, use->key, (size_t)IDEM_HASH, use->request_id);

	return db_run(db, st, e) < 0 ? -1 : 0;
}

int idem_release(struct db *db, const struct idem *use, struct err *e)
{
	return run_of(db, ST_IDEM_DROP, use, use->request_id, e);
}

/* The look comes first: a DELETE takes the write lock also for nothing. */
int idem_expire(struct db *db, int64_t before_ms, struct err *e)
{
	int64_t oldest_ms;
	int all = 0, n, rc;

	for (int i = 0; i < BATCHES; i++) {
		rc = db_int(db, db_bind(db, ST_IDEM_OLDEST, ""), &oldest_ms, e);
		if (rc <= 0 || oldest_ms >= before_ms)
			return rc < 0 ? -1 : all;
		n = db_run(db, db_bind(db, ST_IDEM_EXPIRE, "i", before_ms), e);
		if (n < 0)
			return -1;
		all += n;
	}
	return all;
}
