/* channel.c - see channel.h. */
#include "store/channel.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/meta.h"

static const struct db_cols cols = DB_COLS(
	struct channel, DB_INT(channel, id), DB_STR(channel, name),
	DB_STR(channel, provider), DB_STR(channel, base_url),
	DB_STR(channel, origin), DB_INT(channel, enabled),
	DB_STR(channel, state), DB_STR(channel, reason),
	DB_INT(channel, state_ms), DB_INT(channel, priority),
	DB_INT(channel, weight), DB_STR(channel, groups),
	DB_STR(channel, allow), DB_INT(channel, rpm), DB_INT(channel, tpm),
	DB_INT(channel, concurrency), DB_INT(channel, key_rpm),
	DB_INT(channel, key_tpm), DB_INT(channel, key_concurrency),
	DB_STR(channel, rotation), DB_INT(channel, connect_ms),
	DB_INT(channel, first_token_ms), DB_INT(channel, idle_ms),
	DB_INT(channel, total_ms), DB_STR(channel, proxy),
	DB_STR(channel, test_model), DB_INT(channel, auto_disable),
	DB_STR(channel, tags), DB_STR(channel, notes), DB_STR(channel, params),
	DB_STR(channel, headers), DB_STR(channel, system_prompt),
	DB_INT(channel, created_ms));

static const struct db_cols add_cols = DB_COLS(
	struct channel, DB_STR(channel, name), DB_STR(channel, provider),
	DB_STR(channel, base_url), DB_STR(channel, origin),
	DB_INT(channel, enabled), DB_INT(channel, priority),
	DB_INT(channel, weight), DB_STR(channel, groups),
	DB_STR(channel, allow), DB_INT(channel, rpm), DB_INT(channel, tpm),
	DB_INT(channel, concurrency), DB_INT(channel, key_rpm),
	DB_INT(channel, key_tpm), DB_INT(channel, key_concurrency),
	DB_STR(channel, rotation), DB_INT(channel, connect_ms),
	DB_INT(channel, first_token_ms), DB_INT(channel, idle_ms),
	DB_INT(channel, total_ms), DB_STR(channel, proxy),
	DB_STR(channel, test_model), DB_INT(channel, auto_disable),
	DB_STR(channel, tags), DB_STR(channel, notes), DB_STR(channel, params),
	DB_STR(channel, headers), DB_STR(channel, system_prompt),
	DB_INT(channel, created_ms));

static const struct db_cols write_cols = DB_COLS(
	struct channel, DB_STR(channel, base_url), DB_STR(channel, origin),
	DB_INT(channel, priority), DB_INT(channel, weight),
	DB_STR(channel, groups), DB_STR(channel, allow), DB_INT(channel, rpm),
	DB_INT(channel, tpm), DB_INT(channel, concurrency),
	DB_INT(channel, key_rpm), DB_INT(channel, key_tpm),
	DB_INT(channel, key_concurrency), DB_STR(channel, rotation),
	DB_INT(channel, connect_ms), DB_INT(channel, first_token_ms),
	DB_INT(channel, idle_ms), DB_INT(channel, total_ms),
	DB_STR(channel, proxy), DB_STR(channel, test_model),
	DB_INT(channel, auto_disable), DB_STR(channel, tags),
	DB_STR(channel, notes), DB_STR(channel, params),
	DB_STR(channel, headers), DB_STR(channel, system_prompt),
	DB_INT(channel, id));

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
	if (!row.rotation)
		row.rotation = "round_robin";
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
	struct sqlite3_stmt *st = db_bind(
		db, ST_CHANNEL_SET, "ssssssiiiidi", c->base_url, c->origin,
		c->groups, c->allow, c->state, c->reason, clock_wall_ms(),
		c->priority, c->weight, c->rpm, c->enabled, id);

	return changed(db_run(db, st, e), "channel", id, e);
}

int channel_write(struct db *db, const struct channel *c, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind_row(db, ST_CHANNEL_WRITE, &write_cols, c);

	return changed(db_run(db, st, e), "channel", c->id, e);
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
