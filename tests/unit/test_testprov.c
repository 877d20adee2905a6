/* test_testprov.c - lib/provider/testprov: the same request, the same bytes. */
#include "provider/testprov.h"

#include "dialect/listen.h"
#include "http/sse.h"

#include "rows.h"

struct played {
	struct buf all;
	int64_t ms;
	int steps;
};

static void play(struct testprov *t, struct played *p)
{
	struct testprov_step s;

	*p = (struct played){ 0 };
	buf_init(&p->all, 64u << 20);
	while (testprov_next(t, &s)) {
		p->ms += s.after_ms;
		p->steps++;
		buf_add(&p->all, s.bytes.p, s.bytes.n);
	}
}

struct heard {
	struct listen l;
	struct buf text;
};

static int on_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct heard *h = arg;
	struct listen_note note;
	const char *at;

	(void)e;
	listen_event(&h->l, ev->data.p, ev->data.n, &note);
	at = memmem(ev->data.p, ev->data.n, "content\":\"", 10);
	if (at)
		buf_add(&h->text, at + 10,
			strcspn(at + 10, "\"")); /* as it is escaped */
	return 0;
}

#define CHAT(model, more)                                            \
	"{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"Hello there\"}]" more "}"
#define STREAM ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"

static const struct {
	const char *label, *body, *text;
	int status, steps;
	int64_t ms, in, out;
	enum finish finish;
	enum testprov_end end;
} streams[] = {
	{ "echo", CHAT("test-echo", STREAM), "Hello there", 200, 1, 0, 3, 3,
	  FINISH_STOP, TESTPROV_CLEAN },
	{ "fixed", CHAT("test-fixed", STREAM), "Hello from the test provider.",
	  200, 1, 0, 12, 10, FINISH_STOP, TESTPROV_CLEAN },
	{ "stream", CHAT("test-stream-3-50", STREAM), "1 2 3", 200, 4, 150, 3,
	  2, FINISH_STOP, TESTPROV_CLEAN },
	{ "slow", CHAT("test-slow", STREAM),
	  "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", 200, 21, 10000,
	  3, 13, FINISH_STOP, TESTPROV_CLEAN },
	{ "a limit", CHAT("test-echo", STREAM ",\"max_tokens\":1"), "Hell", 200,
	  1, 0, 3, 1, FINISH_LENGTH, TESTPROV_CLEAN },
	{ "empty", CHAT("test-empty", STREAM), "", 200, 1, 0, 3, 0, FINISH_STOP,
	  TESTPROV_CLEAN },
	{ "no usage", CHAT("test-no-usage", STREAM), "Hello there", 200, 1, 0,
	  -1, -1, FINISH_STOP, TESTPROV_CLEAN },
	{ "json", CHAT("test-json", STREAM), "{\\ there\\", 200, 1, 0, 3, 6,
	  FINISH_STOP, TESTPROV_CLEAN },
	{ "reason", CHAT("test-reason", STREAM),
	  "I am asked something. I say it back.Hello there", 200, 1, 0, 3, 12,
	  FINISH_STOP, TESTPROV_CLEAN },
	{ "two choices", CHAT("test-echo", STREAM ",\"n\":2"),
	  "HelloHello there there", 200, 1, 0, 3, 6, FINISH_STOP,
	  TESTPROV_CLEAN },
	{ "cut", CHAT("test-cut", STREAM), "1 2 3", 200, 4, 60, -1, -1,
	  FINISH_NONE, TESTPROV_CUT },
	{ "stall", CHAT("test-stall", STREAM), "1 2 3", 200, 4, 60, -1, -1,
	  FINISH_NONE, TESTPROV_HANG },
	{ "hang", CHAT("test-hang", STREAM), "", 0, 0, 0, -1, -1, FINISH_NONE,
	  TESTPROV_HANG },
	{ "error first", CHAT("test-error-event", STREAM), "", 200, 1, 0, -1,
	  -1, FINISH_NONE, TESTPROV_CLEAN },
	{ "error late", CHAT("test-late-error", STREAM), "1 2 3", 200, 4, 60,
	  -1, -1, FINISH_NONE, TESTPROV_CLEAN },
};

