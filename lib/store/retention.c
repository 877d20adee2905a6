/* retention.c - see retention.h. */
#include "store/retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "sql.h"
#include "store/budget.h"
#include "store/rollup.h"

#define BATCH_LEAST 20
#define BATCH_FIRST 100
#define BATCH_MOST  1000
#define PAUSE_US    2000  /* between two transactions, for the writer */
#define LOOK_MS     60000 /* between two looks where nothing was old */

/* In meta: from when on the log and the sums are whole. */
#define KEPT_LOG   "log_kept_ms"
#define KEPT_USAGE "usage_kept_ms"

int64_t retention_kept_ms(struct db *db, struct err *e)
{
	int64_t ms = 0;

	if (db_int(db, db_bind(db, ST_RETENTION_KEPT, "s", KEPT_LOG), &ms, e) <
	    0)
		return -1;
	return ms;
}

/* The begin of the first hour that is kept; 0: all are. */
static int64_t cutoff_ms(int64_t now_ms, int64_t days)
{
	int64_t ms = now_ms - days * ROLLUP_DAY_MS;

	return days && ms > 0 ? ms - ms % ROLLUP_HOUR_MS : 0;
}

static int keep_from(struct db *db, const char *what, int64_t from_ms,
		     struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)from_ms);
	return db_run(db, db_bind(db, ST_RETENTION_KEEP, "ss", what, text), e) <
			       0 ?
		       -1 :
		       0;
}

/* --- the log ----------------------------------------------------------------- */

struct batch {
	int64_t first, last, rows;
};

static const struct db_cols batch_cols =
	DB_COLS(struct batch, DB_INT(batch, first), DB_INT(batch, last),
		DB_INT(batch, rows));

static int forget(struct db *db, const struct batch *b, struct err *e)
{
	/* what they cost before they go */
	static const int steps[] = { ST_RETENTION_COSTS, ST_RETENTION_REFUNDS,
				     ST_RETENTION_TOKENS, ST_RETENTION_DELETE };

	if (budget_forget(db, b->first, b->last, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (db_run(db, db_bind(db, steps[i], "ii", b->first, b->last),
			   e) < 0)
			return -1;
	return 0;
}

static int look_at_rows(struct db *db, int64_t until_ms, int limit,
			struct batch *b, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_RETENTION_BATCH, "id", until_ms, limit);

	return db_row(db, st, &batch_cols, b, NULL, e);
}

static int any_rows(struct db *db, int64_t until_ms, struct err *e)
{
	struct batch b = { 0 };

	return look_at_rows(db, until_ms, 1, &b, e) < 0 ? -1 : b.rows > 0;
}

/* In a transaction: how many rows, or -1. */
static int delete_rows(struct db *db, int64_t until_ms, int limit,
		       struct err *e)
{
	struct batch b = { 0 };

	if (look_at_rows(db, until_ms, limit, &b, e) < 0)
		return -1;
	if (b.rows &&
	    (forget(db, &b, e) < 0 || keep_from(db, KEPT_LOG, until_ms, e) < 0))
		return -1;
	return (int)b.rows;
}

/* --- the sums ---------------------------------------------------------------- */

static int any_hour(struct db *db, int64_t until_ms, struct err *e)
{
	int64_t hour_ms;

	if (db_int(db, db_bind(db, ST_RETENTION_HOUR, "i", until_ms), &hour_ms,
		   e) < 0)
		return -1;
	return hour_ms < until_ms;
}

/* In a transaction: the oldest hour, if it is old enough; how many, or -1. */
static int delete_hour(struct db *db, int64_t until_ms, int limit,
		       struct err *e)
{
	static const int steps[] = { ST_REBUILD_DROP_USAGE,
				     ST_REBUILD_DROP_ERRORS,
				     ST_REBUILD_DROP_TIMES };
	int64_t hour_ms;

	(void)limit;
	if (db_int(db, db_bind(db, ST_RETENTION_HOUR, "i", until_ms), &hour_ms,
		   e) < 0)
		return -1;
	if (hour_ms >= until_ms)
		return 0;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (db_run(db, db_bind(db, steps[i], "i", hour_ms), e) < 0)
			return -1;
	return keep_from(db, KEPT_USAGE, until_ms, e) < 0 ? -1 : 1;
}

/* --- both -------------------------------------------------------------------- */

struct job {
	int (*any)(struct db *db, int64_t until_ms, struct err *e);
	int (*run)(struct db *db, int64_t until_ms, int limit, struct err *e);
	int64_t until_ms;
	int64_t *done;
};

static void note(struct retention *r, int n, int64_t took_us)
{
	r->batches++;
	r->longest_us = MAX(r->longest_us, took_us);
	if (took_us > ROLLUP_LONG_US)
		log_info("retention.long", LOG_I("rows", n),
			 LOG_I("us", took_us));
	if (took_us > ROLLUP_LONG_US / 2)
		r->batch = MAX(r->batch / 2, BATCH_LEAST);
	else if (n == r->batch && took_us < ROLLUP_LONG_US / 4)
		r->batch = MIN(r->batch * 2, BATCH_MOST);
}

static int one_batch(struct db *db, const struct job *job, struct retention *r,
		     struct err *e)
{
	int64_t begin_us, took_us;
	int n = job->any(db, job->until_ms, e); /* a look takes no lock */

	if (n <= 0)
		return n;
	if (db_begin(db, e) < 0)
		return -1;
	begin_us = clock_mono_us();
	n = job->run(db, job->until_ms, r->batch, e);
	took_us = clock_mono_us() - begin_us; /* the sync is not ours to cut */
	if (n <= 0 || db_commit(db, e) < 0) {
		db_rollback(db);
		return MIN(n, e->code ? -1 : 0);
	}
	*job->done += n;
	note(r, n, took_us);
	usleep(PAUSE_US);
	return n;
}

int retention_run(struct db *db, const struct conf *conf, int64_t now_ms,
		  int64_t for_ms, struct retention *r, struct err *e)
{
	const struct job jobs[] = {
		{ any_rows, delete_rows, cutoff_ms(now_ms, conf->log_days),
		  &r->rows },
		{ any_hour, delete_hour, cutoff_ms(now_ms, conf->usage_days),
		  &r->hours },
	};
	int64_t end_ms = clock_mono_ms() + for_ms;
	int n = 1;

	if (clock_mono_ms() < r->look_ms)
		return 0;
	if (!r->batch)
		r->batch = BATCH_FIRST;
	for (size_t i = 0; n >= 0 && i < COUNT(jobs); i++) {
		n = jobs[i].until_ms > 0;
		while (n > 0 && clock_mono_ms() < end_ms)
			n = one_batch(db, &jobs[i], r, e);
	}
	if (n <= 0)
		r->look_ms = clock_mono_ms() + LOOK_MS;
	return MIN(n, 0);
}
