/* test_relay_life.c - statuses, times, the client: what a story of
 * letters (test_relay.c) does not show.
 */
#include "rows.h"

#include "relay_story.h"

/* --- statuses --------------------------------------------------------------- */

static const struct {
	int status, client, calls;
	const char *code;
} statuses[] = {
	{ 400, 400, 1, "invalid_value" },
	{ 401, 502, 2, "upstream_key_refused" },
	{ 402, 502, 2, "upstream_no_credit" },
	{ 403, 502, 2, "upstream_key_refused" },
	{ 404, 502, 2, "upstream_failed" },
	{ 408, 504, 2, "upstream_timeout" },
	{ 409, 502, 2, "upstream_failed" },
	{ 413, 413, 1, "invalid_value" },
	{ 415, 415, 1, "invalid_value" },
	{ 418, 502, 2, "upstream_failed" },
	{ 422, 422, 1, "invalid_value" },
	{ 429, 429, 2, "upstream_rate_limited" },
	{ 451, 502, 2, "upstream_failed" },
	{ 500, 502, 2, "upstream_failed" },
	{ 503, 502, 2, "upstream_failed" },
	{ 504, 504, 2, "upstream_timeout" },
	{ 529, 502, 2, "upstream_failed" },
	{ 304, 502, 2, "bad_upstream_response" },
	{ 307, 502, 2, "bad_upstream_response" },
	{ 999, 502, 2, "bad_upstream_response" },
};

static void a_status_says_who_is_to_blame(void **state)
{
	static const char body[] =
		"{\"error\":{\"message\":\"No: sk-upstream-0123456789abcdefgh "
		"at http://10.1.2.3/v1\",\"code\":\"invalid_value\"}}";

	(void)state;
	for (size_t i = 0; i < COUNT(statuses) * 2; i++) {
		struct world w;
		char want[80];
		int n = statuses[i / 2].calls;

		row("%d, stream %zu", statuses[i / 2].status, i % 2);
		world_init(&w, i % 2 ? ask_stream : ask_whole, 2);
		world_start(&w);
		for (int k = 0; k < n; k++) {
			world_head(&w, statuses[i / 2].status,
				   "Content-Type: application/json\n"
				   "Retry-After: 7\nSet-Cookie: a=b\n");
			world_say(&w, str_of(body));
			world_over(&w, ERR_NONE, "");
		}
		snprintf(want, sizeof(want), "\"code\":\"%s\"",
			 statuses[i / 2].code);
		ROW_INT(w.status, statuses[i / 2].client);
		ROW_INT(w.n_calls, n);
		ROW_INT(w.n_ends, 1);
		ROW_TRUE(world_got(&w, want));
		ROW_TRUE(!world_got(&w, "sk-upstream"));
		ROW_TRUE(!world_got(&w, "10.1.2.3"));
		ROW_TRUE(!world_header(&w, "set-cookie").p);
		ROW_TRUE(str_eq(world_header(&w, "retry-after"), "7") ==
			 (statuses[i / 2].status == 429));
		world_release(&w);
	}
	rows_done();
}

