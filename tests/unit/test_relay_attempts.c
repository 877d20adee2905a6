/* test_relay_attempts.c - attempts, what each is told, and the states. */
#include "rows.h"

#include "relay_story.h"

#include "relay/inner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* --- attempts --------------------------------------------------------------- */

static void attempts_have_a_number(void **state)
{
	static const struct {
		const char *label;
		int channels, max, calls;
		const char *code;
	} rows[] = {
		{ "fewer channels", 2, 4, 2, "bad_upstream_response" },
		{ "more channels", 6, 4, 4, "bad_upstream_response" },
		{ "one", 6, 1, 1, "bad_upstream_response" },
		{ "no channel", 0, 4, 0, "no_available_channel" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, ask_whole, rows[i].channels);
		w.plan.limits.max_attempts = rows[i].max;
		story_tell(&w, "xxxxxxx");
		ROW_INT(w.n_calls, rows[i].calls);
		ROW_INT(w.relay.end.n_attempts, rows[i].calls);
		ROW_STR(err_info(w.relay.end.code)->code, rows[i].code);
		ROW_TRUE(!w.relay.end.served);
		ROW_INT(w.n_ends, 1);
		world_release(&w);
	}
	rows_done();
}

static void a_call_that_cannot_be_made_is_an_attempt(void **state)
{
	struct world w;

	(void)state;
	row("the second one can");
	world_init(&w, ask_whole, 3);
	w.refuse[0] = ERR_UP_FORBIDDEN;
	story_tell(&w, "J#.");
	ROW_INT(w.n_calls, 2);
	ROW_INT(w.relay.end.attempts[0].code, ERR_UP_FORBIDDEN);
	ROW_INT(w.relay.end.attempts[1].code, ERR_NONE);
	ROW_INT(w.n_cancels, 0);
	ROW_INT(w.status, 200);
	world_release(&w);

	row("none can");
	world_init(&w, ask_whole, 2);
	w.refuse[0] = w.refuse[1] = ERR_UP_FORBIDDEN;
	story_tell(&w, "q");
	ROW_INT(w.status, 502);
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.n_cancels, 0);
	world_release(&w);

	row("the last one cannot");
	world_init(&w, ask_whole, 2);
	w.refuse[1] = ERR_UP_FORBIDDEN;
	story_tell(&w, "xW");
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.relay.end.n_attempts, 2);
	ROW_INT(w.n_cancels, 0);
	world_release(&w);
	rows_done();
}

static void attempts_are_noted(void **state)
{
	const struct relay_attempt *a;
	struct world w;

	(void)state;
	row("three");
	world_init(&w, ask_whole, 3);
	story_tell(&w, "2x3F.J#.");
	a = w.relay.end.attempts;
	ROW_INT(w.relay.end.n_attempts, 3);
	ROW_STR(a[0].channel, w.channels[0].name);
	ROW_INT(a[0].code, ERR_UP_BROKEN);
	ROW_INT(a[0].ms, 2000);
	ROW_INT(a[0].status, 0);
	ROW_STR(a[1].channel, w.channels[1].name);
	ROW_INT(a[1].code, ERR_UP_STATUS);
	ROW_INT(a[1].status, 500);
	ROW_INT(a[1].ms, 3000);
	ROW_INT(a[2].code, ERR_NONE);
	ROW_INT(a[2].status, 200);
	ROW_TRUE(w.relay.end.served == &w.candidates[2]);
	ROW_TRUE(w.relay.end.delivered);
	ROW_INT(w.relay.end.first_ms, 5000);
	world_release(&w);
	rows_done();
}

/* What a first attempt took is not owed where the second one has not yet
 * answered. */
static void only_the_last_attempt_was_reached(void **state)
{
	struct world w;

	(void)state;
	row("HTML, then nothing");
	world_init(&w, ask_stream, 2);
	story_tell(&w, "Pq");
	ROW_INT(w.relay.end.reached, false);
	world_release(&w);

	row("an empty answer is one");
	world_init(&w, ask_stream, 2);
	story_tell(&w, "Hrsud.");
	ROW_INT(w.relay.end.delivered, true);
	ROW_INT(w.relay.listen.usage.in_tok, 9);
	world_release(&w);
	rows_done();
}

static void each_upstream_gets_its_own_name_and_key(void **state)
{
	struct world w;

	(void)state;
	row("two");
	world_init(&w, ask_stream, 2);
	w.candidates[1].model = "real";
	story_tell(&w, "xHrtsd.");
	ROW_TRUE(str_eq(w.calls[0].path, "/v1/chat/completions"));
	ROW_TRUE(str_eq(case_value(&w.calls[0].headers, "authorization"),
			"Bearer sk-upstream-a"));
	ROW_TRUE(str_eq(case_value(&w.calls[1].headers, "authorization"),
			"Bearer sk-upstream-b"));
	ROW_TRUE(memmem(w.calls[0].body.p, w.calls[0].body.n, "\"m1\"", 4));
	ROW_TRUE(memmem(w.calls[1].body.p, w.calls[1].body.n, "\"real\"", 6));
	ROW_TRUE(memmem(w.calls[1].body.p, w.calls[1].body.n,
			"\"include_usage\":true", 20));
	world_release(&w);
	rows_done();
}

