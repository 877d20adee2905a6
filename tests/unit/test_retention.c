/* test_retention.c - rows go, what they cost stays known. */
#include "history.h"

#include "base/conf.h"
#include "base/rand.h"
#include "store/budget.h"
#include "store/moves.h"
#include "store/retention.h"
#include "store/rollup.h"

static void sum_up(struct fixture *fx)
{
	struct rollup r = { 0 };

	MUST(fx, rollup_run(fx->db, &r, 5000, &fx->e));
}

static void forget(struct fixture *fx, int64_t now_ms, int64_t log_days,
		   int64_t usage_days)
{
	const struct conf conf = { .log_days = log_days,
				   .usage_days = usage_days };
	struct retention r = { .batch = 3 };

	MUST(fx, retention_run(fx->db, &conf, now_ms, 5000, &r, &fx->e));
}

static int64_t rows(struct fixture *fx)
{
	return history_int(fx, "SELECT count(*) FROM request");
}

/* Rows a to e begin a day apart; e is the newest. */
static const struct {
	const char *label, *sql;
	int64_t now_days, log_days, rows;
} cases[] = {
	{ "nothing is old", "", 5, 5, 5 },
	{ "one is old", "", 6, 5, 4 },
	{ "the hour is not over",
	  "UPDATE request SET started_ms = "
	  "started_ms + 3599999",
	  6, 5, 4 },
	{ "a day later",
	  "UPDATE request SET started_ms = started_ms + "
	  "86400000",
	  6, 5, 5 },
	{ "all are old: the newest stays", "", 50, 5, 1 },
	{ "for ever", "", 50, 0, 5 },
	{ "not in the sums", "UPDATE request SET rolled = 0 WHERE id = 2", 50,
	  5, 4 },
	{ "a younger one is in the way",
	  "UPDATE request SET started_ms = "
	  "4000000000 WHERE id = 3",
	  50, 5, 3 },
};

static void five_days(struct fixture *fx)
{
	static const char *const ids[] = { "a", "b", "c", "d", "e" };

	fixture_init(fx, ":memory:");
	fixture_user(fx, 1000, -1);
	MUST(fx, budget_set(fx->db, "user", "1", "total", 5000, 5 * DAY_MS,
			    &fx->e));
	MUST(fx, budget_set(fx->db, "token", "1", "month", 5000, 5 * DAY_MS,
			    &fx->e));
	for (int i = 0; i < 5; i++)
		history_spend(fx, ids[i], i * DAY_MS, 10 + i);
}

static void old_rows_go_and_the_books_balance(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct refund back = { .request_id = "a", .amount_nusd = 4 };
		struct fixture fx;

		row("%s", cases[i].label);
		five_days(&fx);
		MUST(&fx, moves_refund(fx.db, &back, &fx.e));
		MUST(&fx, db_exec(fx.db, cases[i].sql, &fx.e));
		ROW_STR(fixture_audit(&fx), "");
		sum_up(&fx);
		if (strstr(cases[i].sql, "rolled"))
			MUST(&fx, db_exec(fx.db, cases[i].sql, &fx.e));
		forget(&fx, cases[i].now_days * DAY_MS, cases[i].log_days, 0);
		ROW_INT(rows(&fx), cases[i].rows);
		ROW_STR(fixture_audit(&fx), "");
		ROW_INT(fixture_int(&fx, "used"), 56);
		ROW_INT(history_int(&fx, "SELECT sum(cost_nusd - "
					 "refunded_nusd) FROM usage_hour") > 0,
			1);
		fixture_release(&fx);
	}
	rows_done();
}

static void sums_go_later(void **state)
{
	struct fixture fx;

	(void)state;
	five_days(&fx);
	sum_up(&fx);
	forget(&fx, 6 * DAY_MS, 5, 3);
	assert_int_equal(history_int(&fx, "SELECT count(*) FROM usage_hour"),
			 2);
	assert_int_equal(history_int(&fx, "SELECT min(hour_ms) FROM "
					  "usage_hour") /
				 DAY_MS,
			 3);
	assert_int_equal(rows(&fx), 4);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static void what_is_forgotten_is_not_rebuilt(void **state)
{
	struct fixture fx;
	char lock[100];

	(void)state;
	five_days(&fx);
	snprintf(lock, sizeof(lock), "/tmp/pontage-test-%d.lock", getpid());
	sum_up(&fx);
	forget(&fx, 6 * DAY_MS, 3, 0);
	assert_int_equal(retention_kept_ms(fx.db, &fx.e), 3 * DAY_MS);
	assert_int_equal(rollup_rebuild(fx.db, lock, 0, &fx.e), 25);
	assert_int_equal(history_int(&fx, "SELECT sum(cost_nusd) FROM "
					  "usage_hour"),
			 60);
	assert_string_equal(fixture_audit(&fx), "");
	unlink(lock);
	fixture_release(&fx);
}

static void a_forgotten_request_is_not_refunded(void **state)
{
	struct refund back = { .request_id = "a" };
	struct fixture fx;

	(void)state;
	five_days(&fx);
	sum_up(&fx);
	forget(&fx, 50 * DAY_MS, 5, 0);
	assert_int_equal(moves_refund(fx.db, &back, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	back.request_id = "e";
	assert_true(moves_refund(fx.db, &back, &fx.e) > 0);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_rows_go_and_the_books_balance),
		cmocka_unit_test(sums_go_later),
		cmocka_unit_test(what_is_forgotten_is_not_rebuilt),
		cmocka_unit_test(a_forgotten_request_is_not_refunded),
	};

	return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
