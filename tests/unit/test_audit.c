/* test_audit.c - each fault that is planted is found, by its name. */
#include "fixture.h"

#include "base/clock.h"
#include "db/writer.h"
#include "store/budget.h"
#include "store/price.h"

/* Two settled requests, one open, one refused, and a refund of the second:
 * a ledger in which every check has something to look at. */
static void books(struct fixture *fx)
{
	struct ledger l = { .n = 0 };
	const struct writer_conf conf = { .before_commit = ledger_before_commit,
					  .after = ledger_after,
					  .arg = &l };
	static const char *const ids[] = { "r1", "r2", "r3" };
	struct price p = { .model = "m1", .free = true };
	struct reserve_op hold;
	struct settle_op end;
	struct refuse_op refuse;
	struct request r;

	fixture_init(fx, ":memory:");
	fixture_user(fx, 1000, -1);
	MUST(fx, price_set(fx->db, &p, &fx->e));
	MUST(fx, budget_set(fx->db, "token", "1", "day", USD, clock_wall_ms(),
			    &fx->e));
	MUST(fx, budget_set(fx->db, "user", "1", "total", USD, clock_wall_ms(),
			    &fx->e));
	MUST(fx, budget_set(fx->db, "group", "team", "month", USD,
			    clock_wall_ms(), &fx->e));
	for (int i = 0; i < 3; i++) {
		r = fixture_request(fx, ids[i], 100);
		r.price_id = 1;
		reserve_op_init(&hold, &r, 0);
		assert_int_equal(writer_now(fx->db, &conf, &hold.op), 0);
		if (i == 2)
			break;
		r.cost_nusd = 60;
		settle_op_init(&end, &l, &r, 0);
		assert_int_equal(writer_now(fx->db, &conf, &end.op), 0);
	}
	r = fixture_request(fx, "r4", 0);
	refuse_op_init(&refuse, &r);
	assert_int_equal(writer_now(fx->db, &conf, &refuse.op), 0);
	MUST(fx, db_exec(fx->db,
			 "INSERT INTO txn (id, kind, at_ms) VALUES (9, "
			 "'refund', 0);"
			 "INSERT INTO entry VALUES (9, 2, -25), (9, 4, 25);"
			 "UPDATE account SET balance_nusd = balance_nusd - 25 "
			 "WHERE id = 2;"
			 "UPDATE account SET balance_nusd = balance_nusd + 25 "
			 "WHERE id = 4;"
			 "UPDATE token SET used_nusd = used_nusd - 25;"
			 "UPDATE budget SET used_nusd = used_nusd - 25 "
			 "WHERE period = 'total';"
			 "UPDATE request SET refunded_nusd = 25, "
			 "refund_txn_id = 9 WHERE request_id = 'r2'",
			 &fx->e));
}

/* What guards the rows is taken away first: a fault comes from below. */
static const char unguarded[] =
	"DROP TRIGGER txn_stays; DROP TRIGGER txn_stays_there;"
	"DROP TRIGGER entry_stays; DROP TRIGGER entry_stays_there;"
	"DROP TRIGGER request_stays; PRAGMA foreign_keys = OFF;"
	"PRAGMA ignore_check_constraints = ON;";

