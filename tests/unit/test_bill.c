/* test_bill.c - what a request may cost, and what it did. */
#include "rows.h"

#include "base/arena.h"
#include "base/nusd.h"
#include "policy/bill.h"

#define USD 1000000000LL

#define P(...)                                                                \
	{                                                                     \
		.id = 1, .lines = (const struct price_line[]){ __VA_ARGS__ }, \
		.n_lines =                                                    \
			(int)(sizeof((struct price_line[]){ __VA_ARGS__ }) /  \
			      sizeof(struct price_line))                      \
	}
#define AT(name, price)                        \
	{                                      \
		0, LINE_##name, "", 0, (price) \
	}
#define FROM(tok, name, price)                     \
	{                                          \
		0, LINE_##name, "", (tok), (price) \
	}
#define PICTURE(variant, price)                      \
	{                                            \
		0, LINE_image, (variant), 0, (price) \
	}

static const struct book_price usual =
	P(AT(input, 1 * USD), AT(cache_read, USD / 10), AT(output, 2 * USD));

/* --- bills ------------------------------------------------------------------ */

/* "input 9 x 1000000000 = 9000; ..." */
static char *bill_text(const struct bill *b, char *at, size_t n)
{
	size_t len = 0;

	at[0] = '\0';
	for (int i = 0; i < b->n && len < n; i++) {
		const struct bill_line *l = &b->lines[i];

		len += (size_t)snprintf(
			at + len, n - len, "%s%s%s%s %lld x %lld = %lld",
			i ? "; " : "", line_info(l->line)->name,
			*l->variant ? ":" : "", l->variant, (long long)l->count,
			(long long)l->nusd, (long long)l->amount_nusd);
	}
	return at;
}

static struct usage said(struct usage u)
{
	/* rows leave out what is not said */
#define X(field) u.field = u.field ? u.field : -1;
	USAGE_FIELDS(X)
#undef X
	return u;
}

