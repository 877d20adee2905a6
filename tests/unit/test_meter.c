/* test_meter.c - lib/shared/meter and health: limits and cool-downs that all
 * workers keep together. */
#include "shared/health.h"
#include "shared/meter.h"

#include "base/clock.h"

#include "rows.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NOW 1000000 /* any time */

static char folder[] = "/tmp/test_meter.XXXXXX", path[64];

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/shared", folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int fresh(void **state)
{
	struct err e = { 0 };

	unlink(path);
	*state = shared_open(folder, true, &e);
	return *state ? 0 : -1;
}

static int done(void **state)
{
	shared_close(*state);
	return 0;
}

static const struct meter_ask asks[] = {
	{ METER_TOKEN, 7, { [METER_RPM] = 3 } },
	{ METER_TOKEN, 7, { [METER_TPM] = 100 } },
	{ METER_TOKEN, 7, { [METER_RPD] = 5 } },
	{ METER_TOKEN, 7, { [METER_CONCURRENCY] = 2 } },
};
enum { RPM, TPM, RPD, ONCE };

/* So many of the asks, in one request. */
static bool take(struct shared *sh, const struct meter_ask *a, int n,
		 int64_t tokens, int64_t at_ms, struct meter_hold *hold,
		 struct meter_no *no)
{
	struct meter_request r = { .n = n, .tokens = tokens };

	memcpy(r.asks, a, sizeof(*a) * (size_t)n);
	return meter_take(sh, NULL, &r, NOW + at_ms, hold, no);
}

/* A row: which limits, tokens, time since the first; is it taken, what refuses
 * and how long until it would not. */
static const struct {
	int first, n; /* of asks */
	int64_t tokens, at_ms;
	bool taken;
	enum meter_what what;
	int64_t wait_ms;
} windows[] = {
	{ RPM, 1, 1, 0, true, 0, 0 },
	{ RPM, 1, 1, 100, true, 0, 0 },
	{ RPM, 1, 1, 59000, true, 0, 0 },
	{ RPM, 1, 1, 59500, false, METER_RPM, 500 },
	{ RPM, 1, 1, 59990, false, METER_RPM, 10 },
	{ RPM, 1, 1, 60000, true, 0, 0 },  /* the next window */
	{ TPM, 1, 60, 60000, true, 0, 0 }, /* its own window */
	{ TPM, 1, 41, 61000, false, METER_TPM, 59000 },
	{ TPM, 1, 40, 61000, true, 0, 0 }, /* what did not fit left no trace */
	{ TPM, 1, 101, 61000, false, METER_TPM, -1 },   /* never fits */
	{ RPM, 2, 50, 61000, false, METER_TPM, 59000 }, /* the second refuses */
	{ RPM, 1, 1, 61000, true, 0, 0 }, /* ... the first was given back */
	{ RPM, 1, 1, 61000, true, 0, 0 },
	{ RPM, 1, 1, 61000, false, METER_RPM, 59000 },
	{ RPD, 1, 1, 61000, true, 0, 0 },
	{ RPD, 1, 1, 86400000, true, 0, 0 },
	{ RPD, 1, 1, 86400000, true, 0, 0 },
	{ RPD, 1, 1, 86400000, true, 0, 0 },
	{ RPD, 1, 1, 86400000, true, 0, 0 },
	{ RPD, 1, 1, 86460000, false, METER_RPD, 1000 },
	{ RPD, 1, 1, 86461000, true, 0, 0 },
};

static void a_window_takes_what_fits_and_no_more(void **state)
{
	struct meter_hold hold;

	for (size_t i = 0; i < COUNT(windows); i++) {
		struct meter_no no = { 0 };
		bool got =
			take(*state, &asks[windows[i].first], windows[i].n,
			     windows[i].tokens, windows[i].at_ms, &hold, &no);

		row("row %zu", i);
		ROW_INT(got, windows[i].taken);
		if (got)
			continue;
		ROW_INT(no.what, windows[i].what);
		ROW_INT(no.wait_ms, windows[i].wait_ms);
	}
	rows_done();
}

static void tokens_are_corrected_in_their_own_window(void **state)
{
	struct meter_hold a, b;
	struct meter_view v;
	struct meter_no no;

	assert_true(take(*state, &asks[TPM], 1, 90, 0, &a, &no));
	meter_correct(&a, 30);
	assert_true(take(*state, &asks[TPM], 1, 70, 0, &b, &no));
	meter_correct(&a, 20);
	meter_look(*state, METER_TOKEN, 7, NOW + 1000, &v);
	assert_int_equal(v.used[METER_TPM], 90);
	assert_int_equal(v.reset_ms[METER_TPM], 59000);
	/* Past the window nothing of it counts, nor is corrected. */
	meter_look(*state, METER_TOKEN, 7, NOW + 60000, &v);
	assert_int_equal(v.used[METER_TPM], 0);
	assert_true(take(*state, &asks[TPM], 1, 10, 60000, &a, &no));
	meter_correct(&b, 0);
	meter_look(*state, METER_TOKEN, 7, NOW + 60000, &v);
	assert_int_equal(v.used[METER_TPM], 10);
}

