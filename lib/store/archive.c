/* archive.c - closed months leave the database; see archive.h. */
#include "store/archive.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "sql.h"
#include "store/archive_in.h"
#include "store/audit.h"
#include "store/budget.h"
#include "store/rollup.h"

#define LOOK_MS   60000 /* between two looks where there is nothing to do */
#define LOG_ROWS  2000  /* of the log, looked at in one statement */
#define PIECE     250   /* txns deleted in one transaction */
#define PAUSE_US  2000  /* between two of them, for the writer */
#define MONTH_MAX 1199999

/* --- months -------------------------------------------------------------------- */

/* "2026-10" counts as 2026 * 12 + 9; -1: is none. */
static int month_number(const char *month)
{
	struct str s = str_of(month), year;
	int64_t y, m;

	if (s.n != ARCHIVE_MONTH - 1 || !str_next(&s, '-', &year) ||
	    str_int(year, 1970, 9999, &y) < 0 || str_int(s, 1, 12, &m) < 0)
		return -1;
	return (int)(y * 12 + m - 1);
}

static int number_at(int64_t at_ms)
{
	char text[CLOCK_TEXT];

	clock_text(at_ms, text);
	text[ARCHIVE_MONTH - 1] = '\0';
	return month_number(text);
}

static void month_text(int number, char month[static ARCHIVE_MONTH])
{
	snprintf(month, ARCHIVE_MONTH, "%04d-%02d",
		 MIN(number, MONTH_MAX) / 12 % 10000, number % 12 + 1);
}

/* --- what is next ---------------------------------------------------------------- */

struct done {
	int64_t last;
	const char *month;
};

static const struct db_cols done_cols =
	DB_COLS(struct done, DB_INT(done, last), DB_STR(done, month));

struct next {
	int64_t id, at_ms;
};

static const struct db_cols next_cols =
	DB_COLS(struct next, DB_INT(next, id), DB_INT(next, at_ms));

/* When a month ends: steps of 28 days from within it reach the next one. */
static int64_t month_end(int number, int64_t at_ms)
{
	int64_t start_ms = 0, end_ms = at_ms;

	while (number_at(end_ms) <= number) {
		if (!budget_window("month", end_ms, &start_ms, &end_ms))
			break;
	}
	return end_ms;
}

/* 1: a month before `until` is to be archived, and a says which, 0, -1. */
static int plan(struct archive *a, struct db *db, int until, struct err *e)
{
	struct arena arena;
	struct done done;
	struct next next;
	int number, rc;

	arena_init(&arena);
	rc = db_row(db, db_bind(db, ST_ARCHIVE_DONE, ""), &done_cols, &done,
		    &arena, e);
	/* a clock that went back must not fill a month again */
	number = rc > 0 ? month_number(done.month) + 1 : 0;
	arena_release(&arena);
	if (rc > 0)
		rc = db_row(db, db_bind(db, ST_ARCHIVE_NEXT, ""), &next_cols,
			    &next, NULL, e);
	if (rc <= 0)
		return MIN(rc, 0);
	number = MAX(number, number_at(next.at_ms));
	if (number >= until)
		return 0;
	month_text(number, a->month);
	a->first = next.id;
	rc = db_int(db,
		    db_bind(db, ST_ARCHIVE_LAST, "ii", a->first,
			    month_end(number, next.at_ms)),
		    &a->last, e);
	return MIN(rc, 1);
}

/* --- does the log say the same ------------------------------------------------------ */

struct log_piece {
	int64_t last, costs_nusd;
};

static const struct db_cols log_cols =
	DB_COLS(struct log_piece, DB_INT(log_piece, last),
		DB_INT(log_piece, costs_nusd));

static int begin_log(struct archive *a, struct db *db, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_ARCHIVE_FORGOTTEN, "ii", a->first, a->last);

	a->at = 0;
	if (db_int(db, st, &a->costs_nusd, e) < 0)
		return -1;
	return db_int(a->to, db_bind(a->to, ST_ARCHIVE_REVENUE, ""),
		      &a->settled_nusd, e) < 0 ?
		       -1 :
		       0;
}

/* Rows that come later belong to later txns. */
static int read_log(struct archive *a, struct db *db, struct err *e)
{
	struct sqlite3_stmt *st = db_bind(db, ST_ARCHIVE_LOG, "iiid", a->first,
					  a->last, a->at, LOG_ROWS);
	struct log_piece p = { 0 };

	if (db_row(db, st, &log_cols, &p, NULL, e) < 0)
		return -1;
	a->costs_nusd += p.costs_nusd;
	if (p.last) {
		a->at = p.last;
		return 1;
	}
	return a->costs_nusd == a->settled_nusd ?
		       0 :
		       err_set(e, ERR_DB,
			       "the ledger of %s is not what its requests "
			       "cost: run `pontage audit`",
			       a->month);
}

