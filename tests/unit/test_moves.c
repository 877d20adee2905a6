/* test_moves.c - grants, top-ups, adjustments and refunds. */
#include "history.h"

#include "base/nusd.h"

static void open_books(struct fixture *fx, int64_t balance_nusd)
{
	fixture_init(fx, ":memory:");
	fixture_user(fx, balance_nusd, -1);
}

/* Each on an account of 100, of which 30 are held. */
static const struct {
	const char *label, *kind;
	int64_t amount_nusd;
	bool below_zero, nobody;
	enum err_code want;
	int64_t balance_nusd;
} moves[] = {
	/* clang-format off */
	{ "a grant",                     "grant",   5, false, false, ERR_NONE,      105 },
	{ "a top-up",                    "topup",   5, false, false, ERR_NONE,      105 },
	{ "more by adjusting",           "adjust",  5, false, false, ERR_NONE,      105 },
	{ "less by adjusting",           "adjust", -5, false, false, ERR_NONE,       95 },
	{ "all that is free",            "adjust", -70, false, false, ERR_NONE,      30 },
	{ "what is held",                "adjust", -71, false, false, ERR_NO_FUNDS, 100 },
	{ "what is held, by will",       "adjust", -71, true,  false, ERR_NONE,      29 },
	{ "below zero",                  "adjust", -101, false, false, ERR_NO_FUNDS, 100 },
	{ "below zero, by will",         "adjust", -101, true, false, ERR_NONE,      -1 },
	{ "a grant that takes",          "grant",  -5, true,  false, ERR_VALUE,     100 },
	{ "a top-up that takes",         "topup",  -5, true,  false, ERR_VALUE,     100 },
	{ "nothing",                     "grant",   0, false, false, ERR_VALUE,     100 },
	{ "a settle by hand",            "settle",  5, false, false, ERR_VALUE,     100 },
	{ "a refund without a request",  "refund",  5, false, false, ERR_VALUE,     100 },
	{ "more than there is",          "grant", NUSD_MAX + 1, false, false, ERR_VALUE, 100 },
	{ "to nobody",                   "grant",   5, false, true,  ERR_NOT_FOUND, 100 },
	/* clang-format on */
};

static void each_movement_goes_or_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(moves); i++) {
		const struct writer_conf direct = { .before_commit = NULL };
		struct fixture fx;
		struct request r;
		struct reserve_op hold;
		struct move m = { .kind = moves[i].kind,
				  .amount_nusd = moves[i].amount_nusd,
				  .below_zero = moves[i].below_zero,
				  .actor = "cli:test",
				  .reason = "why not" };

		row("%s", moves[i].label);
		open_books(&fx, 100);
		r = fixture_request(&fx, "r1", 30);
		reserve_op_init(&hold, &r, 0);
		assert_int_equal(writer_now(fx.db, &direct, &hold.op), 0);
		m.account_id = moves[i].nobody ? 77 : fx.account;
		ROW_INT(moves_run(fx.db, &m, &fx.e) > 0,
			moves[i].want == ERR_NONE);
		ROW_INT(fx.e.code, moves[i].want);
		err_clear(&fx.e);
		ROW_INT(fixture_int(&fx, "balance"), moves[i].balance_nusd);
		ROW_STR(fixture_audit(&fx), "");
		fixture_release(&fx);
	}
	rows_done();
}

