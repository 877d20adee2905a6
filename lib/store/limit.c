/* limit.c - see limit.h. */
#include "store/limit.h"

#include "db/db.h"
#include "sql.h"

static const struct db_cols cols =
	DB_COLS(struct limit, DB_STR(limit, scope), DB_STR(limit, owner),
		DB_INT(limit, rpm), DB_INT(limit, tpm),
		DB_INT(limit, concurrency), DB_INT(limit, rpd));

static int drop(struct db *db, const char *scope, const char *owner,
		struct err *e)
{
	return db_run(db, db_bind(db, ST_LIMIT_DROP, "ss", scope, owner), e);
}

int limit_set(struct db *db, const struct limit *l, struct err *e)
{
	if (!l->rpm && !l->tpm && !l->concurrency && !l->rpd)
		return MIN(drop(db, l->scope, l->owner, e), 0);
	return MIN(db_run(db, db_bind_row(db, ST_LIMIT_SET, &cols, l), e), 0);
}

int limit_get(struct db *db, const char *scope, const char *owner,
	      struct limit *l, struct arena *arena, struct err *e)
{
	return db_row(db, db_bind(db, ST_LIMIT_GET, "ss", scope, owner), &cols,
		      l, arena, e);
}

int limit_list(struct db *db, struct limit **out, struct arena *arena,
	       struct err *e)
{
	return db_rows(db, db_bind(db, ST_LIMIT_LIST, ""), &cols, out, arena,
		       e);
}

int limit_drop(struct db *db, const char *scope, const char *owner,
	       struct err *e)
{
	int n = drop(db, scope, owner, e);

	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "the %s %s has no limits", scope,
			   owner);
}
