/* relay.c - attempts, times and ends; see relay.h. */
#include "relay/relay.h"

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
	relay_try_init(r);
	r->attempts = ARENA_ARRAY(arena, struct relay_attempt,
				  plan->limits.max_attempts);
	buf_init(&r->held, (size_t)plan->limits.max_answer);
	sse_init(&r->sse, (size_t)plan->limits.max_event);
	listen_init(&r->listen, plan->endpoint->shape, false);
	relay_budget_init(r);
}

void relay_release(struct relay *r)
{
	free(r->passed);
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
	struct relay_header h[RELAY_PASSED + 9];
	struct str id = str_of(r->plan->request_id);
	int n = 0;

	h[n++] = (struct relay_header){ "Content-Type", str_of(type) };
	h[n++] = (struct relay_header){ "x-request-id", id };
	h[n++] = (struct relay_header){ "X-Pontage-Receipt", id };
	if (r->at->fallback)
		h[n++] = (struct relay_header){ "X-Pontage-Model",
						str_of(r->at->serves->name) };
	if (r->plan->ask->stream) {
		h[n++] = (struct relay_header){ "Cache-Control",
						STR("no-cache") };
		h[n++] =
			(struct relay_header){ "X-Accel-Buffering", STR("no") };
	}
	for (int i = 0; i < r->n_passed; i++)
		h[n++] = r->passed[i];
	free(r->passed);
	r->passed = NULL;
	r->end.status = status;
	r->head_sent = true;
	r->io->head(r->arg, status, h, n);
}

/* --- ends ------------------------------------------------------------------ */

void relay_stop_call(struct relay *r)
{
	if (r->cancelled)
		return;
	r->cancelled = true;
	r->io->cancel(r->arg);
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
	relay_stop_call(r);
	relay_note_attempt(r, now_ms, ERR_NONE, "");
	r->end.served = r->at;
	r->end.delivered = true; /* an empty answer is one, and is paid */
	if (r->end.first_ms < 0)
		r->end.first_ms = now_ms - r->began_ms;
	end(r, now_ms);
}

void relay_refuse(struct relay *r, int64_t now_ms,
		  const struct relay_failure *f, int64_t retry_after_ms)
{
	struct err e = { 0 };
	struct answer_error a = {
		.err = &e,
		.status = f->status,
		.code = f->refusal,
		.retry_after_ms = retry_after_ms,
	};
	struct str id = str_of(r->plan->request_id);
	struct relay_header h[ANSWER_HEADERS + 1];
	char seconds[24];
	struct buf body;
	int n;

	err_set(&e, f->code, "%s", f->words);
	r->end.code = f->code;
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

/* The relay's own reason, not an upstream's. */
static void refuse(struct relay *r, int64_t now_ms, enum err_code code,
		   const char *words)
{
	struct relay_failure f = { .code = code, .words = words };

	relay_refuse(r, now_ms, &f, -1);
}

void relay_cut_off(struct relay *r, int64_t now_ms, enum err_code code,
		   const char *words)
{
	relay_stop_call(r);
	relay_note_attempt(r, now_ms, code, words);
	if (r->head_sent)
		relay_broke(r, now_ms, code, words);
	else
		refuse(r, now_ms, code, words);
}

void relay_broke(struct relay *r, int64_t now_ms, enum err_code code,
		 const char *words)
{
	struct err e = { 0 };
	struct answer_error a = { .err = &e, .retry_after_ms = -1 };
	struct buf b;

	relay_stop_call(r);
	relay_note_attempt(r, now_ms, code, words);
	r->end.served = r->at;
	err_set(&e, code, "%s", words);
	r->end.code = code;
	buf_init(&b, 4096);
	buf_str(&b, "data: ");
	answer_error_body(&b, &a);
	buf_str(&b, "\n\n");
	r->io->data(r->arg, b.p, b.len, false);
	buf_release(&b);
	end(r, now_ms);
}

/* --- begin, and what the upstream's end means ------------------------------- */

void relay_start(struct relay *r, int64_t now_ms)
{
	const struct relay_limits *l = &r->plan->limits;

	r->began_ms = now_ms;
	if (!relay_try(r, now_ms))
		return;
	relay_arm(r, now_ms + l->deadline_ms);
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
	relay_stop_call(r);
	relay_note_attempt(r, now_ms, ERR_CLIENT_GONE, "");
	r->end.client_gone = true;
	r->end.served = r->at;
	if (!r->head_sent)
		r->end.status = 499;
	r->end.code = ERR_CLIENT_GONE;
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
	relay_cut_off(r, now_ms, why->code, why->msg);
}
