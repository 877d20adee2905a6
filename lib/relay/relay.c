/* relay.c - attempts, times and ends; see relay.h. */
#include "relay/relay.h"

#include "http/url.h"
#include "relay/inner.h"

#include <assert.h>

/* What may follow what. */
static const unsigned int may_follow[RELAY__COUNT] = {
	[RELAY_IDLE] = BIT(RELAY_CALL) | BIT(RELAY_RETRY) | BIT(RELAY_DONE),
	[RELAY_CALL] = BIT(RELAY_HELD) | BIT(RELAY_WHOLE) | BIT(RELAY_BODY) |
		       BIT(RELAY_RETRY) | BIT(RELAY_DONE),
	[RELAY_HELD] = BIT(RELAY_BODY) | BIT(RELAY_RETRY) | BIT(RELAY_DONE),
	[RELAY_WHOLE] = BIT(RELAY_RETRY) | BIT(RELAY_DONE),
	[RELAY_BODY] = BIT(RELAY_SHORT) | BIT(RELAY_DONE),
	[RELAY_SHORT] = BIT(RELAY_BODY) | BIT(RELAY_DONE),
	[RELAY_RETRY] = BIT(RELAY_CALL) | BIT(RELAY_RETRY) | BIT(RELAY_DONE),
	[RELAY_DONE] = 0,
};

void relay_enter(struct relay *r, enum relay_state s)
{
	assert(may_follow[r->state] & BIT(s));
	r->state = s;
}

void relay_init(struct relay *r, const struct relay_plan *plan,
		const struct relay_io *io, void *arg, struct arena *arena)
{
	*r = (struct relay){ .io = io,
			     .arg = arg,
			     .plan = plan,
			     .arena = arena,
			     .cancelled = true, /* there is no call yet */
			     .said = "",
			     .retry_after_ms = -1 };
	r->end.first_ms = -1;
	r->attempts = ARENA_ARRAY(arena, struct relay_attempt,
				  plan->limits.max_attempts);
	buf_init(&r->held, (size_t)plan->limits.max_answer);
	sse_init(&r->sse, (size_t)plan->limits.max_event);
	listen_init(&r->listen, plan->endpoint->shape, false);
	relay_budget_init(r);
}

void relay_release(struct relay *r)
{
	buf_release(&r->held);
	sse_release(&r->sse);
	listen_release(&r->listen);
	buf_release(&r->budget.kept);
}

/* --- to the client --------------------------------------------------------- */

void relay_send(struct relay *r, int64_t now_ms, const char *p, size_t n)
{
	size_t queued = r->io->data(r->arg, p, n, false);

	r->sent_ms = now_ms;
	if (!r->paused && queued > (size_t)r->plan->limits.max_queue) {
		r->paused = true;
		r->paused_ms = now_ms;
		relay_arm(r, now_ms + r->plan->limits.stall_ms);
	}
}

void relay_send_head(struct relay *r, int status, const char *type)
{
	struct relay_header h[RELAY_PASSED + 8];
	struct str id = str_of(r->plan->request_id);
	int n = 0;

	h[n++] = (struct relay_header){ "Content-Type", str_of(type) };
	h[n++] = (struct relay_header){ "x-request-id", id };
	h[n++] = (struct relay_header){ "X-Pontage-Receipt", id };
	if (r->plan->ask->stream) {
		h[n++] = (struct relay_header){ "Cache-Control",
						STR("no-cache") };
		h[n++] =
			(struct relay_header){ "X-Accel-Buffering", STR("no") };
	}
	for (int i = 0; i < r->n_passed; i++)
		h[n++] = r->passed[i];
	r->end.status = status;
	r->head_sent = true;
	r->io->head(r->arg, status, h, n);
}

/* --- ends ------------------------------------------------------------------ */

static void stop_call(struct relay *r)
{
	if (r->cancelled)
		return;
	r->cancelled = true;
	r->io->cancel(r->arg);
}

static void note_attempt(struct relay *r, int64_t now_ms, enum err_code code)
{
	struct relay_outcome o = {
		.to = r->at,
		.code = code,
		.status = r->up_status,
		.retry_after_ms = r->retry_after_ms,
		.words = r->said,
	};
	struct relay_attempt *a;

	if (!r->n_attempts)
		return;
	a = &r->attempts[r->n_attempts - 1];
	if (a->ms >= 0)
		return;
	a->code = code;
	a->status = r->up_status;
	a->ms = now_ms - r->attempt_ms;
	if (r->io->attempt_over)
		r->io->attempt_over(r->arg, &o);
}

