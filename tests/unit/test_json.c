/* test_json.c - scalars' text, the splicer, the writer, and json-c's owner. */
#include "rows.h"

#include "json/js.h"
#include "json/jw.h"
#include "json/splice.h"
#include "json/text.h"

/* --- text ----------------------------------------------------------------- */

static const struct {
	const char *text;
	struct str want;
	size_t chars;
} strings[] = {
	{ "\"\"", STR(""), 0 },
	{ "\"abc\"", STR("abc"), 3 },
	{ "\"a\\u0000b\"", STR("a\0b"), 3 },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", STR("\"\\/\b\f\n\r\t"), 8 },
	{ "\"\\u00e9\\u20ac\"", STR("\xC3\xA9\xE2\x82\xAC"), 2 },
	{ "\"x\\ud83d\\ude00y\"", STR("x\xF0\x9F\x98\x80y"), 3 },
	{ "\"\\uD83D\\uDE00\"", STR("\xF0\x9F\x98\x80"), 1 },
	{ "\"\xC3\xA9\"", STR("\xC3\xA9"), 1 },
	/* what the scanner does not let pass does no harm either */
	{ "\"\\ud800\"", STR("\xEF\xBF\xBD"), 1 },
	{ "\"\\ud800\\n\"", STR("\xEF\xBF\xBD\n"), 2 },
	{ "\"\\u00g\"",
	  STR("\xEF\xBF\xBD"
	      "00g"),
	  4 },
	{ "\"\\\"", STR("\xEF\xBF\xBD"), 1 },
	{ "\"", STR(""), 0 },
};

static void strings_are_unescaped(void **state)
{
	struct arena a;
	struct buf b;
	char cut[64];

	(void)state;
	arena_init(&a);
	buf_init(&b, 1024);
	for (size_t i = 0; i < COUNT(strings); i++) {
		struct str text = str_of(strings[i].text);
		struct str want = strings[i].want;

		row("%s", text.p);
		ROW_TRUE(str_same(json_unescape(text, &a), want));
		buf_clear(&b);
		json_unescape_to(text, &b);
		ROW_TRUE(str_same(buf_span(&b), want));
		ROW_INT(json_unescape_cut(text, cut, sizeof(cut)), want.n);
		ROW_TRUE(!memcmp(cut, want.p, want.n));
		ROW_INT(json_text_bytes(text), want.n);
		ROW_INT(json_text_chars(text), strings[i].chars);
		ROW_TRUE(json_text_is(text, want));
		ROW_TRUE(!json_text_is(text, STR("another")));
	}
	json_unescape_cut(STR("\"ab\\u20accd\""), cut, 5);
	row("cut at a whole character");
	ROW_STR(cut, "ab");
	json_unescape_cut(STR("\"abcd\""), cut, 3);
	ROW_STR(cut, "ab");
	buf_release(&b);
	arena_release(&a);
	rows_done();
}

static const struct {
	const char *text;
	bool integer;
	int64_t whole; /* 0 where it is no integer */
	int against_2; /* less, equal, greater */
} numbers[] = {
	{ "0", true, 0, -1 },
	{ "-0", true, 0, -1 },
	{ "0.000", true, 0, -1 },
	{ "0e999999999999", true, 0, -1 },
	{ "2", true, 2, 0 },
	{ "2.0", true, 2, 0 },
	{ "0.2e1", true, 2, 0 },
	{ "0.002e3", true, 2, 0 },
	{ "20e-1", true, 2, 0 },
	{ "200.00E-2", true, 2, 0 },
	{ "2.1", false, 0, 1 },
	{ "2.0000000000000000000000000001", false, 0, 1 },
	{ "1.9999999999999999999999999999", false, 0, -1 },
	{ "-2", true, -2, -1 },
	{ "-2.5", false, 0, -1 },
	{ "1.5", false, 0, -1 },
	{ "1.5e1", true, 15, 1 },
	{ "1e2", true, 100, 1 },
	{ "1e+2", true, 100, 1 },
	{ "12345", true, 12345, 1 },
	{ "1e400", true, INT64_MAX, 1 },
	{ "-1e400", true, INT64_MIN, -1 },
	{ "1e-400", false, 0, -1 },
	{ "1e99999999999999999999", true, INT64_MAX, 1 },
	{ "1e-99999999999999999999", false, 0, -1 },
	{ "9223372036854775807", true, INT64_MAX, 1 },
	{ "9223372036854775808", true, INT64_MAX, 1 },
	{ "-9223372036854775808", true, INT64_MIN, -1 },
	{ "18446744073709551616", true, INT64_MAX, 1 },
};

