/* budget.c - see budget.h. */
#include "budget.h"

#include "exchange.h"
#include "loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/nusd.h"

#define LEAST_TOK 16 /* of output: less is not worth a request */

struct extending { /* a request that asks for more */
	struct extend_op op;
	struct exchange *x;
	int64_t tok;
};

static int64_t answers(const struct exchange *x)
{
	return bill_choices(&x->ask);
}

static bool costs(const struct exchange *x)
{
	return bill_output_nusd(&x->bill, 1) > 0 &&
	       x->ask.kind != ASK_EMBEDDING;
}

/* Did the caller, or the key, say how long an answer may become? */
static bool has_limit(const struct exchange *x)
{
	return x->ask.max_tok >= 0 ||
	       (x->bill.reserve_max && x->price.max_output_tok);
}

/* Of each answer, where there is the money. */
static int64_t usual_tok(const struct exchange *x)
{
	return bill_reserved_tok(&x->bill);
}

static int64_t cost_of(const struct exchange *x, int64_t tok)
{
	return bill_output_nusd(&x->bill, tok);
}

/* How many the amount buys; the last one may not be rounded up into. */
static int64_t tok_for(const struct exchange *x, int64_t nusd)
{
	return MIN(bill_output_tok(&x->bill, nusd), INT32_MAX);
}

void budget_reserve(struct exchange *x)
{
	int64_t wanted = x->row.reserved_nusd;
	int64_t out = cost_of(x, usual_tok(x) * answers(x));
	int64_t least = cost_of(x, LEAST_TOK * answers(x));

	x->wanted_nusd = wanted;
	if (costs(x) && !has_limit(x) && least < out)
		x->op->reserve.least_nusd = wanted - out + least;
}

void budget_begin(struct exchange *x)
{
	int64_t n = answers(x), each = usual_tok(x);
	int64_t missing = x->wanted_nusd - x->row.reserved_nusd;
	struct relay_money *m = &x->plan.money;

	m->prompt_tok = x->tokens.prompt.tok;
	m->context_tok = x->price.context_tok;
	if (!costs(x))
		return;
	if (missing > 0) {
		each = tok_for(x, cost_of(x, each * n) - missing) / n;
		m->limit_tok = each = MAX(each, 1);
	}
	if (!m->limit_tok && !has_limit(x)) {
		if (!x->ask.stream)
			return; /* it is settled in full, whatever it is */
		m->step_tok = each * n;
		m->most_tok = x->price.max_output_tok * n;
	}
	m->held_tok = each * n;
}

static void on_extended(struct write_op *op)
{
	struct extending *m = OWNER(op, struct extending, op.op);
	struct exchange *x = m->x;
	int64_t got = m->op.got_nusd, more = 0;

	x->extending = NULL;
	if (!op->err.code)
		more = got == m->op.amount_nusd ? m->tok : tok_for(x, got);
	log_request(x->request_id);
	log_debug("relay.extend", LOG_I("tok", more), LOG_I("nusd", got),
		  LOG_S("error", op->err.code ? op->err.msg : ""));
	relay_on_budget(&x->relay, x->loop->poller.now_ms, more, &op->err);
	log_request(NULL);
	free(m);
	exchange_resume(x);
}

/* As long as a settle may wait: while the database is locked a stream waits,
 * and is not cut short. */
void budget_more(struct exchange *x)
{
	const struct relay_money *money = &x->plan.money;
	int64_t left = money->most_tok - x->relay.budget.held_tok;
	struct extending *m = mem_alloc(sizeof(*m));
	struct loop *l = x->loop;

	m->x = x;
	m->tok = money->most_tok ? MIN(money->step_tok, left) : money->step_tok;
	extend_op_init(&m->op, &x->row, cost_of(x, m->tok),
		       clock_mono_ms() + l->conf->settle_ms);
	m->op.least_nusd = MIN(m->op.amount_nusd, cost_of(x, LEAST_TOK));
	m->op.op.done = on_extended;
	x->extending = m;
	writer_put(l->writer, &m->op.op);
}
