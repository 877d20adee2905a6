/* test_db.c - opening, schema, binding, rows, locks, copies. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "fixture.h"

#include "base/clock.h"
#include "sql.h"
#include "store/meta.h"

static void every_statement_prepares(void **state)
{
	struct fixture fx;
	struct db *db;

	(void)state;
	fixture_init(&fx, NULL);
	db = db_open(fx.path, DB_WRITE, true, &fx.e);
	if (!db)
		fail_msg("%s: look at the log", fx.e.msg);
	db_close(db);
	fixture_release(&fx);
}

/* --- opening --------------------------------------------------------------------- */

static const struct {
	const char *label, *sql, *want;
	enum db_mode mode;
} opens[] = {
	/* clang-format off */
	{ "a newer schema", "PRAGMA user_version = 99", "install the newer version", DB_WRITE },
	{ "a newer schema, by a tool", "PRAGMA user_version = 99", "install the newer version", DB_TOOL },
	{ "an empty database", "PRAGMA user_version = 0", "pontage init", DB_READ },
	{ "an empty database, by a tool", "PRAGMA user_version = 0", "", DB_TOOL },
	{ "as it should be", "", "", DB_READ },
	/* clang-format on */
};

static void a_schema_that_is_not_ours_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(opens); i++) {
		struct fixture fx;
		struct db *db;

		row("%s", opens[i].label);
		fixture_init(&fx, NULL);
		MUST(&fx, db_exec(fx.db, opens[i].sql, &fx.e));
		db = db_open(fx.path, opens[i].mode, true, &fx.e);
		ROW_INT(db == NULL, opens[i].want[0] != '\0');
		ROW_TRUE(strstr(fx.e.msg, opens[i].want));
		db_close(db);
		fixture_release(&fx);
	}
	rows_done();
}

static void what_is_no_database_is_refused(void **state)
{
	struct fixture fx;
	int fd;

	(void)state;
	fixture_init(&fx, NULL);
	db_close(fx.db);
	fx.db = NULL;
	fixture_rm(&fx, "");
	assert_null(db_open(fx.path, DB_WRITE, false, &fx.e));
	assert_int_equal(fx.e.code, ERR_CONFIG);
	assert_non_null(strstr(fx.e.msg, "pontage init"));
	err_clear(&fx.e);
	fixture_rm(&fx, "-wal");
	fixture_rm(&fx, "-shm");
	fd = open(fx.path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, fx.path, sizeof(fx.path)), sizeof(fx.path));
	for (int i = 0; i < 100; i++)
		assert_true(write(fd, "no database here", 16) == 16);
	close(fd);
	assert_null(db_open(fx.path, DB_TOOL, false, &fx.e));
	assert_non_null(strstr(fx.e.msg, "not a database"));
	err_clear(&fx.e);
	assert_null(db_open("/nowhere/at/all.db", DB_TOOL, false, &fx.e));
	assert_int_equal(fx.e.code, ERR_CONFIG);
	fixture_release(&fx);
}