static void numbers_are_decimals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct str text = str_of(numbers[i].text);

		row("%s", text.p);
		ROW_INT(json_is_integer(text), numbers[i].integer);
		if (numbers[i].integer)
			ROW_INT(json_whole(text), numbers[i].whole);
		ROW_INT(json_compare(text, 2), numbers[i].against_2);
	}
	row("against others");
	ROW_INT(json_compare(STR("-2.5"), -2), -1);
	ROW_INT(json_compare(STR("-1.5"), -2), 1);
	ROW_INT(json_compare(STR("-2.00"), -2), 0);
	ROW_INT(json_compare(STR("0.0"), 0), 0);
	ROW_INT(json_compare(STR("1000"), 1000), 0);
	ROW_INT(json_compare(STR("1e3"), 1000), 0);
	ROW_INT(json_compare(STR("9223372036854775807"), INT64_MAX), 0);
	ROW_INT(json_compare(STR("-9223372036854775809"), INT64_MIN), -1);
	rows_done();
}

static void integers_are_digits_only(void **state)
{
	int64_t v;

	(void)state;
	row("integers");
	ROW_INT(json_int(STR("12"), 0, 100, &v), 0);
	ROW_INT(v, 12);
	ROW_INT(json_int(STR("-12"), -12, 100, &v), 0);
	ROW_INT(v, -12);
	ROW_INT(json_int(STR("101"), 0, 100, &v), -1);
	ROW_INT(v, 0);
	ROW_INT(json_int(STR("1e2"), 0, 100, &v), -1);
	ROW_INT(json_int(STR("1.0"), 0, 100, &v), -1);
	rows_done();
}

/* --- splice --------------------------------------------------------------- */

/* What is done to a member, found by its one-letter name, or "+" inserts. */
static const struct {
	const char *body, *what, *want;
} splices[] = {
	{ "{\"a\":1}", "", "{\"a\":1}" },
	{ "{\"a\":1}", "=a", "{\"a\":\"new\"}" },
	{ "{\"a\": 1 }", "=a", "{\"a\": \"new\" }" },
	{ "{}", "+", "{\"x\":7}" },
	{ "{ }", "+", "{\"x\":7 }" },
	{ "{\"a\":1}", "+", "{\"x\":7,\"a\":1}" },
	{ "{\"a\":1}", "++", "{\"x\":7,\"x\":7,\"a\":1}" },
	{ "{\"a\":1}", "-a", "{}" },
	{ "{ \"a\":1 }", "-a", "{  }" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-a", "{\"b\":2,\"c\":3}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-b", "{\"a\":1,\"c\":3}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-c", "{\"a\":1,\"b\":2}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-a-b", "{\"c\":3}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-b-c", "{\"a\":1}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-a-c", "{\"b\":2}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-a-b-c", "{}" },
	{ "{\"a\":1 , \"b\":2 , \"c\":3}", "-b", "{\"a\":1  , \"c\":3}" },
	{ "{\"a\":1 , \"b\":2 , \"c\":3}", "-a-b", "{\"c\":3}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "-a+=c",
	  "{\"x\":7,\"b\":2,\"c\":\"new\"}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "=b-c+",
	  "{\"x\":7,\"a\":1,\"b\":\"new\"}" },
};

static int make_edits(struct str body, const char *what, struct arena *a,
		      struct splice_edit *edits)
{
	int n = 0;

	for (; *what; what++) {
		char name[] = { '"', what[1], '"', '\0' };
		const char *at;
		size_t from, value;

		if (*what == '+') {
			edits[n++] = splice_insert(body, 0, body.n < 5, "x",
						   STR("7"), a);
			continue;
		}
		at = strstr(body.p, name);
		assert_non_null(at);
		from = (size_t)(at - body.p);
		value = from + 4 + (body.p[from + 4] == ' ');
		if (*what++ == '-')
			splice_remove(body, from, value + 1, edits, &n);
		else
			edits[n++] =
				splice_value(value, value + 1, STR("\"new\""));
	}
	return n;
}

static void splices_come_out(void **state)
{
	struct splice_edit edits[8];
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < COUNT(splices); i++) {
		struct str body = str_of(splices[i].body), flat;
		struct rope r;
		char got[64];

		row("%s, %s", splices[i].body, splices[i].what);
		r = splice_apply(body, edits,
				 make_edits(body, splices[i].what, &a, edits),
				 &a);
		flat = rope_flatten(&r, &a);
		ROW_STR(arena_dup(&a, flat), splices[i].want);
		ROW_INT(r.len, strlen(splices[i].want));
		for (size_t step = 1; step < 9; step++) {
			size_t at = 0, n;

			while ((n = rope_read(&r, at, got + at, step)) > 0)
				at += n;
			got[at] = '\0';
			ROW_STR(got, splices[i].want);
		}
		ROW_INT(rope_read(&r, r.len + 5, got, 8), 0);
	}
	arena_release(&a);
	rows_done();
}

static void an_unchanged_body_is_not_copied(void **state)
{
	struct str body = STR("{\"a\":1}");
	struct arena a;
	struct rope r;

	(void)state;
	arena_init(&a);
	r = splice_apply(body, NULL, 0, &a);
	assert_ptr_equal(rope_flatten(&r, &a).p, body.p);
	arena_release(&a);
}

