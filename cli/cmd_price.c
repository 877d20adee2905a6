/* cmd_price.c - what models cost. */
#include "price.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "policy/tariff.h"
#include "store/channel.h"

struct values {
	const char *model, *note, *channel, *from, *tiers, *images;
	int64_t line[LINE__COUNT]; /* -1: not given */
	int64_t minute_nusd, second_nusd;
	int64_t context_tok, max_output_tok, reserve_output_tok;
	int64_t batch_nusd, flex_nusd, priority_nusd; /* factors */
	bool free, cost;
};

#define AT(field)     offsetof(struct values, field)
#define AT_LINE(name) offsetof(struct values, line[LINE_##name])

#define MODEL_MAX 256
#define MODEL_ARG                                                        \
	ARG("MODEL", ARG_TEXT, AT(model), NULL, "as clients ask for it", \
	    .max = MODEL_MAX, .required = true)

/* --- set ------------------------------------------------------------------- */

/* "2027-01-01", "2027-01-01T08:00:00Z": UTC. */
static int read_from(const char *text, int64_t *ms, struct err *e)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end && *end == 'T')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (!end || *end)
		return err_set(e, ERR_USAGE,
			       "--from: want a day like 2027-01-01 or a time "
			       "like 2027-01-01T08:00:00Z, in UTC");
	*ms = (int64_t)timegm(&tm) * 1000;
	if (*ms < clock_wall_ms())
		return err_set(e, ERR_USAGE,
			       "--from: %.40s is past; without --from the "
			       "price counts from now on",
			       text);
	return 0;
}

static int read_factor(const char *name, int64_t nusd, int64_t *ppm,
		       struct err *e)
{
	const int64_t unit = NUSD_PER_USD / 1000000;

	*ppm = MAX(nusd, 0) / unit;
	if (nusd > 0 && (nusd % unit || *ppm > TARIFF_FACTOR_MAX))
		return err_set(e, ERR_USAGE,
			       "%s: want a factor of at most 1000 with up to "
			       "six decimals, like 0.5",
			       name);
	return 0;
}

static int read_factors(const struct values *v, struct price *p, struct err *e)
{
	if (read_factor("--batch", v->batch_nusd, &p->batch_ppm, e) < 0 ||
	    read_factor("--flex", v->flex_nusd, &p->flex_ppm, e) < 0)
		return -1;
	return read_factor("--priority", v->priority_nusd, &p->priority_ppm, e);
}

/* The lines that have an option of their own, and those in lists. */
static int read_lines(const struct values *v, struct tariff_lines *l,
		      struct err *e)
{
	int64_t time_nusd = -1;

	for (int i = 0; i < LINE__COUNT; i++)
		if (i != LINE_image && v->line[i] >= 0)
			tariff_line(l, (enum line)i, "", 0, v->line[i]);
	if (v->minute_nusd >= 0)
		time_nusd = v->minute_nusd * 60;
	if (v->second_nusd >= 0)
		time_nusd = v->second_nusd * 3600;
	if (time_nusd >= 0)
		tariff_line(l, LINE_time, "", 0, time_nusd);
	if (v->images && tariff_images(l, str_of(v->images), e) < 0)
		return -1;
	return v->tiers ? tariff_tiers(l, str_of(v->tiers), e) : 0;
}

static bool costs(const struct price *p)
{
	for (int i = 0; i < p->n_lines; i++)
		if (p->lines[i].nusd)
			return true;
	return false;
}

static int check(const struct values *v, const struct price *p, struct err *e)
{
	int64_t in = v->line[LINE_input], out = v->line[LINE_output];

	if (v->free && p->n_lines)
		return err_set(e, ERR_USAGE,
			       "--free and a price exclude each other");
	if (!v->free && (!p->n_lines || (in < 0 && out >= 0)))
		return err_set(e, ERR_USAGE,
			       "want --input and --output in dollars for a "
			       "million tokens, another price, or --free");
	if (!v->free && in >= 0 && out < 0 && p->n_lines == 1)
		return err_set(e, ERR_USAGE,
			       "want --output too; --output 0 says that it has "
			       "none");
	if (!v->free && !costs(p))
		return err_set(e, ERR_USAGE,
			       "a model that costs nothing is set with --free");
	return 0;
}

