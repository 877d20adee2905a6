/* test_receipt.c - rows of the log, read as receipts. */
#include "rows.h"

#include "policy/receipt.h"
#include "store/price.h"
#include "store/request.h"
#include "json/scan.h"

#define LINE(line, n, price, per, ppm, amount)                               \
	"{\"line\":\"" line "\",\"count\":" #n ",\"price_nusd\":" #price     \
	",\"per\":" #per ",\"factor_ppm\":" #ppm ",\"amount_nusd\":" #amount \
	"}"

static const struct {
	const char *label;
	struct request row;
	int64_t sum;
	bool adds_up, final;
	const char *text; /* all of it */
} receipts[] = {
	/* clang-format off */
	{ "tokens from a cache",
	  { .state = "settled", .status = 200, .price_id = 7, .cost_nusd = 8000,
	    .prompt_tok = 12, .cached_tok = 8, .completion_tok = 2, .source = "upstream",
	    .lines = "[" LINE("input", 4, 1000000000, 1000000, 1000000, 4000) ","
		     LINE("cache_read", 8, 100000000, 1000000, 1000000, 800) ","
		     LINE("output", 2, 1600000000, 1000000, 1000000, 3200) "]",
	    .attempts_json = "[{\"channel\":\"first\",\"error\":\"upstream_timeout\",\"status\":0,\"ms\":1200},"
			     "{\"channel\":\"the-channel\",\"error\":\"\",\"status\":200,\"ms\":300}]",
	    .usage_raw = "{\"prompt_tokens\":12}", .reserved_nusd = 9000, .first_token_ms = 1300, .total_ms = 1500 },
	  8000, true, true,
	  "receipt      req_1\n"
	  "state        settled\n"
	  "model        m1\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 1300 ms, 1500 ms in all\n"
	  "price        7, since 2026-11-01T00:00:00.000Z\n"
	  "\n"
	  "input                      4 x $1.00 / 1M tokens = $0.000004\n"
	  "cache_read                 8 x $0.10 / 1M tokens = $0.0000008\n"
	  "output                     2 x $1.60 / 1M tokens = $0.0000032\n"
	  "amount          $0.000008\n"
	  "reserved        $0.000009\n"
	  "\n"
	  "attempt 1: upstream_timeout, 1200 ms, $0.00\n"
	  "attempt 2: answered, 300 ms, $0.000008\n"
	  "\n"
	  "counted by   upstream\n"
	  "upstream     {\"prompt_tokens\":12}\n" },
	{ "a group, a tier, a refund",
	  { .state = "settled", .status = 200, .price_id = 7, .cost_nusd = 400, .refunded_nusd = 300,
	    .model_served = "m1-mini", .group = "vip", .factor_ppm = 800000, .service_tier = "flex", .source = "counted", .usage_flag = "missing",
	    .lines = "[" "{\"line\":\"output\",\"from_tok\":200,\"count\":1,\"price_nusd\":1000000000,\"per\":1000000,\"tier_ppm\":500000,\"factor_ppm\":800000,\"amount_nusd\":400}" "]", .overshoot = true },
	  400, true, true,
	  "receipt      req_1\n"
	  "state        settled\n"
	  "model        m1\n"
	  "served by    m1-mini\n"
	  "service tier flex\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "price        7, since 2026-11-01T00:00:00.000Z\n"
	  "group        vip, which pays 0.8 of the price\n"
	  "\n"
	  "output                     1 x $1.00 / 1M tokens x 0.5 (service tier) x 0.8 (group) = $0.0000004, the price from 200 tokens on\n"
	  "amount          $0.0000004\n"
	  "refunded        $0.0000003, so $0.0000001 was paid\n"
	  "reserved        $0.00, less than it cost\n"
	  "\n"
	  "counted by   counted\n"
	  "because      missing\n" },
	{ "what is counted by the piece and the hour",
	  { .state = "settled", .cost_nusd = 6000000000, .source = "upstream", .stopped = true,
	    .lines = "[" "{\"line\":\"image\",\"variant\":\"1024x1024/high\",\"count\":2,\"price_nusd\":1000000000,\"per\":1,\"factor_ppm\":1000000,\"amount_nusd\":2000000000}" ","
		     LINE("time", 1800000, 8000000000, 3600000, 1000000, 4000000000) "]" },
	  6000000000, true, true,
	  "receipt      req_1\n"
	  "state        settled\n"
	  "model        m1\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "\n"
	  "image                      2 x $1.00 each = $2.00, 1024x1024/high\n"
	  "time                 1800000 x $8.00 / 1 hour = $4.00\n"
	  "amount          $6.00\n"
	  "reserved        $0.00; the budget ended the answer\n"
	  "\n"
	  "counted by   upstream\n" },
	{ "a free model",
	  { .state = "settled", .price_id = 7, .source = "upstream", .lines = "[]" },
	  0, true, true, NULL },
	{ "still open",
	  { .state = "open", .reserved_nusd = 50 }, 0, true, false,
	  "receipt      req_1\n"
	  "state        open\n"
	  "model        m1\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "\n"
	  "amount          $0.00\n"
	  "reserved        $0.00000005\n"
	  "\n" },
	{ "lost with its worker, from the last note",
	  { .state = "lost", .cost_nusd = 70, .error = "worker_lost", .source = "partial" },
	  70, true, true,
	  "receipt      req_1\n"
	  "state        lost\n"
	  "model        m1\n"
	  "error        worker_lost\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "\n"
	  "noted                      1 x $0.00000007 = $0.00000007\n"
	  "amount          $0.00000007\n"
	  "reserved        $0.00\n"
	  "\n"
	  "counted by   partial\n" },
	{ "lost, and its counts give the amount again",
	  { .state = "lost", .cost_nusd = 2700, .price_id = 7, .prompt_tok = 2, .cached_tok = 1, .completion_tok = 1, .error = "worker_lost", .source = "partial" },
	  2700, true, true, 
	  "receipt      req_1\n"
	  "state        lost\n"
	  "model        m1\n"
	  "error        worker_lost\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "price        7, since 2026-11-01T00:00:00.000Z\n"
	  "\n"
	  "input                      1 x $1.00 / 1M tokens = $0.000001\n"
	  "cache_read                 1 x $0.10 / 1M tokens = $0.0000001\n"
	  "output                     1 x $1.60 / 1M tokens = $0.0000016\n"
	  "amount          $0.0000027\n"
	  "reserved        $0.00\n"
	  "\n"
	  "counted by   partial\n" },
	{ "void", { .state = "void", .status = 502, .error = "upstream_failed" }, 0, true, true, NULL },
	{ "refused", { .state = "refused", .status = 429, .error = "insufficient_quota" }, 0, true, true, NULL },
	{ "lines that do not add up",
	  { .state = "settled", .cost_nusd = 3, .lines = "[" LINE("input", 1, 1, 1, 1000000, 1) "]" },
	  1, false, true,
	  "receipt      req_1\n"
	  "state        settled\n"
	  "model        m1\n"
	  "time         2026-11-21T12:00:00.123Z, first token after 0 ms, 0 ms in all\n"
	  "\n"
	  "input                      1 x $0.000000001 / 1M tokens = $0.000000001\n"
	  "amount          $0.000000003  BUT THE LINES SAY $0.000000001\n"
	  "reserved        $0.00\n"
	  "\n" },
	{ "damaged lines", { .state = "settled", .cost_nusd = 3, .lines = "[{" }, 0, false, true, NULL },
	{ "damaged usage", { .state = "settled", .usage_raw = "<b>\"", .usage = "{", .attempts_json = "x" }, 0, true, true, NULL },
	/* clang-format on */
};

