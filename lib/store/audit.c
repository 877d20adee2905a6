/* audit.c - see audit.h. */
#include "store/audit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

#define SPARE_MS 60000

/* clang-format off */
static const struct {
	int st;
	const char *name, *sentence;
} checks[] = {
	{ ST_AUDIT_TXN_SUM, "txn_sum",
	  "the entries of a txn do not sum to zero" },
	{ ST_AUDIT_TXN_EMPTY, "txn_empty",
	  "a txn has no entries" },
	{ ST_AUDIT_BALANCE, "balance",
	  "a balance is not the sum of the account's entries" },
	{ ST_AUDIT_TOTAL, "total",
	  "all balances together are not zero" },
	{ ST_AUDIT_ACCOUNT_HELD, "account_held",
	  "an account holds something else than its open requests" },
	{ ST_AUDIT_TOKEN_HELD, "token_held",
	  "a key holds something else than its open requests" },
	{ ST_AUDIT_TOKEN_USED, "token_used",
	  "a key has used something else than its requests cost" },
	{ ST_AUDIT_BUDGET_HELD, "budget_held",
	  "a budget holds something else than its open requests" },
	{ ST_AUDIT_BUDGET_USED, "budget_used",
	  "a budget has used something else than the requests of its window "
	  "cost" },
	{ ST_AUDIT_SETTLE, "settle",
	  "what requests cost is not what was posted for them" },
	{ ST_AUDIT_REFUND, "refund",
	  "what requests got back is not what was posted for them" },
	{ ST_AUDIT_REVENUE, "revenue",
	  "revenue is not what all requests cost" },
	{ ST_AUDIT_COST_POSTED, "cost_posted",
	  "a request's cost and its txn do not go together" },
	{ ST_AUDIT_COST_STATE, "cost_state",
	  "a request that is open, void or refused has cost something" },
	{ ST_AUDIT_COST_RANGE, "cost_range",
	  "a request cost less than nothing, or got back more than it cost" },
	{ ST_AUDIT_LINES, "lines",
	  "the lines of a bill do not come to what the request cost" },
	{ ST_AUDIT_EXPIRED, "expired",
	  "a reservation is open for longer than a request may take: restart "
	  "the worker that forgot it" },
	{ ST_AUDIT_OVERSHOOT, "overshoot",
	  "a request that cost more than was held is not flagged, or one "
	  "that did not is" },
	{ ST_AUDIT_OWNER, "owner",
	  "a user has no account, or an account no user" },
	{ ST_AUDIT_HOUSE, "house",
	  "an account of the house is missing or holds something" },
	{ ST_AUDIT_CODE, "code",
	  "a code that was used and its txn do not go together" },
	{ ST_AUDIT_OPENING, "opening",
	  "what accounts had before the oldest entries is not zero together" },
	{ ST_AUDIT_USAGE, "usage",
	  "an hour's sums are not those of its requests: `pontage usage "
	  "rebuild`" },
	{ ST_AUDIT_REQUEST_REFS, "request_refs",
	  "a request names an account, user, key or price that is not there" },
	{ ST_AUDIT_REFERENCES, "references",
	  "a row points to one that is not there" },
	{ ST_AUDIT_FILE, "file",
	  "the database file is damaged: restore a backup" },
};
/* clang-format on */

static const struct db_cols cols =
	DB_COLS(struct audit_finding, DB_STR(audit_finding, what),
		DB_INT(audit_finding, want), DB_INT(audit_finding, got));

bool audit_check(int i, const char **name, const char **sentence)
{
	if (i < 0 || (size_t)i >= COUNT(checks))
		return false;
	*name = checks[i].name;
	*sentence = checks[i].sentence;
	return true;
}

int64_t audit_open_since_ms(const struct conf *conf, int64_t now_ms)
{
	return now_ms - conf->deadline_ms - conf->settle_ms - SPARE_MS;
}

static int run_check(struct db *db, size_t i, const struct audit_how *how,
		     struct err *e)
{
	int64_t began_ms = clock_mono_ms();
	struct audit_finding *found;
	struct sqlite3_stmt *st;
	struct arena arena;
	int n;

	arena_init(&arena);
	if (checks[i].st == ST_AUDIT_EXPIRED)
		st = db_bind(db, ST_AUDIT_EXPIRED, "i", how->open_since_ms);
	else
		st = db_bind(db, checks[i].st, "");
	n = db_rows(db, st, &cols, &found, &arena, e);
	for (int j = 0; j < n; j++) {
		found[j].check = checks[i].name;
		found[j].sentence = checks[i].sentence;
		how->on(how->arg, &found[j]);
	}
	arena_release(&arena);
	if (how->on_time)
		how->on_time(how->arg, checks[i].name,
			     clock_mono_ms() - began_ms);
	return n;
}

int audit_do(struct db *db, const struct audit_how *how, struct err *e)
{
	int all = 0, n = 0;

	if (db_begin_read(db, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(checks) && n >= 0; i++) {
		if (how->quick && checks[i].st == ST_AUDIT_FILE)
			continue;
		n = run_check(db, i, how, e);
		all += n;
	}
	db_rollback(db);
	return n < 0 ? -1 : all;
}

int audit_run(struct db *db, int64_t open_since_ms,
	      void (*on)(void *arg, const struct audit_finding *), void *arg,
	      struct err *e)
{
	const struct audit_how how = { .open_since_ms = open_since_ms,
				       .on = on,
				       .arg = arg };

	return audit_do(db, &how, e);
}
