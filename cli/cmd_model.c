/* cmd_model.c - what holds for a model, whichever channel serves it. */
#include "cmd.h"

#include "db/db.h"
#include "store/model.h"

struct values {
	const char *model, *sticky;
	int64_t deadline_ms, max_attempts;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct model_setting, field)

static const struct out_col cols[] = {
	{ "model", "MODEL", OUT_TEXT, COL(model) },
	{ "sticky", "STICKY", OUT_TEXT, COL(sticky) },
	{ "deadline_ms", "DEADLINE MS", OUT_INT, COL(deadline_ms) },
	{ "max_attempts", "ATTEMPTS", OUT_INT, COL(max_attempts) },
	{ .name = NULL }
};

static int check_sticky(const char *text, struct err *e)
{
	static const char *const names[] = { "off", "key", "user", "prompt" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(names[i], text))
			return 0;
	return err_set(e, ERR_USAGE,
		       "--sticky: want off, key, user or prompt, got \"%.40s\"",
		       text);
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct model_setting m;

	if (v->sticky && check_sticky(v->sticky, e) < 0)
		return -1;
	if (!cli_db(c, e) ||
	    model_setting_get(c->db, v->model, &m, &c->arena, e) < 0)
		return -1;
	if (v->sticky)
		m.sticky = v->sticky;
	if (v->deadline_ms >= 0)
		m.deadline_ms = v->deadline_ms;
	if (v->max_attempts >= 0)
		m.max_attempts = v->max_attempts;
	if (model_setting_set(c->db, &m, e) < 0)
		return -1;
	if (c->json)
		out_one(&c->out, cols, &m);
	else
		cli_say(c, "model %s set", m.model);
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct model_setting *m = NULL;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = model_setting_list(c->db, &m, &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, cols, m, sizeof(*m), n,
		 "no model has settings of its own");
	return 0;
}

static int reset(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const struct model_setting m = { .model = v->model, .sticky = "off" };

	if (!cli_db(c, e) || model_setting_set(c->db, &m, e) < 0)
		return -1;
	cli_say(c, "model %s has no settings of its own from now on", v->model);
	return 0;
}

#define MODEL_ARG                                                        \
	ARG("MODEL", ARG_TEXT, AT(model), NULL, "as clients ask for it", \
	    .max = 256, .required = true)

static const struct arg set_args[] = {
	MODEL_ARG,
	ARG("--sticky", ARG_WORD, AT(sticky), "HOW",
	    "what keeps a conversation on one key of one channel, for the sake "
	    "of its provider's cache: off, key, user, prompt",
	    .max = 16),
	ARG("--deadline-ms", ARG_INT, AT(deadline_ms), "N",
	    "all attempts of a request together (0: the setting's)", .def = -1,
	    .max = 86400000),
	ARG("--attempts", ARG_INT, AT(max_attempts), "N",
	    "attempts at upstreams (0: the setting's)", .def = -1, .max = 64),
	{ .name = NULL }
};

static const struct arg reset_args[] = { MODEL_ARG, { .name = NULL } };

static const struct cmd subs[] = {
	CMD("set", "MODEL [--sticky HOW] [--deadline-ms N] [--attempts N]",
	    "what holds for a model, whichever channel serves it",
	    "Sticky: key is the API key; user the request's user, else the API "
	    "key; prompt\nits prompt_cache_key, else how the conversation "
	    "begins.\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "", "models that have settings of their own", NULL, NO_ARGS,
	    0, list),
	CMD("reset", "MODEL", "as all others", NULL, reset_args,
	    sizeof(struct values), reset),
	{ .name = NULL }
};

const struct cmd cmd_model = {
	.name = "model",
	.words = "",
	.what = "settings of models: set, list, reset",
	.args = NO_ARGS,
	.subs = subs,
};
