/* db_in.h - what the files of this folder share; see db.h. */
#ifndef DB_DB_IN_H
#define DB_DB_IN_H

#include <sqlite3.h>

#include "db/db.h"
#include "sql.h"

#define DB_PAGE_BYTES 4096 /* SQLite's default, which we keep */

struct db {
	sqlite3 *h;
	char *path;
	bool memory; /* no file behind it */
	int64_t busy_ms, busy_since;
	bool urgent;   /* one wait from busy_since on, in small steps */
	int wal_pages; /* in use after our last commit */
	int bind_rc;   /* why the last db_bind() gave NULL */
	sqlite3_stmt *stmts[ST__COUNT];
};

/* Logs SQLite's words and sets e to what the code means.  -1. */
int db_fail(struct db *db, int rc, const char *what, struct err *e);
/* A number that a PRAGMA answers with. */
int db_pragma(struct db *db, const char *sql, int64_t *out, struct err *e);
/* Prepares the statement unless it is; SQLite's code. */
int db_prepare(struct db *db, int st);

#endif
