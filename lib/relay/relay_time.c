/* relay_time.c - the times that a relay keeps; see inner.h. */
#include "relay/inner.h"

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
	if (r->done_seen)
		relay_complete(r, now_ms);
	else
		relay_cut_off(r, now_ms, ERR_DEADLINE,
			      "The answer took longer than this gateway or "
			      "its caller allows.");
}

static void past_total(struct relay *r, int64_t now_ms)
{
	relay_attempt_failed(r, now_ms, ERR_UP_TIMEOUT,
			     "The upstream took too long for all of its "
			     "answer.");
}

static void past_pause(struct relay *r, int64_t now_ms)
{
	relay_try(r, now_ms);
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
	if (r->plan->limits.keep_alive_ms)
		relay_send(r, now_ms, ": waiting\n\n", 11);
}

static void past_keep_alive(struct relay *r, int64_t now_ms)
{
	relay_send(r, now_ms, ": keep-alive\n\n", 14);
}

/* While an attempt is under way. */
static int list_attempt(const struct relay *r, struct due *d)
{
	const struct relay_limits *l = &r->plan->limits;
	bool content = r->listen.content || r->state == RELAY_WHOLE;
	int64_t silence = content ? r->heard_ms + r->times.idle_ms :
				    r->attempt_ms + r->times.first_token_ms;
	int n = 0;

	if (r->done_seen)
		d[n++] = (struct due){ r->heard_ms + RELAY_LINGER_MS,
				       past_linger };
	else
		d[n++] = (struct due){ r->attempt_ms + r->times.total_ms,
				       past_total };
	if (r->paused)
		d[n++] = (struct due){ r->paused_ms + l->stall_ms, past_stall };
	else if (!r->done_seen && r->state != RELAY_SHORT)
		d[n++] = (struct due){ silence, past_silence };
	if (r->plan->ask->stream && !r->head_sent && r->state != RELAY_WHOLE)
		d[n++] = (struct due){ r->began_ms + l->hold_back_ms,
				       past_hold };
	if (r->head_sent && !r->paused && !r->done_seen && l->keep_alive_ms)
		d[n++] = (struct due){ r->sent_ms + l->keep_alive_ms,
				       past_keep_alive };
	return n;
}

/* The first that is due acts; what it leaves running is looked at again. */
static int list_due(const struct relay *r, struct due *d)
{
	d[0] = (struct due){ r->began_ms + r->plan->limits.deadline_ms,
			     past_deadline };
	if (r->state == RELAY_RETRY) {
		d[1] = (struct due){ r->retry_at_ms, past_pause };
		return 2;
	}
	return 1 + list_attempt(r, d + 1);
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
