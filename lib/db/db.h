/* db.h - SQLite: opening, prepared statements, rows, transactions.
 *
 * Statements are named (sql/query/, enum db_stmt of sql.h) and prepared once a
 * connection.  A connection belongs to one thread at a time.  Every one is in
 * WAL mode with synchronous=FULL, and none checkpoints by itself: who does
 * calls db_checkpoint(), under a lock of the whole installation.
 *
 * SQLite's own words go to the log; an err holds what a caller may read:
 * ERR_DB_BUSY where a lock was not to be had in time, ERR_STORAGE where the
 * disk is full, ERR_EXISTS where something was to be unique, else ERR_DB.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/arena.h"
#include "base/err.h"

struct db;
struct sqlite3_stmt;

enum db_mode {
	DB_READ,  /* may not write */
	DB_WRITE, /* reads and writes a database of exactly our schema */
	DB_TOOL, /* makes it if need be, takes an older schema: init, migrate */
	DB_FROZEN /* a file that nobody writes any more, and stays as it is */
};

/* prepare_all: every statement now (serve, tests), else each on first use.
 * NULL: the path, the file system (NFS) or the schema is not ours to use, and
 * the message says what to do.  ":memory:" is a database of its own. */
struct db *db_open(const char *path, enum db_mode mode, bool prepare_all,
		   struct err *e);
void db_close(struct db *db); /* NULL is fine */
const char *db_path(const struct db *db);
const char *db_version(void); /* SQLite's: "3.40.1" */

/* How long to wait for a lock before ERR_DB_BUSY; 5,000 ms at first. */
void db_busy_ms(struct db *db, int64_t ms);

/* The schema of the file; 0: empty; -1: error. */
int db_schema(struct db *db, struct err *e);
/* Brings the schema to ours in one transaction; a database that had one is
 * copied to "PATH.v<N>-<time>" before.  Returns the version it had, or -1. */
int db_migrate(struct db *db, struct err *e);

/* Statements.  Values in order of the parameters' first appearance:
 * i int64_t, d int or bool, s C string (NULL: NULL), t struct str, b pointer
 * and size_t (a blob), n none (NULL).  Pointers are only borrowed: they must
 * live until the statement has run.  NULL after a failure, which the function
 * that runs it reports. */
struct sqlite3_stmt *db_bind(struct db *db, int st, const char *types, ...);

/* A column, or a parameter, and its place in a struct. */
struct db_col {
	enum db_kind {
		DB_KIND_INT,  /* int64_t, int or bool; NULL reads as 0 */
		DB_KIND_NULL, /* the same, but -1 is NULL both ways */
		DB_KIND_STR,  /* const char *; NULL reads as "" */
		DB_KIND_BLOB  /* struct str; NULL reads as STR_NONE */
	} kind;
	uint16_t at, size;
};

/* The columns of a statement, or its parameters, in order. */
struct db_cols {
	const struct db_col *p;
	int n;
	size_t size; /* of the struct */
};

#define DB_COLS(type, ...)                                               \
	{                                                                \
		(const struct db_col[]){ __VA_ARGS__ },                  \
			(int)(sizeof((struct db_col[]){ __VA_ARGS__ }) / \
			      sizeof(struct db_col)),                    \
			sizeof(type)                                     \
	}

#define DB_COL_(kind, type, field)                                  \
	{                                                           \
		(kind), (uint16_t)offsetof(struct type, field),     \
			(uint16_t)sizeof(((struct type *)0)->field) \
	}
#define DB_INT(type, field)  DB_COL_(DB_KIND_INT, type, field)
#define DB_NULL(type, field) DB_COL_(DB_KIND_NULL, type, field)
#define DB_STR(type, field)  DB_COL_(DB_KIND_STR, type, field)
#define DB_BLOB(type, field) DB_COL_(DB_KIND_BLOB, type, field)

/* The same with values from a struct. */
struct sqlite3_stmt *db_bind_row(struct db *db, int st,
				 const struct db_cols *cols, const void *row);

/* Running one; each ends it, so that it can be bound again. */

/* The number of rows changed, or -1. */
int db_run(struct db *db, struct sqlite3_stmt *st, struct err *e);
/* Runs an INSERT: the new row's id, or -1. */
int64_t db_insert(struct db *db, struct sqlite3_stmt *st, struct err *e);
/* The first row; its texts go to the arena.  1, 0: no row, -1. */
int db_row(struct db *db, struct sqlite3_stmt *st, const struct db_cols *cols,
	   void *row, struct arena *arena, struct err *e);
/* All rows as an array in the arena, to *rows (a struct x **): n, or -1. */
int db_rows(struct db *db, struct sqlite3_stmt *st, const struct db_cols *cols,
	    void *rows, struct arena *arena, struct err *e);
/* The first column of the first row as a number.  1, 0: no row, -1. */
int db_int(struct db *db, struct sqlite3_stmt *st, int64_t *out, struct err *e);

/* Transactions.  db_begin() takes the write lock, waiting as long as
 * db_busy_ms() allows; db_begin_read() fixes what is read until the end. */
int db_begin(struct db *db, struct err *e);
int db_begin_read(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e); /* failed: rolled back */
void db_rollback(struct db *db);             /* none open: nothing */
int db_savepoint(struct db *db, struct err *e);
int db_release(struct db *db, struct err *e); /* keeps what was done */
/* Ends the savepoint as if nothing was done.  -1: the transaction cannot go
 * on, and must not be committed. */
int db_undo(struct db *db);
bool db_in_txn(struct db *db);

/* SQL in a text, several statements: the schema's steps, and tests. */
int db_exec(struct db *db, const char *sql, struct err *e);

/* Checkpoints and copies, both under a lock on the file lock_path; NULL: on
 * the database's path with ".lock". */

int64_t db_wal_bytes(const struct db *db); /* of the file; 0: there is none */
int64_t db_wal_used(const struct db *db);  /* of it, after our last commit */
/* Moves the WAL into the database as far as no reader is in the way.  Writers
 * wait only where the WAL is long and would never come to its end without.
 * 1: done, 0: somebody else is at it or in the way, -1. */
int db_checkpoint(struct db *db, const char *lock_path, struct err *e);
/* A consistent copy into a file that must not exist; writers go on. */
int db_backup(struct db *db, const char *to, const char *lock_path,
	      struct err *e);

#endif