static void a_pause_is_the_soonest_of_all_attempts(void **state)
{
	static const struct {
		const char *label, *first, *second, *want;
	} rows[] = {
		{ "seconds", "", "Retry-After: 3\n", "3" },
		{ "milliseconds", "", "Retry-After-Ms: 1500\n", "2" },
		{ "both: the longer", "",
		  "Retry-After-Ms: 900\nRetry-After: 2\n", "2" },
		{ "of the first only", "Retry-After: 30\n", "", "30" },
		{ "the soonest", "Retry-After: 30\n", "Retry-After: 40\n",
		  "30" },
		{ "the limits' own words", "",
		  "x-ratelimit-remaining-requests: 9\n"
		  "x-ratelimit-reset-requests: 1s\n"
		  "x-ratelimit-remaining-tokens: 0\n"
		  "x-ratelimit-reset-tokens: 1m2.5s\n",
		  "63" },
		{ "which of them is not said", "",
		  "x-ratelimit-reset-requests: 8s\n"
		  "x-ratelimit-reset-tokens: 6m0s\n",
		  "8" },
		{ "nonsense", "", "Retry-After: soon\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct str got;

		row("%s", rows[i].label);
		world_init(&w, ask_whole, 2);
		w.plan.limits.retry_wait_ms = 0;
		world_start(&w);
		world_head(&w, 429, rows[i].first);
		world_over(&w, ERR_NONE, "");
		world_head(&w, 429, rows[i].second);
		world_over(&w, ERR_NONE, "");
		got = world_header(&w, "retry-after");
		ROW_INT(w.status, 429);
		ROW_STR(got.p ? got.p : "", rows[i].want ? rows[i].want : "");
		world_release(&w);
	}
	rows_done();
}

/* Cut anywhere, an error's words are those at its beginning. */
static void a_long_error_body_is_read_to_its_limit(void **state)
{
	static const char head[] =
		"{\"error\":{\"message\":\"No\",\"code\":\"bad_thing\"},\"x\":\"";
	size_t steps[] = { 1 << 20, 70000, 30000, 999 };
	char first[512] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct buf b;
		struct world w;

		row("in pieces of %zu", steps[i]);
		buf_init(&b, 1 << 20);
		buf_str(&b, head);
		while (b.len < 200000)
			buf_str(&b, "aaaaaaaaaaaaaaaaaaaa");
		world_init(&w, ask_whole, 1);
		world_start(&w);
		world_head(&w, 400, "");
		for (size_t at = 0; at < b.len; at += steps[i])
			world_say(&w,
				  (struct str){ b.p + at,
						MIN(steps[i], b.len - at) });
		world_over(&w, ERR_NONE, "");
		ROW_INT(w.status, 400);
		ROW_INT(w.relay.held.len <= 65536, true);
		if (!i)
			snprintf(first, sizeof(first), "%s", w.got.p);
		ROW_STR(w.got.p, first);
		world_release(&w);
		buf_release(&b);
	}
	rows_done();
}

/* --- times ------------------------------------------------------------------ */

static void content_is_never_held(void **state)
{
	struct world w;

	(void)state;
	row("a stream");
	world_init(&w, ask_stream, 1);
	story_tell(&w, "Hr");
	ROW_INT(w.n_heads, 0);
	ROW_INT(w.relay.end.delivered, false);
	story_step(&w, '3');
	story_step(&w, 't');
	ROW_INT(w.n_heads, 1);
	ROW_TRUE(world_got(&w, "Li"));
	ROW_INT(w.relay.end.first_ms, 3000);
	for (size_t i = 1; i < 4; i++) {
		size_t before = w.got.len;

		story_step(&w, 't');
		ROW_TRUE(w.got.len > before);
	}
	world_leave(&w);
	world_release(&w);
	rows_done();
}

static void deadline_covers_all_attempts(void **state)
{
	static const struct {
		const char *label, *ask, *script;
		int status, calls;
		int64_t total_ms;
	} rows[] = {
		{ "whole", ask_whole, "WWWWWWWWWWWW", 504, 2, 40000 },
		{ "a stream that runs on", ask_stream, "Hrt9t9t9t9t9t9t", 200,
		  1, 40000 },
		{ "held back", ask_stream, "WWWWWWWWWWW", 200, 1, 40000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, rows[i].ask, 4);
		w.plan.limits.first_token_ms =
			strcmp(rows[i].label, "whole") ? 60000 : 30000;
		w.plan.limits.deadline_ms = 40000;
		story_tell(&w, rows[i].script);
		ROW_INT(w.relay.end.status, rows[i].status);
		ROW_STR(err_info(w.relay.end.code)->code, "deadline_exceeded");
		ROW_INT(w.n_calls, rows[i].calls);
		ROW_INT(w.n_cancels, rows[i].calls);
		ROW_INT(w.relay.end.total_ms, rows[i].total_ms);
		ROW_INT(w.n_ends, 1);
		world_release(&w);
	}
	rows_done();
}

static void each_silence_has_its_limit(void **state)
{
	static const struct {
		const char *label, *ask, *script;
		int64_t first_token_ms, idle_ms, total_ms;
	} rows[] = {
		{ "no head", ask_whole, "WWW", 5000, 60000, 5000 },
		{ "a head, no body", ask_whole, "3JWWW", 90000, 7000, 10000 },
		{ "half a body", ask_whole, "3Jh2WWW", 90000, 7000, 10000 },
		{ "an error's body", ask_whole, "1FWWW", 90000, 7000, 8000 },
		{ "no content", ask_stream, "Hr3rWWW", 5000, 60000, 5000 },
		{ "inside content", ask_stream, "Hrt2tWWW", 5000, 6000, 8000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, rows[i].ask, 1);
		w.plan.limits.first_token_ms = rows[i].first_token_ms;
		w.plan.limits.idle_ms = rows[i].idle_ms;
		story_tell(&w, rows[i].script);
		ROW_INT(w.n_ends, 1);
		ROW_INT(w.relay.end.total_ms, rows[i].total_ms);
		world_release(&w);
	}
	rows_done();
}

