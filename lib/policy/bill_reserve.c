/* bill_reserve.c - what a request may cost; see bill.h. */
#include "policy/bill_in.h"

#include "base/nusd.h"

/* What the tokens of prompt or answer may turn out to be. */
#define PROMPT_LINES                                                         \
	(BIT(LINE_input) | BIT(LINE_cache_read) | BIT(LINE_cache_write_5m) | \
	 BIT(LINE_cache_write_1h))
#define SOUND_LINES   (BIT(LINE_audio_in) | BIT(LINE_cached_audio))
#define PICTURE_LINES (BIT(LINE_image_in) | BIT(LINE_cached_image))
#define ANSWER_LINES                                                    \
	(BIT(LINE_output) | BIT(LINE_reasoning) | BIT(LINE_audio_out) | \
	 BIT(LINE_image_out))

/* --- limits --------------------------------------------------------------- */

/* What fits: each input of a list has a context of its own.  0: unknown. */
static int64_t room_tok(const struct bill_ask *b, const struct book_price *p)
{
	int64_t n = MAX(b->ask->n_inputs, 1);

	if (__builtin_mul_overflow(p->context_tok, n, &n))
		n = INT64_MAX;
	return n;
}

/* The prompt at its upper bound: a token is at least a byte. */
static int64_t most_prompt(const struct bill_ask *b, const struct book_price *p)
{
	int64_t n = b->prompt_tok ? b->prompt_tok : b->ask->text_bytes;

	return p->context_tok ? MIN(n, room_tok(b, p)) : n;
}

static int64_t output_tok(const struct bill_ask *b, const struct book_price *p)
{
	int64_t max = p->max_output_tok;
	int64_t n = b->ask->max_tok;

	if (b->ask->kind == ASK_EMBEDDING)
		return 0;
	if (n < 0 && b->reserve_max && max)
		n = max;
	else if (n < 0)
		n = p->reserve_output_tok ? p->reserve_output_tok :
					    b->reserve_output_tok;
	return max ? MIN(n, max) : n;
}

int64_t bill_choices(const struct ask *ask)
{
	int64_t each = MAX(MAX(ask->n, ask->best_of), 1), all;
	int64_t texts = ask->kind == ASK_COMPLETION ? MAX(ask->n_inputs, 1) : 1;

	return __builtin_mul_overflow(each, texts, &all) ? INT64_MAX : all;
}

int64_t bill_reserved_tok(const struct bill_ask *b)
{
	return output_tok(b, b->price);
}

static const char *limit_name(const struct ask *ask)
{
	return ask->max_completion == ask->max_tok ? "max_completion_tokens" :
						     "max_tokens";
}

static int64_t our_prompt(const struct bill_ask *b)
{
	return b->prompt_count ? b->prompt_count : bill_prompt_tok(b->ask);
}

static int check_limits(const struct bill_ask *b, struct err *e)
{
	const struct book_price *p = b->price;
	int64_t limit = b->ask->max_tok;
	int64_t prompt = our_prompt(b);

	if (p->max_output_tok && limit > p->max_output_tok)
		return err_param(e, ERR_INT_HIGH, limit_name(b->ask),
				 "%s is too large: %lld. This model supports "
				 "at most %lld completion tokens.",
				 limit_name(b->ask), (long long)limit,
				 (long long)p->max_output_tok);
	if (p->context_tok && prompt > room_tok(b, p))
		return err_param(e, ERR_CONTEXT, "messages",
				 "This model's maximum context length is %lld "
				 "tokens. However, your messages resulted in "
				 "%s%lld tokens. Please reduce the length "
				 "of the messages.",
				 (long long)p->context_tok,
				 b->prompt_count ? "" : "about ",
				 (long long)prompt);
	return 0;
}

/* --- the dearest ---------------------------------------------------------- */

/* The factors may leave a part of a nano-dollar over for each token. */
static bool is_even(const struct bill_line *l, int64_t nusd)
{
	__int128 one = (__int128)nusd * l->tier_ppm * l->factor_ppm;

	return one % ((__int128)PPM * PPM * line_unit(l->line)->per) == 0;
}

/* So many of what may come to stand on these lines, all at the dearest price
 * that the prompt may meet; each line may round up. */
static int64_t dearest(const struct bill_ask *b, const struct book_price *p,
		       unsigned int lines, int64_t count)
{
	struct bill_line most = {
		.line = (enum line)__builtin_ctz(lines),
		.count = count,
		.tier_ppm = PPM,
		.factor_ppm = b->factor_ppm,
	};
	int64_t prompt = most_prompt(b, p), up = 0;

	if (b->tier == TIER_PRIORITY && line_info(most.line)->tiered)
		most.tier_ppm = MAX(PPM, bill_tier_ppm(p, TIER_PRIORITY));
	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *at = &p->lines[i];

		if (!(lines & BIT(at->line)) || at->from_tok > prompt)
			continue;
		most.nusd = MAX(most.nusd, at->nusd);
		if (!is_even(&most, at->nusd))
			up = __builtin_popcount(lines) - 1;
	}
	return count ? bill_add(bill_amount(&most), up) : 0;
}

