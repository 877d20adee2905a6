/* test_money.c - money in any order, and by many at once. */
#include <sys/wait.h>

#include "fixture.h"

#include "base/clock.h"
#include "store/archive.h"
#include "store/budget.h"
#include "store/code.h"
#include "store/retention.h"
#include "store/rollup.h"

#include <ftw.h>

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define NOON_MS 1803384000000LL /* 2027-02-23T12:00Z, a Tuesday */

static struct ledger ledger;

/* The same for the same seed, which is said: SEED=7 plays it again. */
static uint64_t seed = 1;

static uint64_t chance(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

/* --- any order ---------------------------------------------------------------------------- */

#define OPEN 24

struct play {
	struct fixture fx;
	struct conf conf;
	char folder[40], lock[64];
	struct rollup rollup;
	struct retention retention;
	struct request rows[OPEN]; /* id 0: free */
	char ids[OPEN][24];
	int64_t now_ms;
	int n;
};

static const char *const groups[] = { "", "team", "other" };

static void play_reserve(struct play *p, int i)
{
	struct reserve_op op;

	snprintf(p->ids[i], sizeof(p->ids[i]), "r%d", p->n++);
	p->rows[i] = fixture_request(&p->fx, p->ids[i], (int64_t)chance(300));
	p->rows[i].group = groups[chance(3)];
	p->rows[i].started_ms = p->now_ms - (int64_t)chance(5000);
	p->rows[i].worker_id = 1 + (int64_t)chance(3);
	reserve_op_init(&op, &p->rows[i], 0);
	op.now_ms = p->now_ms;
	if (chance(2) && op.least_nusd)
		op.least_nusd = 1;
	if (writer_now(p->fx.db, &direct, &op.op) < 0) {
		ROW_INT(op.op.err.code, ERR_NO_FUNDS);
		p->rows[i].id = 0;
	}
}

static void play_extend(struct play *p, int i)
{
	struct extend_op op;

	extend_op_init(&op, &p->rows[i], 1 + (int64_t)chance(100), 0);
	op.now_ms = p->now_ms;
	if (chance(2))
		op.least_nusd = 1;
	if (writer_now(p->fx.db, &direct, &op.op) < 0)
		ROW_TRUE(op.op.err.code == ERR_NO_FUNDS ||
			 op.op.err.code == ERR_NOT_FOUND);
}

static void play_settle(struct play *p, int i)
{
	struct settle_op op;
	bool is_void = chance(4) == 0;

	p->rows[i].cost_nusd = is_void ? 0 : (int64_t)chance(350);
	p->rows[i].state = is_void ? "void" : "settled";
	settle_op_init(&op, &ledger, &p->rows[i], 0);
	ROW_INT(writer_now(p->fx.db, &direct, &op.op), 0);
	p->rows[i].id = 0;
}

static void play_note(struct play *p, int i)
{
	struct progress_op op;

	progress_op_init(&op, p->rows[i].id);
	op.cost_nusd = (int64_t)chance(200);
	ROW_INT(writer_now(p->fx.db, &direct, &op.op), 0);
}

static void play_sweep(struct play *p)
{
	int64_t live[] = { 1 + (int64_t)chance(3), 0 };
	struct ledger_swept out;

	live[1] = 1 + (int64_t)chance(3);
	MUST(&p->fx, ledger_sweep(p->fx.db, live, 2, &out, &p->fx.e));
	for (int i = 0; i < OPEN; i++)
		if (p->rows[i].worker_id != live[0] &&
		    p->rows[i].worker_id != live[1])
			p->rows[i].id = 0;
}

static void play_refund(struct play *p)
{
	struct refund r = { .actor = "test", .reason = "" };
	char id[24];

	snprintf(id, sizeof(id), "r%d", (int)chance((uint64_t)p->n + 1));
	r.request_id = id;
	r.amount_nusd = (int64_t)chance(30);
	moves_refund(p->fx.db, &r, &p->fx.e);
	err_clear(&p->fx.e); /* it may be open, or gone, or given back */
}

static void play_budget(struct play *p)
{
	static const char *const scopes[] = { "token", "user", "group" };
	static const char *const periods[] = { "day", "week", "month",
					       "total" };
	size_t s = chance(3);
	const char *owner = s < 2 ? "1" : groups[1 + chance(2)];
	const char *period = periods[chance(4)];

	if (chance(3) == 0) {
		budget_remove(p->fx.db, scopes[s], owner, period, &p->fx.e);
		err_clear(&p->fx.e);
		return;
	}
	MUST(&p->fx, budget_set(p->fx.db, scopes[s], owner, period,
				(int64_t)chance(5000), p->now_ms, &p->fx.e));
}

/* Mostly a little, at times over midnight, seldom backwards. */
static void play_time(struct play *p)
{
	static const int64_t steps[] = { 1000,       HOUR_MS, 9 * HOUR_MS,
					 3 * DAY_MS, -500,    -2 * DAY_MS };

	p->now_ms += steps[chance(COUNT(steps))];
}

/* Sums of the hours, old rows gone, sums made anew. */
static void play_age(struct play *p)
{
	struct err *e = &p->fx.e;

	MUST(&p->fx, rollup_run(p->fx.db, &p->rollup, 5, e));
	if (chance(2))
		MUST(&p->fx, retention_run(p->fx.db, &p->conf, p->now_ms, 5,
					   &p->retention, e));
	if (!chance(3))
		MUST(&p->fx, rollup_rebuild(p->fx.db, p->lock, 0, e));
}

/* Half of them twice. */
static void play_code(struct play *p)
{
	const struct code c = { .name = "c", .amount_nusd = 900 };
	char text[1][CODE_TEXT];

	MUST(&p->fx, code_create(p->fx.db, &c, 1, text, &p->fx.e));
	for (uint64_t i = 0, n = 1 + chance(2); i < n; i++) {
		struct redeem r = { .typed = str_of(text[0]),
				    .user_id = p->fx.user,
				    .account_id = p->fx.account,
				    .actor = "test" };

		ROW_INT(code_redeem(p->fx.db, &r, &p->fx.e) > 0, !i);
		err_clear(&p->fx.e);
	}
}

static void step(struct play *p)
{
	int i = (int)chance(OPEN);
	uint64_t what = chance(100);

	if (what < 8)
		play_time(p);
	else if (what < 11)
		play_budget(p);
	else if (what < 13)
		play_sweep(p);
	else if (what < 18)
		play_refund(p);
	else if (what < 20)
		play_age(p);
	else if (what < 21)
		play_code(p);
	else if (!p->rows[i].id)
		play_reserve(p, i);
	else if (what < 40)
		play_extend(p, i);
	else if (what < 55)
		play_note(p, i);
	else
		play_settle(p, i);
}

static int drop(const char *path, const struct stat *st, int type,
		struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void play_begin(struct play *p, uint64_t with)
{
	*p = (struct play){ .now_ms = NOON_MS };
	seed = with;
	fixture_init(&p->fx, ":memory:");
	fixture_user(&p->fx, 20000, 15000);
	snprintf(p->folder, sizeof(p->folder), "/tmp/pontage-money-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->lock, sizeof(p->lock), "%s/ageing.lock", p->folder);
	p->conf = (struct conf){ .state_dir = p->folder,
				 .log_days = 2,
				 .usage_days = 9 };
}

/* The txns are of this month, which is over by then. */
static void play_end(struct play *p)
{
	char month[CLOCK_TEXT];

	row("all is archived");
	clock_text(clock_wall_ms(), month);
	month[strlen("2026-11")] = '\0';
	ROW_INT(archive_month(p->fx.db, &p->conf, p->lock, month,
			      clock_wall_ms() + 366 * DAY_MS, &p->fx.e),
		1);
	ROW_STR(fixture_audit(&p->fx), "");
	fixture_release(&p->fx);
	assert_int_equal(nftw(p->folder, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void the_books_agree_after_any_step(void **state)
{
	const char *asked = getenv("SEED");
	uint64_t with = asked ? strtoull(asked, NULL, 10) : 20261121;
	int64_t until_ms = clock_mono_ms() + 4000;
	struct play p;
	int steps = 0;

	(void)state;
	play_begin(&p, with);
	for (; steps < 1500 && clock_mono_ms() < until_ms; steps++) {
		row("seed %llu, step %d", (unsigned long long)with, steps);
		step(&p);
		ROW_STR(fixture_audit(&p.fx), "");
		if (p.fx.findings)
			break;
		if (steps % 100 == 0)
			MUST(&p.fx, moves_grant(p.fx.db, p.fx.account, 3000, "",
						"", NULL, &p.fx.e));
	}
	assert_true(steps > 20);
	play_end(&p);
	rows_done();
}

/* --- many at once --------------------------------------------------------------------- */

#define PROCESSES 8
#define EACH      16 /* threads would share one writer: it is one at a time */

/* Asks for 7 each time, takes what it gets: how much that was. */
static int64_t ask_often(struct fixture *fx, int me)
{
	struct err e = { 0 };
	struct db *db = db_open(fx->path, DB_WRITE, false, &e);
	int64_t sum = 0;

	for (int i = 0; db && i < EACH; i++) {
		struct reserve_op op;
		struct request r;
		char id[32];

		snprintf(id, sizeof(id), "r%d-%d", me, i);
		r = fixture_request(fx, id, 7);
		r.started_ms = NOON_MS;
		reserve_op_init(&op, &r, 0);
		op.now_ms = NOON_MS + (i % 2) * DAY_MS;
		op.least_nusd = 2;
		if (writer_now(db, &direct, &op.op) == 0)
			sum += r.reserved_nusd;
		else if (op.op.err.code != ERR_NO_FUNDS)
			return -1;
	}
	db_close(db);
	return sum;
}

/* 128 times 7 where the money is for 61 times 7 and 4: all of it is held, and
 * no more, and nobody is refused who could have had 2. */
static void processes_hold_exactly_what_there_is(void **state)
{
	struct fixture fx;
	int pipes[2], status;
	int64_t sum = 0;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 100000, -1);
	MUST(&fx, budget_set(fx.db, "user", "1", "total", 61 * 7 + 4, NOON_MS,
			     &fx.e));
	MUST(&fx, budget_set(fx.db, "token", "1", "day", 61 * 7 + 4, NOON_MS,
			     &fx.e));
	assert_int_equal(pipe(pipes), 0);
	db_close(fx.db);
	fx.db = NULL;
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			int64_t got = ask_often(&fx, i);

			_exit(write(pipes[1], &got, sizeof(got)) !=
			      sizeof(got));
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		int64_t got = -1;

		assert_int_equal(read(pipes[0], &got, sizeof(got)),
				 sizeof(got));
		assert_true(got >= 0);
		sum += got;
		wait(&status);
		assert_int_equal(status, 0);
	}
	close(pipes[0]);
	close(pipes[1]);
	fx.db = fixture_open(&fx, DB_WRITE);
	assert_int_equal(sum, 61 * 7 + 4);
	assert_int_equal(fixture_int(&fx, "held"), 61 * 7 + 4);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_books_agree_after_any_step),
		cmocka_unit_test(processes_hold_exactly_what_there_is),
	};

	return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
