/* cmd_refund.c - gives back what a request cost. */
#include "cmd.h"

#include "base/nusd.h"
#include "db/db.h"
#include "store/moves.h"

struct values {
	const char *id, *reason;
	int64_t amount_nusd;
};

struct result {
	const char *request;
	int64_t txn_id, amount_nusd;
};

static const struct out_col cols[] = {
	{ "request", "request", OUT_TEXT, offsetof(struct result, request) },
	{ "txn", "txn", OUT_INT, offsetof(struct result, txn_id) },
	{ "amount_nusd", "refunded", OUT_MONEY,
	  offsetof(struct result, amount_nusd) },
	{ .name = NULL }
};

static int refund(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct refund r = { .request_id = v->id,
			    .amount_nusd = v->amount_nusd,
			    .actor = cli_actor(c),
			    .reason = v->reason };
	struct result got = { .request = v->id };

	if (!cli_db(c, e))
		return -1;
	got.txn_id = moves_refund(c->db, &r, e);
	if (got.txn_id < 0)
		return -1;
	got.amount_nusd = r.amount_nusd;
	out_one(&c->out, cols, &got);
	return 0;
}

const struct cmd cmd_refund = {
	.name = "refund",
	.words = "REQUEST [--amount DOLLARS] --reason TEXT",
	.what = "give back what a request cost, or a part of it, once",
	.help = "It goes to the account that paid; the key's use and budgets "
		"are lowered too.\n",
	.args =
		(const struct arg[]){
			ARG("REQUEST", ARG_WORD, offsetof(struct values, id),
			    NULL, "X-Pontage-Receipt of the answer", .max = 64,
			    .required = true),
			ARG("--amount", ARG_MONEY,
			    offsetof(struct values, amount_nusd), "DOLLARS",
			    "a part (all of it)", .min = 1, .max = NUSD_MAX),
			ARG("--reason", ARG_TEXT,
			    offsetof(struct values, reason), "TEXT",
			    "what the ledger says of it", .max = 200,
			    .required = true),
			{ .name = NULL } },
	.size = sizeof(struct values),
	.run = refund,
};