static int read_set(struct cli *c, const struct values *v, struct price *p,
		    struct err *e)
{
	struct tariff_lines lines;
	struct channel ch;

	*p = (struct price){ .model = v->model,
			     .free = v->free,
			     .context_tok = v->context_tok,
			     .max_output_tok = v->max_output_tok,
			     .reserve_output_tok = v->reserve_output_tok,
			     .note = v->note,
			     .actor = cli_actor(c) };
	tariff_lines_init(&lines, &c->arena);
	if (read_lines(v, &lines, e) < 0 || read_factors(v, p, e) < 0 ||
	    (v->from && read_from(v->from, &p->from_ms, e) < 0))
		return -1;
	if (tariff_lines_end(&lines, p, e) < 0 || check(v, p, e) < 0 ||
	    !cli_db(c, e))
		return -1;
	if (!v->channel)
		return 0;
	if (channel_find(c->db, v->channel, &ch, &c->arena, e) < 0)
		return -1;
	p->channel_id = ch.id;
	return 0;
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const char *doubt;
	struct price p;
	int64_t id;

	if (read_set(c, values, &p, e) < 0)
		return -1;
	doubt = tariff_doubt(&p, &c->arena);
	if (doubt)
		fprintf(stderr, "pontage: price set: warning: %s\n", doubt);
	id = price_set(c->db, &p, e);
	if (id < 0 || price_get(c->db, id, &p, &c->arena, e) < 0)
		return -1;
	if (!c->json && p.free) {
		cli_say(c, "%s is free from now on", p.model);
		return 0;
	}
	return price_print_one(c, &p, e);
}

/* --- look ------------------------------------------------------------------ */

static int list(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct price *rows = NULL;
	int n, kept = 0;

	if (!cli_db(c, e))
		return -1;
	n = price_list(c->db, clock_wall_ms(), &rows, &c->arena, e);
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (!v->cost || rows[i].channel_id)
			rows[kept++] = rows[i];
	return price_print(c, rows, kept,
			   "no prices yet: pontage price set MODEL --input "
			   "0.15 --output 0.60",
			   e);
}

static int no_price(const char *model, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
		       "%.80s never had a price; pontage price list shows what "
		       "has",
		       model);
}

static int show(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct price p;
	int rc;

	if (!cli_db(c, e))
		return -1;
	rc = price_at(c->db, v->model, clock_wall_ms(), &p, &c->arena, e);
	if (rc <= 0)
		return rc ? -1 : no_price(v->model, e);
	return price_print_one(c, &p, e);
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
	return n ? price_print(c, rows, n, "", e) : no_price(v->model, e);
}

/* --- words ----------------------------------------------------------------- */

#define USD_ARG(name, line, help) \
	ARG(name, ARG_MONEY, AT_LINE(line), "USD", help, .def = -1)
#define FACTOR_ARG(name, field, help) \
	ARG(name, ARG_MONEY, AT(field), "FACTOR", help, .def = -1)

