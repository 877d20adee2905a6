/* db.c - opening and transactions; see db.h. */
#include "db/db_in.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

static const struct {
	int rc; /* a primary result code */
	enum err_code code;
	const char *msg;
} meanings[] = {
	{ SQLITE_BUSY, ERR_DB_BUSY, "the database is busy: try again" },
	{ SQLITE_LOCKED, ERR_DB_BUSY, "the database is busy: try again" },
	{ SQLITE_FULL, ERR_STORAGE, "the disk is full" },
	{ SQLITE_IOERR, ERR_STORAGE, "the disk does not take or give data" },
	{ SQLITE_READONLY, ERR_STORAGE, "the database cannot be written" },
};

static bool is_duplicate(int rc)
{
	return rc == SQLITE_CONSTRAINT_UNIQUE ||
	       rc == SQLITE_CONSTRAINT_PRIMARYKEY;
}

int db_fail(struct db *db, int rc, const char *what, struct err *e)
{
	if (is_duplicate(rc))
		return err_set(e, ERR_EXISTS, "it is there already");
	if ((rc & 0xff) == SQLITE_BUSY)
		log_debug("db.busy", LOG_S("at", what));
	else
		log_error("db.failed", LOG_S("at", what), LOG_I("code", rc),
			  LOG_S("text", sqlite3_errmsg(db->h)));
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].rc == (rc & 0xff))
			return err_set(e, meanings[i].code, "%s",
				       meanings[i].msg);
	return err_set(e, ERR_DB, "internal error");
}

/* Short random sleeps: the default handler starves some of many writers.
 * Who is to finish the WAL looks more often, for the moments between commits
 * of a writer that never rests. */
static int on_busy(void *arg, int count)
{
	struct db *db = arg;
	int64_t now = clock_mono_ms();

	if (count == 0 && !db->urgent)
		db->busy_since = now;
	if (now - db->busy_since >= db->busy_ms)
		return 0;
	usleep(db->urgent ? 30 : 200 + (useconds_t)rand_below(1800));
	return 1;
}