/* Every amount is worked out by hand. */
static const struct {
	const char *label;
	struct usage u;
	struct book_price p;
	int64_t factor_ppm; /* 0: 1 */
	const char *image;
	const char *want;
} bills[] = {
	/* clang-format off */
	{ "both", { .in_tok = 9, .out_tok = 12 }, P(AT(input, USD), AT(output, 2 * USD)), 0, NULL,
	  "input 9 x 1000000000 = 9000; output 12 x 2000000000 = 24000" },
	{ "nothing said", { .in_tok = 0 }, P(AT(input, USD)), 0, NULL, "" },
	{ "a part of a nano-dollar is one", { .in_tok = 1 }, P(AT(input, 1)), 0, NULL, "input 1 x 1 = 1" },
	{ "each line alone", { .in_tok = 1, .out_tok = 1, .cache_read_tok = 1 },
	  P(AT(input, 1), AT(cache_read, 1), AT(output, 1)), 0, NULL,
	  "input 1 x 1 = 1; cache_read 1 x 1 = 1; output 1 x 1 = 1" },
	{ "exactly one", { .in_tok = 1000000 }, P(AT(input, 1)), 0, NULL, "input 1000000 x 1 = 1" },
	{ "one more is two", { .in_tok = 1000001 }, P(AT(input, 1)), 0, NULL, "input 1000001 x 1 = 2" },
	{ "free", { .in_tok = 1000, .out_tok = 1000 }, { .id = 1, .free = true }, 0, NULL, "" },
	{ "a price of 0 is on the bill", { .in_tok = 5 }, P(AT(input, 0)), 0, NULL, "input 5 x 0 = 0" },
	{ "what has no price is not", { .in_tok = 5, .out_tok = 5 }, P(AT(output, USD)), 0, NULL,
	  "output 5 x 1000000000 = 5000" },

	{ "cached", { .in_tok = 10, .cache_read_tok = 1000000 }, P(AT(input, USD), AT(cache_read, USD / 10)), 0, NULL,
	  "input 10 x 1000000000 = 10000; cache_read 1000000 x 100000000 = 100000000" },
	{ "cached as input", { .in_tok = 10, .cache_read_tok = 7 }, P(AT(input, USD)), 0, NULL,
	  "input 10 x 1000000000 = 10000; cache_read 7 x 1000000000 = 7000" },
	{ "both cache writes", { .cache_write_tok = 3, .cache_write_1h_tok = 4 },
	  P(AT(input, 4 * USD), AT(cache_write_5m, 5 * USD), AT(cache_write_1h, 8 * USD)), 0, NULL,
	  "cache_write_5m 3 x 5000000000 = 15000; cache_write_1h 4 x 8000000000 = 32000" },
	{ "an hour as five minutes", { .cache_write_1h_tok = 4 }, P(AT(input, 4 * USD), AT(cache_write_5m, 5 * USD)), 0, NULL,
	  "cache_write_1h 4 x 5000000000 = 20000" },
	{ "writes as input", { .cache_write_tok = 3, .cache_write_1h_tok = 4 }, P(AT(input, USD)), 0, NULL,
	  "cache_write_5m 3 x 1000000000 = 3000; cache_write_1h 4 x 1000000000 = 4000" },

	{ "reasoning is inside", { .out_tok = 10, .reasoning_tok = 4 }, P(AT(output, USD)), 0, NULL,
	  "output 10 x 1000000000 = 10000" },
	{ "reasoning with a price", { .out_tok = 10, .reasoning_tok = 4 }, P(AT(output, USD), AT(reasoning, 3 * USD)), 0, NULL,
	  "output 6 x 1000000000 = 6000; reasoning 4 x 3000000000 = 12000" },
	{ "all of it is reasoning", { .out_tok = 4, .reasoning_tok = 4 }, P(AT(output, USD), AT(reasoning, 3 * USD)), 0, NULL,
	  "reasoning 4 x 3000000000 = 12000" },
	{ "more reasoning than output", { .out_tok = 4, .reasoning_tok = 9 }, P(AT(output, USD), AT(reasoning, 3 * USD)), 0, NULL,
	  "reasoning 4 x 3000000000 = 12000" },
	{ "reasoning of no output", { .reasoning_tok = 9, .in_tok = 1 }, P(AT(input, USD), AT(reasoning, 3 * USD)), 0, NULL,
	  "input 1 x 1000000000 = 1000" },

	{ "sound both ways", { .in_tok = 100, .audio_in_tok = 60, .out_tok = 50, .audio_out_tok = 30 },
	  P(AT(input, USD), AT(output, 2 * USD), AT(audio_in, 10 * USD), AT(audio_out, 20 * USD)), 0, NULL,
	  "input 40 x 1000000000 = 40000; output 20 x 2000000000 = 40000; audio_in 60 x 10000000000 = 600000; "
	  "audio_out 30 x 20000000000 = 600000" },
	{ "sound as text", { .in_tok = 100, .audio_in_tok = 60 }, P(AT(input, USD)), 0, NULL, "input 100 x 1000000000 = 100000" },
	{ "cached sound", { .in_tok = 10, .cache_read_tok = 20, .cached_audio_tok = 5 },
	  P(AT(input, USD), AT(cache_read, USD / 10), AT(cached_audio, USD / 2)), 0, NULL,
	  "input 10 x 1000000000 = 10000; cache_read 15 x 100000000 = 1500; cached_audio 5 x 500000000 = 2500" },
	{ "cached sound as cached", { .cache_read_tok = 20, .cached_audio_tok = 5 },
	  P(AT(input, USD), AT(cache_read, USD / 10), AT(audio_in, 9 * USD)), 0, NULL, "cache_read 20 x 100000000 = 2000" },
	{ "cached sound as sound", { .cache_read_tok = 20, .cached_audio_tok = 5 }, P(AT(input, USD), AT(audio_in, 9 * USD)), 0, NULL,
	  "cache_read 15 x 1000000000 = 15000; cached_audio 5 x 9000000000 = 45000" },
	{ "pictures both ways", { .in_tok = 100, .image_in_tok = 60, .out_tok = 50, .image_out_tok = 50, .cache_read_tok = 8, .cached_image_tok = 8 },
	  P(AT(input, USD), AT(cache_read, USD / 4), AT(image_in, 2 * USD), AT(image_out, 30 * USD), AT(cached_image, USD / 2)), 0, NULL,
	  "input 40 x 1000000000 = 40000; image_in 60 x 2000000000 = 120000; image_out 50 x 30000000000 = 1500000; "
	  "cached_image 8 x 500000000 = 4000" },
	{ "sound and pictures in one prompt", { .in_tok = 10, .audio_in_tok = 8, .image_in_tok = 8 },
	  P(AT(input, USD), AT(audio_in, 2 * USD), AT(image_in, 3 * USD)), 0, NULL,
	  "audio_in 8 x 2000000000 = 16000; image_in 2 x 3000000000 = 6000" },

	{ "by request", { .in_tok = 1, .out_tok = 1 }, P(AT(request, 5000000)), 0, NULL, "request 1 x 5000000 = 5000000" },
	{ "searches and the like", { .searches = 3, .fetches = 2, .file_searches = 1 },
	  P(AT(search, USD / 100), AT(fetch, 7), AT(file_search, USD / 400)), 0, NULL,
	  "search 3 x 10000000 = 30000000; fetch 2 x 7 = 14; file_search 1 x 2500000 = 2500000" },
	/* $0.36 an hour: $0.006 a minute, of 61.5 seconds */
	{ "by length", { .audio_ms = 61500 }, P(AT(time, 360000000)), 0, NULL, "time 61500 x 360000000 = 6150000" },
	{ "by length, rounded up", { .audio_ms = 1 }, P(AT(time, 360000001)), 0, NULL, "time 1 x 360000001 = 101" },
	{ "by character", { .characters = 1001 }, P(AT(character, 15 * USD)), 0, NULL, "character 1001 x 15000000000 = 15015000" },
	{ "pictures", { .images = 3 }, P(PICTURE("", 40000000)), 0, NULL, "image 3 x 40000000 = 120000000" },
	{ "this picture", { .images = 2 }, P(PICTURE("", 1), PICTURE("1024x1024", 2), PICTURE("1024x1024/high", 3)), 0, "1024x1024/high",
	  "image:1024x1024/high 2 x 3 = 6" },
	{ "of this size", { .images = 2 }, P(PICTURE("", 1), PICTURE("1024x1024", 2), PICTURE("1024x1024/high", 3)), 0, "1024x1024/low",
	  "image:1024x1024 2 x 2 = 4" },
	{ "any other", { .images = 2 }, P(PICTURE("", 1), PICTURE("1024x1024", 2)), 0, "1024x10240/low", "image 2 x 1 = 2" },
	{ "no such picture", { .images = 2 }, P(PICTURE("1024x1024", 2)), 0, "512x512", "" },

	{ "below the border", { .in_tok = 200000, .out_tok = 1 }, P(AT(input, USD), FROM(200001, input, 2 * USD), AT(output, USD), FROM(200001, output, 3 * USD)), 0, NULL,
	  "input 200000 x 1000000000 = 200000000; output 1 x 1000000000 = 1000" },
	{ "at the border, all of it", { .in_tok = 200001, .out_tok = 1 }, P(AT(input, USD), FROM(200001, input, 2 * USD), AT(output, USD), FROM(200001, output, 3 * USD)), 0, NULL,
	  "input 200001 x 2000000000 = 400002000; output 1 x 3000000000 = 3000" },
	{ "the cache is part of the prompt", { .in_tok = 1, .cache_read_tok = 100000, .cache_write_tok = 50000, .cache_write_1h_tok = 50000 },
	  P(AT(input, USD), FROM(200001, input, 2 * USD), AT(cache_read, USD / 10)), 0, NULL,
	  "input 1 x 2000000000 = 2000; cache_read 100000 x 100000000 = 10000000; cache_write_5m 50000 x 2000000000 = 100000000; "
	  "cache_write_1h 50000 x 2000000000 = 100000000" },
	{ "three tiers", { .in_tok = 128000 }, P(AT(input, 1), FROM(32000, input, 2000000), FROM(128000, input, 3000000), FROM(256000, input, 4000000)), 0, NULL,
	  "input 128000 x 3000000 = 384000" },

	{ "batch", { .in_tok = 10, .out_tok = 10, .searches = 1, .tier = TIER_BATCH },
	  { .id = 1, .batch_ppm = 500000, .lines = (const struct price_line[]){ AT(input, USD), AT(output, 2 * USD), AT(search, 100) }, .n_lines = 3 }, 0, NULL,
	  "input 10 x 1000000000 = 5000; output 10 x 2000000000 = 10000; search 1 x 100 = 100" },
	{ "priority", { .in_tok = 10, .tier = TIER_PRIORITY },
	  { .id = 1, .priority_ppm = 2500000, .lines = (const struct price_line[]){ AT(input, USD) }, .n_lines = 1 }, 0, NULL,
	  "input 10 x 1000000000 = 25000" },
	{ "a tier that has no factor", { .in_tok = 10, .tier = TIER_FLEX }, P(AT(input, USD)), 0, NULL, "input 10 x 1000000000 = 10000" },
	{ "a group", { .in_tok = 10, .searches = 1 }, P(AT(input, USD), AT(search, 100)), 800000, NULL,
	  "input 10 x 1000000000 = 8000; search 1 x 100 = 80" },
	{ "a group pays each line rounded up", { .in_tok = 1, .out_tok = 1 }, P(AT(input, 1000000), AT(output, 1000000)), 333333, NULL,
	  "input 1 x 1000000 = 1; output 1 x 1000000 = 1" },
	{ "a group of free", { .in_tok = 10 }, P(AT(input, USD)), -1, NULL, "input 10 x 1000000000 = 0" },
	/* 1,000,000 x 3 x 0.5 x 0.333333 = 499,999.5 millionths */
	{ "group and tier", { .in_tok = 1000000, .tier = TIER_FLEX },
	  { .id = 1, .flex_ppm = 500000, .lines = (const struct price_line[]){ AT(input, 3) }, .n_lines = 1 }, 333333, NULL,
	  "input 1000000 x 3 = 1" },
	{ "group and tier, exactly", { .in_tok = 1000000, .tier = TIER_FLEX },
	  { .id = 1, .flex_ppm = 500000, .lines = (const struct price_line[]){ AT(input, 10) }, .n_lines = 1 }, 800000, NULL,
	  "input 1000000 x 10 = 4" },
	{ "a billion dollars and no more", { .in_tok = INT64_MAX, .out_tok = INT64_MAX }, P(AT(input, NUSD_MAX), AT(output, NUSD_MAX)), 0, NULL,
	  "input 9223372036854775807 x 1000000000000000000 = 1000000000000000000; "
	  "output 9223372036854775807 x 1000000000000000000 = 1000000000000000000" },
	{ "also with factors", { .in_tok = INT64_MAX }, P(AT(input, NUSD_MAX)), 999999999, NULL,
	  "input 9223372036854775807 x 1000000000000000000 = 1000000000000000000" },
	/* clang-format on */
};

