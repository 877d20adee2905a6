/* db_rows.c - statements: binding, running, reading rows; see db.h. */
#include <assert.h>
#include <stdarg.h>

#include "db/db_in.h"

int db_prepare(struct db *db, int st)
{
	assert(st >= 0 && st < ST__COUNT);
	if (db->stmts[st])
		return SQLITE_OK;
	return sqlite3_prepare_v3(db->h, sql_stmts[st].text, -1,
				  SQLITE_PREPARE_PERSISTENT, &db->stmts[st],
				  NULL);
}

static sqlite3_stmt *ready(struct db *db, int st, int n_params)
{
	db->bind_rc = db_prepare(db, st);
	if (db->bind_rc != SQLITE_OK)
		return NULL;
	assert(sqlite3_bind_parameter_count(db->stmts[st]) == n_params);
	assert(!sqlite3_stmt_busy(db->stmts[st]));
	return db->stmts[st];
}

static int bind_text(sqlite3_stmt *st, int i, const char *p, size_t n)
{
	return sqlite3_bind_text64(st, i, p, n, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	return p ? sqlite3_bind_blob64(st, i, p, n, SQLITE_STATIC) :
		   sqlite3_bind_null(st, i);
}

static int bind_one(sqlite3_stmt *st, int i, char type, va_list *ap)
{
	const void *p;
	const char *s;
	struct str t;

	switch (type) {
	case 'i': return sqlite3_bind_int64(st, i, va_arg(*ap, int64_t));
	case 'd': return sqlite3_bind_int(st, i, va_arg(*ap, int));
	case 's':
		s = va_arg(*ap, const char *);
		return bind_text(st, i, s, s ? strlen(s) : 0);
	case 't':
		t = va_arg(*ap, struct str);
		return bind_text(st, i, t.p, t.n);
	case 'b':
		p = va_arg(*ap, const void *);
		return bind_blob(st, i, p, va_arg(*ap, size_t));
	default: assert(type == 'n'); return sqlite3_bind_null(st, i);
	}
}

struct sqlite3_stmt *db_bind(struct db *db, int st, const char *types, ...)
{
	sqlite3_stmt *s = ready(db, st, (int)strlen(types));
	va_list ap;

	va_start(ap, types);
	for (int i = 0; s && types[i]; i++) {
		db->bind_rc = bind_one(s, i + 1, types[i], &ap);
		if (db->bind_rc != SQLITE_OK)
			s = NULL;
	}
	va_end(ap);
	return s;
}

/* --- structs ----------------------------------------------------------------- */

static int64_t get_int(const struct db_col *c, const char *at)
{
	switch (c->size) {
	case sizeof(int64_t): return *(const int64_t *)at;
	case sizeof(int): return *(const int *)at;
	default: assert(c->size == sizeof(bool)); return *(const bool *)at;
	}
}

static void set_int(const struct db_col *c, char *at, int64_t v)
{
	switch (c->size) {
	case sizeof(int64_t): *(int64_t *)at = v; break;
	case sizeof(int): *(int *)at = (int)v; break;
	default: assert(c->size == sizeof(bool)); *(bool *)at = v != 0;
	}
}

static int bind_col(sqlite3_stmt *st, int i, const struct db_col *c,
		    const char *at)
{
	const char *s;
	struct str b;

	switch (c->kind) {
	case DB_KIND_STR:
		s = *(const char *const *)at;
		s = s ? s : "";
		return bind_text(st, i, s, strlen(s));
	case DB_KIND_BLOB:
		b = *(const struct str *)at;
		return bind_blob(st, i, b.p, b.n);
	case DB_KIND_NULL:
		if (get_int(c, at) == -1)
			return sqlite3_bind_null(st, i);
		break;
	case DB_KIND_INT: break;
	}
	return sqlite3_bind_int64(st, i, get_int(c, at));
}

struct sqlite3_stmt *db_bind_row(struct db *db, int st,
				 const struct db_cols *cols, const void *row)
{
	sqlite3_stmt *s = ready(db, st, cols->n);

	for (int i = 0; s && i < cols->n; i++) {
		db->bind_rc = bind_col(s, i + 1, &cols->p[i],
				       (const char *)row + cols->p[i].at);
		if (db->bind_rc != SQLITE_OK)
			s = NULL;
	}
	return s;
}

static void read_col(sqlite3_stmt *st, int i, const struct db_col *c, char *at,
		     struct arena *arena)
{
	bool null = sqlite3_column_type(st, i) == SQLITE_NULL;
	struct str s;

	if (c->kind == DB_KIND_INT || c->kind == DB_KIND_NULL) {
		set_int(c, at,
			null && c->kind == DB_KIND_NULL ?
				-1 :
				sqlite3_column_int64(st, i));
		return;
	}
	s.p = c->kind == DB_KIND_STR ?
		      (const char *)sqlite3_column_text(st, i) :
		      sqlite3_column_blob(st, i);
	s.n = (size_t)sqlite3_column_bytes(st, i);
	if (c->kind == DB_KIND_STR)
		*(const char **)at = null ? "" : arena_dup(arena, s);
	else
		*(struct str *)at = null ? STR_NONE : arena_str(arena, s);
}

static void read_row(sqlite3_stmt *st, const struct db_cols *cols, void *row,
		     struct arena *arena)
{
	assert(sqlite3_column_count(st) == cols->n);
	for (int i = 0; i < cols->n; i++)
		read_col(st, i, &cols->p[i], (char *)row + cols->p[i].at,
			 arena);
}

/* --- running ------------------------------------------------------------------ */

/* Ends the statement; rc is what its last step said. */
static int finish(struct db *db, sqlite3_stmt *st, int rc, struct err *e)
{
	int failed = 0;

	if (!st)
		return db_fail(db, db->bind_rc, "bind", e);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		failed = db_fail(db, rc, sqlite3_sql(st), e);
	sqlite3_reset(st);
	return failed;
}

static int step(sqlite3_stmt *st)
{
	return st ? sqlite3_step(st) : SQLITE_ERROR;
}

int db_run(struct db *db, struct sqlite3_stmt *st, struct err *e)
{
	int rc = step(st);

	while (rc == SQLITE_ROW)
		rc = step(st);
	if (finish(db, st, rc, e) < 0)
		return -1;
	return sqlite3_changes(db->h);
}

int64_t db_insert(struct db *db, struct sqlite3_stmt *st, struct err *e)
{
	return db_run(db, st, e) < 0 ? -1 : sqlite3_last_insert_rowid(db->h);
}

int db_row(struct db *db, struct sqlite3_stmt *st, const struct db_cols *cols,
	   void *row, struct arena *arena, struct err *e)
{
	int rc = step(st);

	if (rc == SQLITE_ROW)
		read_row(st, cols, row, arena);
	if (finish(db, st, rc, e) < 0)
		return -1;
	return rc == SQLITE_ROW;
}

int db_rows(struct db *db, struct sqlite3_stmt *st, const struct db_cols *cols,
	    void *rows, struct arena *arena, struct err *e)
{
	size_t size = cols->size;
	char *all = NULL, *kept;
	int n = 0, cap = 0, rc;

	while ((rc = step(st)) == SQLITE_ROW) {
		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			all = mem_realloc(all, (size_t)cap * size);
		}
		memset(all + (size_t)n * size, 0, size);
		read_row(st, cols, all + (size_t)n * size, arena);
		n++;
	}
	kept = arena_alloc(arena, (size_t)MAX(n, 1) * size);
	if (n)
		memcpy(kept, all, (size_t)n * size);
	free(all);
	*(void **)rows = kept;
	return finish(db, st, rc, e) < 0 ? -1 : n;
}

int db_int(struct db *db, struct sqlite3_stmt *st, int64_t *out, struct err *e)
{
	int rc = step(st);

	*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	if (finish(db, st, rc, e) < 0)
		return -1;
	return rc == SQLITE_ROW;
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, sql, e);
}

int db_pragma(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : db_fail(db, rc, sql, e);
}