/* --- the client ------------------------------------------------------------- */

static void a_client_that_does_not_read_is_paused_then_dropped(void **state)
{
	struct world w;

	(void)state;
	row("stuck");
	world_init(&w, ask_stream, 1);
	story_tell(&w, "HrSttttttttttttttttttt");
	ROW_INT(w.on, false);
	ROW_INT(w.n_ends, 0);
	world_pass(&w, 19999);
	ROW_INT(w.n_ends, 0);
	world_pass(&w, 1);
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.n_cancels, 1);
	ROW_TRUE(w.relay.end.client_gone);
	ROW_INT(w.n_after_end, 0);
	world_release(&w);

	row("reads again");
	world_init(&w, ask_stream, 1);
	story_tell(&w, "HrSttttttttttttttttttt99Rtsd.");
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.relay.end.code, ERR_NONE);
	ROW_TRUE(!world_got(&w, "keep-alive"));
	world_release(&w);

	row("the silence was ours");
	world_init(&w, ask_stream, 1);
	w.plan.limits.stall_ms = 90000;
	story_tell(&w, "HrSttttttttttttttttttt9999R9tsd.");
	ROW_INT(w.relay.end.code, ERR_NONE);
	world_release(&w);
	rows_done();
}

static void client_gone_cancels_upstream_once(void **state)
{
	static const struct {
		const char *label, *ask, *script;
		int status, cancels;
	} rows[] = {
		{ "before the head", ask_stream, "qqq", 499, 1 },
		{ "after the head", ask_stream, "Hrq.x", 499, 1 },
		{ "in the content", ask_stream, "Hrtqtsd.", 200, 1 },
		{ "whole", ask_whole, "Jhq#.", 499, 1 },
		{ "in the second attempt", ask_whole, "xqW", 499, 1 },
		{ "between the bytes of an error", ask_whole, "Fqq", 499, 1 },
		{ "when all is over", ask_whole, "J#.q", 200, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;

		row("%s", rows[i].label);
		world_init(&w, rows[i].ask, 2);
		story_tell(&w, rows[i].script);
		ROW_INT(w.n_cancels, rows[i].cancels);
		ROW_INT(w.n_ends, 1);
		ROW_INT(w.relay.end.status, rows[i].status);
		ROW_INT(w.relay.end.client_gone, rows[i].cancels == 1);
		ROW_INT(w.n_after_end, 0);
		ROW_INT(w.timer_ms, 0);
		world_release(&w);
	}
	rows_done();
}

static void a_stop_ends_it_with_its_reason(void **state)
{
	static const struct {
		const char *label, *ask, *script, *client;
		int status;
		enum err_code code;
	} rows[] = {
		{ "nothing sent", ask_stream, "Hr", "!", 503, ERR_SHUTDOWN },
		{ "in the content", ask_stream, "Hrt", "rtE", 200,
		  ERR_SHUTDOWN },
		{ "after the end", ask_stream, "Hrtsd", "rtsd", 200, ERR_NONE },
		{ "whole", ask_whole, "Jh", "!", 503, ERR_SHUTDOWN },
		{ "over", ask_whole, "J#.", "#", 200, ERR_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err why = { 0 };
		struct world w;
		char got[512];

		row("%s", rows[i].label);
		err_set(&why, ERR_SHUTDOWN, "going down");
		world_init(&w, rows[i].ask, 2);
		story_tell(&w, rows[i].script);
		relay_on_stop(&w.relay, w.now_ms, &why);
		relay_on_stop(&w.relay, w.now_ms, &why);
		ROW_STR(story_letters(&w, got), rows[i].client);
		ROW_INT(w.relay.end.status, rows[i].status);
		ROW_INT(w.relay.end.code, rows[i].code);
		ROW_INT(w.n_ends, 1);
		world_release(&w);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_says_who_is_to_blame),
		cmocka_unit_test(a_pause_is_the_soonest_of_all_attempts),
		cmocka_unit_test(a_long_error_body_is_read_to_its_limit),
		cmocka_unit_test(content_is_never_held),
		cmocka_unit_test(deadline_covers_all_attempts),
		cmocka_unit_test(each_silence_has_its_limit),
		cmocka_unit_test(
			a_client_that_does_not_read_is_paused_then_dropped),
		cmocka_unit_test(client_gone_cancels_upstream_once),
		cmocka_unit_test(a_stop_ends_it_with_its_reason),
	};

	return cmocka_run_group_tests_name("relay life", tests, NULL, NULL);
}
