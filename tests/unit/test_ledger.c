/* test_ledger.c - money: holds, settles, sweeps, and kill -9. */
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

#include "base/clock.h"
#include "base/rand.h"

static struct ledger ledger;

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

static int reserve(struct fixture *fx, struct request *r)
{
	struct reserve_op op;

	reserve_op_init(&op, r, 0);
	writer_now(fx->db, &direct, &op.op);
	return (int)op.op.err.code;
}

static int settle(struct fixture *fx, struct request *r, int64_t cost_nusd)
{
	struct settle_op op;

	r->cost_nusd = cost_nusd;
	settle_op_init(&op, &ledger, r, 0);
	writer_now(fx->db, &direct, &op.op);
	return (int)op.op.err.code;
}

/* --- one request --------------------------------------------------------------- */

static const struct life {
	const char *label;
	int64_t balance, limit, reserved;
	int want_reserve;
	int64_t cost;
	const char *state; /* asked for */
	const char *want_state;
	int64_t want_balance, want_used;
	bool want_overshoot;
} lives[] = {
	/* clang-format off */
	{ "costs less than was held", 100, -1, 60, ERR_NONE, 40, "", "settled", 60, 40, false },
	{ "costs what was held",      100, -1, 60, ERR_NONE, 60, "", "settled", 40, 60, false },
	{ "costs more than was held", 100, -1, 60, ERR_NONE, 70, "", "settled", 30, 70, true },
	{ "costs more than there is", 100, -1, 60, ERR_NONE, 170, "", "settled", -70, 170, true },
	{ "costs nothing",            100, -1, 60, ERR_NONE, 0, "", "settled", 100, 0, false },
	{ "is voided",                100, -1, 60, ERR_NONE, 0, "void", "void", 100, 0, false },
	{ "a void that cost is none", 100, -1, 60, ERR_NONE, 1, "void", "settled", 99, 1, false },
	{ "the last coin",            100, -1, 100, ERR_NONE, 100, "", "settled", 0, 100, false },
	{ "one more than the balance", 100, -1, 101, ERR_NO_FUNDS, 0, NULL, NULL, 100, 0, false },
	{ "the key's last coin",      100, 50, 50, ERR_NONE, 50, "", "settled", 50, 50, false },
	{ "one more than the key's limit", 100, 50, 51, ERR_NO_FUNDS, 0, NULL, NULL, 100, 0, false },
	{ "a limit of nothing",       100, 0, 1, ERR_NO_FUNDS, 0, NULL, NULL, 100, 0, false },
	{ "a free model without money", 0, -1, 0, ERR_NONE, 0, "", "settled", 0, 0, false },
	{ "a free model that cost",   0, -1, 0, ERR_NONE, 5, "", "settled", -5, 5, true },
	/* clang-format on */
};

/* The request ends, and once more, which changes nothing. */
static void live(struct fixture *fx, struct request *r, const struct life *l)
{
	struct request got = { 0 };

	ROW_INT(fixture_int(fx, "held"), l->reserved);
	ROW_INT(fixture_int(fx, "token_held"), l->reserved);
	ROW_STR(fixture_audit(fx), "");
	r->state = l->state;
	ROW_INT(settle(fx, r, l->cost), ERR_NONE);
	ROW_INT(settle(fx, r, l->cost + 9), ERR_NONE);
	MUST(fx, request_find(fx->db, "r1", &got, &fx->arena, &fx->e));
	ROW_STR(got.state, l->want_state);
	ROW_INT(got.cost_nusd, l->cost);
	ROW_INT(got.overshoot, l->want_overshoot);
	ROW_STR(got.user, "ann");
	ROW_STR(got.token, "k");
}

