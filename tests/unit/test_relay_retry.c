/* test_relay_retry.c - who is asked next, who is waited for, what is told. */
#include "rows.h"

#include "relay_story.h"

static const char json[] = "Content-Type: application/json\n";

/* An attempt that fails with a status, perhaps with more header lines. */
static void fails(struct world *w, int status, const char *lines)
{
	world_head(w, status, lines);
	world_over(w, ERR_NONE, "");
}

static const char *code_of(const struct world *w)
{
	return err_info(w->relay.end.code)->code;
}

/* --- the pause ---------------------------------------------------------------- */

static void one_that_comes_back_soon_is_waited_for(void **state)
{
	static const struct {
		const char *label, *lines;
		int channels, status, calls;
		int64_t deadline_ms, wait_ms, took_ms;
	} rows[] = {
		{ "soon", "Retry-After: 1\n", 1, 200, 2, 300000, 2000, 1000 },
		{ "at once", "Retry-After: 0\n", 1, 200, 2, 300000, 2000, 50 },
		{ "as late as may be", "Retry-After: 2\n", 1, 200, 2, 300000,
		  2000, 2000 },
		{ "later", "Retry-After: 3\n", 1, 429, 1, 300000, 2000, 0 },
		{ "nothing said", "", 1, 429, 1, 300000, 2000, 0 },
		{ "no time left", "Retry-After: 1\n", 1, 429, 1, 1000, 2000,
		  0 },
		{ "nobody waits", "Retry-After: 1\n", 1, 429, 1, 300000, 0, 0 },
		{ "after the others", "Retry-After: 1\n", 2, 200, 3, 300000,
		  2000, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, ask_whole, rows[i].channels);
		w.plan.limits.retry_wait_ms = rows[i].wait_ms;
		w.plan.limits.deadline_ms = rows[i].deadline_ms;
		world_start(&w);
		fails(&w, 429, rows[i].lines);
		if (rows[i].channels > 1)
			fails(&w, 500, "");
		world_wait(&w);
		world_head(&w, 200, json);
		story_step(&w, '#');
		story_step(&w, '.');
		ROW_INT(w.status, rows[i].status);
		ROW_INT(w.n_calls, rows[i].calls);
		ROW_INT(w.relay.end.total_ms, rows[i].took_ms);
		ROW_INT(w.n_ends, 1);
		ROW_INT(w.n_over, rows[i].calls);
		ROW_INT(w.n_after_end, 0);
		world_release(&w);
	}
	rows_done();
}

static void pauses_have_an_end(void **state)
{
	struct world w;

	(void)state;
	row("429 each time");
	world_init(&w, ask_whole, 1);
	w.plan.limits.retry_wait_ms = 2000;
	w.plan.limits.max_attempts = 10;
	world_start(&w);
	for (int i = 0; i < 10; i++) {
		fails(&w, 429, "Retry-After-Ms: 800\n");
		world_wait(&w);
	}
	ROW_INT(w.status, 429);
	ROW_INT(w.n_calls, 3);
	ROW_INT(w.relay.end.total_ms, 1600);
	ROW_TRUE(str_eq(world_header(&w, "retry-after"), "1"));
	world_release(&w);

	row("no more attempts than may be");
	world_init(&w, ask_whole, 1);
	w.plan.limits.retry_wait_ms = 2000;
	w.plan.limits.max_attempts = 2;
	world_start(&w);
	for (int i = 0; i < 10; i++) {
		fails(&w, 429, "Retry-After-Ms: 100\n");
		world_wait(&w);
	}
	ROW_INT(w.n_calls, 2);
	world_release(&w);

	row("the client leaves meanwhile");
	world_init(&w, ask_stream, 1);
	w.plan.limits.retry_wait_ms = 2000;
	world_start(&w);
	fails(&w, 429, "Retry-After: 1\n");
	world_leave(&w);
	world_wait(&w);
	ROW_INT(w.n_calls, 1);
	ROW_INT(w.n_ends, 1);
	ROW_TRUE(w.relay.end.client_gone);
	world_release(&w);
	rows_done();
}

/* --- candidates that may not be called ----------------------------------------- */

