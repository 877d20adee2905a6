/* cmd_receipt.c - what one request cost, line by line. */
#include "cmd.h"

#include "base/nusd.h"
#include "db/db.h"
#include "store/price.h"
#include "store/request.h"
#include "json/jw.h"

struct values {
	const char *id;
};

#define LINES_MAX 4

struct receipt_line {
	const char *what;
	int64_t tok, price_nusd, amount_nusd;
};

/* What the tokens cost by the row of the price book that was reserved with;
 * each line is rounded up alone, and their sum is the amount. */
static int lines_of(const struct request *r, const struct price *p,
		    struct receipt_line lines[static LINES_MAX])
{
	const struct receipt_line all[] = {
		{ "prompt", r->prompt_tok - r->cached_tok, p->input_nusd, 0 },
		{ "prompt, cached", r->cached_tok, p->cached_nusd, 0 },
		{ "answer", r->completion_tok, p->output_nusd, 0 },
	};
	int n = 0;

	for (size_t i = 0; i < COUNT(all); i++) {
		if (all[i].tok <= 0)
			continue;
		lines[n] = all[i];
		lines[n].amount_nusd = nusd_cost(all[i].tok, all[i].price_nusd);
		n++;
	}
	return n;
}

static void print_json(const struct request *r, const struct receipt_line *l,
		       int n)
{
	struct buf b;
	struct jw w;

	buf_init(&b, 65536);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "id", r->request_id);
	jw_int(&w, "amount_nusd", r->cost_nusd);
	jw_array(&w, "lines");
	for (int i = 0; i < n; i++) {
		jw_object(&w, NULL);
		jw_str(&w, "what", l[i].what);
		jw_int(&w, "tokens", l[i].tok);
		jw_int(&w, "price_nusd_per_mtok", l[i].price_nusd);
		jw_int(&w, "price_id", r->price_id);
		jw_int(&w, "amount_nusd", l[i].amount_nusd);
		jw_end(&w);
	}
	jw_end(&w);
	jw_str(&w, "model", r->model_served);
	jw_str(&w, "state", r->state);
	jw_end(&w);
	printf("%s\n", b.p);
	buf_release(&b);
}

static void print_text(const struct request *r, const struct receipt_line *l,
		       int n)
{
	char price[NUSD_TEXT], amount[NUSD_TEXT];

	printf("request %s, model %s, %s\n", r->request_id,
	       *r->model_served ? r->model_served : r->model_asked, r->state);
	for (int i = 0; i < n; i++)
		printf("  %-16s %10lld tok x $%s / 1M = $%s\n", l[i].what,
		       (long long)l[i].tok, nusd_text(l[i].price_nusd, price),
		       nusd_text(l[i].amount_nusd, amount));
	printf("  %-16s $%s", "amount", nusd_text(r->cost_nusd, amount));
	if (r->price_id)
		printf("   (price %lld)", (long long)r->price_id);
	putchar('\n');
}

static int receipt(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct receipt_line lines[LINES_MAX];
	struct price p = { 0 };
	struct request r;
	int n = 0;

	if (!cli_db(c, e) || request_find(c->db, v->id, &r, &c->arena, e) < 0)
		return -1;
	if (r.price_id && price_get(c->db, r.price_id, &p, &c->arena, e) < 0)
		return -1;
	if (r.price_id && r.cost_nusd)
		n = lines_of(&r, &p, lines);
	if (c->json)
		print_json(&r, lines, n);
	else
		print_text(&r, lines, n);
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
