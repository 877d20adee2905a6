/* channel_key.c - the keys of channels; see channel.h. */
#include "store/channel.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/channel_in.h"

static const struct db_cols key_cols =
	DB_COLS(struct channel_key, DB_INT(channel_key, id),
		DB_INT(channel_key, channel_id), DB_BLOB(channel_key, sealed),
		DB_STR(channel_key, hint), DB_STR(channel_key, name),
		DB_INT(channel_key, enabled), DB_STR(channel_key, state),
		DB_STR(channel_key, reason), DB_INT(channel_key, state_ms),
		DB_INT(channel_key, probe_ms));

static int changed(int n, int64_t id, struct err *e)
{
	return n ? MIN(n, 0) :
		   err_set(e, ERR_NOT_FOUND, "there is no provider key %lld",
			   (long long)id);
}

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

	return changed(db_run(db, st, e), key_id, e);
}

int channel_key_enable(struct db *db, int64_t key_id, bool enabled,
		       const char *reason, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_ENABLE, "dsii", enabled, reason,
			clock_wall_ms(), key_id);

	return changed(db_run(db, st, e), key_id, e);
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

int channel_keys_all(struct db *db, struct channel_key **out,
		     struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_CHANNEL_KEYS_ALL, ""), &key_cols, out,
		       arena, e);
}

int channel_key_get(struct db *db, int64_t key_id, struct channel_key *key,
		    struct arena *arena, struct err *e)
{
	return changed(db_row(db, db_bind(db, ST_CHANNEL_KEY_GET, "i", key_id),
			      &key_cols, key, arena, e),
		       key_id, e);
}

int channel_key_state(struct db *db, const struct channel_key *key,
		      struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_STATE, "ssiii", key->state,
			key->reason, key->probe_ms, clock_wall_ms(), key->id);

	return db_run(db, st, e);
}

int channel_key_name(struct db *db, int64_t key_id, const char *name,
		     struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_NAME, "si", name, key_id);

	if (strlen(name) > CHANNEL_KEY_NAME_MAX)
		return err_param(e, ERR_VALUE, "name",
				 "a key's name has at most %d bytes",
				 CHANNEL_KEY_NAME_MAX);
	return changed(db_run(db, st, e), key_id, e);
}

int channel_key_remove(struct db *db, int64_t key_id, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_CHANNEL_KEY_REMOVE, "i", key_id);

	return changed(db_run(db, st, e), key_id, e);
}
