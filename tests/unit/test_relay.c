/* test_relay.c - one request's life: attempts, times, ends.
 *
 * A story is what happens, a letter each (said[]), and what the client has got
 * in the end, in letters too.
 */
#include "rows.h"

#include "relay_world.h"

#define CHUNK(delta, finish)                                              \
	"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{" delta \
	"},\"finish_reason\":" finish "}]}\n\n"

#define ANSWER                                                         \
	"{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{"        \
	"\"role\":\"assistant\",\"content\":\"Lima\"},"                \
	"\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9," \
	"\"completion_tokens\":12,\"total_tokens\":21}}"

static const struct saying {
	char letter;
	const char *bytes;
} said[] = {
	{ 'r', CHUNK("\"role\":\"assistant\",\"content\":\"\"", "null") },
	{ 't', CHUNK("\"content\":\"Li\"", "null") },
	{ 's', CHUNK("", "\"stop\"") },
	{ 'u', "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\""
	       ":9,\"completion_tokens\":12,\"total_tokens\":21}}\n\n" },
	{ 'd', "data: [DONE]\n\n" },
	{ 'e', "data: {\"error\":{\"message\":\"Overloaded\"}}\n\n" },
	{ 'l',
	  "data: {\"error\":{\"message\":\"Slow down\",\"code\":429}}\n\n" },
	{ 'm', ": ping\n\n" },
	{ 'b', "data: {\"id\":\n\n" },
	{ 'o', "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	       "\"content\":\"x\"},\"finish_reason\":\"stop\"}]}" },
	{ '/', "data: {\"id\":\"c\",\"cho" },
	{ 'B', "\xef\xbb\xbf" },
	{ '#', ANSWER },
	{ 'h', "{\"id\":\"c\",\"cho" },
	{ '<', "<html>no</html>" },
	{ '[', "[1,2]" },
};

static const struct heading {
	char letter;
	int status;
	const char *lines;
} heads[] = {
	{ 'H', 200, "Content-Type: text/event-stream\n" },
	{ 'I', 200, "content-type: Text/Event-Stream; charset=UTF-8\n" },
	{ 'N', 200, "" },
	{ 'J', 200, "Content-Type: application/json; charset=utf-8\n" },
	{ 'K', 200, "CONTENT-TYPE: Application/JSON\n" },
	{ 'P', 200, "Content-Type: text/html\n" },
	{ 'L', 200, "Content-Type: application/jsonl\n" },
	{ 'Z', 200,
	  "Content-Type: application/json\nContent-Encoding: gzip\n" },
	{ 'O', 302, "Location: http://127.0.0.1/\n" },
	{ 'F', 500, "Content-Type: application/json\n" },
};

/* What only the client reads. */
static const struct saying ours[] = {
	{ 'E', "data: {\"error\":" },
	{ '!', "{\"error\":" },
	{ 'w', ": waiting\n\n" },
	{ 'k', ": keep-alive\n\n" },
	{ '+', "\n\n" },
};

static const char ask_stream[] =
	"{\"model\":\"m1\",\"stream\":true,\"messages\":[{\"role\":\"user\","
	"\"content\":\"hi\"}]}";
static const char ask_usage[] =
	"{\"model\":\"m1\",\"stream\":true,\"stream_options\":{"
	"\"include_usage\":true},\"messages\":[{\"role\":\"user\","
	"\"content\":\"hi\"}]}";
static const char ask_two[] =
	"{\"model\":\"m1\",\"n\":2,\"stream\":true,\"messages\":[{\"role\":"
	"\"user\",\"content\":\"hi\"}]}";
static const char ask_whole[] =
	"{\"model\":\"m1\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}"
	"]}";

/* --- telling a story -------------------------------------------------------- */

