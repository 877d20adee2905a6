/* test_base_rand.c - random texts, and request ids in order of time. */
#include "rows.h"

#include "base/rand.h"

#include <ctype.h>

static void an_id_says_when_and_then_is_random(void **state)
{
	static const int64_t times[] = { 1,
					 61,
					 62,
					 3843,
					 3844,
					 1700000000000,
					 1700000000001,
					 1700000000061,
					 1924991999999,
					 3521614606207 };
	char at[RAND_REQUEST_ID], last[RAND_REQUEST_ID] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		row("%lld", (long long)times[i]);
		ROW_TRUE(rand_request_id(at, times[i]) == at);
		ROW_INT(strlen(at), 26);
		ROW_TRUE(!strncmp(at, "req_", 4));
		for (int k = 4; k < 26; k++)
			ROW_TRUE(isalnum((unsigned char)at[k]));
		ROW_TRUE(strncmp(last, at, 11) < 0);
		snprintf(last, sizeof(last), "%s", at);
		rand_request_id(at, times[i]);
		ROW_TRUE(!strncmp(last, at, 11) && strcmp(last, at));
	}
	rows_done();
}

static void every_character_comes_up(void **state)
{
	static const char all[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz";
	char text[10001];

	(void)state;
	rand_text(text, 10000);
	assert_int_equal(strlen(text), 10000);
	assert_int_equal(strspn(text, all), 10000);
	for (const char *c = all; *c; c++)
		assert_non_null(strchr(text, *c));
	assert_string_equal(rand_text(text, 0), "");
}

static void numbers_stay_below(void **state)
{
	static const uint64_t limits[] = {
		1, 2, 5, 1000, 1ULL << 63, UINT64_MAX
	};
	int seen[5] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		row("%llu", (unsigned long long)limits[i]);
		for (int k = 0; k < 1000; k++)
			ROW_TRUE(rand_below(limits[i]) < limits[i]);
	}
	for (int k = 0; k < 5000; k++)
		seen[rand_below(5)]++;
	row("a fifth each");
	for (int k = 0; k < 5; k++)
		ROW_TRUE(seen[k] > 700 && seen[k] < 1300);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_says_when_and_then_is_random),
		cmocka_unit_test(every_character_comes_up),
		cmocka_unit_test(numbers_stay_below),
	};

	return cmocka_run_group_tests_name("base_rand", tests, NULL, NULL);
}
