/* test_bill.c - what a request may cost, and what it did. */
#include "rows.h"

#include "base/nusd.h"
#include "policy/bill.h"

#define USD 1000000000LL

static const struct book_price usual = { .id = 1,
					 .input_nusd = 1 * USD,
					 .cached_nusd = USD / 10,
					 .output_nusd = 2 * USD };

static const struct {
	const char *label;
	struct usage u;
	struct book_price p;
	int64_t want;
} costs[] = {
	{ "both",
	  { .in_tok = 9, .out_tok = 12 },
	  { .input_nusd = 1 * USD, .output_nusd = 2 * USD },
	  33000 },
	{ "nothing",
	  { .in_tok = 0, .out_tok = 0 },
	  { .input_nusd = 1 * USD, .output_nusd = 2 * USD },
	  0 },
	{ "not said",
	  { .in_tok = -1,
	    .out_tok = -1,
	    .cache_read_tok = -1,
	    .cache_write_tok = -1,
	    .cache_write_1h_tok = -1 },
	  { .input_nusd = 1 * USD, .output_nusd = 2 * USD },
	  0 },
	{ "a part of a nano-dollar is one",
	  { .in_tok = 1 },
	  { .input_nusd = 1 },
	  1 },
	{ "each line alone",
	  { .in_tok = 1, .out_tok = 1, .cache_read_tok = 1 },
	  { .input_nusd = 1, .cached_nusd = 1, .output_nusd = 1 },
	  3 },
	{ "exactly one", { .in_tok = 1000000 }, { .input_nusd = 1 }, 1 },
	{ "one more is two", { .in_tok = 1000001 }, { .input_nusd = 1 }, 2 },
	{ "cached",
	  { .in_tok = 10, .cache_read_tok = 1000000 },
	  { .input_nusd = 1 * USD, .cached_nusd = USD / 10 },
	  10000 + USD / 10 },
	{ "written to a cache: as input",
	  { .cache_write_tok = 3, .cache_write_1h_tok = 4 },
	  { .input_nusd = 1 * USD },
	  7000 },
	{ "free",
	  { .in_tok = 1000, .out_tok = 1000 },
	  { .free = true, .input_nusd = USD },
	  0 },
	{ "saturates",
	  { .in_tok = INT64_MAX, .out_tok = INT64_MAX },
	  { .input_nusd = NUSD_MAX, .output_nusd = NUSD_MAX },
	  INT64_MAX },
};

static void a_cost_is_rounded_up_line_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		row("%s", costs[i].label);
		ROW_INT(bill_cost(&costs[i].p, &costs[i].u), costs[i].want);
	}
	rows_done();
}

static struct ask ask_of(int64_t text_bytes, int64_t max_tok, int64_t n)
{
	return (struct ask){ .kind = ASK_CHAT,
			     .model = STR("m1"),
			     .text_bytes = text_bytes,
			     .max_tok = max_tok,
			     .max_tokens = max_tok,
			     .max_completion = -1,
			     .n = n,
			     .best_of = 1 };
}

