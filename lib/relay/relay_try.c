/* relay_try.c - which candidate is tried when, and what the client is told when
 * none is left; see relay.h.
 *
 * The candidates come in the order to try them.  When all have failed, one
 * that asked to come back soon (Retry-After), or that was at a limit, gets
 * another try after that pause, as long as the pauses of a request come to no
 * more than limits.retry_wait_ms and end before the deadline.
 */
#include "relay/inner.h"

#define PAUSE_MIN_MS 50

/* Several attempts failed, the caller gets one error: that which tells it most
 * about what to do.  It may come back soon, or later, or there is nothing it
 * can do but call the operator.  Of two that tell as much the later one. */
static const struct telling {
	enum err_code code;
	int rank;
} tellings[] = {
	/* clang-format off */
	{ ERR_UP_RATE,      7 }, /* wait */
	{ ERR_UP_TIMEOUT,   6 }, /* it is slow today */
	{ ERR_UP_STATUS,    5 }, /* it fails now */
	{ ERR_UP_BROKEN,    4 },
	{ ERR_UP_CONNECT,   3 }, /* it is not there */
	{ ERR_UP_CREDIT,    2 }, /* the operator's: */
	{ ERR_UP_AUTH,      2 },
	{ ERR_UP_FORBIDDEN, 1 },
	{ ERR_NO_CHANNEL,   0 },
	/* clang-format on */
};

static int rank(enum err_code code)
{
	for (size_t i = 0; i < COUNT(tellings); i++)
		if (tellings[i].code == code)
			return tellings[i].rank;
	return 8; /* not the upstream's fault: it ends the request anyway */
}

void relay_try_init(struct relay *r)
{
	const struct relay_plan *plan = r->plan;

	r->again_ms = ARENA_ARRAY(r->arena, int64_t, plan->n_candidates + 1);
}

/* --- what attempts come to --------------------------------------------------- */

static void tell(struct relay *r, const struct relay_failure *f)
{
	r->mixed |= f->code != ERR_UP_RATE;
	if (!r->told.code || rank(f->code) >= rank(r->told.code))
		r->told =
			(struct relay_failure){ f->code, f->status, f->refusal,
						arena_dup(r->arena,
							  str_of(f->words)) };
}

/* When the first of those comes back that said so; 0: none did. */
static int64_t soonest(const struct relay *r)
{
	int64_t at_ms = 0;

	for (int i = 0; i < r->plan->n_candidates; i++)
		if (r->again_ms[i] && (!at_ms || r->again_ms[i] < at_ms))
			at_ms = r->again_ms[i];
	return at_ms;
}

static int64_t *again_of(struct relay *r)
{
	return &r->again_ms[r->at - r->plan->candidates];
}

void relay_note_attempt(struct relay *r, int64_t now_ms, enum err_code code,
			const char *words)
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
	a->words = *words ? arena_dup(r->arena, str_of(words)) : "";
	if (r->io->attempt_over)
		r->io->attempt_over(r->arg, &o);
}

static void failure(const struct relay *r, enum err_code code,
		    const char *words, struct relay_failure *f)
{
	*f = (struct relay_failure){ .code = code, .words = words };
	if (code != ERR_UP_REQUEST)
		return;
	f->status = r->refusal_status;
	f->refusal = r->refusal_code;
}

static void give_up(struct relay *r, int64_t now_ms)
{
	int64_t at_ms = soonest(r), wait_ms = -1;

	if (!r->told.code)
		failure(r, ERR_NO_CHANNEL, "No channel can serve this now.",
			&r->told);
	if (r->told.code == ERR_UP_RATE && !r->mixed && at_ms)
		wait_ms = MAX(at_ms - now_ms, 0);
	relay_refuse(r, now_ms, &r->told, wait_ms);
}

/* --- the next one ------------------------------------------------------------- */

