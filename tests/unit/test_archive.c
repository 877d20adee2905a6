/* test_archive.c - closed months leave the database, and nothing is lost. */
#include "history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/conf.h"
#include "base/rand.h"
#include "crypto/hash.h"
#include "store/archive.h"
#include "store/moves.h"
#include "store/retention.h"
#include "store/rollup.h"

#define SPENT  8               /* requests a month */
#define NOW_MS 1767225600000LL /* 2026-01-01 */

struct world {
	struct fixture fx;
	struct conf conf;
	char lock[100];
	int left; /* steps until the end of a child */
};

static void start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fixture_init(&w->fx, NULL);
	/* what is tested is the order of commits, not the disk */
	MUST(&w->fx, db_exec(w->fx.db, "PRAGMA synchronous = OFF", &w->fx.e));
	fixture_user(&w->fx, 0, -1);
	w->conf.state_dir = w->fx.dir;
	snprintf(w->lock, sizeof(w->lock), "%s/ageing.lock", w->fx.dir);
}

static void stop(struct world *w)
{
	char line[120];

	db_close(w->fx.db);
	w->fx.db = NULL;
	for (int m = 0; m < 24; m++)
		for (int i = 0; i < 2; i++) {
			snprintf(line, sizeof(line),
				 "%s/archive/archive-%04d-%02d.db%s", w->fx.dir,
				 2024 + m / 12, m % 12 + 1, i ? ".new" : "");
			(void)unlink(line);
		}
	(void)unlink(w->lock);
	snprintf(line, sizeof(line), "%s/archive", w->fx.dir);
	(void)rmdir(line);
	fixture_release(&w->fx);
}

/* Txns are as old as the test wants them: they are never changed, but here. */
static void backdate(struct world *w, int64_t at_ms)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "DROP TRIGGER txn_stays;"
		 "UPDATE txn SET at_ms = %lld WHERE at_ms > %lld;"
		 "CREATE TRIGGER txn_stays BEFORE UPDATE ON txn "
		 "BEGIN SELECT RAISE(ABORT, 'a txn is never changed'); END;",
		 (long long)at_ms, NOW_MS);
	MUST(&w->fx, db_exec(w->fx.db, sql, &w->fx.e));
}

/* Three months: October, November, December 2025, and some of January. */
static void four_months(struct world *w)
{
	static const int64_t months[] = { 1760000000000, 1763000000000,
					  1766000000000, 1767225600000 };
	struct refund back = { .request_id = "r0-1", .amount_nusd = 3 };
	char id[32];

	start(w);
	for (size_t m = 0; m < COUNT(months); m++) {
		snprintf(id, sizeof(id), "grant-%zu", m);
		MUST(&w->fx, moves_grant(w->fx.db, w->fx.account, 1000, "cli:x",
					 "monthly", id, &w->fx.e));
		for (int i = 0; i < SPENT; i++) {
			snprintf(id, sizeof(id), "r%zu-%d", m, i);
			history_spend(&w->fx,
				      arena_dup(&w->fx.arena, str_of(id)),
				      months[m] + i, 5 + i % 3);
		}
		if (m == 1)
			MUST(&w->fx, moves_refund(w->fx.db, &back, &w->fx.e));
		backdate(w, months[m]);
	}
}

static int make(struct world *w, const char *month)
{
	return archive_month(w->fx.db, &w->conf, w->lock, month, NOW_MS,
			     &w->fx.e);
}

static void check_files(struct world *w, int n_want)
{
	struct archive_row *rows;
	int n = archive_list(w->fx.db, &rows, &w->fx.arena, &w->fx.e);

	ROW_INT(n, n_want);
	ROW_INT(archive_check(w->fx.db, &w->conf, rows, n, &w->fx.e), 0);
	for (int i = 0; i < n; i++)
		ROW_STR(rows[i].state, "good");
}

static int64_t txns(struct world *w)
{
	return history_int(&w->fx, "SELECT count(*) FROM txn");
}

