/* bill_json.c - a bill as the log keeps it; see bill.h. */
#include "policy/bill.h"

#include "json/jw.h"

#define TEXT_MAX 65536

static void put_line(struct jw *w, const struct bill_line *l)
{
	const struct unit_info *unit = line_unit(l->line);

	jw_object(w, NULL);
	jw_str(w, "line", line_info(l->line)->name);
	if (*l->variant)
		jw_str(w, "variant", l->variant);
	if (l->from_tok)
		jw_int(w, "from_tok", l->from_tok);
	jw_int(w, "count", l->count);
	jw_str(w, "unit", unit->name);
	jw_int(w, "price_nusd", l->nusd);
	jw_int(w, "per", unit->per);
	if (l->tier_ppm != PPM)
		jw_int(w, "tier_ppm", l->tier_ppm);
	jw_int(w, "factor_ppm", l->factor_ppm);
	jw_int(w, "amount_nusd", l->amount_nusd);
	jw_end(w);
}

static const char *kept(struct buf *b, struct arena *arena)
{
	const char *text = arena_dup(arena, buf_span(b));

	buf_release(b);
	return text;
}

const char *bill_json(const struct bill *b, struct arena *arena)
{
	struct buf out;
	struct jw w;

	if (!b->n)
		return "";
	buf_init(&out, TEXT_MAX);
	jw_start(&w, &out);
	jw_array(&w, NULL);
	for (int i = 0; i < b->n; i++)
		put_line(&w, &b->lines[i]);
	jw_end(&w);
	return kept(&out, arena);
}

const char *bill_usage_json(const struct usage *u, struct arena *arena)
{
	struct buf out;
	struct jw w;

	if (!usage_said(u))
		return "";
	buf_init(&out, TEXT_MAX);
	jw_start(&w, &out);
	jw_object(&w, NULL);
#define X(field)           \
	if (u->field >= 0) \
		jw_int(&w, #field, u->field);
	USAGE_FIELDS(X)
#undef X
	jw_end(&w);
	return kept(&out, arena);
}