static void a_stream_says_what_its_row_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(streams); i++) {
		struct testprov t;
		struct played p;
		struct heard h;
		struct sse s;
		struct err e = { 0 };

		row("%s", streams[i].label);
		testprov_open(&t, "/chat/completions", str_of(streams[i].body),
			      1795262400);
		play(&t, &p);
		ROW_INT(t.status, streams[i].status);
		ROW_INT(t.end, streams[i].end);
		ROW_INT(p.steps, streams[i].steps);
		ROW_INT(p.ms, streams[i].ms);
		listen_init(&h.l, SHAPE_CHAT, false);
		buf_init(&h.text, 1u << 16);
		sse_init(&s, 1u << 20);
		ROW_INT(sse_feed(&s, p.all.p, p.all.len, on_event, &h, &e), 0);
		ROW_STR(h.text.len ? h.text.p : "", streams[i].text);
		ROW_INT(usage_prompt_tok(&h.l.usage),
			streams[i].in < 0                  ? -1 :
			!strcmp(streams[i].label, "fixed") ? 20 :
							     streams[i].in);
		ROW_INT(h.l.usage.out_tok, streams[i].out);
		ROW_INT(h.l.finish, streams[i].finish);
		ROW_TRUE(h.l.done == (streams[i].finish != FINISH_NONE));
		ROW_TRUE(h.l.failed ==
			 (strstr(streams[i].label, "error") != NULL));
		sse_release(&s);
		listen_release(&h.l);
		buf_release(&h.text);
		buf_release(&p.all);
		testprov_close(&t);
	}
	rows_done();
}

#define ANSWER(message, finish, usage)                                      \
	"{\"id\":\"chatcmpl-test-*\",\"object\":\"chat.completion\","       \
	"\"created\":1795262400,\"model\":\"*\",\"choices\":[{\"index\":0," \
	"\"message\":{\"role\":\"assistant\"," message                      \
	"},\"logprobs\":null,\"finish_reason\":\"" finish "\"}]" usage "}"
#define USED(in, out)                                                     \
	",\"usage\":{\"prompt_tokens\":" in ",\"completion_tokens\":" out \
	",\"total_tokens\":*}"
#define SAYS(text) "\"content\":\"" text "\",\"refusal\":null"
#define ERROR(message, type, param, code)                          \
	"{\"error\":{\"message\":\"" message "\",\"type\":\"" type \
	"\",\"param\":" param ",\"code\":" code "}}"
#define TOOLS                                                        \
	",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":" \
	"\"f\"}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]"

static const struct {
	const char *label, *path, *body;
	int status;
	int64_t ms;
	const char *want; /* * stands for anything */
} wholes[] = {
	{ "echo", "/chat/completions", CHAT("test-echo", ""), 200, 0,
	  ANSWER(SAYS("Hello there"), "stop", USED("3", "3")) },
	{ "stream, whole", "/chat/completions", CHAT("test-stream-3-50", ""),
	  200, 100, ANSWER(SAYS("1 2 3"), "stop", USED("3", "2")) },
	{ "a tool", "/chat/completions", CHAT("test-tools", TOOLS), 200, 0,
	  ANSWER("\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":"
		 "\"call_test_1\",\"type\":\"function\",\"function\":{"
		 "\"name\":\"f\",\"arguments\":\"{}\"}}]",
		 "tool_calls", USED("3", "1")) },
	{ "a tool that is named", "/chat/completions",
	  "{\"model\":\"test-tools\",\"messages\":[{\"role\":\"user\","
	  "\"content\":\"call g {\\\"a\\\": [1, 2]}\"}]" TOOLS "}",
	  200, 0,
	  ANSWER("*\"name\":\"g\",\"arguments\":\"{\\\"a\\\": [1, 2]}\"}}]",
		 "tool_calls", "*") },
	{ "a tool's result", "/chat/completions",
	  "{\"model\":\"test-tools\",\"messages\":[{\"role\":\"tool\","
	  "\"tool_call_id\":\"call_test_1\",\"content\":\"4\"}]" TOOLS "}",
	  200, 0, ANSWER(SAYS("The tool said: 4"), "stop", "*") },
	{ "no tools", "/chat/completions", CHAT("test-tools", ""), 200, 0,
	  ANSWER(SAYS("There is no tool to call."), "stop", "*") },
	{ "json", "/chat/completions", CHAT("test-json", ""), 200, 0,
	  ANSWER(SAYS("{\\\"answer\\\":\\\"Hello there\\\"}"), "stop", "*") },
	{ "json to a schema", "/chat/completions",
	  CHAT("test-json",
	       ",\"response_format\":{\"type\":\"json_schema\","
	       "\"json_schema\":{\"name\":\"p\",\"schema\":{\"type\":"
	       "\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
	       "\"b\":{\"enum\":[7]},\"c\":{\"type\":\"object\","
	       "\"properties\":{}}}}}}"),
	  200, 0,
	  ANSWER(SAYS("{\\\"a\\\":\\\"text\\\",\\\"b\\\":7,\\\"c\\\":{}}"),
		 "stop", "*") },
	{ "no usage", "/chat/completions", CHAT("test-no-usage", ""), 200, 0,
	  ANSWER(SAYS("Hello there"), "stop", "") },
	{ "cut", "/chat/completions", CHAT("test-cut", ""), 200, 40,
	  "{\"id\":\"chatcmpl-test\",\"cho" },
	{ "error in a 200", "/chat/completions", CHAT("test-error-event", ""),
	  200, 0,
	  ERROR("The test provider fails at once.", "server_error", "null",
		"null") },
	{ "completion", "/completions",
	  "{\"model\":\"test-echo\",\"prompt\":[\"a\",\"b\"]}", 200, 0,
	  "{\"id\":\"*\",\"object\":\"text_completion\",*[{\"index\":0,"
	  "\"text\":\"a\",*},{\"index\":1,\"text\":\"b\",*" },
	{ "embeddings", "/embeddings",
	  "{\"model\":\"test-embed\",\"input\":\"a\",\"dimensions\":2}", 200, 0,
	  "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
	  "\"index\":0,\"embedding\":[*,*]}],\"model\":\"test-embed\","
	  "\"usage\":{\"prompt_tokens\":1,\"total_tokens\":1}}" },
	{ "embeddings, base64", "/embeddings",
	  "{\"model\":\"test-embed\",\"input\":[\"a\",\"b\"],\"dimensions\":3,"
	  "\"encoding_format\":\"base64\"}",
	  200, 0, "*\"embedding\":\"????????????????\"},*:\"*\"}],*" },
	{ "400", "/chat/completions", CHAT("test-400", STREAM), 400, 0,
	  ERROR("*", "invalid_request_error", "null", "\"invalid_value\"") },
	{ "401", "/chat/completions", CHAT("test-401", ""), 401, 0,
	  ERROR("*", "invalid_request_error", "null", "\"invalid_api_key\"") },
	{ "429", "/chat/completions", CHAT("test-429", ""), 429, 0,
	  ERROR("*", "requests", "null", "\"rate_limit_exceeded\"") },
	{ "500", "/chat/completions", CHAT("test-500", ""), 500, 0,
	  ERROR("*http*", "server_error", "null", "null") },
	{ "502", "/chat/completions", CHAT("test-502", ""), 502, 0, "<html>*" },
	{ "503", "/chat/completions", CHAT("test-503", ""), 503, 0,
	  ERROR("*", "server_error", "null", "\"overloaded\"") },
	{ "no such model", "/chat/completions", CHAT("test-echo-x", ""), 404, 0,
	  ERROR("*", "invalid_request_error", "\"model\"",
		"\"model_not_found\"") },
	{ "too many pieces", "/chat/completions", CHAT("test-long-1000001", ""),
	  404, 0, "*" },
	{ "no such endpoint", "/images", "{}", 404, 0, "*unknown_url*" },
	{ "no JSON", "/chat/completions", "{", 400, 0, "*invalid_json*" },
	{ "models", "/models", "", 200, 0,
	  "{\"object\":\"list\",\"data\":[{\"id\":\"test-echo\",*" },
};

