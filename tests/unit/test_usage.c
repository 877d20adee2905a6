/* test_usage.c - lib/dialect/usage_read: every dialect's own example of usage,
 * what is counted, and what that costs. */
#include "dialect/usage_read.h"

#include "policy/bill.h"
#include "rows.h"

/* The rows and the prices: usage_examples.def. */
static const struct published {
	const char *label;
	enum usage_dialect dialect;
	enum usage_needs needs;
	const char *objects[3]; /* in the order in which they come */
	const char *want;
	enum usage_flag flag;
	enum service_tier tier;
	int64_t nusd;
} published[] = {
#include "usage_examples.def"
};

static void shorten(const char *s, struct buf *out)
{
	for (; *s; s++)
		if (!strncmp(s, "_tok=", 5)) {
			buf_char(out, ' ');
			s += 4;
		} else if (*s == '=') {
			buf_char(out, ' ');
		} else if (*s != ' ' || out->len) {
			buf_char(out, *s);
		}
}

static void print(const struct usage *u, struct buf *out)
{
	struct buf b;

	buf_init(&b, 4096);
	usage_print(u, &b);
	shorten(b.len ? b.p : "", out);
	buf_release(&b);
}

static enum usage_result hear(const struct published *p, struct usage *u)
{
	enum usage_result result = USAGE_SAID_NOTHING;
	struct usage_heard h;

	usage_init(u);
	usage_heard_init(&h);
	for (int i = 0; i < 3 && p->objects[i]; i++)
		result = usage_hear(p->dialect, p->needs, str_of(p->objects[i]),
				    &h, u);
	return result;
}

static void every_dialect_is_counted(void **state)
{
	struct usage u;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(published); i++) {
		const struct published *p = &published[i];

		row("%s", p->label);
		buf_clear(&b);
		ROW_INT(hear(p, &u), USAGE_GOOD);
		print(&u, &b);
		ROW_STR(b.p, p->want);
		ROW_INT(u.flag, p->flag);
		ROW_INT(u.tier, p->tier);
		ROW_INT(u.source, USAGE_UPSTREAM);
		ROW_TRUE(usage_sane(&u));
	}
	buf_release(&b);
	rows_done();
}

/* As above; a price is for a million, for an hour, for one. */
static const struct price_line sheet[] = {
	{ .line = LINE_input, .nusd = 2000 * 1000000LL },
	{ .line = LINE_cache_read, .nusd = 500 * 1000000LL },
	{ .line = LINE_cache_write_5m, .nusd = 2500 * 1000000LL },
	{ .line = LINE_cache_write_1h, .nusd = 4000 * 1000000LL },
	{ .line = LINE_output, .nusd = 8000 * 1000000LL },
	{ .line = LINE_reasoning, .nusd = 10000 * 1000000LL },
	{ .line = LINE_audio_in, .nusd = 40000 * 1000000LL },
	{ .line = LINE_audio_out, .nusd = 80000 * 1000000LL },
	{ .line = LINE_cached_audio, .nusd = 2500 * 1000000LL },
	{ .line = LINE_image_in, .nusd = 10000 * 1000000LL },
	{ .line = LINE_image_out, .nusd = 30000 * 1000000LL },
	{ .line = LINE_cached_image, .nusd = 1000 * 1000000LL },
	{ .line = LINE_time, .nusd = 100 * 3600000LL },
	{ .line = LINE_character, .nusd = 15000 * 1000000LL },
	{ .line = LINE_image, .nusd = 40000000 },
	{ .line = LINE_search, .nusd = 10000000 },
	{ .line = LINE_fetch, .nusd = 1000000 },
};

static void it_costs_what_was_worked_out_by_hand(void **state)
{
	struct price_line lines[COUNT(sheet)];
	struct book_price price = { .id = 1,
				    .lines = lines,
				    .n_lines = COUNT(lines) };
	struct usage u;
	struct bill bill;

	(void)state;
	for (size_t i = 0; i < COUNT(sheet); i++) {
		lines[i] = sheet[i];
		lines[i].variant = "";
	}
	for (size_t i = 0; i < COUNT(published); i++) {
		int64_t sum = 0;

		row("%s", published[i].label);
		hear(&published[i], &u);
		bill_make(&price, &u, PPM, &bill);
		for (int k = 0; k < bill.n; k++)
			sum += bill.lines[k].amount_nusd;
		ROW_INT(bill.amount_nusd, published[i].nusd);
		ROW_INT(sum, published[i].nusd);
		ROW_TRUE(!bill.clamped); /* it was, before it came here */
	}
	rows_done();
}

