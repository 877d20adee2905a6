/* test_bill_reserve.c - what a request may cost, and what money buys. */
#include "prices.h"

static const struct book_price usual =
	P(AT(input, 1 * USD), AT(cache_read, USD / 10), AT(output, 2 * USD));

/* --- what to hold ----------------------------------------------------------- */

static struct ask ask_of(int64_t text_bytes, int64_t max_tok, int64_t n)
{
	return (struct ask){ .kind = ASK_CHAT,
			     .model = STR("m1"),
			     .text_bytes = text_bytes,
			     .max_tok = max_tok,
			     .max_tokens = max_tok,
			     .max_completion = -1,
			     .n = n,
			     .best_of = 1 };
}

static struct bill_ask bill_of(const struct ask *a, const struct book_price *p)
{
	return (struct bill_ask){
		.ask = a, .price = p, .reserve_output_tok = 4, .factor_ppm = PPM
	};
}

static void a_reserve_covers_the_worst(void **state)
{
	static const struct {
		const char *label;
		int64_t bytes, max_tok, n;
		int64_t context, max_output;
		bool reserve_max;
		int64_t want;
	} rows[] = {
		{ "a token is at least a byte", 100, 10, 1, 0, 0, false,
		  100000 + 20000 },
		{ "no limit said", 100, -1, 1, 0, 0, false, 100000 + 8000 },
		{ "no limit said, the model's is lower", 100, -1, 1, 0, 3,
		  false, 100000 + 6000 },
		{ "no limit said, the whole is held", 100, -1, 1, 0, 1000, true,
		  100000 + 2000000 },
		{ "the whole of what is not known", 100, -1, 1, 0, 0, true,
		  100000 + 8000 },
		{ "each choice", 100, 10, 5, 0, 0, false, 100000 + 100000 },
		{ "no more prompt than fits", 1000, 10, 1, 500, 0, false,
		  500000 + 20000 },
		{ "no output", 100, 0, 1, 0, 0, false, 100000 },
		{ "nothing at all", 0, 0, 1, 0, 0, false, 0 },
		{ "too many tokens to multiply", 0, INT64_MAX / 2, 100, 0, 0,
		  false, NUSD_MAX },
		{ "too much money", INT64_MAX, INT64_MAX, 1, 0, 0, false,
		  NUSD_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ask ask =
			ask_of(rows[i].bytes, rows[i].max_tok, rows[i].n);
		struct book_price p = usual;
		struct bill_ask b = bill_of(&ask, &p);
		struct err e = { 0 };
		int64_t got = -1;

		b.reserve_max = rows[i].reserve_max;
		p.context_tok = rows[i].context;
		p.max_output_tok = rows[i].max_output;
		row("%s", rows[i].label);
		ROW_INT(bill_reserve(&b, &got, &e), 0);
		ROW_STR(e.msg, "");
		ROW_INT(got, rows[i].want);
	}
	rows_done();
}

/* A request of 1,000 bytes and 10 tokens of answer; one thing differs. */
static const struct {
	const char *label;
	struct book_price p;
	int64_t n_audio, n_images, images, prompt_tok, factor_ppm;
	enum service_tier tier;
	bool tools;
	int64_t want;
} holds[] = {
	/* clang-format off */
	{ "cache writes are dearer", P(AT(input, USD), AT(cache_write_5m, 2 * USD), AT(output, 2 * USD)), .want = 2000000 + 20000 },
	{ "reasoning is dearer", P(AT(input, USD), AT(output, 2 * USD), AT(reasoning, 5 * USD)), .want = 1000000 + 50000 },
	{ "no sound in it", P(AT(input, USD), AT(audio_in, 9 * USD), AT(output, 0)), .want = 1000000 },
	{ "sound in it", P(AT(input, USD), AT(audio_in, 9 * USD), AT(output, 0)), .n_audio = 1, .want = 9000000 },
	{ "pictures in it", P(AT(input, USD), AT(image_in, 3 * USD), AT(output, 0)), .n_images = 1, .want = 3000000 },
	{ "a tier that may be reached", P(AT(input, USD), FROM(1000, input, 2 * USD), FROM(1001, input, 9 * USD), AT(output, 0)), .want = 2000000 },
	{ "the lower tier is dearer", P(AT(input, 4 * USD), FROM(500, input, 2 * USD), AT(output, 0)), .want = 4000000 },
	{ "counted", P(AT(input, USD), FROM(500, input, 2 * USD), AT(output, 0)), .prompt_tok = 300, .want = 300000 },
	{ "by request", P(AT(input, 0), AT(request, 5000)), .want = 5000 },
	{ "pictures to be made", P(AT(input, 0), PICTURE("", 10), PICTURE("1x1", 30)), .images = 2, .want = 60 },
	{ "tools may search and fetch, once", P(AT(input, 0), AT(search, 700), AT(fetch, 50), AT(file_search, 3)), .tools = true, .want = 753 },
	{ "a group", P(AT(input, USD), AT(output, 2 * USD)), .factor_ppm = 500000, .want = 510000 },
	{ "priority", { .id = 1, .priority_ppm = 2000000, .lines = (const struct price_line[]){ AT(input, USD), AT(request, 7) }, .n_lines = 2 },
	  .tier = TIER_PRIORITY, .want = 2000007 },
	{ "flex may be refused", { .id = 1, .flex_ppm = 500000, .lines = (const struct price_line[]){ AT(input, USD) }, .n_lines = 1 },
	  .tier = TIER_FLEX, .want = 1000000 },
	/* 1,000 x 0.333333 = 333.333: 334, and three more lines may round up */
	{ "lines that round up", P(AT(input, 1000000)), .factor_ppm = 333333, .want = 334 + 3 },
	{ "the price says what to hold", { .id = 1, .lines = (const struct price_line[]){ AT(output, USD) }, .n_lines = 1 }, .want = 10000 },
	/* clang-format on */
};

static void a_reserve_knows_every_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(holds); i++) {
		struct ask ask = ask_of(1000, 10, 1);
		struct bill_ask b = bill_of(&ask, &holds[i].p);
		struct err e = { 0 };
		int64_t got = -1;

		ask.n_audio = holds[i].n_audio;
		ask.n_images = holds[i].n_images;
		ask.has_tools = holds[i].tools;
		b.images = holds[i].images;
		b.prompt_tok = holds[i].prompt_tok;
		b.tier = holds[i].tier;
		if (holds[i].factor_ppm)
			b.factor_ppm = holds[i].factor_ppm;
		row("%s", holds[i].label);
		ROW_INT(bill_reserve(&b, &got, &e), 0);
		ROW_INT(got, holds[i].want);
	}
	rows_done();
}