static bool step_bytes(struct world *w, char c)
{
	for (size_t i = 0; i < COUNT(said); i++)
		if (said[i].letter == c) {
			world_say(w, str_of(said[i].bytes));
			return true;
		}
	for (size_t i = 0; i < COUNT(heads); i++)
		if (heads[i].letter == c) {
			world_head(w, heads[i].status, heads[i].lines);
			return true;
		}
	return false;
}

/* '.' it ends, 'x' breaks off, '1'..'9' seconds pass, 'W' until something
 * happens, 'q' the client leaves, 'S' stops reading, 'R' reads it all. */
static void step(struct world *w, char c)
{
	if (step_bytes(w, c))
		return;
	switch (c) {
	case '.': world_over(w, ERR_NONE, ""); break;
	case 'x': world_over(w, ERR_UP_BROKEN, "it was reset"); break;
	case 'W': world_wait(w); break;
	case 'q': world_leave(w); break;
	case 'S': w->stuck = true; break;
	case 'R':
		w->stuck = false;
		w->queued = 0;
		relay_on_room(&w->relay, w->now_ms);
		break;
	default: world_pass(w, (c - '0') * 1000); break;
	}
}

static void tell(struct world *w, const char *script)
{
	world_start(w);
	for (; *script; script++)
		step(w, *script);
}

static const struct saying *saying_at(const char *p, const struct saying *from,
				      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(p, from[i].bytes, strlen(from[i].bytes)))
			return &from[i];
	return NULL;
}

/* What the client got, in letters; '?' is what has none. */
static const char *letters(const struct world *w, char *out)
{
	char *to = out;

	for (const char *p = w->got.p; *p;) {
		const struct saying *s = saying_at(p, ours, COUNT(ours));

		if (!s || *s->bytes == '\n')
			s = saying_at(p, said, COUNT(said)) ?
				    saying_at(p, said, COUNT(said)) :
				    s;
		*to++ = s ? s->letter : '?';
		p += s ? strlen(s->bytes) : 1;
		if (s && (s->letter == 'E' || s->letter == '!')) {
			p = strstr(p, "}}") ? strstr(p, "}}") + 2 : p;
			if (s->letter == 'E' && !strncmp(p, "\n\n", 2))
				p += 2;
		}
	}
	*to = '\0';
	return out;
}

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
		tell(&w, s[i].script);
		ROW_STR(letters(&w, got), s[i].client);
		ROW_INT(end->status, s[i].status);
		ROW_STR(end->err.code ? err_info(end->err.code)->code : "",
			s[i].code);
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

#define STORIES(name, ...)                                             \
	static void name(void **state)                                 \
	{                                                              \
		static const struct story stories[] = { __VA_ARGS__ }; \
                                                                       \
		(void)state;                                           \
		read_stories(stories, COUNT(stories));                 \
	}

/* clang-format off */
STORIES(no_retry_after_first_byte,
	{ "breaks off", ask_stream, "Hrtx", "rtE", 200, "bad_upstream_response", 1 },
	{ "ends early", ask_stream, "Hrt.", "rtE", 200, "bad_upstream_response", 1 },
	{ "half an event", ask_stream, "Hrt/.", "rtE", 200, "bad_upstream_response", 1 },
	{ "half an event, reset", ask_stream, "Hrt/x", "rtE", 200, "bad_upstream_response", 1 },
	{ "an error", ask_stream, "Hrte", "rtE", 200, "upstream_failed", 1 },
	{ "not JSON", ask_stream, "Hrtb", "rtE", 200, "bad_upstream_response", 1 },
	{ "after the hold-back", ask_stream, "Hr99x", "rwE", 200, "bad_upstream_response", 1 },
	{ "silence", ask_stream, "HrtWW", "rtkE", 200, "upstream_timeout", 1 })

STORIES(a_broken_start_fails_over,
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
	{ "whole: a redirect", ask_whole, "O.J#.", "#", 200, "", 2 })