static void a_request_ends_once_and_pays_what_it_cost(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lives); i++) {
		struct fixture fx;
		struct request r, got;

		row("%s", lives[i].label);
		fixture_init(&fx, ":memory:");
		fixture_user(&fx, lives[i].balance, lives[i].limit);
		r = fixture_request(&fx, "r1", lives[i].reserved);
		ROW_INT(reserve(&fx, &r), lives[i].want_reserve);
		if (lives[i].want_state)
			live(&fx, &r, &lives[i]);
		else
			ROW_INT(request_find(fx.db, "r1", &got, &fx.arena,
					     &fx.e),
				-1);
		ROW_INT(fixture_int(&fx, "held"), 0);
		ROW_INT(fixture_int(&fx, "token_held"), 0);
		ROW_INT(fixture_int(&fx, "balance"), lives[i].want_balance);
		ROW_INT(fixture_int(&fx, "used"), lives[i].want_used);
		ROW_STR(fixture_audit(&fx), "");
		fixture_release(&fx);
	}
	rows_done();
}

static void a_refusal_says_whose_money_is_short(void **state)
{
	struct reserve_op op;
	struct request r;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, 50);
	r = fixture_request(&fx, "r1", 60);
	reserve_op_init(&op, &r, 0);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), -1);
	assert_non_null(strstr(op.op.err.msg, "this key"));
	assert_non_null(strstr(op.op.err.msg, "$0.00000005 left"));
	MUST(&fx, moves_grant(fx.db, fx.account, -51, "", "", NULL, &fx.e));
	reserve_op_init(&op, &r, 0);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), -1);
	assert_non_null(strstr(op.op.err.msg, "balance"));
	fixture_release(&fx);
}

static void a_hold_grows_as_far_as_money_goes(void **state)
{
	struct extend_op op;
	struct request r;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, -1);
	r = fixture_request(&fx, "r1", 60);
	assert_int_equal(reserve(&fx, &r), ERR_NONE);
	extend_op_init(&op, &r, 40, 0);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), 0);
	assert_int_equal(fixture_int(&fx, "held"), 100);
	assert_string_equal(fixture_audit(&fx), "");
	extend_op_init(&op, &r, 1, 0);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), -1);
	assert_int_equal(op.op.err.code, ERR_NO_FUNDS);
	/* the row in memory still says 60; the database knows better */
	assert_int_equal(settle(&fx, &r, 90), ERR_NONE);
	assert_int_equal(r.reserved_nusd, 100);
	assert_int_equal(fixture_int(&fx, "balance"), 10);
	extend_op_init(&op, &r, 1, 0);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), -1);
	assert_int_equal(op.op.err.code, ERR_NOT_FOUND);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static void a_refused_request_is_one_final_row(void **state)
{
	struct request r, got;
	struct refuse_op op;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, -1);
	r = fixture_request(&fx, "r1", 0);
	r.status = 429;
	r.error = "rate_limit_exceeded";
	refuse_op_init(&op, &r);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), 0);
	MUST(&fx, request_find(fx.db, "r1", &got, &fx.arena, &fx.e));
	assert_string_equal(got.state, "refused");
	assert_int_equal(got.status, 429);
	assert_string_equal(got.error, "rate_limit_exceeded");
	assert_int_equal(settle(&fx, &r, 7), ERR_NONE); /* it has ended */
	assert_int_equal(fixture_int(&fx, "balance"), 100);
	/* nobody known: no key, no user */
	r = (struct request){ .request_id = "r2",
			      .endpoint = "chat",
			      .status = 401 };
	refuse_op_init(&op, &r);
	assert_int_equal(writer_now(fx.db, &direct, &op.op), 0);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static void a_request_id_is_used_once(void **state)
{
	struct request a, b;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, -1);
	a = fixture_request(&fx, "r1", 10);
	b = fixture_request(&fx, "r1", 20);
	assert_int_equal(reserve(&fx, &a), ERR_NONE);
	assert_int_equal(reserve(&fx, &b), ERR_EXISTS);
	assert_int_equal(fixture_int(&fx, "held"), 10);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- grants --------------------------------------------------------------------- */

