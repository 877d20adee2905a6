/* test_spending.c - what a key has and has used, as its owner reads it. */
#include "rows.h"

#include "base/arena.h"
#include "policy/spending.h"
#include "store/spend.h"
#include "store/token.h"

#define DAY 86400000LL

static const struct {
	const char *label;
	int64_t limit, used, held, balance, account_held, expires_ms;
	const char *subscription, *total, *credit;
} keys[] = {
	/* clang-format off */
	{ "a limit of its own", 5000000000, 1230000000, 0, 100000000000, 0, 1795262400999,
	  "{\"object\":\"billing_subscription\",\"has_payment_method\":true,\"soft_limit_usd\":5.00,\"hard_limit_usd\":5.00,\"system_hard_limit_usd\":5.00,\"access_until\":1795262400}",
	  "{\"object\":\"list\",\"total_usage\":123}",
	  "\"total_granted\":5.00,\"total_used\":1.23,\"total_available\":3.77,\"total_remaining\":3.77," },
	{ "no limit of its own", -1, 1, 0, 2000000000, 500000000, 0,
	  "{\"object\":\"billing_subscription\",\"has_payment_method\":true,\"soft_limit_usd\":100000000,\"hard_limit_usd\":100000000,\"system_hard_limit_usd\":100000000,\"access_until\":0}",
	  "{\"object\":\"list\",\"total_usage\":0.0000001}",
	  "\"total_granted\":1.500000001,\"total_used\":0.000000001,\"total_available\":1.50,\"total_remaining\":1.50," },
	{ "an account with less than the limit", 5000000000, 0, 0, 70000000, 0, 0,
	  NULL, "{\"object\":\"list\",\"total_usage\":0}",
	  "\"total_granted\":0.07,\"total_used\":0.00,\"total_available\":0.07," },
	{ "an account below zero", 5000000000, 10000000, 0, -3, 0, 0,
	  NULL, "{\"object\":\"list\",\"total_usage\":1}",
	  "\"total_granted\":0.01,\"total_used\":0.01,\"total_available\":0.00," },
	{ "held by open requests", 1000000000, 0, 400000000, 9000000000, 400000000, 0,
	  NULL, "{\"object\":\"list\",\"total_usage\":0}", "\"total_available\":0.60," },
	{ "more than a float holds", -1, 9007199254740993, 0, 0, 0, 0,
	  NULL, "{\"object\":\"list\",\"total_usage\":900719925.4740993}",
	  "\"total_used\":9007199.254740993," },
	/* clang-format on */
};

static struct token token(size_t i)
{
	return (struct token){ .name = "k",
			       .limit_nusd = keys[i].limit,
			       .used_nusd = keys[i].used,
			       .held_nusd = keys[i].held,
			       .balance_nusd = keys[i].balance,
			       .account_held_nusd = keys[i].account_held,
			       .expires_ms = keys[i].expires_ms };
}

static void the_old_billing_pages_are_exact(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct token t = token(i);

		row("%s", keys[i].label);
		buf_clear(&b);
		spending_subscription(&t, &b);
		if (keys[i].subscription)
			ROW_STR(b.p, keys[i].subscription);
		buf_clear(&b);
		spending_total(&t, &b);
		ROW_STR(b.p, keys[i].total);
		buf_clear(&b);
		spending_credit(&t, &b);
		if (!strstr(b.p, keys[i].credit))
			ROW_STR(b.p, keys[i].credit);
	}
	buf_release(&b);
	rows_done();
}

static const struct {
	const char *from, *to;
	int64_t from_day, days; /* days 0: refused */
	const char *param;
} ranges[] = {
	/* clang-format off */
	/* day 20778 is 2026-11-21 */
	{ "", "", 20749, 30, "" },
	{ "2026-11-21", "", 20778, 1, "" },
	{ "2026-11-20", "2026-11-21", 20777, 2, "" },
	{ "", "2026-11-21", 20749, 30, "" },
	{ "2024-02-29", "2024-02-29", 19782, 1, "" },
	{ "1970-01-01", "1970-01-01", 0, 1, "" },
	{ "", "1970-01-02", 0, 2, "" },
	{ "2000-03-01", "2000-03-01", 11017, 1, "" },
	{ "2025-11-21", "2026-11-21", 20413, 366, "" },
	{ "9999-12-31", "9999-12-31", 2932896, 1, "" },
	{ "2025-11-20", "2026-11-21", 0, 0, "from" },
	{ "1000-01-01", "9999-12-31", 0, 0, "from" },
	{ "2026-11-22", "2026-11-21", 0, 0, "from" },
	{ "2026-11-22", "", 0, 0, "from" },
	{ "2026-02-30", "", 0, 0, "from" },
	{ "2025-02-29", "", 0, 0, "from" },
	{ "2026-13-01", "", 0, 0, "from" },
	{ "2026-00-01", "", 0, 0, "from" },
	{ "2026-1-01", "", 0, 0, "from" },
	{ "2026-11-21T00:00:00Z", "", 0, 0, "from" },
	{ "yesterday", "", 0, 0, "from" },
	{ "1795262400", "", 0, 0, "from" },
	{ "-026-11-21", "", 0, 0, "from" },
	{ "2026-11--1", "", 0, 0, "from" },
	{ "", "2026/11/21", 0, 0, "to" },
	{ "", "2026-11-31", 0, 0, "to" },
	/* clang-format on */
};