static void at_once_is_at_once(void **state)
{
	struct meter_hold a, b, c;
	struct meter_no no;

	assert_true(take(*state, &asks[ONCE], 1, 1, 0, &a, &no));
	assert_true(take(*state, &asks[ONCE], 1, 1, 0, &b, &no));
	assert_false(take(*state, &asks[ONCE], 1, 1, 0, &c, &no));
	assert_int_equal(no.what, METER_CONCURRENCY);
	assert_int_equal(no.limit, 2);
	meter_give(*state, NULL, &a);
	meter_give(*state, NULL, &a); /* twice is once */
	assert_true(take(*state, &asks[ONCE], 1, 1, 0, &c, &no));
	assert_false(take(*state, &asks[ONCE], 1, 1, 0, &a, &no));
}

/* --- several processes ---------------------------------------------------------- */

#define WORKERS 4
#define MANY    5000

static const struct meter_request minute = {
	.asks = { { METER_USER,
		    1,
		    { [METER_RPM] = MANY, [METER_CONCURRENCY] = 1000 } },
		  { METER_GROUP, 2, { [METER_TPM] = 3L * MANY } } },
	.n = 2,
	.tokens = 3,
};

/* Asks for twice the limit in all; how many it got. */
static void compete(int fd, bool wait)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(folder, true, &e);
	struct shared_slot *s = shared_slot_take(sh, SHARED_RELAY, 1, &e);
	struct meter_hold hold;
	struct meter_no no;
	int got = 0;

	for (int i = 0; i < 2 * MANY / WORKERS; i++) {
		if (!meter_take(sh, s, &minute, NOW, &hold, &no))
			continue;
		got++;
		if (!wait || i % 100)
			meter_give(sh, s, &hold);
	}
	(void)!write(fd, &got, sizeof(got));
	if (wait)
		for (;;)
			pause();
	shared_slot_free(sh, s);
	_exit(0);
}

static pid_t worker(int fd, bool wait)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		compete(fd, wait);
	}
	return pid;
}

static void four_workers_take_exactly_the_limit(void **state)
{
	int fds[2], got, sum = 0;
	pid_t pids[WORKERS];
	struct meter_view v;

	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = worker(fds[1], i == 0);
		if (i) /* the others at once, after the one that stays */
			continue;
		assert_int_equal(read(fds[0], &got, sizeof(got)), sizeof(got));
		sum += got;
	}
	for (int i = 1; i < WORKERS; i++) {
		assert_int_equal(read(fds[0], &got, sizeof(got)), sizeof(got));
		sum += got;
	}
	assert_int_equal(sum, MANY);
	/* The first has some that are still under way; it dies of kill -9. */
	meter_look(*state, METER_USER, 1, NOW, &v);
	assert_int_equal(v.used[METER_RPM], MANY);
	assert_true(v.used[METER_CONCURRENCY] > 0);
	kill(pids[0], SIGKILL);
	for (int i = 0; i < WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	shared_reap(*state);
	meter_look(*state, METER_USER, 1, NOW, &v);
	assert_int_equal(v.used[METER_CONCURRENCY], 0);
	assert_int_equal(v.used[METER_RPM], MANY);
	close(fds[0]);
	close(fds[1]);
}

static void where_there_is_no_room_a_process_keeps_its_share(void **state)
{
	struct meter_ask ask = { METER_TOKEN, 0, { [METER_RPM] = 4 } };
	struct err e = { 0 };
	struct meter_hold hold;
	struct meter_no no;
	int got = 0;

	for (int i = 0; i < 2; i++)
		assert_non_null(shared_slot_take(*state, SHARED_RELAY, 1, &e));
	for (uint64_t id = 1; id <= METER_ROOM; id++) {
		ask.who = id;
		assert_true(take(*state, &ask, 1, 1, 0, &hold, &no));
	}
	ask.who = METER_ROOM + 1;
	for (int i = 0; i < 10; i++)
		got += take(*state, &ask, 1, 1, 0, &hold, &no);
	assert_int_equal(got, 2); /* two workers, four a minute */
}

/* --- health ---------------------------------------------------------------------- */

static const struct health_pauses pauses = {
	.first = 1000, .most = 8000, .asked = 60000, .lease = 5000
};