/* The database has no NULLs: what a row of the table leaves out. */
static struct request whole(const struct request *row)
{
	struct request q = *row;
	const char **empty[] = { &q.source,     &q.attempts_json,
				 &q.group,      &q.service_tier,
				 &q.usage,      &q.usage_raw,
				 &q.usage_flag, &q.lines,
				 &q.error };

	for (size_t i = 0; i < COUNT(empty); i++)
		if (!*empty[i])
			*empty[i] = "";
	q.request_id = "req_1";
	q.started_ms = 1795262400123;
	q.endpoint = "chat";
	q.provider = "the-provider";
	q.model_asked = "m1";
	q.model_served = q.model_served ? q.model_served : "m1";
	q.address = "::1";
	q.factor_ppm = q.factor_ppm ? q.factor_ppm : 1000000;
	q.user = "the-user";
	q.token = "the-key";
	q.channel = "the-channel";
	return q;
}

static const struct price_line price_lines[] = {
	{ 7, LINE_input, "", 0, 1000000000 },
	{ 7, LINE_cache_read, "", 0, 100000000 },
	{ 7, LINE_output, "", 0, 1600000000 },
};
static const struct price price = {
	.id = 7,
	.from_ms = 1793491200000, /* 2026-11-01 */
	.lines = price_lines,
	.n_lines = COUNT(price_lines),
};

