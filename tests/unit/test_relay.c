/* test_relay.c - stories of attempts and streams (relay_story.h). */
#include "rows.h"

#include "relay_story.h"

struct story {
	const char *label, *ask, *script;
	const char *client; /* what it got */
	int status;
	const char *code; /* of the end; "": none */
	int calls;
};

static void read_stories(const struct story *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char got[4096];
		struct world w;
		const struct relay_end *end = &w.relay.end;

		row("%s: %s", s[i].label, s[i].script);
		world_init(&w, s[i].ask, 2);
		story_tell(&w, s[i].script);
		ROW_STR(story_letters(&w, got), s[i].client);
		ROW_INT(end->status, s[i].status);
		ROW_STR(end->code ? err_info(end->code)->code : "", s[i].code);
		ROW_INT(w.n_calls, s[i].calls);
		ROW_INT(end->n_attempts, s[i].calls);
		ROW_INT(w.n_ends, 1);
		ROW_INT(w.n_after_end, 0);
		ROW_INT(w.timer_ms, 0);
		ROW_TRUE(!w.calling);
		ROW_INT(w.n_heads, end->client_gone ? w.n_heads : 1);
		world_release(&w);
	}
	rows_done();
}

/* --- the stories ------------------------------------------------------------ */

/* clang-format off */
static const struct story no_retry_after_first_byte_rows[] = {
	{ "breaks off", ask_stream, "Hrtx", "rtE", 200, "bad_upstream_response", 1 },
	{ "ends early", ask_stream, "Hrt.", "rtE", 200, "bad_upstream_response", 1 },
	{ "half an event", ask_stream, "Hrt/.", "rtE", 200, "bad_upstream_response", 1 },
	{ "half an event, reset", ask_stream, "Hrt/x", "rtE", 200, "bad_upstream_response", 1 },
	{ "an error", ask_stream, "Hrte", "rtE", 200, "upstream_failed", 1 },
	{ "not JSON", ask_stream, "Hrtb", "rtE", 200, "bad_upstream_response", 1 },
	{ "after the hold-back", ask_stream, "Hr99x", "rwE", 200, "bad_upstream_response", 1 },
	{ "silence", ask_stream, "HrtWW", "rtkE", 200, "upstream_timeout", 1 },
};

static const struct story a_broken_start_fails_over_rows[] = {
	{ "reset at once", ask_stream, "xHrtsd.", "rtsd", 200, "", 2 },
	{ "closed at once", ask_stream, ".Hrtsd.", "rtsd", 200, "", 2 },
	{ "reset after the head", ask_stream, "HxHrtsd.", "rtsd", 200, "", 2 },
	{ "reset after the role", ask_stream, "HrxHrtsd.", "rtsd", 200, "", 2 },
	{ "an error first", ask_stream, "HeHrtsd.", "rtsd", 200, "", 2 },
	{ "an error after the role", ask_stream, "HreHrtsd.", "rtsd", 200, "", 2 },
	{ "empty", ask_stream, "H.Hrtsd.", "rtsd", 200, "", 2 },
	{ "[DONE] alone", ask_stream, "HdHrtsd.", "rtsd", 200, "", 2 },
	{ "role and [DONE]", ask_stream, "HrdHrtsd.", "rtsd", 200, "", 2 },
	{ "comments alone", ask_stream, "Hmm.Hrtsd.", "rtsd", 200, "", 2 },
	{ "HTML", ask_stream, "PHrtsd.", "rtsd", 200, "", 2 },
	{ "HTML without a type", ask_stream, "N<.Hrtsd.", "rtsd", 200, "", 2 },
	{ "JSON lines", ask_stream, "LHrtsd.", "rtsd", 200, "", 2 },
	{ "gzip", ask_stream, "ZHrtsd.", "rtsd", 200, "", 2 },
	{ "a redirect", ask_stream, "O.Hrtsd.", "rtsd", 200, "", 2 },
	{ "a whole answer to a stream", ask_stream, "J#.Hrtsd.", "rtsd", 200, "", 2 },
	{ "silence, then the next, late", ask_stream, "WWWWWWWWHrtsd.", "wkkkE", 200, "upstream_timeout", 1 },
	{ "whole: reset", ask_whole, "xJ#.", "#", 200, "", 2 },
	{ "whole: silence", ask_whole, "WJ#.", "#", 200, "", 2 },
	{ "whole: 500", ask_whole, "F!.J#.", "#", 200, "", 2 },
	{ "whole: cut off", ask_whole, "Jh.J#.", "#", 200, "", 2 },
	{ "whole: cut off by a reset", ask_whole, "J#xJ#.", "#", 200, "", 2 },
	{ "whole: empty", ask_whole, "J.J#.", "#", 200, "", 2 },
	{ "whole: an array", ask_whole, "J[J#.", "#", 200, "", 2 },
	{ "whole: HTML", ask_whole, "PJ#.", "#", 200, "", 2 },
	{ "whole: HTML called JSON", ask_whole, "J<J#.", "#", 200, "", 2 },
	{ "whole: a stream", ask_whole, "HrtsdJ#.", "#", 200, "", 2 },
	{ "whole: gzip", ask_whole, "ZJ#.", "#", 200, "", 2 },
	{ "whole: a redirect", ask_whole, "O.J#.", "#", 200, "", 2 },
};

static const struct story all_fail_and_the_last_one_is_told_rows[] = {
	{ "both reset", ask_stream, "xHx", "!", 502, "bad_upstream_response", 2 },
	{ "then rate limited", ask_stream, "xHl", "!", 429, "upstream_rate_limited", 2 },
	{ "silence", ask_whole, "WW", "!", 504, "upstream_timeout", 2 },
	{ "500 twice", ask_whole, "F.F.", "!", 502, "upstream_failed", 2 },
};