static void some_kinds_differ(void **state)
{
	const struct book_price dear = P(AT(input, 9 * USD));
	const struct book_price *others[] = { &dear };
	struct ask ask = ask_of(100, -1, 1);
	struct book_price p = usual;
	struct bill_ask b = bill_of(&ask, &p);
	struct err e = { 0 };
	int64_t got = -1;

	(void)state;
	row("an embedding has no output");
	ask.kind = ASK_EMBEDDING;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 100000);

	row("the dearest of those that may serve");
	b.others = others;
	b.n_others = 1;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 900000);
	b.n_others = 0;

	row("best_of counts where it is more than n");
	ask = ask_of(0, 10, 2);
	ask.kind = ASK_COMPLETION;
	ask.best_of = 5;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 100000);

	row("the model's own setting");
	ask = ask_of(0, -1, 1);
	p.reserve_output_tok = 100;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 200000);
	ROW_INT(bill_reserved_tok(&b), 100);
	p.max_output_tok = 50;
	ROW_INT(bill_reserved_tok(&b), 50);

	row("free");
	p.free = true;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 0);
	rows_done();
}

static void a_list_of_inputs_is_more_than_one(void **state)
{
	struct ask ask = ask_of(4000, 0, 1);
	struct book_price p = usual;
	struct bill_ask b = bill_of(&ask, &p);
	struct err e = { 0 };
	int64_t got = -1;

	(void)state;
	row("inputs of a list have a context each");
	ask.kind = ASK_EMBEDDING;
	p.context_tok = 500;
	ROW_INT(bill_reserve(&b, &got, &e), -1);
	ROW_INT(e.code, ERR_CONTEXT);
	err_clear(&e);
	ask.n_inputs = 2;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 1000000);

	row("each prompt of a list is answered, n times");
	ask = ask_of(0, 100, 3);
	ask.kind = ASK_COMPLETION;
	ask.n_inputs = 4;
	p.context_tok = p.max_output_tok = 0;
	ROW_INT(bill_choices(&ask), 12);
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 12 * 200000);
	ask.n_inputs = INT64_MAX;
	ROW_INT(bill_choices(&ask), INT64_MAX);
	ask.kind = ASK_CHAT;
	ROW_INT(bill_choices(&ask), 3);
	rows_done();
}

