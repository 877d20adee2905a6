/* test_shared.c - lib/shared: what processes know of each other. */
#include "shared/shared.h"

#include "base/clock.h"

#include "rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/test_shared.XXXXXX", path[64];

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

static struct shared_slot *take(struct shared *sh, enum shared_kind kind)
{
	struct err e = { 0 };
	struct shared_slot *s = shared_slot_take(sh, kind, 3, &e);

	assert_non_null(s);
	return s;
}

static int taken(const struct shared *sh)
{
	struct shared_view v;
	int n = 0;

	for (int i = 0; i < SHARED_SLOTS; i++)
		n += shared_look(sh, i, &v);
	return n;
}

/* A child that does its part and then waits to be killed. */
static pid_t child(void (*part)(void), int *ready)
{
	int fds[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		part();
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	*ready = read(fds[0], &c, 1) == 1;
	close(fds[0]);
	return pid;
}

static void live(void)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(folder, true, &e);
	struct shared_slot *s =
		sh ? shared_slot_take(sh, SHARED_RELAY, 1, &e) : NULL;

	if (!s)
		_exit(1);
	shared_enter(s, SHARED_READY);
	shared_load(s, 5, 2);
	shared_count(s, SHARED_requests, 7);
}

static void a_slot_says_what_its_owner_says(void **state)
{
	struct shared *sh = *state;
	struct shared_slot *s = take(sh, SHARED_RELAY);
	int64_t before_ms = clock_mono_ms();
	struct shared_view v;

	assert_true(shared_look(sh, 0, &v));
	assert_int_equal(v.kind, SHARED_RELAY);
	assert_int_equal(v.state, SHARED_STARTING);
	assert_int_equal(v.pid, getpid());
	assert_int_equal(v.generation, 3);
	assert_true(v.worker_id > 0);
	assert_int_equal(v.worker_id, shared_worker_id(s));
	assert_false(shared_pid_ready(sh, getpid()));
	shared_enter(s, SHARED_READY);
	shared_beat(s);
	shared_load(s, 12, 4);
	shared_count(s, SHARED_requests, 2);
	shared_count(s, SHARED_requests, 1);
	shared_report_pss(s);
	assert_true(shared_look(sh, 0, &v));
	assert_int_equal(v.state, SHARED_READY);
	assert_true(v.beat_mono_ms >= before_ms);
	assert_int_equal(v.inflight, 12);
	assert_int_equal(v.streams, 4);
	assert_int_equal(v.counters[SHARED_requests], 3);
	assert_true(v.pss_kb > 100);
	assert_true(shared_pid_ready(sh, getpid()));
	assert_false(shared_pid_ready(sh, getppid()));
	shared_mark_stuck(sh, 0);
	assert_false(shared_pid_ready(sh, getpid()));
	shared_slot_free(sh, s);
	assert_int_equal(taken(sh), 0);
	assert_int_equal(shared_total(sh, SHARED_requests), 3);
}

static void no_slot_is_nothing(void **state)
{
	shared_enter(NULL, SHARED_READY);
	shared_beat(NULL);
	shared_load(NULL, 1, 1);
	shared_count(NULL, SHARED_requests, 1);
	shared_report_pss(NULL);
	shared_slot_free(*state, NULL);
	shared_close(NULL);
	assert_int_equal(shared_worker_id(NULL), 0);
	assert_int_equal(shared_total(*state, SHARED_requests), 0);
}