static void a_receipt_adds_up_or_says_so(void **state)
{
	struct arena arena;
	struct buf b;

	(void)state;
	buf_init(&b, RECEIPT_MAX);
	for (size_t i = 0; i < COUNT(receipts); i++) {
		struct request q = whole(&receipts[i].row);
		struct receipt r;

		row("%s", receipts[i].label);
		arena_init(&arena);
		receipt_make(&r, &q, q.price_id ? &price : NULL, &arena);
		ROW_INT(r.sum_nusd, receipts[i].sum);
		ROW_INT(r.adds_up, receipts[i].adds_up);
		ROW_INT(receipt_is_final(&r), receipts[i].final);
		buf_clear(&b);
		receipt_text(&r, false, &b);
		if (receipts[i].text)
			ROW_STR(b.p, receipts[i].text);
		arena_release(&arena);
	}
	buf_release(&b);
	rows_done();
}

static const char *const secrets[] = { "the-provider", "the-channel", "first\"",
				       "the-user",     "the-key",     "::1",
				       "operator" };

static void who_pays_learns_no_names_of_the_operator(void **state)
{
	struct arena arena;
	struct scan s;
	struct buf b;

	(void)state;
	buf_init(&b, RECEIPT_MAX);
	for (size_t i = 0; i < COUNT(receipts); i++) {
		struct request q = whole(&receipts[i].row);
		struct err e = { 0 };
		struct receipt r;

		row("%s", receipts[i].label);
		arena_init(&arena);
		receipt_make(&r, &q, &price, &arena);
		buf_clear(&b);
		receipt_json(&r, false, &b);
		ROW_TRUE(buf_ok(&b));
		scan_init(&s, NULL, &scan_answer_limits, NULL, NULL);
		ROW_INT(scan_text(&s, buf_span(&b), &e), 0);
		ROW_STR(e.msg, "");
		scan_release(&s);
		receipt_text(&r, false, &b);
		for (size_t j = 0; j < COUNT(secrets); j++)
			if (strstr(b.p, secrets[j]))
				ROW_STR(b.p, secrets[j]);
		buf_clear(&b);
		receipt_json(&r, true, &b);
		ROW_TRUE(strstr(b.p, "\"channel\":\"the-channel\""));
		ROW_TRUE(strstr(b.p, "\"provider\":\"the-provider\""));
		buf_clear(&b);
		receipt_text(&r, true, &b);
		ROW_TRUE(strstr(b.p, "the-channel"));
		arena_release(&arena);
	}
	buf_release(&b);
	rows_done();
}

static void the_json_says_it_all(void **state)
{
	struct request q = whole(&receipts[1].row);
	struct arena arena;
	struct receipt r;
	struct buf b;

	(void)state;
	arena_init(&arena);
	buf_init(&b, RECEIPT_MAX);
	receipt_make(&r, &q, &price, &arena);
	receipt_json(&r, false, &b);
	assert_string_equal(
		b.p,
		"{\"id\":\"req_1\",\"object\":\"receipt\","
		"\"state\":\"settled\",\"endpoint\":\"chat\",\"model\":\"m1\","
		"\"model_served\":\"m1-mini\",\"stream\":false,\"status\":200,"
		"\"error\":null,\"started\":\"2026-11-21T12:00:00.123Z\","
		"\"first_token_ms\":0,\"total_ms\":0,\"amount_nusd\":400,"
		"\"amount_usd\":\"0.0000004\",\"refunded_nusd\":300,"
		"\"refunded_usd\":\"0.0000003\",\"paid_nusd\":100,"
		"\"paid_usd\":\"0.0000001\",\"lines\":[{\"line\":\"output\","
		"\"what\":\"tokens of the answer\",\"variant\":null,"
		"\"from_tok\":200,\"count\":1,"
		"\"price_nusd\":1000000000,\"price_usd\":\"1.00\","
		"\"per\":1000000,\"tier_ppm\":500000,\"factor_ppm\":800000,"
		"\"price_id\":7,"
		"\"amount_nusd\":400,\"amount_usd\":\"0.0000004\"}],"
		"\"lines_sum_nusd\":400,\"lines_sum_usd\":\"0.0000004\","
		"\"adds_up\":true,\"price\":{\"id\":7,"
		"\"since\":\"2026-11-01T00:00:00.000Z\"},"
		"\"group\":{\"name\":\"vip\",\"factor_ppm\":800000},"
		"\"service_tier\":\"flex\",\"reserved_nusd\":0,"
		"\"reserved_usd\":\"0.00\",\"overshoot\":true,"
		"\"stopped_by_budget\":false,\"attempts\":[],"
		"\"usage\":{\"prompt_tokens\":0,\"cached_tokens\":0,"
		"\"completion_tokens\":0,\"reasoning_tokens\":0,"
		"\"source\":\"counted\",\"flag\":\"missing\","
		"\"counts\":null,\"upstream\":null}}");
	buf_release(&b);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receipt_adds_up_or_says_so),
		cmocka_unit_test(who_pays_learns_no_names_of_the_operator),
		cmocka_unit_test(the_json_says_it_all),
	};

	return cmocka_run_group_tests_name("receipt", tests, NULL, NULL);
}