/* The last look before it is called. */
static bool may_try(struct relay *r, int64_t now_ms)
{
	struct relay_failure f;
	enum err_code why;
	int64_t wait_ms = -1;

	if (!r->io->attempt)
		return true;
	why = r->io->attempt(r->arg, r->at, &wait_ms);
	if (!why)
		return true;
	failure(r, why,
		"Every channel for this model is at its limit or cools down. "
		"Try again later.",
		&f);
	/* An upstream's own word tells more than that nobody asked it. */
	if (!r->told.code || rank(why) > rank(r->told.code))
		tell(r, &f);
	if (wait_ms >= 0)
		*again_of(r) = now_ms + wait_ms;
	return false;
}

static bool pick(struct relay *r, int64_t now_ms)
{
	const struct relay_plan *plan = r->plan;

	while (r->next < plan->n_candidates) {
		int64_t *again_ms = &r->again_ms[r->next];

		r->at = &plan->candidates[r->next++];
		if (r->again && (!*again_ms || *again_ms > now_ms))
			continue;
		*again_ms = 0;
		if (may_try(r, now_ms))
			return true;
	}
	return false;
}

/* False: it could not even be called. */
static bool call(struct relay *r, int64_t now_ms)
{
	struct relay_failure f;
	struct err e = { 0 };

	r->attempts[r->n_attempts++] = (struct relay_attempt){
		.to = r->at,
		.channel = r->at->channel->name,
		.key_id = r->at->key->id,
		.ms = -1,
		.words = "",
	};
	r->attempt_ms = r->heard_ms = now_ms;
	relay_make_call(r);
	relay_enter(r, RELAY_CALL);
	if (!r->io->upstream(r->arg, &r->call, &e)) {
		relay_arm(r, now_ms + MIN(r->times.first_token_ms,
					  r->times.total_ms));
		return true;
	}
	r->cancelled = true;
	relay_note_attempt(r, now_ms, e.code, e.msg);
	failure(r, e.code, e.msg, &f);
	tell(r, &f);
	relay_enter(r, RELAY_RETRY);
	return false;
}

/* Nobody is left who has not been asked: is there one to wait for? */
static bool wait_for_one(struct relay *r, int64_t now_ms)
{
	const struct relay_limits *l = &r->plan->limits;
	int64_t at_ms = soonest(r), pause_ms;

	if (!at_ms || r->n_attempts >= l->max_attempts)
		return false;
	at_ms = MAX(at_ms, now_ms + PAUSE_MIN_MS);
	pause_ms = at_ms - now_ms;
	if (r->waited_ms + pause_ms > l->retry_wait_ms ||
	    at_ms >= r->began_ms + l->deadline_ms)
		return false;
	r->waited_ms += pause_ms;
	r->retry_at_ms = at_ms;
	r->again = true;
	r->next = 0;
	relay_enter(r, RELAY_RETRY);
	relay_arm(r, at_ms);
	return true;
}

bool relay_try(struct relay *r, int64_t now_ms)
{
	const struct relay_limits *l = &r->plan->limits;

	while (r->n_attempts < l->max_attempts &&
	       now_ms < r->began_ms + l->deadline_ms && pick(r, now_ms))
		if (call(r, now_ms))
			return true;
	if (wait_for_one(r, now_ms))
		return true;
	give_up(r, now_ms);
	return false;
}

void relay_attempt_failed(struct relay *r, int64_t now_ms, enum err_code code,
			  const char *words)
{
	struct relay_failure f;

	relay_stop_call(r);
	relay_note_attempt(r, now_ms, code, words);
	if (r->head_sent) {
		relay_broke(r, now_ms, code, words);
		return;
	}
	relay_enter(r, RELAY_RETRY);
	failure(r, code, words, &f);
	if (!err_info(code)->elsewhere) {
		relay_refuse(r, now_ms, &f, -1);
		return;
	}
	tell(r, &f);
	if (r->retry_after_ms >= 0)
		*again_of(r) = now_ms + r->retry_after_ms;
	relay_try(r, now_ms);
}
