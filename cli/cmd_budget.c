/* cmd_budget.c - what keys, users and groups may spend in a day, a week, a
 * month, or at all. */
#include "cmd.h"

#include "base/clock.h"
#include "db/db.h"
#include "store/budget.h"
#include "store/token.h"
#include "store/user.h"

struct values {
	const char *who, *period;
	int64_t limit_nusd;
};

struct owner { /* of a budget */
	const char *scope, *owner, *name;
	int64_t token_id;
};

struct row {
	struct budget b;
	const char *who; /* as it is written on the command line */
	int64_t left_nusd, renews_ms;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, field)

static const struct out_col cols[] = {
	{ "", "WHOSE", OUT_TEXT, COL(who) },
	{ "scope", NULL, OUT_TEXT, COL(b.scope) },
	{ "owner", NULL, OUT_TEXT, COL(b.owner) },
	{ "name", "NAME", OUT_TEXT, COL(b.name) },
	{ "period", "PERIOD", OUT_TEXT, COL(b.period) },
	{ "limit_nusd", "LIMIT", OUT_MONEY, COL(b.limit_nusd) },
	{ "used_nusd", "SPENT", OUT_MONEY, COL(b.used_nusd) },
	{ "held_nusd", "HELD", OUT_MONEY, COL(b.held_nusd) },
	{ "left_nusd", "LEFT", OUT_MONEY, COL(left_nusd) },
	{ "renews", "RENEWS", OUT_TIME, COL(renews_ms) },
	{ .name = NULL }
};

/* --- whose ---------------------------------------------------------------------- */

static int of_token(struct cli *c, const char *which, struct owner *o,
		    struct err *e)
{
	struct token t = { 0 };
	int64_t id;
	int rc;

	if (!str_int(str_of(which), 1, INT64_MAX, &id))
		rc = token_get(c->db, id, &t, &c->arena, e);
	else
		rc = token_named(c->db, which, &t, &c->arena, e);
	o->owner = arena_printf(&c->arena, "%lld", (long long)t.id);
	o->name = t.name;
	o->token_id = t.id;
	return rc;
}

static int of_user(struct cli *c, const char *which, struct owner *o,
		   struct err *e)
{
	struct user u = { 0 };
	int rc = user_find(c->db, which, &u, &c->arena, e);

	o->owner = arena_printf(&c->arena, "%lld", (long long)u.id);
	o->name = u.name;
	return rc;
}

static int of_group(struct cli *c, const char *which, struct owner *o,
		    struct err *e)
{
	(void)c;
	(void)e;
	o->owner = o->name = which;
	return 0;
}

static const struct {
	const char *scope;
	int (*find)(struct cli *c, const char *which, struct owner *o,
		    struct err *e);
} scopes[] = {
	{ "token", of_token },
	{ "user", of_user },
	{ "group", of_group },
};

static int find_owner(struct cli *c, const char *who, struct owner *o,
		      struct err *e)
{
	const char *colon = strchr(who, ':');
	size_t n = colon ? (size_t)(colon - who) : 0;

	*o = (struct owner){ .scope = "", .owner = "", .name = "" };
	if (!cli_db(c, e))
		return -1;
	for (size_t i = 0; colon && colon[1] && i < COUNT(scopes); i++) {
		if (strlen(scopes[i].scope) != n ||
		    strncmp(who, scopes[i].scope, n))
			continue;
		o->scope = scopes[i].scope;
		return scopes[i].find(c, colon + 1, o, e);
	}
	return err_set(e, ERR_USAGE,
		       "whose budget? want user:NAME, group:NAME or token:ID, "
		       "got \"%s\"",
		       who);
}

/* The total of a key is its own limit. */
static bool is_token_limit(const struct owner *o, const char *period)
{
	return !strcmp(o->scope, "token") && !strcmp(period, "total");
}

/* --- verbs ------------------------------------------------------------------------ */

