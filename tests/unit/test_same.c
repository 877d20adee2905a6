/* test_same.c - when do two bodies say the same? */
#include "rows.h"

#include "base/buf.h"
#include "policy/same.h"

static const struct {
	const char *label, *a, *b;
	bool same;
} pairs[] = {
	/* clang-format off */
	{ "itself", "{\"a\":1}", "{\"a\":1}", true },
	{ "blanks", "{\"a\":[1,2]}", " {\t\"a\" :\r\n [ 1 , 2 ] } ", true },
	{ "members in another order", "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"d\":3,\"c\":2},\"a\":1}", true },
	{ "a name in escapes", "{\"model\":1}", "{\"mod\\u0065l\":1}", true },
	{ "a text in escapes", "[\"a/\\n\"]", "[\"\\u0061\\/\\u000a\"]", true },
	{ "a pair of surrogates", "[\"\xF0\x9F\x98\x80\"]", "[\"\\ud83d\\ude00\"]", true },
	{ "a quote in escapes", "[\"\\\"\",\"\\\\\"]", "[\"\\u0022\",\"\\u005c\"]", true },
	{ "nothing in both", "{}", "{ }", true },
	{ "another value", "{\"a\":1}", "{\"a\":2}", false },
	{ "another name", "{\"a\":1}", "{\"b\":1}", false },
	{ "elements in another order", "[1,2]", "[2,1]", false },
	{ "a member more", "{\"a\":1}", "{\"a\":1,\"b\":1}", false },
	{ "an element more", "[1]", "[1,1]", false },
	{ "null is no member", "{}", "{\"a\":null}", false },
	{ "an empty array is no object", "[]", "{}", false },
	{ "brackets elsewhere", "[[1],2]", "[[1,2]]", false },
	{ "a number is no text", "[1]", "[\"1\"]", false },
	{ "a word is no text", "[true]", "[\"true\"]", false },
	{ "another spelling of a number", "[1]", "[1.0]", false },
	{ "name and value changed places", "{\"a\":\"b\"}", "{\"b\":\"a\"}", false },
	{ "values changed places", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false },
	{ "a member is no two elements", "{\"a\":1}", "[\"a\",1]", false },
	{ "a blank inside a text", "[\"a b\"]", "[\"ab\"]", false },
	{ "capitals", "[\"A\"]", "[\"a\"]", false },
	{ "a NUL at the end", "[\"a\"]", "[\"a\\u0000\"]", false },
	{ "a text is no object", "\"{}\"", "{}", false },
	/* clang-format on */
};

static void bodies_are_the_same_where_they_say_the_same(void **state)
{
	uint8_t a[SAME_HASH], b[SAME_HASH];

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		row("%s", pairs[i].label);
		same_hash(str_of(pairs[i].a), a);
		same_hash(str_of(pairs[i].b), b);
		ROW_INT(!memcmp(a, b, sizeof(a)), pairs[i].same);
	}
	rows_done();
}

/* {"a":[{"a":[ ... 1 ... ]}]} */
static void nest(struct buf *b, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_str(b, i % 2 ? "[" : "{\"a\":");
	buf_char(b, '1');
	for (int i = depth; i-- > 0;)
		buf_char(b, i % 2 ? ']' : '}');
}

static void hash_nested(int depth, uint8_t out[static SAME_HASH])
{
	struct buf b;

	buf_init(&b, 65536);
	nest(&b, depth);
	same_hash(buf_span(&b), out);
	buf_release(&b);
}

static void deep_nesting_takes_no_stack(void **state)
{
	uint8_t a[SAME_HASH], b[SAME_HASH];

	(void)state;
	hash_nested(500, a);
	hash_nested(499, b);
	assert_true(memcmp(a, b, sizeof(a)) != 0);
	hash_nested(500, b);
	assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_the_same_where_they_say_the_same),
		cmocka_unit_test(deep_nesting_takes_no_stack),
	};

	return cmocka_run_group_tests_name("same", tests, NULL, NULL);
}
