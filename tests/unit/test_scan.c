/* test_scan.c - the strict scanner: what it refuses, and what it points at. */
#include "rows.h"

#include "base/buf.h"
#include "json/scan.h"

#define TEN(s)      s s s s s s s s s s
#define SAMPLE_LONG "{\"a\":" TEN(TEN(TEN("1"))) "1}"

static const struct scan_limits client = { .depth = 64,
					   .values = 20000,
					   .keys = 4000 };
/* Those that the samples of scan_rules.def are made for. */
static const struct scan_limits tiny = { .depth = 3, .values = 8, .keys = 4 };

static const struct rule {
	const char *name;
	enum err_code code;
	struct str sample;
} rules[] = {
#define R(name, code, words, sample) { #name, ERR_##code, STR(sample) },
#include "json/scan_rules.def"
#undef R
};

static int scan_once(struct str text, const struct scan_limits *lim,
		     uint64_t skip, struct err *e)
{
	struct scan s;
	int rc;

	err_clear(e);
	scan_init(&s, NULL, lim, NULL, NULL);
	s.skip = skip;
	rc = scan_text(&s, text, e);
	scan_release(&s);
	return rc;
}

static void every_rule_is_needed(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		row("%s", rules[i].name);
		ROW_INT(scan_once(rules[i].sample, &tiny, 0, &e), -1);
		ROW_INT(e.code, rules[i].code);
		ROW_INT(scan_once(rules[i].sample, &tiny, 1ull << i, &e), 0);
		ROW_STR(e.msg, "");
		ROW_INT(scan_once(rules[i].sample, &tiny, ~(1ull << i), &e),
			-1);
	}
	rows_done();
}

static const struct {
	struct str text;
	enum err_code code;
} refused[] = {
	{ { "", 0 }, ERR_JSON },
	{ { " ", 1 }, ERR_JSON },
	{ STR("null"), ERR_JSON },
	{ STR("1"), ERR_JSON },
	{ STR("\"a\""), ERR_JSON },
	{ STR("[]"), ERR_JSON },
	{ STR("{"), ERR_JSON },
	{ STR("}"), ERR_JSON },
	{ STR("{\"model\":\"m\",\"messages\":["), ERR_JSON },
	{ STR("{\"a\":[{},]}"), ERR_JSON },
	{ STR("{\"a\":1,}"), ERR_JSON },
	{ STR("{,\"a\":1}"), ERR_JSON },
	{ STR("{\"a\":[,1]}"), ERR_JSON },
	{ STR("{\"a\":[1,,2]}"), ERR_JSON },
	{ STR("{\"a\":1/*x*/}"), ERR_JSON },
	{ STR("{\"a\":1}#"), ERR_JSON },
	{ STR("{'a':1}"), ERR_JSON },
	{ STR("{a:1}"), ERR_JSON },
	{ STR("{\"a\"}"), ERR_JSON },
	{ STR("{\"a\":}"), ERR_JSON },
	{ STR("{\"a\":1 \"b\":2}"), ERR_JSON },
	{ STR("{\"a\":[1}"), ERR_JSON },
	{ STR("{\"a\":1]"), ERR_JSON },
	{ STR("{\"a\":[}"), ERR_JSON },
	{ STR("{]"), ERR_JSON },
	{ STR("{\"a\":Infinity}"), ERR_JSON },
	{ STR("{\"a\":-Infinity}"), ERR_JSON },
	{ STR("{\"a\":TRUE}"), ERR_JSON },
	{ STR("{\"a\":nul}"), ERR_JSON },
	{ STR("{\"a\":truefalse}"), ERR_JSON },
	{ STR("{\"a\":nullx}"), ERR_JSON },
	{ STR("{\"a\":010}"), ERR_JSON },
	{ STR("{\"a\":-01}"), ERR_JSON },
	{ STR("{\"a\":.5}"), ERR_JSON },
	{ STR("{\"a\":1.}"), ERR_JSON },
	{ STR("{\"a\":1.e1}"), ERR_JSON },
	{ STR("{\"a\":1e}"), ERR_JSON },
	{ STR("{\"a\":1e+}"), ERR_JSON },
	{ STR("{\"a\":1-2}"), ERR_JSON },
	{ STR("{\"a\":0x10}"), ERR_JSON },
	{ STR("{\"a\":1.2.3}"), ERR_JSON },
	{ STR("{\"a\":\"b"), ERR_JSON },
	{ STR("{\"a\":\"b\\"), ERR_JSON },
	{ STR("{\"a\":\"\x01\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\u12\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\U0041\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\'\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\ud800\\u0041\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\ud800\\ud800\\udc00\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\ud800x\"}"), ERR_JSON },
	{ STR("{\"a\":\"\\ud800\\n\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xC0\xAF\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xC1\xBF\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xE0\x9F\xBF\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xED\xBF\xBF\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xF0\x8F\xBF\xBF\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xF4\x90\x80\x80\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xF5\x80\x80\x80\"}"), ERR_JSON },
	{ STR("{\"a\":\"\x80\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xE2\x82\"}"), ERR_JSON },
	{ STR("{\"a\":\"\xE2\x82xxxx\"}"), ERR_JSON },
	{ STR("\xEF\xBB\xBF{}"), ERR_JSON },
	{ STR("{}\0"), ERR_JSON },
	{ STR("{}{}"), ERR_JSON },
	{ STR("{}}"), ERR_JSON },
	{ STR("\0{}"), ERR_JSON },
	{ STR("{\"\\u0000\":1}"), ERR_JSON },
	{ STR("{\"model\":1,\"mod\\u0065l\":2}"), ERR_DUPLICATE_KEY },
	{ STR("{\"a\":{\"b\":1,\"b\":1}}"), ERR_DUPLICATE_KEY },
	{ STR("{\"a\":[{\"b\":1},{\"c\":1,\"c\":1}]}"), ERR_DUPLICATE_KEY },
	{ STR("{\"\":1,\"\":1}"), ERR_DUPLICATE_KEY },
	{ STR("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":1}"),
	  ERR_DUPLICATE_KEY },
	{ STR("{\"a\\/b\":1,\"a/b\":1}"), ERR_DUPLICATE_KEY },
};