static void one_at_its_limit_is_passed_over(void **state)
{
	struct world w;

	(void)state;
	row("the first");
	world_init(&w, ask_whole, 2);
	w.skip[0] = ERR_UP_RATE;
	w.skip_ms[0] = -1;
	story_tell(&w, "J#.");
	ROW_INT(w.n_calls, 1);
	ROW_INT(w.relay.end.n_attempts, 1);
	ROW_TRUE(w.relay.end.served == &w.candidates[1]);
	world_release(&w);

	row("all, and it is not known for how long");
	world_init(&w, ask_whole, 2);
	w.skip[0] = w.skip[1] = ERR_UP_RATE;
	w.skip_ms[0] = w.skip_ms[1] = -1;
	world_start(&w);
	ROW_INT(w.status, 429);
	ROW_STR(code_of(&w), "upstream_rate_limited");
	ROW_TRUE(!world_header(&w, "retry-after").p);
	ROW_INT(w.n_calls, 0);
	world_release(&w);

	row("all, for long");
	world_init(&w, ask_whole, 2);
	w.plan.limits.retry_wait_ms = 2000;
	w.skip[0] = w.skip[1] = ERR_UP_RATE;
	w.skip_ms[0] = w.now_ms + 30000;
	w.skip_ms[1] = w.now_ms + 20000;
	world_start(&w);
	ROW_INT(w.status, 429);
	ROW_TRUE(str_eq(world_header(&w, "retry-after"), "20"));
	world_release(&w);

	row("all, for a moment");
	world_init(&w, ask_whole, 2);
	w.plan.limits.retry_wait_ms = 2000;
	w.skip[0] = w.skip[1] = ERR_UP_RATE;
	w.skip_ms[0] = w.now_ms + 900;
	w.skip_ms[1] = w.now_ms + 700;
	story_tell(&w, "WJ#.");
	ROW_INT(w.status, 200);
	ROW_TRUE(w.relay.end.served == &w.candidates[1]);
	ROW_INT(w.relay.end.total_ms, 700);
	world_release(&w);

	row("what failed tells more than who was not asked");
	world_init(&w, ask_whole, 2);
	w.skip[1] = ERR_NO_CHANNEL;
	w.skip_ms[1] = -1;
	world_start(&w);
	fails(&w, 500, "");
	ROW_INT(w.status, 502);
	ROW_STR(code_of(&w), "upstream_failed");
	world_release(&w);
	rows_done();
}

/* --- what is told ---------------------------------------------------------------- */

static void the_most_telling_error_is_told(void **state)
{
	static const struct {
		int first, second;
		const char *code;
	} rows[] = {
		{ 429, 500, "upstream_rate_limited" },
		{ 500, 429, "upstream_rate_limited" },
		{ 401, 500, "upstream_failed" },
		{ 500, 401, "upstream_failed" },
		{ 402, 307, "bad_upstream_response" },
		{ 401, 402, "upstream_no_credit" },
		{ 402, 401, "upstream_key_refused" },
		{ 504, 500, "upstream_timeout" },
		{ 500, 504, "upstream_timeout" },
		{ 500, 422, "upstream_refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%d, then %d", rows[i].first, rows[i].second);
		world_init(&w, ask_whole, 2);
		world_start(&w);
		fails(&w, rows[i].first, "Retry-After: 9\n");
		fails(&w, rows[i].second, "Retry-After: 7\n");
		ROW_STR(code_of(&w), rows[i].code);
		ROW_TRUE(!world_header(&w, "retry-after").p);
		ROW_INT(w.n_over, 2);
		ROW_INT(w.over[0].status, rows[i].first);
		ROW_INT(w.over[0].retry_after_ms, 9000);
		world_release(&w);
	}
	rows_done();
}

static void a_bad_request_is_asked_once_in_any_words(void **state)
{
	static const struct {
		const char *ask, *head, *body, *want;
		int status, client;
	} rows[] = {
		{ ask_whole, json,
		  "{\"type\":\"error\",\"error\":{\"type\":"
		  "\"invalid_request_error\",\"message\":\"prompt is too "
		  "long: 9 tokens > 8 maximum\"}}",
		  "\"code\":\"context_length_exceeded\"", 400, 400 },
		{ ask_whole, json,
		  "{\"error\":{\"message\":\"maximum context length is 8\"}}",
		  "\"code\":\"context_length_exceeded\"", 500, 400 },
		{ ask_whole, json,
		  "{\"error\":{\"message\":\"Your input was flagged\"}}",
		  "\"code\":\"content_filter\"", 403, 400 },
		{ ask_whole, json,
		  "{\"error\":{\"message\":\"bad\",\"type\":"
		  "\"invalid_request_error\",\"code\":\"bad_thing\"}}",
		  "\"code\":\"bad_thing\"", 200, 400 },
		{ ask_stream, "Content-Type: text/event-stream\n",
		  "data: {\"error\":{\"message\":\"no\",\"code\":"
		  "\"content_filter\"}}\n\n",
		  "\"code\":\"content_filter\"", 200, 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].body);
		world_init(&w, rows[i].ask, 2);
		world_start(&w);
		world_head(&w, rows[i].status, rows[i].head);
		world_say(&w, str_of(rows[i].body));
		world_over(&w, ERR_NONE, "");
		ROW_INT(w.n_calls, 1);
		ROW_INT(w.status, rows[i].client);
		ROW_TRUE(world_got(&w, rows[i].want));
		world_release(&w);
	}
	rows_done();
}

/* --- times ------------------------------------------------------------------------ */