static void a_bill_has_a_line_for_each_price(void **state)
{
	char text[1024];
	struct bill b;

	(void)state;
	for (size_t i = 0; i < COUNT(bills); i++) {
		struct usage u = said(bills[i].u);
		int64_t factor = bills[i].factor_ppm, sum = 0;

		factor = factor < 0 ? 0 : factor ? factor : PPM;
		bill_make_image(&bills[i].p, &u, factor, bills[i].image, &b);
		row("%s", bills[i].label);
		ROW_STR(bill_text(&b, text, sizeof(text)), bills[i].want);
		for (int l = 0; l < b.n; l++)
			sum = MIN(sum + b.lines[l].amount_nusd, NUSD_MAX);
		ROW_INT(b.amount_nusd, sum);
	}
	rows_done();
}

static void parts_that_are_more_than_the_whole_are_said(void **state)
{
	const struct book_price p =
		P(AT(input, 1), AT(output, 1), AT(reasoning, 2));
	struct usage u =
		said((struct usage){ .out_tok = 4, .reasoning_tok = 4 });
	struct bill b;

	(void)state;
	bill_make(&p, &u, PPM, &b);
	assert_false(b.clamped);
	u.reasoning_tok = 5;
	bill_make(&p, &u, PPM, &b);
	assert_true(b.clamped);
}

