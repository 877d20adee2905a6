/* db_file.c - the file as a whole: schema, checkpoints, copies; see db.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db_in.h"

#define PATH_BYTES     4096
#define WAL_LONG_PAGES 4096 /* 16 MB */
#define RESTART_MS     100  /* of waiting for writers and readers */

/* --- schema ------------------------------------------------------------------ */

int db_schema(struct db *db, struct err *e)
{
	int64_t v = 0;

	return db_pragma(db, "PRAGMA user_version", &v, e) < 0 ? -1 : (int)v;
}

/* "PATH.v3-2031-05-06T07:08:09.123Z" */
static int keep_copy(struct db *db, int version, struct err *e)
{
	char time[CLOCK_TEXT];
	struct buf to;
	int rc;

	if (db->memory)
		return 0;
	buf_init(&to, PATH_BYTES);
	buf_printf(&to, "%s.v%d-%s", db->path, version,
		   clock_text(clock_wall_ms(), time));
	rc = db_backup(db, to.p, NULL, e);
	if (rc == 0)
		log_info("db.kept", LOG_S("copy", to.p));
	buf_release(&to);
	return rc;
}

static int apply(struct db *db, int from, struct err *e)
{
	char set[64];

	for (int v = from; v < SQL_SCHEMA_VERSION; v++) {
		log_info("db.schema", LOG_S("step", sql_schema[v].name));
		if (db_exec(db, sql_schema[v].text, e) < 0)
			return -1;
	}
	for (int i = 0; from == 0 && i < SQL_SEED_COUNT; i++)
		if (db_exec(db, sql_seeds[i].text, e) < 0)
			return -1;
	snprintf(set, sizeof(set), "PRAGMA user_version = %d",
		 SQL_SCHEMA_VERSION);
	return db_exec(db, set, e);
}

int db_migrate(struct db *db, struct err *e)
{
	int from = db_schema(db, e);

	if (from < 0 || from >= SQL_SCHEMA_VERSION)
		return from;
	if (from > 0 && keep_copy(db, from, e) < 0)
		return -1;
	if (db_begin(db, e) < 0)
		return -1;
	/* somebody else may have done it while we waited for the lock */
	from = db_schema(db, e);
	if (from < 0 || (from < SQL_SCHEMA_VERSION && apply(db, from, e) < 0)) {
		db_rollback(db);
		return -1;
	}
	return db_commit(db, e) < 0 ? -1 : from;
}

/* --- the lock ------------------------------------------------------------------ */

/* A descriptor that holds the lock until it is closed; -1: error; -2: held by
 * somebody else and `how` says LOCK_NB. */
static int take_lock(struct db *db, const char *path, int how, struct err *e)
{
	struct buf own;
	int fd;

	buf_init(&own, PATH_BYTES);
	if (path)
		buf_str(&own, path);
	else
		buf_printf(&own, "%s.lock", db->path);
	fd = open(own.p, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	buf_release(&own);
	if (fd < 0)
		return err_set(e, ERR_IO, "the lock file cannot be opened: %s",
			       strerror(errno));
	if (flock(fd, LOCK_EX | how) == 0)
		return fd;
	close(fd);
	if (errno == EWOULDBLOCK)
		return -2;
	return err_set(e, ERR_IO, "the lock cannot be taken: %s",
		       strerror(errno));
}

int64_t db_wal_bytes(const struct db *db)
{
	struct buf path;
	struct stat st;
	int rc;

	buf_init(&path, PATH_BYTES);
	buf_printf(&path, "%s-wal", db->path);
	rc = stat(path.p, &st);
	buf_release(&path);
	return rc == 0 ? (int64_t)st.st_size : 0;
}

int64_t db_wal_used(const struct db *db)
{
	return (int64_t)db->wal_pages * DB_PAGE_BYTES;
}

/* PASSIVE is in nobody's way, but while others go on writing there is always
 * something behind what it moved, and the WAL never begins anew.  So a long
 * one is finished with the writers held up, for the little that is left. */
static int move_wal(struct db *db)
{
	int64_t patience_ms = db->busy_ms;
	int pages = 0, rc;

	rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_PASSIVE,
				       &pages, NULL);
	if (rc != SQLITE_OK || pages < WAL_LONG_PAGES)
		return rc;
	db->busy_ms = RESTART_MS;
	db->busy_since = clock_mono_ms();
	db->urgent = true;
	rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_RESTART,
				       NULL, NULL);
	db->busy_ms = patience_ms;
	db->urgent = false;
	return rc;
}

int db_checkpoint(struct db *db, const char *lock_path, struct err *e)
{
	int fd, rc;

	if (db->memory)
		return 1;
	fd = take_lock(db, lock_path, LOCK_NB, e);
	if (fd < 0)
		return fd == -2 ? 0 : -1;
	rc = move_wal(db);
	close(fd);
	if (rc == SQLITE_BUSY)
		return 0;
	return rc == SQLITE_OK ? 1 : db_fail(db, rc, "checkpoint", e);
}

/* --- copies --------------------------------------------------------------------- */

static int copy_pages(struct db *db, const char *to, struct err *e)
{
	sqlite3_backup *backup;
	sqlite3 *h = NULL;
	int rc = sqlite3_open_v2(to, &h, SQLITE_OPEN_READWRITE, NULL);

	if (rc == SQLITE_OK) {
		backup = sqlite3_backup_init(h, "main", db->h, "main");
		if (backup) {
			/* all in one step: one state, and no starting over
			 * when somebody commits; readers stop no writer */
			sqlite3_backup_step(backup, -1);
			sqlite3_backup_finish(backup);
		}
		rc = sqlite3_errcode(h);
	}
	if (rc != SQLITE_OK) {
		log_error("db.copy", LOG_I("code", rc),
			  LOG_S("text", sqlite3_errmsg(h)));
		rc = err_set(e, ERR_IO, "the copy failed: %s",
			     sqlite3_errstr(rc));
	}
	sqlite3_close(h);
	return rc == SQLITE_OK ? 0 : -1;
}

static int sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return rc == 0 ? 0 :
			 err_set(e, ERR_IO, "the copy failed: %s",
				 strerror(errno));
}

int db_backup(struct db *db, const char *to, const char *lock_path,
	      struct err *e)
{
	int lock, fd, rc;

	lock = take_lock(db, lock_path, 0, e);
	if (lock < 0)
		return -1;
	fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		close(lock);
		return err_set(e, errno == EEXIST ? ERR_EXISTS : ERR_IO,
			       "%s: %s", to, strerror(errno));
	}
	close(fd);
	rc = copy_pages(db, to, e);
	if (rc == 0)
		rc = sync_file(to, e);
	if (rc < 0)
		unlink(to);
	close(lock);
	return rc;
}