static void a_new_database_is_not_for_everybody(void **state)
{
	struct fixture fx;
	struct stat st;

	(void)state;
	fixture_init(&fx, NULL);
	assert_int_equal(stat(fx.path, &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
	fixture_release(&fx);
}

static void a_reader_cannot_write(void **state)
{
	struct fixture fx;
	struct db *db;

	(void)state;
	fixture_init(&fx, NULL);
	db = fixture_open(&fx, DB_READ);
	assert_int_equal(meta_set(db, "a", "b", &fx.e), -1);
	db_close(db);
	fixture_release(&fx);
}

/* --- schema ------------------------------------------------------------------------ */

static void migrating_is_done_once(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, NULL);
	assert_int_equal(db_schema(fx.db, &fx.e), SQL_SCHEMA_VERSION);
	assert_int_equal(db_migrate(fx.db, &fx.e), SQL_SCHEMA_VERSION);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static void a_failed_migration_leaves_all_as_it_was(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, NULL);
	/* step 1 cannot run twice */
	MUST(&fx, db_exec(fx.db, "PRAGMA user_version = 0", &fx.e));
	assert_int_equal(db_migrate(fx.db, &fx.e), -1);
	err_clear(&fx.e);
	assert_false(db_in_txn(fx.db));
	assert_int_equal(db_schema(fx.db, &fx.e), 0);
	fixture_release(&fx);
}

/* --- values ----------------------------------------------------------------------- */

static void values_come_back_as_they_went(void **state)
{
	static const int64_t wants[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
	struct fixture fx;
	const char *got;

	(void)state;
	fixture_init(&fx, ":memory:");
	for (size_t i = 0; i < COUNT(wants); i++) {
		struct token t = { .name = "n",
				   .hint = "",
				   .user_id = 1,
				   .limit_nusd = wants[i],
				   .rpm = 3 };
		uint8_t hash[TOKEN_HASH] = { (uint8_t)(i + 1) };
		int64_t id;

		if (i == 0)
			fixture_user(&fx, 0, -1);
		row("limit %lld", (long long)wants[i]);
		memset(hash + 1, 0, 3); /* NULs inside */
		id = token_add(fx.db, &t, hash, &fx.e);
		if (wants[i] == INT64_MIN) { /* CHECK */
			ROW_INT(id, -1);
			err_clear(&fx.e);
			continue;
		}
		ROW_INT(token_find(fx.db, hash, &t, &fx.arena, &fx.e), 1);
		ROW_INT(t.id, id);
		ROW_INT(t.limit_nusd, wants[i]);
		ROW_INT(t.rpm, 3);
		ROW_INT(t.enabled, 1);
		ROW_STR(t.models, "");
	}
	MUST(&fx, meta_set(fx.db, "k", "'; DROP TABLE meta; --", &fx.e));
	got = meta_get(fx.db, "k", &fx.arena, &fx.e);
	assert_string_equal(got, "'; DROP TABLE meta; --");
	assert_null(meta_get(fx.db, "no such", &fx.arena, &fx.e));
	assert_int_equal(fx.e.code, ERR_NONE);
	fixture_release(&fx);
	rows_done();
}

/* --- transactions and locks ---------------------------------------------------------- */

static void a_savepoint_undoes_its_own(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, db_begin(fx.db, &fx.e));
	MUST(&fx, meta_set(fx.db, "kept", "1", &fx.e));
	MUST(&fx, db_savepoint(fx.db, &fx.e));
	MUST(&fx, meta_set(fx.db, "undone", "1", &fx.e));
	db_undo(fx.db);
	MUST(&fx, db_savepoint(fx.db, &fx.e));
	MUST(&fx, meta_set(fx.db, "also", "1", &fx.e));
	MUST(&fx, db_release(fx.db, &fx.e));
	MUST(&fx, db_commit(fx.db, &fx.e));
	assert_non_null(meta_get(fx.db, "kept", &fx.arena, &fx.e));
	assert_non_null(meta_get(fx.db, "also", &fx.arena, &fx.e));
	assert_null(meta_get(fx.db, "undone", &fx.arena, &fx.e));
	fixture_release(&fx);
}

static void a_lock_is_waited_for_so_long(void **state)
{
	struct fixture fx;
	struct db *other;
	int64_t t0, took;

	(void)state;
	fixture_init(&fx, NULL);
	other = fixture_open(&fx, DB_WRITE);
	MUST(&fx, db_begin(fx.db, &fx.e));
	for (int ms = 0; ms <= 120; ms += 60) {
		row("%d ms", ms);
		db_busy_ms(other, ms);
		t0 = clock_mono_ms();
		ROW_INT(db_begin(other, &fx.e), -1);
		ROW_INT(fx.e.code, ERR_DB_BUSY);
		err_clear(&fx.e);
		took = clock_mono_ms() - t0;
		ROW_TRUE(took >= ms && took < ms + 100);
	}
	db_rollback(fx.db);
	MUST(&fx, db_begin(other, &fx.e));
	db_rollback(other);
	db_close(other);
	fixture_release(&fx);
	rows_done();
}

/* A reader sees one state, whatever is written meanwhile. */
static void a_reader_keeps_what_it_saw(void **state)
{
	struct fixture fx;
	struct db *other;

	(void)state;
	fixture_init(&fx, NULL);
	other = fixture_open(&fx, DB_READ);
	MUST(&fx, db_begin_read(other, &fx.e));
	assert_null(meta_get(other, "a", &fx.arena, &fx.e));
	MUST(&fx, meta_set(fx.db, "a", "1", &fx.e));
	assert_null(meta_get(other, "a", &fx.arena, &fx.e));
	db_rollback(other);
	assert_non_null(meta_get(other, "a", &fx.arena, &fx.e));
	db_close(other);
	fixture_release(&fx);
}

/* --- the file -------------------------------------------------------------------------- */

static void closing_does_not_checkpoint(void **state)
{
	struct fixture fx;
	int64_t bytes;

	(void)state;
	fixture_init(&fx, NULL);
	MUST(&fx, meta_set(fx.db, "a", "1", &fx.e));
	bytes = db_wal_bytes(fx.db);
	assert_true(bytes > 0);
	db_close(fx.db);
	fx.db = fixture_open(&fx, DB_WRITE);
	assert_int_equal(db_wal_bytes(fx.db), bytes);
	assert_non_null(meta_get(fx.db, "a", &fx.arena, &fx.e));
	fixture_release(&fx);
}

static void one_checkpoints_at_a_time(void **state)
{
	struct fixture fx;
	char path[128];
	int fd;

	(void)state;
	fixture_init(&fx, NULL);
	snprintf(path, sizeof(path), "%s.lock", fx.path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(db_checkpoint(fx.db, NULL, &fx.e), 1);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(db_checkpoint(fx.db, NULL, &fx.e), 0);
	close(fd);
	assert_int_equal(db_checkpoint(fx.db, path, &fx.e), 1);
	fixture_release(&fx);
}

static void a_copy_is_whole_and_alone(void **state)
{
	struct fixture fx, copy;
	struct stat st;
	char to[96];

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000, -1);
	snprintf(to, sizeof(to), "%s/copy.db", fx.dir);
	MUST(&fx, db_backup(fx.db, to, NULL, &fx.e));
	MUST(&fx, meta_set(fx.db, "later", "1", &fx.e));
	assert_int_equal(db_backup(fx.db, to, NULL, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	err_clear(&fx.e);
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	fixture_init(&copy, to);
	copy.token = fx.token;
	assert_int_equal(fixture_int(&copy, "balance"), 1000);
	assert_null(meta_get(copy.db, "later", &copy.arena, &copy.e));
	assert_string_equal(fixture_audit(&copy), "");
	fixture_rm(&copy, "");
	fixture_rm(&copy, "-wal");
	fixture_rm(&copy, "-shm");
	fixture_release(&copy);
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_prepares),
		cmocka_unit_test(a_schema_that_is_not_ours_is_refused),
		cmocka_unit_test(what_is_no_database_is_refused),
		cmocka_unit_test(a_new_database_is_not_for_everybody),
		cmocka_unit_test(a_reader_cannot_write),
		cmocka_unit_test(migrating_is_done_once),
		cmocka_unit_test(a_failed_migration_leaves_all_as_it_was),
		cmocka_unit_test(values_come_back_as_they_went),
		cmocka_unit_test(a_savepoint_undoes_its_own),
		cmocka_unit_test(a_lock_is_waited_for_so_long),
		cmocka_unit_test(a_reader_keeps_what_it_saw),
		cmocka_unit_test(closing_does_not_checkpoint),
		cmocka_unit_test(one_checkpoints_at_a_time),
		cmocka_unit_test(a_copy_is_whole_and_alone),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