/* --- the one transaction ------------------------------------------------------------ */

static int open_accounts(struct archive *a, struct db *db, struct arena *arena,
			 struct err *e)
{
	struct archive_account *accounts;
	int n = archive_accounts(a->to, &accounts, arena, e);

	for (int i = 0; i < n; i++) {
		int64_t nusd =
			accounts[i].balance_nusd - accounts[i].opening_nusd;
		struct sqlite3_stmt *st = db_bind(db, ST_ARCHIVE_OPEN, "ii",
						  nusd, accounts[i].id);

		if (nusd && db_run(db, st, e) != 1)
			return e->code ? -1 :
					 err_set(e, ERR_DB, "internal error");
	}
	return MIN(n, 0);
}

static int enter(struct archive *a, struct db *db, struct arena *arena,
		 struct err *e)
{
	char file[32];

	snprintf(file, sizeof(file), "archive-%s.db", a->month);
	if (db_run(db, db_bind(db, ST_ARCHIVE_REFS, "ii", a->first, a->last),
		   e) < 0 ||
	    open_accounts(a, db, arena, e) < 0)
		return -1;
	return db_run(db,
		      db_bind(db, ST_ARCHIVE_ENTER, "sissi", a->month, a->last,
			      file, a->sha256, clock_wall_ms()),
		      e) < 0 ?
		       -1 :
		       0;
}

static int record(struct archive *a, struct db *db, struct err *e)
{
	struct arena arena;
	int rc;

	if (db_begin(db, e) < 0)
		return -1;
	arena_init(&arena);
	rc = enter(a, db, &arena, e);
	arena_release(&arena);
	if (rc < 0 || db_commit(db, e) < 0) {
		db_rollback(db);
		return -1;
	}
	log_info("archive.made", LOG_S("month", a->month),
		 LOG_I("txns", a->last - a->first + 1),
		 LOG_S("sha256", a->sha256));
	db_close(a->to);
	a->to = NULL;
	return 0;
}

/* --- deleting what is in files -------------------------------------------------------- */