static void a_reserve_covers_the_worst(void **state)
{
	static const struct {
		const char *label;
		int64_t bytes, max_tok, n;
		int64_t context, max_output;
		bool reserve_max;
		int64_t want;
	} rows[] = {
		{ "a token is at least a byte", 100, 10, 1, 0, 0, false,
		  100000 + 20000 },
		{ "no limit said", 100, -1, 1, 0, 0, false, 100000 + 8000 },
		{ "no limit said, the model's is lower", 100, -1, 1, 0, 3,
		  false, 100000 + 6000 },
		{ "no limit said, the whole is held", 100, -1, 1, 0, 1000, true,
		  100000 + 2000000 },
		{ "the whole of what is not known", 100, -1, 1, 0, 0, true,
		  100000 + 8000 },
		{ "each choice", 100, 10, 5, 0, 0, false, 100000 + 100000 },
		{ "no more prompt than fits", 1000, 10, 1, 500, 0, false,
		  500000 + 20000 },
		{ "no output", 100, 0, 1, 0, 0, false, 100000 },
		{ "nothing at all", 0, 0, 1, 0, 0, false, 0 },
		{ "too many tokens to multiply", 0, INT64_MAX / 2, 100, 0, 0,
		  false, INT64_MAX },
		{ "too much money", INT64_MAX, INT64_MAX, 1, 0, 0, false,
		  INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ask ask =
			ask_of(rows[i].bytes, rows[i].max_tok, rows[i].n);
		struct book_price p = usual;
		struct bill_ask b = { &ask, &p, 4, rows[i].reserve_max };
		struct err e = { 0 };
		int64_t got = -1;

		p.context_tok = rows[i].context;
		p.max_output_tok = rows[i].max_output;
		row("%s", rows[i].label);
		ROW_INT(bill_reserve(&b, &got, &e), 0);
		ROW_STR(e.msg, "");
		ROW_INT(got, rows[i].want);
	}
	rows_done();
}

static void some_kinds_differ(void **state)
{
	struct ask ask = ask_of(100, -1, 1);
	struct book_price p = usual;
	struct bill_ask b = { &ask, &p, 4, false };
	struct err e = { 0 };
	int64_t got = -1;

	(void)state;
	row("an embedding has no output");
	ask.kind = ASK_EMBEDDING;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 100000);

	row("best_of counts where it is more than n");
	ask = ask_of(0, 10, 2);
	ask.kind = ASK_COMPLETION;
	ask.best_of = 5;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 100000);

	row("free");
	p.free = true;
	ROW_INT(bill_reserve(&b, &got, &e), 0);
	ROW_INT(got, 0);
	rows_done();
}

static void what_cannot_be_served_is_refused(void **state)
{
	static const struct {
		const char *label;
		int64_t bytes, max_tokens, max_completion;
		int64_t price, context, max_output;
		enum err_code code;
		const char *param;
	} rows[] = {
		{ "no price", 10, -1, -1, 0, 0, 0, ERR_NO_PRICE, "" },
		{ "more than the model can", 10, 1001, -1, 1, 0, 1000,
		  ERR_INT_HIGH, "max_tokens" },
		{ "the other name", 10, -1, 1001, 1, 0, 1000, ERR_INT_HIGH,
		  "max_completion_tokens" },
		{ "as much as it can", 10, 1000, -1, 1, 0, 1000, ERR_NONE, "" },
		{ "a long prompt", 4004, -1, -1, 1, 1000, 0, ERR_CONTEXT,
		  "messages" },
		{ "a prompt that fits", 4000, -1, -1, 1, 1000, 0, ERR_NONE,
		  "" },
		{ "the limit before the prompt", 40040, 1001, -1, 1, 1000, 1000,
		  ERR_INT_HIGH, "max_tokens" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ask ask = ask_of(rows[i].bytes, -1, 1);
		struct book_price p = usual;
		struct bill_ask b = { &ask, &p, 4, false };
		struct err e = { 0 };
		int64_t got = -1;

		ask.max_tokens = rows[i].max_tokens;
		ask.max_completion = rows[i].max_completion;
		ask.max_tok = MAX(ask.max_tokens, ask.max_completion);
		p.id = rows[i].price;
		p.context_tok = rows[i].context;
		p.max_output_tok = rows[i].max_output;
		row("%s", rows[i].label);
		ROW_INT(bill_reserve(&b, &got, &e), rows[i].code ? -1 : 0);
		ROW_INT(e.code, rows[i].code);
		ROW_STR(e.param, rows[i].param);
		if (rows[i].code)
			ROW_INT(got, 0);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cost_is_rounded_up_line_by_line),
		cmocka_unit_test(a_reserve_covers_the_worst),
		cmocka_unit_test(some_kinds_differ),
		cmocka_unit_test(what_cannot_be_served_is_refused),
	};

	return cmocka_run_group_tests_name("bill", tests, NULL, NULL);
}