static void a_ref_moves_money_once(void **state)
{
	struct fixture fx;
	struct move m = { .kind = "topup", .amount_nusd = 5, .ref = "inv-1" };
	int64_t first;

	(void)state;
	open_books(&fx, 0);
	m.account_id = fx.account;
	first = moves_run(fx.db, &m, &fx.e);
	assert_true(first > 0 && !m.again);
	assert_int_equal(moves_run(fx.db, &m, &fx.e), first);
	assert_true(m.again);
	assert_int_equal(fixture_int(&fx, "balance"), 5);
	m.amount_nusd = 6;
	assert_int_equal(moves_run(fx.db, &m, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	err_clear(&fx.e);
	m.amount_nusd = 5;
	m.account_id = LEDGER_OPERATOR;
	assert_int_equal(moves_run(fx.db, &m, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	err_clear(&fx.e);
	assert_int_equal(fixture_int(&fx, "balance"), 5);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- refunds ------------------------------------------------------------------ */

static void a_refund_gives_back_everywhere(void **state)
{
	struct refund r = { .request_id = "r1",
			    .amount_nusd = 40,
			    .actor = "cli:test",
			    .reason = "it was rubbish" };
	struct fixture fx;

	(void)state;
	open_books(&fx, 100);
	history_spend(&fx, "r1", 5000, 60);
	MUST(&fx, db_exec(fx.db,
			  "INSERT INTO budget (scope, owner, period, "
			  "limit_nusd, start_ms, end_ms, used_nusd) VALUES "
			  "('token', '1', 'day', 100, 4000, 6000, 60),"
			  "('token', '1', 'week', 100, 5001, 6000, 60),"
			  "('token', '1', 'month', 100, 0, 5000, 60),"
			  "('token', '2', 'day', 100, 4000, 6000, 60),"
			  "('user', '1', 'day', 100, 5000, 5001, 60),"
			  "('group', '', 'day', 100, 0, 9000, 60)",
			  &fx.e));
	assert_true(moves_refund(fx.db, &r, &fx.e) > 0);
	assert_int_equal(fixture_int(&fx, "balance"), 80);
	assert_int_equal(fixture_int(&fx, "used"), 20);
	assert_int_equal(history_int(&fx, "SELECT sum(used_nusd) FROM budget "
					  "WHERE id IN (1, 5, 6)"),
			 60);
	assert_int_equal(history_int(&fx, "SELECT sum(used_nusd) FROM budget "
					  "WHERE id NOT IN (1, 5, 6)"),
			 180);
	assert_int_equal(history_int(&fx, "SELECT refunded_nusd FROM request"),
			 40);
	assert_int_equal(history_int(&fx, "SELECT reason = 'it was rubbish' "
					  "AND actor = 'cli:test' FROM txn "
					  "WHERE kind = 'refund'"),
			 1);
	MUST(&fx, db_exec(fx.db, "DELETE FROM budget", &fx.e));
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static const struct {
	const char *label, *id;
	int64_t amount_nusd;
	enum err_code want;
} refunds[] = {
	{ "a part", "paid", 1, ERR_NONE },
	{ "all of it", "paid", 60, ERR_NONE },
	{ "all of it, unsaid", "paid", 0, ERR_NONE },
	{ "more than it cost", "paid", 61, ERR_VALUE },
	{ "less than nothing", "paid", -1, ERR_VALUE },
	{ "what runs", "open", 1, ERR_VALUE },
	{ "what cost nothing", "free", 0, ERR_VALUE },
	{ "what never was", "none", 1, ERR_NOT_FOUND },
};

static void each_refund_goes_once_or_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refunds); i++) {
		const struct writer_conf direct = { .before_commit = NULL };
		struct refund r = { .request_id = refunds[i].id,
				    .amount_nusd = refunds[i].amount_nusd };
		bool good = refunds[i].want == ERR_NONE;
		struct fixture fx;
		struct reserve_op hold;
		struct request open;

		row("%s", refunds[i].label);
		open_books(&fx, 1000);
		history_spend(&fx, "paid", 5000, 60);
		history_spend(&fx, "free", 5000, 0);
		open = fixture_request(&fx, "open", 60);
		reserve_op_init(&hold, &open, 0);
		assert_int_equal(writer_now(fx.db, &direct, &hold.op), 0);
		ROW_INT(moves_refund(fx.db, &r, &fx.e) > 0, good);
		ROW_INT(fx.e.code, refunds[i].want);
		err_clear(&fx.e);
		ROW_INT(fixture_int(&fx, "balance"),
			940 + (good ? r.amount_nusd : 0));
		r.amount_nusd = 1;
		ROW_INT(good && moves_refund(fx.db, &r, &fx.e) > 0, 0);
		ROW_INT(fx.e.code, good ? ERR_EXISTS : ERR_NONE);
		err_clear(&fx.e);
		ROW_STR(fixture_audit(&fx), "");
		fixture_release(&fx);
	}
	rows_done();
}

static void entries_are_listed_with_the_balance_after_each(void **state)
{
	static const int64_t want[][2] = { { 1, 41 },
					   { -60, 40 },
					   { 100, 100 } };
	struct moves_line *lines;
	struct fixture fx;
	int n;

	(void)state;
	open_books(&fx, 100);
	history_spend(&fx, "r1", 5000, 60);
	assert_true(moves_grant(fx.db, fx.account, 1, "a", "b", "c", &fx.e) >
		    0);
	n = moves_list(fx.db, fx.account, 0, 50, &lines, &fx.arena, &fx.e);
	assert_int_equal(n, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		row("entry %zu", i);
		ROW_INT(lines[i].amount_nusd, want[i][0]);
		ROW_INT(lines[i].balance_nusd, want[i][1]);
	}
	ROW_STR(lines[0].ref, "c");
	n = moves_list(fx.db, fx.account, lines[0].txn_id, 1, &lines, &fx.arena,
		       &fx.e);
	ROW_INT(n, 1);
	ROW_INT(lines[0].balance_nusd, 40);
	ROW_INT(moves_list(fx.db, 77, 0, 1, &lines, &fx.arena, &fx.e), -1);
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_movement_goes_or_says_why),
		cmocka_unit_test(a_ref_moves_money_once),
		cmocka_unit_test(a_refund_gives_back_everywhere),
		cmocka_unit_test(each_refund_goes_once_or_says_why),
		cmocka_unit_test(
			entries_are_listed_with_the_balance_after_each),
	};

	return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
