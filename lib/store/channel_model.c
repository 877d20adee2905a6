/* channel_model.c - what channels serve, and all that routing needs of them;
 * see channel.h. */
#include "store/channel.h"

#include "db/db.h"
#include "sql.h"
#include "store/channel_in.h"
#include "store/meta.h"

static const struct db_cols model_cols =
	DB_COLS(struct channel_model, DB_INT(channel_model, channel_id),
		DB_STR(channel_model, model), DB_STR(channel_model, upstream));

int channel_model_put(struct db *db, int64_t id, const char *model,
		      const char *upstream, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_MODEL_PUT, "iss", id, model, upstream);

	return db_run(db, st, e) < 0 ? -1 : 0;
}

int channel_model_drop(struct db *db, int64_t id, const char *model,
		       struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_MODEL_DROP, "is", id, model);

	return db_run(db, st, e) < 0 ? -1 : 0;
}

int channel_models(struct db *db, int64_t id, struct channel_model **out,
		   struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_CHANNEL_MODELS, "i", id), &model_cols,
		       out, arena, e);
}

/* --- all of it ---------------------------------------------------------------- */

static int read_all(struct db *db, struct channel_all *all, struct arena *arena,
		    struct err *e)
{
	all->version = config_version_now(db, e);
	if (all->version < 0)
		return -1;
	all->n_channels = channel_list(db, &all->channels, arena, e);
	if (all->n_channels < 0)
		return -1;
	all->n_models = db_rows(db, db_bind(db, ST_CHANNEL_MODELS_ALL, ""),
				&model_cols, &all->models, arena, e);
	if (all->n_models < 0)
		return -1;
	all->n_keys = channel_keys_all(db, &all->keys, arena, e);
	return MIN(all->n_keys, 0);
}

int channel_all(struct db *db, struct channel_all *out, struct arena *arena,
		struct err *e)
{
	bool inside = db_in_txn(db); /* the caller reads prices with it */
	int rc;

	if (!inside && db_begin_read(db, e) < 0)
		return -1;
	rc = read_all(db, out, arena, e);
	if (!inside)
		db_rollback(db);
	return rc;
}
