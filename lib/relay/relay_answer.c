/* relay_answer.c - what an upstream's answer means for the client. */
#include "relay/inner.h"

#include "http/header.h"

#define ERROR_BODY_MAX 65536

/* --- the head ------------------------------------------------------------- */

static void keep_header(struct relay *r, const struct relay_header *h)
{
	const char *name = header_passes(h->name, h->value);

	if (!name || r->head_sent || r->n_passed == RELAY_PASSED)
		return;
	if (!r->passed)
		r->passed = mem_alloc(RELAY_PASSED * sizeof(*r->passed));
	r->passed[r->n_passed++] =
		(struct relay_header){ name, arena_str(r->arena, h->value) };
}

static const char sse_type[] = "text/event-stream";

/* NULL: nothing is wrong with the head of a good answer. */
static const char *wrong_head(const struct relay *r, bool encoded)
{
	const char *type = header_content_type(r->content_type);

	if (encoded)
		return "The upstream answered in a compressed form that nobody "
		       "asked for.";
	if (!r->content_type.n)
		return NULL;
	if (type && (!strcmp(type, "application/json") ||
		     (r->plan->ask->stream && !strcmp(type, sse_type))))
		return NULL;
	return "The upstream answered with something that is not an API "
	       "answer. Does its base URL end in the version path, like /v1?";
}

static bool says_json(const struct relay *r)
{
	const char *type = header_content_type(r->content_type);

	return type && !strcmp(type, "application/json");
}

/* How long the upstream wants to be left alone; not for the client of an
 * answer that came all the same. */
static bool hear_retry_after(struct relay *r, struct str name, struct str value)
{
	int64_t ms;

	if (str_ieq(name, "retry-after"))
		ms = header_retry_after_ms(
			value, r->plan->wall_ms + r->heard_ms - r->began_ms);
	else if (str_ieq(name, "retry-after-ms"))
		ms = header_retry_ms(value);
	else
		return false;
	r->retry_after_ms = MAX(r->retry_after_ms, ms);
	return true;
}

/* The same said in other words. */
static void hear_rate(struct relay *r, struct str name, struct str value)
{
	static const char *const resets[] = { "x-ratelimit-reset-requests",
					      "x-ratelimit-reset-tokens" };
	static const char *const lefts[] = { "x-ratelimit-remaining-requests",
					     "x-ratelimit-remaining-tokens" };

	for (size_t i = 0; i < COUNT(resets); i++) {
		if (str_ieq(name, resets[i]))
			r->pauses[i].reset_ms = header_reset_ms(value);
		else if (str_ieq(name, lefts[i]))
			r->pauses[i].empty = str_eq(str_trim(value), "0");
	}
}

/* Of a 429 without Retry-After: until what is used up is there again, or the
 * first of them where none is said to be. */
static void take_rate(struct relay *r)
{
	const struct relay_pause *p = r->pauses;
	bool empty = p[0].empty || p[1].empty;
	int64_t ms = -1;

	for (size_t i = 0; i < COUNT(r->pauses); i++) {
		if (p[i].reset_ms < 0 || p[i].empty != empty)
			continue;
		ms = ms < 0 ? p[i].reset_ms :
		     empty  ? MAX(ms, p[i].reset_ms) :
			      MIN(ms, p[i].reset_ms);
	}
	if (r->retry_after_ms < 0)
		r->retry_after_ms = ms;
}

/* From here the answer is gathered to its end, and judged there. */
static void gather(struct relay *r, int64_t now_ms)
{
	r->gathering = true;
	relay_arm(r, now_ms + r->times.idle_ms);
	if (r->state == RELAY_CALL)
		relay_enter(r, RELAY_WHOLE);
}

void relay_on_head(struct relay *r, int64_t now_ms, int status,
		   const struct relay_header *h, int n)
{
	bool encoded = false;
	const char *wrong;

	if (r->state != RELAY_CALL && r->state != RELAY_BODY)
		return;
	r->heard_ms = now_ms;
	r->up_status = status;
	for (int i = 0; i < n; i++) {
		struct str name = str_of(h[i].name);

		if (str_ieq(name, "content-type"))
			r->content_type = arena_str(r->arena, h[i].value);
		else if (str_ieq(name, "content-encoding"))
			encoded |= !str_ieq(h[i].value, "identity");
		else if (!hear_retry_after(r, name, h[i].value))
			keep_header(r, &h[i]);
		if (status == 429)
			hear_rate(r, name, h[i].value);
	}
	if (status == 429)
		take_rate(r);
	if (status < 200 || status > 299) {
		r->held.max = ERROR_BODY_MAX;
		gather(r, now_ms);
		return;
	}
	r->end.reached = true;
	wrong = wrong_head(r, encoded);
	if (wrong)
		relay_attempt_failed(r, now_ms, ERR_UP_BROKEN, wrong);
	else if (!r->plan->ask->stream || says_json(r))
		gather(r, now_ms);
	else if (r->state == RELAY_CALL)
		relay_enter(r, RELAY_HELD);
}