static const struct story a_stream_passes_rows[] = {
	{ "with [DONE]", ask_stream, "Hrtsd.", "rtsd", 200, "", 1 },
	{ "and nothing closes", ask_stream, "HrtsdW", "rtsd", 200, "", 1 },
	{ "and it breaks after the end", ask_stream, "Hrtsdx", "rtsd", 200, "", 1 },
	{ "another case of letters", ask_stream, "Irtsd.", "rtsd", 200, "", 1 },
	{ "no type", ask_stream, "Nrtsd.", "rtsd", 200, "", 1 },
	{ "no content", ask_stream, "Hrsd.", "rsd", 200, "", 1 },
	{ "its comments too", ask_stream, "Hrtmsd.", "rtmsd", 200, "", 1 },
	{ "but no comments before", ask_stream, "Hmrmtsd.", "rtsd", 200, "", 1 },
	{ "a mark of byte order", ask_stream, "HBrtsd.", "rtsd", 200, "", 1 },
};

static const struct story done_then_more_is_ignored_rows[] = {
	{ "content", ask_stream, "Hrtsdttt.", "rtsd", 200, "", 1 },
	{ "an error", ask_stream, "Hrtsde.", "rtsd", 200, "", 1 },
	{ "not JSON", ask_stream, "Hrtsdb.", "rtsd", 200, "", 1 },
	{ "another end", ask_stream, "Hrtsdd.", "rtsd", 200, "", 1 },
	{ "half an event", ask_stream, "Hrtsd/.", "rtsd", 200, "", 1 },
	{ "and the client leaves", ask_stream, "Hrtsdq", "rtsd", 200, "", 1 },
};

static const struct story finish_without_done_gets_one_rows[] = {
	{ "closed", ask_stream, "Hrts.", "rtsd", 200, "", 1 },
	{ "no content", ask_stream, "Hrs.", "rsd", 200, "", 1 },
	{ "the last event is open", ask_stream, "Hrto.", "rto+d", 200, "", 1 },
	{ "it is the only one", ask_stream, "Ho.", "o+d", 200, "", 1 },
	{ "not where it broke off", ask_stream, "Hrtsx", "rtsE", 200, "bad_upstream_response", 1 },
	{ "one of two answers", ask_two, "Hrts.", "rtsE", 200, "bad_upstream_response", 1 },
};

static const struct story usage_chunk_is_hidden_rows[] = {
	{ "nobody asked", ask_stream, "Hrtsud.", "rtsd", 200, "", 1 },
	{ "it was asked for", ask_usage, "Hrtsud.", "rtsud", 200, "", 1 },
	{ "no [DONE]", ask_stream, "Hrtsu.", "rtsd", 200, "", 1 },
	{ "a null of it too", ask_stream, "Hrnnsud.", "rvvsd", 200, "", 1 },
	{ "a null that was asked for", ask_usage, "Hrnsud.", "rnsud", 200, "", 1 },
};

static const struct story hold_back_sends_head_and_comment_rows[] = {
	{ "no head yet", ask_stream, "91Hrtsd.", "wrtsd", 200, "", 1 },
	{ "no content yet", ask_stream, "Hr91tsd.", "rwtsd", 200, "", 1 },
	{ "then an error", ask_stream, "H91e", "wE", 200, "upstream_failed", 1 },
	{ "then a status", ask_stream, "91F.", "wE", 200, "upstream_failed", 1 },
	{ "then HTML", ask_stream, "91P", "wE", 200, "bad_upstream_response", 1 },
	{ "then a whole answer", ask_stream, "91J#.", "wE", 200, "bad_upstream_response", 1 },
	{ "then nothing", ask_stream, "91.", "wE", 200, "bad_upstream_response", 1 },
	{ "then an end alone", ask_stream, "H91d", "wE", 200, "bad_upstream_response", 1 },
	{ "across attempts", ask_stream, "6x5Hrtsd.", "wrtsd", 200, "", 2 },
	{ "not for a whole answer", ask_whole, "99J#.", "#", 200, "", 1 },
	{ "not while an error is read", ask_stream, "F99h.Hrtsd.", "rtsd", 200, "", 2 },
};

static const struct story keep_alive_comments_rows[] = {
	{ "in silence", ask_stream, "Hrt99tsd.", "rtktsd", 200, "", 1 },
	{ "not when there is talk", ask_stream, "Hrt9t9t9tsd.", "rttttsd", 200, "", 1 },
	{ "after the hold-back", ask_stream, "9999Hrtsd.", "wkrtsd", 200, "", 1 },
	{ "not after the end", ask_stream, "Hrtsd99", "rtsd", 200, "", 1 },
};
/* clang-format on */

#define READ(name)                                             \
	static void name(void **state)                         \
	{                                                      \
		(void)state;                                   \
		read_stories(name##_rows, COUNT(name##_rows)); \
	}

READ(no_retry_after_first_byte)
READ(a_broken_start_fails_over)
READ(all_fail_and_the_last_one_is_told)
READ(a_stream_passes)
READ(done_then_more_is_ignored)
READ(finish_without_done_gets_one)
READ(usage_chunk_is_hidden)
READ(hold_back_sends_head_and_comment)
READ(keep_alive_comments)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_retry_after_first_byte),
		cmocka_unit_test(a_broken_start_fails_over),
		cmocka_unit_test(all_fail_and_the_last_one_is_told),
		cmocka_unit_test(a_stream_passes),
		cmocka_unit_test(done_then_more_is_ignored),
		cmocka_unit_test(finish_without_done_gets_one),
		cmocka_unit_test(usage_chunk_is_hidden),
		cmocka_unit_test(hold_back_sends_head_and_comment),
		cmocka_unit_test(keep_alive_comments),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
