/* cmd_limit.c - limits a minute, a day and at once of users, groups, models. */
#include "cmd.h"

#include "db/db.h"
#include "store/limit.h"
#include "store/user.h"

struct values {
	const char *owner;
	int64_t rpm, tpm, concurrency, rpd;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, field)

struct row {
	struct limit l;
	const char *name; /* user:alice */
};

static const struct out_col cols[] = {
	{ "owner", "OF", OUT_TEXT, COL(name) },
	{ "rpm", "REQUESTS/MIN", OUT_INT, COL(l.rpm) },
	{ "tpm", "TOKENS/MIN", OUT_INT, COL(l.tpm) },
	{ "rpd", "REQUESTS/DAY", OUT_INT, COL(l.rpd) },
	{ "concurrency", "AT ONCE", OUT_INT, COL(l.concurrency) },
	{ .name = NULL }
};

/* "user:alice" to a scope and an owner as it is stored. */
static int read_owner(struct cli *c, const char *text, struct limit *l,
		      struct err *e)
{
	static const char *const scopes[] = { "user", "group", "model" };
	struct str name = str_of(text), scope;
	struct user u;

	if (!cli_db(c, e))
		return -1;
	if (!str_next(&name, ':', &scope) || !name.n)
		scope = STR_NONE;
	for (size_t i = 0; i < COUNT(scopes); i++)
		if (str_eq(scope, scopes[i]))
			l->scope = scopes[i];
	if (!l->scope)
		return err_set(e, ERR_USAGE,
			       "whose limits? user:NAME, group:NAME or "
			       "model:NAME; a key's are set by pontage token "
			       "set");
	l->owner = arena_dup(&c->arena, name);
	if (strcmp(l->scope, "user") != 0)
		return 0;
	if (user_find(c->db, l->owner, &u, &c->arena, e) < 0)
		return -1;
	l->owner = arena_printf(&c->arena, "%lld", (long long)u.id);
	return 0;
}

static void merge(int64_t *to, int64_t said)
{
	if (said >= 0)
		*to = said;
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct limit l = { 0 }, was;
	int n;

	if (v->rpm < 0 && v->tpm < 0 && v->concurrency < 0 && v->rpd < 0)
		return err_set(e, ERR_USAGE,
			       "want --rpm, --tpm, --rpd or --concurrency");
	if (read_owner(c, v->owner, &l, e) < 0)
		return -1;
	n = limit_get(c->db, l.scope, l.owner, &was, &c->arena, e);
	if (n < 0)
		return -1;
	if (n)
		l = was;
	merge(&l.rpm, v->rpm);
	merge(&l.tpm, v->tpm);
	merge(&l.concurrency, v->concurrency);
	merge(&l.rpd, v->rpd);
	if (limit_set(c->db, &l, e) < 0)
		return -1;
	cli_say(c,
		"%s: requests a minute %lld, tokens a minute %lld, requests a "
		"day %lld, at once %lld (0: no limit)",
		v->owner, (long long)l.rpm, (long long)l.tpm, (long long)l.rpd,
		(long long)l.concurrency);
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct limit *l = NULL;
	struct user *users = NULL;
	struct row *rows;
	int n, n_users;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n_users = user_list(c->db, &users, &c->arena, e);
	n = n_users < 0 ? -1 : limit_list(c->db, &l, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n + 1);
	for (int i = 0; i < n; i++) {
		const char *owner = l[i].owner;
		int64_t id = 0;

		if (!strcmp(l[i].scope, "user"))
			str_int(str_of(owner), 1, INT64_MAX, &id);
		for (int u = 0; id && u < n_users; u++)
			if (users[u].id == id)
				owner = users[u].name;
		rows[i] = (struct row){ l[i], arena_printf(&c->arena, "%s:%s",
							   l[i].scope, owner) };
	}
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no user, group or model has limits");
	return 0;
}

static int drop(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct limit l = { 0 };

	if (read_owner(c, v->owner, &l, e) < 0 ||
	    limit_drop(c->db, l.scope, l.owner, e) < 0)
		return -1;
	cli_say(c, "%s has no limits from now on", v->owner);
	return 0;
}

#define OWNER_ARG                                              \
	ARG("WHOSE", ARG_TEXT, AT(owner), NULL,                \
	    "user:NAME, group:NAME or model:NAME", .max = 300, \
	    .required = true)
#define N_ARG(name, field, what)                                            \
	ARG(name, ARG_INT, AT(field), "N", what "; 0: no limit", .def = -1, \
	    .max = 1000000000)

static const struct arg set_args[] = {
	OWNER_ARG,
	N_ARG("--rpm", rpm, "requests a minute"),
	N_ARG("--tpm", tpm, "model tokens a minute"),
	N_ARG("--rpd", rpd, "requests a day"),
	N_ARG("--concurrency", concurrency, "requests at once"),
	{ .name = NULL }
};

static const struct arg drop_args[] = { OWNER_ARG, { .name = NULL } };

static const struct cmd subs[] = {
	CMD("set", "WHOSE [--rpm N] [--tpm N] [--rpd N] [--concurrency N]",
	    "limit what a user, a group or a model's callers do together",
	    "Together: a group's limit is for all of its users at once.  What is "
	    "not named\nstays as it is.\n\n"
	    "  pontage limit set user:alice --rpm 60\n"
	    "  pontage limit set group:trial --concurrency 4 --rpd 1000\n"
	    "  pontage limit set model:gpt-4o --tpm 2000000\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "", "all of them, but for those of keys and channels", NULL,
	    NO_ARGS, 0, list),
	CMD("remove", "WHOSE", "let it do what it likes", NULL, drop_args,
	    sizeof(struct values), drop),
	{ .name = NULL }
};

const struct cmd cmd_limit = {
	.name = "limit",
	.words = "",
	.what = "limits of users, groups and models: set, list, remove",
	.args = NO_ARGS,
	.subs = subs,
};