static enum health_state ask(struct shared *sh, int64_t at_ms)
{
	return health_ask(sh, HEALTH_KEY, 9, NOW + at_ms, &pauses);
}

static void what_the_provider_says_is_kept_to(void **state)
{
	struct health_view v;

	assert_int_equal(ask(*state, 0), HEALTH_WELL);
	health_bad(*state, HEALTH_KEY, 9, 3, 20000, NOW, &pauses);
	assert_int_equal(ask(*state, 19999), HEALTH_COOLING);
	health_look(*state, HEALTH_KEY, 9, NOW + 5000, &v);
	assert_int_equal(v.wait_ms, 15000);
	assert_int_equal(v.why, 3);
	/* One may try, the others wait until it has said something. */
	assert_int_equal(ask(*state, 20000), HEALTH_TRY);
	assert_int_equal(ask(*state, 20001), HEALTH_COOLING);
	health_good(*state, HEALTH_KEY, 9);
	assert_int_equal(ask(*state, 20002), HEALTH_WELL);
	/* More than may be asked for. */
	health_bad(*state, HEALTH_KEY, 9, 3, 3600000, NOW, &pauses);
	assert_int_equal(ask(*state, 60000), HEALTH_TRY);
}

static void each_failure_in_a_row_waits_longer(void **state)
{
	static const int64_t most[] = { 1000, 2000, 4000, 8000, 8000 };
	int64_t at = 0;
	struct health_view v;

	for (size_t i = 0; i < COUNT(most); i++) {
		health_bad(*state, HEALTH_KEY, 9, 1, -1, NOW + at, &pauses);
		health_look(*state, HEALTH_KEY, 9, NOW + at, &v);
		row("failure %zu", i);
		ROW_INT(v.failures, (int)i + 1);
		ROW_TRUE(v.wait_ms >= most[i] / 2 && v.wait_ms <= most[i]);
		at += v.wait_ms;
		ROW_INT(ask(*state, at), HEALTH_TRY);
	}
	rows_done();
}

static void a_try_that_is_lost_is_nobody_s_after_its_lease(void **state)
{
	health_bad(*state, HEALTH_KEY, 9, 1, 0, NOW, &pauses);
	assert_int_equal(ask(*state, 1), HEALTH_TRY);
	assert_int_equal(ask(*state, 5000), HEALTH_COOLING);
	assert_int_equal(ask(*state, 5001), HEALTH_TRY);
	health_leave(*state, HEALTH_KEY, 9);
	assert_int_equal(ask(*state, 5002), HEALTH_TRY);
}

static void one_fails_alone(void **state)
{
	health_bad(*state, HEALTH_KEY, 9, 1, 5000, NOW, &pauses);
	assert_int_equal(health_ask(*state, HEALTH_KEY, 10, NOW, &pauses),
			 HEALTH_WELL);
	assert_int_equal(health_ask(*state, HEALTH_CHANNEL, 9, NOW, &pauses),
			 HEALTH_WELL);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fresh, done)

static void what_came_to_nothing_is_undone(void **state)
{
	struct meter_ask all = { METER_TOKEN,
				 8,
				 { [METER_RPM] = 1,
				   [METER_TPM] = 10,
				   [METER_RPD] = 1,
				   [METER_CONCURRENCY] = 1 } };
	struct shared *sh = *state;
	struct meter_hold hold;
	struct meter_view v;
	struct meter_no no;

	row("taken");
	ROW_TRUE(take(sh, &all, 1, 10, NOW, &hold, &no));
	meter_undo(sh, NULL, &hold);
	meter_undo(sh, NULL, &hold); /* again: nothing */
	meter_give(sh, NULL, &hold);
	meter_look(sh, METER_TOKEN, 8, NOW, &v);
	row("nothing is used");
	for (int i = 0; i < METER_WHAT__COUNT; i++)
		ROW_INT(v.used[i], 0);
	row("and all of it can be taken");
	ROW_TRUE(take(sh, &all, 1, 10, NOW, &hold, &no));
	meter_give(sh, NULL, &hold);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_window_takes_what_fits_and_no_more),
		FRESH(tokens_are_corrected_in_their_own_window),
		FRESH(at_once_is_at_once),
		FRESH(what_came_to_nothing_is_undone),
		FRESH(four_workers_take_exactly_the_limit),
		FRESH(where_there_is_no_room_a_process_keeps_its_share),
		FRESH(what_the_provider_says_is_kept_to),
		FRESH(each_failure_in_a_row_waits_longer),
		FRESH(a_try_that_is_lost_is_nobody_s_after_its_lease),
		FRESH(one_fails_alone),
	};

	return cmocka_run_group_tests_name("meter", tests, start, end);
}
