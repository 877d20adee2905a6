/* test_answer.c - heads and error bodies as callers get them. */
#include "rows.h"

#include "base/arena.h"
#include "relay/answer.h"
#include "json/js.h"

/* Every row of err.def that a caller can meet. */
static void an_error_has_exactly_four_keys(void **state)
{
	(void)state;
	for (int code = ERR_NONE + 1; code < ERR__COUNT; code++) {
		struct err e = { 0 }, parse = { 0 };
		struct answer_error a = { .err = &e, .retry_after_ms = -1 };
		const struct err_info *info = err_info((enum err_code)code);
		struct json_object *top, *error;
		struct buf b;

		row("%s", info->name);
		err_param(&e, (enum err_code)code, "messages[0].role",
			  "a \"quoted\" word\n");
		buf_init(&b, 65536);
		answer_error_body(&b, &a);
		top = js_parse(b.p, b.len, &parse);
		error = js_get(top, "error");
		ROW_STR(parse.msg, "");
		ROW_INT(json_object_object_length(top), 1);
		ROW_INT(json_object_object_length(error), 4);
		ROW_STR(js_str(error, "message", "?"), "a \"quoted\" word\n");
		ROW_STR(js_str(error, "param", "?"), "messages[0].role");
		ROW_STR(js_str(error, "type", ""), info->type);
		ROW_STR(js_str(error, "code", ""), info->code);
		js_free(top);
		buf_release(&b);
	}
	rows_done();
}

static void what_is_not_said_is_null(void **state)
{
	struct err e = { 0 };
	struct answer_error a = { .err = &e, .retry_after_ms = -1 };
	struct buf b;

	(void)state;
	row("no parameter, no code");
	err_set(&e, ERR_NO_KEY, "no key");
	buf_init(&b, 65536);
	answer_error_body(&b, &a);
	ROW_STR(b.p, "{\"error\":{\"message\":\"no key\",\"type\":"
		     "\"invalid_request_error\",\"param\":null,"
		     "\"code\":null}}");
	buf_release(&b);
	rows_done();
}

static void an_error_asks_for_what_helps(void **state)
{
	static const struct {
		const char *label;
		enum err_code code;
		int status;
		int64_t retry_after_ms;
		const char *has, *lacks;
	} rows[] = {
		{ "plain", ERR_VALUE, 0, -1, "Status: 400 Bad Request\r\n",
		  "Retry-After" },
		{ "its own status", ERR_UP_REQUEST, 422, -1,
		  "Status: 422 Unprocessable Content\r\n", "Retry-After" },
		{ "a pause", ERR_UP_RATE, 0, 3000, "Retry-After: 3\r\n",
		  "x-should-retry" },
		{ "a pause, rounded up", ERR_UP_RATE, 0, 1,
		  "Retry-After: 1\r\n", "x-should-retry" },
		{ "no pause", ERR_UP_RATE, 0, 0, "Retry-After: 0\r\n",
		  "x-should-retry" },
		{ "not now", ERR_OVERLOADED, 0, -1, "Retry-After: 2\r\n",
		  "x-should-retry" },
		{ "a pause in milliseconds", ERR_RATE, 0, 1500,
		  "Retry-After: 2\r\nretry-after-ms: 1500\r\n",
		  "x-should-retry" },
		{ "a pause that clients do not wait", ERR_RATE, 0, 3600000,
		  "x-should-retry: false\r\nRetry-After: 3600\r\n",
		  "\r\nx-more" },
		{ "longer than any limit", ERR_RATE, 0, INT64_MAX,
		  "Retry-After: 86400\r\n", "9223" },
		{ "waiting does not help", ERR_RATE_TOKENS, 0, ANSWER_NEVER,
		  "x-should-retry: false\r\n", "Retry-After" },
		{ "never", ERR_NO_FUNDS, 0, -1, "x-should-retry: false\r\n",
		  "Retry-After" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct answer_error a = {
			.err = &e,
			.status = rows[i].status,
			.retry_after_ms = rows[i].retry_after_ms,
		};
		struct buf b;

		row("%s", rows[i].label);
		err_set(&e, rows[i].code, "no");
		buf_init(&b, 65536);
		answer_error(&b, &a, "req_7");
		ROW_TRUE(!strncmp(b.p, "Status: ", 8));
		ROW_TRUE(strstr(b.p, rows[i].has));
		ROW_TRUE(!strstr(b.p, rows[i].lacks));
		ROW_TRUE(strstr(b.p, "x-request-id: req_7\r\n"));
		ROW_TRUE(!strstr(b.p, "X-Pontage-Receipt"));
		ROW_TRUE(strstr(b.p, "Content-Type: application/json\r\n"));
		ROW_TRUE(strstr(b.p, "\r\n\r\n{\"error\":{"));
		buf_release(&b);
	}
	rows_done();
}

/* Every status that err.def or an upstream's refusal can give has words. */
static void a_status_has_its_words(void **state)
{
	static const int refusals[] = { 200, 400, 413, 414, 415, 422 };

	(void)state;
	for (size_t i = 0; i < ERR__COUNT + COUNT(refusals); i++) {
		int status = i < ERR__COUNT ? err_info((enum err_code)i)->http :
					      refusals[i - ERR__COUNT];
		struct buf b;

		row("%d", status);
		buf_init(&b, 4096);
		answer_head(&b, status, NULL, 0);
		ROW_TRUE(!strstr(b.p, "Status\r\n"));
		buf_release(&b);
	}
	rows_done();
}

static void a_value_cannot_add_a_line(void **state)
{
	static const struct {
		const char *label, *value;
		bool stays;
	} rows[] = {
		{ "plain", "a b", true },   { "empty", "", true },
		{ "LF", "a\nX: y", false }, { "CRLF", "a\r\nX: y", false },
		{ "CR", "a\rX: y", false }, { "DEL", "a\x7f", false },
		{ "tab", "a\tb", false },   { "UTF-8", "\xc3\xa9", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct relay_header h[] = { { "x-a", str_of(rows[i].value) },
					    { "x-b", STR("2") } };
		struct buf b;

		row("%s", rows[i].label);
		buf_init(&b, 4096);
		answer_head(&b, 200, h, 2);
		ROW_TRUE(!!strstr(b.p, "x-a: ") == rows[i].stays);
		ROW_TRUE(strstr(b.p, "x-b: 2\r\n\r\n"));
		ROW_TRUE(!strstr(b.p, "X: y"));
		buf_release(&b);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_has_exactly_four_keys),
		cmocka_unit_test(what_is_not_said_is_null),
		cmocka_unit_test(an_error_asks_for_what_helps),
		cmocka_unit_test(a_status_has_its_words),
		cmocka_unit_test(a_value_cannot_add_a_line),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
