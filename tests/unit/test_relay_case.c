/* test_relay_case.c - the format of relay cases, and the upstream that plays
 * them on loopback sockets. */
#include <arpa/inet.h>
#include <glob.h>
#include <poll.h>
#include <sys/socket.h>

#include "rows.h"

/* Test tools are in no library. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../mock/peek.c"
#include "../relay/relay_case.c"
#include "../relay/relay_case_answer.c"
#include "../relay/relay_check.c"
#include "../relay/script_upstream.c"
/* NOLINTEND(bugprone-suspicious-include) */

static const char sample[] = "What it shows.\n"
			     "== setup\n"
			     "channel a priority=10 map=x=y\n"
			     "conf hold_back_ms=200\n"
			     "token limit=1.00\n"
			     "== client\n"
			     "[leave-after-ms 100]\n"
			     "POST /v1/chat/completions\n"
			     "Authorization: Bearer $KEY\n"
			     "\n"
			     "{\"a\":1,\\\n"
			     "\"b\":2}\n"
			     "== upstream 1\n"
			     "channel: a\n"
			     "has: authorization: Bearer k\n"
			     "lacks: cookie\n"
			     "member: s.t=\"x=y\"\n"
			     "body:\n"
			     "exact\n"
			     "== answer 1\n"
			     "HTTP/1.1 200 OK\n"
			     "Content-Type: text/event-stream\n"
			     "\n"
			     "data: 1\n"
			     "\n"
			     "[pause 20]\n"
			     "[crlf]\n"
			     "x\n"
			     "[bytes E6 0a]\n"
			     "[reset]\n"
			     "== answer 2\n"
			     "[refuse]\n"
			     "== reply\n"
			     "status: 200\n"
			     "contains: a\\nb\\x41\\q\n"
			     "ends: cut\n"
			     "== rows\n"
			     "status=200 error= n=~\n";

static void everything_is_read(void **state)
{
	struct arena a;
	struct err e = { 0 };
	struct relay_case *c;
	struct str s;

	(void)state;
	arena_init(&a);
	c = relay_case_parse(str_of(sample), &a, &e);
	row("sample: %s", e.msg);
	ROW_TRUE(c != NULL);
	if (!c)
		return rows_done();
	ROW_TRUE(str_eq(c->title, "What it shows.\n"));
	ROW_INT(c->n_setup, 3);
	ROW_TRUE(str_eq(c->setup[0].name, "a"));
	ROW_TRUE(str_eq(case_value(&c->setup[0].pairs, "map"), "x=y"));
	ROW_TRUE(str_eq(c->setup[1].verb, "conf"));
	ROW_TRUE(str_eq(c->setup[1].pairs.at[0].name, "hold_back_ms"));
	ROW_TRUE(str_eq(c->client.body, "{\"a\":1,\"b\":2}\n"));
	ROW_INT(c->client.leave_after_ms, 100);
	s = case_expand(&a, c->client.headers.at[0].value, "sk-1");
	ROW_TRUE(str_eq(s, "Bearer sk-1"));
	ROW_TRUE(str_eq(c->upstream[0].members.at[0].value, "\"x=y\""));
	ROW_TRUE(str_eq(c->upstream[0].body, "exact\n"));
	ROW_INT(c->n_attempts, 2);
	ROW_TRUE(c->answer[0].stream);
	ROW_INT(c->answer[0].n_ops, 4);
	ROW_TRUE(str_eq(c->answer[0].ops[0].bytes, "data: 1\n\n"));
	ROW_INT(c->answer[0].ops[1].ms, 20);
	ROW_TRUE(str_eq(c->answer[0].ops[2].bytes, "x\r\n\xe6\n"));
	ROW_INT(c->answer[0].ops[3].kind, OP_RESET);
	ROW_INT(c->answer[1].ops[0].kind, OP_REFUSE);
	ROW_TRUE(str_eq(c->reply.contains.at[0], "a\nbA\\q"));
	ROW_TRUE(c->reply.cut && c->rows_given);
	ROW_TRUE(str_eq(case_value(&c->rows[0], "error"), ""));
	arena_release(&a);
	rows_done();
}

#define CLIENT "== client\nGET /\n\n"
#define REPLY  "== reply\nstatus: 200\n"

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "there is no == client" },
		{ CLIENT, "there is no status in reply" },
		{ CLIENT REPLY "== upstream 1\n", "there is no == answer 1" },
		{ CLIENT "== reply\nstatus: 20\n",
		  "line 5: want a status: \"status: 20\"" },
		{ "a\nb\n== nothing\n",
		  "line 3: no such section: \"nothing\"" },
		{ "== upstream\n", "line 1: wants a number: \"upstream\"" },
		{ "== reply 1\n", "line 1: has no number: \"reply 1\"" },
		{ "== upstream 9\n",
		  "line 1: want the number of an attempt: \"upstream 9\"" },
		{ "== upstream 1\nhost: x\n",
		  "line 2: no such key here: \"host: x\"" },
		{ "== answer 1\n[wait 5]\n",
		  "line 2: no such directive here: \"[wait 5]\"" },
		{ "== answer 1\nHTTP/1.1 OK\n",
		  "line 2: want HTTP/1.1 and a status: \"HTTP/1.1 OK\"" },
		{ "== answer 1\n[raw]\n[bytes E6 zz]\n",
		  "line 3: want bytes in hex: \"[bytes E6 zz]\"" },
		{ "== client\n[leave-after-ms x]\n",
		  "line 2: want a number: \"[leave-after-ms x]\"" },
		{ "== rows\nstatus\n",
		  "line 2: want a name and a value: \"status\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a;
		struct err e = { 0 };

		arena_init(&a);
		row("case %zu", i);
		ROW_TRUE(!relay_case_parse(str_of(cases[i].in), &a, &e));
		ROW_STR(e.msg, cases[i].want);
		arena_release(&a);
	}
	rows_done();
}

