/* test_upkeep.c - what workers do where there is no tick. */
#include "fixture.h"

#include "base/clock.h"
#include "db/writer.h"
#include "shared/shared.h"
#include "store/upkeep.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>

static const struct writer_conf direct = { .before_commit = NULL };

struct world {
	struct fixture fx;
	struct conf conf;
	struct shared *shared;
	struct shared_slot *worker;
	struct upkeep u;
	char lock[80];
};

static void start(struct world *x)
{
	struct buf text;

	memset(x, 0, sizeof(*x));
	fixture_init(&x->fx, NULL);
	fixture_user(&x->fx, 100, -1);
	buf_init(&text, 4096);
	buf_printf(&text, "state_dir = %s\ncheckpoint_pages = 1\n", x->fx.dir);
	MUST(&x->fx, conf_parse(&x->conf, buf_span(&text), &x->fx.e));
	buf_release(&text);
	x->shared = shared_open(x->fx.dir, true, &x->fx.e);
	assert_non_null(x->shared);
	x->worker = shared_slot_take(x->shared, SHARED_RELAY, 1, &x->fx.e);
	assert_non_null(x->worker);
	x->u = (struct upkeep){ .conf = &x->conf,
				.shared = x->shared,
				.slot = x->worker };
	snprintf(x->lock, sizeof(x->lock), "%s/tick.lock", x->fx.dir);
}

static void stop(struct world *x)
{
	char path[80];

	shared_slot_free(x->shared, x->worker);
	shared_close(x->shared);
	conf_release(&x->conf);
	snprintf(path, sizeof(path), "%s/shared", x->fx.dir);
	(void)unlink(path);
	(void)unlink(x->lock);
	fixture_release(&x->fx);
}

static void reserve(struct world *x, const char *id, int64_t worker_id)
{
	struct request r = fixture_request(&x->fx, id, 30);
	struct reserve_op op;

	r.worker_id = worker_id;
	reserve_op_init(&op, &r, 0);
	assert_int_equal(writer_now(x->fx.db, &direct, &op.op), 0);
}

/* As if the last round had been so long ago. */
static void age_lock(const struct world *x, int64_t ms)
{
	int64_t then_ms = clock_wall_ms() - ms;
	struct timeval at = { .tv_sec = then_ms / 1000 };
	const struct timeval both[2] = { at, at };

	assert_int_equal(utimes(x->lock, both), 0);
}

static void a_round_ends_what_the_dead_left(void **state)
{
	struct world x;

	(void)state;
	start(&x);
	reserve(&x, "r1", 1); /* nobody's */
	reserve(&x, "r2", shared_worker_id(x.worker));
	assert_int_equal(fixture_int(&x.fx, "held"), 60);
	assert_true(db_wal_bytes(x.fx.db) > 4096);
	assert_int_equal(upkeep_round(&x.u, x.fx.db), 0);
	assert_int_equal(fixture_int(&x.fx, "held"), 30);
	assert_int_equal(shared_total(x.shared, SHARED_swept), 1);
	assert_int_equal(shared_total(x.shared, SHARED_checkpoints), 1);
	assert_string_equal(fixture_audit(&x.fx), "");
	stop(&x);
}

static void a_failing_task_leaves_the_others_their_work(void **state)
{
	struct world x;

	(void)state;
	start(&x);
	reserve(&x, "r1", 1);
	MUST(&x.fx, db_exec(x.fx.db, "PRAGMA query_only = 1", &x.fx.e));
	assert_int_equal(upkeep_round(&x.u, x.fx.db), 1);
	assert_int_equal(fixture_int(&x.fx, "held"), 30);
	assert_int_equal(shared_total(x.shared, SHARED_checkpoints), 1);
	MUST(&x.fx, db_exec(x.fx.db, "PRAGMA query_only = 0", &x.fx.e));
	assert_int_equal(upkeep_round(&x.u, x.fx.db), 0);
	assert_int_equal(fixture_int(&x.fx, "held"), 0);
	stop(&x);
}

static void a_worker_looks_where_no_tick_lives(void **state)
{
	struct shared_slot *tick;
	struct world x;

	(void)state;
	start(&x);
	assert_true(upkeep_wanted(&x.u));
	assert_false(upkeep_wanted(&x.u)); /* it looked just now */
	tick = shared_slot_take(x.shared, SHARED_TICK, 1, &x.fx.e);
	assert_non_null(tick);
	shared_beat(tick);
	x.u.look_ms = 0;
	assert_false(upkeep_wanted(&x.u));
	shared_slot_free(x.shared, tick);
	x.u.look_ms = 0;
	assert_true(upkeep_wanted(&x.u));
	stop(&x);
}

static void one_worker_does_it_at_a_time(void **state)
{
	struct upkeep other;
	struct world x;
	int fd;

	(void)state;
	start(&x);
	other = x.u;
	reserve(&x, "r1", 1);
	fd = open(x.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_false(upkeep_worker(&x.u, x.fx.db)); /* somebody is at it */
	close(fd);
	assert_true(upkeep_worker(&x.u, x.fx.db));
	assert_int_equal(fixture_int(&x.fx, "held"), 0);
	/* and for a while nobody else is */
	assert_false(upkeep_wanted(&other));
	assert_false(upkeep_worker(&other, x.fx.db));
	age_lock(&x, UPKEEP_MS + 2000);
	other.look_ms = 0;
	assert_true(upkeep_wanted(&other));
	assert_true(upkeep_worker(&other, x.fx.db));
	stop(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_round_ends_what_the_dead_left),
		cmocka_unit_test(a_failing_task_leaves_the_others_their_work),
		cmocka_unit_test(a_worker_looks_where_no_tick_lives),
		cmocka_unit_test(one_worker_does_it_at_a_time),
	};

	return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
