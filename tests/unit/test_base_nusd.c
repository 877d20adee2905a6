/* test_base_nusd.c - money: read, written, multiplied. */
#include "rows.h"

#include "base/nusd.h"

static void dollars_are_read_exactly(void **state)
{
	static const struct {
		const char *in;
		int ret;
		int64_t want;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "5", 0, 5000000000 },
		{ "5.00", 0, 5000000000 },
		{ "0005", 0, 5000000000 },
		{ "0.15", 0, 150000000 },
		{ "0.000000001", 0, 1 },
		{ "-0.000000001", 0, -1 },
		{ "1.999999999", 0, 1999999999 },
		{ "1000000000", 0, NUSD_MAX },
		{ "-1000000000", 0, -NUSD_MAX },
		{ "1000000000.000000000", 0, NUSD_MAX },
		{ "1000000000.000000001", -1, 0 },
		{ "1000000001", -1, 0 },
		{ "9223372036", -1, 0 },
		{ "18446744073709551616", -1, 0 },
		{ "10000000000000000000", -1, 0 },
		{ "18446744074709551616", -1, 0 },
		{ "99999999999999999999999999999999", -1, 0 },
		{ "0.0000000001", -1, 0 },
		{ "0.0000000000", -1, 0 },
		{ "0.10000000000000000000000", -1, 0 },
		{ "", -1, 0 },
		{ "-", -1, 0 },
		{ ".", -1, 0 },
		{ ".5", -1, 0 },
		{ "5.", -1, 0 },
		{ "+5", -1, 0 },
		{ "--5", -1, 0 },
		{ " 5", -1, 0 },
		{ "5 ", -1, 0 },
		{ "$5", -1, 0 },
		{ "1,000", -1, 0 },
		{ "1e3", -1, 0 },
		{ "1.2.3", -1, 0 },
		{ "1.-2", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t got = 99;

		row("\"%s\"", cases[i].in);
		ROW_INT(nusd_parse(str_of(cases[i].in), &got), cases[i].ret);
		ROW_INT(got, cases[i].want);
	}
	rows_done();
}

static void money_is_written_with_two_decimals_or_more(void **state)
{
	static const struct {
		int64_t nusd;
		const char *want;
	} cases[] = {
		{ 0, "0.00" },
		{ 1, "0.000000001" },
		{ -1, "-0.000000001" },
		{ 10, "0.00000001" },
		{ 100000000, "0.10" },
		{ 120000000, "0.12" },
		{ 123000000, "0.123" },
		{ 5000000000, "5.00" },
		{ -5000000000, "-5.00" },
		{ NUSD_MAX, "1000000000.00" },
		{ INT64_MAX, "9223372036.854775807" },
		{ INT64_MIN, "-9223372036.854775808" },
	};
	char at[NUSD_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t back;

		row("%lld", (long long)cases[i].nusd);
		ROW_STR(nusd_text(cases[i].nusd, at), cases[i].want);
		if (cases[i].nusd < -NUSD_MAX || cases[i].nusd > NUSD_MAX)
			continue;
		ROW_INT(nusd_parse(str_of(at), &back), 0);
		ROW_INT(back, cases[i].nusd);
	}
	rows_done();
}

static void a_cost_is_rounded_up_and_never_wraps(void **state)
{
	static const struct {
		int64_t n_tok, price, want;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 1000, 0 },
		{ 1000000, 5000000000, 5000000000 },
		{ 1, 1, 1 },
		{ 1, 1000000, 1 },
		{ 1, 1000001, 2 },
		{ 999999, 1, 1 },
		{ 1000001, 1, 2 },
		{ 3, 150000000, 450 },
		{ 1, INT64_MAX, 9223372036855 },
		{ 1000000, INT64_MAX, INT64_MAX },
		{ 1000001, INT64_MAX, INT64_MAX },
		{ INT64_MAX, 1000000, INT64_MAX },
		{ INT64_MAX, INT64_MAX, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("%lld at %lld", (long long)cases[i].n_tok,
		    (long long)cases[i].price);
		ROW_INT(nusd_cost(cases[i].n_tok, cases[i].price),
			cases[i].want);
	}
	rows_done();
}

static void a_sum_never_wraps(void **state)
{
	static const struct {
		int64_t a, b, want;
	} cases[] = {
		{ 1, 2, 3 },
		{ -1, 1, 0 },
		{ INT64_MAX, 0, INT64_MAX },
		{ INT64_MAX, 1, INT64_MAX },
		{ 1, INT64_MAX, INT64_MAX },
		{ INT64_MIN, -1, INT64_MIN },
		{ INT64_MIN, INT64_MAX, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("%lld + %lld", (long long)cases[i].a,
		    (long long)cases[i].b);
		ROW_INT(nusd_add(cases[i].a, cases[i].b), cases[i].want);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dollars_are_read_exactly),
		cmocka_unit_test(money_is_written_with_two_decimals_or_more),
		cmocka_unit_test(a_cost_is_rounded_up_and_never_wraps),
		cmocka_unit_test(a_sum_never_wraps),
	};

	return cmocka_run_group_tests_name("base_nusd", tests, NULL, NULL);
}
