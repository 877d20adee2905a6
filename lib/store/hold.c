/* hold.c - see hold.h. */
#include "store/hold.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "sql.h"
#include "store/budget.h"

/* --- the usual way: as much as is asked ---------------------------------------- */

/* 1: done; 0: a limit says no; -1.  Most have no budget, which the account's
 * own statement sees. */
static int of_account(struct db *db, const struct hold_of *of,
		      int64_t amount_nusd, int64_t *budgets, struct err *e)
{
	int n = db_run(db,
		       db_bind(db, ST_ACCOUNT_HOLD_ALONE, "iiiis", amount_nusd,
			       of->account_id, of->token_id, of->user_id,
			       of->group ? of->group : ""),
		       e);

	*budgets = 0;
	if (n)
		return n;
	n = budget_count(db, of, budgets, e);
	if (n < 0 || !*budgets)
		return n;
	return db_run(
		db,
		db_bind(db, ST_ACCOUNT_HOLD, "ii", amount_nusd, of->account_id),
		e);
}

static int take(struct db *db, const struct hold_of *of, int64_t amount_nusd,
		int64_t now_ms, struct err *e)
{
	int64_t budgets;
	int n = of_account(db, of, amount_nusd, &budgets, e);

	if (n > 0 && of->token_id)
		n = db_run(db,
			   db_bind(db, ST_TOKEN_HOLD, "ii", amount_nusd,
				   of->token_id),
			   e);
	if (n <= 0 || !budgets)
		return n;
	n = budget_hold(db, of, amount_nusd, now_ms, e);
	return n < 0 ? -1 : n == budgets;
}

/* --- what is left ---------------------------------------------------------------- */

static const struct db_cols left_cols =
	DB_COLS(struct hold_left, DB_STR(hold_left, scope),
		DB_STR(hold_left, period), DB_INT(hold_left, held_nusd),
		DB_INT(hold_left, left_nusd), DB_INT(hold_left, end_ms));

/* The limit that leaves least.  Its texts are in the arena. */
static int find_least(struct db *db, const struct hold_of *of,
		      struct hold_left *least, struct arena *arena,
		      struct err *e)
{
	struct hold_left *all;
	int n = db_rows(db,
			db_bind(db, ST_HOLD_LEFT, "iiis", of->account_id,
				of->token_id, of->user_id,
				of->group ? of->group : ""),
			&left_cols, &all, arena, e);

	if (n < 0)
		return -1;
	*least = (struct hold_left){ .scope = "account", .period = "total" };
	for (int i = 0; i < n; i++)
		if (i == 0 || all[i].left_nusd < least->left_nusd)
			*least = all[i];
	return 0;
}

static const struct {
	const char *scope, *whose, *cure;
} words[] = {
	{ "account", "the balance of your account",
	  "Ask your administrator for a grant" },
	{ "token", "limit of this key", "Raise it, use another key" },
	{ "user", "limit of your account", "Ask your administrator" },
	{ "group", "limit of your group", "Ask your administrator" },
};

static const struct {
	const char *period, *adjective;
} periods[] = {
	{ "day", "the daily " },
	{ "week", "the weekly " },
	{ "month", "the monthly " },
	{ "total", "the " },
};

int hold_refuse(const struct hold_left *l, int64_t wanted_nusd, struct err *e)
{
	char left[NUSD_TEXT], wanted[NUSD_TEXT], when[CLOCK_TEXT];
	size_t w = 0, p = 0;

	while (strcmp(words[w].scope, l->scope) && w + 1 < COUNT(words))
		w++;
	while (strcmp(periods[p].period, l->period) && p + 1 < COUNT(periods))
		p++;
	nusd_text(MAX(l->left_nusd, 0), left);
	nusd_text(wanted_nusd, wanted);
	clock_text(l->end_ms, when);
	when[strlen("2031-05-06T07:08")] = '\0';
	return err_set(
		e, ERR_NO_FUNDS,
		"You exceeded your current quota: %s%s has $%s left%s, this "
		"request may cost $%s. %s%s%s%s, or ask for fewer tokens.",
		w ? periods[p].adjective : "", words[w].whose, left,
		l->held_nusd ? " beside what running requests hold" : "",
		wanted, p + 1 < COUNT(periods) ? "It renews at " : "",
		p + 1 < COUNT(periods) ? when : "",
		p + 1 < COUNT(periods) ? " UTC. " : "", words[w].cure);
}

/* What was held is undone: the operation begins again. */
static int begin_again(struct db *db, struct err *e)
{
	if (db_undo(db) < 0)
		return err_set(e, ERR_DB, "internal error");
	return db_savepoint(db, e);
}

static int64_t take_less(struct db *db, const struct hold_of *of,
			 int64_t amount_nusd, int64_t least_nusd,
			 int64_t now_ms, struct err *e)
{
	struct arena arena;
	struct hold_left l;
	int64_t got = -1;
	int n;

	arena_init(&arena);
	if (begin_again(db, e) < 0 || budget_roll(db, of, now_ms, e) < 0 ||
	    find_least(db, of, &l, &arena, e) < 0)
		goto out;
	if (l.left_nusd < least_nusd) {
		hold_refuse(&l, least_nusd, e);
		goto out;
	}
	amount_nusd = MIN(amount_nusd, l.left_nusd);
	n = take(db, of, amount_nusd, now_ms, e);
	if (n > 0)
		got = amount_nusd;
	else if (n == 0)
		err_set(e, ERR_DB, "internal error");
out:
	arena_release(&arena);
	return got;
}

int64_t hold_take(struct db *db, const struct hold_of *of, int64_t amount_nusd,
		  int64_t least_nusd, int64_t now_ms, struct err *e)
{
	int n;

	if (amount_nusd == 0)
		return 0;
	n = take(db, of, amount_nusd, now_ms, e);
	if (n != 0)
		return n < 0 ? -1 : amount_nusd;
	return take_less(db, of, amount_nusd, MAX(least_nusd, 1), now_ms, e);
}
