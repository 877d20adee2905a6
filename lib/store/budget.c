/* budget.c - see budget.h. */
#include "store/budget.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/hold.h"
#include "store/ledger_in.h"

#define DAY_MS   86400000LL
#define SLACK_MS 3600000 /* a clock that is set back by less is let be */

/* --- windows ------------------------------------------------------------------- */

static int64_t floor_to(int64_t t, int64_t unit, int64_t offset)
{
	int64_t into = (t - offset) % unit;

	return t - (into < 0 ? into + unit : into);
}

static void day(int64_t at_ms, int64_t *start_ms, int64_t *end_ms)
{
	*start_ms = floor_to(at_ms, DAY_MS, 0);
	*end_ms = *start_ms + DAY_MS;
}

/* 1970 began on a Thursday. */
static void week(int64_t at_ms, int64_t *start_ms, int64_t *end_ms)
{
	*start_ms = floor_to(at_ms, 7 * DAY_MS, 4 * DAY_MS);
	*end_ms = *start_ms + 7 * DAY_MS;
}

static int64_t month_ms(int year, int mon)
{
	struct tm tm = { .tm_year = year, .tm_mon = mon, .tm_mday = 1 };

	return (int64_t)timegm(&tm) * 1000; /* the 13th is next January */
}

static void month(int64_t at_ms, int64_t *start_ms, int64_t *end_ms)
{
	time_t s = (time_t)(at_ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	*start_ms = month_ms(tm.tm_year, tm.tm_mon);
	*end_ms = month_ms(tm.tm_year, tm.tm_mon + 1);
}

static void total(int64_t at_ms, int64_t *start_ms, int64_t *end_ms)
{
	(void)at_ms;
	*start_ms = 0;
	*end_ms = INT64_MAX;
}

static const struct {
	const char *name;
	void (*window)(int64_t at_ms, int64_t *start_ms, int64_t *end_ms);
} periods[] = {
	{ "day", day },
	{ "week", week },
	{ "month", month },
	{ "total", total },
};

bool budget_window(const char *period, int64_t at_ms, int64_t *start_ms,
		   int64_t *end_ms)
{
	for (size_t i = 0; i < COUNT(periods); i++) {
		if (strcmp(period, periods[i].name))
			continue;
		periods[i].window(at_ms, start_ms, end_ms);
		return true;
	}
	return false;
}

int64_t budget_used(const struct budget *b, int64_t now_ms)
{
	return now_ms < b->end_ms ? b->used_nusd : 0;
}

/* --- rows -------------------------------------------------------------------------- */

/* clang-format off */
#define COLS                                                            \
	DB_INT(budget, id), DB_STR(budget, scope), DB_STR(budget, owner), \
	DB_STR(budget, period), DB_INT(budget, limit_nusd),             \
	DB_INT(budget, start_ms), DB_INT(budget, end_ms),               \
	DB_INT(budget, seen_ms), DB_INT(budget, used_nusd),             \
	DB_INT(budget, held_nusd), DB_INT(budget, forgotten_nusd)
/* clang-format on */

static const struct db_cols cols = DB_COLS(struct budget, COLS);
static const struct db_cols list_cols =
	DB_COLS(struct budget, COLS, DB_STR(budget, name));

int budget_list(struct db *db, struct budget **out, struct arena *arena,
		struct err *e)
{
	return db_rows(db, db_bind(db, ST_BUDGET_LIST, ""), &list_cols, out,
		       arena, e);
}

int budget_list_of(struct db *db, const struct hold_of *of, struct budget **out,
		   struct arena *arena, struct err *e)
{
	return db_rows(db,
		       db_bind(db, ST_BUDGETS_OF, "iis", of->token_id,
			       of->user_id, of->group ? of->group : ""),
		       &cols, out, arena, e);
}

/* Counts from the log what it has; what the log has forgotten belongs to a
 * total alone. */
static int recount(struct db *db, const struct budget *b, int64_t start_ms,
		   int64_t end_ms, struct err *e)
{
	int64_t forgotten_nusd = 0;

	if (end_ms == INT64_MAX &&
	    db_int(db,
		   db_bind(db, ST_BUDGET_FORGOTTEN, "ss", b->scope, b->owner),
		   &forgotten_nusd, e) < 0)
		return -1;
	return db_run(db,
		      db_bind(db, ST_BUDGET_RECOUNT, "iiissi", start_ms, end_ms,
			      forgotten_nusd, b->scope, b->owner, b->id),
		      e);
}

static int add(struct db *db, struct budget *b, int64_t now_ms, struct err *e)
{
	int64_t start_ms = 0, end_ms = 0;

	if (!budget_window(b->period, now_ms, &start_ms, &end_ms))
		return err_set(e, ERR_VALUE,
			       "a budget is for a day, week, month or total, "
			       "not for a %s",
			       b->period);
	b->id = db_insert(db,
			  db_bind(db, ST_BUDGET_ADD, "sssi", b->scope, b->owner,
				  b->period, b->limit_nusd),
			  e);
	return b->id < 0 ? -1 : recount(db, b, start_ms, end_ms, e);
}

static int set(struct db *db, struct budget *b, int64_t now_ms, struct err *e)
{
	int64_t limit_nusd = b->limit_nusd;
	struct arena arena;
	int rc;

	arena_init(&arena);
	rc = db_row(db,
		    db_bind(db, ST_BUDGET_FIND, "sss", b->scope, b->owner,
			    b->period),
		    &cols, b, &arena, e);
	if (rc > 0)
		rc = db_run(
			db,
			db_bind(db, ST_BUDGET_LIMIT, "ii", limit_nusd, b->id),
			e);
	else if (rc == 0)
		rc = add(db, b, now_ms, e);
	arena_release(&arena);
	return rc;
}

int budget_set(struct db *db, const char *scope, const char *owner,
	       const char *period, int64_t limit_nusd, int64_t now_ms,
	       struct err *e)
{
	struct budget b = { .scope = scope,
			    .owner = owner,
			    .period = period,
			    .limit_nusd = limit_nusd };

	if (db_begin(db, e) < 0)
		return -1;
	if (set(db, &b, now_ms, e) >= 0)
		return db_commit(db, e);
	db_rollback(db);
	return -1;
}

int budget_remove(struct db *db, const char *scope, const char *owner,
		  const char *period, struct err *e)
{
	int n = db_run(
		db, db_bind(db, ST_BUDGET_REMOVE, "sss", scope, owner, period),
		e);

	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "there is no such budget");
}