static void processes_see_each_other(void **state)
{
	struct shared *sh = *state;
	int64_t ids[SHARED_SLOTS];
	struct shared_view v;
	pid_t pid;
	int ready;

	pid = child(live, &ready);
	assert_true(ready);
	assert_true(shared_pid_ready(sh, pid));
	assert_true(shared_look(sh, 0, &v));
	assert_int_equal(v.pid, pid);
	assert_int_equal(v.inflight, 5);
	assert_int_equal(shared_live_ids(sh, ids, SHARED_SLOTS), 1);
	assert_int_equal(ids[0], v.worker_id);
	assert_int_equal(shared_reap(sh), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_killed_process_is_dead_before_and_after_it_is_reaped(void **state)
{
	struct shared *sh = *state;
	int64_t ids[1];
	siginfo_t info;
	pid_t pid;
	int ready;

	pid = child(live, &ready);
	assert_true(ready);
	kill(pid, SIGKILL);
	/* a zombie still has its pid */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(shared_live_ids(sh, ids, 1), 0);
	assert_false(shared_pid_ready(sh, pid));
	waitpid(pid, NULL, 0);
	assert_int_equal(shared_live_ids(sh, ids, 1), 0);
	assert_int_equal(taken(sh), 1);
	assert_int_equal(shared_reap(sh), 1);
	assert_int_equal(shared_reap(sh), 0);
	assert_int_equal(taken(sh), 0);
	assert_int_equal(shared_total(sh, SHARED_requests), 7);
}

static void take_and_die(void)
{
	live();
	raise(SIGKILL);
}

/* The slot's pid, written over with that of a living process that is not its
 * owner: what the reuse of a pid looks like. */
static void a_pid_used_again_is_not_its_old_owner(void **state)
{
	struct shared *sh = *state;
	struct shared_view v;
	int64_t ids[1];
	uint32_t init = 1, old;
	int ready, fd, found = 0;
	pid_t pid = child(take_and_die, &ready);
	off_t at;

	waitpid(pid, NULL, 0);
	assert_true(shared_look(sh, 0, &v));
	fd = open(path, O_RDWR);
	for (at = 0; !found && pread(fd, &old, 4, at) == 4; at += 4)
		found = old == (uint32_t)pid;
	assert_true(found);
	assert_int_equal(pwrite(fd, &init, 4, at - 4), 4);
	close(fd);
	assert_true(shared_look(sh, 0, &v));
	assert_int_equal(v.pid, 1);
	assert_int_equal(shared_live_ids(sh, ids, 1), 0);
	assert_int_equal(shared_reap(sh), 1);
}

static void a_child_does_not_free_its_parent_s_slot(void **state)
{
	struct shared *sh = *state;
	struct shared_slot *s = take(sh, SHARED_ADMIN);
	pid_t pid = fork();

	if (!pid) {
		shared_slot_free(sh, s);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(taken(sh), 1);
	shared_slot_free(sh, s);
}

static void all_slots_can_be_taken_and_no_more(void **state)
{
	static struct shared_slot *slots[SHARED_SLOTS];
	static int64_t ids[SHARED_SLOTS];
	struct shared *sh = *state;
	struct err e = { 0 };

	for (int i = 0; i < SHARED_SLOTS; i++)
		slots[i] = take(sh, SHARED_RELAY);
	assert_null(shared_slot_take(sh, SHARED_RELAY, 1, &e));
	assert_int_equal(e.code, ERR_OVERLOADED);
	assert_int_equal(shared_live_ids(sh, ids, 3), SHARED_SLOTS);
	assert_int_equal(shared_live_ids(sh, ids, SHARED_SLOTS), SHARED_SLOTS);
	for (int i = 1; i < SHARED_SLOTS; i++)
		assert_true(ids[i] != ids[i - 1]);
	for (int i = 0; i < SHARED_SLOTS; i++)
		shared_slot_free(sh, slots[i]);
}

static void a_full_table_makes_room_of_the_dead(void **state)
{
	struct shared *sh = *state;
	int ready;
	pid_t pid = child(take_and_die, &ready);

	waitpid(pid, NULL, 0);
	for (int i = 0; i < SHARED_SLOTS; i++)
		take(sh, SHARED_RELAY);
}

static void opened_again_it_is_the_same(void **state)
{
	struct err e = { 0 };
	struct shared *again;

	take(*state, SHARED_RELAY);
	again = shared_open(folder, false, &e);
	assert_non_null(again);
	assert_int_equal(shared_boot(again), shared_boot(*state));
	assert_int_equal(taken(again), 1);
	shared_close(again);
}

/* Another boot, another version, half a file: each is made new, and whoever
 * has the old one keeps it. */
static void what_is_not_ours_is_made_new(void **state)
{
	static const struct {
		const char *label;
		off_t at, size; /* a byte to change; the size to cut to */
	} damages[] = {
		{ "magic", 0, 0 },         { "layout", 16, 0 },
		{ "the kernel's", 30, 0 }, { "short", 0, 100 },
		{ "one byte", 0, 1 },
	};
	struct shared *old = *state;

	take(old, SHARED_RELAY);
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct err e = { 0 };
		struct shared *sh;
		int fd = open(path, O_RDWR);
		int64_t boot = 0;

		row("%s", damages[i].label);
		sh = shared_open(folder, false, &e);
		ROW_TRUE(sh);
		if (sh)
			boot = shared_boot(sh);
		if (!damages[i].size) {
			ROW_INT(pwrite(fd, "\xff", 1, damages[i].at), 1);
			shared_close(sh);
		} else {
			shared_close(sh);
			if (i == 3)
				shared_close(old);
			*state = NULL;
			ROW_INT(ftruncate(fd, damages[i].size), 0);
		}
		close(fd);
		ROW_TRUE(!shared_open(folder, false, &e));
		ROW_INT(e.code, ERR_NOT_FOUND);
		err_clear(&e);
		sh = shared_open(folder, true, &e);
		ROW_TRUE(sh);
		if (!sh)
			continue;
		ROW_INT(taken(sh), 0);
		ROW_TRUE(shared_boot(sh) != boot);
		shared_close(sh);
	}
	rows_done();
}

static void what_cannot_be_opened_is_said(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_null(shared_open("/nonexistent", false, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	err_clear(&e);
	assert_null(shared_open("/nonexistent", true, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "/nonexistent/shared"));
	err_clear(&e);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_null(shared_open(folder, true, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

static void *open_and_take(void *arg)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(folder, true, &e);
	struct shared_slot *s =
		sh ? shared_slot_take(sh, SHARED_RELAY, 0, &e) : NULL;

	(void)arg;
	for (int i = 0; s && i < 1000; i++)
		shared_count(s, SHARED_bytes_out, 1);
	if (s)
		shared_slot_free(sh, s);
	shared_close(sh);
	return NULL;
}

static void many_may_come_at_once(void **state)
{
	pthread_t threads[16];

	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_and_take, NULL),
			0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(taken(*state), 0);
	assert_int_equal(shared_total(*state, SHARED_bytes_out), 16000);
}

static void everything_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < SHARED_KIND__COUNT; i++)
		assert_non_null(shared_kind_name((enum shared_kind)i));
	for (int i = 0; i < SHARED_STATE__COUNT; i++)
		assert_non_null(shared_state_name((enum shared_state)i));
	assert_string_equal(shared_counter_name(SHARED_log_dropped),
			    "log_dropped");
	assert_non_null(shared_counter_help(SHARED_log_dropped));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_slot_says_what_its_owner_says),
		FRESH(no_slot_is_nothing),
		FRESH(processes_see_each_other),
		FRESH(a_killed_process_is_dead_before_and_after_it_is_reaped),
		FRESH(a_pid_used_again_is_not_its_old_owner),
		FRESH(a_child_does_not_free_its_parent_s_slot),
		FRESH(all_slots_can_be_taken_and_no_more),
		FRESH(a_full_table_makes_room_of_the_dead),
		FRESH(opened_again_it_is_the_same),
		FRESH(what_is_not_ours_is_made_new),
		FRESH(many_may_come_at_once),
		cmocka_unit_test(what_cannot_be_opened_is_said),
		cmocka_unit_test(everything_has_a_name),
	};

	return cmocka_run_group_tests_name("shared", tests, start, end);
}
