/* token.c - see token.h. */
#include "store/token.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

/* clang-format off */
#define COLS                                                              \
	DB_INT(token, id), DB_STR(token, name), DB_STR(token, hint),      \
	DB_INT(token, enabled), DB_INT(token, revoked_ms),                \
	DB_INT(token, expires_ms), DB_NULL(token, limit_nusd),            \
	DB_INT(token, used_nusd), DB_INT(token, held_nusd),               \
	DB_STR(token, models), DB_STR(token, cidrs), DB_INT(token, rpm),  \
	DB_INT(token, tpm), DB_INT(token, concurrency),                   \
	DB_INT(token, channel_id), DB_INT(token, reserve_max),            \
	DB_INT(token, rpd), DB_INT(token, no_keep_alive),                 \
	DB_INT(token, created_ms), DB_INT(token, user_id),                \
	DB_STR(token, user), DB_STR(token, role), DB_STR(token, group),   \
	DB_INT(token, user_enabled), DB_INT(token, account_id),           \
	DB_INT(token, balance_nusd), DB_INT(token, account_held_nusd),    \
	DB_INT(token, floor_nusd)
/* clang-format on */

static const struct db_cols cols = DB_COLS(struct token, COLS);
static const struct db_cols found =
	DB_COLS(struct token, DB_INT(token, config_version), COLS);

int token_find(struct db *db, const uint8_t hash[static TOKEN_HASH],
	       struct token *t, struct arena *arena, struct err *e)
{
	return db_row(db,
		      db_bind(db, ST_TOKEN_FIND, "b", (const void *)hash,
			      (size_t)TOKEN_HASH),
		      &found, t, arena, e);
}

struct added { /* what token_add() binds, in order */
	struct token t;
	struct str hash;
};

static const struct db_cols add_cols =
	DB_COLS(struct added, DB_STR(added, t.name), DB_STR(added, t.hint),
		DB_INT(added, t.expires_ms), DB_NULL(added, t.limit_nusd),
		DB_STR(added, t.models), DB_STR(added, t.cidrs),
		DB_INT(added, t.rpm), DB_INT(added, t.tpm),
		DB_INT(added, t.concurrency), DB_INT(added, t.channel_id),
		DB_INT(added, t.reserve_max), DB_INT(added, t.rpd),
		DB_INT(added, t.no_keep_alive), DB_INT(added, t.user_id),
		DB_BLOB(added, hash), DB_INT(added, t.created_ms));

int64_t token_add(struct db *db, const struct token *t,
		  const uint8_t hash[static TOKEN_HASH], struct err *e)
{
	struct added a = { .t = *t,
			   .hash = { (const char *)hash, TOKEN_HASH } };
	size_t n = strlen(t->name);

	if (n < 1 || n > TOKEN_NAME_MAX)
		return err_param(e, ERR_VALUE, "name",
				 "a key's name has 1 to %d bytes",
				 TOKEN_NAME_MAX);
	a.t.created_ms = clock_wall_ms();
	return db_insert(db, db_bind_row(db, ST_TOKEN_ADD, &add_cols, &a), e);
}

static int no_token(int64_t id, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no key %lld", (long long)id);
}

int token_get(struct db *db, int64_t id, struct token *t, struct arena *arena,
	      struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_TOKEN_GET, "i", id), &cols, t, arena,
			e);

	return rc ? MIN(rc, 0) : no_token(id, e);
}

int token_named(struct db *db, const char *name, struct token *t,
		struct arena *arena, struct err *e)
{
	struct token *rows;
	int n = db_rows(db, db_bind(db, ST_TOKEN_NAMED, "s", name), &cols,
			&rows, arena, e);

	if (n < 0)
		return -1;
	if (n == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no key %s", name);
	if (n > 1)
		return err_set(e, ERR_VALUE,
			       "several keys are called %s: use the id", name);
	*t = rows[0];
	return 0;
}

int token_list(struct db *db, int64_t user_id, struct token **out,
	       struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_TOKEN_LIST, "i", user_id), &cols, out,
		       arena, e);
}

struct limit { /* what token_limit() binds, in order */
	int64_t nusd, id;
};

static const struct db_cols limit_cols =
	DB_COLS(struct limit, DB_NULL(limit, nusd), DB_INT(limit, id));

int token_limit(struct db *db, int64_t id, int64_t limit_nusd, struct err *e)
{
	const struct limit l = { limit_nusd, id };
	int n = db_run(db, db_bind_row(db, ST_TOKEN_LIMIT, &limit_cols, &l), e);

	return n ? MIN(n, 0) : no_token(id, e);
}

int token_rates(struct db *db, int64_t id, const struct token_rates *r,
		struct err *e)
{
	int n = db_run(db,
		       db_bind(db, ST_TOKEN_RATES, "iiiiii", r->rpm, r->tpm,
			       r->concurrency, r->rpd, r->keep_alive, id),
		       e);

	return n ? MIN(n, 0) : no_token(id, e);
}

int token_enable(struct db *db, int64_t id, bool enabled, struct err *e)
{
	int n = db_run(db, db_bind(db, ST_TOKEN_ENABLE, "di", enabled, id), e);

	return n ? MIN(n, 0) : no_token(id, e);
}

int token_revoke(struct db *db, int64_t id, struct err *e)
{
	int n = db_run(
		db, db_bind(db, ST_TOKEN_REVOKE, "ii", clock_wall_ms(), id), e);

	return n ? MIN(n, 0) : no_token(id, e);
}
