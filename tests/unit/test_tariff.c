/* test_tariff.c - prices as others write them. */
#include "rows.h"

#include "base/arena.h"
#include "base/nusd.h"
#include "policy/tariff.h"

/* --- decimals --------------------------------------------------------------- */

static void a_decimal_is_exact(void **state)
{
	static const struct {
		const char *text;
		int scale;
		int64_t by, want; /* -1: refused */
	} rows[] = {
		{ "1.5e-07", 15, 1, 150000000 },
		{ "1.5E-07", 15, 1, 150000000 },
		{ "0.00000015", 15, 1, 150000000 },
		{ "3e-06", 15, 1, 3000000000 },
		{ "1e+1", 9, 1, 10000000000 },
		{ "0", 15, 1, 0 },
		{ "0.0", 15, 1, 0 },
		{ "0e99", 15, 1, 0 },
		{ "7", 0, 1, 7 },
		{ "2.5", 9, 2, 5000000000 },
		{ "0.075", 9, 1, 75000000 },
		/* what a float made of 6e-07 */
		{ "6.000000000000001e-07", 15, 1, 600000000 },
		{ "5.999999999999999e-07", 15, 1, 600000000 },
		{ "0.0000000004", 9, 1, 0 },
		{ "0.0000000005", 9, 1, 1 },
		{ "1e-30", 9, 1, 0 },
		{ "9e-2", 0, 1, 0 },
		{ "0.333333333333333333333333333333333333", 9, 1, 333333333 },
		{ "1000000000", 9, 1, NUSD_MAX },
		{ "1000000001", 9, 1, -1 },
		{ "1e30", 9, 1, -1 },
		{ "1e9999", 15, 1, -1 },
		{ "99999999999999999999999999999999999999999999", 0, 1, -1 },
		{ "123456789012345678901234567890e-20", 0, 1, 1234567890 },
		{ "-1", 9, 1, -1 },
		{ "-0", 9, 1, -1 },
		{ "+1", 9, 1, -1 },
		{ "", 9, 1, -1 },
		{ "1.", 9, 1, -1 },
		{ ".5", 9, 1, -1 },
		{ "1e", 9, 1, -1 },
		{ "1e+-2", 9, 1, -1 },
		{ "1e99999", 9, 1, -1 },
		{ "0x10", 9, 1, -1 },
		{ "1 ", 9, 1, -1 },
		{ "NaN", 9, 1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got;
		int rc = nusd_decimal(str_of(rows[i].text), rows[i].scale,
				      rows[i].by, &got);

		row("%s", rows[i].text);
		ROW_INT(rc ? -1 : got, rows[i].want);
	}
	rows_done();
}

/* --- price maps -------------------------------------------------------------- */

static void put_price(struct buf *b, const struct tariff_row *r)
{
	const struct price *p = &r->price;

	buf_printf(b, "%s%s%s:", p->model, *r->channel ? "/" : "", r->channel);
	if (r->refused) {
		buf_printf(b, " REFUSED %s\n", r->refused);
		return;
	}
	if (p->free)
		buf_str(b, " free");
	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *l = &p->lines[i];
		char at[NUSD_TEXT];

		buf_printf(b, " %s%s%s", line_info(l->line)->name,
			   *l->variant ? ":" : "", l->variant);
		if (l->from_tok)
			buf_printf(b, "@%lld", (long long)l->from_tok);
		buf_printf(b, "=%s", nusd_text(l->nusd, at));
	}
	if (p->batch_ppm || p->flex_ppm || p->priority_ppm)
		buf_printf(b, " tiers %lld/%lld/%lld", (long long)p->batch_ppm,
			   (long long)p->flex_ppm, (long long)p->priority_ppm);
	if (p->context_tok || p->max_output_tok)
		buf_printf(b, " limits %lld/%lld", (long long)p->context_tok,
			   (long long)p->max_output_tok);
	if (r->doubt)
		buf_str(b, " DOUBT");
	buf_char(b, '\n');
}

