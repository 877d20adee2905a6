/* channel.c - see channel.h. */
#include "store/channel.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/meta.h"

static const struct db_cols cols =
	DB_COLS(struct channel, DB_INT(channel, id), DB_STR(channel, name),
		DB_STR(channel, provider), DB_STR(channel, base_url),
		DB_STR(channel, origin), DB_INT(channel, enabled),
		DB_STR(channel, state), DB_STR(channel, reason),
		DB_INT(channel, priority), DB_INT(channel, weight),
		DB_STR(channel, groups), DB_STR(channel, allow),
		DB_INT(channel, rpm), DB_INT(channel, created_ms));

static const struct db_cols model_cols =
	DB_COLS(struct channel_model, DB_INT(channel_model, channel_id),
		DB_STR(channel_model, model), DB_STR(channel_model, upstream));

static const struct db_cols key_cols =
	DB_COLS(struct channel_key, DB_INT(channel_key, id),
		DB_INT(channel_key, channel_id), DB_BLOB(channel_key, sealed),
		DB_STR(channel_key, hint), DB_INT(channel_key, enabled),
		DB_STR(channel_key, reason));

static const struct db_cols add_cols =
	DB_COLS(struct channel, DB_STR(channel, name),
		DB_STR(channel, provider), DB_STR(channel, base_url),
		DB_STR(channel, origin), DB_INT(channel, enabled),
		DB_INT(channel, priority), DB_INT(channel, weight),
		DB_STR(channel, groups), DB_STR(channel, allow),
		DB_INT(channel, rpm), DB_INT(channel, created_ms));

/* Of a statement that changes one row at most. */
static int changed(int n, const char *what, int64_t id, struct err *e)
{
	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "there is no %s %lld", what,
			   (long long)id);
}

int64_t channel_add(struct db *db, const struct channel *c, struct err *e)
{
	struct channel row = *c;
	size_t len = strlen(c->name);
	int64_t id;

	if (len < 1 || len > CHANNEL_NAME_MAX)
		return err_param(e, ERR_VALUE, "name",
				 "a channel's name has 1 to %d bytes",
				 CHANNEL_NAME_MAX);
	row.created_ms = clock_wall_ms();
	id = db_insert(db, db_bind_row(db, ST_CHANNEL_ADD, &add_cols, &row), e);
	if (id < 0 && e->code == ERR_EXISTS) {
		err_clear(e);
		err_param(e, ERR_EXISTS, "name",
			  "there is a channel %s already", c->name);
	}
	return id;
}

int channel_find(struct db *db, const char *name, struct channel *c,
		 struct arena *arena, struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_CHANNEL_FIND, "s", name), &cols, c,
			arena, e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no channel %s", name);
}

int channel_get(struct db *db, int64_t id, struct channel *c,
		struct arena *arena, struct err *e)
{
	return changed(db_row(db, db_bind(db, ST_CHANNEL_GET, "i", id), &cols,
			      c, arena, e),
		       "channel", id, e);
}

int channel_list(struct db *db, struct channel **out, struct arena *arena,
		 struct err *e)
{
	return db_rows(db, db_bind(db, ST_CHANNEL_LIST, ""), &cols, out, arena,
		       e);
}

int channel_set(struct db *db, int64_t id, const struct channel_change *c,
		struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_SET, "ssssssiiidi", c->base_url,
			c->origin, c->groups, c->allow, c->state, c->reason,
			c->priority, c->weight, c->rpm, c->enabled, id);

	return changed(db_run(db, st, e), "channel", id, e);
}

static int remove_all(struct db *db, int64_t id, struct err *e)
{
	int n = db_run(
		db, db_bind(db, ST_CHANNEL_REMOVE, "ii", clock_wall_ms(), id),
		e);

	if (changed(n, "channel", id, e) < 0 ||
	    channel_key_drop(db, id, e) < 0 ||
	    channel_model_drop(db, id, NULL, e) < 0)
		return -1;
	return 0;
}

int channel_remove(struct db *db, int64_t id, struct err *e)
{
	if (db_begin(db, e) < 0)
		return -1;
	if (remove_all(db, id, e) == 0)
		return db_commit(db, e);
	db_rollback(db);
	return -1;
}

/* --- models ------------------------------------------------------------------ */

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

/* --- keys -------------------------------------------------------------------- */

int64_t channel_key_add(struct db *db, int64_t channel_id, const char *hint,
			struct err *e)
{
	return db_insert(
		db, db_bind(db, ST_CHANNEL_KEY_ADD, "is", channel_id, hint), e);
}

int channel_key_seal(struct db *db, int64_t key_id, struct str sealed,
		     struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_SEAL, "bi", (const void *)sealed.p,
			sealed.n, key_id);

	return changed(db_run(db, st, e), "provider key", key_id, e);
}

int channel_key_enable(struct db *db, int64_t key_id, bool enabled,
		       const char *reason, struct err *e)
{
	struct sqlite3_stmt *st = db_bind(db, ST_CHANNEL_KEY_ENABLE, "dsi",
					  enabled, reason, key_id);

	return changed(db_run(db, st, e), "provider key", key_id, e);
}

int channel_key_drop(struct db *db, int64_t channel_id, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_DROP, "i", channel_id);

	return db_run(db, st, e) < 0 ? -1 : 0;
}

int channel_keys(struct db *db, int64_t id, struct channel_key **out,
		 struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_CHANNEL_KEYS, "i", id), &key_cols,
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
	all->n_keys = db_rows(db, db_bind(db, ST_CHANNEL_KEYS_ALL, ""),
			      &key_cols, &all->keys, arena, e);
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
