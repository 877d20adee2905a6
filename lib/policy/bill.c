/* bill.c - see bill.h. */
#include "policy/bill.h"

#include "base/nusd.h"

static int64_t said(int64_t n_tok)
{
	return n_tok > 0 ? n_tok : 0;
}

int64_t bill_prompt_tok(const struct ask *ask)
{
	return count_estimate_tok(ask->text_bytes);
}

int64_t bill_cost(const struct book_price *price, const struct usage *u)
{
	int64_t cost = 0;

	if (price->free)
		return 0;
	/* No price for cache writes yet: they are input like any other. */
	cost = nusd_add(cost, nusd_cost(said(u->in_tok), price->input_nusd));
	cost = nusd_add(cost, nusd_cost(nusd_add(said(u->cache_write_tok),
						 said(u->cache_write_1h_tok)),
					price->input_nusd));
	cost = nusd_add(cost,
			nusd_cost(said(u->cache_read_tok), price->cached_nusd));
	return nusd_add(cost, nusd_cost(said(u->out_tok), price->output_nusd));
}

/* The output tokens to hold money for, of one choice. */
static int64_t output_tok(const struct bill_ask *b)
{
	int64_t max = b->price->max_output_tok;
	int64_t n = b->ask->max_tok;

	if (b->ask->kind == ASK_EMBEDDING)
		return 0;
	if (n < 0)
		n = b->reserve_max && max ? max : b->reserve_output_tok;
	return max ? MIN(n, max) : n;
}

static const char *limit_name(const struct ask *ask)
{
	return ask->max_completion == ask->max_tok ? "max_completion_tokens" :
						     "max_tokens";
}

static int check_limits(const struct bill_ask *b, struct err *e)
{
	const struct book_price *p = b->price;
	int64_t limit = b->ask->max_tok;

	if (p->max_output_tok && limit > p->max_output_tok)
		return err_param(e, ERR_INT_HIGH, limit_name(b->ask),
				 "%s is too large: %lld. This model supports "
				 "at most %lld completion tokens.",
				 limit_name(b->ask), (long long)limit,
				 (long long)p->max_output_tok);
	if (p->context_tok && bill_prompt_tok(b->ask) > p->context_tok)
		return err_param(e, ERR_CONTEXT, "messages",
				 "This model's maximum context length is %lld "
				 "tokens. However, your messages resulted in "
				 "about %lld tokens. Please reduce the length "
				 "of the messages.",
				 (long long)p->context_tok,
				 (long long)bill_prompt_tok(b->ask));
	return 0;
}

int bill_reserve(const struct bill_ask *b, int64_t *nusd, struct err *e)
{
	int64_t prompt = b->ask->text_bytes, out;

	*nusd = 0;
	if (!b->price->id)
		return err_set(e, ERR_NO_PRICE,
			       "The model '%.*s' has no price. Ask the "
			       "administrator to set one.",
			       (int)MIN(b->ask->model.n, 64), b->ask->model.p);
	if (check_limits(b, e) < 0)
		return -1;
	if (b->price->free)
		return 0;
	if (b->price->context_tok)
		prompt = MIN(prompt, b->price->context_tok);
	out = output_tok(b);
	if (__builtin_mul_overflow(out, MAX(b->ask->n, b->ask->best_of), &out))
		out = INT64_MAX;
	*nusd = nusd_add(nusd_cost(prompt, b->price->input_nusd),
			 nusd_cost(out, b->price->output_nusd));
	return 0;
}
