/* tariff_read.c - price maps: what they have in common; see tariff.h. */
#include "policy/tariff_in.h"

#include "base/nusd.h"
#include "json/scan.h"

#define MODEL_MAX 256

static const struct tariff_shape *const shapes[] = {
	&tariff_own,       &tariff_ratios,  &tariff_ratio_list, &tariff_genai,
	&tariff_modelsdev, &tariff_portkey, &tariff_litellm,
};

/* --- a price -------------------------------------------------------------- */

struct json_object *tariff_get(struct json_object *o, const char *path)
{
	struct str rest = str_of(path), one;
	char name[128];

	while (o && str_next(&rest, '.', &one)) {
		snprintf(name, sizeof(name), "%.*s", STR_FMT(one));
		o = js_get(o, name);
	}
	return o;
}

void draft_refuse(struct draft *d, const char *why)
{
	if (!d->why)
		d->why = why;
}

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return n > 0 && n <= MODEL_MAX;
}

void draft_begin(struct draft *d, const char *provider, const char *model)
{
	d->price = (struct price){ .model = arena_dup(d->arena, str_of(model)),
				   .note = "",
				   .actor = "" };
	d->provider = arena_dup(d->arena, str_of(provider));
	d->channel = "";
	d->why = is_name(model) ? NULL : "its name cannot be one";
	tariff_lines_init(&d->lines, d->arena);
}

void draft_number(struct draft *d, struct json_object *v,
		  const struct tariff_field *f)
{
	int64_t nusd;

	if (!v)
		return;
	if (nusd_decimal(js_number(v), f->scale, f->by, &nusd) < 0) {
		draft_refuse(d,
			     arena_printf(d->arena, "%s is no price", f->name));
		return;
	}
	tariff_line(&d->lines, f->line, "", f->from_tok, nusd);
}

void draft_fields(struct draft *d, struct json_object *o,
		  const struct tariff_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		draft_number(d, tariff_get(o, fields[i].name), &fields[i]);
}

void draft_limit(struct json_object *v, int64_t *to)
{
	int64_t n;

	if (nusd_decimal(js_number(v), 0, 1, &n) == 0 && n <= INT32_MAX)
		*to = n;
}

/* Both in units so small that the division is exact where it can be. */
static int64_t ratio_ppm(struct json_object *usual, struct json_object *tier)
{
	int64_t a, b;

	if (nusd_decimal(js_number(usual), PER_TOKEN, 1, &a) < 0 ||
	    nusd_decimal(js_number(tier), PER_TOKEN, 1, &b) < 0 || !a)
		return 0;
	if ((__int128)b * 1000000 % a)
		return 0;
	return (int64_t)((__int128)b * 1000000 / a);
}

int64_t draft_factor(struct json_object *o, const char *in, const char *in_tier,
		     const char *out, const char *out_tier)
{
	int64_t ppm = ratio_ppm(js_get(o, in), js_get(o, in_tier));
	struct json_object *answer = js_get(o, out);

	if (ppm > TARIFF_FACTOR_MAX)
		return 0;
	if (!answer || !js_get(o, out_tier))
		return ppm;
	return ratio_ppm(answer, js_get(o, out_tier)) == ppm ? ppm : 0;
}

static bool costs(const struct price *p)
{
	for (int i = 0; i < p->n_lines; i++)
		if (p->lines[i].nusd)
			return true;
	return false;
}

static void add_row(struct tariff *t, struct arena *arena,
		    const struct tariff_row *row)
{
	struct tariff_row *more;

	if (t->n == t->max) {
		t->max = t->max ? t->max * 2 : 256;
		more = ARENA_ARRAY(arena, struct tariff_row, t->max);
		if (t->n)
			memcpy(more, t->rows, sizeof(*more) * (size_t)t->n);
		t->rows = more;
	}
	t->rows[t->n++] = *row;
}

void draft_end(struct draft *d)
{
	struct price *p = &d->price;
	struct err e = { 0 };

	if (d->ask->provider && strcmp(d->ask->provider, d->provider) != 0)
		return;
	if (tariff_lines_end(&d->lines, p, &e) < 0)
		draft_refuse(d, arena_dup(d->arena, str_of(e.msg)));
	if (!p->n_lines && !p->free)
		draft_refuse(d, "it has no price that is understood here");
	if (p->n_lines && !costs(p)) {
		p->free = true;
		p->n_lines = 0;
	}
	add_row(d->to, d->arena,
		&(struct tariff_row){ *p, d->provider, d->channel, d->why,
				      tariff_doubt(p, d->arena) });
}

/* --- all of them ---------------------------------------------------------- */

static int by_model(const void *a, const void *b)
{
	const struct tariff_row *x = a, *y = b;
	int c = strcmp(x->channel, y->channel);

	c = c ? c : strcmp(x->price.model, y->price.model);
	return c ? c : strcmp(x->provider, y->provider);
}

/* One row a model and channel: the same price twice is one, different prices
 * are none. */
static void merge(struct tariff *t, struct arena *arena)
{
	int n = 0;

	if (t->n)
		qsort(t->rows, (size_t)t->n, sizeof(*t->rows), by_model);
	for (int i = 0; i < t->n; i++) {
		struct tariff_row *last = n ? &t->rows[n - 1] : NULL;
		const struct tariff_row *row = &t->rows[i];

		if (!last || strcmp(last->price.model, row->price.model) != 0 ||
		    strcmp(last->channel, row->channel) != 0) {
			t->rows[n++] = *row;
			continue;
		}
		if (!last->refused &&
		    (row->refused || !tariff_same(&last->price, &row->price)))
			last->refused = arena_printf(
				arena,
				"\"%s\" and \"%s\" have different prices: "
				"choose one with --provider",
				last->provider, row->provider);
	}
	t->n = n;
}

/* The scanner wants an object at the top: it gets one around the text. */
static int check_json(struct str text, struct err *e)
{
	static const struct scan_limits limits = { .depth = 32 };
	struct err why = { 0 };
	struct buf whole;
	struct scan s;
	int rc;

	buf_init(&whole, text.n + 16);
	buf_str(&whole, "{\"\":");
	buf_add(&whole, text.p, text.n);
	buf_char(&whole, '}');
	scan_init(&s, NULL, &limits, NULL, NULL);
	rc = scan_text(&s, buf_span(&whole), &why);
	scan_release(&s);
	buf_release(&whole);
	if (rc < 0)
		return err_set(e, ERR_VALUE, "the file is no JSON: %s",
			       strstr(why.msg, "at byte") ?
				       strstr(why.msg, "at byte") :
				       why.msg);
	return 0;
}

int tariff_read(struct str text, const struct tariff_ask *ask,
		struct arena *arena, struct tariff *t, struct err *e)
{
	struct draft d = { .arena = arena, .to = t, .ask = ask };
	struct json_object *top;

	*t = (struct tariff){ .shape = NULL };
	if (check_json(text, e) < 0)
		return -1;
	top = js_parse(text.p, text.n, e);
	if (!top)
		return -1;
	for (size_t i = 0; i < COUNT(shapes) && !t->shape; i++)
		if (shapes[i]->is(top)) {
			t->shape = shapes[i]->name;
			shapes[i]->read(&d, top);
		}
	js_free(top);
	if (!t->shape)
		return err_set(e, ERR_VALUE,
			       "these are no prices: want what pontage price "
			       "export writes, or a public price map (LiteLLM, "
			       "genai-prices, models.dev, Portkey, one-api "
			       "ratios)");
	merge(t, arena);
	return 0;
}
