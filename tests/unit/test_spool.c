/* test_spool.c - settles that wait in a file count once, whatever dies. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"

#include "base/clock.h"
#include "base/rand.h"
#include "store/budget.h"
#include "store/spool.h"

#define WORKER 77

static struct ledger ledger;

static const struct writer_conf direct = { .before_commit =
						   ledger_before_commit,
					   .after = ledger_after,
					   .arg = &ledger,
					   .notify_fd = -1 };

struct room { /* a fixture with a spool beside its database */
	struct fixture fx;
	struct spool *spool;
	struct spool_replayed out;
	char file[128];
};

static void room_init(struct room *m)
{
	fixture_init(&m->fx, NULL);
	fixture_user(&m->fx, 1000 * USD, -1);
	MUST(&m->fx, spool_prepare(m->fx.dir, &m->fx.e));
	m->spool = spool_open(m->fx.dir, NULL, WORKER);
	snprintf(m->file, sizeof(m->file), "%s/spool/%d.jsonl", m->fx.dir,
		 WORKER);
}

static void remove_in(struct room *m, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/spool/%s", m->fx.dir, name);
	unlink(path);
}

static void room_release(struct room *m)
{
	char path[96];

	spool_close(m->spool);
	remove_in(m, "ballast");
	remove_in(m, "77.jsonl");
	remove_in(m, "77.jsonl.bad");
	remove_in(m, "again.jsonl");
	snprintf(path, sizeof(path), "%s/spool", m->fx.dir);
	assert_int_equal(rmdir(path), 0);
	fixture_release(&m->fx);
}

static struct request reserve(struct room *m, const char *id, int64_t nusd)
{
	struct request r = fixture_request(&m->fx, id, nusd);
	struct reserve_op op;

	r.started_ms = clock_wall_ms();
	r.worker_id = WORKER;
	reserve_op_init(&op, &r, 0);
	assert_int_equal(writer_now(m->fx.db, &direct, &op.op), 0);
	return r;
}

static void put(struct room *m, struct request *r, int64_t cost_nusd)
{
	struct settle_op op;

	r->cost_nusd = cost_nusd;
	r->usage_raw = "{\"prompt_tokens\": 3, \"x\": \"\\n\\u00e9\"}";
	r->model_served = "m\xc3\xa9-1";
	r->status = 200;
	r->prompt_tok = 12;
	r->stopped = true;
	settle_op_init(&op, &ledger, r, 0);
	MUST(&m->fx, spool_put(m->spool, &op.op, &m->fx.e));
}

