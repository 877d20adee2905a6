/* cmd_group.c - groups of users and what they pay of the price. */
#include "cmd.h"

#include "base/nusd.h"
#include "db/db.h"
#include "store/grp.h"

#define PPM_NUSD (NUSD_PER_USD / 1000000) /* a factor is read like money */

struct values {
	const char *name, *note;
	int64_t factor_nusd;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, field)

struct row {
	struct grp g;
	const char *factor;
};

static const struct out_col cols[] = {
	{ "name", "GROUP", OUT_TEXT, COL(g.name) },
	{ "", "PAYS", OUT_TEXT, COL(factor) },
	{ "factor_ppm", NULL, OUT_INT, COL(g.factor_ppm) },
	{ "users", "USERS", OUT_INT, COL(g.n_users) },
	{ "note", "NOTE", OUT_TEXT, COL(g.note) },
	{ .name = NULL }
};

/* "x 0.8" */
static const char *factor_text(struct cli *c, int64_t ppm)
{
	char at[NUSD_TEXT];

	return arena_printf(&c->arena, "x %s", nusd_text(ppm * PPM_NUSD, at));
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct grp g = { .name = v->name,
			 .factor_ppm = v->factor_nusd / PPM_NUSD,
			 .note = v->note };

	if (v->factor_nusd < 0 || v->factor_nusd % PPM_NUSD ||
	    g.factor_ppm > GRP_FACTOR_MAX)
		return err_set(e, ERR_USAGE,
			       "want --factor, at most 1000 with up to six "
			       "decimals: 0.8 is a fifth off");
	if (!cli_db(c, e) || grp_set(c->db, &g, e) < 0)
		return -1;
	cli_say(c, "users of the group %s pay the price %s from now on", g.name,
		factor_text(c, g.factor_ppm));
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct grp *g = NULL;
	struct row *rows;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = grp_list(c->db, &g, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n + 1);
	for (int i = 0; i < n; i++)
		rows[i] = (struct row){ g[i], factor_text(c, g[i].factor_ppm) };
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no group has a factor: all pay the price as it is");
	return 0;
}

static int drop(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;

	if (!cli_db(c, e) || grp_remove(c->db, v->name, e) < 0)
		return -1;
	cli_say(c, "users of the group %s pay the price as it is from now on",
		v->name);
	return 0;
}

#define NAME_ARG                                                             \
	ARG("NAME", ARG_WORD, AT(name), NULL, "the group's name", .max = 64, \
	    .required = true)

static const struct arg set_args[] = {
	NAME_ARG,
	ARG("--factor", ARG_MONEY, AT(factor_nusd), "FACTOR",
	    "of the price, like 0.8 or 1.2", .def = -1),
	ARG("--note", ARG_TEXT, AT(note), "TEXT", "why", .max = 200),
	{ .name = NULL }
};

static const struct arg name_args[] = { NAME_ARG, { .name = NULL } };

static const struct cmd subs[] = {
	CMD("set", "NAME --factor FACTOR [--note TEXT]",
	    "set what a group of users pays of the price",
	    "Requests that were reserved before keep the old factor.\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "", "the groups that have a factor", NULL, NO_ARGS, 0,
	    list),
	CMD("remove", "NAME", "forget a group's factor", NULL, name_args,
	    sizeof(struct values), drop),
	{ .name = NULL }
};

const struct cmd cmd_group = {
	.name = "group",
	.words = "",
	.what = "groups of users and what they pay of the price: set, list, "
		"remove",
	.args = NO_ARGS,
	.subs = subs,
};
