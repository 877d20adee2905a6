/* test_writer.c - group commit: neighbours, deadlines, commits that fail. */
#include <poll.h>
#include <sys/eventfd.h>

#include "fixture.h"

#include "base/clock.h"
#include "db/writer.h"
#include "store/meta.h"

/* Writes one name, then fails if told to. */
struct name_op {
	struct write_op op;
	const char *key;
	enum err_code fail;
	bool *spoils; /* set: the commit will fail */
	int runs;
};

static int run_name(struct db *db, struct write_op *op, struct err *e)
{
	struct name_op *x = (struct name_op *)op;

	x->runs++;
	if (x->spoils)
		*x->spoils = true;
	if (meta_set(db, x->key, "here", e) < 0)
		return -1;
	return x->fail ? err_set(e, x->fail, "no") : 0;
}

/* Keeps the writer inside a commit: see hold(). */
struct gate {
	struct write_op op;
	_Atomic bool held, open;
};

static int run_gate(struct db *db, struct write_op *op, struct err *e)
{
	struct gate *g = (struct gate *)op;

	(void)db;
	(void)e;
	g->held = true;
	while (!g->open)
		usleep(100);
	return 0;
}

struct world {
	struct fixture fx;
	struct writer *w;
	struct gate gate;
	int commits_pass; /* so many before_commit() lets through, and ... */
	int commits_fail; /* ... so many it refuses then */
	enum err_code code;
	bool spoiled; /* by an operation of this commit */
	int spooled, after, after_failed;
	int synced, syncs_fail;
};

static int before_commit(struct db *db, void *arg, struct err *e)
{
	struct world *x = arg;

	(void)db;
	if (x->commits_pass > 0) {
		x->commits_pass--;
		return 0;
	}
	if (x->spoiled || x->commits_fail-- > 0)
		return err_set(e, x->code, "the commit failed");
	return 0;
}

static void after(void *arg, bool committed)
{
	struct world *x = arg;

	x->spoiled = false;
	if (committed)
		x->after++;
	else
		x->after_failed++;
}

static int to_spool(void *arg, struct write_op *op, struct err *e)
{
	struct world *x = arg;

	(void)op;
	(void)e;
	x->spooled++;
	return 0;
}

static int sync_spool(void *arg, struct err *e)
{
	struct world *x = arg;

	x->synced++;
	return x->syncs_fail-- > 0 ? err_set(e, ERR_STORAGE, "disk full") : 0;
}

static void start(struct world *x, bool spool)
{
	struct writer_conf conf = { .notify_fd = -1,
				    .before_commit = before_commit,
				    .after = after,
				    .spool_put = spool ? to_spool : NULL,
				    .spool_sync = sync_spool,
				    .spool = x,
				    .arg = x };

	memset(x, 0, sizeof(*x));
	fixture_init(&x->fx, NULL);
	conf.path = x->fx.path;
	x->code = ERR_DB;
	x->w = writer_start(&conf, &x->fx.e);
	if (!x->w)
		fail_msg("%s", x->fx.e.msg);
}

static void stop(struct world *x)
{
	writer_stop(x->w);
	writer_free(x->w);
	fixture_release(&x->fx);
}

static void put(struct world *x, struct name_op *op, const char *key,
		int64_t wait_ms, bool keep)
{
	*op = (struct name_op){
		.op = { .run = run_name,
			.deadline_ms = wait_ms ? clock_mono_ms() + wait_ms : 0,
			.keep = keep },
		.key = key,
		.fail = op->fail,
		.spoils = op->spoils,
	};
	writer_put(x->w, &op->op);
}

static struct write_op *wait_for(struct world *x, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	struct write_op *op;

	while (!(op = writer_finished(x->w)) && clock_mono_ms() < until)
		usleep(200);
	return op;
}

/* Until let_go() the writer is in a commit with the gate alone: what is put
 * meanwhile meets in the next one. */
static void hold(struct world *x)
{
	x->gate.op = (struct write_op){ .run = run_gate };
	x->commits_pass = 1;
	writer_put(x->w, &x->gate.op);
	while (!x->gate.held)
		usleep(100);
}

static void let_go(struct world *x)
{
	x->gate.open = true;
	assert_ptr_equal(wait_for(x, 5000), &x->gate.op);
}