static const struct {
	const char *label, *object;
	enum usage_dialect dialect;
	enum usage_result want;
	enum usage_flag flag;
} refused[] = {
	{ "nothing", "{}", USAGE_OPENAI, USAGE_SAID_NOTHING, FLAG_NONE },
	{ "nulls", "{\"prompt_tokens\":null,\"completion_tokens\":null}",
	  USAGE_OPENAI, USAGE_SAID_NOTHING, FLAG_NONE },
	{ "other things", "{\"cost\":1}", USAGE_OPENAI, USAGE_SAID_NOTHING,
	  FLAG_NONE },
	{ "half", "{\"prompt_tokens\":3}", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_MISSING },
	{ "the other half", "{\"output_tokens\":3}", USAGE_ANTHROPIC,
	  USAGE_UNUSABLE, FLAG_MISSING },
	{ "a total alone", "{\"total_tokens\":3}", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_MISSING },
	{ "negative", "{\"prompt_tokens\":-3,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a part is negative",
	  "{\"prompt_tokens\":3,\"completion_tokens\":3,\"cached_tokens\":-1}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a string", "{\"prompt_tokens\":\"3\",\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "an object", "{\"prompt_tokens\":{},\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "true", "{\"prompt_tokens\":true,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a fraction", "{\"prompt_tokens\":3.5,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "10^18",
	  "{\"prompt_tokens\":1000000000000000000,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "1e30", "{\"prompt_tokens\":1e30,\"completion_tokens\":3}",
	  USAGE_OPENAI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a sum above what can be",
	  "{\"promptTokenCount\":1,\"candidatesTokenCount\":1000000000000,"
	  "\"thoughtsTokenCount\":1}",
	  USAGE_GEMINI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "seconds below zero", "{\"seconds\":-1}", USAGE_OPENAI,
	  USAGE_UNUSABLE, FLAG_ABSURD },
	{ "seconds with an exponent", "{\"seconds\":1e2}", USAGE_OPENAI,
	  USAGE_UNUSABLE, FLAG_ABSURD },
	{ "digits that are none",
	  "{\"PromptTokensDetails\":{\"CachedTokens\":\"four\"}}",
	  USAGE_TENCENT, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "a list's element is negative",
	  "{\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
	  "\"tokenCount\":-5}]}",
	  USAGE_GEMINI, USAGE_UNUSABLE, FLAG_ABSURD },
	{ "not JSON", "{\"prompt_tokens\":", USAGE_OPENAI, USAGE_UNUSABLE,
	  FLAG_ABSURD },
};

static void what_cannot_be_is_refused(void **state)
{
	struct usage_heard h;
	struct usage u;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%s", refused[i].label);
		usage_heard_init(&h);
		ROW_INT(usage_hear(refused[i].dialect, USAGE_NEEDS_BOTH,
				   str_of(refused[i].object), &h, &u),
			refused[i].want);
		ROW_INT(u.flag, refused[i].flag);
		ROW_INT(u.source, USAGE_NONE);
	}
	rows_done();
}

static void a_bad_object_changes_nothing(void **state)
{
	struct usage_heard h;
	struct usage u;

	(void)state;
	usage_heard_init(&h);
	assert_true(usage_read(USAGE_OPENAI,
			       STR("{\"prompt_tokens\":3,"
				   "\"completion_tokens\":4}"),
			       &h));
	assert_false(usage_read(USAGE_OPENAI,
				STR("{\"prompt_tokens\":9,"
				    "\"completion_tokens\":-4}"),
				&h));
	assert_int_equal(usage_map(&h, USAGE_OPENAI, USAGE_NEEDS_BOTH, &u),
			 USAGE_GOOD);
	assert_int_equal(u.in_tok, 3);
	assert_int_equal(u.out_tok, 4);
}

/* prompt: tokens, bytes; output: tokens, bytes */
#define OWN(pt, pb, ot, ob, ...)                                           \
	{                                                                  \
		.prompt_tok = (pt), .prompt_bytes = (pb), .out_tok = (ot), \
		.out_bytes = (ob), __VA_ARGS__                             \
	}

static const struct {
	const char *label;
	int64_t in, out, reasoning, searches;
	struct usage_own own;
	bool want;
} judged[] = {
	{ "as we counted", 100, 50, -1, -1, OWN(100, 400, 50, 200), true },
	{ "a template more", 3000, 50, -1, -1, OWN(10, 40, 50, 200), true },
	{ "three times and the margin", 34096, 0, -1, -1,
	  OWN(10000, 20000, 0, 0), true },
	{ "one more", 34097, 0, -1, -1, OWN(10000, 20000, 0, 0), false },
	{ "a token a byte", 40000, 0, -1, -1, OWN(10000, 40000, 0, 0), true },
	{ "pictures were not counted", 90000, 0, -1, -1,
	  OWN(10, 40, 0, 0, .more_in = true), true },
	{ "what searches found", 90000, 0, -1, 3, OWN(10, 40, 0, 0), true },
	{ "too much said", 10, 5000, -1, -1, OWN(10, 40, 10, 40), false },
	{ "but it was thinking", 10, 5000, 4900, -1, OWN(10, 40, 10, 40),
	  true },
	{ "more than the context", 200000, 0, -1, -1,
	  OWN(200000, 800000, 0, 0, .context_tok = 128000), false },
	{ "it thought longer than the context", 10, 200000, 199999, -1,
	  OWN(10, 40, 1, 4, .context_tok = 128000), false },
	{ "two choices together may", 10, 200000, 199999, -1,
	  OWN(10, 40, 1, 4, .context_tok = 128000, .choices = 2), true },
	{ "many texts to embed", 200000, -1, -1, -1,
	  OWN(200000, 800000, 0, 0, .context_tok = 8192, .prompts = 100),
	  true },
	{ "no model reads as much", 200000000, 0, -1, -1,
	  OWN(10, 40, 0, 0, .more_in = true), false },
	{ "negative", -2, 1, -1, -1, OWN(10, 40, 1, 4), false },
};

static void it_is_compared_with_our_own_count(void **state)
{
	struct usage u;

	(void)state;
	for (size_t i = 0; i < COUNT(judged); i++) {
		row("%s", judged[i].label);
		usage_init(&u);
		u.in_tok = judged[i].in;
		u.out_tok = judged[i].out;
		u.reasoning_tok = judged[i].reasoning;
		u.searches = judged[i].searches;
		ROW_INT(usage_plausible(&u, &judged[i].own), judged[i].want);
	}
	rows_done();
}

static void what_was_said_is_kept_without_its_spaces(void **state)
{
	char *much = mem_alloc(USAGE_RAW_MAX + 8);
	struct buf b;

	(void)state;
	buf_init(&b, USAGE_RAW_MAX + 1);
	usage_raw(STR("{\n \"a b\" : 1,\t\"c\\\" d\" : \"\\\\\" }"), &b);
	assert_string_equal(b.p, "{\"a b\":1,\"c\\\" d\":\"\\\\\"}");
	memset(much, '1', USAGE_RAW_MAX);
	usage_raw(str_of(much), &b);
	assert_int_equal(b.len, USAGE_RAW_MAX);
	assert_true(buf_ok(&b));
	much[USAGE_RAW_MAX] = '1';
	usage_raw(str_of(much), &b);
	assert_int_equal(b.len, 0);
	assert_true(buf_ok(&b));
	buf_release(&b);
	free(much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_is_counted),
		cmocka_unit_test(it_costs_what_was_worked_out_by_hand),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_bad_object_changes_nothing),
		cmocka_unit_test(it_is_compared_with_our_own_count),
		cmocka_unit_test(what_was_said_is_kept_without_its_spaces),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