STORIES(all_fail_and_the_last_one_is_told,
	{ "both reset", ask_stream, "xHx", "!", 502, "bad_upstream_response", 2 },
	{ "then rate limited", ask_stream, "xHl", "!", 429, "upstream_rate_limited", 2 },
	{ "silence", ask_whole, "WW", "!", 504, "upstream_timeout", 2 },
	{ "500 twice", ask_whole, "F.F.", "!", 502, "upstream_failed", 2 })

STORIES(a_stream_passes,
	{ "with [DONE]", ask_stream, "Hrtsd.", "rtsd", 200, "", 1 },
	{ "and nothing closes", ask_stream, "HrtsdW", "rtsd", 200, "", 1 },
	{ "and it breaks after the end", ask_stream, "Hrtsdx", "rtsd", 200, "", 1 },
	{ "another case of letters", ask_stream, "Irtsd.", "rtsd", 200, "", 1 },
	{ "no type", ask_stream, "Nrtsd.", "rtsd", 200, "", 1 },
	{ "no content", ask_stream, "Hrsd.", "rsd", 200, "", 1 },
	{ "its comments too", ask_stream, "Hrtmsd.", "rtmsd", 200, "", 1 },
	{ "but no comments before", ask_stream, "Hmrmtsd.", "rtsd", 200, "", 1 },
	{ "a mark of byte order", ask_stream, "HBrtsd.", "rtsd", 200, "", 1 })

STORIES(done_then_more_is_ignored,
	{ "content", ask_stream, "Hrtsdttt.", "rtsd", 200, "", 1 },
	{ "an error", ask_stream, "Hrtsde.", "rtsd", 200, "", 1 },
	{ "not JSON", ask_stream, "Hrtsdb.", "rtsd", 200, "", 1 },
	{ "another end", ask_stream, "Hrtsdd.", "rtsd", 200, "", 1 },
	{ "half an event", ask_stream, "Hrtsd/.", "rtsd", 200, "", 1 },
	{ "and the client leaves", ask_stream, "Hrtsdq", "rtsd", 200, "", 1 })

STORIES(finish_without_done_gets_one,
	{ "closed", ask_stream, "Hrts.", "rtsd", 200, "", 1 },
	{ "no content", ask_stream, "Hrs.", "rsd", 200, "", 1 },
	{ "the last event is open", ask_stream, "Hrto.", "rto+d", 200, "", 1 },
	{ "it is the only one", ask_stream, "Ho.", "o+d", 200, "", 1 },
	{ "not where it broke off", ask_stream, "Hrtsx", "rtsE", 200, "bad_upstream_response", 1 },
	{ "one of two answers", ask_two, "Hrts.", "rtsE", 200, "bad_upstream_response", 1 })

STORIES(usage_chunk_is_hidden,
	{ "nobody asked", ask_stream, "Hrtsud.", "rtsd", 200, "", 1 },
	{ "it was asked for", ask_usage, "Hrtsud.", "rtsud", 200, "", 1 },
	{ "no [DONE]", ask_stream, "Hrtsu.", "rtsd", 200, "", 1 })

STORIES(hold_back_sends_head_and_comment,
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
	{ "not while an error is read", ask_stream, "F99h.Hrtsd.", "rtsd", 200, "", 2 })

STORIES(keep_alive_comments,
	{ "in silence", ask_stream, "Hrt99tsd.", "rtktsd", 200, "", 1 },
	{ "not when there is talk", ask_stream, "Hrt9t9t9tsd.", "rttttsd", 200, "", 1 },
	{ "after the hold-back", ask_stream, "9999Hrtsd.", "wkrtsd", 200, "", 1 },
	{ "not after the end", ask_stream, "Hrtsd99", "rtsd", 200, "", 1 })
/* clang-format on */

/* --- statuses --------------------------------------------------------------- */