/* --- writer --------------------------------------------------------------- */

static void the_writer_sets_commas_and_escapes(void **state)
{
	struct buf b;
	struct jw w;

	(void)state;
	buf_init(&b, 4096);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "a", "q\"\\\b\f\n\r\t\x01\x1f\x7f/");
	jw_str(&w, "none", NULL);
	jw_text(&w, "nul", STR("x\0y"));
	jw_array(&w, "list");
	jw_int(&w, NULL, -5);
	jw_bool(&w, NULL, true);
	jw_null(&w, NULL);
	jw_object(&w, NULL);
	jw_end(&w);
	jw_array(&w, NULL);
	jw_end(&w);
	jw_end(&w);
	jw_raw(&w, "raw", STR("{\"z\":1}"));
	jw_member(&w, STR("k\""), STR("0"));
	jw_end(&w);
	assert_string_equal(
		b.p,
		"{\"a\":\"q\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/\","
		"\"none\":null,\"nul\":\"x\\u0000y\","
		"\"list\":[-5,true,null,{},[]],\"raw\":{\"z\":1},\"k\\\"\":0}");
	buf_release(&b);
}

#define BAD "\xEF\xBF\xBD"

static const struct {
	const char *label, *in, *want;
} utf8[] = {
	{ "good", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
	  "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
	{ "a lone byte",
	  "a\xFF"
	  "b",
	  "\"a" BAD "b\"" },
	{ "cut off", "a\xE2\x82", "\"a" BAD BAD "\"" },
	{ "overlong", "\xC0\xAF", "\"" BAD BAD "\"" },
	{ "a surrogate", "\xED\xA0\x80", "\"" BAD BAD BAD "\"" },
	{ "too large", "\xF4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"" },
};

static void what_is_not_utf8_is_replaced(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(utf8); i++) {
		row("%s", utf8[i].label);
		buf_clear(&b);
		jw_quote(&b, str_of(utf8[i].in));
		ROW_STR(b.p, utf8[i].want);
	}
	buf_release(&b);
	rows_done();
}

/* --- trees ---------------------------------------------------------------- */

static void another_type_reads_as_absent(void **state)
{
	struct str t = STR("{\"s\":\"x\",\"i\":5,\"d\":1e2,\"f\":1.5,\"b\":"
			   "true,\"n\":null,\"a\":[1,{\"k\":2}],\"o\":{}}");
	struct err e = { 0 };
	struct json_object *o = js_parse(t.p, t.n, &e);

	(void)state;
	assert_non_null(o);
	row("reading");
	ROW_STR(js_str(o, "s", "d"), "x");
	ROW_STR(js_str(o, "i", "d"), "d");
	ROW_STR(js_str(o, "gone", "d"), "d");
	ROW_TRUE(str_eq(js_text(o, "s"), "x"));
	ROW_TRUE(!js_text(o, "n").p);
	ROW_INT(js_int(o, "i", 9), 5);
	ROW_INT(js_int(o, "d", 9), 100);
	ROW_INT(js_int(o, "f", 9), 9);
	ROW_INT(js_int(o, "s", 9), 9);
	ROW_INT(js_bool(o, "b", false), true);
	ROW_INT(js_bool(o, "i", false), false);
	ROW_INT(js_len(js_get(o, "a")), 2);
	ROW_INT(js_len(js_get(o, "o")), 0);
	ROW_INT(js_int(js_at(js_get(o, "a"), 1), "k", 0), 2);
	ROW_TRUE(!js_at(js_get(o, "a"), 2));
	ROW_TRUE(js_either(o, "gone", "o") == js_get(o, "o"));
	ROW_TRUE(!js_get(NULL, "a"));
	ROW_STR(js_str(js_get(o, "s"), "x", "d"), "d");
	js_free(o);
	js_free(NULL);
	rows_done();
}

static void trees_are_bounded(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	row("nesting");
	for (int n = 63; n <= 66; n++) {
		struct json_object *o;

		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_char(&b, '[');
		for (int i = 0; i < n; i++)
			buf_char(&b, ']');
		err_clear(&e);
		o = js_parse(b.p, b.len, &e);
		ROW_INT(o != NULL, n <= JS_DEPTH);
		ROW_INT(e.code, n <= JS_DEPTH ? ERR_NONE : ERR_JSON);
		js_free(o);
	}
	buf_release(&b);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_unescaped),
		cmocka_unit_test(numbers_are_decimals),
		cmocka_unit_test(integers_are_digits_only),
		cmocka_unit_test(splices_come_out),
		cmocka_unit_test(an_unchanged_body_is_not_copied),
		cmocka_unit_test(the_writer_sets_commas_and_escapes),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(another_type_reads_as_absent),
		cmocka_unit_test(trees_are_bounded),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
