/* tariff.c - see tariff.h. */
#include "policy/tariff.h"

#include "base/nusd.h"

void tariff_lines_init(struct tariff_lines *l, struct arena *arena)
{
	*l = (struct tariff_lines){ .arena = arena };
}

void tariff_line(struct tariff_lines *l, enum line line, const char *variant,
		 int64_t from_tok, int64_t nusd)
{
	struct price_line *more;

	if (l->n == l->max) {
		l->max = l->max ? l->max * 2 : 8;
		more = ARENA_ARRAY(l->arena, struct price_line, l->max);
		if (l->n)
			memcpy(more, l->p, sizeof(*more) * (size_t)l->n);
		l->p = more;
	}
	l->p[l->n++] = (struct price_line){ .line = line,
					    .variant = variant,
					    .from_tok = from_tok,
					    .nusd = nusd };
}

/* "input=2.5": what stands before the sign, and the money behind it. */
static int split(struct str text, struct str *name, int64_t *nusd,
		 struct err *e)
{
	struct str rest = text;

	if (str_next(&rest, '=', name) && rest.n && name->n &&
	    nusd_parse(rest, nusd) == 0 && *nusd >= 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "\"%.*s\": want a name and dollars, like input=2.5",
		       (int)MIN(text.n, 60), text.p);
}

int tariff_images(struct tariff_lines *l, struct str text, struct err *e)
{
	struct str rest = text, one, name;
	int64_t nusd = 0;

	while (str_next(&rest, ',', &one)) {
		name = STR("");
		if ((nusd_parse(one, &nusd) < 0 || nusd < 0) &&
		    split(one, &name, &nusd, e) < 0)
			return -1;
		tariff_line(l, LINE_image, arena_dup(l->arena, name), 0, nusd);
	}
	return 0;
}

int tariff_tiers(struct tariff_lines *l, struct str text, struct err *e)
{
	struct str rest = text, one, head = STR_NONE, name = STR_NONE;
	int64_t from_tok = 0, nusd = 0;
	enum line line;

	while (str_next(&rest, ',', &one)) {
		if (memchr(one.p, ':', one.n)) {
			str_next(&one, ':', &head);
			if (str_int(head, 1, INT32_MAX, &from_tok) < 0)
				from_tok = 0;
		}
		if (!from_tok)
			return err_set(e, ERR_USAGE,
				       "--tier: want a number of tokens first, "
				       "like 200001:input=2.5,output=15");
		if (split(one, &name, &nusd, e) < 0)
			return -1;
		line = line_named(name);
		if (str_eq(name, "cached"))
			line = LINE_cache_read;
		if (line == LINE_none || line_unit(line)->per != 1000000)
			return err_set(e, ERR_USAGE,
				       "--tier: there is no price of tokens "
				       "called \"%.*s\"",
				       (int)MIN(name.n, 40), name.p);
		tariff_line(l, line, "", from_tok, nusd);
	}
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct price_line *x = a, *y = b;
	int c = (int)x->line - (int)y->line;

	c = c ? c : strcmp(x->variant, y->variant);
	return c ? c :
		   (x->from_tok > y->from_tok) - (x->from_tok < y->from_tok);
}

int tariff_lines_end(struct tariff_lines *l, struct price *p, struct err *e)
{
	if (l->n)
		qsort(l->p, (size_t)l->n, sizeof(*l->p), by_line);
	for (int i = 1; i < l->n; i++)
		if (!by_line(&l->p[i - 1], &l->p[i]))
			return err_set(e, ERR_USAGE,
				       "the price of %s is there twice",
				       line_info(l->p[i].line)->name);
	p->lines = l->p;
	p->n_lines = l->n;
	return 0;
}

/* --- doubts ----------------------------------------------------------------- */

/* A price of text that is not below or above what any vendor asks: a wrong
 * unit shows as a factor of a thousand or a million. */
#define DEAR_NUSD  (10000 * NUSD_PER_USD) /* for a million tokens */
#define CHEAP_NUSD 1000                   /* a millionth of a dollar */

static const char *doubt_alone(const struct price_line *l, struct arena *arena)
{
	char at[NUSD_TEXT];
	const char *name = line_info(l->line)->name;
	const struct unit_info *unit = line_unit(l->line);

	if (l->nusd > DEAR_NUSD)
		return arena_printf(arena,
				    "%s at $%s for %s: more than any; is the "
				    "unit right?",
				    name, nusd_text(l->nusd, at), unit->each);
	if (l->nusd && l->nusd < CHEAP_NUSD && unit->per > 1)
		return arena_printf(arena,
				    "%s at $%s for %s: next to nothing; is the "
				    "unit right?",
				    name, nusd_text(l->nusd, at), unit->each);
	return NULL;
}

/* Ratios that no vendor has: a is times b at least, at most. */
static const struct ratio {
	enum line a, b;
	int64_t least, most; /* of a, in thousandths of b; -1: no bound */
	const char *what;
} ratios[] = {
	{ LINE_output, LINE_input, 10, 200000,
	  "output is less than a hundredth or more than 200 times input" },
	{ LINE_cache_read, LINE_input, -1, 1000,
	  "cached is dearer than input" },
	{ LINE_cache_write_5m, LINE_input, -1, 10000,
	  "cache_write_5m is more than ten times input" },
	{ LINE_cache_write_1h, LINE_input, -1, 10000,
	  "cache_write_1h is more than ten times input" },
	{ LINE_reasoning, LINE_output, 10, 100000,
	  "reasoning is less than a hundredth or more than 100 times output" },
};

static const char *doubt_ratio(const struct price *p, const struct ratio *r)
{
	int64_t a = price_of(p, r->a), b = price_of(p, r->b);

	/* 0 is a word: embeddings have no output, some caches are free. */
	if (a <= 0 || b <= 0)
		return NULL;
	if (r->least >= 0 && (__int128)a * 1000 < (__int128)b * r->least)
		return r->what;
	if (r->most >= 0 && (__int128)a * 1000 > (__int128)b * r->most)
		return r->what;
	return NULL;
}

const char *tariff_doubt(const struct price *p, struct arena *arena)
{
	const char *why = NULL;

	for (int i = 0; i < p->n_lines && !why; i++)
		why = doubt_alone(&p->lines[i], arena);
	for (size_t i = 0; i < COUNT(ratios) && !why; i++)
		why = doubt_ratio(p, &ratios[i]);
	if (!why && p->context_tok && p->max_output_tok > p->context_tok)
		why = "an answer may be longer than the context";
	return why;
}

/* --- same ------------------------------------------------------------------- */

static bool same_line(const struct price_line *a, const struct price_line *b)
{
	return a->line == b->line && a->from_tok == b->from_tok &&
	       a->nusd == b->nusd && !strcmp(a->variant, b->variant);
}

static bool has_line(const struct price *p, const struct price_line *l)
{
	for (int i = 0; i < p->n_lines; i++)
		if (same_line(&p->lines[i], l))
			return true;
	return false;
}

bool tariff_same(const struct price *a, const struct price *b)
{
	if (a->free != b->free || a->context_tok != b->context_tok ||
	    a->max_output_tok != b->max_output_tok ||
	    a->reserve_output_tok != b->reserve_output_tok ||
	    a->batch_ppm != b->batch_ppm || a->flex_ppm != b->flex_ppm ||
	    a->priority_ppm != b->priority_ppm || a->n_lines != b->n_lines)
		return false;
	for (int i = 0; i < a->n_lines; i++)
		if (!has_line(b, &a->lines[i]))
			return false;
	return true;
}