static int64_t prompt_nusd(const struct bill_ask *b, const struct book_price *p)
{
	unsigned int lines = PROMPT_LINES;

	if (b->ask->n_audio)
		lines |= SOUND_LINES;
	if (b->ask->n_images)
		lines |= PICTURE_LINES;
	return dearest(b, p, lines, most_prompt(b, p));
}

/* What does not go by tokens. */
static int64_t fixed_nusd(const struct bill_ask *b, const struct book_price *p)
{
	int64_t tools = b->ask->has_tools || b->ask->has_search;
	const struct {
		enum line line;
		int64_t count;
	} rows[] = {
		{ LINE_request, 1 },
		{ LINE_image, b->images },
		{ LINE_character, b->characters },
		{ LINE_time, b->audio_ms },
		{ LINE_search, MAX(b->searches, tools) },
		{ LINE_fetch, tools },
		{ LINE_file_search, tools },
	};
	int64_t sum = 0;

	for (size_t i = 0; i < COUNT(rows); i++)
		sum = bill_add(sum,
			       dearest(b, p, BIT(rows[i].line), rows[i].count));
	return sum;
}

static int64_t answer_nusd(const struct bill_ask *b, const struct book_price *p,
			   int64_t out_tok)
{
	int64_t n = bill_choices(b->ask);

	if (__builtin_mul_overflow(out_tok, n, &n))
		n = INT64_MAX;
	return dearest(b, p, ANSWER_LINES, n);
}

static int64_t price_nusd(const struct bill_ask *b, const struct book_price *p,
			  int64_t out_tok)
{
	if (p->free)
		return 0;
	return bill_add(bill_add(prompt_nusd(b, p), fixed_nusd(b, p)),
			answer_nusd(b, p, out_tok));
}

/* --- for the caller ------------------------------------------------------- */

enum service_tier bill_tier(struct str word)
{
	for (int t = TIER_DEFAULT + 1; t < TIER__COUNT; t++)
		if (str_eq(word, service_tier_name((enum service_tier)t)))
			return (enum service_tier)t;
	return TIER_DEFAULT;
}

int bill_reserve(const struct bill_ask *b, int64_t *nusd, struct err *e)
{
	int n = (int)MIN(b->ask->model.n, 64);
	const char *model = b->ask->model.p;

	*nusd = 0;
	if (!b->price->id)
		return err_set(e, ERR_NO_PRICE,
			       "The model '%.*s' has no price. The "
			       "administrator sets one: pontage price set "
			       "%.*s --input USD --output USD, or --free.",
			       n, model, n, model);
	if (check_limits(b, e) < 0)
		return -1;
	*nusd = price_nusd(b, b->price, output_tok(b, b->price));
	for (int i = 0; i < b->n_others; i++) {
		const struct book_price *p = b->others[i];

		*nusd = MAX(*nusd, price_nusd(b, p, output_tok(b, p)));
	}
	return 0;
}

static int64_t all_nusd(const struct bill_ask *b, int64_t out_tok)
{
	int64_t most = price_nusd(b, b->price, out_tok);

	for (int i = 0; i < b->n_others; i++)
		most = MAX(most, price_nusd(b, b->others[i], out_tok));
	return most;
}

int64_t bill_output_nusd(const struct bill_ask *b, int64_t n_tok)
{
	int64_t most = 0;

	if (!b->price->free)
		most = dearest(b, b->price, ANSWER_LINES, n_tok);
	for (int i = 0; i < b->n_others; i++)
		if (!b->others[i]->free)
			most = MAX(most, dearest(b, b->others[i], ANSWER_LINES,
						 n_tok));
	return most;
}

/* The largest count of at most `high` that fn makes cost no more than nusd;
 * -1: not even 0 does. */
static int64_t buys(const struct bill_ask *b, int64_t nusd, int64_t high,
		    int64_t (*fn)(const struct bill_ask *, int64_t))
{
	int64_t low = 0;

	if (fn(b, high) <= nusd)
		return high;
	if (fn(b, 0) > nusd)
		return -1;
	while (high - low > 1) { /* low is bought, high is not */
		int64_t mid = low + (high - low) / 2;

		if (fn(b, mid) <= nusd)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int64_t bill_output_tok(const struct bill_ask *b, int64_t nusd)
{
	return MAX(buys(b, nusd, USAGE_MAX, bill_output_nusd), 0);
}

int64_t bill_affordable_tok(const struct bill_ask *b, int64_t nusd)
{
	int64_t max = b->price->max_output_tok;

	return buys(b, nusd, max ? max : USAGE_MAX, all_nusd);
}
