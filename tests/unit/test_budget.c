/* test_budget.c - what may be spent in a window, and by whom. */
#include "fixture.h"

#include "base/clock.h"
#include "store/budget.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define NOON_MS 1803384000000LL /* 2027-02-23T12:00Z, a Tuesday */

static struct ledger ledger;

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

/* --- windows ------------------------------------------------------------------------ */

static const struct {
	const char *period, *at, *start, *end;
} windows[] = {
	{ "day", "2027-02-23T12:00:00.000Z", "2027-02-23T00:00:00.000Z",
	  "2027-02-24T00:00:00.000Z" },
	{ "day", "2027-02-23T23:59:59.999Z", "2027-02-23T00:00:00.000Z",
	  "2027-02-24T00:00:00.000Z" },
	{ "day", "2027-02-24T00:00:00.000Z", "2027-02-24T00:00:00.000Z",
	  "2027-02-25T00:00:00.000Z" },
	{ "week", "2027-02-23T12:00:00.000Z", "2027-02-22T00:00:00.000Z",
	  "2027-03-01T00:00:00.000Z" },
	{ "week", "2027-02-28T23:59:59.999Z", "2027-02-22T00:00:00.000Z",
	  "2027-03-01T00:00:00.000Z" },
	{ "week", "2027-03-01T00:00:00.000Z", "2027-03-01T00:00:00.000Z",
	  "2027-03-08T00:00:00.000Z" },
	{ "month", "2027-02-23T12:00:00.000Z", "2027-02-01T00:00:00.000Z",
	  "2027-03-01T00:00:00.000Z" },
	{ "month", "2028-02-29T12:00:00.000Z", "2028-02-01T00:00:00.000Z",
	  "2028-03-01T00:00:00.000Z" },
	{ "month", "2027-12-31T23:59:59.999Z", "2027-12-01T00:00:00.000Z",
	  "2028-01-01T00:00:00.000Z" },
	{ "month", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z",
	  "1970-02-01T00:00:00.000Z" },
	{ "day", "1969-12-31T23:00:00.000Z", "1969-12-31T00:00:00.000Z",
	  "1970-01-01T00:00:00.000Z" },
};

/* 2026-11-21T12:00:00.000Z */
static int64_t wall_ms(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	assert_non_null(rest);
	return (int64_t)timegm(&tm) * 1000 + strtol(rest + 1, NULL, 10);
}

static void windows_begin_and_end_in_utc(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(windows); i++) {
		int64_t start_ms = 0, end_ms = 0;

		row("%s at %s", windows[i].period, windows[i].at);
		ROW_TRUE(budget_window(windows[i].period,
				       wall_ms(windows[i].at), &start_ms,
				       &end_ms));
		ROW_INT(start_ms, wall_ms(windows[i].start));
		ROW_INT(end_ms, wall_ms(windows[i].end));
	}
	assert_false(
		budget_window("year", 0, &(int64_t){ 0 }, &(int64_t){ 0 }));
	rows_done();
}

/* --- one budget ------------------------------------------------------------------------ */

struct hold { /* one try to reserve, at a time, and how it goes on */
	int64_t at_ms, nusd, least_nusd; /* least 0: all of it */
	int64_t want_nusd;               /* -1: refused */
	int64_t cost_nusd;               /* -1: stays open */
};

