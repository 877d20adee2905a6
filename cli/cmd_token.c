/* cmd_token.c - API keys: made, listed, switched off. */
#include "cmd.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "db/db.h"
#include "store/budget.h"
#include "store/channel.h"
#include "store/price.h"
#include "store/token.h"
#include "store/user.h"

struct values {
	const char *name, *user, *models, *cidrs, *channel;
	const char *keep_alive;
	int64_t limit_nusd, expires_ms, rpm, tpm, concurrency, rpd;
	int64_t day_nusd, week_nusd, month_nusd; /* -1: as it is */
	bool unlimited, reserve_max;
};

/* A key as lists show it. */
struct row {
	struct token t;
	const char *key; /* only when it is made */
	bool keep_alive;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, t.field)

#define COLS_                                                          \
	{ "id", "ID", OUT_INT, COL(id) },                              \
		{ "name", "NAME", OUT_TEXT, COL(name) },               \
		{ "hint", "KEY", OUT_TEXT, COL(hint) },                \
		{ "user", "USER", OUT_TEXT, COL(user) },               \
		{ "enabled", "ENABLED", OUT_BOOL, COL(enabled) },      \
		{ "revoked", NULL, OUT_TIME, COL(revoked_ms) },        \
		{ "limit_nusd", "LIMIT", OUT_LIMIT, COL(limit_nusd) }, \
		{ "spent_nusd", "SPENT", OUT_MONEY, COL(used_nusd) },  \
		{ "held_nusd", NULL, OUT_MONEY, COL(held_nusd) },      \
		{ "expires", "EXPIRES", OUT_TIME, COL(expires_ms) },   \
		{ "models", "MODELS", OUT_LIST, COL(models) },         \
		{ "addresses", NULL, OUT_LIST, COL(cidrs) },           \
		{ "rpm", NULL, OUT_INT, COL(rpm) },                    \
		{ "tpm", NULL, OUT_INT, COL(tpm) },                    \
		{ "concurrency", NULL, OUT_INT, COL(concurrency) },    \
		{ "rpd", NULL, OUT_INT, COL(rpd) },                    \
		{ "keep_alive", NULL, OUT_BOOL,                        \
		  offsetof(struct row, keep_alive) },                  \
		{ "channel_id", NULL, OUT_INT, COL(channel_id) },      \
	{                                                              \
		"reserve_max", NULL, OUT_BOOL, COL(reserve_max)        \
	}

static const struct out_col cols[] = { COLS_, { .name = NULL } };

static const struct out_col new_cols[] = { COLS_,
					   { "key", NULL, OUT_TEXT,
					     offsetof(struct row, key) },
					   { .name = NULL } };

/* A revoked key is never enabled, whatever its switch says. */
static void as_shown(struct row *r)
{
	r->keep_alive = !r->t.no_keep_alive;
	if (r->t.revoked_ms)
		r->t.enabled = false;
}

/* --- create -------------------------------------------------------------- */

/* Without --user the only root, or the only user that there is. */
static int find_owner(struct cli *c, const char *name, struct user *u,
		      struct err *e)
{
	struct user *all = NULL;
	int n, found = -1;

	if (name)
		return user_find(c->db, name, u, &c->arena, e);
	n = user_list(c->db, &all, &c->arena, e);
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (n > 1 && strcmp(all[i].role, "root"))
			continue;
		if (found >= 0)
			return err_set(e, ERR_USAGE,
				       "--user: whose key is it?");
		found = i;
	}
	if (found < 0)
		return err_set(e, ERR_USAGE,
			       n ? "--user: whose key is it?" :
				   "there is no user yet: pontage user add "
				   "NAME");
	*u = all[found];
	return 0;
}

static int find_channel(struct cli *c, const char *which, int64_t *id,
			struct err *e)
{
	struct channel ch = { 0 };
	int r = 0;

	*id = 0;
	if (!which)
		return 0;
	if (!str_int(str_of(which), 1, INT64_MAX, id))
		r = channel_get(c->db, *id, &ch, &c->arena, e);
	else
		r = channel_find(c->db, which, &ch, &c->arena, e);
	if (!r)
		*id = ch.id;
	return r;
}