static void a_channel_has_times_of_its_own(void **state)
{
	static const struct {
		const char *label, *ask, *script;
		struct book_times times;
		int64_t began_ms; /* the second attempt */
	} rows[] = {
		{ "first token",
		  ask_whole,
		  "W",
		  { .first_token_ms = 1500 },
		  1500 },
		{ "idle", ask_whole, "1J2hW", { .idle_ms = 700 }, 1700 },
		{ "all of it", ask_whole, "1JhW", { .total_ms = 2500 }, 2500 },
		{ "all of it, a slow stream",
		  ask_stream,
		  "Hr1r1r1r1r1rW",
		  { .total_ms = 2500 },
		  2500 },
		{ "none", ask_whole, "W", { 0 }, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, rows[i].ask, 2);
		w.channels[0].times = rows[i].times;
		story_tell(&w, rows[i].script);
		ROW_INT(w.n_calls, 2);
		ROW_INT(w.calls[1].at_ms - 1000, rows[i].began_ms);
		ROW_INT(w.over[0].code, ERR_UP_TIMEOUT);
		ROW_INT(w.relay.call.connect_ms, 10000);
		world_leave(&w);
		world_release(&w);
	}
	rows_done();
}

/* --- what a channel changes ---------------------------------------------------------- */

static bool has(const struct world_call *c, const char *part)
{
	return memmem(c->body.p, c->body.n, part, strlen(part));
}

static void each_attempt_starts_from_the_callers_body(void **state)
{
	static const struct book_change params[] = {
		{ "temperature", "0.5" },
		{ "stream", "false" },
		{ "messages", "[]" },
		{ "user", NULL },
	};
	static const struct book_change headers[] = {
		{ "X-Team", "blue" },    { "user-agent", "other/1" },
		{ "Accept", NULL },      { "Authorization", "Bearer stolen" },
		{ "Host", "elsewhere" }, { "X-Bad", "a\r\nb: c" },
	};
	static const char body[] =
		"{\"model\":\"m1\",\"user\":\"ann\",\"messages\":[{\"role\":"
		"\"user\",\"content\":\"hi\"}]}";
	struct world w;

	(void)state;
	row("the first overrides, the second does not");
	world_init(&w, body, 2);
	w.channels[0].params = params;
	w.channels[0].n_params = COUNT(params);
	w.channels[0].headers = headers;
	w.channels[0].n_headers = COUNT(headers);
	w.channels[0].system_prompt = "Be kind.";
	w.candidates[0].model = "real";
	relay_find_overrides(&w.plan, &w.arena);
	story_tell(&w, "xJ#.");
	ROW_TRUE(has(&w.calls[0], "\"temperature\":0.5"));
	ROW_TRUE(has(&w.calls[0], "\"real\""));
	ROW_TRUE(has(&w.calls[0], "Be kind."));
	ROW_TRUE(has(&w.calls[0], "\"hi\""));
	ROW_TRUE(!has(&w.calls[0], "ann"));
	ROW_TRUE(!has(&w.calls[0], "\"stream\":false"));
	ROW_TRUE(str_eq(case_value(&w.calls[0].headers, "x-team"), "blue"));
	ROW_TRUE(str_eq(case_value(&w.calls[0].headers, "user-agent"),
			"other/1"));
	ROW_INT(case_value(&w.calls[0].headers, "accept").n, 0);
	ROW_TRUE(!case_value(&w.calls[0].headers, "host").p);
	ROW_TRUE(!case_value(&w.calls[0].headers, "x-bad").p);
	ROW_TRUE(str_eq(case_value(&w.calls[0].headers, "authorization"),
			"Bearer sk-upstream-a"));
	ROW_TRUE(str_eq(w.calls[1].body, body));
	ROW_TRUE(!case_value(&w.calls[1].headers, "x-team").p);
	ROW_TRUE(case_value(&w.calls[1].headers, "accept").n > 0);
	ROW_INT(w.status, 200);
	world_release(&w);
	rows_done();
}

static void a_fallback_says_who_served(void **state)
{
	struct book_model other = { .name = "m2" };
	struct world w;

	(void)state;
	row("the second is one");
	world_init(&w, ask_stream, 2);
	w.candidates[1].fallback = true;
	w.candidates[1].serves = &other;
	w.candidates[1].price = &other.price;
	story_tell(&w, "xHrtsd.");
	ROW_TRUE(str_eq(world_header(&w, "x-pontage-model"), "m2"));
	world_release(&w);

	row("the first is not");
	world_init(&w, ask_stream, 2);
	story_tell(&w, "Hrtsd.");
	ROW_TRUE(!world_header(&w, "x-pontage-model").p);
	world_release(&w);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_comes_back_soon_is_waited_for),
		cmocka_unit_test(pauses_have_an_end),
		cmocka_unit_test(one_at_its_limit_is_passed_over),
		cmocka_unit_test(the_most_telling_error_is_told),
		cmocka_unit_test(a_bad_request_is_asked_once_in_any_words),
		cmocka_unit_test(a_channel_has_times_of_its_own),
		cmocka_unit_test(each_attempt_starts_from_the_callers_body),
		cmocka_unit_test(a_fallback_says_who_served),
	};

	return cmocka_run_group_tests_name("relay retry", tests, NULL, NULL);
}