static void months_leave_and_the_books_balance(void **state)
{
	int64_t balance;
	struct world w;

	(void)state;
	four_months(&w);
	balance = fixture_int(&w.fx, "balance");
	ROW_STR(fixture_audit(&w.fx), "");
	ROW_INT(txns(&w), 5 + 4 * SPENT);
	row("two of three");
	ROW_INT(make(&w, "2025-11"), 2);
	ROW_INT(txns(&w), 2 + 2 * SPENT);
	ROW_STR(fixture_audit(&w.fx), "");
	ROW_INT(fixture_int(&w.fx, "balance"), balance);
	check_files(&w, 2);
	row("again");
	ROW_INT(make(&w, "2025-11"), 0);
	row("the third");
	ROW_INT(make(&w, "2025-12"), 1);
	check_files(&w, 3);
	row("this one is not over");
	ROW_INT(make(&w, "2026-01"), -1);
	ROW_INT(w.fx.e.code, ERR_VALUE);
	err_clear(&w.fx.e);
	row("numbers go on, refs are remembered");
	ROW_INT(moves_grant(w.fx.db, w.fx.account, 1000, "", "", "grant-0",
			    &w.fx.e),
		-1);
	ROW_INT(w.fx.e.code, ERR_EXISTS);
	err_clear(&w.fx.e);
	ROW_TRUE(moves_grant(w.fx.db, w.fx.account, 7, "", "", "new", &w.fx.e) >
		 5 + 4 * SPENT);
	ROW_STR(fixture_audit(&w.fx), "");
	stop(&w);
	rows_done();
}

static void all_that_there_is_may_be_archived(void **state)
{
	struct world w;

	(void)state;
	four_months(&w);
	backdate(&w, 1766000000000);
	MUST(&w.fx, db_exec(w.fx.db,
			    "DROP TRIGGER txn_stays; UPDATE txn SET at_ms = "
			    "1766000000000 WHERE at_ms > 1766000000000",
			    &w.fx.e));
	ROW_INT(make(&w, "2025-12"), 3);
	ROW_INT(txns(&w), 0);
	ROW_STR(fixture_audit(&w.fx), "");
	ROW_INT(moves_grant(w.fx.db, w.fx.account, 7, "", "", NULL, &w.fx.e),
		6 + 4 * SPENT);
	history_spend(&w.fx, "later", NOW_MS, 5);
	ROW_STR(fixture_audit(&w.fx), "");
	check_files(&w, 3);
	stop(&w);
	rows_done();
}

static void rows_that_are_forgotten_are_archived_too(void **state)
{
	struct conf keep = { .log_days = 30 };
	struct retention r = { 0 };
	struct rollup sums = { 0 };
	struct world w;

	(void)state;
	for (int first = 0; first < 2; first++) {
		row("%s", first ? "forgotten first" : "archived first");
		four_months(&w);
		MUST(&w.fx, rollup_run(w.fx.db, &sums, 5000, &w.fx.e));
		r.look_ms = 0;
		if (first)
			MUST(&w.fx, retention_run(w.fx.db, &keep, NOW_MS, 5000,
						  &r, &w.fx.e));
		ROW_INT(make(&w, "2025-12"), 3);
		r.look_ms = 0;
		if (!first)
			MUST(&w.fx, retention_run(w.fx.db, &keep, NOW_MS, 5000,
						  &r, &w.fx.e));
		ROW_INT(history_int(&w.fx, "SELECT count(*) FROM request"),
			2 * SPENT);
		ROW_STR(fixture_audit(&w.fx), "");
		ROW_INT(history_int(&w.fx, "SELECT count(*) FROM forgotten"),
			1);
		check_files(&w, 3);
		stop(&w);
	}
	rows_done();
}

static void faults_are_not_archived(void **state)
{
	struct world w;

	(void)state;
	four_months(&w);
	MUST(&w.fx, db_exec(w.fx.db,
			    "DROP TRIGGER entry_stays_there; "
			    "DELETE FROM entry WHERE txn_id = 3",
			    &w.fx.e));
	ROW_INT(make(&w, "2025-12"), -1);
	ROW_INT(w.fx.e.code, ERR_DB);
	ROW_INT(history_int(&w.fx, "SELECT count(*) FROM archive"), 0);
	err_clear(&w.fx.e);
	stop(&w);
	rows_done();
}