static const struct story {
	const char *label, *scope, *period;
	int64_t balance, limit;
	struct hold holds[6]; /* until nusd 0 */
	int64_t want_used, want_held;
} stories[] = {
	/* clang-format off */
	{ "within a day", "token", "day", 1000, 100,
	  { { NOON_MS, 60, 0, 60, 50 }, { NOON_MS, 50, 0, 50, 50 },
	    { NOON_MS + 1, 1, 0, -1, 0 } }, 100, 0 },
	{ "the next day is new", "token", "day", 1000, 100,
	  { { NOON_MS, 100, 0, 100, 100 }, { NOON_MS + 12 * HOUR_MS - 1, 1, 0, -1, 0 },
	    { NOON_MS + 12 * HOUR_MS, 100, 0, 100, 70 } }, 70, 0 },
	{ "a hold of yesterday counts today", "user", "day", 1000, 100,
	  { { NOON_MS, 80, 0, 80, -1 }, { NOON_MS + DAY_MS, 30, 0, -1, 0 },
	    { NOON_MS + DAY_MS, 20, 0, 20, -1 } }, 0, 100 },
	{ "as much as is left", "group", "month", 1000, 100,
	  { { NOON_MS, 70, 0, 70, 70 }, { NOON_MS, 50, 31, -1, 0 },
	    { NOON_MS, 50, 30, 30, 20 }, { NOON_MS, 50, 1, 10, -1 },
	    { NOON_MS, 50, 1, -1, 0 } }, 90, 10 },
	{ "the balance leaves less", "group", "month", 25, 100,
	  { { NOON_MS, 50, 1, 25, -1 }, { NOON_MS, 50, 1, -1, 0 } }, 0, 25 },
	{ "a new window leaves more", "token", "week", 1000, 100,
	  { { NOON_MS, 100, 0, 100, 100 }, { NOON_MS, 50, 1, -1, 0 },
	    { NOON_MS + 7 * DAY_MS, 150, 1, 100, 99 } }, 99, 0 },
	{ "a total has no window", "user", "total", 1000, 100,
	  { { NOON_MS, 60, 0, 60, 60 }, { NOON_MS + 400 * DAY_MS, 50, 0, -1, 0 },
	    { NOON_MS + 400 * DAY_MS, 50, 40, 40, 40 } }, 100, 0 },
	{ "costs more than it may", "token", "day", 1000, 100,
	  { { NOON_MS, 100, 0, 100, 130 }, { NOON_MS, 1, 1, -1, 0 } }, 130, 0 },
	{ "a limit of nothing", "token", "day", 1000, 0,
	  { { NOON_MS, 1, 1, -1, 0 } }, 0, 0 },
	{ "a clock that goes back by a second keeps the window", "token", "day", 1000, 100,
	  { { NOON_MS + 12 * HOUR_MS, 100, 0, 100, 100 },
	    { NOON_MS + 12 * HOUR_MS - 1000, 1, 0, -1, 0 } }, 100, 0 },
	{ "a clock that goes back by days finds what was spent there", "token", "day", 1000, 100,
	  { { NOON_MS, 90, 0, 90, 90 }, { NOON_MS + 3 * DAY_MS, 80, 0, 80, 80 },
	    { NOON_MS, 11, 0, -1, 0 }, { NOON_MS, 10, 0, 10, 10 },
	    { NOON_MS + 3 * DAY_MS, 21, 0, -1, 0 },
	    { NOON_MS + 3 * DAY_MS, 20, 0, 20, 20 } }, 100, 0 },
	{ "a clock that was ahead gives nothing twice", "user", "month", 1000, 100,
	  { { NOON_MS, 90, 0, 90, 90 }, { NOON_MS + 400 * DAY_MS, 100, 0, 100, 100 },
	    { NOON_MS, 10, 0, 10, 10 }, { NOON_MS, 1, 0, -1, 0 } }, 100, 0 },
	/* clang-format on */
};

static int64_t try_hold(struct fixture *fx, const struct hold *h, int i)
{
	struct request r;
	struct reserve_op hold;
	struct settle_op end;
	char id[24];

	snprintf(id, sizeof(id), "r%d", i);
	r = fixture_request(fx, id, h->nusd);
	r.group = "team";
	r.started_ms = h->at_ms;
	reserve_op_init(&hold, &r, 0);
	hold.now_ms = h->at_ms;
	if (h->least_nusd)
		hold.least_nusd = h->least_nusd;
	if (writer_now(fx->db, &direct, &hold.op) < 0) {
		ROW_INT(hold.op.err.code, ERR_NO_FUNDS);
		return -1;
	}
	if (h->cost_nusd >= 0) {
		r.cost_nusd = h->cost_nusd;
		settle_op_init(&end, &ledger, &r, 0);
		ROW_INT(writer_now(fx->db, &direct, &end.op), 0);
	}
	return r.reserved_nusd;
}

static struct budget the_budget(struct fixture *fx)
{
	struct budget *all;
	int n = budget_list(fx->db, &all, &fx->arena, &fx->e);

	assert_int_equal(n, 1);
	return all[0];
}

