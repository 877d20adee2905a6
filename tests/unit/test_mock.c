/* test_mock.c - the fake provider without its sockets: what it reads, what it
 * says, and that every row of its table plays. */
#include "rows.h"

/* Test tools are in no library. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../mock/ask.c"
#include "../mock/peek.c"
#include "../mock/request.c"

#include "../mock/answer.c"
#include "../mock/fault.c"
#include "../mock/play.c"
/* NOLINTEND(bugprone-suspicious-include) */

static void a_request_is_read_however_cut(void **state)
{
	static const char in[] = "POST /v1/x?y HTTP/1.1\r\nHost: h\r\n"
				 "Authorization: Bearer sk-1\r\n"
				 "X-Request-Id: abc\r\n"
				 "Content-Length: 5\r\n\r\nhello";
	struct request r;

	(void)state;
	for (size_t n = 0; n < sizeof(in); n++) {
		int got = request_read(&r, (struct str){ in, n });

		row("%zu bytes", n);
		ROW_INT(got, n >= sizeof(in) - 6);
	}
	ROW_TRUE(str_eq(r.path, "/v1/x?y") && str_eq(r.key, "sk-1"));
	ROW_TRUE(str_eq(r.id, "abc") && str_eq(r.body, "hello") && r.keep);
	rows_done();
}

static void a_bad_request_is_refused(void **state)
{
	static const struct {
		const char *in;
		int want;
	} cases[] = {
		{ "GET\r\n\r\n", 400 },
		{ "GET / HTTP/2\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
		  413 },
		{ "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411 },
		{ "GET / HTTP/1.0\r\n\r\n", 1 },
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("case %zu", i);
		ROW_INT(request_read(&r, str_of(cases[i].in)), cases[i].want);
	}
	rows_done();
}

static void what_is_asked_is_found(void **state)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":\"first\"},"
		"{\"content\":[{\"type\":\"text\",\"text\":\"a \\\"q\\\" ]}\"}],"
		"\"role\":\"user\"},{\"role\":\"assistant\",\"content\":\"x\"}],"
		"\"model\":\"m/1\",\"n\":3,\"stream\":true,"
		"\"stream_options\":{\"include_usage\":true},"
		"\"response_format\":{\"type\":\"json_object\"}}";
	struct ask a;

	(void)state;
	row("chat");
	ROW_INT(ask_read(&a, ASK_CHAT, str_of(body)), 0);
	ROW_TRUE(str_eq(a.model, "m/1") && a.n == 3 && a.stream);
	ROW_TRUE(a.include_usage && a.json && !a.tool.p);
	ROW_TRUE(str_eq(a.text, "a \\\"q\\\" ]}"));
	for (size_t n = 0; n < sizeof(body) - 1; n++)
		(void)ask_read(&a, ASK_CHAT, (struct str){ body, n });
	rows_done();
}

static void a_name_finds_its_row(void **state)
{
	static const struct {
		const char *model, *want;
		int64_t first, second;
	} cases[] = {
		{ "gpt-4", "mock-echo", 0, 0 },
		{ "mock-429", "mock-429", 0, 0 },
		{ "mock-stream-20-5", "mock-stream-", 20, 5 },
		{ "mock-stream-20", "mock-stream-", 20, 0 },
		{ "mock-stream-x", "mock-echo", 0, 0 },
		{ "mock-usage-9-12-3", "mock-usage-", 9, 12 },
		{ "mock-usage-null", "mock-usage-null", 0, 0 },
		{ "mock-unknown", "mock-echo", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t arg[3];

		row("%s", cases[i].model);
		ROW_STR(fault_find(str_of(cases[i].model), arg)->name,
			cases[i].want);
		ROW_INT(arg[0], cases[i].first);
		ROW_INT(arg[1], cases[i].second);
	}
	rows_done();
}

/* Plays up to some turns, pauses skipped; what it ends with. */
static enum play_next play_row(const char *model, bool stream, struct buf *out)
{
	struct request r = { .keep = true, .key = STR("sk-1") };
	enum play_next next = PLAY_FULL;
	struct play p;
	char body[256];

	snprintf(body, sizeof(body),
		 "{\"model\":\"%s\",\"stream\":%s,\"messages\":"
		 "[{\"role\":\"user\",\"content\":\"hi \xc3\xa9\"}]}",
		 model, stream ? "true" : "false");
	r.body = str_of(body);
	play_start(&p, &r, ASK_CHAT, 1, 7);
	for (int i = 0; i < 50 && (next == PLAY_FULL || next == PLAY_WAIT);
	     i++) {
		if (next == PLAY_FULL && i)
			buf_clear(out);
		next = play_run(&p, out, INT64_MAX);
	}
	return next;
}

static void every_row_plays(void **state)
{
	const struct fault *f;
	struct buf out;

	(void)state;
	buf_init(&out, 64 << 20);
	for (size_t i = 0; (f = fault_at(i)); i++)
		for (int stream = 0; stream < 2; stream++) {
			enum play_next next;

			buf_clear(&out);
			next = play_row(f->name, stream, &out);
			row("%s", f->name);
			ROW_TRUE(out.len || next == PLAY_CLOSE ||
				 next == PLAY_RESET || next == PLAY_SILENT);
			ROW_TRUE(buf_ok(&out));
		}
	buf_release(&out);
	rows_done();
}

static void an_echo_is_exact(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	row("whole");
	ROW_INT(play_row("mock-echo", false, &out), PLAY_END);
	ROW_TRUE(strstr(out.p, "\"content\":\"echo: hi \xc3\xa9\"") != NULL);
	ROW_TRUE(strstr(out.p, "\"prompt_tokens\":5,"
			       "\"completion_tokens\":11,") != NULL);
	buf_clear(&out);
	row("crlf stream");
	ROW_INT(play_row("mock-crlf", true, &out), PLAY_END);
	ROW_TRUE(strstr(out.p, "data: [DONE]\r\n\r\n\r\n0\r\n\r\n") != NULL);
	buf_release(&out);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_however_cut),
		cmocka_unit_test(a_bad_request_is_refused),
		cmocka_unit_test(what_is_asked_is_found),
		cmocka_unit_test(a_name_finds_its_row),
		cmocka_unit_test(every_row_plays),
		cmocka_unit_test(an_echo_is_exact),
	};

	return cmocka_run_group_tests_name("mock", tests, NULL, NULL);
}