static bool is_there(struct world *x, const char *key)
{
	return meta_get(x->fx.db, key, &x->fx.arena, &x->fx.e) != NULL;
}

static void lock(struct world *x)
{
	MUST(&x->fx, db_begin(x->fx.db, &x->fx.e));
}

static void one_refused_leaves_its_neighbours(void **state)
{
	struct name_op a = { .fail = 0 }, b = { .fail = ERR_NO_FUNDS }, c = a;
	struct world x;

	(void)state;
	start(&x, false);
	hold(&x);
	put(&x, &a, "a", 0, false);
	put(&x, &b, "b", 0, false);
	put(&x, &c, "c", 0, false);
	let_go(&x);
	assert_ptr_equal(wait_for(&x, 5000), &a);
	assert_ptr_equal(wait_for(&x, 5000), &b);
	assert_ptr_equal(wait_for(&x, 5000), &c);
	assert_int_equal(a.op.err.code, ERR_NONE);
	assert_int_equal(b.op.err.code, ERR_NO_FUNDS);
	assert_int_equal(c.op.err.code, ERR_NONE);
	assert_true(is_there(&x, "a") && is_there(&x, "c"));
	assert_false(is_there(&x, "b"));
	stop(&x);
}

static void a_failed_commit_is_told_to_all(void **state)
{
	struct name_op a = { .fail = 0 }, b = a, kept = a;
	struct world x;

	(void)state;
	start(&x, false);
	x.commits_fail = 1;
	hold(&x);
	put(&x, &a, "a", 0, false);
	put(&x, &kept, "kept", 0, true);
	put(&x, &b, "b", 0, false);
	let_go(&x);
	assert_ptr_equal(wait_for(&x, 5000), &a);
	assert_ptr_equal(wait_for(&x, 5000), &b);
	assert_int_equal(a.op.err.code, ERR_DB);
	assert_int_equal(b.op.err.code, ERR_DB);
	assert_ptr_equal(wait_for(&x, 5000), &kept); /* at a second try */
	assert_int_equal(kept.op.err.code, ERR_NONE);
	assert_int_equal(kept.runs, 2);
	assert_false(is_there(&x, "a") || is_there(&x, "b"));
	assert_true(is_there(&x, "kept"));
	stop(&x);
	assert_int_equal(x.after_failed, 1);
}

static void what_spoils_every_commit_is_found(void **state)
{
	struct name_op good = { .fail = 0 }, bad = good, fine = good;
	struct world x;

	(void)state;
	start(&x, false);
	hold(&x);
	bad.spoils = &x.spoiled;
	put(&x, &good, "good", 0, true);
	put(&x, &bad, "bad", 0, true);
	put(&x, &fine, "fine", 0, true);
	let_go(&x);
	assert_ptr_equal(wait_for(&x, 5000), &good);
	assert_ptr_equal(wait_for(&x, 5000), &bad);
	assert_ptr_equal(wait_for(&x, 5000), &fine);
	assert_int_equal(good.op.err.code, ERR_NONE);
	assert_int_equal(bad.op.err.code, ERR_DB);
	assert_int_equal(fine.op.err.code, ERR_NONE);
	assert_false(is_there(&x, "bad"));
	stop(&x);
}

static void a_locked_database_answers_at_the_deadline(void **state)
{
	struct name_op hurried = { .fail = 0 }, kept = hurried;
	struct world x;
	struct writer_stats n;
	int64_t t0;

	(void)state;
	start(&x, false);
	lock(&x);
	t0 = clock_mono_ms();
	put(&x, &kept, "kept", 100, true);
	put(&x, &hurried, "hurried", 150, false);
	assert_ptr_equal(wait_for(&x, 5000), &hurried);
	assert_int_equal(hurried.op.err.code, ERR_OVERLOADED);
	assert_in_range(clock_mono_ms() - t0, 150, 400);
	assert_null(wait_for(&x, 100)); /* the other waits on */
	db_rollback(x.fx.db);
	assert_ptr_equal(wait_for(&x, 5000), &kept);
	assert_int_equal(kept.op.err.code, ERR_NONE);
	assert_int_equal(hurried.runs, 0);
	writer_stats(x.w, &n);
	assert_int_equal(n.overdue, 1);
	assert_int_equal(n.waiting, 0);
	assert_true(n.busy >= 2);
	assert_true(n.lock_us >= 150000 && n.commit_us > 0);
	stop(&x);
}

