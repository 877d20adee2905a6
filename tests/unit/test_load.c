/* test_load.c - the load generator without its sockets: it must see what is
 * wrong, or its numbers mean nothing. */
#include "rows.h"

/* Test tools are in no library. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../bench/check.c"
#include "../bench/hist.c"
#include "../bench/reply.c"
/* NOLINTEND(bugprone-suspicious-include) */

/* Status, state and body, fed in two parts. */
static void feed(const char *in, size_t n, size_t cut, struct buf *out)
{
	struct reply r;
	struct str body;

	reply_init(&r);
	reply_start(&r);
	buf_clear(out);
	for (int part = 0; part < 2; part++) {
		const char *p = part ? in + cut : in;
		size_t left = part ? n - cut : cut, took;

		while ((took = reply_take(&r, p, left, &body))) {
			p += took;
			left -= took;
			buf_add(out, body.p, body.n);
		}
	}
	buf_printf(out, "|%d|%d|%d", r.status, (int)r.state, r.keep);
	reply_release(&r);
}

static void an_answer_is_the_same_however_cut(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		  "hello|200|7|1" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nhel\r\nA;x=y\r\nlo, world!\r\n0\r\n\r\n",
		  "hello, world!|200|7|1" },
		{ "HTTP/1.1 429 No\r\nConnection: close\r\n"
		  "Content-Length: 0\r\n\r\n",
		  "|429|7|0" },
		{ "HTTP/1.1 100 Continue\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
		  "x|200|7|1" },
		{ "HTTP/1.0 200 OK\r\n\r\nto the end", "to the end|200|6|0" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "zz\r\n",
		  "|200|8|1" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		  "hello|200|1|1" },
		{ "SSH-2.0\r\n\r\n", "|0|8|1" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) {
			feed(cases[i].in, strlen(cases[i].in), cut, &out);
			row("case %zu, cut at %zu", i, cut);
			ROW_STR(out.p, cases[i].want);
		}
	buf_release(&out);
	rows_done();
}

static void nothing(void *arg, int64_t sent_us)
{
	(void)arg;
	(void)sent_us;
}

#define EVENT(text, fin)                                      \
	"data: {\"choices\":[{\"delta\":{\"content\":\"" text \
	"\"},\"finish_reason\":" fin "}]}\n\n"
#define FIN EVENT("", "\"stop\"")
#define USAGE                                                   \
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2," \
	"\"completion_tokens\":8}}\n\n"
#define DONE "data: [DONE]\n\n"
#define ONE  EVENT("echo: ", "null")
#define TWO  EVENT("hi", "null")

static void a_wrong_stream_is_seen(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ ONE TWO FIN USAGE DONE, "right" },
		{ ": note\n\n" ONE TWO FIN USAGE DONE, "right" },
		{ ONE TWO FIN USAGE, "no_done" },
		{ ONE TWO USAGE DONE, "no_finish" },
		{ TWO ONE FIN USAGE DONE, "wrong_text" },
		{ ONE FIN USAGE DONE, "wrong_text" },
		{ ONE TWO FIN DONE, "wrong_usage" },
		{ ONE TWO FIN USAGE DONE ONE, "garbled" },
		{ ONE TWO FIN USAGE "data: {\"a\":[}\n\n" DONE, "garbled" },
		{ ONE TWO FIN USAGE DONE "dat", "garbled" },
		{ ONE "data: {\"error\":{}}\n\n", "error_event" },
		{ "<html>\n", "garbled" },
	};
	const struct expect want = { true, true, USAGE_RIGHT, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) {
			struct check c;

			check_init(&c, &want);
			check_start(&c, STR("hi"));
			check_take(&c, (struct str){ cases[i].in, cut },
				   nothing, NULL);
			check_take(&c, str_of(cases[i].in + cut), nothing,
				   NULL);
			row("case %zu, cut at %zu", i, cut);
			ROW_STR(check_word(check_end(&c)), cases[i].want);
			check_release(&c);
		}
	rows_done();
}

static void events_must_come_in_order(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ EVENT("0@5 ", "null") EVENT("1@6 ", "null") FIN DONE,
		  "right" },
		{ EVENT("1@6 ", "null") EVENT("0@5 ", "null") FIN DONE,
		  "garbled" },
		{ EVENT("0@5 ", "null") FIN DONE, "missing" },
		{ EVENT("0@5 ", "null") EVENT("0@5 ", "null") FIN DONE,
		  "garbled" },
		{ EVENT("0@ ", "null") EVENT("1@6 ", "null") FIN DONE,
		  "garbled" },
	};
	const struct expect want = { true, true, USAGE_ANY, 2 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct check c;

		check_init(&c, &want);
		check_start(&c, STR("hi"));
		check_take(&c, str_of(cases[i].in), nothing, NULL);
		row("case %zu", i);
		ROW_STR(check_word(check_end(&c)), cases[i].want);
		check_release(&c);
	}
	rows_done();
}

#define BODY(text, usage) \
	"{\"choices\":[{\"message\":{\"content\":\"" text "\"}}]" usage "}"
#define COUNTS ",\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":8}"

static void a_wrong_answer_is_seen(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ BODY("echo: hi", COUNTS), "right" },
		{ BODY("echo: hi", COUNTS) "\n", "right" },
		{ BODY("echo: ho", COUNTS), "wrong_text" },
		{ BODY("echo: hi", ""), "wrong_usage" },
		{ BODY("echo: hi", COUNTS) "}", "garbled" },
		{ BODY("echo: hi", COUNTS) BODY("echo: hi", COUNTS),
		  "garbled" },
		{ "{\"choices\":[", "garbled" },
		{ "", "garbled" },
	};
	const struct expect want = { false, true, USAGE_RIGHT, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct check c;

		check_init(&c, &want);
		check_start(&c, STR("hi"));
		check_take(&c, str_of(cases[i].in), nothing, NULL);
		row("case %zu", i);
		ROW_STR(check_word(check_end(&c)), cases[i].want);
		check_release(&c);
	}
	rows_done();
}

static void times_are_near(void **state)
{
	static struct hist h;

	(void)state;
	for (int64_t i = 1; i <= 100000; i++)
		hist_add(&h, i);
	row("1 to 100000");
	ROW_TRUE(llabs((long long)hist_at(&h, 500000) - 50000) < 1000);
	ROW_TRUE(llabs((long long)hist_at(&h, 990000) - 99000) < 1700);
	ROW_INT(hist_at(&h, 1000000), 100000);
	hist_add(&h, INT64_MAX / 4);
	hist_add(&h, -5);
	ROW_INT(h.max_us, INT64_MAX / 4);
	for (int64_t i = 0; i < 4096; i++)
		ROW_TRUE(top_of(bucket_of(i)) >= i &&
			 top_of(bucket_of(i)) - i <= i / HIST_STEPS);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_the_same_however_cut),
		cmocka_unit_test(a_wrong_stream_is_seen),
		cmocka_unit_test(events_must_come_in_order),
		cmocka_unit_test(a_wrong_answer_is_seen),
		cmocka_unit_test(times_are_near),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