/* One that would answer: the key's own, else one that has a price. */
static const char *model_to_try(struct cli *c, const struct token *t)
{
	struct str rest = str_of(t->models), model;
	struct channel_all all;
	const char *best = "MODEL";
	struct err e = { 0 };
	struct price p;

	if (str_next(&rest, ',', &model) && model.n)
		return arena_dup(&c->arena, model);
	if (channel_all(c->db, &all, &c->arena, &e) < 0)
		return best;
	for (int i = all.n_models - 1; i >= 0; i--) {
		const char *name = all.models[i].model;

		if (!strcmp(name, "test-echo"))
			return name;
		if (price_at(c->db, name, clock_wall_ms(), &p, &c->arena, &e) >
		    0)
			best = name;
	}
	return best;
}

static void print_new(struct cli *c, const struct row *r)
{
	const char *url = *c->conf.public_url ? c->conf.public_url :
						"http://127.0.0.1:8080";
	int n = (int)strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	printf("key %s of %s, shown only now:\n\n  %s\n\n"
	       "try it:\n\n"
	       "  curl -N %.*s/v1/chat/completions \\\n"
	       "    -H 'Authorization: Bearer %s' \\\n"
	       "    -H 'Content-Type: application/json' \\\n"
	       "    -d '{\"model\": \"%s\", \"stream\": true, \"messages\": "
	       "[{\"role\": \"user\", \"content\": \"Hello\"}]}'\n",
	       r->t.name, r->t.user, r->key, n, url, r->key,
	       model_to_try(c, &r->t));
}

/* 1, 0, or -1: it does not say. */
static int on_off(const char *text, int64_t *out, struct err *e)
{
	*out = text ? !strcmp(text, "on") : -1;
	if (text && !*out && strcmp(text, "off") != 0)
		return err_set(e, ERR_USAGE,
			       "--keep-alive: want on or off, got \"%.40s\"",
			       text);
	return 0;
}

static int set_windows(struct cli *c, const struct values *v, int64_t id,
		       struct err *e)
{
	const struct {
		const char *period;
		int64_t limit_nusd;
	} windows[] = {
		{ "day", v->day_nusd },
		{ "week", v->week_nusd },
		{ "month", v->month_nusd },
	};
	const char *owner = arena_printf(&c->arena, "%lld", (long long)id);

	for (size_t i = 0; i < COUNT(windows); i++)
		if (windows[i].limit_nusd >= 0 &&
		    budget_set(c->db, "token", owner, windows[i].period,
			       windows[i].limit_nusd, clock_wall_ms(), e) < 0)
			return -1;
	return 0;
}

static int check_limits(const struct values *v, struct err *e)
{
	if (v->unlimited && v->limit_nusd >= 0)
		return err_set(e, ERR_USAGE,
			       "--limit and --unlimited exclude each other");
	return 0;
}

static int create(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct token t = { .name = v->name,
			   .limit_nusd = v->limit_nusd,
			   .models = v->models,
			   .cidrs = v->cidrs,
			   .reserve_max = v->reserve_max };
	char key[KEY_TEXT], hint[KEY_HINT];
	unsigned char hash[KEY_HASH];
	struct row r = { .key = key };
	struct user u = { 0 };
	int64_t id, keep_alive;

	if (check_limits(v, e) < 0 ||
	    on_off(v->keep_alive, &keep_alive, e) < 0 || !cli_db(c, e) ||
	    find_owner(c, v->user, &u, e) < 0 ||
	    find_channel(c, v->channel, &t.channel_id, e) < 0)
		return -1;
	key_new(key);
	key_hash(str_of(key), hash);
	t.hint = key_hint(str_of(key), hint);
	t.user_id = u.id;
	t.rpm = MAX(v->rpm, 0);
	t.tpm = MAX(v->tpm, 0);
	t.concurrency = MAX(v->concurrency, 0);
	t.rpd = MAX(v->rpd, 0);
	t.no_keep_alive = keep_alive == 0;
	if (v->expires_ms)
		t.expires_ms = clock_wall_ms() + v->expires_ms;
	id = token_add(c->db, &t, hash, e);
	if (id < 0 || set_windows(c, v, id, e) < 0 ||
	    token_get(c->db, id, &r.t, &c->arena, e) < 0)
		return -1;
	as_shown(&r);
	if (c->json)
		out_one(&c->out, new_cols, &r);
	else
		print_new(c, &r);
	secret_wipe(key, sizeof(key));
	return 0;
}

