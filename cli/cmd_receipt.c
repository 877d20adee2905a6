/* cmd_receipt.c - what one request cost, line by line. */
#include "cmd.h"

#include "policy/receipt.h"

struct values {
	const char *id;
};

static int receipt(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct receipt r;
	struct buf out;

	if (!cli_db(c, e) || receipt_read(&r, c->db, v->id, &c->arena, e) < 0)
		return -1;
	buf_init(&out, RECEIPT_MAX);
	if (c->json)
		receipt_json(&r, true, &out);
	else
		receipt_text(&r, true, &out);
	printf("%s%s", out.p, c->json ? "\n" : "");
	buf_release(&out);
	return 0;
}

const struct cmd cmd_receipt = {
	.name = "receipt",
	.words = "ID",
	.what = "what a request cost, line by line: count x price = amount",
	.args = (const struct arg[]){ ARG("ID", ARG_WORD,
					  offsetof(struct values, id), NULL,
					  "X-Pontage-Receipt of the answer",
					  .max = 64, .required = true),
				      { .name = NULL } },
	.size = sizeof(struct values),
	.run = receipt,
};