static void the_log_keeps_it_as_json(void **state)
{
	static const struct price_line lines[] = { AT(input, 150000000),
						   FROM(10, output, 600000000),
						   PICTURE("1x1", 7) };
	const struct book_price p = {
		.id = 1, .flex_ppm = 500000, .lines = lines, .n_lines = 3
	};
	struct usage u = said((struct usage){
		.in_tok = 12, .out_tok = 3, .images = 1, .tier = TIER_FLEX });
	struct arena a;
	struct bill b;

	(void)state;
	arena_init(&a);
	u.cache_read_tok = 0;
	bill_make_image(&p, &u, 800000, "1x1", &b);
	assert_string_equal(
		bill_json(&b, &a),
		"[{\"line\":\"input\",\"count\":12,\"unit\":\"token\","
		"\"price_nusd\":150000000,\"per\":1000000,\"tier_ppm\":500000,"
		"\"factor_ppm\":800000,\"amount_nusd\":720},"
		"{\"line\":\"output\",\"from_tok\":10,\"count\":3,\"unit\":"
		"\"token\",\"price_nusd\":600000000,\"per\":1000000,"
		"\"tier_ppm\":500000,\"factor_ppm\":800000,\"amount_nusd\":720},"
		"{\"line\":\"image\",\"variant\":\"1x1\",\"count\":1,\"unit\":"
		"\"each\",\"price_nusd\":7,\"per\":1,\"tier_ppm\":500000,"
		"\"factor_ppm\":800000,\"amount_nusd\":3}]");
	assert_string_equal(bill_usage_json(&u, &a),
			    "{\"in_tok\":12,\"cache_read_tok\":0,\"out_tok\":3,"
			    "\"images\":1}");
	usage_init(&u);
	bill_make(&p, &u, PPM, &b);
	assert_string_equal(bill_json(&b, &a), "");
	assert_string_equal(bill_usage_json(&u, &a), "");
	arena_release(&a);
}

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
	{ "tools may search", P(AT(input, 0), AT(search, 700)), .tools = true, .want = 700 },
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

	row("inputs of a list have a context each");
	ask = ask_of(4000, 0, 1);
	ask.kind = ASK_EMBEDDING;
	p.context_tok = 500;
	ROW_INT(bill_reserve(&b, &got, &e), -1);
	ROW_INT(e.code, ERR_CONTEXT);
	err_clear(&e);
	ask.n_inputs = 2;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 1000000);

	row("tiers by name");
	ROW_INT(bill_tier(STR("priority")), TIER_PRIORITY);
	ROW_INT(bill_tier(STR("flex")), TIER_FLEX);
	ROW_INT(bill_tier(STR("auto")), TIER_DEFAULT);
	ROW_INT(bill_tier(STR_NONE), TIER_DEFAULT);

	row("free");
	p.free = true;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 0);
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
		{ "no price", 10, -1, -1, 0, 0, 0, 0, ERR_NO_PRICE, "model" },
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