/* --- a stream --------------------------------------------------------------- */

void relay_release_hold(struct relay *r, int64_t now_ms)
{
	relay_enter(r, RELAY_BODY);
	relay_send_head(r, 200, "text/event-stream; charset=utf-8");
	if (r->held.len)
		relay_send(r, now_ms, r->held.p, r->held.len);
	buf_release(&r->held);
	relay_arm(r, now_ms + MIN(r->plan->limits.keep_alive_ms,
				  r->times.idle_ms));
}

static void forward(struct relay *r, int64_t now_ms, struct str raw)
{
	/* A byte order mark is one only at the start of what the client gets,
	 * where a comment of ours may stand. */
	if (str_starts(raw, "\xef\xbb\xbf"))
		raw = (struct str){ raw.p + 3, raw.n - 3 };
	if (r->state == RELAY_HELD)
		buf_add(&r->held, raw.p, raw.n);
	else
		relay_send(r, now_ms, raw.p, raw.n);
}

/* Feeding bytes into the event reader.  What goes wrong inside is acted on
 * when the reader has returned: a new attempt begins with a reset reader. */
struct turn {
	struct relay *r;
	int64_t now_ms;
	enum err_code failed;
	bool stop; /* what comes next is not paid for, and will not be */
	char words[240];
};

static int fail_turn(struct turn *t, enum err_code code, const char *words,
		     struct err *e)
{
	t->failed = code;
	if (words != t->words)
		snprintf(t->words, sizeof(t->words), "%s", words);
	return err_set(e, code, "the attempt is over");
}

static void send_done(struct relay *r, int64_t now_ms, struct str raw)
{
	if (r->state == RELAY_HELD)
		relay_release_hold(r, now_ms);
	r->done_seen = true;
	relay_send(r, now_ms, raw.p, raw.n);
	relay_arm(r, now_ms + RELAY_LINGER_MS);
}

/* The client did not ask for usage: a "usage": null is not for it. */
static void forward_without_null(struct turn *t, const struct listen_note *note,
				 const struct sse_event *ev)
{
	struct str raw = ev->raw;
	size_t data = (size_t)(ev->data.p - raw.p), from, to;

	if (ev->data.p < raw.p || ev->data.p >= raw.p + raw.n) {
		forward(t->r, t->now_ms, raw); /* of several lines: as it is */
		return;
	}
	from = data + note->null_from;
	to = data + note->null_to;
	forward(t->r, t->now_ms, (struct str){ raw.p, from });
	forward(t->r, t->now_ms, (struct str){ raw.p + to, raw.n - to });
}

static void pass_event(struct turn *t, const struct listen_note *note,
		       const struct sse_event *ev)
{
	struct relay *r = t->r;
	bool asked = r->plan->ask->include_usage;

	if (note->usage_only && !asked)
		return;
	if (note->content && !r->end.delivered) {
		r->end.delivered = true;
		r->end.first_ms = t->now_ms - r->began_ms;
		if (r->state == RELAY_HELD)
			relay_release_hold(r, t->now_ms);
	}
	if (note->null_to && !asked)
		forward_without_null(t, note, ev);
	else
		forward(r, t->now_ms, ev->raw);
}

/* Content that is not paid for waits, with all that follows, or is the end. */
static int take_content(struct turn *t, const struct listen_note *note,
			const struct sse_event *ev, const uint64_t finished[2],
			struct err *e)
{
	struct relay *r = t->r;

	if (relay_budget_passes(r, finished)) {
		pass_event(t, note, ev);
		return 0;
	}
	relay_budget_keep(r, ev, note);
	if (r->state == RELAY_HELD)
		relay_release_hold(r, t->now_ms);
	if (!relay_budget_ends(r)) {
		relay_budget_wait(r, t->now_ms);
		return 0;
	}
	t->stop = true;
	return err_set(e, ERR_NO_FUNDS, "the stream is stopped");
}

static int on_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct turn *t = arg;
	struct relay *r = t->r;
	struct listen_note note;
	uint64_t finished[2] = { r->listen.ended[0], r->listen.ended[1] };

	if (r->done_seen)
		return 0; /* nothing counts after the end */
	if (r->state == RELAY_SHORT) {
		relay_budget_keep(r, ev, NULL);
		return 0;
	}
	if (!ev->data.n) { /* a comment */
		if (r->state == RELAY_BODY)
			forward(r, t->now_ms, ev->raw);
		return 0;
	}
	if (!listen_event(&r->listen, ev->data.p, ev->data.n, &note))
		return fail_turn(t, ERR_UP_BROKEN,
				 "The upstream's stream holds an event that is "
				 "not JSON.",
				 e);
	if (note.error)
		return fail_turn(
			t, relay_said_error(r, t->words, sizeof(t->words)),
			t->words, e);
	if (note.content)
		return take_content(t, &note, ev, finished, e);
	if (!note.done)
		pass_event(t, &note, ev);
	else if (r->listen.content || r->listen.finished)
		send_done(r, t->now_ms, ev->raw);
	else
		return fail_turn(t, ERR_UP_BROKEN,
				 "The upstream's stream was empty.", e);
	return 0;
}