static const struct {
	const char *label, *provider, *text, *want; /* want "": no map */
} maps[] = {
	/* clang-format off */
	{ "ours", NULL,
	  "[{\"model\":\"b\",\"channel\":null,\"free\":false,\"context_tok\":8,\"max_output_tok\":4,\"batch_ppm\":500000,\"lines\":["
	  "{\"line\":\"input\",\"nusd\":150000000,\"per\":1000000},{\"line\":\"output\",\"usd\":0.6},"
	  "{\"line\":\"image\",\"variant\":\"1x1\",\"usd\":0.04},{\"line\":\"input\",\"from_tok\":100,\"usd\":3e-1}]},"
	  "{\"model\":\"a\",\"free\":true,\"lines\":[]},{\"model\":\"c\",\"channel\":\"up\",\"lines\":[{\"line\":\"time\",\"usd\":0.36,\"per\":3600000}]}]",
	  "a: free\n"
	  "b: input=0.15 input@100=0.30 output=0.60 image:1x1=0.04 tiers 500000/0/0 limits 8/4\n"
	  "c/up: time=0.36\n" },
	{ "ours, wrong", NULL,
	  "{\"prices\":[{\"model\":\"a\",\"lines\":[{\"line\":\"inptu\",\"nusd\":1}]},"
	  "{\"model\":\"b\",\"lines\":[{\"line\":\"input\",\"nusd\":1,\"per\":1000}]},"
	  "{\"model\":\"c\",\"lines\":[{\"line\":\"input\",\"nusd\":-1}]},"
	  "{\"model\":\"d\",\"lines\":[{\"line\":\"input\"}]},"
	  "{\"model\":\"e\",\"lines\":[{\"line\":\"input\",\"nusd\":\"1\"}]},"
	  "{\"model\":\"f\",\"lines\":[]},"
	  "{\"model\":\"g\",\"lines\":[{\"line\":\"input\",\"nusd\":1},{\"line\":\"input\",\"nusd\":2}]},"
	  "{\"model\":\"h\",\"free\":true,\"lines\":[{\"line\":\"input\",\"nusd\":1}]},"
	  "{\"model\":\"i\",\"batch_ppm\":-5,\"lines\":[{\"line\":\"input\",\"nusd\":5000}]},"
	  "{\"model\":\"j\\u0007\",\"lines\":[{\"line\":\"input\",\"nusd\":5000}]}]}",
	  "a: REFUSED there is no line \"inptu\"\n"
	  "b: REFUSED input is no price for 1M tokens\n"
	  "c: REFUSED input is no price for 1M tokens\n"
	  "d: REFUSED input is no price for 1M tokens\n"
	  "e: REFUSED input is no price for 1M tokens\n"
	  "f: REFUSED it has no price that is understood here\n"
	  "g: REFUSED the price of input is there twice\n"
	  "h: REFUSED it is free and has a price\n"
	  "i: REFUSED batch_ppm is no factor\n"
	  "j\a: REFUSED its name cannot be one\n" },
	{ "LiteLLM", NULL,
	  "{\"sample_spec\":{\"input_cost_per_token\":0,\"litellm_provider\":\"x\"},"
	  "\"m1\":{\"litellm_provider\":\"openai\",\"mode\":\"chat\",\"input_cost_per_token\":1.5e-07,\"output_cost_per_token\":6e-07,"
	  "\"cache_read_input_token_cost\":7.5e-08,\"input_cost_per_token_batches\":7.5e-08,\"output_cost_per_token_batches\":3e-07,"
	  "\"input_cost_per_token_priority\":2.5e-07,\"output_cost_per_token_priority\":1e-06,\"max_input_tokens\":128000,\"max_output_tokens\":16384,"
	  "\"search_context_cost_per_query\":{\"search_context_size_low\":0.03,\"search_context_size_medium\":0.035}},"
	  "\"m2\":{\"litellm_provider\":\"vertex\",\"input_cost_per_token\":1.25e-06,\"input_cost_per_token_above_200k_tokens\":2.5e-06,"
	  "\"output_cost_per_token\":1e-05,\"output_cost_per_token_above_200k_tokens\":1.5e-05,\"cache_creation_input_token_cost\":2e-06,"
	  "\"cache_creation_input_token_cost_above_1hr\":3e-06,\"output_cost_per_reasoning_token\":1.1e-05},"
	  "\"m3\":{\"litellm_provider\":\"openai\",\"mode\":\"audio_transcription\",\"input_cost_per_second\":0.0001,\"output_cost_per_second\":0.0001},"
	  "\"m4\":{\"litellm_provider\":\"openai\",\"mode\":\"image_generation\",\"input_cost_per_pixel\":1.9e-08},"
	  "\"m5\":{\"litellm_provider\":\"openai\",\"mode\":\"audio_speech\",\"input_cost_per_character\":1.5e-05},"
	  "\"m6\":{\"litellm_provider\":\"openai\",\"mode\":\"image_generation\",\"output_cost_per_image\":0.04},"
	  "\"m7\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":0,\"output_cost_per_token\":0.0},"
	  "\"m8\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":\"1.5e-07\",\"output_cost_per_token\":1},"
	  "\"m9\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":-1e-7,\"output_cost_per_token\":1e-7}}",
	  "m1: input=0.15 cache_read=0.075 output=0.60 search=0.035 tiers 500000/0/0 limits 128000/16384\n"
	  "m2: input=1.25 input@200001=2.50 cache_write_5m=2.00 cache_write_1h=3.00 output=10.00 output@200001=15.00 reasoning=11.00\n"
	  "m3: time=0.36\n"
	  "m4: REFUSED it has no price that is understood here\n"
	  "m5: character=15.00\n"
	  "m6: image=0.04\n"
	  "m7: free\n"
	  "m8: REFUSED input_cost_per_token is no price\n"
	  "m9: REFUSED input_cost_per_token is no price\n" },
	{ "one provider of LiteLLM", "b",
	  "{\"m1\":{\"litellm_provider\":\"a\",\"input_cost_per_token\":1e-7,\"output_cost_per_token\":1e-7},"
	  "\"m2\":{\"litellm_provider\":\"b\",\"input_cost_per_token\":1e-7,\"output_cost_per_token\":1e-7}}",
	  "m2: input=0.10 output=0.10\n" },
	{ "models.dev", NULL,
	  "{\"p1\":{\"id\":\"p1\",\"models\":{\"m1\":{\"id\":\"m1\",\"cost\":{\"input\":3,\"output\":15,\"cache_read\":0.3,\"cache_write\":3.75,"
	  "\"context_over_200k\":{\"input\":6,\"output\":22.5}},\"limit\":{\"context\":1000000,\"output\":64000}},"
	  "\"m2\":{\"id\":\"m2\",\"cost\":{\"input\":1,\"output\":2}},\"m3\":{\"id\":\"m3\",\"cost\":{\"input\":1,\"output\":2}},\"m4\":{\"id\":\"m4\"}}},"
	  "\"p2\":{\"id\":\"p2\",\"models\":{\"m2\":{\"id\":\"m2\",\"cost\":{\"input\":1.0,\"output\":2.00}},\"m3\":{\"id\":\"m3\",\"cost\":{\"input\":1,\"output\":3}}}}}",
	  "m1: input=3.00 input@200001=6.00 cache_read=0.30 cache_write_5m=3.75 output=15.00 output@200001=22.50 limits 1000000/64000\n"
	  "m2: input=1.00 output=2.00\n"
	  "m3: REFUSED \"p1\" and \"p2\" have different prices: choose one with --provider\n"
	  "m4: REFUSED it has no price that is understood here\n" },
	{ "one provider of models.dev", "p2",
	  "{\"p1\":{\"models\":{\"m3\":{\"cost\":{\"input\":1,\"output\":2}}}},\"p2\":{\"models\":{\"m3\":{\"cost\":{\"input\":1,\"output\":3}}}}}",
	  "m3: input=1.00 output=3.00\n" },
	{ "genai-prices", NULL,
	  "[{\"id\":\"p\",\"models\":[{\"id\":\"m1\",\"context_window\":200000,\"prices\":{\"input_mtok\":{\"base\":1.25,\"tiers\":[{\"start\":200000,\"price\":2.5}]},"
	  "\"output_mtok\":10,\"requests_kcount\":5}},"
	  "{\"id\":\"m2\",\"prices\":[{\"prices\":{\"input_mtok\":10,\"output_mtok\":40}},{\"constraint\":{\"start_date\":\"2025-06-10\"},\"prices\":{\"input_mtok\":2,\"output_mtok\":8}},"
	  "{\"constraint\":{\"start_date\":\"2999-01-01\"},\"prices\":{\"input_mtok\":99,\"output_mtok\":99}}]}]}]",
	  "m1: input=1.25 input@200001=2.50 output=10.00 request=0.005 limits 200000/0\n"
	  "m2: input=2.00 output=8.00\n" },
	{ "Portkey", NULL,
	  "{\"default\":{\"pricing_config\":{}},\"m1\":{\"pricing_config\":{\"pay_as_you_go\":{\"request_token\":{\"price\":0.00025},"
	  "\"response_token\":{\"price\":0.001},\"cache_read_input_token\":{\"price\":0.000125},\"additional_units\":{\"web_search\":{\"price\":1}}}}}}",
	  "m1: input=2.50 cache_read=1.25 output=10.00 search=0.01\n" },
	{ "one-api", NULL,
	  "{\"ModelRatio\":\"{\\\"m1\\\":1.25,\\\"m2\\\":0,\\\"m3\\\":1}\",\"CompletionRatio\":{\"m1\":4},\"CacheRatio\":{\"m1\":0.5},\"CreateCacheRatio\":{\"m1\":1.25},"
	  "\"ModelPrice\":{\"m4\":0.1}}",
	  "m1: input=2.50 cache_read=1.25 cache_write_5m=3.125 output=10.00\n"
	  "m2: free\n"
	  "m3: REFUSED its CompletionRatio is not in the file\n"
	  "m4: request=0.10\n" },
	{ "new-api's own words", NULL,
	  "{\"data\":{\"model_ratio\":{\"m1\":0.075},\"completion_ratio\":{\"m1\":4},\"model_price\":{}},\"success\":true}",
	  "m1: input=0.15 output=0.60\n" },
	{ "one-hub", NULL,
	  "{\"data\":[{\"model\":\"m1\",\"type\":\"tokens\",\"channel_type\":1,\"input\":1.25,\"output\":5,\"extra_ratios\":{\"cached_tokens\":0.5,\"reasoning_tokens\":2}},"
	  "{\"model\":\"m2\",\"type\":\"times\",\"channel_type\":1,\"input\":20,\"output\":0}]}",
	  "m1: input=2.50 cache_read=1.25 output=10.00 reasoning=20.00\n"
	  "m2: request=0.04\n" },
	{ "doubtful", NULL,
	  "{\"a\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":0.1,\"output_cost_per_token\":0.1},"
	  "\"b\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":1e-5,\"output_cost_per_token\":9e-8},"
	  "\"c\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":1e-6,\"output_cost_per_token\":1e-6,\"cache_read_input_token_cost\":2e-6},"
	  "\"d\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":1e-13,\"output_cost_per_token\":1e-13},"
	  "\"e\":{\"litellm_provider\":\"x\",\"input_cost_per_token\":1e-6,\"output_cost_per_token\":1e-6,\"max_input_tokens\":10,\"max_output_tokens\":11}}",
	  "a: input=100000.00 output=100000.00 DOUBT\n"
	  "b: input=10.00 output=0.09 DOUBT\n"
	  "c: input=1.00 cache_read=2.00 output=1.00 DOUBT\n"
	  "d: input=0.0000001 output=0.0000001 DOUBT\n"
	  "e: input=1.00 output=1.00 limits 10/11 DOUBT\n" },
	{ "nothing", NULL, "{}", "" },
	{ "an empty list", NULL, "[]", "" },
	{ "something else", NULL, "{\"hello\":{\"world\":1}}", "" },
	{ "a number", NULL, "5", "" },
	{ "the same twice", NULL, "{\"m\":{\"litellm_provider\":\"x\"},\"m\":{\"litellm_provider\":\"x\"}}", "" },
	{ "no JSON", NULL, "{\"m\":{'a':1}}", "" },
	{ "two texts", NULL, "{}},{\"a\":1", "" },
	/* clang-format on */
};

