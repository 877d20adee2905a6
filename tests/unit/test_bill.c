/* test_bill.c - what a request did cost. */
#include "prices.h"

#include "base/arena.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bill_has_a_line_for_each_price),
		cmocka_unit_test(parts_that_are_more_than_the_whole_are_said),
		cmocka_unit_test(the_log_keeps_it_as_json),
	};

	return cmocka_run_group_tests_name("bill", tests, NULL, NULL);
}
