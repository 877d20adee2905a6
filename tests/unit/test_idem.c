/* test_idem.c - keys of requests that must not run twice. */
#include "fixture.h"

#include "base/clock.h"
#include "store/idem.h"

/* Where a key's first use stands, and what a second one finds. */
static const struct {
	const char *label;
	const char *state; /* of the request's row; NULL: there is none */
	const char *error;
	int64_t cost_nusd;
	int64_t status; /* kept with it; 0: the claim says nothing */
	const char *answer;
	bool other_body, old;
	enum idem_state want;
} uses[] = {
	/* clang-format off */
	{ "it runs",                        "open",    "", 0, 0,   NULL, false, false, IDEM_RUNNING },
	{ "it has run for longer than keys are kept", "open", "", 0, 0, NULL, false, true, IDEM_RUNNING },
	{ "it runs, with another body",     "open",    "", 0, 0,   NULL, true,  false, IDEM_OTHER },
	{ "answered",                       "settled", "", 5, 200, "{}", false, false, IDEM_ANSWERED },
	{ "answered for nothing",           "settled", "", 0, 200, "{}", false, false, IDEM_ANSWERED },
	{ "answered, with another body",    "settled", "", 5, 200, "{}", true,  false, IDEM_OTHER },
	{ "answered, and forgotten",        "settled", "", 5, 200, "{}", false, true,  IDEM_FREE },
	{ "another body, and forgotten",    "settled", "", 5, 200, "{}", true,  true,  IDEM_FREE },
	{ "answered, the answer not kept",  "settled", "", 5, 200, NULL, false, false, IDEM_DONE },
	{ "answered, the row of the log gone", NULL,   "", 0, 200, "{}", false, false, IDEM_ANSWERED },
	{ "nothing is known of it any more", NULL,     "", 0, 0,   NULL, false, false, IDEM_DONE },
	/* the claim does not say: settled by the spool, or by the sweep */
	{ "settled elsewhere",              "settled", "", 5, 0,   NULL, false, false, IDEM_DONE },
	{ "settled elsewhere for nothing",  "settled", "", 0, 0,   NULL, false, false, IDEM_DONE },
	{ "settled elsewhere, broken off",  "settled", "upstream_failed", 5, 0, NULL, false, false, IDEM_DONE },
	{ "failed elsewhere",               "void",    "upstream_failed", 0, 0, NULL, false, false, IDEM_FREE },
	{ "failed elsewhere, another body", "void",    "upstream_failed", 0, 0, NULL, true, false, IDEM_FREE },
	{ "lost, and cost nothing",         "lost",    "worker_lost", 0, 0, NULL, false, false, IDEM_FREE },
	{ "lost, and cost something",       "lost",    "worker_lost", 5, 0, NULL, false, false, IDEM_DONE },
	/* clang-format on */
};