/* --- the rest ------------------------------------------------------------ */

static int list(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct token *all = NULL;
	struct row *rows;
	struct user u = { 0 };
	int n;

	if (!cli_db(c, e) ||
	    (v->user && user_find(c->db, v->user, &u, &c->arena, e) < 0))
		return -1;
	n = token_list(c->db, u.id, &all, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n);
	for (int i = 0; i < n; i++) {
		rows[i].t = all[i];
		as_shown(&rows[i]);
	}
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no keys yet: pontage token create NAME");
	return 0;
}

static int find(struct cli *c, const char *which, struct token *t,
		struct err *e)
{
	int64_t id;

	if (!cli_db(c, e))
		return -1;
	if (!str_int(str_of(which), 1, INT64_MAX, &id))
		return token_get(c->db, id, t, &c->arena, e);
	return token_named(c->db, which, t, &c->arena, e);
}

static int changed(struct cli *c, int64_t id, const char *said, struct err *e)
{
	struct row r = { 0 };

	if (token_get(c->db, id, &r.t, &c->arena, e) < 0)
		return -1;
	as_shown(&r);
	if (c->json)
		out_one(&c->out, cols, &r);
	else
		cli_say(c, "key %s (%s) %s", r.t.name, r.t.hint, said);
	return 0;
}

static int switch_to(struct cli *c, const char *which, bool enabled,
		     struct err *e)
{
	struct token t;

	if (find(c, which, &t, e) < 0)
		return -1;
	if (t.revoked_ms)
		return err_set(e, ERR_VALUE,
			       "key %s was revoked for ever; create a new one",
			       t.name);
	if (token_enable(c->db, t.id, enabled, e) < 0)
		return -1;
	return changed(c, t.id, enabled ? "works again" : "is refused from now",
		       e);
}

static int enable(struct cli *c, const void *values, struct err *e)
{
	return switch_to(c, ((const struct values *)values)->name, true, e);
}

static int disable(struct cli *c, const void *values, struct err *e)
{
	return switch_to(c, ((const struct values *)values)->name, false, e);
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct token_rates rates = { .rpm = v->rpm,
				     .tpm = v->tpm,
				     .concurrency = v->concurrency,
				     .rpd = v->rpd };
	struct token t;

	if (check_limits(v, e) < 0 ||
	    on_off(v->keep_alive, &rates.keep_alive, e) < 0 ||
	    find(c, v->name, &t, e) < 0)
		return -1;
	if ((v->unlimited || v->limit_nusd >= 0) &&
	    token_limit(c->db, t.id, v->limit_nusd, e) < 0)
		return -1;
	if (set_windows(c, v, t.id, e) < 0 ||
	    token_rates(c->db, t.id, &rates, e) < 0)
		return -1;
	return changed(c, t.id, "has its new limits", e);
}

static int run_revoke(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct token t;

	if (find(c, v->name, &t, e) < 0 || token_revoke(c->db, t.id, e) < 0)
		return -1;
	return changed(c, t.id, "is revoked for ever", e);
}

#define LIMIT_ARGS                                                        \
	ARG("--limit", ARG_MONEY, AT(limit_nusd), "USD",                  \
	    "what it may spend in all; without it, as far as the user's " \
	    "balance goes",                                               \
	    .def = -1),                                                   \
		ARG("--unlimited", ARG_FLAG, AT(unlimited), NULL,         \
		    "no limit of its own; says so plainly"),              \
		ARG("--limit-day", ARG_MONEY, AT(day_nusd), "USD",        \
		    "in a day (UTC)", .def = -1),                         \
		ARG("--limit-week", ARG_MONEY, AT(week_nusd), "USD",      \
		    "in a week, from Monday (UTC)", .def = -1),           \
		ARG("--limit-month", ARG_MONEY, AT(month_nusd), "USD",    \
		    "in a month (UTC)", .def = -1)