static void every_case_in_the_folder_is_read(void **state)
{
	glob_t files;

	(void)state;
	assert_int_equal(glob("tests/relay/cases/*.case", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct arena a;
		struct err e = { 0 };

		arena_init(&a);
		row("%s", files.gl_pathv[i]);
		relay_case_load(files.gl_pathv[i], &a, &e);
		ROW_STR(e.msg, "");
		arena_release(&a);
	}
	globfree(&files);
	rows_done();
}

static void a_reply_that_differs_is_refused(void **state)
{
	static const char text[] = CLIENT "== reply\n"
					  "status: 200\n"
					  "header: x-id: ~\n"
					  "no-header: set-cookie\n"
					  "contains: b\n"
					  "lacks: z\n"
					  "body:\n"
					  "abc\n";
	static const struct {
		const char *label, *header, *body, *want;
		int status;
		bool cut;
	} cases[] = {
		{ "right", "x-id", "abc\n", "", 200, false },
		{ "status", "x-id", "abc\n", "status: want 200, got 500: abc\n",
		  500, false },
		{ "header", "x-no", "abc\n", "x-id: want \"~\", got \"\"", 200,
		  false },
		{ "too short", "x-id", "ab", "body: want \"abc\n\", got \"ab\"",
		  200, false },
		{ "lacks", "x-id", "bz", "lacks: want \"z\", got \"bz\"", 200,
		  false },
		{ "cut", "x-id", "abc\n", "ends: want whole", 200, true },
	};
	struct arena a;
	struct err e = { 0 };
	struct relay_case *c;

	(void)state;
	arena_init(&a);
	c = relay_case_parse(str_of(text), &a, &e);
	assert_non_null(c);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct case_pairs h = { .n = 1 };

		h.at[0] =
			(struct case_pair){ str_of(cases[i].header), STR("1") };
		err_clear(&e);
		row("%s", cases[i].label);
		case_check_reply(c, cases[i].status, &h, str_of(cases[i].body),
				 cases[i].cut, &e);
		ROW_STR(e.msg, cases[i].want);
	}
	arena_release(&a);
	rows_done();
}

/* --- on sockets ------------------------------------------------------------ */

static int call(const struct script *s, int channel, const char *request)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_port = htons((uint16_t)script_port(s, channel));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(send(fd, request, strlen(request), 0),
			 strlen(request));
	return fd;
}

/* What comes within 200 ms, or until the end; *n: the last recv. */
static void hear(struct script *s, int fd, struct buf *b, ssize_t *n)
{
	int64_t until_ms = clock_mono_ms() + 200;

	*n = 1;
	while (*n > 0 && clock_mono_ms() < until_ms) {
		if (!script_turn(s, fd, POLLIN, 10))
			continue;
		*n = recv(fd, buf_room(b, 4096), 4096, 0);
		if (*n > 0)
			buf_grew(b, (size_t)*n);
	}
}

static const char played[] = "== setup\n"
			     "channel a\n"
			     "channel b\n"
			     "channel c\n" CLIENT REPLY "== upstream 1\n"
			     "channel: c\n"
			     "== answer 1\n"
			     "[refuse]\n"
			     "== upstream 2\n"
			     "channel: a\n"
			     "path: /v1/x\n"
			     "has: host: h\n"
			     "body:\n"
			     "hi\\\n"
			     "== answer 2\n"
			     "HTTP/1.1 200 OK\n"
			     "Content-Type: text/event-stream\n"
			     "\n"
			     "one\n"
			     "[pause 10]\n"
			     "two\n"
			     "== upstream 3\n"
			     "channel: b\n"
			     "== answer 3\n"
			     "HTTP/1.1 500 No\n"
			     "X-A: b\n"
			     "\n"
			     "{}\n"
			     "[reset]\n";

static void a_script_is_played(void **state)
{
	struct arena a;
	struct err e = { 0 };
	struct script s;
	struct buf b;
	ssize_t n;
	int fd;

	(void)state;
	arena_init(&a);
	buf_init(&b, 1 << 20);
	assert_int_equal(
		script_open(&s, relay_case_parse(str_of(played), &a, &e), &e),
		0);
	row("played");
	ROW_INT(call(&s, 2, ""), -1);
	fd = call(&s, 0,
		  "POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
		  "hi");
	hear(&s, fd, &b, &n);
	ROW_STR(b.p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n");
	close(fd);
	ROW_INT(script_check(&s, &e), -1);
	ROW_STR(e.msg, "attempt 3 never came");
	buf_clear(&b);
	fd = call(&s, 1, "GET / HTTP/1.1\r\n\r\n");
	hear(&s, fd, &b, &n);
	ROW_STR(b.p, "HTTP/1.1 500 No\r\nX-A: b\r\nContent-Length: 3\r\n\r\n"
		     "{}\n");
	ROW_INT(n, -1);
	close(fd);
	err_clear(&e);
	script_check(&s, &e);
	ROW_STR(e.msg, "");
	fd = call(&s, 1, "GET / HTTP/1.1\r\n\r\n");
	hear(&s, fd, &b, &n);
	err_clear(&e);
	script_check(&s, &e);
	ROW_STR(e.msg, "4 attempts, want 3");
	close(fd);
	script_close(&s);
	buf_release(&b);
	arena_release(&a);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(every_case_in_the_folder_is_read),
		cmocka_unit_test(a_reply_that_differs_is_refused),
		cmocka_unit_test(a_script_is_played),
	};

	return cmocka_run_group_tests_name("relay_case", tests, NULL, NULL);
}
