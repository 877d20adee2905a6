/* job.c - see job.h. */
#include "store/job.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

static const struct db_cols cols = DB_COLS(
	struct job, DB_INT(job, id), DB_STR(job, kind), DB_INT(job, channel_id),
	DB_STR(job, args), DB_STR(job, state), DB_STR(job, result),
	DB_INT(job, created_ms), DB_INT(job, taken_by), DB_INT(job, taken_ms),
	DB_INT(job, done_ms));

int64_t job_add(struct db *db, const char *kind, int64_t channel_id,
		const char *args, struct err *e)
{
	return db_insert(db,
			 db_bind(db, ST_JOB_ADD, "sisi", kind, channel_id, args,
				 clock_wall_ms()),
			 e);
}

int job_get(struct db *db, int64_t id, struct job *j, struct arena *arena,
	    struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_JOB_GET, "i", id), &cols, j, arena,
			e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no job %lld",
			    (long long)id);
}

int job_waits(struct db *db, struct err *e)
{
	int64_t any;

	if (db_int(db, db_bind(db, ST_JOB_WAITS, ""), &any, e) < 0)
		return -1;
	return any != 0;
}

/* Taken between the look and the UPDATE by somebody else: 0. */
static int take(struct db *db, int64_t id, int64_t worker_id, int64_t before_ms,
		struct job *j, struct arena *arena, struct err *e)
{
	int n = db_run(db,
		       db_bind(db, ST_JOB_TAKE, "iiii", worker_id,
			       clock_wall_ms(), id, before_ms),
		       e);

	if (n <= 0)
		return n;
	return job_get(db, id, j, arena, e) < 0 ? -1 : 1;
}

int job_take(struct db *db, int64_t worker_id, int64_t stale_ms, struct job *j,
	     struct arena *arena, struct err *e)
{
	int64_t before_ms = clock_wall_ms() - stale_ms, id;
	int rc = db_int(db, db_bind(db, ST_JOB_NEXT, "i", before_ms), &id, e);

	return rc <= 0 ? rc : take(db, id, worker_id, before_ms, j, arena, e);
}

int job_take_id(struct db *db, int64_t id, int64_t worker_id, struct job *j,
		struct arena *arena, struct err *e)
{
	return take(db, id, worker_id, 0, j, arena, e);
}

int job_done(struct db *db, int64_t id, const char *result, struct err *e)
{
	int n = db_run(
		db,
		db_bind(db, ST_JOB_DONE, "sii", result, clock_wall_ms(), id),
		e);

	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "there is no open job %lld",
			   (long long)id);
}