static void these_are_refused(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%.*s", STR_FMT(refused[i].text));
		ROW_INT(scan_once(refused[i].text, &client, 0, &e), -1);
		ROW_INT(e.code, refused[i].code);
		ROW_INT(strncmp(e.msg,
				"We could not parse the JSON body of your "
				"request: at byte ",
				57),
			0);
	}
	rows_done();
}

static const char *const passed[] = {
	"{}",
	" \t\r\n{ } \n",
	"{\"a\":[]}",
	"{\"a\":[ ]}",
	"{\"a\" : [ 1 , 2 ] , \"b\" : null }",
	"{\"a\":0,\"b\":-0,\"c\":0.0,\"d\":1e400,\"e\":1E-2,\"f\":-12.50e+3}",
	"{\"a\":18446744073709551616}",
	"{\"a\":\"\\u0000\"}",
	"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}",
	"{\"a\":\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\"}",
	"{\"a\":\"\xEE\x80\x80\xEF\xBF\xBF\"}",
	"{\"a\":\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"}",
	"{\"a\":\"\xEF\xBB\xBF\"}",
	"{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
	"{\"a\":[{\"b\":1},{\"b\":1}]}",
	"{\"\":{\"\":1}}",
	"{\"a\":true,\"b\":false,\"c\":null}",
	"{\"a\":[true,false,null]}",
};

static void these_pass_however_cut(void **state)
{
	struct scan s;
	struct err e = { 0 };

	(void)state;
	scan_init(&s, NULL, &client, NULL, NULL);
	for (size_t i = 0; i < COUNT(passed); i++)
		for (size_t cut = 0; cut <= strlen(passed[i]); cut++) {
			row("%s, cut at %zu", passed[i], cut);
			scan_reset(&s);
			ROW_INT(scan_feed(&s, passed[i], cut, &e), 0);
			ROW_INT(scan_end(&s, passed[i], strlen(passed[i]), &e),
				0);
			ROW_STR(e.msg, "");
			err_clear(&e);
		}
	scan_release(&s);
	rows_done();
}