static const struct {
	const char *label, *sql, *want;
} plants[] = {
	/* clang-format off */
	{ "nothing", "", "" },
	{ "an entry is off", "UPDATE entry SET amount_nusd = amount_nusd + 1 WHERE txn_id = 1 AND account_id = 1",
	  "txn_sum balance " },
	{ "an entry is gone", "DELETE FROM entry WHERE txn_id = 2 AND account_id = 4",
	  "txn_sum balance settle " },
	{ "a settle is off, both sides", "UPDATE entry SET amount_nusd = amount_nusd * 2 WHERE txn_id = 2;"
	  "UPDATE account SET balance_nusd = balance_nusd - 60 WHERE id = 4;"
	  "UPDATE account SET balance_nusd = balance_nusd + 60 WHERE id = 2",
	  "settle revenue " },
	{ "an empty txn", "INSERT INTO txn (id, kind, at_ms) VALUES (77, 'grant', 0)", "txn_empty " },
	{ "a balance is off", "UPDATE account SET balance_nusd = balance_nusd + 5 WHERE id = 4", "balance total " },
	{ "revenue is off", "UPDATE account SET balance_nusd = balance_nusd + 5 WHERE id = 2", "balance total revenue " },
	{ "an account's hold is off", "UPDATE account SET held_nusd = 99 WHERE id = 4", "account_held " },
	{ "a key's hold is off", "UPDATE token SET held_nusd = 101", "token_held " },
	{ "a key's use is off", "UPDATE token SET used_nusd = 0", "token_used " },
	{ "a key's budget holds too little", "UPDATE budget SET held_nusd = 99 WHERE scope = 'token'", "budget_held " },
	{ "a user's budget holds too much", "UPDATE budget SET held_nusd = 101 WHERE scope = 'user'", "budget_held " },
	{ "a group's budget holds what is not open", "UPDATE budget SET held_nusd = 1 WHERE scope = 'group'", "budget_held " },
	{ "a budget's use is off", "UPDATE budget SET used_nusd = 94 WHERE period = 'total'", "budget_used " },
	{ "a budget counts an old window", "UPDATE budget SET used_nusd = 95 WHERE period = 'day'", "budget_used " },
	{ "a bill's lines are short", "UPDATE request SET lines = '[{\"amount_nusd\":20},{\"amount_nusd\":39}]' WHERE request_id = 'r1'", "lines " },
	{ "a bill's lines come to the cost", "UPDATE request SET lines = '[{\"amount_nusd\":20},{\"amount_nusd\":40}]' WHERE request_id = 'r1'", "" },
	{ "a bill's lines are no JSON", "UPDATE request SET lines = '{' WHERE request_id = 'r1'", "lines " },
	{ "a request is open for too long", "UPDATE request SET started_ms = -5 WHERE request_id = 'r3'", "expired " },
	{ "a key's forgotten rows are off", "UPDATE token SET forgotten_nusd = 1", "token_used " },
	{ "a txn's forgotten rows are off", "INSERT INTO forgotten VALUES (2, 4, 1)", "settle revenue " },
	{ "a row's cost is off", "UPDATE request SET cost_nusd = 61 WHERE request_id = 'r1'",
	  "token_used budget_used settle revenue " },
	{ "a row is gone", "DELETE FROM request WHERE request_id = 'r1'", "token_used budget_used settle revenue " },
	{ "a row settled twice", "INSERT INTO request (request_id, state, started_ms, user_id, account_id, token_id, endpoint, reserved_nusd, cost_nusd, txn_id) VALUES ('r9', 'settled', 0, 1, 4, 1, 'chat', 100, 60, 2)",
	  "token_used budget_used settle revenue " },
	{ "a cost without a txn", "UPDATE request SET txn_id = 0 WHERE request_id = 'r1'", "settle cost_posted " },
	{ "a txn without a cost", "UPDATE request SET txn_id = 2 WHERE request_id = 'r4'", "cost_posted cost_state " },
	{ "an open row with a txn", "UPDATE request SET txn_id = 2 WHERE request_id = 'r3'", "cost_posted cost_state " },
	{ "an open row is voided by hand", "UPDATE request SET state = 'void' WHERE request_id = 'r3'",
	  "account_held token_held budget_held budget_held " },
	{ "a negative cost", "UPDATE request SET cost_nusd = -60 WHERE request_id = 'r1'",
	  "token_used budget_used settle revenue cost_range " },
	{ "a refund without a txn", "UPDATE request SET refund_txn_id = 0 WHERE request_id = 'r2'",
	  "refund cost_posted " },
	{ "a refund of more than it cost", "UPDATE request SET refunded_nusd = 61 WHERE request_id = 'r2'",
	  "token_used budget_used refund revenue cost_range " },
	{ "an overshoot unflagged", "UPDATE request SET reserved_nusd = 59 WHERE request_id = 'r1'", "overshoot " },
	{ "a flag without overshoot", "UPDATE request SET overshoot = 1 WHERE request_id = 'r1'", "overshoot " },
	{ "a user without account", "INSERT INTO user (name, created_ms) VALUES ('bob', 0)", "owner " },
	{ "an account without user", "INSERT INTO account (kind, owner_id) VALUES ('user', 77)", "owner " },
	{ "no operator", "DELETE FROM account WHERE kind = 'operator'", "house " },
	{ "revenue holds something", "UPDATE account SET held_nusd = 1 WHERE kind = 'revenue'", "account_held house " },
	{ "a code that was never posted", "INSERT INTO code (hash, hint, name, amount_nusd, created_ms, used_ms, user_id) VALUES (x'01', '', 'c', 5, 0, 1, 1)", "code " },
	{ "a code that was a grant", "INSERT INTO code (hash, hint, name, amount_nusd, created_ms, used_ms, user_id, txn_id) VALUES (x'01', '', 'c', 1000, 0, 1, 1, 1)", "code " },
	{ "a redeemed code is gone", "INSERT INTO txn (id, kind, at_ms) VALUES (77, 'redeem', 0); INSERT INTO entry VALUES (77, 1, -5), (77, 4, 5);"
	  "UPDATE account SET balance_nusd = balance_nusd + 5 WHERE id = 4; UPDATE account SET balance_nusd = balance_nusd - 5 WHERE id = 1", "code " },
	{ "an opening out of nowhere", "UPDATE account SET opening_nusd = 5 WHERE id = 4", "balance opening " },
	{ "an hour with what never was", "INSERT INTO usage_hour (hour_ms, user_id, token_id, channel_id, model, requests) VALUES (0, 1, 1, 0, 'm1', 1)", "usage " },
	{ "an hour without what was", "UPDATE request SET rolled = 1 WHERE request_id = 'r1'", "usage " },
	{ "a row of no account", "UPDATE request SET account_id = 77 WHERE request_id = 'r3'",
	  "account_held request_refs " },
	{ "a row of no key", "UPDATE request SET token_id = 77 WHERE request_id = 'r3'", "token_held budget_held request_refs " },
	{ "a price that is not there", "UPDATE request SET price_id = 77 WHERE request_id = 'r3'", "request_refs " },
	{ "a key of no user", "UPDATE token SET user_id = 77", "references " },
	{ "a state that is none", "UPDATE user SET role = 'king'", "file " },
	/* clang-format on */
};

