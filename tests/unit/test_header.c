/* test_header.c - lib/http/header: what may be one, what may pass. */
#include "http/header.h"

#include "rows.h"

#define S(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct {
	struct str in;
	bool name, value;
} texts[] = {
	/* clang-format off */
	{ S("x-y_Z09.!"), true, true },
	{ S(""), false, true },
	{ S("a b"), false, true },
	{ S("a:b"), false, true },
	{ S("a\tb"), false, true },
	{ S("a\r\nX: 1"), false, false },
	{ S("a\rb"), false, false },
	{ S("a\nb"), false, false },
	{ S("a\0b"), false, false },
	{ S("a\x7f"), false, false },
	{ S("a\x1b[0m"), false, false },
	{ S("\xc3\xa9"), false, true },
	{ S("(a)"), false, true },
	/* clang-format on */
};

static void names_and_values_cannot_end_the_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		row("text %zu", i);
		ROW_INT(header_name_ok(texts[i].in), texts[i].name);
		ROW_INT(header_value_ok(texts[i].in), texts[i].value);
	}
	rows_done();
}

static const struct {
	const char *name, *value, *want;
} headers[] = {
	/* clang-format off */
	{ "Content-Type", "application/json", "content-type" },
	{ "content-type", "text/event-stream; charset=utf-8", "content-type" },
	{ "content-type", "text/html", NULL },
	{ "content-type", "", NULL },
	{ "Retry-After", "20", "retry-after" },
	{ "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", "retry-after" },
	{ "retry-after", "soon", NULL },
	{ "retry-after-ms", "1500", "retry-after-ms" },
	{ "retry-after-ms", "x", NULL },
	{ "retry-after-ms", "15\t", NULL },
	{ "x-should-retry", "true", "x-should-retry" },
	{ "x-should-retry", "maybe", NULL },
	{ "X-RateLimit-Remaining-Tokens", "149984", "x-ratelimit-remaining-tokens" },
	{ "x-ratelimit-reset-requests", "6m0s", "x-ratelimit-reset-requests" },
	{ "x-ratelimit-limit", "60", "x-ratelimit-limit" },
	{ "x-ratelimit-made-up", "60", NULL },
	{ "openai-processing-ms", "301", "openai-processing-ms" },
	{ "openai-version", "2020-10-01", "openai-version" },
	{ "x-request-id", "req_1", "x-upstream-request-id" },
	{ "request-id", "req_1", "x-upstream-request-id" },
	{ "x-request-id", "a\r\nSet-Cookie: b", NULL },
	{ "x-request-id", "\xc3\xa9", NULL },
	{ "x-request-id", "", NULL },
	{ "openai-organization", "org", NULL },
	{ "X-Accel-Redirect", "/etc", NULL },
	{ "X-Accel-Buffering", "yes", NULL },
	{ "X-Sendfile", "/etc/passwd", NULL },
	{ "Set-Cookie", "a=b", NULL },
	{ "Location", "http://10.0.0.1", NULL },
	{ "Status", "200 OK", NULL },
	{ "Content-Length", "5", NULL },
	{ "Transfer-Encoding", "chunked", NULL },
	{ "Server", "x", NULL },
	{ "", "x", NULL },
	/* clang-format on */
};

static void only_what_is_listed_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		const char *got = header_passes(headers[i].name,
						str_of(headers[i].value));

		row("%s: %s", headers[i].name, headers[i].value);
		ROW_STR(got ? got : "no",
			headers[i].want ? headers[i].want : "no");
	}
	rows_done();
}

static const struct {
	const char *in;
	int64_t want;
} pauses[] = {
	/* clang-format off */
	{ "0", 0 }, { "1", 1000 }, { " 20 ", 20000 }, { "1.5", 1500 },
	{ "0.25", 250 }, { "0.0001", 1 }, { ".5", 500 }, { "3.", 3000 },
	{ "0.1234", 124 }, { "0.1230", 123 },
	{ "86401", 86400000 }, { "99999999999999999999", 86400000 },
	{ "99999999999999999999.9", 86400000 },
	{ "-1", -1 }, { "+1", -1 }, { "1e3", -1 }, { "", -1 }, { ".", -1 },
	{ "1.2.3", -1 }, { "1s", -1 }, { "0x10", -1 }, { "1 2", -1 },
	{ "soon", -1 },
	/* the clock says 08:49:07 */
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 30000 },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", 30000 },
	{ "Sun Nov  6 08:49:37 1994", 30000 },
	{ "Sun, 06 Nov 1994 08:49:00 GMT", 0 },
	{ "Sun, 06 Nov 2094 08:49:00 GMT", 86400000 },
	{ "Sun, 06 Nov 1994 08:49:37 PST", -1 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT x", -1 },
	{ "Sun, 99 Nov 1994 08:49:37 GMT", -1 },
	{ "1994-11-06T08:49:37Z", -1 },
	/* clang-format on */
};

