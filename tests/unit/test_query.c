/* test_query.c - what stands behind the '?'. */
#include "rows.h"

#include "http/query.h"

static const struct {
	const char *query, *name;
	int want;
	const char *value;
} queries[] = {
	/* clang-format off */
	{ "format=text", "format", 1, "text" },
	{ "a=1&format=text", "format", 1, "text" },
	{ "a=1&format=text&b=2", "a", 1, "1" },
	{ "", "format", 0, "" },
	{ "format", "format", 1, "" },
	{ "format=", "format", 1, "" },
	{ "&&format=x&", "format", 1, "x" },
	{ "xformat=text", "format", 0, "" },
	{ "format=a=b", "format", 1, "a=b" },
	{ "format=a%20b", "format", 1, "a b" },
	{ "format=a+b", "format", 1, "a b" },
	{ "format=%61", "format", 1, "a" },
	{ "format=1234567", "format", 1, "1234567" },
	/* refused */
	{ "format=12345678", "format", -1, NULL },
	{ "format=a&format=b", "format", -1, NULL },
	{ "format=a&format=a", "format", -1, NULL },
	{ "format=%", "format", -1, NULL },
	{ "format=%6", "format", -1, NULL },
	{ "format=%zz", "format", -1, NULL },
	{ "format=%00", "format", -1, NULL },
	{ "format=%0a", "format", -1, NULL },
	{ "format=\x01", "format", -1, NULL },
	{ "format=\xc3\xa9", "format", -1, NULL },
	{ "format=%7f", "format", -1, NULL },
	/* clang-format on */
};

static void a_parameter_is_found_and_unescaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		struct err e = { 0 };
		char at[8];

		row("%s of \"%s\"", queries[i].name, queries[i].query);
		ROW_INT(query_get(str_of(queries[i].query), queries[i].name, at,
				  sizeof(at), &e),
			queries[i].want);
		if (queries[i].value)
			ROW_STR(at, queries[i].value);
		else
			ROW_INT(e.code, ERR_VALUE);
	}
	rows_done();
}

static void an_address_without_a_query_has_none(void **state)
{
	struct err e = { 0 };
	char at[8];

	(void)state;
	assert_int_equal(query_get(STR_NONE, "a", at, sizeof(at), &e), 0);
	assert_string_equal(at, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parameter_is_found_and_unescaped),
		cmocka_unit_test(an_address_without_a_query_has_none),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