static void each_planted_fault_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plants); i++) {
		struct fixture fx;

		row("%s", plants[i].label);
		books(&fx);
		MUST(&fx, db_exec(fx.db, unguarded, &fx.e));
		MUST(&fx, db_exec(fx.db, plants[i].sql, &fx.e));
		MUST(&fx, db_exec(fx.db, "PRAGMA ignore_check_constraints=OFF",
				  &fx.e));
		ROW_STR(fixture_audit(&fx), plants[i].want);
		fixture_release(&fx);
	}
	rows_done();
}

static void every_check_has_been_seen_to_find(void **state)
{
	const char *name, *sentence;
	char word[64];

	(void)state;
	for (int i = 0; audit_check(i, &name, &sentence); i++) {
		bool seen = false;

		row("%s", name);
		snprintf(word, sizeof(word), "%s ", name);
		for (size_t j = 0; j < COUNT(plants); j++)
			seen = seen || strstr(plants[j].want, word);
		ROW_TRUE(seen);
		ROW_TRUE(strlen(sentence) > 10);
	}
	rows_done();
}

/* Each must fail, and the books must be as they were. */
static const char *const refused[] = {
	"UPDATE entry SET amount_nusd = 1",
	"DELETE FROM entry",
	"UPDATE txn SET reason = 'x'",
	"DELETE FROM txn",
	"UPDATE price SET free = 1",
	"DELETE FROM price",
	"UPDATE request SET cost_nusd = 0 WHERE request_id = 'r1'",
	"UPDATE request SET state = 'open' WHERE request_id = 'r1'",
	"UPDATE request SET txn_id = 0 WHERE request_id = 'r1'",
	"INSERT INTO entry VALUES (9, 1, 0)",
	"INSERT INTO entry VALUES (9, 99, 1)",
	"INSERT INTO entry VALUES (99, 1, 1)",
	"UPDATE account SET balance_nusd = 9223372036854775807 + 1",
	"UPDATE account SET held_nusd = -1",
	"UPDATE request SET state = 'paid' WHERE request_id = 'r3'",
	"UPDATE token SET used_nusd = 'much'",
};

static void what_is_posted_stays(void **state)
{
	struct fixture fx;

	(void)state;
	books(&fx);
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%s", refused[i]);
		ROW_INT(db_exec(fx.db, refused[i], &fx.e), -1);
		err_clear(&fx.e);
		ROW_STR(fixture_audit(&fx), "");
	}
	fixture_release(&fx);
	rows_done();
}

static void count_time(void *arg, const char *check, int64_t ms)
{
	(void)check;
	*(int *)arg += ms >= 0;
}

static void quick_leaves_the_file_alone(void **state)
{
	const char *name, *sentence;
	struct fixture fx;
	int all = 0, n = 0;

	(void)state;
	fixture_init(&fx, ":memory:");
	while (audit_check(all, &name, &sentence))
		all++;
	for (int quick = 0; quick < 2; quick++) {
		const struct audit_how how = { .quick = quick,
					       .on_time = count_time,
					       .arg = &n };

		n = 0;
		assert_int_equal(audit_do(fx.db, &how, &fx.e), 0);
		assert_int_equal(n, all - quick);
	}
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_planted_fault_is_named),
		cmocka_unit_test(every_check_has_been_seen_to_find),
		cmocka_unit_test(what_is_posted_stays),
		cmocka_unit_test(quick_leaves_the_file_alone),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