static void every_map_becomes_prices(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++) {
		const struct tariff_ask ask = { .provider = maps[i].provider };
		struct tariff t;
		struct arena a;
		struct err e = { 0 };
		struct buf got;
		int rc;

		arena_init(&a);
		buf_init(&got, 65536);
		row("%s", maps[i].label);
		rc = tariff_read(str_of(maps[i].text), &ask, &a, &t, &e);
		ROW_INT(rc, *maps[i].want ? 0 : -1);
		for (int j = 0; !rc && j < t.n; j++)
			put_price(&got, &t.rows[j]);
		ROW_STR(got.p, maps[i].want);
		buf_release(&got);
		arena_release(&a);
	}
	rows_done();
}

/* --- what comes with this version ---------------------------------------------- */

static void what_comes_with_it_is_sound(void **state)
{
	struct tariff t;
	struct arena a;
	struct err e = { 0 };
	int n_free = 0;

	(void)state;
	arena_init(&a);
	assert_int_equal(tariff_builtin(&a, &t, &e), 0);
	assert_true(t.n > 400);
	for (int i = 0; i < t.n; i++) {
		const struct tariff_row *r = &t.rows[i];

		row("%s", r->price.model);
		ROW_STR(r->refused ? r->refused : "", "");
		ROW_STR(r->doubt ? r->doubt : "", "");
		ROW_TRUE(r->price.free == !r->price.n_lines);
		for (int j = 0; j < i; j++)
			ROW_TRUE(strcmp(t.rows[j].price.model,
					r->price.model) != 0);
		n_free += r->price.free;
	}
	assert_true(n_free < 10);
	arena_release(&a);
	rows_done();
}

