/* test_pattern.c - names, wildcards and bounded expressions. */
#include "rows.h"

#include "base/clock.h"
#include "text/pattern.h"

static const struct {
	const char *pattern, *name;
	bool want;
} matches[] = {
	/* clang-format off */
	{ "gpt-4o", "gpt-4o", true },
	{ "gpt-4o", "gpt-4o-mini", false },
	{ "gpt-4o*", "gpt-4o", true },
	{ "gpt-4o*", "gpt-4o-mini", true },
	{ "gpt-4o*", "GPT-4o", false },
	{ "*", "", true },
	{ "*", "anything", true },
	{ "*mini", "gpt-4o-mini", true },
	{ "*mini", "mini-me", false },
	{ "a*b*c", "abbc", true },
	{ "a*b*c", "ac", false },
	{ "a*b*c", "aXbYc", true },
	{ "a**c", "ac", true },
	{ "a*", "", false },
	{ "gpt-4.1", "gpt-4x1", false },
	{ "re:^gpt-4o(-mini)?$", "gpt-4o-mini", true },
	{ "re:^gpt-4o(-mini)?$", "gpt-4o-max", false },
	{ "re:claude", "anthropic/claude-x", true },
	{ "re:^(?i)GPT", "gpt-4", true },
	{ "re:^a.c$", "a*c", true },
	{ "re:\\d{4}$", "model-2024", true },
	{ "re:", "anything", true },
	/* clang-format on */
};

static void names_match_or_do_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(matches); i++) {
		struct err e = { 0 };
		struct pattern *p = pattern_new(str_of(matches[i].pattern), &e);

		row("%s, %s", matches[i].pattern, matches[i].name);
		ROW_TRUE(p);
		if (p)
			ROW_INT(pattern_has(p, str_of(matches[i].name)),
				matches[i].want);
		pattern_free(p);
	}
	rows_done();
}

static void what_is_no_pattern_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "1 to 256" },
		{ "re:(", "missing closing parenthesis" },
		{ "re:[a", "missing terminating ]" },
		{ "re:*", "quantifier" },
		{ "re:a\\C", "\\C" },
		{ "re:(*UTF)a", "UTF" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };

		row("%s", rows[i].text);
		ROW_TRUE(!pattern_new(str_of(rows[i].text), &e));
		ROW_INT(e.code, ERR_VALUE);
		ROW_TRUE(strstr(e.msg, rows[i].says));
	}
	rows_done();
}

static void the_more_exact_goes_first(void **state)
{
	static const char *const order[] = { "gpt-4o-mini", "gpt-4o-*", "gpt-*",
					     "*", "re:^gpt-4o-mini$" };

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(order); i++)
		for (size_t k = i + 1; k < COUNT(order); k++) {
			row("%s, %s", order[i], order[k]);
			ROW_TRUE(pattern_before(str_of(order[i]),
						str_of(order[k])));
			ROW_TRUE(!pattern_before(str_of(order[k]),
						 str_of(order[i])));
		}
	rows_done();
}

static void a_star_stands_for_something(void **state)
{
	static const struct {
		const char *pattern, *name, *want;
	} rows[] = {
		{ "gpt-*", "gpt-4o", "4o" },     { "gpt-*", "gpt-", "" },
		{ "*-mini", "a-b-mini", "a-b" }, { "a*b*", "axbyb", "x" },
		{ "gpt-*", "claude", NULL },     { "gpt-4", "gpt-4", NULL },
		{ "re:a.*", "ab", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = pattern_star(str_of(rows[i].pattern),
					    str_of(rows[i].name));
		char got[32] = "none";

		if (s.p)
			snprintf(got, sizeof(got), "%.*s", STR_FMT(s));
		row("%s, %s", rows[i].pattern, rows[i].name);
		ROW_STR(got, rows[i].want ? rows[i].want : "none");
	}
	rows_done();
}

/* Each would run for years without bounds. */
static void a_bomb_does_not_go_off(void **state)
{
	static const char *const bombs[] = {
		"re:^(a+)+$",
		"re:^(a|aa)+$",
		"re:(x+x+)+y",
		"re:^(([a-z])+.)+[A-Z]([a-z])+$",
		"re:(?:a?){60}a{60}",
		"re:^(.*a){40}$",
		"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
	};
	char name[65] = { 0 };
	int64_t longest_us = 0;

	(void)state;
	memset(name, 'a', sizeof(name) - 2);
	name[sizeof(name) - 2] = '!';
	for (size_t i = 0; i < COUNT(bombs); i++) {
		struct err e = { 0 };
		struct pattern *p = pattern_new(str_of(bombs[i]), &e);
		int64_t us = clock_mono_us();

		row("%s", bombs[i]);
		ROW_TRUE(p);
		ROW_TRUE(p && !pattern_has(p, str_of(name)));
		longest_us = MAX(longest_us, clock_mono_us() - us);
		pattern_free(p);
	}
	printf("the longest took %lld us\n", (long long)longest_us);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_or_do_not),
		cmocka_unit_test(what_is_no_pattern_is_refused),
		cmocka_unit_test(the_more_exact_goes_first),
		cmocka_unit_test(a_star_stands_for_something),
		cmocka_unit_test(a_bomb_does_not_go_off),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