static void budgets_hold_what_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		const char *owner = !strcmp(s->scope, "group") ? "team" : "1";
		struct fixture fx;
		struct budget b;

		fixture_init(&fx, ":memory:");
		fixture_user(&fx, s->balance, -1);
		MUST(&fx, budget_set(fx.db, s->scope, owner, s->period,
				     s->limit, NOON_MS, &fx.e));
		for (int j = 0; j < 6 && s->holds[j].nusd; j++) {
			row("%s, %d", s->label, j);
			ROW_INT(try_hold(&fx, &s->holds[j], j),
				s->holds[j].want_nusd);
			ROW_STR(fixture_audit(&fx), "");
		}
		row("%s", s->label);
		b = the_budget(&fx);
		ROW_INT(b.used_nusd, s->want_used);
		ROW_INT(b.held_nusd, s->want_held);
		fixture_release(&fx);
	}
	rows_done();
}

static void a_refusal_says_which_and_until_when(void **state)
{
	static const struct {
		const char *scope, *owner, *period, *want;
	} says[] = {
		{ "token", "1", "day", "the daily limit of this key has " },
		{ "token", "1", "day", "renews at 2027-02-24T00:00 UTC" },
		{ "user", "1", "week", "the weekly limit of your account" },
		{ "user", "1", "week", "renews at 2027-03-01T00:00 UTC" },
		{ "group", "team", "month", "the monthly limit of your group" },
		{ "group", "team", "month", "$0.00000009 left" },
		{ "user", "1", "total", "the limit of your account has" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(says); i++) {
		struct reserve_op op;
		struct fixture fx;
		struct request r;

		row("%s %s", says[i].scope, says[i].period);
		fixture_init(&fx, ":memory:");
		fixture_user(&fx, 1000, -1);
		MUST(&fx, budget_set(fx.db, says[i].scope, says[i].owner,
				     says[i].period, 90, NOON_MS, &fx.e));
		r = fixture_request(&fx, "r1", 100);
		r.group = "team";
		reserve_op_init(&op, &r, 0);
		op.now_ms = NOON_MS;
		ROW_INT(writer_now(fx.db, &direct, &op.op), -1);
		if (!strstr(op.op.err.msg, says[i].want))
			ROW_STR(op.op.err.msg, says[i].want);
		ROW_TRUE(strlen(op.op.err.msg) < sizeof(op.op.err.msg) - 1);
		ROW_STR(fixture_audit(&fx), "");
		fixture_release(&fx);
	}
	rows_done();
}

static void extensions_take_what_is_left(void **state)
{
	struct extend_op op;
	struct settle_op end;
	struct fixture fx;
	struct request r;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, 90);
	MUST(&fx, budget_set(fx.db, "user", "1", "day", 100, NOON_MS, &fx.e));
	r = fixture_request(&fx, "r1", 60);
	r.started_ms = NOON_MS;
	assert_int_equal(
		try_hold(&fx, &(struct hold){ NOON_MS, 5, 0, 5, 5 }, 9), 5);
	{
		struct reserve_op hold;

		reserve_op_init(&hold, &r, 0);
		hold.now_ms = NOON_MS;
		assert_int_equal(writer_now(fx.db, &direct, &hold.op), 0);
	}
	extend_op_init(&op, &r, 20, 0);
	op.now_ms = NOON_MS;
	assert_int_equal(writer_now(fx.db, &direct, &op.op), 0);
	assert_int_equal(op.got_nusd, 20);
	extend_op_init(&op, &r, 20, 0);
	op.now_ms = NOON_MS;
	op.least_nusd = 1;
	assert_int_equal(writer_now(fx.db, &direct, &op.op), 0);
	assert_int_equal(op.got_nusd, 5); /* of the key */
	assert_string_equal(fixture_audit(&fx), "");
	extend_op_init(&op, &r, 20, 0);
	op.now_ms = NOON_MS;
	op.least_nusd = 1;
	assert_int_equal(writer_now(fx.db, &direct, &op.op), -1);
	assert_int_equal(op.op.err.code, ERR_NO_FUNDS);
	assert_int_equal(the_budget(&fx).held_nusd, 85);
	r.cost_nusd = 80;
	settle_op_init(&end, &ledger, &r, 0);
	assert_int_equal(writer_now(fx.db, &direct, &end.op), 0);
	assert_int_equal(the_budget(&fx).held_nusd, 0);
	assert_int_equal(the_budget(&fx).used_nusd, 85);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* Its hold goes back to the group it was taken from. */
static void a_user_may_move_while_a_request_runs(void **state)
{
	struct reserve_op hold;
	struct settle_op end;
	struct fixture fx;
	struct request r;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	MUST(&fx, budget_set(fx.db, "group", "a", "day", 100, NOON_MS, &fx.e));
	r = fixture_request(&fx, "r1", 60);
	r.group = "a";
	r.started_ms = NOON_MS;
	reserve_op_init(&hold, &r, 0);
	hold.now_ms = NOON_MS;
	assert_int_equal(writer_now(fx.db, &direct, &hold.op), 0);
	assert_int_equal(the_budget(&fx).held_nusd, 60);
	MUST(&fx, db_exec(fx.db, "UPDATE user SET grp = 'b'", &fx.e));
	r.group = "b";
	r.cost_nusd = 50;
	settle_op_init(&end, &ledger, &r, 0);
	assert_int_equal(writer_now(fx.db, &direct, &end.op), 0);
	assert_int_equal(the_budget(&fx).held_nusd, 0);
	assert_int_equal(the_budget(&fx).used_nusd, 50);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* Set, removed and set again in the middle of requests: it counts them. */
static void a_new_budget_counts_what_is_there(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	try_hold(&fx, &(struct hold){ NOON_MS - 30 * DAY_MS, 9, 0, 9, 9 }, 1);
	try_hold(&fx, &(struct hold){ NOON_MS, 70, 0, 70, 60 }, 2);
	try_hold(&fx, &(struct hold){ NOON_MS, 30, 0, 30, -1 }, 3);
	for (int i = 0; i < 2; i++) {
		MUST(&fx, budget_set(fx.db, "group", "team", "week", 100,
				     NOON_MS, &fx.e));
		assert_int_equal(the_budget(&fx).used_nusd, 60);
		assert_int_equal(the_budget(&fx).held_nusd, 30);
		assert_string_equal(fixture_audit(&fx), "");
		MUST(&fx, budget_set(fx.db, "group", "team", "week", 200,
				     NOON_MS, &fx.e));
		assert_int_equal(the_budget(&fx).limit_nusd, 200);
		MUST(&fx, budget_remove(fx.db, "group", "team", "week", &fx.e));
		assert_int_equal(
			budget_remove(fx.db, "group", "team", "week", &fx.e),
			-1);
		assert_int_equal(fx.e.code, ERR_NOT_FOUND);
		err_clear(&fx.e);
	}
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* The clock was days ahead, and went back before the budget was set. */
static void a_new_budget_knows_what_started_later(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	try_hold(&fx, &(struct hold){ NOON_MS + DAY_MS, 70, 0, 70, 70 }, 1);
	MUST(&fx, budget_set(fx.db, "token", "1", "day", 100, NOON_MS, &fx.e));
	assert_int_equal(the_budget(&fx).used_nusd, 0);
	row("the day that was seen before");
	ROW_INT(try_hold(&fx, &(struct hold){ NOON_MS + DAY_MS, 31, 0, -1, 0 },
			 2),
		-1);
	ROW_INT(try_hold(&fx, &(struct hold){ NOON_MS + DAY_MS, 30, 0, 30, 30 },
			 3),
		30);
	ROW_INT(the_budget(&fx).used_nusd, 100);
	ROW_STR(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

/* Held for nothing, it did not roll the window; its cost does. */
static void a_free_request_that_cost_rolls_the_window(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	MUST(&fx, budget_set(fx.db, "token", "1", "day", 100, NOON_MS, &fx.e));
	try_hold(&fx, &(struct hold){ NOON_MS, 60, 0, 60, 60 }, 1);
	try_hold(&fx, &(struct hold){ NOON_MS + DAY_MS, 0, 0, 0, 40 }, 2);
	assert_int_equal(the_budget(&fx).used_nusd, 40);
	assert_string_equal(fixture_audit(&fx), "");
	row("what is left of that day");
	ROW_INT(try_hold(&fx, &(struct hold){ NOON_MS + DAY_MS, 99, 1, 0, -1 },
			 3),
		60);
	ROW_STR(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_begin_and_end_in_utc),
		cmocka_unit_test(budgets_hold_what_they_should),
		cmocka_unit_test(a_refusal_says_which_and_until_when),
		cmocka_unit_test(extensions_take_what_is_left),
		cmocka_unit_test(a_user_may_move_while_a_request_runs),
		cmocka_unit_test(a_new_budget_counts_what_is_there),
		cmocka_unit_test(a_new_budget_knows_what_started_later),
		cmocka_unit_test(a_free_request_that_cost_rolls_the_window),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
