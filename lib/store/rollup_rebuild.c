/* rollup_rebuild.c - the sums made anew of the log; see rollup.h.
 *
 * Summing up an hour can take seconds, for which nobody may wait.  So the log
 * is read in a read transaction, and the sums are written in short ones; what
 * could change between the two is kept out by the lock (roll-ups, deletion)
 * or noticed (refunds).
 */
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "sql.h"
#include "store/retention.h"
#include "store/rollup.h"

#define WEEK_MS  (7 * ROLLUP_DAY_MS)
#define TRIES    5
#define PAUSE_US 1000

struct hour_sum {
	int64_t hour_ms, user_id, token_id, channel_id;
	const char *model, *what; /* what: the error, or which duration */
	int64_t bucket, requests, streams, refused, failed, gone, lost;
	int64_t prompt_tok, cached_tok, completion_tok, reasoning_tok;
#define X(kind) int64_t kind;
	ROLLUP_KINDS(X)
#undef X
	int64_t cost_nusd, upstream_nusd, refunded_nusd, total_ms, first_ms;
};

#define H_INT(field) DB_INT(hour_sum, field)
#define X(kind)      H_INT(kind),
static const struct db_cols usage_cols =
	DB_COLS(struct hour_sum, H_INT(hour_ms), H_INT(user_id),
		H_INT(token_id), H_INT(channel_id), DB_STR(hour_sum, model),
		H_INT(requests), H_INT(streams), H_INT(refused), H_INT(failed),
		H_INT(gone), H_INT(lost), H_INT(prompt_tok), H_INT(cached_tok),
		H_INT(completion_tok), H_INT(reasoning_tok),
		ROLLUP_KINDS(X) H_INT(cost_nusd), H_INT(upstream_nusd),
		H_INT(refunded_nusd), H_INT(total_ms), H_INT(first_ms));
#undef X
static const struct db_cols error_cols = DB_COLS(
	struct hour_sum, H_INT(hour_ms), H_INT(channel_id),
	DB_STR(hour_sum, model), DB_STR(hour_sum, what), H_INT(requests));
static const struct db_cols time_cols =
	DB_COLS(struct hour_sum, H_INT(hour_ms), H_INT(channel_id),
		DB_STR(hour_sum, model), DB_STR(hour_sum, what), H_INT(bucket),
		H_INT(requests));

static const struct table {
	const struct db_cols *cols;
	int read, drop, put;
} tables[] = {
	{ &usage_cols, ST_REBUILD_USAGE, ST_REBUILD_DROP_USAGE,
	  ST_REBUILD_PUT_USAGE },
	{ &error_cols, ST_REBUILD_ERRORS, ST_REBUILD_DROP_ERRORS,
	  ST_REBUILD_PUT_ERROR },
	{ &time_cols, ST_REBUILD_TIMES, ST_REBUILD_DROP_TIMES,
	  ST_REBUILD_PUT_TIME },
};

/* The sums of some hours as the log has them. */
struct sums {
	int64_t newest_txn; /* when it was read */
	struct hour_sum *rows[COUNT(tables)];
	int n[COUNT(tables)], at[COUNT(tables)];
	struct arena arena;
};

static int read_sums(struct db *db, struct sums *s, int64_t from_ms,
		     int64_t to_ms, struct err *e)
{
	int rc = 0;

	if (db_begin_read(db, e) < 0 ||
	    db_int(db, db_bind(db, ST_REBUILD_NEWEST_TXN, ""), &s->newest_txn,
		   e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(tables) && rc >= 0; i++) {
		rc = db_rows(db,
			     db_bind(db, tables[i].read, "ii", from_ms, to_ms),
			     tables[i].cols, &s->rows[i], &s->arena, e);
		s->n[i] = rc;
	}
	db_rollback(db);
	return MIN(rc, 0);
}

static int put_table(struct db *db, struct sums *s, size_t i, int64_t hour_ms,
		     struct err *e)
{
	const struct table *t = &tables[i];
	struct hour_sum *rows = s->rows[i];
	int *at = &s->at[i];

	if (db_run(db, db_bind(db, t->drop, "i", hour_ms), e) < 0)
		return -1;
	for (; *at < s->n[i] && rows[*at].hour_ms == hour_ms; (*at)++)
		if (db_run(db, db_bind_row(db, t->put, t->cols, &rows[*at]),
			   e) < 0)
			return -1;
	return 0;
}

/* 1; 0: a refund came after the reading, which must be done anew; -1. */
static int put_hour(struct db *db, struct sums *s, int64_t hour_ms,
		    struct err *e)
{
	struct sqlite3_stmt *st;
	int64_t refunds;

	if (db_begin(db, e) < 0)
		return -1;
	st = db_bind(db, ST_REBUILD_REFUNDS, "i", s->newest_txn);
	if (db_int(db, st, &refunds, e) < 0)
		return -1;
	for (size_t i = 0; !refunds && i < COUNT(tables); i++)
		if (put_table(db, s, i, hour_ms, e) < 0)
			return -1;
	if (!refunds)
		return db_commit(db, e) < 0 ? -1 : 1;
	db_rollback(db);
	return 0;
}

/* From *from_ms on, which moves with each hour that is done: as put_hour(). */
static int try_hours(struct db *db, int64_t *from_ms, int64_t to_ms,
		     struct err *e)
{
	struct sums s = { 0 };
	int rc;

	arena_init(&s.arena);
	rc = read_sums(db, &s, *from_ms, to_ms, e) < 0 ? -1 : 1;
	while (rc == 1 && *from_ms < to_ms) {
		rc = put_hour(db, &s, *from_ms, e);
		if (rc == 1)
			*from_ms += ROLLUP_HOUR_MS;
		usleep(PAUSE_US);
	}
	if (rc < 0)
		db_rollback(db);
	arena_release(&s.arena);
	return rc;
}

static int hours(struct db *db, int64_t from_ms, int64_t to_ms, struct err *e)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < TRIES; i++)
		rc = try_hours(db, &from_ms, to_ms, e);
	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_DB_BUSY,
			    "requests are being refunded: try again later");
}

struct span {
	int64_t from_ms, to_ms;
};

static const struct db_cols span_cols =
	DB_COLS(struct span, DB_INT(span, from_ms), DB_INT(span, to_ms));

static int64_t hour_of(int64_t ms)
{
	return ms - ms % ROLLUP_HOUR_MS;
}

static int rebuild(struct db *db, int64_t since_ms, struct err *e)
{
	int64_t kept_ms = retention_kept_ms(db, e);
	struct span all;
	int n = 0;

	if (kept_ms < 0 || db_row(db, db_bind(db, ST_REBUILD_SPAN, ""),
				  &span_cols, &all, NULL, e) < 0)
		return -1;
	all.from_ms = MAX(all.from_ms, MAX(hour_of(since_ms), kept_ms));
	while (all.from_ms < all.to_ms) {
		int64_t to_ms = MIN(all.from_ms + WEEK_MS,
				    hour_of(all.to_ms - 1) + ROLLUP_HOUR_MS);

		if (hours(db, all.from_ms, to_ms, e) < 0)
			return -1;
		n += (int)((to_ms - all.from_ms) / ROLLUP_HOUR_MS);
		all.from_ms = to_ms;
	}
	return n;
}

int rollup_rebuild(struct db *db, const char *lock_path, int64_t since_ms,
		   struct err *e)
{
	int fd, n;

	fd = rollup_lock_wait(lock_path, e);
	if (fd < 0)
		return -1;
	n = rebuild(db, since_ms, e);
	close(fd);
	return n;
}