static int check_period(const char *period, struct err *e)
{
	int64_t start_ms, end_ms;

	if (budget_window(period, 0, &start_ms, &end_ms))
		return 0;
	return err_set(e, ERR_USAGE,
		       "want day, week, month or total, got \"%s\"", period);
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct owner o;
	int rc;

	if (check_period(v->period, e) < 0 || find_owner(c, v->who, &o, e) < 0)
		return -1;
	if (is_token_limit(&o, v->period))
		rc = token_limit(c->db, o.token_id, v->limit_nusd, e);
	else
		rc = budget_set(c->db, o.scope, o.owner, v->period,
				v->limit_nusd, clock_wall_ms(), e);
	if (rc < 0)
		return -1;
	cli_say(c, "the %s budget of %s %s counts from now on", v->period,
		o.scope, o.name);
	return 0;
}

static int drop(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct owner o;
	int rc;

	if (check_period(v->period, e) < 0 || find_owner(c, v->who, &o, e) < 0)
		return -1;
	if (is_token_limit(&o, v->period))
		rc = token_limit(c->db, o.token_id, -1, e);
	else
		rc = budget_remove(c->db, o.scope, o.owner, v->period, e);
	if (rc < 0)
		return -1;
	cli_say(c, "%s %s has no %s budget any more", o.scope, o.name,
		v->period);
	return 0;
}

static void fill(struct cli *c, struct row *r, const struct budget *b)
{
	int64_t now_ms = clock_wall_ms(), start_ms, end_ms = 0;
	bool by_id = !strcmp(b->scope, "token");

	r->b = *b;
	r->b.used_nusd = budget_used(b, now_ms);
	r->left_nusd = b->limit_nusd - r->b.used_nusd - b->held_nusd;
	r->who = arena_printf(&c->arena, "%s:%s", b->scope,
			      by_id ? b->owner : b->name);
	budget_window(b->period, now_ms, &start_ms, &end_ms);
	r->renews_ms = end_ms == INT64_MAX ? 0 : end_ms;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct budget *all = NULL;
	struct row *rows;
	struct owner o = { .scope = "", .owner = "" };
	int n, m = 0;

	if (!cli_db(c, e) || (v->who && find_owner(c, v->who, &o, e) < 0))
		return -1;
	n = budget_list(c->db, &all, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n + 1);
	for (int i = 0; i < n; i++)
		if (!v->who || (!strcmp(all[i].scope, o.scope) &&
				!strcmp(all[i].owner, o.owner)))
			fill(c, &rows[m++], &all[i]);
	out_rows(&c->out, cols, rows, sizeof(*rows), m,
		 "no budgets: keys are held by their limits, users by their "
		 "balance");
	return 0;
}

/* --- their words -------------------------------------------------------------------- */

#define WHO_ARG                               \
	ARG("WHOSE", ARG_TEXT, AT(who), NULL, \
	    "user:NAME, group:NAME or token:ID", .required = true)
#define PERIOD_ARG                                                    \
	ARG("PERIOD", ARG_WORD, AT(period), NULL,                     \
	    "day, week, month (UTC, weeks begin on Monday) or total", \
	    .required = true)

static const struct arg set_args[] = { WHO_ARG,
				       PERIOD_ARG,
				       ARG("USD", ARG_MONEY, AT(limit_nusd),
					   NULL, "what may be spent in it",
					   .required = true),
				       { .name = NULL } };

static const struct arg drop_args[] = { WHO_ARG, PERIOD_ARG, { .name = NULL } };

static const struct arg list_args[] = {
	ARG("WHOSE", ARG_TEXT, AT(who), NULL, "only theirs"), { .name = NULL }
};

static const struct cmd subs[] = {
	CMD("set", "WHOSE PERIOD USD",
	    "say what a key, a user or a group may spend in a period",
	    "  pontage budget set user:alice month 25.00\n"
	    "  pontage budget set group:students day 10\n\n"
	    "What was spent in the present period counts.\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "[WHOSE]", "all budgets, with what is spent and held", NULL,
	    list_args, sizeof(struct values), list),
	CMD("remove", "WHOSE PERIOD", "let that limit go", NULL, drop_args,
	    sizeof(struct values), drop),
	{ .name = NULL }
};

const struct cmd cmd_budget = {
	.name = "budget",
	.words = "",
	.what = "what keys, users and groups may spend in a period: set, list, "
		"remove",
	.args = NO_ARGS,
	.subs = subs,
};