static void a_tier_is_known_by_its_word(void **state)
{
	(void)state;
	ROW_INT(bill_tier(STR("priority")), TIER_PRIORITY);
	ROW_INT(bill_tier(STR("flex")), TIER_FLEX);
	ROW_INT(bill_tier(STR("auto")), TIER_DEFAULT);
	ROW_INT(bill_tier(STR_NONE), TIER_DEFAULT);
	rows_done();
}

static void what_cannot_be_served_is_refused(void **state)
{
	static const struct {
		const char *label;
		int64_t bytes, max_tokens, max_completion;
		int64_t price, context, max_output, exact;
		enum err_code code;
		const char *param;
	} rows[] = {
		{ "no price", 10, -1, -1, 0, 0, 0, 0, ERR_NO_PRICE, "" },
		{ "more than the model can", 10, 1001, -1, 1, 0, 1000, 0,
		  ERR_INT_HIGH, "max_tokens" },
		{ "the other name", 10, -1, 1001, 1, 0, 1000, 0, ERR_INT_HIGH,
		  "max_completion_tokens" },
		{ "as much as it can", 10, 1000, -1, 1, 0, 1000, 0, ERR_NONE,
		  "" },
		{ "a long prompt", 4004, -1, -1, 1, 1000, 0, 0, ERR_CONTEXT,
		  "messages" },
		{ "a prompt that fits", 4000, -1, -1, 1, 1000, 0, 0, ERR_NONE,
		  "" },
		{ "counted, it fits", 40000, -1, -1, 1, 1000, 0, 1000, ERR_NONE,
		  "" },
		{ "counted, it does not", 4000, -1, -1, 1, 1000, 0, 1001,
		  ERR_CONTEXT, "messages" },
		{ "the limit before the prompt", 40040, 1001, -1, 1, 1000, 1000,
		  0, ERR_INT_HIGH, "max_tokens" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ask ask = ask_of(rows[i].bytes, -1, 1);
		struct book_price p = usual;
		struct bill_ask b = bill_of(&ask, &p);
		struct err e = { 0 };
		int64_t got = -1;

		ask.max_tokens = rows[i].max_tokens;
		ask.max_completion = rows[i].max_completion;
		ask.max_tok = MAX(ask.max_tokens, ask.max_completion);
		p.id = rows[i].price;
		p.context_tok = rows[i].context;
		p.max_output_tok = rows[i].max_output;
		b.prompt_tok = b.prompt_count = rows[i].exact;
		row("%s", rows[i].label);
		ROW_INT(bill_reserve(&b, &got, &e), rows[i].code ? -1 : 0);
		ROW_INT(e.code, rows[i].code);
		ROW_STR(e.param, rows[i].param);
		if (rows[i].code)
			ROW_INT(got, 0);
		if (rows[i].code == ERR_NO_PRICE)
			ROW_TRUE(strstr(e.msg, "pontage price set m1 "));
	}
	rows_done();
}

/* --- what the money buys ---------------------------------------------------- */

static void money_buys_output(void **state)
{
	struct ask ask = ask_of(100, -1, 2);
	struct book_price p = usual;
	struct bill_ask b = bill_of(&ask, &p);

	(void)state;
	row("the prompt alone is 100,000, two tokens are 4,000");
	ROW_INT(bill_affordable_tok(&b, 99999), -1);
	ROW_INT(bill_affordable_tok(&b, 100000), 0);
	ROW_INT(bill_affordable_tok(&b, 103999), 0);
	ROW_INT(bill_affordable_tok(&b, 104000), 1);
	ROW_INT(bill_affordable_tok(&b, 500000), 100);
	ROW_INT(bill_output_nusd(&b, 7), 14000);
	ROW_INT(bill_output_tok(&b, 14000), 7);
	ROW_INT(bill_output_tok(&b, 13999), 6);
	ROW_INT(bill_output_tok(&b, 0), 0);
	p.max_output_tok = 50;
	ROW_INT(bill_affordable_tok(&b, 500000), 50);
	p.free = true;
	ROW_INT(bill_affordable_tok(&b, 0), 50);
	ROW_INT(bill_output_nusd(&b, 7), 0);
	ROW_INT(bill_output_tok(&b, 0), USAGE_MAX);
	rows_done();
}

/* --- properties ------------------------------------------------------------- */

static uint64_t seed = 88172645463325252ULL;

static int64_t below(int64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed % (uint64_t)n);
}