static void refused_alike_however_cut(void **state)
{
	struct err once, e;
	struct scan s;

	(void)state;
	scan_init(&s, NULL, &client, NULL, NULL);
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct str t = refused[i].text;

		scan_once(t, &client, 0, &once);
		for (size_t cut = 0; cut <= t.n; cut++) {
			row("%.*s, cut at %zu", STR_FMT(t), cut);
			err_clear(&e);
			scan_reset(&s);
			if (!scan_feed(&s, t.p, cut, &e))
				scan_end(&s, t.p, t.n, &e);
			ROW_STR(e.msg, once.msg);
			ROW_STR(e.param, once.param);
		}
	}
	scan_release(&s);
	rows_done();
}

/* --- hits ----------------------------------------------------------------- */

static const char *const wanted[] = {
	"model",
	"messages",
	"messages[]",
	"messages[].role",
	"messages[].content",
	"messages[].content[].type",
	"stream_options.include_usage",
	"ids[][]",
	"bias.*",
	"bias.known",
	"",
};

static int print_hit(void *arg, const struct scan_hit *h, struct err *e)
{
	struct buf *out = arg;

	(void)e;
	buf_printf(out, "[%s", wanted[h->path]);
	for (int i = 0; i < h->n_index; i++)
		buf_printf(out, " %d", h->index[i]);
	if (h->open)
		buf_printf(out, " opens %c", h->base[h->from]);
	else
		buf_printf(out, "=%.*s", STR_FMT(scan_hit_text(h)));
	if (!h->open && h->kind >= SCAN_ARRAY)
		buf_printf(out, " x%lld", (long long)h->count);
	if (h->member)
		buf_printf(out, " @%.3s", h->base + h->member_from);
	buf_char(out, ']');
	return 0;
}

static const struct {
	const char *text, *want;
} hits[] = {
	{ "{}", "[ opens {][={} x0]" },
	{ "{\"model\":\"a\\\"b\"}",
	  "[ opens {][model=\"a\\\"b\" @\"mo][={\"model\":\"a\\\"b\"} x1]" },
	{ "{\"m\\u006fdel\":-1.5e3 ,\"x\":{\"model\":1}}",
	  "[ opens {][model=-1.5e3 @\"m\\]"
	  "[={\"m\\u006fdel\":-1.5e3 ,\"x\":{\"model\":1}} x2]" },
	{ "{\"messages\":[{\"content\":[{\"type\":true},{}]},7]}",
	  "[ opens {][messages opens [ @\"me][messages[] 0 opens {]"
	  "[messages[].content 0 opens [ @\"co]"
	  "[messages[].content[].type 0 0=true @\"ty]"
	  "[messages[].content 0=[{\"type\":true},{}] x2 @\"co]"
	  "[messages[] 0={\"content\":[{\"type\":true},{}]} x1]"
	  "[messages[] 1=7]"
	  "[messages=[{\"content\":[{\"type\":true},{}]},7] x2 @\"me]"
	  "[={\"messages\":[{\"content\":[{\"type\":true},{}]},7]} x1]" },
	{ "{\"stream_options\":{\"a\":1,\"include_usage\":null}}",
	  "[ opens {][stream_options.include_usage=null @\"in]"
	  "[={\"stream_options\":{\"a\":1,\"include_usage\":null}} x1]" },
	{ "{\"ids\":[[1],2,[3,[4]]]}",
	  "[ opens {][ids[][] 0 0=1][ids[][] 2 0=3]"
	  "[ids[][] 2 1 opens []"
	  "[ids[][] 2 1=[4] x1]"
	  "[={\"ids\":[[1],2,[3,[4]]]} x1]" },
	{ "{\"bias\":{\"1\":2,\"known\":false}}",
	  "[ opens {][bias.*=2 @\"1\"][bias.known=false @\"kn]"
	  "[={\"bias\":{\"1\":2,\"known\":false}} x1]" },
};