static void a_status_says_who_is_to_blame(void **state)
{
	static const struct {
		int status, client, calls;
		const char *code;
	} rows[] = {
		{ 400, 400, 1, "invalid_value" },
		{ 401, 502, 2, "upstream_key_refused" },
		{ 402, 502, 2, "upstream_key_refused" },
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
		{ 529, 502, 2, "upstream_failed" },
		{ 304, 502, 2, "bad_upstream_response" },
		{ 307, 502, 2, "bad_upstream_response" },
		{ 999, 502, 2, "bad_upstream_response" },
	};
	static const char body[] =
		"{\"error\":{\"message\":\"No: sk-upstream-0123456789abcdefgh "
		"at http://10.1.2.3/v1\",\"code\":\"invalid_value\"}}";

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		struct world w;
		char want[80];
		int n = rows[i / 2].calls;

		row("%d, stream %zu", rows[i / 2].status, i % 2);
		world_init(&w, i % 2 ? ask_stream : ask_whole, 2);
		world_start(&w);
		for (int k = 0; k < n; k++) {
			world_head(&w, rows[i / 2].status,
				   "Content-Type: application/json\n"
				   "Retry-After: 7\nSet-Cookie: a=b\n");
			world_say(&w, str_of(body));
			world_over(&w, ERR_NONE, "");
		}
		snprintf(want, sizeof(want), "\"code\":\"%s\"",
			 rows[i / 2].code);
		ROW_INT(w.status, rows[i / 2].client);
		ROW_INT(w.n_calls, n);
		ROW_INT(w.n_ends, 1);
		ROW_TRUE(world_got(&w, want));
		ROW_TRUE(!world_got(&w, "sk-upstream"));
		ROW_TRUE(!world_got(&w, "10.1.2.3"));
		ROW_TRUE(!world_header(&w, "set-cookie").p);
		ROW_TRUE(str_eq(world_header(&w, "retry-after"), "7") ==
			 (rows[i / 2].status == 429));
		world_release(&w);
	}
	rows_done();
}