static void what_must_not_be_lost_goes_to_the_spool(void **state)
{
	struct name_op kept = { .fail = 0 };
	struct world x;

	(void)state;
	start(&x, true);
	lock(&x);
	put(&x, &kept, "kept", 100, true);
	assert_ptr_equal(wait_for(&x, 5000), &kept);
	assert_true(kept.op.spooled);
	assert_int_equal(kept.op.err.code, ERR_NONE);
	assert_int_equal(x.spooled, 1);
	assert_int_equal(x.synced, 1);
	db_rollback(x.fx.db);
	stop(&x);
}

/* Nothing is finished before it is on the disk; the next try may do it. */
static void what_is_not_synced_is_not_spooled(void **state)
{
	struct name_op kept[3] = { { .fail = 0 } };
	struct world x;

	(void)state;
	start(&x, true);
	x.syncs_fail = 2;
	lock(&x);
	for (int i = 0; i < 3; i++)
		put(&x, &kept[i], "kept", 50, true);
	for (int i = 0; i < 3; i++) {
		struct write_op *op = wait_for(&x, 5000);

		assert_non_null(op);
		assert_true(op->spooled);
		assert_int_equal(op->err.code, ERR_NONE);
	}
	assert_true(x.synced >= 3);
	assert_true(x.spooled >= 3);
	db_rollback(x.fx.db);
	stop(&x);
	assert_int_equal(kept[0].runs, 0);
}

static void stopping_commits_what_waits(void **state)
{
	struct name_op ops[600];
	struct world x;
	int n = 0;

	(void)state;
	start(&x, false);
	memset(ops, 0, sizeof(ops));
	for (int i = 0; i < 600; i++)
		put(&x, &ops[i], "k", 0, i % 2);
	writer_stop(x.w);
	for (struct write_op *op; (op = writer_finished(x.w)); n++)
		assert_int_equal(op->err.code, ERR_NONE);
	assert_int_equal(n, 600);
	writer_free(x.w);
	fixture_release(&x.fx);
}

static void stopping_ends_even_if_the_lock_is_gone(void **state)
{
	struct name_op kept = { .fail = 0 };
	struct world x;

	(void)state;
	start(&x, false);
	lock(&x);
	put(&x, &kept, "kept", 200, true);
	writer_stop(x.w);
	assert_ptr_equal(writer_finished(x.w), &kept);
	assert_int_equal(kept.op.err.code, ERR_DB_BUSY);
	db_rollback(x.fx.db);
	writer_free(x.w);
	fixture_release(&x.fx);
}

/* --- a full disk ---------------------------------------------------------------- */

static int disk_pages; /* that SQLite may use: set atomically */

static int run_large(struct db *db, struct write_op *op, struct err *e)
{
	char set[64];

	(void)op;
	snprintf(set, sizeof(set), "PRAGMA max_page_count = %d",
		 __atomic_load_n(&disk_pages, __ATOMIC_SEQ_CST));
	if (db_exec(db, set, e) < 0)
		return -1;
	return db_exec(
		db, "INSERT INTO meta VALUES ('big', hex(zeroblob(99999)))", e);
}

static void put_large(struct world *x, struct write_op *op, bool keep)
{
	*op = (struct write_op){ .run = run_large, .keep = keep };
	writer_put(x->w, op);
}

static void a_full_disk_is_said_and_passes(void **state)
{
	struct write_op large, kept;
	struct name_op small = { .fail = 0 };
	struct world x;

	(void)state;
	start(&x, false);
	__atomic_store_n(&disk_pages, 1, __ATOMIC_SEQ_CST);
	put_large(&x, &large, false);
	assert_ptr_equal(wait_for(&x, 5000), &large);
	assert_int_equal(large.err.code, ERR_STORAGE);
	put_large(&x, &kept, true);
	put(&x, &small, "small", 0, false);
	assert_ptr_equal(wait_for(&x, 5000), &small);
	assert_null(wait_for(&x, 200)); /* the other is tried again */
	__atomic_store_n(&disk_pages, 100000, __ATOMIC_SEQ_CST);
	assert_ptr_equal(wait_for(&x, 5000), &kept);
	assert_int_equal(kept.err.code, ERR_NONE);
	assert_true(is_there(&x, "big"));
	stop(&x);
}

