/* meta.c - see meta.h. */
#include "store/meta.h"

#include "db/db.h"
#include "sql.h"

struct meta {
	const char *value;
};

static const struct db_cols cols = DB_COLS(struct meta, DB_STR(meta, value));

const char *meta_get(struct db *db, const char *key, struct arena *arena,
		     struct err *e)
{
	struct meta m = { NULL };

	/* an error and no row both leave the value out */
	db_row(db, db_bind(db, ST_META_GET, "s", key), &cols, &m, arena, e);
	return m.value;
}

int meta_set(struct db *db, const char *key, const char *value, struct err *e)
{
	return db_run(db, db_bind(db, ST_META_SET, "ss", key, value), e) < 0 ?
		       -1 :
		       0;
}

int64_t config_version_now(struct db *db, struct err *e)
{
	int64_t v;
	int rc = db_int(db, db_bind(db, ST_CONFIG_VERSION_NOW, ""), &v, e);

	if (rc < 0)
		return -1;
	return rc ? v : err_set(e, ERR_DB, "internal error");
}