static void end(struct relay *r, int64_t now_ms)
{
	relay_enter(r, RELAY_DONE);
	r->end.attempts = r->attempts;
	r->end.n_attempts = r->n_attempts;
	r->end.total_ms = now_ms - r->began_ms;
	relay_arm(r, 0);
	r->io->end(r->arg);
}

void relay_complete(struct relay *r, int64_t now_ms)
{
	stop_call(r);
	note_attempt(r, now_ms, ERR_NONE);
	r->end.served = r->at;
	r->end.delivered = true; /* an empty answer is one, and is paid */
	if (r->end.first_ms < 0)
		r->end.first_ms = now_ms - r->began_ms;
	end(r, now_ms);
}

/* Nothing has gone out yet: an answer of its own says what happened. */
static void refuse(struct relay *r, int64_t now_ms, enum err_code code,
		   const char *words)
{
	bool bad_request = code == ERR_UP_REQUEST;
	struct answer_error a = {
		.err = &r->end.err,
		.status = bad_request ? r->up_status : 0,
		.code = bad_request && r->refusal_code[0] ? r->refusal_code :
							    NULL,
		.retry_after_ms = code == ERR_UP_RATE ? r->retry_after_ms : -1,
	};
	struct str id = str_of(r->plan->request_id);
	struct relay_header h[ANSWER_HEADERS + 1];
	char seconds[ANSWER_TEXT];
	struct buf body;
	int n;

	err_set(&r->end.err, code, "%s", words);
	buf_init(&body, 4096);
	answer_error_body(&body, &a);
	n = answer_error_lines(&a, r->plan->request_id, h, seconds);
	h[n++] = (struct relay_header){ "X-Pontage-Receipt", id };
	r->end.status = answer_status(&a);
	r->head_sent = true;
	r->io->head(r->arg, r->end.status, h, n);
	r->io->data(r->arg, body.p, body.len, false);
	buf_release(&body);
	end(r, now_ms);
}

void relay_broke(struct relay *r, int64_t now_ms, enum err_code code,
		 const char *words)
{
	struct answer_error a = { .err = &r->end.err, .retry_after_ms = -1 };
	struct buf b;

	stop_call(r);
	note_attempt(r, now_ms, code);
	r->end.served = r->at;
	err_set(&r->end.err, code, "%s", words);
	buf_init(&b, 4096);
	buf_str(&b, "data: ");
	answer_error_body(&b, &a);
	buf_str(&b, "\n\n");
	r->io->data(r->arg, b.p, b.len, false);
	buf_release(&b);
	end(r, now_ms);
}

/* --- attempts --------------------------------------------------------------- */

static const char **call_head(struct relay *r)
{
	const char **lines = ARENA_ARRAY(r->arena, const char *, 5);
	struct buf auth;
	int n = 0;

	lines[n++] = "Content-Type: application/json";
	lines[n++] = r->plan->ask->stream ? "Accept: text/event-stream" :
					    "Accept: application/json";
	lines[n++] = "User-Agent: pontage/" PONTAGE_VERSION;
	buf_init(&auth, 16384);
	provider_auth(r->at->channel->provider, r->at->key->secret, &auth);
	if (auth.len)
		lines[n++] = arena_dup(r->arena, buf_span(&auth));
	buf_release(&auth);
	return lines;
}

static const char *call_url(struct relay *r)
{
	const char *url;
	struct buf b;

	buf_init(&b, 2 * (size_t)URL_MAX);
	url_join(&b, str_of(r->at->channel->base_url),
		 str_of(r->plan->endpoint->upstream_path));
	url = arena_dup(r->arena, buf_span(&b));
	buf_release(&b);
	return url;
}

static void make_call(struct relay *r)
{
	const struct provider *p = r->at->channel->provider;
	const struct ask *ask = r->plan->ask;
	struct splice_edit edits[ASK_EDITS];
	struct ask_change change = {
		.model = r->at->model,
		.force_usage = !(p->quirks & Q_NO_USAGE_OPTION),
		.drop_usage = p->quirks & Q_NO_USAGE_OPTION,
		.limit_param = p->limit_param,
		.limit_tok = r->plan->money.limit_tok ?
				     r->plan->money.limit_tok :
				     -1,
	};
	struct rope *body = ARENA_NEW(r->arena, struct rope);
	int n = ask_edits(ask, &change, r->arena, edits);

	*body = splice_apply(r->plan->body, edits, n, r->arena);
	r->call = (struct relay_call){
		.to = r->at,
		.url = call_url(r),
		.head = call_head(r),
		.body = body,
		.stream = ask->stream,
		.connect_ms = r->plan->limits.connect_ms,
	};
}