static const enum line tok_lines[] = {
	LINE_input,          LINE_cache_read, LINE_cache_write_5m,
	LINE_cache_write_1h, LINE_output,     LINE_reasoning,
	LINE_audio_in,       LINE_audio_out,  LINE_cached_audio,
	LINE_image_in,       LINE_image_out,  LINE_cached_image,
};

static int any_lines(struct price_line *lines)
{
	int n = 0;

	for (size_t i = 0; i < COUNT(tok_lines); i++)
		for (int64_t from = 0; from <= 2000; from += 1000)
			if (below(3))
				lines[n++] = (struct price_line){
					.line = tok_lines[i],
					.variant = "",
					.from_tok = from,
					.nusd = below(20) ? below(50 * USD) :
							    below(9),
				};
	if (below(2))
		lines[n++] = (struct price_line){ .line = LINE_request,
						  .variant = "",
						  .nusd = below(USD) };
	return n;
}

/* Usage within what was promised: the parts add up to it. */
static struct usage any_usage(int64_t prompt_tok, int64_t out_tok)
{
	struct usage u;

	usage_init(&u);
	u.cache_read_tok = below(prompt_tok + 1);
	u.cache_write_tok = below(prompt_tok - u.cache_read_tok + 1);
	u.cache_write_1h_tok =
		below(prompt_tok - u.cache_read_tok - u.cache_write_tok + 1);
	u.in_tok = prompt_tok - u.cache_read_tok - u.cache_write_tok -
		   u.cache_write_1h_tok;
	u.out_tok = out_tok;
	u.reasoning_tok = below(2 * out_tok + 1); /* may be absurd */
	u.audio_out_tok = below(out_tok + 1);
	u.audio_in_tok = below(u.in_tok + 1);
	u.image_in_tok = below(u.in_tok + 1);
	u.cached_audio_tok = below(u.cache_read_tok + 1);
	u.cached_image_tok = below(u.cache_read_tok + 1);
	u.tier = TIER_DEFAULT;
	return u;
}

/* Any price, any request, any answer to it. */
static void check_any(void)
{
	struct price_line lines[64];
	struct book_price p = { .id = 1,
				.lines = lines,
				.n_lines = any_lines(lines) };
	int64_t bytes = below(3000), max = below(500), n = 1 + below(3);
	struct ask ask = ask_of(bytes, max, n);
	struct bill_ask b = bill_of(&ask, &p);
	int64_t hold = 0, sum = 0;
	struct err e = { 0 };
	struct usage u;
	struct bill made;

	ask.n_audio = ask.n_images = 1;
	if (below(2))
		b.factor_ppm = below((int64_t)3 * PPM);
	u = any_usage(below(bytes + 1), below(max * n + 1));
	bill_make(&p, &u, b.factor_ppm, &made);
	ROW_INT(bill_reserve(&b, &hold, &e), 0);
	for (int l = 0; l < made.n; l++) {
		ROW_TRUE(made.lines[l].amount_nusd >= 0);
		sum += made.lines[l].amount_nusd;
	}
	ROW_INT(made.amount_nusd, sum);
	ROW_TRUE(sum <= hold);
	ROW_TRUE(bill_affordable_tok(&b, hold) >= max);
}

static void no_cost_is_above_its_reserve(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		row("round %d", i);
		check_any();
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reserve_covers_the_worst),
		cmocka_unit_test(a_reserve_knows_every_line),
		cmocka_unit_test(some_kinds_differ),
		cmocka_unit_test(a_list_of_inputs_is_more_than_one),
		cmocka_unit_test(a_tier_is_known_by_its_word),
		cmocka_unit_test(what_cannot_be_served_is_refused),
		cmocka_unit_test(money_buys_output),
		cmocka_unit_test(no_cost_is_above_its_reserve),
	};

	return cmocka_run_group_tests_name("bill_reserve", tests, NULL, NULL);
}