static bool like(const char *s, const char *want)
{
	for (; *want && *want != '*'; s++, want++)
		if (!*s || (*want != '?' && *s != *want))
			return false;
	if (!*want)
		return !*s;
	for (;; s++) {
		if (like(s, want + 1))
			return true;
		if (!*s)
			return false;
	}
}

static void a_whole_answer_says_what_its_row_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wholes); i++) {
		struct testprov t;
		struct played p;

		row("%s", wholes[i].label);
		testprov_open(&t, wholes[i].path, str_of(wholes[i].body),
			      1795262400);
		play(&t, &p);
		ROW_INT(t.status, wholes[i].status);
		ROW_INT(p.ms, wholes[i].ms);
		if (!like(p.all.p, wholes[i].want))
			ROW_STR(p.all.p, wholes[i].want);
		buf_release(&p.all);
		testprov_close(&t);
	}
	rows_done();
}

static void a_long_answer_comes_in_small_steps(void **state)
{
	struct testprov t;
	struct testprov_step s;
	size_t most = 0, all = 0;

	(void)state;
	testprov_open(&t, "/chat/completions",
		      str_of(CHAT("test-long-20000", STREAM)), 0);
	while (testprov_next(&t, &s)) {
		most = MAX(most, s.bytes.n);
		all += s.bytes.n;
	}
	assert_true(most < 8000 && all > 2000000);
	testprov_close(&t);
}

static void too_many_requests_say_when_to_come_back(void **state)
{
	struct testprov t;

	(void)state;
	testprov_open(&t, "/chat/completions", str_of(CHAT("test-429", "")), 0);
	assert_non_null(strstr(t.headers, "Retry-After: 2\r\n"));
	testprov_close(&t);
}

static void the_models_can_be_listed(void **state)
{
	const char *name, *help;
	int n = 0;

	(void)state;
	while (testprov_row(n, &name, &help)) {
		assert_true(!strncmp(name, "test-", 5) && *help);
		n++;
	}
	assert_true(n > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_says_what_its_row_says),
		cmocka_unit_test(a_whole_answer_says_what_its_row_says),
		cmocka_unit_test(a_long_answer_comes_in_small_steps),
		cmocka_unit_test(too_many_requests_say_when_to_come_back),
		cmocka_unit_test(the_models_can_be_listed),
	};

	return cmocka_run_group_tests_name("testprov", tests, NULL, NULL);
}