/* What the upstream's usage is judged by. */
static struct usage_own own_count(const struct relay_plan *plan)
{
	const struct ask *ask = plan->ask;

	return (struct usage_own){
		.prompt_bytes = MAX(ask->text_bytes, 1),
		.context_tok = plan->money.context_tok,
		.prompts = ask->n_inputs,
		.choices = MAX(ask->n, ask->best_of),
		.more_in = ask->n_images || ask->n_audio || ask->n_files,
	};
}

static void reset_answer(struct relay *r)
{
	const struct provider *p = r->at->channel->provider;

	r->up_status = 0;
	r->n_passed = 0;
	r->content_type = STR_NONE;
	r->refusal_code[0] = '\0';
	r->said = "";
	r->retry_after_ms = -1;
	r->end.reached = false;
	r->cancelled = r->done_seen = r->gathering = false;
	buf_clear(&r->held);
	r->held.max = (size_t)r->plan->limits.max_answer;
	sse_reset(&r->sse);
	listen_release(&r->listen);
	listen_init(&r->listen, r->plan->endpoint->shape,
		    p->quirks & Q_REASONING_APART);
	r->listen.own = own_count(r->plan);
	listen_count(&r->listen, r->plan->counter);
}

static bool may_try(struct relay *r)
{
	int64_t wait_ms = -1;

	return !r->io->attempt || !r->io->attempt(r->arg, r->at, &wait_ms);
}

/* Begins the next attempt; false where there is none left. */
static bool try_next(struct relay *r, int64_t now_ms, struct err *e)
{
	const struct relay_plan *plan = r->plan;

	while (r->next < plan->n_candidates &&
	       r->n_attempts < plan->limits.max_attempts &&
	       now_ms < r->began_ms + plan->limits.deadline_ms) {
		r->at = &plan->candidates[r->next++];
		if (!may_try(r))
			continue;
		r->attempts[r->n_attempts++] = (struct relay_attempt){
			.channel = r->at->channel->name,
			.key_id = r->at->key->id,
			.ms = -1,
		};
		r->attempt_ms = r->heard_ms = now_ms;
		reset_answer(r);
		make_call(r);
		relay_enter(r, RELAY_CALL);
		err_clear(e);
		if (!r->io->upstream(r->arg, &r->call, e)) {
			relay_arm(r, now_ms + plan->limits.first_token_ms);
			return true;
		}
		r->cancelled = true;
		note_attempt(r, now_ms, e->code);
		relay_enter(r, RELAY_RETRY);
	}
	return false;
}

void relay_attempt_failed(struct relay *r, int64_t now_ms, enum err_code code,
			  const char *words)
{
	struct err none = { 0 };

	stop_call(r);
	note_attempt(r, now_ms, code);
	if (r->head_sent) {
		relay_broke(r, now_ms, code, words);
		return;
	}
	relay_enter(r, RELAY_RETRY);
	if (err_info(code)->elsewhere && try_next(r, now_ms, &none))
		return;
	refuse(r, now_ms, code, words);
}

void relay_start(struct relay *r, int64_t now_ms)
{
	const struct relay_limits *l = &r->plan->limits;
	struct err e = { 0 };

	r->began_ms = now_ms;
	if (!try_next(r, now_ms, &e)) {
		refuse(r, now_ms, e.code ? e.code : ERR_NO_CHANNEL,
		       e.code ? e.msg : "No channel can serve this now.");
		return;
	}
	relay_arm(r, now_ms + MIN(l->deadline_ms, l->total_ms));
	if (r->plan->ask->stream)
		relay_arm(r, now_ms + l->hold_back_ms);
}

void relay_on_end(struct relay *r, int64_t now_ms, struct relay_result res)
{
	char words[256];

	r->cancelled = true; /* there is nothing left to cancel */
	if (r->state == RELAY_CALL) {
		snprintf(words, sizeof(words), "The upstream failed: %s.",
			 res.code ? res.why : "it sent no answer");
		relay_attempt_failed(
			r, now_ms, res.code ? res.code : ERR_UP_BROKEN, words);
		return;
	}
	relay_answer_over(r, now_ms, res);
}

/* --- times ------------------------------------------------------------------- */

void relay_arm(struct relay *r, int64_t at_ms)
{
	/* Times that move on are looked at when the old one has come. */
	if (at_ms && r->armed_ms && r->armed_ms <= at_ms)
		return;
	r->armed_ms = at_ms;
	r->io->timer(r->arg, at_ms);
}