static void the_taker_is_woken(void **state)
{
	struct name_op a = { .fail = 0 };
	struct writer_conf conf = { .max_batch = 1 };
	struct pollfd fd = { .events = POLLIN };
	struct fixture fx;
	struct writer *w;

	(void)state;
	fixture_init(&fx, NULL);
	conf.path = fx.path;
	conf.notify_fd = fd.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w = writer_start(&conf, &fx.e);
	assert_non_null(w);
	assert_int_equal(poll(&fd, 1, 0), 0);
	a.op.run = run_name;
	a.key = "a";
	writer_put(w, &a.op);
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_ptr_equal(writer_finished(w), &a);
	writer_stop(w);
	writer_free(w);
	close(fd.fd);
	fixture_release(&fx);
}

static void a_long_wal_is_moved(void **state)
{
	struct writer_conf conf = { .notify_fd = -1, .wal_bytes = 4096 };
	struct name_op a = { .fail = 0 };
	struct fixture fx;
	struct writer *w;

	(void)state;
	fixture_init(&fx, NULL);
	conf.path = fx.path;
	w = writer_start(&conf, &fx.e);
	assert_non_null(w);
	for (int i = 0; i < 3; i++) {
		a.op = (struct write_op){ .run = run_name };
		a.key = "a";
		writer_put(w, &a.op);
		while (!writer_finished(w))
			usleep(100);
		usleep(5000);
	}
	writer_stop(w);
	writer_free(w);
	/* moved after the first, so the second began the file anew */
	MUST(&fx, meta_set(fx.db, "b", "c", &fx.e));
	assert_in_range(db_wal_used(fx.db), 1, 8 * 4096);
	fixture_release(&fx);
}

/* --- a writer that never rests ---------------------------------------------------- */

#define WIDE_BYTES 65536

static char wide[WIDE_BYTES + 1];

/* A new row each time, so that nothing of it can be spared. */
static int run_wide(struct db *db, struct write_op *op, struct err *e)
{
	static int n;
	char key[16];

	(void)op;
	memset(wide, 'x', WIDE_BYTES);
	snprintf(key, sizeof(key), "%d", n++);
	return meta_set(db, key, wide, e);
}

static void somebody_else_keeps_the_wal_short(void **state)
{
	struct writer_conf conf = { .notify_fd = -1, .wal_bytes = INT64_MAX };
	struct write_op ops[8], *op;
	struct fixture fx;
	struct writer *w;
	int64_t longest = 0;
	int n = 0;

	(void)state;
	fixture_init(&fx, NULL);
	conf.path = fx.path;
	w = writer_start(&conf, &fx.e);
	assert_non_null(w);
	for (size_t i = 0; i < COUNT(ops); i++) {
		ops[i] = (struct write_op){ .run = run_wide };
		writer_put(w, &ops[i]);
	}
	for (; n < 1500; n++) { /* 96 MB */
		while (!(op = writer_finished(w)))
			usleep(50);
		*op = (struct write_op){ .run = run_wide };
		writer_put(w, op);
		if (n % 100 == 0)
			MUST(&fx, db_checkpoint(fx.db, NULL, &fx.e));
		longest = MAX(longest, db_wal_bytes(fx.db));
	}
	writer_stop(w);
	writer_free(w);
	assert_in_range(longest, 1 << 20, 40 << 20);
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_refused_leaves_its_neighbours),
		cmocka_unit_test(a_failed_commit_is_told_to_all),
		cmocka_unit_test(what_spoils_every_commit_is_found),
		cmocka_unit_test(a_locked_database_answers_at_the_deadline),
		cmocka_unit_test(what_must_not_be_lost_goes_to_the_spool),
		cmocka_unit_test(what_is_not_synced_is_not_spooled),
		cmocka_unit_test(stopping_commits_what_waits),
		cmocka_unit_test(stopping_ends_even_if_the_lock_is_gone),
		cmocka_unit_test(a_full_disk_is_said_and_passes),
		cmocka_unit_test(the_taker_is_woken),
		cmocka_unit_test(a_long_wal_is_moved),
		cmocka_unit_test(somebody_else_keeps_the_wal_short),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
