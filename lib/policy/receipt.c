/* receipt.c - a row of the log read as a receipt; see receipt.h.  How it looks
 * is in receipt_show.c. */
#include "policy/receipt.h"

#include "base/nusd.h"
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
			.count = js_int(o, "count", 0),
			.price_nusd = js_int(o, "price_nusd", 0),
			.per = js_int(o, "per", 1),
			.factor_ppm = js_int(o, "factor_ppm", 1000000),
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

void receipt_make(struct receipt *r, const struct request *row,
		  int64_t price_from_ms, struct arena *arena)
{
	*r = (struct receipt){ .row = row, .price_from_ms = price_from_ms };
	read_lines(r, arena);
	read_attempts(r, arena);
	if (!*row->lines && row->cost_nusd)
		r->lines[r->n_lines++] = (struct receipt_line){
			.line = RECEIPT_NOTED,
			.count = 1,
			.price_nusd = row->cost_nusd,
			.per = 1,
			.factor_ppm = 1000000,
			.amount_nusd = row->cost_nusd,
		};
	for (int i = 0; i < r->n_lines; i++)
		r->sum_nusd = nusd_add(r->sum_nusd, r->lines[i].amount_nusd);
	r->adds_up = r->sum_nusd == row->cost_nusd;
}

bool receipt_is_final(const struct receipt *r)
{
	return strcmp(r->row->state, "open") != 0;
}
