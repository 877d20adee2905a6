/* test_base_str.c - pieces of text, numbers in them, times. */
#include "rows.h"

#include "base/buf.h"
#include "base/clock.h"

static void a_number_is_all_of_the_text(void **state)
{
	static const struct {
		const char *in;
		int64_t min, max;
		bool good;
		int64_t want;
	} cases[] = {
		/* clang-format off */
		{ "0", INT64_MIN, INT64_MAX, true, 0 },
		{ "-0", INT64_MIN, INT64_MAX, true, 0 },
		{ "007", INT64_MIN, INT64_MAX, true, 7 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
		{ "99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0 },
		{ "", INT64_MIN, INT64_MAX, false, 0 },
		{ "-", INT64_MIN, INT64_MAX, false, 0 },
		{ "--1", INT64_MIN, INT64_MAX, false, 0 },
		{ "+1", INT64_MIN, INT64_MAX, false, 0 },
		{ " 1", INT64_MIN, INT64_MAX, false, 0 },
		{ "1 ", INT64_MIN, INT64_MAX, false, 0 },
		{ "1.0", INT64_MIN, INT64_MAX, false, 0 },
		{ "0x10", INT64_MIN, INT64_MAX, false, 0 },
		{ "1", 1, 64, true, 1 },
		{ "64", 1, 64, true, 64 },
		{ "0", 1, 64, false, 0 },
		{ "65", 1, 64, false, 0 },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t got = 99;

		row("\"%s\"", cases[i].in);
		ROW_INT(str_int(str_of(cases[i].in), cases[i].min, cases[i].max,
				&got),
			cases[i].good ? 0 : -1);
		ROW_INT(got, cases[i].want);
	}
	rows_done();
}

static void pieces_are_what_stands_between(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "a", "[a]" },    { "a,b", "[a][b]" }, { "a,,b", "[a][][b]" },
		{ ",a", "[][a]" }, { "a,", "[a][]" },   { "", "[]" },
		{ ",", "[][]" },   { NULL, "" },        { "a;b,c", "[a;b][c]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str rest = str_of(cases[i].in), piece;
		struct buf got;

		buf_init(&got, 100);
		row("\"%s\"", cases[i].in ? cases[i].in : "none");
		while (str_next(&rest, ',', &piece))
			buf_printf(&got, "[%.*s]", STR_FMT(piece));
		ROW_STR(got.p, cases[i].want);
		buf_release(&got);
	}
	rows_done();
}

static void trimming_takes_spaces_and_tabs(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "" },           { "  \t ", "" },
		{ "a", "a" },         { " \ta b\t ", "a b" },
		{ "\na\r", "\na\r" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("case %zu", i);
		ROW_TRUE(str_eq(str_trim(str_of(cases[i].in)), cases[i].want));
	}
	rows_done();
}

static void texts_compare(void **state)
{
	static const struct {
		struct str a;
		const char *b;
		bool eq, ieq, starts;
	} cases[] = {
		{ STR("abc"), "abc", true, true, true },
		{ STR("abc"), "ABC", false, true, false },
		{ STR("abc"), "ab", false, false, true },
		{ STR("ab"), "abc", false, false, false },
		{ STR("a\0c"), "a", false, false, true },
		{ STR(""), "", true, true, true },
		{ STR_NONE, "", true, true, true },
		{ STR_NONE, "a", false, false, false },
		{ STR("\xc4"), "\xe4", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("case %zu", i);
		ROW_INT(str_eq(cases[i].a, cases[i].b), cases[i].eq);
		ROW_INT(str_ieq(cases[i].a, cases[i].b), cases[i].ieq);
		ROW_INT(str_starts(cases[i].a, cases[i].b), cases[i].starts);
	}
	rows_done();
}

static void a_duration_has_a_unit(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
	} cases[] = {
		{ "30s", 30000 },
		{ "15m", 900000 },
		{ "12h", 43200000 },
		{ "30d", 2592000000 },
		{ "0s", 0 },
		{ "1000000000d", 86400000000000000 },
		{ "1000000001d", -1 },
		{ "99999999999999999999s", -1 },
		{ "", -1 },
		{ "s", -1 },
		{ "5", -1 },
		{ "5w", -1 },
		{ "5S", -1 },
		{ "-5s", -1 },
		{ "5 s", -1 },
		{ " 5s", -1 },
		{ "1.5h", -1 },
		{ "5ms", -1 },
		{ NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("\"%s\"", cases[i].in ? cases[i].in : "none");
		ROW_INT(clock_duration_ms(cases[i].in), cases[i].want);
	}
	rows_done();
}

static void a_time_is_written_in_utc(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1000000000007, "2001-09-09T01:46:40.007Z" },
		{ 1709208000999, "2024-02-29T12:00:00.999Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};
	char at[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("%lld", (long long)cases[i].ms);
		ROW_STR(clock_text(cases[i].ms, at), cases[i].want);
	}
	rows_done();
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t last = clock_mono_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_us();

		assert_true(now >= last);
		last = now;
	}
	assert_in_range(clock_mono_ms() - last / 1000, 0, 60000);
	assert_true(clock_wall_ms() > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_all_of_the_text),
		cmocka_unit_test(pieces_are_what_stands_between),
		cmocka_unit_test(trimming_takes_spaces_and_tabs),
		cmocka_unit_test(texts_compare),
		cmocka_unit_test(a_duration_has_a_unit),
		cmocka_unit_test(a_time_is_written_in_utc),
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
	};

	return cmocka_run_group_tests_name("base_str", tests, NULL, NULL);
}
