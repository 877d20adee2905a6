/* receipt.c - a row of the log read as a receipt; see receipt.h.  How it looks
 * is in receipt_show.c. */
#include "policy/receipt.h"

#include "base/nusd.h"
#include "policy/bill.h"
#include "store/price.h"
#include "store/request.h"
#include "json/js.h"

static const char *keep(struct json_object *o, const char *name,
			struct arena *arena)
{
	return arena_dup(arena, str_of(js_str(o, name, "")));
}

/* NULL: there is none.  We wrote it; a damaged one is as good as none, and
 * then the sum says so. */
static struct json_object *parse(const char *text)
{
	struct err e = { 0 };

	return *text ? js_parse(text, strlen(text), &e) : NULL;
}

static void read_lines(struct receipt *r, struct arena *arena)
{
	struct json_object *all = parse(r->row->lines);
	int n = js_len(all);

	r->lines = ARENA_ARRAY(arena, struct receipt_line, n + 1);
	for (int i = 0; i < n; i++) {
		struct json_object *o = js_at(all, i);

		r->lines[r->n_lines++] = (struct receipt_line){
			.line = keep(o, "line", arena),
			.variant = keep(o, "variant", arena),
			.from_tok = js_int(o, "from_tok", 0),
			.count = js_int(o, "count", 0),
			.price_nusd = js_int(o, "price_nusd", 0),
			.per = js_int(o, "per", 1),
			.tier_ppm = js_int(o, "tier_ppm", PPM),
			.factor_ppm = js_int(o, "factor_ppm", PPM),
			.amount_nusd = js_int(o, "amount_nusd", 0),
		};
	}
	js_free(all);
}

static void read_attempts(struct receipt *r, struct arena *arena)
{
	struct json_object *all = parse(r->row->attempts_json);
	int n = js_len(all);

	r->attempts = ARENA_ARRAY(arena, struct receipt_attempt, n + 1);
	for (int i = 0; i < n; i++) {
		struct json_object *o = js_at(all, i);

		r->attempts[r->n_attempts++] = (struct receipt_attempt){
			.channel = keep(o, "channel", arena),
			.error = keep(o, "error", arena),
			.status = js_int(o, "status", 0),
			.ms = js_int(o, "ms", 0),
		};
	}
	js_free(all);
}

/* A row whose lines nobody wrote: what its tokens cost by its price, if that
 * is what was taken. */
static bool bill_again(struct receipt *r, const struct price *price,
		       struct arena *arena)
{
	const struct request *row = r->row;
	struct book_price book = { .id = price->id,
				   .lines = price->lines,
				   .n_lines = price->n_lines };
	struct usage u;
	struct bill b;

	usage_init(&u);
	u.in_tok = row->prompt_tok - row->cached_tok;
	u.cache_read_tok = row->cached_tok;
	u.out_tok = row->completion_tok;
	bill_make(&book, &u, row->factor_ppm, &b);
	if (b.amount_nusd != row->cost_nusd)
		return false;
	r->lines = ARENA_ARRAY(arena, struct receipt_line, b.n + 1);
	for (int i = 0; i < b.n; i++) {
		const struct bill_line *l = &b.lines[i];

		r->lines[r->n_lines++] = (struct receipt_line){
			.line = line_info(l->line)->name,
			.variant = l->variant,
			.from_tok = l->from_tok,
			.count = l->count,
			.price_nusd = l->nusd,
			.per = line_unit(l->line)->per,
			.tier_ppm = l->tier_ppm,
			.factor_ppm = l->factor_ppm,
			.amount_nusd = l->amount_nusd,
		};
	}
	return true;
}

static void find_lines(struct receipt *r, const struct price *price,
		       struct arena *arena)
{
	int64_t cost_nusd = r->row->cost_nusd;

	if (!receipt_is_final(r)) /* its lines are a note, it costs later */
		return;
	read_lines(r, arena);
	if (*r->row->lines || !cost_nusd)
		return;
	if (price && bill_again(r, price, arena))
		return;
	r->lines[r->n_lines++] = (struct receipt_line){
		.line = RECEIPT_NOTED,
		.variant = "",
		.count = 1,
		.price_nusd = cost_nusd,
		.per = 1,
		.tier_ppm = PPM,
		.factor_ppm = PPM,
		.amount_nusd = cost_nusd,
	};
}

void receipt_make(struct receipt *r, const struct request *row,
		  const struct price *price, struct arena *arena)
{
	*r = (struct receipt){ .row = row,
			       .price_from_ms = price ? price->from_ms : 0 };
	find_lines(r, price, arena);
	read_attempts(r, arena);
	for (int i = 0; i < r->n_lines; i++)
		r->sum_nusd = nusd_add(r->sum_nusd, r->lines[i].amount_nusd);
	r->adds_up = r->sum_nusd == row->cost_nusd;
}

int receipt_read(struct receipt *r, struct db *db, const char *id,
		 struct arena *arena, struct err *e)
{
	struct request *row = ARENA_NEW(arena, struct request);
	struct price price;

	if (request_find(db, id, row, arena, e) < 0)
		return -1;
	if (row->price_id && price_get(db, row->price_id, &price, arena, e) < 0)
		return -1;
	receipt_make(r, row, row->price_id ? &price : NULL, arena);
	return 0;
}

bool receipt_is_final(const struct receipt *r)
{
	return strcmp(r->row->state, "open") != 0;
}
