/* cmd_price.c - what models cost. */
#include "cmd.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "store/price.h"

struct values {
	const char *model, *note;
	int64_t input_nusd, cached_nusd, output_nusd;
	int64_t context_tok, max_output_tok;
	bool free;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct price, field)

#define MODEL_MAX 256
#define MODEL_ARG                                                        \
	ARG("MODEL", ARG_TEXT, AT(model), NULL, "as clients ask for it", \
	    .max = MODEL_MAX, .required = true)

static const struct out_col cols[] = {
	{ "id", "ID", OUT_INT, COL(id) },
	{ "model", "MODEL", OUT_TEXT, COL(model) },
	{ "from", "FROM", OUT_TIME, COL(from_ms) },
	{ "input_nusd", "INPUT", OUT_MONEY, COL(input_nusd) },
	{ "cached_nusd", "CACHED", OUT_MONEY, COL(cached_nusd) },
	{ "output_nusd", "OUTPUT", OUT_MONEY, COL(output_nusd) },
	{ "free", "FREE", OUT_BOOL, COL(free) },
	{ "context_tok", "CONTEXT", OUT_INT, COL(context_tok) },
	{ "max_output_tok", "MAX OUTPUT", OUT_INT, COL(max_output_tok) },
	{ "note", NULL, OUT_TEXT, COL(note) },
	{ .name = NULL }
};

static int check(const struct values *v, struct err *e)
{
	if (v->free &&
	    (v->input_nusd >= 0 || v->output_nusd >= 0 || v->cached_nusd >= 0))
		return err_set(e, ERR_USAGE,
			       "--free and a price exclude each other");
	if (!v->free && (v->input_nusd < 0 || v->output_nusd < 0))
		return err_set(e, ERR_USAGE,
			       "want --input and --output in dollars for a "
			       "million tokens, or --free");
	if (!v->free && !v->input_nusd && !v->output_nusd)
		return err_set(e, ERR_USAGE,
			       "a model that costs nothing is set with --free");
	return 0;
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct price p = { .model = v->model,
			   .input_nusd = MAX(v->input_nusd, 0),
			   .output_nusd = MAX(v->output_nusd, 0),
			   .cached_nusd = MAX(v->input_nusd, 0),
			   .free = v->free,
			   .context_tok = v->context_tok,
			   .max_output_tok = v->max_output_tok,
			   .note = v->note ? v->note : "" };
	int64_t id;

	if (v->cached_nusd >= 0)
		p.cached_nusd = v->cached_nusd;
	if (check(v, e) < 0 || !cli_db(c, e))
		return -1;
	id = price_set(c->db, &p, e);
	if (id < 0 || price_get(c->db, id, &p, &c->arena, e) < 0)
		return -1;
	if (c->json)
		out_one(&c->out, cols, &p);
	else if (p.free)
		cli_say(c, "%s is free from now on", p.model);
	else
		out_rows(&c->out, cols, &p, sizeof(p), 1, "");
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct price *rows = NULL;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = price_list(c->db, clock_wall_ms(), &rows, &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no prices yet: pontage price set MODEL --input 0.15 "
		 "--output 0.60");
	return 0;
}

static int history(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct price *rows = NULL;
	int n;

	if (!cli_db(c, e))
		return -1;
	n = price_history(c->db, v->model, &rows, &c->arena, e);
	if (n < 0)
		return -1;
	if (!n)
		return err_set(e, ERR_NOT_FOUND,
			       "%.80s never had a price; pontage price list "
			       "shows what has",
			       v->model);
	out_rows(&c->out, cols, rows, sizeof(*rows), n, "");
	return 0;
}

static const struct arg set_args[] = {
	MODEL_ARG,
	ARG("--input", ARG_MONEY, AT(input_nusd), "USD",
	    "for a million tokens of the prompt", .def = -1),
	ARG("--output", ARG_MONEY, AT(output_nusd), "USD",
	    "for a million tokens of the answer", .def = -1),
	ARG("--cached", ARG_MONEY, AT(cached_nusd), "USD",
	    "for a million prompt tokens read from a cache (as --input)",
	    .def = -1),
	ARG("--free", ARG_FLAG, AT(free), NULL, "it costs nothing"),
	ARG("--context", ARG_INT, AT(context_tok), "N",
	    "tokens of prompt and answer together; 0: unknown",
	    .max = 1000000000),
	ARG("--max-output", ARG_INT, AT(max_output_tok), "N",
	    "tokens of an answer at most; 0: unknown", .max = 1000000000),
	ARG("--note", ARG_TEXT, AT(note), "TEXT", "where the price is from",
	    .max = 200),
	{ .name = NULL }
};

static const struct arg model_args[] = { MODEL_ARG, { .name = NULL } };

static const struct cmd subs[] = {
	CMD("set", "MODEL --input USD --output USD [options] | --free",
	    "set what a model costs from now on",
	    "A change is a new row; requests that were reserved before it keep "
	    "the old one.\nWithout a price a model is refused.\n\n"
	    "  pontage price set gpt-4o-mini --input 0.15 --output 0.60 "
	    "--cached 0.075\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "", "the prices that count now", NULL, NO_ARGS, 0, list),
	CMD("history", "MODEL", "every price that a model had", NULL,
	    model_args, sizeof(struct values), history),
	{ .name = NULL }
};

const struct cmd cmd_price = {
	.name = "price",
	.words = "",
	.what = "what models cost, in dollars for a million tokens: set, list, "
		"history",
	.args = NO_ARGS,
	.subs = subs,
};