/* 1: there may be more, 0, -1. */
static int delete_piece(struct db *db, struct err *e)
{
	static const int steps[] = { ST_ARCHIVE_FORGET, ST_ARCHIVE_FORGET_EACH,
				     ST_ARCHIVE_DROP_ENTRIES,
				     ST_ARCHIVE_DROP_TXNS };
	int64_t upto;

	if (db_int(db, db_bind(db, ST_ARCHIVE_PIECE, "d", PIECE), &upto, e) < 0)
		return -1;
	if (!upto)
		return 0;
	if (db_begin(db, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (db_run(db, db_bind(db, steps[i], "i", upto), e) < 0)
			return -1;
	if (db_commit(db, e) < 0)
		return -1;
	usleep(PAUSE_US);
	return 1;
}

/* --- stage by stage ------------------------------------------------------------------- */

enum stage {
	IDLE,
	MAKE,
	FILL,
	LOG_BEGIN,
	LOG,
	CLOSE,
	REOPEN,
	COMPARE,
	NAME,
	RECORD,
	DELETE,
	STAGE__COUNT
};

static int do_log_begin(struct archive *a, struct db *db,
			const struct conf *conf, struct err *e)
{
	(void)conf;
	return begin_log(a, db, e);
}

static int do_log(struct archive *a, struct db *db, const struct conf *conf,
		  struct err *e)
{
	(void)conf;
	return read_log(a, db, e);
}

static int do_fill(struct archive *a, struct db *db, const struct conf *conf,
		   struct err *e)
{
	(void)conf;
	return archive_file_fill(a, db, e);
}

static int do_reopen(struct archive *a, struct db *db, const struct conf *conf,
		     struct err *e)
{
	(void)db;
	return archive_file_reopen(a, conf, e);
}

static int do_compare(struct archive *a, struct db *db, const struct conf *conf,
		      struct err *e)
{
	(void)conf;
	return archive_file_compare(a, db, e);
}

static int do_name(struct archive *a, struct db *db, const struct conf *conf,
		   struct err *e)
{
	(void)db;
	return archive_file_name(a, conf, e);
}

static int do_record(struct archive *a, struct db *db, const struct conf *conf,
		     struct err *e)
{
	(void)conf;
	return record(a, db, e);
}

static int do_delete(struct archive *a, struct db *db, const struct conf *conf,
		     struct err *e)
{
	(void)a;
	(void)conf;
	return delete_piece(db, e);
}

static const struct {
	const char *name;
	/* 1: again, 0: the next stage, -1 */
	int (*run)(struct archive *a, struct db *db, const struct conf *conf,
		   struct err *e);
} stages[STAGE__COUNT] = {
	[MAKE] = { "make", archive_file_make },
	[FILL] = { "fill", do_fill },
	[LOG_BEGIN] = { "log_begin", do_log_begin },
	[LOG] = { "log", do_log },
	[CLOSE] = { "close", archive_file_close },
	[REOPEN] = { "reopen", do_reopen },
	[COMPARE] = { "compare", do_compare },
	[NAME] = { "name", do_name },
	[RECORD] = { "record", do_record },
	[DELETE] = { "delete", do_delete },
};

bool archive_busy(const struct archive *a)
{
	return a->stage != IDLE;
}

void archive_stop(struct archive *a)
{
	db_close(a->to);
	a->to = NULL;
	a->stage = IDLE;
}

static int step(struct archive *a, struct db *db, const struct conf *conf,
		struct err *e)
{
	const char *name = stages[a->stage].name;
	int rc = stages[a->stage].run(a, db, conf, e);

	if (rc < 0) {
		db_rollback(db);
		archive_stop(a);
		return -1;
	}
	if (rc == 0)
		a->stage = (a->stage + 1) % STAGE__COUNT;
	if (a->on_step)
		a->on_step(a->arg, name);
	return 0;
}

/* What a crash left to delete comes first; nothing is kept waiting for it. */
static int begin(struct archive *a, struct db *db, int until, struct err *e)
{
	int64_t left;
	int rc;

	if (db_int(db, db_bind(db, ST_ARCHIVE_PIECE, "d", 1), &left, e) < 0)
		return -1;
	if (left) {
		a->stage = DELETE;
		return 1;
	}
	rc = plan(a, db, until, e);
	if (rc > 0)
		a->stage = MAKE;
	return rc;
}

int archive_run(struct archive *a, struct db *db, const struct conf *conf,
		int64_t now_ms, int64_t for_ms, struct err *e)
{
	int until = conf->archive_months ?
			    number_at(now_ms) - (int)conf->archive_months :
			    0;
	int64_t end_ms = clock_mono_ms() + for_ms;

	if (!archive_busy(a)) {
		int rc;

		if (clock_mono_ms() < a->look_ms)
			return 0;
		rc = begin(a, db, until, e);
		if (rc <= 0) {
			a->look_ms = clock_mono_ms() + LOOK_MS;
			return rc;
		}
	}
	while (archive_busy(a) && clock_mono_ms() < end_ms)
		if (step(a, db, conf, e) < 0) {
			a->look_ms = clock_mono_ms() + LOOK_MS;
			return -1;
		}
	return 1;
}

/* --- at once ----------------------------------------------------------------------------- */

static int months_upto(struct db *db, const struct conf *conf, int until,
		       struct err *e)
{
	struct archive a = { .stage = IDLE };
	int rc = 1, n = 0;

	while (rc > 0) {
		rc = begin(&a, db, until, e);
		n += rc > 0 && a.stage == MAKE;
		while (rc > 0 && archive_busy(&a))
			if (step(&a, db, conf, e) < 0)
				rc = -1;
	}
	return rc < 0 ? -1 : n;
}

static int audited(struct db *db, const struct conf *conf, int until,
		   struct err *e)
{
	int n = archive_audit(db, e);

	if (n > 0)
		return err_set(e, ERR_DB,
			       "the audit finds %d faults: `pontage audit` "
			       "lists them, nothing was archived",
			       n);
	return n < 0 ? -1 : months_upto(db, conf, until, e);
}

int archive_month(struct db *db, const struct conf *conf, const char *lock_path,
		  const char *month, int64_t now_ms, struct err *e)
{
	int number = month_number(month), fd, n;

	if (number < 0)
		return err_set(e, ERR_VALUE, "a month is like 2026-10");
	if (number >= number_at(now_ms))
		return err_set(e, ERR_VALUE, "%s is not over yet", month);
	fd = rollup_lock_wait(lock_path, e);
	if (fd < 0)
		return -1;
	n = audited(db, conf, number + 1, e);
	close(fd);
	return n;
}
