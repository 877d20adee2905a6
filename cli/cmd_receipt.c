/* cmd_receipt.c - what one request cost, line by line. */
#include "cmd.h"

#include "base/nusd.h"
#include "db/db.h"
#include "policy/bill.h"
#include "store/price.h"
#include "store/request.h"
#include "json/js.h"
#include "json/jw.h"

struct values {
	const char *id;
};

/* Requests of the versions before the log kept lines: what their tokens cost
 * by the row of the price book that was reserved with. */
static int rebuild(struct cli *c, struct request *r, struct err *e)
{
	struct book_price bp;
	struct price p;
	struct usage u;
	struct bill b;

	if (*r->lines || !r->price_id || !r->cost_nusd)
		return 0;
	if (price_get(c->db, r->price_id, &p, &c->arena, e) < 0)
		return -1;
	bp = (struct book_price){ .id = p.id,
				  .lines = p.lines,
				  .n_lines = p.n_lines };
	usage_init(&u);
	u.in_tok = r->prompt_tok - r->cached_tok;
	u.cache_read_tok = r->cached_tok;
	u.out_tok = r->completion_tok;
	bill_make(&bp, &u, r->factor_ppm, &b);
	r->lines = bill_json(&b, &c->arena);
	return 0;
}

static void print_json(const struct request *r)
{
	struct buf b;
	struct jw w;

	buf_init(&b, (size_t)1 << 20);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "id", r->request_id);
	jw_int(&w, "amount_nusd", r->cost_nusd);
	jw_int(&w, "price_id", r->price_id);
	jw_raw(&w, "lines", *r->lines ? str_of(r->lines) : STR("[]"));
	jw_str(&w, "model", r->model_served);
	jw_str(&w, "state", r->state);
	jw_int(&w, "upstream_nusd", r->upstream_nusd);
	jw_end(&w);
	printf("%s\n", b.p);
	buf_release(&b);
}

/* " x 0.8" where it is not 1. */
static const char *factor(struct cli *c, struct json_object *l,
			  const char *name)
{
	int64_t ppm = js_int(l, name, PPM);
	char at[NUSD_TEXT];

	if (ppm == PPM)
		return "";
	return arena_printf(&c->arena, " x %s",
			    nusd_text(ppm * (NUSD_PER_USD / PPM), at));
}

static void print_line(struct cli *c, struct json_object *l)
{
	enum line line = line_named(js_text(l, "line"));
	char price[NUSD_TEXT], amount[NUSD_TEXT];

	if (line == LINE_none)
		return;
	printf("  %-16s %10lld x $%s / %s%s%s = $%s\n", line_info(line)->name,
	       (long long)js_int(l, "count", 0),
	       nusd_text(js_int(l, "price_nusd", 0), price),
	       line_unit(line)->each, factor(c, l, "tier_ppm"),
	       factor(c, l, "factor_ppm"),
	       nusd_text(js_int(l, "amount_nusd", 0), amount));
}

static int print_text(struct cli *c, const struct request *r, struct err *e)
{
	struct json_object *lines = NULL;
	char amount[NUSD_TEXT];

	if (*r->lines) {
		lines = js_parse(r->lines, strlen(r->lines), e);
		if (!lines)
			return -1;
	}
	printf("request %s, model %s, %s\n", r->request_id,
	       *r->model_served ? r->model_served : r->model_asked, r->state);
	for (int i = 0; i < js_len(lines); i++)
		print_line(c, js_at(lines, i));
	printf("  %-16s $%s", "amount", nusd_text(r->cost_nusd, amount));
	if (r->price_id)
		printf("   (price %lld)", (long long)r->price_id);
	putchar('\n');
	js_free(lines);
	return 0;
}

static int receipt(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct request r;

	if (!cli_db(c, e) || request_find(c->db, v->id, &r, &c->arena, e) < 0 ||
	    rebuild(c, &r, e) < 0)
		return -1;
	if (!c->json)
		return print_text(c, &r, e);
	print_json(&r);
	return 0;
}

const struct cmd cmd_receipt = {
	.name = "receipt",
	.words = "ID",
	.what = "what a request cost, line by line: tokens x price = amount",
	.args = (const struct arg[]){ ARG("ID", ARG_WORD,
					  offsetof(struct values, id), NULL,
					  "X-Pontage-Receipt of the answer",
					  .max = 64, .required = true),
				      { .name = NULL } },
	.size = sizeof(struct values),
	.run = receipt,
};
