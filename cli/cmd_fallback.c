/* cmd_fallback.c - which models serve where another cannot. */
#include "cmd.h"

#include "db/db.h"
#include "store/model.h"

struct values {
	const char *model, *to, *group;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, field)

struct row {
	const char *model, *group, *to;
};

static const struct out_col cols[] = {
	{ "model", "MODEL", OUT_TEXT, COL(model) },
	{ "group", "GROUP", OUT_NAME, COL(group) },
	{ "to", "FALLBACKS, IN ORDER", OUT_LIST, COL(to) },
	{ .name = NULL }
};

/* Rows of one model and group in one. */
static int gather(struct cli *c, const struct fallback *f, int n,
		  struct row *rows)
{
	int n_rows = 0;

	for (int i = 0; i < n; i++) {
		struct row *r = n_rows ? &rows[n_rows - 1] : NULL;

		if (r && !strcmp(r->model, f[i].model) &&
		    !strcmp(r->group, f[i].group))
			r->to = arena_printf(&c->arena, "%s,%s", r->to,
					     f[i].to_model);
		else
			rows[n_rows++] = (struct row){ f[i].model, f[i].group,
						       f[i].to_model };
	}
	return n_rows;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct fallback *f = NULL;
	struct row *rows;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = fallback_list(c->db, &f, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n + 1);
	n = gather(c, f, n, rows);
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no fallbacks: pontage fallback set MODEL A,B");
	return 0;
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const char *to[FALLBACKS_MAX + 1];
	struct str rest = str_of(v->to), one;
	int n = 0;

	while (n < (int)COUNT(to) && str_next(&rest, ',', &one))
		if (str_trim(one).n)
			to[n++] = arena_dup(&c->arena, str_trim(one));
	if (!cli_db(c, e) || fallback_set(c->db, v->group ? v->group : "",
					  v->model, to, n, e) < 0)
		return -1;
	cli_say(c, "where %s cannot serve, %s does", v->model, v->to);
	return 0;
}

static int drop(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;

	if (!cli_db(c, e) || fallback_set(c->db, v->group ? v->group : "",
					  v->model, NULL, 0, e) < 0)
		return -1;
	cli_say(c, "%s has no fallback%s%s from now on", v->model,
		v->group ? " for the group " : "", v->group ? v->group : "");
	return 0;
}

#define MODEL_ARG                                                        \
	ARG("MODEL", ARG_TEXT, AT(model), NULL, "as clients ask for it", \
	    .max = 256, .required = true)
#define GROUP_ARG                                                            \
	ARG("--group", ARG_WORD, AT(group), "G",                             \
	    "only for this group; else for all that have none of their own", \
	    .max = 64)

static const struct arg set_args[] = { MODEL_ARG,
				       ARG("A,B", ARG_LIST, AT(to), NULL,
					   "what serves instead, in order",
					   .required = true),
				       GROUP_ARG,
				       { .name = NULL } };

static const struct arg drop_args[] = { MODEL_ARG,
					GROUP_ARG,
					{ .name = NULL } };

static const struct cmd subs[] = {
	CMD("set", "MODEL A,B [--group G]",
	    "what serves where the model cannot",
	    "They are tried when every channel of the model is away, cools "
	    "down, is at its\nlimit or has failed this request, and where the "
	    "model's context is too small.\nThe price is that of the model "
	    "which served; the answer's header\nX-Pontage-Model names it.\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "", "all fallbacks", NULL, NO_ARGS, 0, list),
	CMD("remove", "MODEL [--group G]", "forget a model's fallbacks", NULL,
	    drop_args, sizeof(struct values), drop),
	{ .name = NULL }
};

const struct cmd cmd_fallback = {
	.name = "fallback",
	.words = "",
	.what = "models that serve where another cannot: set, list, remove",
	.args = NO_ARGS,
	.subs = subs,
};