static const struct arg set_args[] = {
	MODEL_ARG,
	USD_ARG("--input", input, "for a million tokens of the prompt"),
	USD_ARG("--output", output, "for a million tokens of the answer"),
	USD_ARG("--cached", cache_read,
		"for a million prompt tokens read from a cache (as --input)"),
	USD_ARG("--cache-write-5m", cache_write_5m,
		"... written to a cache for 5 minutes (as --input)"),
	USD_ARG("--cache-write-1h", cache_write_1h,
		"... for an hour (as --cache-write-5m)"),
	USD_ARG("--reasoning", reasoning,
		"for a million tokens of reasoning (as --output)"),
	USD_ARG("--audio-in", audio_in, "... of sound read (as --input)"),
	USD_ARG("--audio-out", audio_out, "... of sound made (as --output)"),
	USD_ARG("--cached-audio", cached_audio,
		"... of sound read from a cache (as --cached)"),
	USD_ARG("--image-in", image_in, "... of pictures read (as --input)"),
	USD_ARG("--image-out", image_out, "... of pictures made (as --output)"),
	USD_ARG("--cached-image", cached_image,
		"... of pictures read from a cache (as --cached)"),
	USD_ARG("--per-request", request, "for each request"),
	ARG("--per-image", ARG_LIST, AT(images), "LIST",
	    "for a picture: 0.04, or by size and quality: "
	    "1024x1024/high=0.17,1024x1024=0.04"),
	USD_ARG("--per-mchar", character, "for a million characters spoken"),
	ARG("--per-second", ARG_MONEY, AT(second_nusd), "USD",
	    "for a second of sound or film", .def = -1,
	    .max = NUSD_PER_USD * 1000),
	ARG("--per-minute", ARG_MONEY, AT(minute_nusd), "USD", "... a minute",
	    .def = -1, .max = NUSD_PER_USD * 60000),
	USD_ARG("--per-hour", time, "... an hour"),
	USD_ARG("--per-search", search, "for a search of the web"),
	USD_ARG("--per-fetch", fetch, "for a page fetched"),
	USD_ARG("--per-file-search", file_search, "for a search of files"),
	ARG("--tier", ARG_LIST, AT(tiers), "N:LIST",
	    "what differs for prompts of N tokens and more: "
	    "200001:input=2.5,output=15"),
	FACTOR_ARG("--batch", batch_nusd,
		   "of the price in the provider's batch tier"),
	FACTOR_ARG("--flex", flex_nusd, "... in its flex tier"),
	FACTOR_ARG("--priority", priority_nusd, "... in its priority tier"),
	ARG("--free", ARG_FLAG, AT(free), NULL, "it costs nothing"),
	ARG("--context", ARG_INT, AT(context_tok), "N",
	    "tokens of prompt and answer together; 0: unknown",
	    .max = 1000000000),
	ARG("--max-output", ARG_INT, AT(max_output_tok), "N",
	    "tokens of an answer at most; 0: unknown", .max = 1000000000),
	ARG("--reserve-output", ARG_INT, AT(reserve_output_tok), "N",
	    "tokens to hold money for where a request has no limit; 0: the "
	    "setting reserve_output_tok",
	    .max = 1000000000),
	ARG("--channel", ARG_TEXT, AT(channel), "NAME",
	    "what this channel costs you for MODEL, as it is called there; "
	    "users pay as before",
	    .max = 128),
	ARG("--from", ARG_TEXT, AT(from), "TIME",
	    "counts from then on (UTC), not from now", .max = 32),
	ARG("--note", ARG_TEXT, AT(note), "TEXT", "where the price is from",
	    .max = 200),
	{ .name = NULL }
};

static const struct arg model_args[] = { MODEL_ARG, { .name = NULL } };

static const struct arg list_args[] = {
	ARG("--cost", ARG_FLAG, AT(cost), NULL,
	    "only what channels cost you (set with --channel)"),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("set", "MODEL --input USD --output USD [options] | --free",
	    "set what a model costs from now on",
	    "A change is a new row; requests that were reserved before it keep "
	    "the old one.\nWhat is not given is not priced: give all of it "
	    "again.\nWithout a price a model is refused.\n\n"
	    "  pontage price set gpt-4o-mini --input 0.15 --output 0.60 "
	    "--cached 0.075\n",
	    set_args, sizeof(struct values), set),
	CMD("list", "[--cost]", "the prices that count now", NULL, list_args,
	    sizeof(struct values), list),
	CMD("show", "MODEL", "every line of a model's price", NULL, model_args,
	    sizeof(struct values), show),
	CMD("history", "MODEL", "every price that a model had, and who set it",
	    NULL, model_args, sizeof(struct values), history),
	CMD("import", "FILE | --builtin [--apply] [options]",
	    "show what a price map would change, and apply it",
	    "Reads what price export writes, and the price maps of LiteLLM, "
	    "genai-prices,\nmodels.dev, Portkey, one-api and one-hub. Check "
	    "the figures of others before you\ncharge anybody by them.\n\n"
	    "  pontage price import prices.json\n"
	    "  pontage price import prices.json --apply\n",
	    price_import_args, sizeof(struct price_import), price_import),
	CMD("export", "",
	    "the prices that count now, as price import reads them", NULL,
	    NO_ARGS, 0, price_export),
	{ .name = NULL }
};

const struct cmd cmd_price = {
	.name = "price",
	.words = "",
	.what = "what models cost, in dollars for a million tokens: set, list, "
		"show, history, import, export",
	.args = NO_ARGS,
	.subs = subs,
};