static void exec(struct fixture *fx, const char *fmt, ...)
{
	char sql[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	MUST(fx, db_exec(fx->db, sql, &fx->e));
}

static struct idem use_of(int64_t token_id, int key, int body,
			  const char *request_id)
{
	return (struct idem){ .token_id = token_id,
			      .key = { (uint8_t)key },
			      .body = { (uint8_t)body },
			      .request_id = request_id };
}

static void check_answer(const struct idem_found *f)
{
	ROW_TRUE(str_eq(f->answer, "{}"));
	ROW_STR(f->type, "t");
	ROW_INT(f->status, 200);
}

static void a_second_use_finds_what_became_of_the_first(void **state)
{
	struct idem first = use_of(1, 1, 1, "req_1");
	struct idem_found f;
	struct fixture fx;

	(void)state;
	for (size_t i = 0; i < COUNT(uses); i++) {
		struct idem second =
			use_of(1, 1, 1 + uses[i].other_body, "req_2");
		int64_t since_ms =
			clock_wall_ms() + (uses[i].old ? 3600000 : -3600000);

		row("%s", uses[i].label);
		fixture_init(&fx, ":memory:");
		MUST(&fx, idem_claim(fx.db, &first, 0, &f, &fx.arena, &fx.e));
		ROW_INT(f.state, IDEM_FREE);
		if (uses[i].state)
			exec(&fx,
			     "INSERT INTO request (request_id, state, "
			     "started_ms, user_id, account_id, token_id, "
			     "endpoint, error, cost_nusd) VALUES ('req_1', "
			     "'%s', 1, 1, 1, 1, 'chat', '%s', %lld)",
			     uses[i].state, uses[i].error,
			     (long long)uses[i].cost_nusd);
		if (uses[i].status)
			MUST(&fx,
			     idem_keep(fx.db, &first, uses[i].status,
				       str_of(uses[i].answer), "t", &fx.e));
		MUST(&fx,
		     idem_look(fx.db, &second, since_ms, &f, &fx.arena, &fx.e));
		ROW_INT(f.state, uses[i].want);
		/* A claim finds the same, and takes what is free. */
		MUST(&fx, idem_claim(fx.db, &second, since_ms, &f, &fx.arena,
				     &fx.e));
		ROW_INT(f.state, uses[i].want);
		if (f.state == IDEM_ANSWERED)
			check_answer(&f);
		MUST(&fx, idem_look(fx.db, &second, 0, &f, &fx.arena, &fx.e));
		ROW_STR(f.request_id,
			uses[i].want == IDEM_FREE ? "req_2" : "req_1");
		fixture_release(&fx);
	}
	rows_done();
}

static void a_key_belongs_to_one_api_key(void **state)
{
	struct idem one = use_of(1, 1, 1, "req_1"),
		    two = use_of(2, 1, 1, "req_2"),
		    other = use_of(1, 2, 1, "req_3");
	struct idem_found f;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, idem_claim(fx.db, &one, 0, &f, &fx.arena, &fx.e));
	MUST(&fx, idem_claim(fx.db, &two, 0, &f, &fx.arena, &fx.e));
	assert_int_equal(f.state, IDEM_FREE);
	MUST(&fx, idem_claim(fx.db, &other, 0, &f, &fx.arena, &fx.e));
	assert_int_equal(f.state, IDEM_FREE);
	fixture_release(&fx);
}

/* Late words of a use that lost its key do not touch the next one's. */
static void only_who_holds_a_key_ends_it(void **state)
{
	struct idem one = use_of(1, 1, 1, "req_1"),
		    two = use_of(1, 1, 1, "req_2");
	struct idem_found f;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, idem_claim(fx.db, &one, 0, &f, &fx.arena, &fx.e));
	MUST(&fx, idem_release(fx.db, &one, &fx.e));
	MUST(&fx, idem_claim(fx.db, &two, 0, &f, &fx.arena, &fx.e));
	assert_int_equal(f.state, IDEM_FREE);
	MUST(&fx, idem_keep(fx.db, &one, 200, STR("{}"), "t", &fx.e));
	MUST(&fx, idem_release(fx.db, &one, &fx.e));
	MUST(&fx, idem_look(fx.db, &two, 0, &f, &fx.arena, &fx.e));
	assert_int_equal(f.state, IDEM_DONE); /* no row of the log, no end */
	assert_string_equal(f.request_id, "req_2");
	fixture_release(&fx);
}

static void old_keys_go_in_batches(void **state)
{
	struct idem_found f;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, db_begin(fx.db, &fx.e));
	for (int i = 0; i < 1200; i++) {
		struct idem use = use_of(i, 1, 1, "req_1");

		MUST(&fx, idem_claim(fx.db, &use, 0, &f, &fx.arena, &fx.e));
	}
	MUST(&fx, db_commit(fx.db, &fx.e));
	exec(&fx, "UPDATE idem SET created_ms = token_id");
	assert_int_equal(idem_expire(fx.db, 0, &fx.e), 0);
	assert_int_equal(idem_expire(fx.db, 1100, &fx.e), 1100);
	assert_int_equal(idem_expire(fx.db, 1100, &fx.e), 0);
	assert_int_equal(idem_expire(fx.db, 5000, &fx.e), 100);
	assert_int_equal(idem_expire(fx.db, 5000, &fx.e), 0);
	fixture_release(&fx);
}