static int on_commit(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct db *db = arg;

	(void)h;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

void db_busy_ms(struct db *db, int64_t ms)
{
	db->busy_ms = ms;
}

const char *db_version(void)
{
	return sqlite3_libversion();
}

const char *db_path(const struct db *db)
{
	return db->path;
}

/* SQLite's count of its memory costs a lock for every allocation of every
 * thread.  It can only be told so before anybody has opened anything. */
__attribute__((constructor)) static void no_statistics(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* --- opening --------------------------------------------------------------- */

#define SMB2_MAGIC 0xfe534d42
#define CIFS_MAGIC 0xff534d42

/* WAL needs memory that all processes share, which these do not give. */
static int check_place(const char *path, struct err *e)
{
	char *copy = mem_dup(path);
	struct statfs fs;
	int rc = statfs(dirname(copy), &fs);

	free(copy);
	if (rc < 0)
		return err_set(e, ERR_CONFIG,
			       "the folder of the database cannot be used "
			       "(%s): check db_path, run `pontage init`",
			       strerror(errno));
	switch ((unsigned long)fs.f_type & 0xffffffff) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_MAGIC:
	case CIFS_MAGIC:
		return err_set(e, ERR_CONFIG,
			       "the database is on a network file system, "
			       "where SQLite loses data: set db_path to a "
			       "folder on a local disk");
	}
	return 0;
}

static int open_file(struct db *db, enum db_mode mode, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, rc, fd;

	if (mode == DB_FROZEN)
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	if (db->memory) {
		flags |= SQLITE_OPEN_CREATE;
	} else if (check_place(db->path, e) < 0) {
		return -1;
	} else if (mode == DB_TOOL) {
		/* SQLite would let everybody read it */
		fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
		if (fd < 0)
			return err_set(e, ERR_CONFIG,
				       "the database cannot be made: %s",
				       strerror(errno));
		close(fd);
	}
	rc = sqlite3_open_v2(db->path, &db->h, flags, NULL);
	if (rc == SQLITE_CANTOPEN && mode != DB_TOOL)
		return err_set(e, ERR_CONFIG,
			       "there is no database at db_path, or it cannot "
			       "be read: run `pontage init`");
	if (rc != SQLITE_OK)
		return db_fail(db, rc, "open", e);
	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_busy_handler(db->h, on_busy, db);
	return 0;
}

static const struct {
	int op, value;
} options[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },
	{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	/* closing the last connection would checkpoint beside the lock */
	{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
};

static const char pragmas[] = "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA wal_autocheckpoint = 0;"
			      "PRAGMA journal_size_limit = 67108864;"
			      "PRAGMA foreign_keys = ON;"
			      "PRAGMA cell_size_check = ON;"
			      "PRAGMA mmap_size = 0;"
			      "PRAGMA temp_store = MEMORY;";
/* Its journal mode stays, which is not WAL: that would change the file. */
static const char frozen[] = "PRAGMA cell_size_check = ON;"
			     "PRAGMA mmap_size = 0;"
			     "PRAGMA temp_store = MEMORY;";

static int set_up(struct db *db, enum db_mode mode, struct err *e)
{
	int rc;

	for (size_t i = 0; i < COUNT(options); i++)
		sqlite3_db_config(db->h, options[i].op, options[i].value, NULL);
	sqlite3_limit(db->h, SQLITE_LIMIT_ATTACHED, 0);
	rc = sqlite3_exec(db->h, mode == DB_FROZEN ? frozen : pragmas, NULL,
			  NULL, NULL);
	if (rc == SQLITE_NOTADB)
		return err_set(e, ERR_CONFIG,
			       "the file at db_path is not a database");
	if (rc != SQLITE_OK)
		return db_fail(db, rc, "pragma", e);
	sqlite3_wal_hook(db->h, on_commit, db);
	/* there may be hundreds of readers in a process, and one writer */
	return db_exec(db,
		       mode == DB_READ || mode == DB_FROZEN ?
			       "PRAGMA cache_size = -1024;"
			       "PRAGMA query_only = ON" :
			       "PRAGMA cache_size = -8192",
		       e);
}

static int check_schema(struct db *db, enum db_mode mode, struct err *e)
{
	int have = db_schema(db, e);

	if (have < 0)
		return -1;
	if (have > SQL_SCHEMA_VERSION)
		return err_set(e, ERR_CONFIG,
			       "the database has schema %d, this program knows "
			       "%d: install the newer version, or restore a "
			       "copy from before it",
			       have, SQL_SCHEMA_VERSION);
	if (have < SQL_SCHEMA_VERSION && mode != DB_TOOL)
		return err_set(e, ERR_CONFIG,
			       "the database has schema %d, this program wants "
			       "%d: run `pontage %s`",
			       have, SQL_SCHEMA_VERSION,
			       have ? "migrate" : "init");
	return have;
}

static int prepare_every(struct db *db, struct err *e)
{
	int rc;

	for (int st = 0; st < ST__COUNT; st++) {
		rc = db_prepare(db, st);
		if (rc != SQLITE_OK)
			return db_fail(db, rc, sql_stmts[st].name, e);
	}
	return 0;
}

struct db *db_open(const char *path, enum db_mode mode, bool prepare_all,
		   struct err *e)
{
	struct db *db = mem_alloc(sizeof(*db));
	int have = -1;

	db->path = mem_dup(path);
	db->memory = !strcmp(path, ":memory:");
	db->busy_ms = 5000;
	if (open_file(db, mode, e) == 0 && set_up(db, mode, e) == 0)
		have = check_schema(db, mode, e);
	/* an older schema may lack what statements name */
	if (have < 0 || (prepare_all && have == SQL_SCHEMA_VERSION &&
			 prepare_every(db, e) < 0)) {
		db_close(db);
		return NULL;
	}
	return db;
}

void db_close(struct db *db)
{
	int rc;

	if (!db)
		return;
	for (int st = 0; st < ST__COUNT; st++)
		sqlite3_finalize(db->stmts[st]);
	rc = sqlite3_close(db->h);
	if (rc != SQLITE_OK)
		log_error("db.close", LOG_I("code", rc));
	free(db->path);
	free(db);
}

/* --- transactions ---------------------------------------------------------- */

int db_begin(struct db *db, struct err *e)
{
	db_rollback(db); /* one that could not be when it should */
	return db_run(db, db_bind(db, ST_TX_BEGIN, ""), e) < 0 ? -1 : 0;
}

int db_begin_read(struct db *db, struct err *e)
{
	db_rollback(db);
	return db_run(db, db_bind(db, ST_TX_BEGIN_READ, ""), e) < 0 ? -1 : 0;
}

int db_commit(struct db *db, struct err *e)
{
	if (db_run(db, db_bind(db, ST_TX_COMMIT, ""), e) >= 0)
		return 0;
	db_rollback(db);
	return -1;
}

void db_rollback(struct db *db)
{
	struct err e = { 0 };

	if (db_in_txn(db) &&
	    db_run(db, db_bind(db, ST_TX_ROLLBACK, ""), &e) < 0)
		log_error("db.rollback", LOG_S("text", e.msg));
}

int db_savepoint(struct db *db, struct err *e)
{
	return db_run(db, db_bind(db, ST_TX_SAVEPOINT, ""), e) < 0 ? -1 : 0;
}

int db_release(struct db *db, struct err *e)
{
	return db_run(db, db_bind(db, ST_TX_RELEASE, ""), e) < 0 ? -1 : 0;
}

int db_undo(struct db *db)
{
	struct err e = { 0 };

	/* SQLite may have rolled all back already: a full disk, say */
	if (!db_in_txn(db))
		return -1;
	if (db_run(db, db_bind(db, ST_TX_UNDO, ""), &e) >= 0 &&
	    db_release(db, &e) >= 0)
		return 0;
	log_error("db.undo", LOG_S("text", e.msg));
	db_rollback(db);
	return -1;
}

bool db_in_txn(struct db *db)
{
	return !sqlite3_get_autocommit(db->h);
}