static void a_pause_is_that_of_the_last_attempt(void **state)
{
	static const struct {
		const char *label, *first, *second, *want;
	} rows[] = {
		{ "seconds", "", "Retry-After: 3\n", "3" },
		{ "milliseconds", "", "Retry-After-Ms: 1500\n", "2" },
		{ "both: the longer", "",
		  "Retry-After-Ms: 900\nRetry-After: 2\n", "2" },
		{ "of the first only", "Retry-After: 30\n", "", NULL },
		{ "nonsense", "", "Retry-After: soon\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct str got;

		row("%s", rows[i].label);
		world_init(&w, ask_whole, 2);
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
	tell(&w, "Hr");
	ROW_INT(w.n_heads, 0);
	ROW_INT(w.relay.end.delivered, false);
	step(&w, '3');
	step(&w, 't');
	ROW_INT(w.n_heads, 1);
	ROW_TRUE(world_got(&w, "Li"));
	ROW_INT(w.relay.end.first_ms, 3000);
	for (size_t i = 1; i < 4; i++) {
		size_t before = w.got.len;

		step(&w, 't');
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
		tell(&w, rows[i].script);
		ROW_INT(w.relay.end.status, rows[i].status);
		ROW_STR(err_info(w.relay.end.err.code)->code,
			"deadline_exceeded");
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
		tell(&w, rows[i].script);
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
	tell(&w, "HrSttttttttttttttttttt");
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
	tell(&w, "HrSttttttttttttttttttt99Rtsd.");
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.relay.end.err.code, ERR_NONE);
	ROW_TRUE(!world_got(&w, "keep-alive"));
	world_release(&w);

	row("the silence was ours");
	world_init(&w, ask_stream, 1);
	w.plan.limits.stall_ms = 90000;
	tell(&w, "HrSttttttttttttttttttt9999R9tsd.");
	ROW_INT(w.relay.end.err.code, ERR_NONE);
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
		tell(&w, rows[i].script);
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
		tell(&w, rows[i].script);
		relay_on_stop(&w.relay, w.now_ms, &why);
		relay_on_stop(&w.relay, w.now_ms, &why);
		ROW_STR(letters(&w, got), rows[i].client);
		ROW_INT(w.relay.end.status, rows[i].status);
		ROW_INT(w.relay.end.err.code, rows[i].code);
		ROW_INT(w.n_ends, 1);
		world_release(&w);
	}
	rows_done();
}

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
		tell(&w, "xxxxxxx");
		ROW_INT(w.n_calls, rows[i].calls);
		ROW_INT(w.relay.end.n_attempts, rows[i].calls);
		ROW_STR(err_info(w.relay.end.err.code)->code, rows[i].code);
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
	tell(&w, "J#.");
	ROW_INT(w.n_calls, 2);
	ROW_INT(w.relay.end.attempts[0].code, ERR_UP_FORBIDDEN);
	ROW_INT(w.relay.end.attempts[1].code, ERR_NONE);
	ROW_INT(w.n_cancels, 0);
	ROW_INT(w.status, 200);
	world_release(&w);

	row("none can");
	world_init(&w, ask_whole, 2);
	w.refuse[0] = w.refuse[1] = ERR_UP_FORBIDDEN;
	tell(&w, "q");
	ROW_INT(w.status, 502);
	ROW_INT(w.n_ends, 1);
	ROW_INT(w.n_cancels, 0);
	world_release(&w);

	row("the last one cannot");
	world_init(&w, ask_whole, 2);
	w.refuse[1] = ERR_UP_FORBIDDEN;
	tell(&w, "xW");
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
	tell(&w, "2x3F.J#.");
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
	tell(&w, "Pq");
	ROW_INT(w.relay.end.reached, false);
	world_release(&w);

	row("an empty answer is one");
	world_init(&w, ask_stream, 2);
	tell(&w, "Hrsud.");
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
	tell(&w, "xHrtsd.");
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
	step(&w, 'H');
	world_say(&w, buf_span(&b));
	ROW_INT(w.status, 502);
	ROW_INT(w.n_cancels, 1);
	world_release(&w);

	row("one event, after the end");
	world_init(&w, ask_stream, 1);
	tell(&w, "Hrtsd");
	world_say(&w, buf_span(&b));
	step(&w, 'W');
	ROW_INT(w.relay.end.err.code, ERR_NONE);
	world_release(&w);

	row("a whole answer");
	world_init(&w, ask_whole, 1);
	world_start(&w);
	step(&w, 'J');
	world_say(&w, (struct str){ b.p + 6, b.len - 6 });
	ROW_INT(w.status, 502);
	ROW_INT(w.n_cancels, 1);
	world_release(&w);

	row("no content for ever");
	world_init(&w, ask_stream, 1);
	world_start(&w);
	step(&w, 'H');
	for (int i = 0; i < 20000 && w.calling; i++)
		step(&w, 'r');
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
	step(&w, 't');
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
		cmocka_unit_test(a_status_says_who_is_to_blame),
		cmocka_unit_test(a_pause_is_that_of_the_last_attempt),
		cmocka_unit_test(a_long_error_body_is_read_to_its_limit),
		cmocka_unit_test(content_is_never_held),
		cmocka_unit_test(deadline_covers_all_attempts),
		cmocka_unit_test(each_silence_has_its_limit),
		cmocka_unit_test(
			a_client_that_does_not_read_is_paused_then_dropped),
		cmocka_unit_test(client_gone_cancels_upstream_once),
		cmocka_unit_test(a_stop_ends_it_with_its_reason),
		cmocka_unit_test(attempts_have_a_number),
		cmocka_unit_test(a_call_that_cannot_be_made_is_an_attempt),
		cmocka_unit_test(attempts_are_noted),
		cmocka_unit_test(only_the_last_attempt_was_reached),
		cmocka_unit_test(each_upstream_gets_its_own_name_and_key),
		cmocka_unit_test(too_much_is_broken),
		cmocka_unit_test(headers_of_an_answer),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