/* --- with the money ----------------------------------------------------------- */

static struct ledger ledger;

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

struct claim {
	struct fixture *fx;
	struct idem use;
	struct idem_found found;
	bool fails;
};

static int claim(struct db *db, void *arg, struct err *e)
{
	struct claim *c = arg;

	if (idem_claim(db, &c->use, 0, &c->found, &c->fx->arena, e) < 0)
		return -1;
	return c->found.state == IDEM_FREE ?
		       0 :
		       err_set(e, ERR_IDEM_RUNNING, "taken");
}

static int keep(struct db *db, void *arg, struct err *e)
{
	struct claim *c = arg;

	if (idem_keep(db, &c->use, 200, STR("{}"), "t", e) < 0)
		return -1;
	return c->fails ? err_set(e, ERR_DB_BUSY, "not now") : 0;
}

static int reserve(struct claim *c, struct request *r)
{
	struct reserve_op op;

	reserve_op_init(&op, r, 0);
	op.also = (struct ledger_also){ claim, c };
	writer_now(c->fx->db, &direct, &op.op);
	return (int)op.op.err.code;
}

static int settle(struct claim *c, struct request *r, int64_t cost_nusd)
{
	struct settle_op op;

	r->cost_nusd = cost_nusd;
	settle_op_init(&op, &ledger, r, 0);
	op.also = (struct ledger_also){ keep, c };
	writer_now(c->fx->db, &direct, &op.op);
	return (int)op.op.err.code;
}

static enum idem_state look(struct claim *c)
{
	struct idem_found f;

	MUST(c->fx,
	     idem_look(c->fx->db, &c->use, 0, &f, &c->fx->arena, &c->fx->e));
	return f.state;
}

static void a_key_lives_and_dies_with_the_money(void **state)
{
	struct fixture fx;
	struct claim one = { .fx = &fx, .use = use_of(1, 1, 1, "req_1") },
		     two = { .fx = &fx, .use = use_of(1, 1, 1, "req_2") };
	struct request r, other;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, -1);
	/* No money, no claim. */
	r = fixture_request(&fx, "req_1", 101);
	assert_int_equal(reserve(&one, &r), ERR_NO_FUNDS);
	assert_int_equal(look(&one), IDEM_FREE);
	/* The key is taken: nothing is held. */
	r = fixture_request(&fx, "req_1", 60);
	assert_int_equal(reserve(&one, &r), ERR_NONE);
	assert_int_equal(look(&two), IDEM_RUNNING);
	other = fixture_request(&fx, "req_2", 10);
	assert_int_equal(reserve(&two, &other), ERR_IDEM_RUNNING);
	assert_string_equal(fixture_audit(&fx), "");
	/* What goes wrong with it leaves the bill as it was. */
	one.fails = true;
	assert_int_equal(settle(&one, &r, 50), ERR_DB_BUSY);
	assert_int_equal(look(&two), IDEM_RUNNING);
	assert_int_equal(fixture_int(&fx, "balance"), 100);
	assert_string_equal(fixture_audit(&fx), "");
	one.fails = false;
	assert_int_equal(settle(&one, &r, 50), ERR_NONE);
	assert_int_equal(look(&two), IDEM_ANSWERED);
	assert_int_equal(fixture_int(&fx, "balance"), 50);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_use_finds_what_became_of_the_first),
		cmocka_unit_test(a_key_belongs_to_one_api_key),
		cmocka_unit_test(only_who_holds_a_key_ends_it),
		cmocka_unit_test(old_keys_go_in_batches),
		cmocka_unit_test(a_key_lives_and_dies_with_the_money),
	};

	return cmocka_run_group_tests_name("idem", tests, NULL, NULL);
}
