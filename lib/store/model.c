/* model.c - see model.h. */
#include "store/model.h"

#include "db/db.h"
#include "sql.h"

static const struct db_cols cols = DB_COLS(
	struct model_setting, DB_STR(model_setting, model),
	DB_STR(model_setting, sticky), DB_INT(model_setting, deadline_ms),
	DB_INT(model_setting, max_attempts));

static const struct db_cols fallback_cols = DB_COLS(
	struct fallback, DB_STR(fallback, group), DB_STR(fallback, model),
	DB_INT(fallback, place), DB_STR(fallback, to_model));

int model_setting_set(struct db *db, const struct model_setting *m,
		      struct err *e)
{
	struct sqlite3_stmt *st;

	if (!strcmp(m->sticky, "off") && !m->deadline_ms && !m->max_attempts)
		st = db_bind(db, ST_MODEL_SETTING_DROP, "s", m->model);
	else
		st = db_bind_row(db, ST_MODEL_SETTING_SET, &cols, m);
	return MIN(db_run(db, st, e), 0);
}

int model_setting_get(struct db *db, const char *model, struct model_setting *m,
		      struct arena *arena, struct err *e)
{
	int n = db_row(db, db_bind(db, ST_MODEL_SETTING_GET, "s", model), &cols,
		       m, arena, e);

	if (!n)
		*m = (struct model_setting){ .model = model, .sticky = "off" };
	return n;
}

int model_setting_list(struct db *db, struct model_setting **out,
		       struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_MODEL_SETTING_LIST, ""), &cols, out,
		       arena, e);
}

/* --- fallbacks ---------------------------------------------------------------- */

static int check(const char *model, const char *const *to, int n, struct err *e)
{
	if (n > FALLBACKS_MAX)
		return err_param(e, ERR_VALUE, "to",
				 "a model has at most %d fallbacks",
				 FALLBACKS_MAX);
	for (int i = 0; i < n; i++) {
		if (!strcmp(to[i], model))
			return err_param(e, ERR_VALUE, "to",
					 "%s cannot be its own fallback",
					 model);
		for (int k = 0; k < i; k++)
			if (!strcmp(to[i], to[k]))
				return err_param(e, ERR_VALUE, "to",
						 "%s is there twice", to[i]);
	}
	return 0;
}

static int put_all(struct db *db, const char *group, const char *model,
		   const char *const *to, int n, struct err *e)
{
	if (db_run(db, db_bind(db, ST_FALLBACK_DROP, "ss", group, model), e) <
	    0)
		return -1;
	for (int i = 0; i < n; i++)
		if (db_insert(db,
			      db_bind(db, ST_FALLBACK_ADD, "ssis", group, model,
				      (int64_t)i + 1, to[i]),
			      e) < 0)
			return -1;
	return 0;
}

int fallback_set(struct db *db, const char *group, const char *model,
		 const char *const *to, int n, struct err *e)
{
	if (check(model, to, n, e) < 0 || db_begin(db, e) < 0)
		return -1;
	if (put_all(db, group, model, to, n, e) == 0)
		return db_commit(db, e);
	db_rollback(db);
	return -1;
}

int fallback_list(struct db *db, struct fallback **out, struct arena *arena,
		  struct err *e)
{
	return db_rows(db, db_bind(db, ST_FALLBACK_LIST, ""), &fallback_cols,
		       out, arena, e);
}