static void too_much_is_broken(void **state)
{
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 22);
	buf_str(&b, "data: {\"a\":\"");
	while (b.len < 2 << 20)
		buf_str(&b, "aaaaaaaaaaaaaaaa");

	row("one event");
	world_init(&w, ask_stream, 1);
	world_start(&w);
	story_step(&w, 'H');
	world_say(&w, buf_span(&b));
	ROW_INT(w.status, 502);
	ROW_INT(w.n_cancels, 1);
	world_release(&w);

	row("one event, after the end");
	world_init(&w, ask_stream, 1);
	story_tell(&w, "Hrtsd");
	world_say(&w, buf_span(&b));
	story_step(&w, 'W');
	ROW_INT(w.relay.end.code, ERR_NONE);
	world_release(&w);

	row("a whole answer");
	world_init(&w, ask_whole, 1);
	world_start(&w);
	story_step(&w, 'J');
	world_say(&w, (struct str){ b.p + 6, b.len - 6 });
	ROW_INT(w.status, 502);
	ROW_INT(w.n_cancels, 1);
	world_release(&w);

	row("no content for ever");
	world_init(&w, ask_stream, 1);
	world_start(&w);
	story_step(&w, 'H');
	for (int i = 0; i < 20000 && w.calling; i++)
		story_step(&w, 'r');
	ROW_INT(w.status, 502);
	world_release(&w);
	buf_release(&b);
	rows_done();
}

static void headers_of_an_answer(void **state)
{
	struct world w;

	(void)state;
	row("a stream");
	world_init(&w, ask_stream, 1);
	world_start(&w);
	world_head(&w, 200,
		   "Content-Type: text/event-stream\nSet-Cookie: a=b\n"
		   "X-Accel-Redirect: /etc/passwd\nLocation: /x\n"
		   "Retry-After: 5\nRetry-After-Ms: 5000\n"
		   "x-ratelimit-remaining-requests: 9\n");
	story_step(&w, 't');
	ROW_TRUE(str_eq(world_header(&w, "x-request-id"), "req_1"));
	ROW_TRUE(str_eq(world_header(&w, "x-pontage-receipt"), "req_1"));
	ROW_TRUE(str_eq(world_header(&w, "x-accel-buffering"), "no"));
	ROW_TRUE(str_eq(world_header(&w, "x-ratelimit-remaining-requests"),
			"9"));
	ROW_TRUE(!world_header(&w, "set-cookie").p);
	ROW_TRUE(!world_header(&w, "x-accel-redirect").p);
	ROW_TRUE(!world_header(&w, "location").p);
	ROW_TRUE(!world_header(&w, "retry-after").p);
	ROW_TRUE(!world_header(&w, "retry-after-ms").p);
	world_leave(&w);
	world_release(&w);
	rows_done();
}

/* --- states ----------------------------------------------------------------- */

/* Does a step from one state to another end the process? */
static bool stops(enum relay_state from, enum relay_state to)
{
	static struct relay r;
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		r.state = from;
		relay_enter(&r, to);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* A letter each: Idle, Call, Held, Whole, Body, Short, Retry, Done. */
static void a_wrong_step_stops_at_once(void **state)
{
	static const char names[] = "ICHWBSRD";
	static const char *const may[RELAY__COUNT] = {
		"CRD", "HWBRD", "BRD", "RD", "SD", "BD", "CRD", "",
	};

	(void)state;
	for (int from = 0; from < RELAY__COUNT; from++)
		for (int to = 0; to < RELAY__COUNT; to++) {
			row("%c to %c", names[from], names[to]);
			ROW_INT(stops((enum relay_state)from,
				      (enum relay_state)to),
				!strchr(may[from], names[to]));
		}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts_have_a_number),
		cmocka_unit_test(a_call_that_cannot_be_made_is_an_attempt),
		cmocka_unit_test(attempts_are_noted),
		cmocka_unit_test(only_the_last_attempt_was_reached),
		cmocka_unit_test(each_upstream_gets_its_own_name_and_key),
		cmocka_unit_test(too_much_is_broken),
		cmocka_unit_test(headers_of_an_answer),
		cmocka_unit_test(a_wrong_step_stops_at_once),
	};

	return cmocka_run_group_tests_name("relay attempts", tests, NULL, NULL);
}