static void replay(struct room *m)
{
	MUST(&m->fx,
	     spool_replay(m->fx.dir, m->fx.db, NULL, &m->out, &m->fx.e));
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- the way there and back ------------------------------------------------------- */

static void what_was_put_is_settled_once(void **state)
{
	struct request r, got;
	struct room m;

	(void)state;
	room_init(&m);
	MUST(&m.fx, budget_set(m.fx.db, "token", "1", "day", 50 * USD,
			       clock_wall_ms(), &m.fx.e));
	r = reserve(&m, "r1", 100);
	assert_int_equal(fixture_int(&m.fx, "held"), 100);
	put(&m, &r, 60);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	replay(&m);
	assert_int_equal(m.out.lines, 1);
	assert_int_equal(m.out.files, 1);
	assert_false(is_there(m.file));
	MUST(&m.fx, request_find(m.fx.db, "r1", &got, &m.fx.arena, &m.fx.e));
	assert_string_equal(got.state, "settled");
	assert_int_equal(got.cost_nusd, 60);
	assert_int_equal(got.prompt_tok, 12);
	assert_int_equal(got.status, 200);
	assert_true(got.stopped);
	assert_string_equal(got.model_served, "m\xc3\xa9-1");
	assert_string_equal(got.usage_raw, r.usage_raw);
	assert_int_equal(fixture_int(&m.fx, "held"), 0);
	assert_int_equal(fixture_int(&m.fx, "used"), 60);
	assert_string_equal(fixture_audit(&m.fx), "");
	replay(&m); /* nothing is there any more */
	assert_int_equal(m.out.files, 0);
	room_release(&m);
}

/* The file is removed after the commit: a kill between the two leaves it. */
static void a_file_that_was_committed_counts_once(void **state)
{
	struct request a, b;
	struct room m;
	char again[160];

	(void)state;
	room_init(&m);
	a = reserve(&m, "a", 100);
	b = reserve(&m, "b", 100);
	put(&m, &a, 60);
	b.state = "void";
	put(&m, &b, 0);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	snprintf(again, sizeof(again), "%s/spool/again.jsonl", m.fx.dir);
	assert_int_equal(link(m.file, again), 0);
	for (int i = 0; i < 2; i++) {
		replay(&m);
		assert_int_equal(m.out.broken, 0);
		assert_int_equal(fixture_int(&m.fx, "balance"),
				 1000 * USD - 60);
		assert_int_equal(fixture_int(&m.fx, "used"), 60);
		assert_int_equal(fixture_int(&m.fx, "held"), 0);
		assert_string_equal(fixture_audit(&m.fx), "");
		assert_false(is_there(m.file));
		assert_false(is_there(again));
	}
	room_release(&m);
}

static void a_new_file_is_made_after_a_replay(void **state)
{
	struct request r;
	struct room m;
	char id[16];

	(void)state;
	room_init(&m);
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		r = reserve(&m, id, 100);
		put(&m, &r, 10);
		MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
		replay(&m);
		assert_int_equal(m.out.lines, 1);
	}
	assert_int_equal(fixture_int(&m.fx, "used"), 30);
	room_release(&m);
}

/* A line that was cut off anywhere, and one that was changed. */
static void a_broken_line_spoils_no_other(void **state)
{
	struct request a, b, got;
	struct stat one, two;
	struct room m;

	(void)state;
	room_init(&m);
	a = reserve(&m, "a", 100);
	b = reserve(&m, "b", 100);
	put(&m, &a, 60);
	assert_int_equal(stat(m.file, &one), 0);
	put(&m, &b, 70);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	assert_int_equal(stat(m.file, &two), 0);
	assert_int_equal(
		truncate(m.file, one.st_size + (off_t)rand_below((
						       uint64_t)(two.st_size -
								 one.st_size))),
		0);
	replay(&m);
	assert_int_equal(m.out.lines, 1);
	assert_int_equal(m.out.broken, 0);
	assert_int_equal(fixture_int(&m.fx, "used"), 60);
	assert_int_equal(fixture_int(&m.fx, "held"), 100);
	assert_string_equal(fixture_audit(&m.fx), "");
	put(&m, &b, 70);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	{
		int fd = open(m.file, O_WRONLY);

		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, "9", 1, 60), 1);
		close(fd);
	}
	replay(&m);
	assert_int_equal(m.out.lines, 0);
	assert_int_equal(m.out.broken, 1);
	assert_false(is_there(m.file)); /* it is put aside for a person */
	MUST(&m.fx, request_find(m.fx.db, "b", &got, &m.fx.arena, &m.fx.e));
	assert_string_equal(got.state, "open");
	room_release(&m);
}

/* An older backup was put back: the id belongs to somebody else now. */
static void a_request_that_is_not_there_is_left_out(void **state)
{
	struct request r;
	struct room m;

	(void)state;
	room_init(&m);
	r = reserve(&m, "r1", 100);
	r.request_id = "another";
	put(&m, &r, 60);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	replay(&m);
	assert_int_equal(m.out.unknown, 1);
	assert_int_equal(fixture_int(&m.fx, "used"), 0);
	assert_int_equal(fixture_int(&m.fx, "held"), 100);
	room_release(&m);
}