/* The last event may lack its end, which the client's next one needs. */
static int end_stream(struct turn *t, struct err *e)
{
	const struct sse_event end = { .raw = STR("\n\n") };
	bool open = t->r->sse.held.len > 0;
	int got = sse_end(&t->r->sse, on_event, t, e);

	if (open && !got && t->r->state == RELAY_SHORT)
		relay_budget_keep(t->r, &end, NULL);
	else if (open && !got)
		forward(t->r, t->now_ms, end.raw);
	return got;
}

/* What follows from a turn that came to got and e.  False: the attempt is
 * over. */
static bool turn_over(struct turn *t, int got, const struct err *e)
{
	struct relay *r = t->r;

	if (r->done_seen)
		return true;
	if (t->stop) {
		relay_budget_stop(r, t->now_ms);
		return false;
	}
	if (got < 0 && !t->failed)
		fail_turn(t, ERR_UP_BROKEN, e->msg, &(struct err){ 0 });
	else if (!t->failed && !buf_ok(&r->held))
		fail_turn(t, ERR_UP_BROKEN,
			  "The upstream's stream began with more than a head.",
			  &(struct err){ 0 });
	else if (!t->failed && !buf_ok(&r->budget.kept))
		fail_turn(t, ERR_UP_BROKEN,
			  "The upstream did not wait for its client.",
			  &(struct err){ 0 });
	if (t->failed)
		relay_attempt_failed(r, t->now_ms, t->failed, t->words);
	return !t->failed;
}

/* p NULL: the bytes are over.  False: the attempt is. */
static bool feed_stream(struct relay *r, int64_t now_ms, const char *p,
			size_t n)
{
	struct turn t = { .r = r, .now_ms = now_ms };
	struct err e = { 0 };
	int got = p ? sse_feed(&r->sse, p, n, on_event, &t, &e) :
		      end_stream(&t, &e);

	return turn_over(&t, got, &e);
}

bool relay_hear_again(struct relay *r, int64_t now_ms, struct buf *kept)
{
	struct turn t = { .r = r, .now_ms = now_ms };
	struct listen_note note;
	struct sse_event ev;
	struct err e = { 0 };
	size_t at = 0;
	int got = 0;
	bool heard;

	while (!got && relay_budget_take(kept, &at, &ev, &note, &heard))
		got = heard ? take_content(&t, &note, &ev, r->budget.finished,
					   &e) :
			      on_event(&t, &ev, &e);
	return turn_over(&t, got, &e);
}

int64_t relay_choices(const struct relay *r)
{
	const struct ask *a = r->plan->ask;
	bool many = a->kind == ASK_COMPLETION;

	return MAX(a->n, 1) * (many ? MAX(a->n_inputs, 1) : 1);
}

static void stream_over(struct relay *r, int64_t now_ms,
			struct relay_result res)
{
	char words[240];

	if (!res.code && !r->done_seen && r->state != RELAY_SHORT &&
	    !feed_stream(r, now_ms, NULL, 0))
		return;
	if (r->state == RELAY_SHORT) {
		relay_budget_over(r, res);
		return;
	}
	if (r->done_seen) {
		relay_complete(r, now_ms);
	} else if (!res.code && r->listen.finished >= relay_choices(r)) {
		/* Many vendors leave the last event out. */
		if (r->state == RELAY_HELD)
			relay_release_hold(r, now_ms);
		relay_send(r, now_ms, "data: [DONE]\n\n", 14);
		relay_complete(r, now_ms);
	} else {
		snprintf(words, sizeof(words),
			 "The upstream's stream broke off: %s.",
			 res.code ? res.why : "it ended without a last event");
		relay_attempt_failed(
			r, now_ms, res.code ? res.code : ERR_UP_BROKEN, words);
	}
}

/* --- both ------------------------------------------------------------------------ */

bool relay_on_data(struct relay *r, int64_t now_ms, const char *p, size_t n)
{
	if (r->state == RELAY_DONE || r->done_seen)
		return true; /* nothing counts after the end */
	r->heard_ms = now_ms;
	if (r->gathering)
		relay_whole_feed(r, now_ms, p, n);
	else if (r->state == RELAY_HELD || r->state == RELAY_BODY ||
		 r->state == RELAY_SHORT)
		feed_stream(r, now_ms, p, n);
	return !relay_holds_back(r);
}

void relay_answer_over(struct relay *r, int64_t now_ms, struct relay_result res)
{
	if (r->state == RELAY_DONE)
		return;
	if (r->gathering)
		relay_whole_over(r, now_ms, res);
	else
		stream_over(r, now_ms, res);
}