static void no_cost_is_above_its_reserve(void **state)
{
	struct price_line lines[64];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct book_price p = { .id = 1, .lines = lines };
		int64_t bytes = below(3000), max = below(500), n = 1 + below(3);
		struct ask ask = ask_of(bytes, max, n);
		struct bill_ask b = bill_of(&ask, &p);
		struct err e = { 0 };
		int64_t hold = 0, sum = 0, tok;
		struct usage u;
		struct bill made;

		p.n_lines = any_lines(lines);
		ask.n_audio = ask.n_images = 1;
		b.factor_ppm = below(2) ? PPM : below(3 * PPM);
		u = any_usage(below(bytes + 1), below(max * n + 1));
		bill_make(&p, &u, b.factor_ppm, &made);
		row("round %d", i);
		ROW_INT(bill_reserve(&b, &hold, &e), 0);
		for (int l = 0; l < made.n; l++) {
			ROW_TRUE(made.lines[l].amount_nusd >= 0);
			sum += made.lines[l].amount_nusd;
		}
		ROW_INT(made.amount_nusd, sum);
		ROW_TRUE(sum <= hold);
		tok = bill_affordable_tok(&b, hold);
		ROW_TRUE(tok >= max);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bill_has_a_line_for_each_price),
		cmocka_unit_test(parts_that_are_more_than_the_whole_are_said),
		cmocka_unit_test(the_log_keeps_it_as_json),
		cmocka_unit_test(a_reserve_covers_the_worst),
		cmocka_unit_test(a_reserve_knows_every_line),
		cmocka_unit_test(some_kinds_differ),
		cmocka_unit_test(what_cannot_be_served_is_refused),
		cmocka_unit_test(money_buys_output),
		cmocka_unit_test(no_cost_is_above_its_reserve),
	};

	return cmocka_run_group_tests_name("bill", tests, NULL, NULL);
}