static void hits_come_the_same_however_cut(void **state)
{
	const struct scan_paths *paths = scan_paths_new(wanted, COUNT(wanted));
	struct err e = { 0 };
	struct buf got;
	struct scan s;
	char *moved;

	(void)state;
	buf_init(&got, 1 << 20);
	scan_init(&s, paths, &client, print_hit, &got);
	for (size_t i = 0; i < COUNT(hits); i++)
		for (size_t cut = 0; cut <= strlen(hits[i].text); cut++) {
			row("%s, cut at %zu", hits[i].text, cut);
			buf_clear(&got);
			scan_reset(&s);
			/* Only what is there may be looked at. */
			moved = mem_alloc(cut + 1);
			memcpy(moved, hits[i].text, cut);
			moved = mem_realloc(moved, cut ? cut : 1);
			ROW_INT(scan_feed(&s, moved, cut, &e), 0);
			free(moved);
			ROW_INT(scan_end(&s, hits[i].text, strlen(hits[i].text),
					 &e),
				0);
			ROW_STR(got.p, hits[i].want);
		}
	scan_release(&s);
	buf_release(&got);
	free((void *)paths);
	rows_done();
}

static int stop_at_once(void *arg, const struct scan_hit *h, struct err *e)
{
	++*(int *)arg;
	return err_set(e, ERR_VALUE, "stopped at path %d", h->path);
}

static void a_callback_stops_the_scan(void **state)
{
	const struct scan_paths *paths =
		scan_paths_new(wanted, COUNT(wanted) - 1);
	struct err e = { 0 };
	struct scan s;
	int calls = 0;

	(void)state;
	scan_init(&s, paths, &client, stop_at_once, &calls);
	assert_int_equal(
		scan_text(&s, STR("{\"model\":1,\"messages\":[]}"), &e), -1);
	assert_string_equal(e.msg, "stopped at path 0");
	assert_int_equal(scan_end(&s, "", 0, &e), -1);
	assert_int_equal(calls, 1);
	scan_release(&s);
	scan_release(&s);
	free((void *)paths);
}

static void nesting_is_bounded_exactly(void **state)
{
	struct buf b;
	struct err e;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int arrays = 62; arrays <= 66; arrays++) {
		buf_clear(&b);
		buf_str(&b, "{\"a\":");
		for (int i = 0; i < arrays; i++)
			buf_char(&b, '[');
		for (int i = 0; i < arrays; i++)
			buf_char(&b, ']');
		buf_char(&b, '}');
		row("%d arrays in an object", arrays);
		ROW_INT(scan_once(buf_span(&b), &client, 0, &e),
			arrays <= 63 ? 0 : -1);
		ROW_INT(e.code, arrays <= 63 ? ERR_NONE : ERR_JSON_DEEP);
	}
	buf_release(&b);
	rows_done();
}

static void many_names_are_told_apart(void **state)
{
	static const struct scan_limits none = { .depth = 4 };
	struct buf b;
	struct err e;

	(void)state;
	buf_init(&b, 1 << 24);
	buf_char(&b, '{');
	for (int i = 0; i < 100000; i++)
		buf_printf(&b, "\"k%d\":{\"k%d\":0},", i, i);
	buf_str(&b, "\"k99999\":1}");
	assert_int_equal(scan_once(buf_span(&b), &none, 0, &e), -1);
	assert_int_equal(e.code, ERR_DUPLICATE_KEY);
	assert_string_equal(e.param, "k99999");
	b.p[b.len - 5] = 'x';
	assert_int_equal(scan_once(buf_span(&b), &none, 0, &e), 0);
	buf_release(&b);
}

static void an_answer_may_repeat_a_name(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(
		scan_once(STR("{\"a\":1,\"a\":2}"), &scan_answer_limits, 0, &e),
		0);
}

static void it_says_where_and_what(void **state)
{
	struct err e;

	(void)state;
	scan_once(STR("{\"model\":\"gpt\", x}"), &client, 0, &e);
	assert_string_equal(
		e.msg, "We could not parse the JSON body of your request: at "
		       "byte 17: expected a member name in double quotes.");
	scan_once(STR("{\"model\":1,\"model\":2}"), &client, 0, &e);
	assert_string_equal(e.param, "model");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_needed),
		cmocka_unit_test(these_are_refused),
		cmocka_unit_test(these_pass_however_cut),
		cmocka_unit_test(refused_alike_however_cut),
		cmocka_unit_test(hits_come_the_same_however_cut),
		cmocka_unit_test(a_callback_stops_the_scan),
		cmocka_unit_test(nesting_is_bounded_exactly),
		cmocka_unit_test(many_names_are_told_apart),
		cmocka_unit_test(an_answer_may_repeat_a_name),
		cmocka_unit_test(it_says_where_and_what),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