static void grants_move_money_once(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	assert_true(moves_grant(fx.db, fx.account, 5, "root", "hello", "g1",
				&fx.e) > 0);
	assert_int_equal(
		moves_grant(fx.db, fx.account, 5, "root", "hello", "g1", &fx.e),
		-1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	err_clear(&fx.e);
	assert_true(moves_grant(fx.db, fx.account, -2, "root", "oops", NULL,
				&fx.e) > 0);
	assert_int_equal(fixture_int(&fx, "balance"), 3);
	assert_int_equal(moves_grant(fx.db, 999, 5, "", "", NULL, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	assert_int_equal(moves_grant(fx.db, fx.account, 0, "", "", NULL, &fx.e),
			 -1);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- the sweep ------------------------------------------------------------------ */

static void note(struct fixture *fx, int64_t id, int64_t cost_nusd)
{
	struct progress_op op;
	char lines[64];

	progress_op_init(&op, id);
	op.prompt_tok = 3;
	op.completion_tok = 4;
	op.cost_nusd = cost_nusd;
	op.usage = "{\"in_tok\":1,\"cache_read_tok\":2,\"out_tok\":4}";
	op.lines = lines;
	op.provider = "openai";
	op.model_served = "m1-mini";
	op.channel_id = 7;
	op.upstream_nusd = 1;
	snprintf(lines, sizeof(lines), "[{\"amount_nusd\":%lld}]",
		 (long long)cost_nusd);
	assert_int_equal(writer_now(fx->db, &direct, &op.op), 0);
}

static void the_sweep_ends_what_the_dead_left(void **state)
{
	static const int64_t live[] = { 5, 2 };
	struct request r[4], got;
	struct ledger_swept out;
	struct fixture fx;
	const char *ids[] = { "live", "noted", "silent", "over" };
	int64_t workers[] = { 2, 1, 1, 9 };

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 100, -1);
	for (int i = 0; i < 4; i++) {
		r[i] = fixture_request(&fx, ids[i], 20);
		r[i].worker_id = workers[i];
		assert_int_equal(reserve(&fx, &r[i]), ERR_NONE);
	}
	note(&fx, r[1].id, 15);
	note(&fx, r[3].id, 25);
	assert_string_equal(fixture_audit(&fx), "");
	MUST(&fx, ledger_sweep(fx.db, live, 2, &out, &fx.e));
	assert_int_equal(out.settled, 2);
	assert_int_equal(out.voided, 1);
	assert_int_equal(out.cost_nusd, 40);
	assert_int_equal(out.released_nusd, 60);
	assert_int_equal(fixture_int(&fx, "balance"), 60);
	assert_int_equal(fixture_int(&fx, "held"), 20);
	assert_int_equal(fixture_int(&fx, "used"), 40);
	MUST(&fx, request_find(fx.db, "noted", &got, &fx.arena, &fx.e));
	assert_string_equal(got.state, "lost");
	assert_string_equal(got.source, "partial");
	assert_string_equal(got.error, "worker_lost");
	assert_int_equal(got.prompt_tok, 3);
	assert_int_equal(got.completion_tok, 4);
	assert_int_equal(got.cost_nusd, 15);
	assert_int_equal(got.cached_tok, 2);
	assert_string_equal(got.lines, "[{\"amount_nusd\":15}]");
	assert_string_equal(got.model_served, "m1-mini");
	assert_int_equal(got.upstream_nusd, 1);
	assert_true(got.txn_id > 0);
	MUST(&fx, request_find(fx.db, "silent", &got, &fx.arena, &fx.e));
	assert_string_equal(got.state, "lost");
	assert_int_equal(got.txn_id, 0);
	MUST(&fx, request_find(fx.db, "live", &got, &fx.arena, &fx.e));
	assert_string_equal(got.state, "open");
	assert_string_equal(fixture_audit(&fx), "");
	MUST(&fx, ledger_sweep(fx.db, live, 2, &out, &fx.e));
	assert_int_equal(out.settled + out.voided, 0);
	fixture_release(&fx);
}

static void the_sweep_takes_more_than_one_round(void **state)
{
	struct ledger_swept out;
	struct request r;
	struct fixture fx;
	char id[16];

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	for (int i = 0; i < 450; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		r = fixture_request(&fx, id, 2);
		assert_int_equal(reserve(&fx, &r), ERR_NONE);
		note(&fx, r.id, i % 2);
	}
	MUST(&fx, ledger_sweep(fx.db, NULL, 0, &out, &fx.e));
	assert_int_equal(out.settled, 450);
	assert_int_equal(out.cost_nusd, 225);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- through the writer ------------------------------------------------------------ */

static struct writer *start(struct fixture *fx)
{
	struct writer_conf conf = direct;
	struct writer *w;

	conf.path = fx->path;
	w = writer_start(&conf, &fx->e);
	if (!w)
		fail_msg("writer: %s", fx->e.msg);
	return w;
}

static struct write_op *wait_for_one(struct writer *w)
{
	struct write_op *op;

	while (!(op = writer_finished(w)))
		usleep(100);
	return op;
}

/* 64 ask at once where the money is for exactly 10. */
static void no_coin_is_held_twice(void **state)
{
	struct reserve_op ops[64];
	struct request r[64];
	char ids[64][16];
	struct fixture fx;
	struct writer *w;
	int yes = 0, no = 0;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 10 * USD, -1);
	w = start(&fx);
	for (int i = 0; i < 64; i++) {
		snprintf(ids[i], sizeof(ids[i]), "r%d", i);
		r[i] = fixture_request(&fx, ids[i], USD);
		reserve_op_init(&ops[i], &r[i], clock_mono_ms() + 10000);
		writer_put(w, &ops[i].op);
	}
	for (int i = 0; i < 64; i++) {
		struct write_op *op = wait_for_one(w);

		yes += op->err.code == ERR_NONE;
		no += op->err.code == ERR_NO_FUNDS;
	}
	writer_stop(w);
	writer_free(w);
	assert_int_equal(yes, 10);
	assert_int_equal(no, 54);
	assert_int_equal(fixture_int(&fx, "held"), 10 * USD);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* Two users' settles and a hold in one commit: one txn, three entries. */
static void a_commit_posts_one_txn(void **state)
{
	struct ledger l = { .n = 0 };
	struct settle_op ops[30];
	struct request r[30];
	char ids[30][16];
	struct fixture fx;
	struct writer *w;
	struct writer_conf conf = direct;
	struct writer_stats n;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000, -1);
	for (int i = 0; i < 30; i++) {
		snprintf(ids[i], sizeof(ids[i]), "r%d", i);
		r[i] = fixture_request(&fx, ids[i], 10);
		if (i % 3 == 0) {
			r[i].account_id = LEDGER_OPERATOR;
			r[i].token_id = r[i].user_id = 0;
		}
		assert_int_equal(reserve(&fx, &r[i]), ERR_NONE);
	}
	conf.path = fx.path;
	conf.arg = &l;
	w = writer_start(&conf, &fx.e);
	assert_non_null(w);
	MUST(&fx, db_begin(fx.db, &fx.e)); /* so that all of them gather */
	for (int i = 0; i < 30; i++) {
		r[i].cost_nusd = i;
		settle_op_init(&ops[i], &l, &r[i], clock_mono_ms() + 10000);
		writer_put(w, &ops[i].op);
	}
	usleep(20000);
	db_rollback(fx.db);
	for (int i = 0; i < 30; i++)
		assert_int_equal(wait_for_one(w)->err.code, ERR_NONE);
	writer_stop(w);
	writer_stats(w, &n);
	writer_free(w);
	assert_true(n.commits >= 1 && n.commits <= 2);
	assert_int_equal(n.ops, 30);
	assert_true(n.largest >= 15);
	assert_true(r[1].txn_id > 0);
	assert_int_equal(fixture_int(&fx, "balance"),
			 1000 - (30 * 29 / 2 - 3 * 10 * 9 / 2));
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- kill -9 --------------------------------------------------------------------- */

#define SLOTS 32

struct slot {
	struct reserve_op reserve;
	struct settle_op settle;
	struct progress_op progress;
	struct request row;
	char id[32];
	int phase;
};

static void next_of(struct writer *w, struct fixture *fx, struct slot *s)
{
	switch (s->phase++ % 3) {
	case 0:
		rand_text(s->id, 22);
		s->row = fixture_request(fx, s->id, 1000);
		s->row.worker_id = (int64_t)getpid();
		reserve_op_init(&s->reserve, &s->row, 0);
		writer_put(w, &s->reserve.op);
		break;
	case 1:
		progress_op_init(&s->progress, s->row.id);
		s->progress.cost_nusd = (int64_t)rand_below(1200);
		writer_put(w, &s->progress.op);
		break;
	default:
		s->row.cost_nusd = (int64_t)rand_below(1200);
		settle_op_init(&s->settle, &ledger, &s->row, 0);
		writer_put(w, &s->settle.op);
	}
}

/* Says on the pipe that something has ended. */
static void load_until_killed(struct fixture *fx, int said)
{
	static struct slot slots[SLOTS];
	struct writer *w = start(fx);
	struct write_op *op;

	for (int i = 0; i < SLOTS; i++)
		next_of(w, fx, &slots[i]);
	for (int n = 0;; n++) {
		op = wait_for_one(w);
		if (n == 4 * SLOTS && write(said, "", 1) != 1)
			_exit(1);
		for (int i = 0; i < SLOTS; i++)
			if (op == &slots[i].reserve.op ||
			    op == &slots[i].settle.op ||
			    op == &slots[i].progress.op)
				next_of(w, fx, &slots[i]);
	}
}

static void kill_9_leaves_books_that_balance(void **state)
{
	struct ledger_swept out, all = { .settled = 0 };
	struct fixture fx;
	int64_t rows;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000 * USD, -1);
	for (int round = 0; round < 6; round++) {
		pid_t kids[2];
		int said[2];
		char byte;

		assert_int_equal(pipe(said), 0);
		/* a connection must not go through a fork */
		db_close(fx.db);
		fx.db = NULL;
		for (int k = 0; k < 2; k++) {
			kids[k] = fork();
			if (kids[k] == 0)
				load_until_killed(&fx, said[1]);
		}
		for (int k = 0; k < 2; k++)
			assert_int_equal(read(said[0], &byte, 1), 1);
		close(said[0]);
		close(said[1]);
		usleep((useconds_t)rand_below(150000));
		for (int k = 0; k < 2; k++)
			kill(kids[k], SIGKILL);
		for (int k = 0; k < 2; k++)
			waitpid(kids[k], NULL, 0);
		fx.db = fixture_open(&fx, DB_WRITE);
		row("round %d, before the sweep", round);
		ROW_STR(fixture_audit(&fx), "");
		MUST(&fx, ledger_sweep(fx.db, NULL, 0, &out, &fx.e));
		all.settled += out.settled;
		all.voided += out.voided;
		row("round %d, after the sweep", round);
		ROW_STR(fixture_audit(&fx), "");
		ROW_INT(fixture_int(&fx, "held"), 0);
	}
	rows = fixture_int(&fx, "used");
	ROW_TRUE(rows > 0);
	ROW_TRUE(all.settled + all.voided > 0);
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_ends_once_and_pays_what_it_cost),
		cmocka_unit_test(a_refusal_says_whose_money_is_short),
		cmocka_unit_test(a_hold_grows_as_far_as_money_goes),
		cmocka_unit_test(a_refused_request_is_one_final_row),
		cmocka_unit_test(a_request_id_is_used_once),
		cmocka_unit_test(grants_move_money_once),
		cmocka_unit_test(the_sweep_ends_what_the_dead_left),
		cmocka_unit_test(the_sweep_takes_more_than_one_round),
		cmocka_unit_test(no_coin_is_held_twice),
		cmocka_unit_test(a_commit_posts_one_txn),
		cmocka_unit_test(kill_9_leaves_books_that_balance),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