static void pauses_are_read(void **state)
{
	const int64_t now = 784111747000;

	(void)state;
	for (size_t i = 0; i < COUNT(pauses); i++) {
		row("%s", pauses[i].in);
		ROW_INT(header_retry_after_ms(str_of(pauses[i].in), now),
			pauses[i].want);
	}
	row("a date without a clock");
	ROW_INT(header_retry_after_ms(STR("Sun, 06 Nov 1994 08:49:37 GMT"), 0),
		-1);
	row("milliseconds");
	ROW_INT(header_retry_ms(STR("1500")), 1500);
	ROW_INT(header_retry_ms(STR("0.2")), 1);
	ROW_INT(header_retry_ms(STR("12.0")), 12);
	ROW_INT(header_retry_ms(STR("99999999999")), 86400000);
	ROW_INT(header_retry_ms(STR("-5")), -1);
	ROW_INT(header_retry_ms(STR_NONE), -1);
	rows_done();
}

static const struct {
	struct str in;
	int want;
	const char *token; /* NULL: absent */
} asks[] = {
	/* clang-format off */
	{ S("Bearer sk-a"), 0, "sk-a" },
	{ S("bearer   sk-a  "), 0, "sk-a" },
	{ S("BEARER sk-a"), 0, "sk-a" },
	{ { NULL, 0 }, 0, NULL },
	{ S(""), 0, NULL },
	{ S("  "), 0, NULL },
	{ S("Bearer"), -1, NULL },
	{ S("Bearer "), -1, NULL },
	{ S("Bearersk-a"), -1, NULL },
	{ S("Bearer\tsk-a"), -1, NULL },
	{ S("Bearer a b"), -1, NULL },
	{ S("Bearer a\r\nX: 1"), -1, NULL },
	{ S("Bearer a\0b"), -1, NULL },
	{ S("Bearer \xc3\xa9"), -1, NULL },
	{ S("Basic YTpi"), -1, NULL },
	{ S("sk-a"), -1, NULL },
	/* clang-format on */
};

static void a_bearer_is_one_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(asks); i++) {
		struct str token;

		row("ask %zu", i);
		ROW_INT(bearer(asks[i].in, &token), asks[i].want);
		ROW_TRUE(asks[i].token ? str_eq(token, asks[i].token) :
					 !token.p);
	}
	rows_done();
}

static void a_reset_is_a_duration(void **state)
{
	static const struct {
		const char *value;
		int64_t ms;
	} rows[] = {
		{ "1s", 1000 },        { "6m0s", 360000 },
		{ "120ms", 120 },      { "1h2m3.5s", 3723500 },
		{ "8.64s", 8640 },     { "1m26.4s", 86400 },
		{ "59", 59000 },       { " 2s ", 2000 },
		{ "9999d", 86400000 }, { "", -1 },
		{ "s", -1 },           { "1", 1000 },
		{ "1x", -1 },          { "-1s", -1 },
		{ "1s2", -1 },         { "2024-01-01T00:00:00Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row("\"%s\"", rows[i].value);
		ROW_INT(header_reset_ms(str_of(rows[i].value)), rows[i].ms);
	}
	rows_done();
}

static void keys_and_framing_cannot_be_changed(void **state)
{
	static const struct {
		const char *name;
		bool may;
	} rows[] = {
		{ "X-Team", true },
		{ "user-agent", true },
		{ "Accept", true },
		{ "OpenAI-Organization", true },
		{ "authorization", false },
		{ "X-API-Key", false },
		{ "Host", false },
		{ "Content-Length", false },
		{ "transfer-encoding", false },
		{ "Accept-Encoding", false },
		{ "Proxy-Authorization", false },
		{ "a b", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row("\"%s\"", rows[i].name);
		ROW_INT(header_may_change(str_of(rows[i].name)), rows[i].may);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_is_a_duration),
		cmocka_unit_test(keys_and_framing_cannot_be_changed),
		cmocka_unit_test(names_and_values_cannot_end_the_line),
		cmocka_unit_test(only_what_is_listed_passes),
		cmocka_unit_test(pauses_are_read),
		cmocka_unit_test(a_bearer_is_one_word),
	};

	return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