static void days_are_read_and_bounded(void **state)
{
	int64_t now_ms = 20778 * DAY + 12345;

	(void)state;
	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct spending_range r;
		struct err e = { 0 };
		int rc = spending_range(ranges[i].from, ranges[i].to, now_ms,
					&r, &e);

		row("\"%s\" to \"%s\"", ranges[i].from, ranges[i].to);
		ROW_INT(rc, ranges[i].days ? 0 : -1);
		ROW_STR(e.param, ranges[i].param);
		if (rc < 0)
			continue;
		ROW_INT(r.from_ms, ranges[i].from_day * DAY);
		ROW_INT(r.to_ms - r.from_ms, ranges[i].days * DAY);
	}
	rows_done();
}

static void every_day_of_centuries_is_one(void **state)
{
	struct spending_range r;
	char date[16];
	int64_t day = 0;

	(void)state;
	/* The standard library's calendar would know no better. */
	for (int y = 1970; y < 2402; y++)
		for (int m = 1; m <= 12; m++)
			for (int d = 1; d <= 31; d++) {
				struct err e = { 0 };

				snprintf(date, sizeof(date), "%d-%02d-%02d", y,
					 m, d);
				if (spending_range(date, date, 0, &r, &e) < 0)
					continue;
				assert_int_equal(r.from_ms, day++ * DAY);
			}
	assert_int_equal(day, 157785);
}

/* What is counted beside prompt and answer: here only sound. */
#define KINDS(audio_ms)                                            \
	"\"cache_write_5m_tokens\":0,\"cache_write_1h_tokens\":0," \
	"\"audio_input_tokens\":0,\"audio_output_tokens\":0,"      \
	"\"image_input_tokens\":0,\"image_output_tokens\":0,"      \
	"\"searches\":0,\"images\":0,\"audio_ms\":" audio_ms       \
	",\"characters\":0,"

static void days_are_listed_and_summed(void **state)
{
	struct spend_day days[] = {
		{ .day_ms = 20777 * DAY,
		  .model = "m1",
		  .requests = 2,
		  .prompt_tok = 10,
		  .cached_tok = 4,
		  .completion_tok = 5,
		  .reasoning_tok = 1,
		  .audio_ms = 6000,
		  .cost_nusd = 9007199254740993 },
		{ .day_ms = 20778 * DAY,
		  .model = "m2",
		  .requests = 1,
		  .prompt_tok = 1,
		  .completion_tok = 1,
		  .audio_ms = 500,
		  .cost_nusd = 7,
		  .refunded_nusd = 7 },
	};
	struct spending_range range = { 20777 * DAY, 20779 * DAY };
	struct token t = { .name = "k" };
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	spending_days(&t, &range, days, 2, &b);
	assert_string_equal(
		b.p,
		"{\"object\":\"usage\",\"key\":\"k\",\"from\":\"2026-11-20\","
		"\"to\":\"2026-11-21\",\"data\":["
		"{\"date\":\"2026-11-20\",\"model\":\"m1\",\"requests\":2,"
		"\"prompt_tokens\":10,\"cached_tokens\":4,"
		"\"completion_tokens\":5,\"reasoning_tokens\":1," KINDS(
			"6000") "\"cost_nusd\":9007199254740993,"
				"\"cost_usd\":\"9007199.254740993\","
				"\"refunded_nusd\":0,\"refunded_usd\":\"0.00\"},"
				"{\"date\":\"2026-11-21\",\"model\":\"m2\",\"requests\":1,"
				"\"prompt_tokens\":1,\"cached_tokens\":0,"
				"\"completion_tokens\":1,\"reasoning_tokens\":0," KINDS(
					"500") "\"cost_nusd\":7,\"cost_usd\":\"0.000000007\","
					       "\"refunded_nusd\":7,\"refunded_usd\":\"0.000000007\"}],"
					       "\"total\":{\"requests\":3,\"prompt_tokens\":11,"
					       "\"cached_tokens\":4,\"completion_tokens\":6,"
					       "\"reasoning_tokens\":1," KINDS(
						       "6500") "\"cost_nusd\":9007199254741000,"
							       "\"cost_usd\":\"9007199.254741\",\"refunded_nusd\":7,"
							       "\"refunded_usd\":\"0.000000007\"}}");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_billing_pages_are_exact),
		cmocka_unit_test(days_are_read_and_bounded),
		cmocka_unit_test(every_day_of_centuries_is_one),
		cmocka_unit_test(days_are_listed_and_summed),
	};

	return cmocka_run_group_tests_name("spending", tests, NULL, NULL);
}