/* --- money ------------------------------------------------------------------------- */

int budget_count(struct db *db, const struct hold_of *of, int64_t *n,
		 struct err *e)
{
	int rc = db_int(db,
			db_bind(db, ST_BUDGET_COUNT, "iis", of->token_id,
				of->user_id, of->group ? of->group : ""),
			n, e);

	return MIN(rc, 0);
}

int budget_hold(struct db *db, const struct hold_of *of, int64_t amount_nusd,
		int64_t now_ms, struct err *e)
{
	return db_run(db,
		      db_bind(db, ST_BUDGET_HOLD, "iiisii", amount_nusd,
			      of->token_id, of->user_id,
			      of->group ? of->group : "", now_ms,
			      (int64_t)SLACK_MS),
		      e);
}

/* A window in which it has been before may hold requests already. */
static int roll(struct db *db, const struct budget *b, int64_t at_ms,
		struct err *e)
{
	int64_t start_ms, end_ms;

	if (at_ms < b->end_ms && at_ms >= b->start_ms - SLACK_MS)
		return 0;
	if (!budget_window(b->period, at_ms, &start_ms, &end_ms))
		return err_set(e, ERR_DB, "internal error");
	if (start_ms <= b->seen_ms)
		return recount(db, b, start_ms, end_ms, e);
	return db_run(
		db, db_bind(db, ST_BUDGET_ROLL, "iii", start_ms, end_ms, b->id),
		e);
}

static int roll_all(struct db *db, struct sqlite3_stmt *st, int64_t at_ms,
		    struct err *e)
{
	struct budget *all;
	struct arena arena;
	int n, rc = 0;

	arena_init(&arena);
	n = db_rows(db, st, &cols, &all, &arena, e);
	for (int i = 0; i < n && rc >= 0; i++)
		rc = roll(db, &all[i], at_ms, e);
	arena_release(&arena);
	return n < 0 || rc < 0 ? -1 : 0;
}

int budget_roll(struct db *db, const struct hold_of *of, int64_t now_ms,
		struct err *e)
{
	return roll_all(db,
			db_bind(db, ST_BUDGETS_OF, "iis", of->token_id,
				of->user_id, of->group ? of->group : ""),
			now_ms, e);
}

int budget_roll_request(struct db *db, int64_t id, int64_t started_ms,
			struct err *e)
{
	return roll_all(db, db_bind(db, ST_BUDGETS_OF_REQUEST, "i", id),
			started_ms, e);
}

int budget_settle(struct db *db, int64_t id, const struct held *h,
		  int64_t cost_nusd, struct err *e)
{
	return db_run(db,
		      db_bind(db, ST_BUDGET_SETTLE, "iiii", h->reserved_nusd,
			      h->started_ms, cost_nusd, id),
		      e);
}

int budget_refund(struct db *db, int64_t id, int64_t amount_nusd, struct err *e)
{
	return db_run(db, db_bind(db, ST_BUDGET_REFUND, "ii", amount_nusd, id),
		      e);
}

int budget_forget(struct db *db, int64_t first, int64_t last, struct err *e)
{
	return db_run(db, db_bind(db, ST_BUDGET_FORGET, "ii", first, last), e);
}