#define RATE_ARGS                                                             \
	ARG("--rpm", ARG_INT, AT(rpm), "N", "requests a minute; 0: any",      \
	    .def = -1, .max = 1000000000),                                    \
		ARG("--tpm", ARG_INT, AT(tpm), "N",                           \
		    "model tokens a minute; 0: any", .def = -1,               \
		    .max = 1000000000),                                       \
		ARG("--rpd", ARG_INT, AT(rpd), "N", "requests a day; 0: any", \
		    .def = -1, .max = 1000000000),                            \
		ARG("--concurrency", ARG_INT, AT(concurrency), "N",           \
		    "requests at once; 0: any", .def = -1, .max = 1000000),   \
		ARG("--keep-alive", ARG_WORD, AT(keep_alive), "on|off",       \
		    "comments in streams that are silent (on)", .max = 3)

static const struct arg create_args[] = {
	ARG("NAME", ARG_TEXT, AT(name), NULL, "what you call the key",
	    .max = TOKEN_NAME_MAX, .required = true),
	ARG("--user", ARG_WORD, AT(user), "NAME",
	    "whose it is (the administrator's, if there is one)"),
	LIMIT_ARGS,
	ARG("--models", ARG_LIST, AT(models), "A,B", "only these models"),
	ARG("--expires", ARG_DURATION, AT(expires_ms), "TIME",
	    "works so long: 12h, 30d"),
	ARG("--ip", ARG_CIDRS, AT(cidrs), "CIDR",
	    "only from these networks; may be given several times"),
	RATE_ARGS,
	ARG("--channel", ARG_TEXT, AT(channel), "CHANNEL",
	    "only through this channel: name or id"),
	ARG("--reserve-max", ARG_FLAG, AT(reserve_max), NULL,
	    "hold money for the model's longest answer, so that no answer is "
	    "ever cut by the budget"),
	{ .name = NULL }
};

static const struct arg list_args[] = { ARG("--user", ARG_WORD, AT(user),
					    "NAME", "only this user's"),
					{ .name = NULL } };

static const struct arg which_args[] = { ARG("KEY", ARG_TEXT, AT(name), NULL,
					     "its name or id",
					     .required = true),
					 { .name = NULL } };

static const struct arg set_args[] = { ARG("KEY", ARG_TEXT, AT(name), NULL,
					   "its name or id", .required = true),
				       LIMIT_ARGS,
				       RATE_ARGS,
				       { .name = NULL } };

static const struct cmd subs[] = {
	CMD("create", "NAME [--user NAME] [--limit USD] [options]",
	    "make a key; it is shown once and kept only as a hash",
	    "  pontage token create ci --user alice --limit 5.00 --expires 30d\n",
	    create_args, sizeof(struct values), create),
	CMD("list", "[--user NAME]", "all keys, with what they spent", NULL,
	    list_args, sizeof(struct values), list),
	CMD("set", "KEY [--limit USD|--unlimited] [options]",
	    "change what a key may spend, and how fast",
	    "A limit of a period is let go with pontage budget remove token:ID "
	    "day.\n",
	    set_args, sizeof(struct values), set),
	CMD("disable", "KEY", "refuse a key until it is enabled again", NULL,
	    which_args, sizeof(struct values), disable),
	CMD("enable", "KEY", "let a disabled key work again", NULL, which_args,
	    sizeof(struct values), enable),
	CMD("revoke", "KEY", "refuse a key for ever", NULL, which_args,
	    sizeof(struct values), run_revoke),
	{ .name = NULL }
};

const struct cmd cmd_token = {
	.name = "token",
	.words = "",
	.what = "API keys: create, list, set, disable, enable, revoke",
	.args = NO_ARGS,
	.subs = subs,
};