static void a_changed_file_is_noticed(void **state)
{
	struct archive_row *rows;
	struct world w;
	char path[120];
	int fd, n;

	(void)state;
	four_months(&w);
	ROW_INT(make(&w, "2025-12"), 3);
	n = archive_list(w.fx.db, &rows, &w.fx.arena, &w.fx.e);
	snprintf(path, sizeof(path), "%s/archive/archive-2025-11.db", w.fx.dir);
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
	close(fd);
	ROW_TRUE(archive_check(w.fx.db, &w.conf, rows, n, &w.fx.e) > 0);
	ROW_STR(rows[0].state, "good");
	ROW_STR(rows[1].state, "it is not as it was made");
	(void)unlink(path);
	ROW_TRUE(archive_check(w.fx.db, &w.conf, rows, n, &w.fx.e) > 0);
	ROW_STR(rows[1].state, "it is not there, or cannot be read");
	stop(&w);
	rows_done();
}

static void tick_archives_what_is_old_enough(void **state)
{
	static const int want[] = { 0, 2, 1, 0 }; /* by months kept */
	struct world w;

	(void)state;
	for (int kept = 0; kept < (int)COUNT(want); kept++) {
		struct archive a = { 0 };
		int rc = 1;

		row("%d months kept", kept);
		four_months(&w);
		w.conf.archive_months = kept;
		while (rc > 0) {
			a.look_ms = 0;
			rc = archive_run(&a, w.fx.db, &w.conf, NOW_MS, 1,
					 &w.fx.e);
			ROW_STR(fixture_audit(&w.fx), "");
		}
		ROW_INT(rc, 0);
		check_files(&w, want[kept]);
		stop(&w);
	}
	rows_done();
}

/* --- a process that is killed after each step ------------------------------------- */

static void die_in_time(void *arg, const char *step)
{
	struct world *w = arg;

	(void)step;
	if (!w->left--)
		_exit(9);
}

/* Exits with 0 where it came to its end. */
static int archive_until(struct world *w, int steps)
{
	struct archive a = { .on_step = die_in_time, .arg = w };
	int rc = 1;

	w->left = steps;
	w->conf.archive_months = 1;
	w->fx.db = db_open(w->fx.path, DB_WRITE, false, &w->fx.e);
	while (w->fx.db && rc > 0) {
		a.look_ms = 0;
		rc = archive_run(&a, w->fx.db, &w->conf, NOW_MS, 1000,
				 &w->fx.e);
	}
	return rc == 0 ? 0 : 1;
}

static void killed_anywhere_it_ends_the_same(void **state)
{
	int64_t balance;
	bool ended = false;
	struct world w;

	(void)state;
	for (int steps = 0; !ended && steps < 60; steps++) {
		int status;
		pid_t pid;

		row("killed after %d steps", steps);
		four_months(&w);
		balance = fixture_int(&w.fx, "balance");
		db_close(w.fx.db);
		pid = fork();
		if (pid == 0)
			_exit(archive_until(&w, steps));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		ROW_TRUE(ended || WEXITSTATUS(status) == 9);
		w.fx.db = fixture_open(&w.fx, DB_WRITE);
		ROW_STR(fixture_audit(&w.fx), "");
		ROW_INT(fixture_int(&w.fx, "balance"), balance);
		row("after %d steps, gone on", steps);
		db_close(w.fx.db);
		ROW_INT(archive_until(&w, 1000), 0);
		ROW_STR(fixture_audit(&w.fx), "");
		ROW_INT(fixture_int(&w.fx, "balance"), balance);
		ROW_INT(txns(&w), 2 + 2 * SPENT);
		check_files(&w, 2);
		stop(&w);
	}
	ROW_TRUE(ended);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months_leave_and_the_books_balance),
		cmocka_unit_test(all_that_there_is_may_be_archived),
		cmocka_unit_test(rows_that_are_forgotten_are_archived_too),
		cmocka_unit_test(faults_are_not_archived),
		cmocka_unit_test(a_changed_file_is_noticed),
		cmocka_unit_test(tick_archives_what_is_old_enough),
		cmocka_unit_test(killed_anywhere_it_ends_the_same),
	};

	crypto_start();
	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