/* --- lists on a command line ---------------------------------------------------- */

static void lists_are_read_or_refused(void **state)
{
	static const struct {
		const char *tiers, *images;
		int want; /* lines; -1: refused */
	} rows[] = {
		{ "200001:input=2.5,output=15", NULL, 2 },
		{ "10:input=1,20:input=2,cached=1", NULL, 3 },
		{ NULL, "0.04", 1 },
		{ NULL, "0.04,1x1/high=0.1,1x1=0.05", 3 },
		{ "input=1", NULL, -1 },
		{ "0:input=1", NULL, -1 },
		{ "-5:input=1", NULL, -1 },
		{ "x:input=1", NULL, -1 },
		{ "5:image=1", NULL, -1 },
		{ "5:none=1", NULL, -1 },
		{ "5:input", NULL, -1 },
		{ "5:input=", NULL, -1 },
		{ "5:input=-1", NULL, -1 },
		{ "5:input=1,input=1", NULL, -1 },
		{ NULL, "x", -1 },
		{ NULL, "=1", -1 },
		{ NULL, "1x1=0.0000000001", -1 },
		{ NULL, "0.1,0.2", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tariff_lines l;
		struct price p = { .model = "m" };
		struct err e = { 0 };
		struct arena a;
		int rc = 0;

		arena_init(&a);
		tariff_lines_init(&l, &a);
		if (rows[i].tiers)
			rc = tariff_tiers(&l, str_of(rows[i].tiers), &e);
		if (rows[i].images)
			rc = tariff_images(&l, str_of(rows[i].images), &e);
		if (!rc)
			rc = tariff_lines_end(&l, &p, &e);
		row("%s%s", rows[i].tiers ? rows[i].tiers : "",
		    rows[i].images ? rows[i].images : "");
		ROW_INT(rc ? -1 : p.n_lines, rows[i].want);
		arena_release(&a);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decimal_is_exact),
		cmocka_unit_test(every_map_becomes_prices),
		cmocka_unit_test(what_comes_with_it_is_sound),
		cmocka_unit_test(lists_are_read_or_refused),
	};

	return cmocka_run_group_tests_name("tariff", tests, NULL, NULL);
}