static void a_file_in_use_is_left_for_later(void **state)
{
	struct request r;
	struct room m;
	int fd;

	(void)state;
	room_init(&m);
	r = reserve(&m, "r1", 100);
	put(&m, &r, 60); /* locked until the sync */
	replay(&m);
	assert_int_equal(m.out.busy, 1);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	fd = open(m.file, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	replay(&m);
	assert_int_equal(m.out.busy, 1);
	close(fd);
	replay(&m);
	assert_int_equal(m.out.lines, 1);
	room_release(&m);
}

/* --- a full disk --------------------------------------------------------------------- */

static void put_on_a_full_disk(struct room *m, struct request *r)
{
	struct rlimit limit = { 10, 10 };
	struct settle_op op;
	struct err e = { 0 };

	signal(SIGXFSZ, SIG_IGN); /* EFBIG instead: any failed write */
	setrlimit(RLIMIT_FSIZE, &limit);
	settle_op_init(&op, &ledger, r, 0);
	_exit(spool_put(m->spool, &op.op, &e) == -1 ? 0 : 1);
}

static void a_failed_write_leaves_the_file_as_it_was(void **state)
{
	struct request r;
	struct stat st;
	struct room m;
	int status;
	pid_t pid;

	(void)state;
	room_init(&m);
	r = reserve(&m, "r1", 100);
	pid = fork();
	if (pid == 0)
		put_on_a_full_disk(&m, &r);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(stat(m.file, &st), 0);
	assert_int_equal(st.st_size, 0);
	put(&m, &r, 60);
	MUST(&m.fx, spool_sync(m.spool, &m.fx.e));
	replay(&m);
	assert_int_equal(m.out.lines, 1);
	room_release(&m);
}

static void the_ballast_goes_and_comes_back(void **state)
{
	char path[160];
	struct stat st;
	struct room m;

	(void)state;
	room_init(&m);
	snprintf(path, sizeof(path), "%s/spool/ballast", m.fx.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 >= SPOOL_BALLAST);
	spool_room(m.spool);
	spool_room(m.spool); /* it is gone: nothing */
	assert_false(is_there(path));
	spool_ballast(m.fx.dir);
	assert_true(is_there(path));
	room_release(&m);
}

/* --- through the writer ---------------------------------------------------------------- */

static struct writer *start(struct room *m)
{
	struct writer_conf conf = direct;
	struct writer *w;

	conf.path = m->fx.path;
	conf.spool = m->spool;
	conf.spool_put = spool_put;
	conf.spool_sync = spool_sync;
	conf.spool_room = spool_room;
	w = writer_start(&conf, &m->fx.e);
	if (!w)
		fail_msg("writer: %s", m->fx.e.msg);
	return w;
}

/* The database is locked: reserves are refused in time, settles go to the
 * spool, those that still have time wait and land. */
static void a_lock_sends_settles_to_the_spool(void **state)
{
	struct reserve_op hold;
	struct settle_op late, patient;
	struct request a, b, c;
	struct write_op *op;
	int64_t began;
	struct room m;
	struct writer *w;
	struct db *locker;

	(void)state;
	room_init(&m);
	a = reserve(&m, "a", 100);
	b = reserve(&m, "b", 100);
	c = fixture_request(&m.fx, "c", 100);
	w = start(&m);
	locker = fixture_open(&m.fx, DB_WRITE);
	MUST(&m.fx, db_begin(locker, &m.fx.e));
	began = clock_mono_ms();
	a.cost_nusd = 10;
	b.cost_nusd = 20;
	reserve_op_init(&hold, &c, began + 100);
	settle_op_init(&late, &ledger, &a, began + 300);
	settle_op_init(&patient, &ledger, &b, began + 30000);
	writer_put(w, &hold.op);
	writer_put(w, &late.op);
	writer_put(w, &patient.op);
	while (!(op = writer_finished(w)))
		usleep(1000);
	assert_ptr_equal(op, &hold.op);
	assert_int_equal(op->err.code, ERR_OVERLOADED);
	assert_true(clock_mono_ms() - began < 250);
	while (!(op = writer_finished(w)))
		usleep(1000);
	assert_ptr_equal(op, &late.op);
	assert_true(op->spooled);
	assert_int_equal(op->err.code, ERR_NONE);
	assert_true(is_there(m.file));
	db_rollback(locker);
	db_close(locker);
	while (!(op = writer_finished(w)))
		usleep(1000);
	assert_ptr_equal(op, &patient.op);
	assert_false(op->spooled);
	assert_int_equal(op->err.code, ERR_NONE);
	writer_stop(w);
	writer_free(w);
	assert_int_equal(fixture_int(&m.fx, "used"), 20);
	spool_catch_up(m.spool, m.fx.db);
	assert_false(is_there(m.file));
	assert_int_equal(fixture_int(&m.fx, "used"), 30);
	assert_int_equal(fixture_int(&m.fx, "held"), 0);
	assert_string_equal(fixture_audit(&m.fx), "");
	room_release(&m);
}

/* --- kill -9 ---------------------------------------------------------------------------- */

#define MANY 40

static void put_many(struct room *m, struct request *r)
{
	struct err e = { 0 };

	/* a connection must not go through a fork, a spool neither */
	m->spool = spool_open(m->fx.dir, NULL, WORKER);
	for (int i = 0; i < MANY; i++) {
		struct settle_op op;

		r[i].cost_nusd = i;
		settle_op_init(&op, &ledger, &r[i], 0);
		if (spool_put(m->spool, &op.op, &e) < 0 ||
		    (i % 3 == 0 && spool_sync(m->spool, &e) < 0))
			_exit(1);
	}
	spool_sync(m->spool, &e);
	_exit(0);
}

static void replay_until_killed(struct room *m)
{
	struct spool_replayed out;
	struct err e = { 0 };
	struct db *db = db_open(m->fx.path, DB_WRITE, false, &e);

	if (!db)
		_exit(1);
	kill(getppid(), SIGUSR1); /* it begins */
	spool_replay(m->fx.dir, db, NULL, &out, &e);
	_exit(0);
}

static void on_usr1(int sig)
{
	(void)sig;
}

/* Whatever part of the file was there: killed somewhere in the replay, and
 * replayed again, each settle has counted once. */
static void one_round(struct room *m, int round, int64_t *used)
{
	struct request r[MANY];
	char ids[MANY][32];
	sigset_t usr1;
	int status;
	pid_t pid;

	for (int i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "r%d-%d", round, i);
		r[i] = reserve(m, ids[i], 100);
		*used += i;
	}
	db_close(m->fx.db);
	m->fx.db = NULL;
	pid = fork();
	if (pid == 0)
		put_many(m, r);
	waitpid(pid, &status, 0);
	ROW_INT(status, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	pid = fork();
	if (pid == 0)
		replay_until_killed(m);
	sigwaitinfo(&usr1, NULL);
	usleep((useconds_t)rand_below(12000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	m->fx.db = fixture_open(&m->fx, DB_WRITE);
	ROW_STR(fixture_audit(&m->fx), "");
	replay(m);
	ROW_STR(fixture_audit(&m->fx), "");
	ROW_INT(fixture_int(&m->fx, "used"), *used);
	ROW_INT(fixture_int(&m->fx, "held"), 0);
	ROW_TRUE(!is_there(m->file));
}

static void a_killed_replay_counts_each_settle_once(void **state)
{
	int64_t used = 0;
	struct room m;

	(void)state;
	room_init(&m);
	signal(SIGUSR1, on_usr1);
	for (int round = 0; round < 12; round++) {
		row("round %d", round);
		one_round(&m, round, &used);
	}
	room_release(&m);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_settled_once),
		cmocka_unit_test(a_file_that_was_committed_counts_once),
		cmocka_unit_test(a_new_file_is_made_after_a_replay),
		cmocka_unit_test(a_broken_line_spoils_no_other),
		cmocka_unit_test(a_request_that_is_not_there_is_left_out),
		cmocka_unit_test(a_file_in_use_is_left_for_later),
		cmocka_unit_test(a_failed_write_leaves_the_file_as_it_was),
		cmocka_unit_test(the_ballast_goes_and_comes_back),
		cmocka_unit_test(a_lock_sends_settles_to_the_spool),
		cmocka_unit_test(a_killed_replay_counts_each_settle_once),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
