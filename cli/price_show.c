/* price_show.c - how prices look; see price.h. */
#include "price.h"

#include "base/nusd.h"
#include "db/db.h"
#include "store/channel.h"
#include "json/jw.h"

#define JSON_MAX ((size_t)1 << 20)

/* What lists show of a price. */
struct row {
	struct price p;
	const char *channel; /* "": what users pay */
	const char *lines;   /* JSON */
	const char *more;    /* what has no column of its own */
	int64_t input_nusd, cached_nusd, output_nusd;
};

#define COL(field) offsetof(struct row, field)

static const struct out_col cols[] = {
	{ "id", "ID", OUT_INT, COL(p.id) },
	{ "model", "MODEL", OUT_TEXT, COL(p.model) },
	{ "channel", "CHANNEL", OUT_NAME, COL(channel) },
	{ "from", "FROM", OUT_TIME, COL(p.from_ms) },
	{ "input_nusd", "INPUT", OUT_MONEY, COL(input_nusd) },
	{ "cached_nusd", "CACHED", OUT_MONEY, COL(cached_nusd) },
	{ "output_nusd", "OUTPUT", OUT_MONEY, COL(output_nusd) },
	{ "", "MORE", OUT_TEXT, COL(more) },
	{ "free", "FREE", OUT_BOOL, COL(p.free) },
	{ "context_tok", "CONTEXT", OUT_INT, COL(p.context_tok) },
	{ "max_output_tok", "MAX OUTPUT", OUT_INT, COL(p.max_output_tok) },
	{ "reserve_output_tok", NULL, OUT_INT, COL(p.reserve_output_tok) },
	{ "batch_ppm", NULL, OUT_INT, COL(p.batch_ppm) },
	{ "flex_ppm", NULL, OUT_INT, COL(p.flex_ppm) },
	{ "priority_ppm", NULL, OUT_INT, COL(p.priority_ppm) },
	{ "lines", NULL, OUT_RAW, COL(lines) },
	{ "note", NULL, OUT_TEXT, COL(p.note) },
	{ "actor", "BY", OUT_NAME, COL(p.actor) },
	{ .name = NULL }
};

static const char *lines_json(const struct price *p, struct arena *arena)
{
	const char *text;
	struct buf out;
	struct jw w;

	buf_init(&out, JSON_MAX);
	jw_start(&w, &out);
	jw_array(&w, NULL);
	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *l = &p->lines[i];

		jw_object(&w, NULL);
		jw_str(&w, "line", line_info(l->line)->name);
		if (*l->variant)
			jw_str(&w, "variant", l->variant);
		if (l->from_tok)
			jw_int(&w, "from_tok", l->from_tok);
		jw_int(&w, "nusd", l->nusd);
		jw_int(&w, "per", line_unit(l->line)->per);
		jw_end(&w);
	}
	jw_end(&w);
	text = arena_dup(arena, buf_span(&out));
	buf_release(&out);
	return text;
}

static bool has_column(const struct price_line *l)
{
	return !l->from_tok &&
	       (l->line == LINE_input || l->line == LINE_cache_read ||
		l->line == LINE_output);
}

/* "3 lines", "batch": price show has them all. */
static const char *more_of(const struct price *p, struct arena *arena)
{
	int n = 0;

	for (int i = 0; i < p->n_lines; i++)
		n += !has_column(&p->lines[i]);
	return arena_printf(
		arena, "%s%s",
		n ? arena_printf(arena, "%d line%s", n, n > 1 ? "s" : "") : "",
		p->batch_ppm || p->flex_ppm || p->priority_ppm ?
			n ? ", tiers" : "tiers" :
			"");
}

static const char *channel_name(const struct channel_all *all, int64_t id,
				struct arena *arena)
{
	for (int i = 0; i < all->n_channels; i++)
		if (all->channels[i].id == id)
			return all->channels[i].name;
	return id ? arena_printf(arena, "%lld", (long long)id) : "";
}

static void fill(struct row *r, const struct price *p,
		 const struct channel_all *all, struct arena *arena)
{
	*r = (struct row){ .p = *p,
			   .channel = channel_name(all, p->channel_id, arena),
			   .lines = lines_json(p, arena),
			   .more = more_of(p, arena),
			   .input_nusd = MAX(price_of(p, LINE_input), 0),
			   .cached_nusd = price_of(p, LINE_cache_read),
			   .output_nusd = MAX(price_of(p, LINE_output), 0) };
	if (r->cached_nusd < 0)
		r->cached_nusd = r->input_nusd;
}

int price_print(struct cli *c, const struct price *p, int n, const char *empty,
		struct err *e)
{
	struct row *rows = ARENA_ARRAY(&c->arena, struct row, n + 1);
	struct channel_all all;

	if (channel_all(c->db, &all, &c->arena, e) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		fill(&rows[i], &p[i], &all, &c->arena);
	out_rows(&c->out, cols, rows, sizeof(*rows), n, empty);
	return 0;
}

/* "$0.15 for 1M tokens" */
static void print_line(struct cli *c, const struct price_line *l)
{
	char at[NUSD_TEXT];
	const char *name = line_info(l->line)->name;

	if (*l->variant)
		name = arena_printf(&c->arena, "%s %s", name, l->variant);
	fprintf(c->out.to, "  %-24s $%s %s%s", name, nusd_text(l->nusd, at),
		line_unit(l->line)->per == 1 ? "" : "for ",
		line_unit(l->line)->each);
	if (l->from_tok)
		fprintf(c->out.to, ", prompts from %lld tokens",
			(long long)l->from_tok);
	fputc('\n', c->out.to);
}

static void print_factor(struct cli *c, const char *name, int64_t ppm)
{
	char at[NUSD_TEXT];

	if (ppm)
		fprintf(c->out.to, "  %-24s x %s\n", name,
			nusd_text(ppm * (NUSD_PER_USD / 1000000), at));
}

static const struct out_col head_cols[] = {
	{ "id", "price", OUT_INT, COL(p.id) },
	{ "model", "model", OUT_TEXT, COL(p.model) },
	{ "channel", "cost of channel", OUT_NAME, COL(channel) },
	{ "from", "counts from", OUT_TIME, COL(p.from_ms) },
	{ "free", "free", OUT_BOOL, COL(p.free) },
	{ "context_tok", "context", OUT_INT, COL(p.context_tok) },
	{ "max_output_tok", "longest answer", OUT_INT, COL(p.max_output_tok) },
	{ "reserve_output_tok", "held without a limit", OUT_INT,
	  COL(p.reserve_output_tok) },
	{ "note", "note", OUT_TEXT, COL(p.note) },
	{ "actor", "set by", OUT_NAME, COL(p.actor) },
	{ .name = NULL }
};

int price_print_one(struct cli *c, const struct price *p, struct err *e)
{
	struct channel_all all;
	struct row r;

	if (channel_all(c->db, &all, &c->arena, e) < 0)
		return -1;
	fill(&r, p, &all, &c->arena);
	if (c->json) {
		out_one(&c->out, cols, &r);
		return 0;
	}
	out_one(&c->out, head_cols, &r);
	for (int i = 0; i < p->n_lines; i++)
		print_line(c, &p->lines[i]);
	print_factor(c, "batch", p->batch_ppm);
	print_factor(c, "flex", p->flex_ppm);
	print_factor(c, "priority", p->priority_ppm);
	return 0;
}
