/* rollup.c - see rollup.h. */
#include "store/rollup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "sql.h"

#define BATCH_LEAST 20
#define BATCH_FIRST 50
#define BATCH_MOST  1000
#define PAUSE_US    1000 /* between two transactions, for the writer */

/* --- durations ----------------------------------------------------------------- */

int rollup_bucket(int64_t ms)
{
	int octave;

	if (ms < 8)
		return ms < 0 ? 0 : (int)ms;
	octave = 63 - __builtin_clzll((unsigned long long)ms);
	if (octave > ROLLUP_BUCKETS / 8 + 1)
		return ROLLUP_BUCKETS - 1;
	return 8 * (octave - 2) + (int)(ms >> (octave - 3) & 7);
}

int64_t rollup_bucket_ms(int bucket)
{
	int k = bucket / 8, i = bucket % 8;

	return k ? (int64_t)(8 + i) << (k - 1) : i;
}

int64_t rollup_percentile(const int64_t counts[static ROLLUP_BUCKETS],
			  int percent)
{
	int64_t all = 0, upto = 0, rank;
	int b = 0;

	for (int i = 0; i < ROLLUP_BUCKETS; i++)
		all += counts[i];
	if (!all)
		return -1;
	rank = (all * percent + 99) / 100; /* the rank-th shortest */
	for (upto = counts[0]; upto < rank; upto += counts[b])
		b++;
	return rollup_bucket_ms(b + 1) - 1;
}

/* --- summing up ------------------------------------------------------------------ */

struct batch {
	int64_t last, rows;
};

static const struct db_cols batch_cols =
	DB_COLS(struct batch, DB_INT(batch, last), DB_INT(batch, rows));

/* The sums first: they take the rows that are not marked. */
static const int steps[] = { ST_ROLLUP_USAGE, ST_ROLLUP_ERRORS, ST_ROLLUP_TIMES,
			     ST_ROLLUP_MARK };

/* In a transaction: how many rows, or -1. */
static int roll(struct db *db, int limit, struct err *e)
{
	struct batch b = { 0 };

	if (db_row(db, db_bind(db, ST_ROLLUP_BATCH, "d", limit), &batch_cols,
		   &b, NULL, e) < 0)
		return -1;
	for (size_t i = 0; b.rows && i < COUNT(steps); i++)
		if (db_run(db, db_bind(db, steps[i], "i", b.last), e) < 0)
			return -1;
	return (int)b.rows;
}

/* As many rows the next time as fit into half of what is long. */
static void adapt(struct rollup *r, int rows, int64_t took_us)
{
	if (took_us > ROLLUP_LONG_US / 2)
		r->batch = MAX(r->batch / 2, BATCH_LEAST);
	else if (rows == r->batch && took_us < ROLLUP_LONG_US / 4)
		r->batch = MIN(r->batch * 2, BATCH_MOST);
}

static int one_batch(struct db *db, struct rollup *r, struct err *e)
{
	int64_t begin_us, took_us;
	int n;

	if (db_begin(db, e) < 0)
		return -1;
	begin_us = clock_mono_us(); /* the lock is ours: others wait */
	n = roll(db, r->batch, e);
	took_us = clock_mono_us() - begin_us; /* the sync is not ours to cut */
	if (n < 0 || db_commit(db, e) < 0) {
		db_rollback(db);
		return -1;
	}
	if (took_us > ROLLUP_LONG_US)
		log_info("rollup.long", LOG_I("rows", n), LOG_I("us", took_us));
	r->rows += n;
	r->batches++;
	r->longest_us = MAX(r->longest_us, took_us);
	adapt(r, n, took_us);
	return n;
}

int rollup_run(struct db *db, struct rollup *r, int64_t for_ms, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + for_ms;
	int64_t waiting = 0;
	int n = 0;

	if (!r->batch)
		r->batch = BATCH_FIRST;
	/* a look takes no lock, and mostly there is nothing */
	while (n >= 0 && clock_mono_ms() < until_ms) {
		if (db_int(db, db_bind(db, ST_ROLLUP_ANY, ""), &waiting, e) < 0)
			return -1;
		if (!waiting)
			return 0;
		n = one_batch(db, r, e);
		usleep(PAUSE_US);
	}
	return n < 0 ? -1 : 0;
}

int64_t rollup_waiting(struct db *db, struct err *e)
{
	int64_t n;

	return db_int(db, db_bind(db, ST_ROLLUP_WAITING, ""), &n, e) < 0 ? -1 :
									   n;
}

int rollup_lock(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);

	if (fd < 0)
		return err_set(e, ERR_IO, "the lock file cannot be opened: %s",
			       strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return -1;
}

int rollup_lock_wait(const char *path, struct err *e)
{
	int fd = -1;

	for (int i = 0; fd < 0 && !e->code && i < 100; i++) {
		fd = rollup_lock(path, e);
		if (fd < 0)
			usleep(100000);
	}
	if (fd < 0 && !e->code)
		err_set(e, ERR_DB_BUSY,
			"somebody else sums up, deletes or archives: try again "
			"later");
	return fd;
}
