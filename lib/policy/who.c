/* who.c - see who.h. */
#include "policy/who.h"

#include "crypto/key.h"
#include "http/cidr.h"
#include "http/header.h"
#include "policy/book.h"
#include "store/hold.h"

static int read_key(struct str authorization, struct str *key, struct err *e)
{
	if (!authorization.n)
		return err_set(e, ERR_NO_KEY,
			       "You didn't provide an API key. Send it as "
			       "`Authorization: Bearer YOUR_KEY`.");
	if (bearer(authorization, key) < 0 || !key->n)
		return err_set(e, ERR_BAD_KEY,
			       "The Authorization header must be `Bearer` and "
			       "one API key.");
	return 0;
}

static int unknown(struct str key, struct err *e)
{
	char hint[KEY_HINT];

	key_hint(key, hint);
	return err_set(e, ERR_BAD_KEY, "Incorrect API key provided: %s.%s",
		       hint,
		       key_check(key) == KEY_BAD_CHECKSUM ?
			       " It has a typing error, or a part is missing." :
			       " Ask whoever runs this gateway for one.");
}

static int check_token(const struct token *t, struct str address,
		       int64_t wall_ms, struct err *e)
{
	if (t->revoked_ms || !t->enabled)
		return err_set(e, ERR_BAD_KEY,
			       "This API key has been disabled.");
	if (t->expires_ms && t->expires_ms <= wall_ms)
		return err_set(e, ERR_BAD_KEY, "This API key has expired.");
	if (!t->user_enabled)
		return err_set(e, ERR_ACCOUNT_OFF,
			       "The account that this API key belongs to is "
			       "deactivated.");
	if (*t->cidrs && !cidr_list_has(t->cidrs, address))
		return err_set(e, ERR_ADDRESS,
			       "This API key may not be used from your "
			       "address.");
	return 0;
}

int who_check(struct db *db, struct str authorization, struct str address,
	      int64_t wall_ms, struct token *t, struct arena *arena,
	      struct err *e)
{
	uint8_t hash[TOKEN_HASH];
	struct str key = STR_NONE;
	int n;

	*t = (struct token){ 0 };
	if (read_key(authorization, &key, e) < 0)
		return -1;
	key_hash(key, hash);
	n = token_find(db, hash, t, arena, e);
	if (n < 0)
		return -1;
	if (!n)
		return unknown(key, e);
	return check_token(t, address, wall_ms, e);
}

int who_may_use(const struct token *t, struct str model, struct err *e)
{
	if (!*t->models || book_on_list(t->models, model))
		return 0;
	return err_param(e, ERR_MODEL_FORBIDDEN, "model",
			 "This API key may not use the model '%.*s'.",
			 (int)MIN(model.n, 64), model.p);
}

int who_has_money(const struct token *t, int64_t wanted_nusd, struct err *e)
{
	const struct hold_left account = {
		"account", "total", t->account_held_nusd,
		t->balance_nusd - t->account_held_nusd - t->floor_nusd, 0
	};
	const struct hold_left key = { "token", "total", t->held_nusd,
				       t->limit_nusd - t->used_nusd -
					       t->held_nusd,
				       0 };

	if (t->limit_nusd >= 0 && key.left_nusd <= 0)
		return hold_refuse(&key, wanted_nusd, e);
	if (account.left_nusd <= 0)
		return hold_refuse(&account, wanted_nusd, e);
	return 0;
}