/* One time that a relay keeps: when it is due (0: not now), what then. */
struct due {
	int64_t at_ms;
	void (*then)(struct relay *r, int64_t now_ms);
};

static void past_deadline(struct relay *r, int64_t now_ms)
{
	static const char words[] = "The answer took longer than this gateway "
				    "allows.";

	if (r->done_seen) {
		relay_complete(r, now_ms);
		return;
	}
	stop_call(r);
	note_attempt(r, now_ms, ERR_DEADLINE);
	if (r->head_sent)
		relay_broke(r, now_ms, ERR_DEADLINE, words);
	else
		refuse(r, now_ms, ERR_DEADLINE, words);
}

static void past_silence(struct relay *r, int64_t now_ms)
{
	relay_attempt_failed(r, now_ms, ERR_UP_TIMEOUT,
			     "The upstream said nothing for too long.");
}

static void past_linger(struct relay *r, int64_t now_ms)
{
	relay_complete(r, now_ms);
}

static void past_stall(struct relay *r, int64_t now_ms)
{
	relay_on_client_gone(r, now_ms);
}

static void past_hold(struct relay *r, int64_t now_ms)
{
	relay_release_hold(r, now_ms);
	relay_send(r, now_ms, ": waiting\n\n", 11);
}

static void past_keep_alive(struct relay *r, int64_t now_ms)
{
	relay_send(r, now_ms, ": keep-alive\n\n", 14);
}

/* The first that is due acts; what it leaves running is looked at again. */
static int list_due(const struct relay *r, struct due *d)
{
	const struct relay_limits *l = &r->plan->limits;
	bool content = r->listen.content || r->state == RELAY_WHOLE;
	int64_t silence = content ? r->heard_ms + l->idle_ms :
				    r->attempt_ms + l->first_token_ms;
	int n = 0;

	d[n++] = (struct due){ r->began_ms + MIN(l->deadline_ms, l->total_ms),
			       past_deadline };
	if (r->done_seen)
		d[n++] = (struct due){ r->heard_ms + RELAY_LINGER_MS,
				       past_linger };
	if (r->paused)
		d[n++] = (struct due){ r->paused_ms + l->stall_ms, past_stall };
	else if (!r->done_seen && r->state != RELAY_SHORT)
		d[n++] = (struct due){ silence, past_silence };
	if (r->plan->ask->stream && !r->head_sent && r->state != RELAY_WHOLE)
		d[n++] = (struct due){ r->began_ms + l->hold_back_ms,
				       past_hold };
	if (r->head_sent && !r->paused && !r->done_seen)
		d[n++] = (struct due){ r->sent_ms + l->keep_alive_ms,
				       past_keep_alive };
	return n;
}

void relay_on_timer(struct relay *r, int64_t now_ms)
{
	struct due d[8];
	int64_t next = 0;
	int n;

	if (r->state == RELAY_DONE)
		return;
	r->armed_ms = 0;
	n = list_due(r, d);
	for (int i = 0; i < n; i++)
		if (d[i].at_ms <= now_ms) {
			d[i].then(r, now_ms);
			break;
		}
	if (r->state == RELAY_DONE)
		return;
	n = list_due(r, d);
	for (int i = 0; i < n; i++)
		next = next ? MIN(next, d[i].at_ms) : d[i].at_ms;
	relay_arm(r, MAX(next, now_ms + 1));
}

/* --- the client --------------------------------------------------------------- */

void relay_on_room(struct relay *r, int64_t now_ms)
{
	r->paused = false;
	r->heard_ms = now_ms; /* the silence was ours */
}

void relay_on_client_gone(struct relay *r, int64_t now_ms)
{
	if (r->state == RELAY_DONE)
		return;
	if (r->done_seen) { /* it has all it came for */
		relay_complete(r, now_ms);
		return;
	}
	stop_call(r);
	note_attempt(r, now_ms, ERR_CLIENT_GONE);
	r->end.client_gone = true;
	r->end.served = r->at;
	if (!r->head_sent)
		r->end.status = 499;
	err_set(&r->end.err, ERR_CLIENT_GONE, "the client left");
	end(r, now_ms);
}

void relay_on_stop(struct relay *r, int64_t now_ms, const struct err *why)
{
	if (r->state == RELAY_DONE)
		return;
	if (r->done_seen) {
		relay_complete(r, now_ms);
		return;
	}
	stop_call(r);
	note_attempt(r, now_ms, why->code);
	if (r->head_sent)
		relay_broke(r, now_ms, why->code, why->msg);
	else
		refuse(r, now_ms, why->code, why->msg);
}
