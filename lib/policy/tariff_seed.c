/* tariff_seed.c - the prices that come with this version; see tariff.h. */
#include "policy/tariff.h"

#include "base/nusd.h"

static const struct seed {
	const char *model;
	int64_t context_tok, max_output_tok;
	const char *lines, *note;
} seeds[] = {
#define P(...) { __VA_ARGS__ },
#include "policy/seed.def"
#undef P
};

static int64_t *factor_of(struct price *p, struct str name)
{
	if (str_eq(name, "batch"))
		return &p->batch_ppm;
	if (str_eq(name, "flex"))
		return &p->flex_ppm;
	return str_eq(name, "priority") ? &p->priority_ppm : NULL;
}

/* "input=2 output=10 @272001 input=4 batch=0.5" */
static int read_word(struct tariff_lines *l, struct price *p, struct str word,
		     int64_t *from_tok)
{
	struct str rest = word, name;
	int64_t *factor, nusd;

	if (word.n && word.p[0] == '@')
		return str_int((struct str){ word.p + 1, word.n - 1 }, 1,
			       INT32_MAX, from_tok);
	if (!str_next(&rest, '=', &name) || nusd_parse(rest, &nusd) < 0)
		return -1;
	factor = factor_of(p, name);
	if (factor) {
		*factor = nusd / (NUSD_PER_USD / 1000000);
		return 0;
	}
	if (line_named(name) == LINE_none)
		return -1;
	tariff_line(l, line_named(name), "", *from_tok, nusd);
	return 0;
}

static int read_seed(const struct seed *s, struct tariff_row *row,
		     struct arena *arena, struct err *e)
{
	struct price *p = &row->price;
	struct str rest = str_of(s->lines), word;
	struct tariff_lines lines;
	int64_t from_tok = 0;

	*row = (struct tariff_row){ .provider = "", .channel = "" };
	*p = (struct price){ .model = s->model,
			     .free = !*s->lines,
			     .context_tok = s->context_tok,
			     .max_output_tok = s->max_output_tok,
			     .note = s->note,
			     .actor = "" };
	tariff_lines_init(&lines, arena);
	while (!p->free && str_next(&rest, ' ', &word))
		if (read_word(&lines, p, word, &from_tok) < 0)
			return err_set(e, ERR_INTERNAL,
				       "seed.def: %s: \"%.*s\" is no price",
				       s->model, STR_FMT(word));
	if (tariff_lines_end(&lines, p, e) < 0)
		return -1;
	row->doubt = tariff_doubt(p, arena);
	return 0;
}

int tariff_builtin(struct arena *arena, struct tariff *t, struct err *e)
{
	*t = (struct tariff){
		.shape = "the prices that come with Pontage",
		.rows = ARENA_ARRAY(arena, struct tariff_row, COUNT(seeds)),
		.n = (int)COUNT(seeds),
		.max = (int)COUNT(seeds),
	};
	for (int i = 0; i < t->n; i++)
		if (read_seed(&seeds[i], &t->rows[i], arena, e) < 0)
			return -1;
	return 0;
}
