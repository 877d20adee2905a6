/* attempt.c - see attempt.h. */
#include "attempt.h"

#include "loop.h"
#include "ward.h"

#include "base/log.h"

#define LEASE_MS 1000 /* longer than a first token may take */

struct health_pauses attempt_pauses(const struct conf *c)
{
	return (struct health_pauses){
		.first = c->cool_ms,
		.most = MAX(c->cool_most_ms, c->cool_ms),
		.asked = c->cool_asked_ms,
		.lease = c->upstream_first_token_ms + LEASE_MS,
	};
}

bool attempt_is_soft(int why)
{
	return why != ERR_UP_RATE && why != ERR_UP_AUTH && why != ERR_UP_CREDIT;
}

/* --- before it ---------------------------------------------------------------- */

/* What a look comes to. */
struct look {
	enum err_code why; /* ERR_NONE: it may */
	int64_t wait_ms;
	bool tries;
};

/* Nobody has been asked and nobody else is left: better this one than none. */
static bool is_last(const struct exchange *x, const struct candidate *to)
{
	return x->last_resort ||
	       (!x->relay.n_attempts &&
		to == &x->plan.candidates[x->plan.n_candidates - 1]);
}

static struct look look_at(struct exchange *x, const struct candidate *to,
			   enum health_of of, int64_t id)
{
	const struct health_pauses p = attempt_pauses(x->loop->conf);
	int64_t now_ms = x->loop->poller.now_ms;
	struct shared *sh = x->loop->shared;
	struct look l = { .tries = false };
	struct health_view v;

	switch (health_ask(sh, of, id, now_ms, &p)) {
	case HEALTH_TRY: l.tries = true; return l;
	case HEALTH_COOLING: break;
	case HEALTH_WELL:
	default: return l;
	}
	health_look(sh, of, id, now_ms, &v);
	if (is_last(x, to) && attempt_is_soft(v.why)) {
		l.tries = true;
		return l;
	}
	l.why = v.why == ERR_UP_RATE ? ERR_UP_RATE : ERR_NO_CHANNEL;
	l.wait_ms = MAX(v.wait_ms, 1);
	return l;
}

static void leave(struct exchange *x, const struct candidate *to)
{
	struct attempt *a = &x->attempt;

	if (a->tries_channel)
		health_leave(x->loop->shared, HEALTH_CHANNEL, to->channel->id);
	if (a->tries_key)
		health_leave(x->loop->shared, HEALTH_KEY, to->key->id);
	a->tries_channel = a->tries_key = false;
}

static enum err_code take(struct exchange *x, const struct candidate *to,
			  int64_t *wait_ms)
{
	int64_t prompt = x->tokens.prompt.tok;
	struct meter_request r = {
		.tokens = prompt + MAX(x->ask.max_tok, 0) * MAX(x->ask.n, 1),
	};
	struct loop *l = x->loop;
	struct meter_no no = { .which = 0 };

	r.n = route_meters(to, r.asks);
	if (!r.n)
		return ERR_NONE;
	if (!x->attempt.hold)
		x->attempt.hold = ARENA_NEW(&x->arena, struct meter_hold);
	if (meter_take(l->shared, l->slot, &r, l->poller.now_ms,
		       x->attempt.hold, &no))
		return ERR_NONE;
	shared_count(l->slot, SHARED_passed_over, 1);
	*wait_ms = no.wait_ms > 0 ? no.wait_ms : -1;
	return ERR_UP_RATE;
}

enum err_code attempt_begin(struct exchange *x, const struct candidate *to,
			    int64_t *wait_ms)
{
	struct attempt *a = &x->attempt;
	enum err_code why;
	struct look l = look_at(x, to, HEALTH_CHANNEL, to->channel->id);

	a->tries_channel = l.tries;
	a->tries_key = false;
	if (!l.why && to->key->id) {
		l = look_at(x, to, HEALTH_KEY, to->key->id);
		a->tries_key = l.tries;
	}
	if (l.why) {
		*wait_ms = l.wait_ms;
		leave(x, to);
		return l.why;
	}
	why = take(x, to, wait_ms);
	if (why)
		leave(x, to);
	return why;
}

/* --- after it ------------------------------------------------------------------ */

enum effect {
	ON_NOBODY,  /* it says nothing about them */
	ON_CHANNEL, /* it is ill */
	ON_KEY,     /* it is used up for now */
	ON_REFUSED, /* the provider does not want it any more */
};

static enum effect effect_of(const struct relay_outcome *o)
{
	switch (o->code) {
	case ERR_UP_RATE: return ON_KEY;
	case ERR_UP_AUTH:
	case ERR_UP_CREDIT: return ON_REFUSED;
	case ERR_UP_CONNECT:
	case ERR_UP_BROKEN:
	case ERR_UP_TIMEOUT:
	case ERR_UP_FORBIDDEN: return ON_CHANNEL;
	case ERR_UP_STATUS:
		/* 404: it may serve its other models all the same. */
		return o->status >= 400 && o->status < 500 ? ON_NOBODY :
							     ON_CHANNEL;
	default: return ON_NOBODY;
	}
}

static void bad(struct exchange *x, enum health_of of, int64_t id,
		const struct relay_outcome *o)
{
	const struct health_pauses p = attempt_pauses(x->loop->conf);
	int64_t now_ms = x->loop->poller.now_ms;
	struct health_view v;

	if (!p.first)
		return;
	health_bad(x->loop->shared, of, id, (int)o->code, o->retry_after_ms,
		   now_ms, &p);
	health_look(x->loop->shared, of, id, now_ms, &v);
	shared_count(x->loop->slot, SHARED_cooled, 1);
	log_warn("channel.cools", LOG_S("channel", o->to->channel->name),
		 LOG_I("key", of == HEALTH_KEY ? id : 0),
		 LOG_S("error", err_info(o->code)->code),
		 LOG_I("status", o->status), LOG_I("failures", v.failures),
		 LOG_I("ms", v.wait_ms));
}

static void bad_key(struct exchange *x, const struct relay_outcome *o)
{
	if (o->to->key->id)
		bad(x, HEALTH_KEY, o->to->key->id, o);
	else
		bad(x, HEALTH_CHANNEL, o->to->channel->id, o);
}

/* A bad prompt can be quoted in an error of any status; these are about keys
 * and accounts alone. */
static bool is_about_the_key(int status)
{
	return status == 401 || status == 402 || status == 403 || status == 429;
}

/* Only who was let through while it cooled down says that it is over: one that
 * began before knows nothing of what has happened since. */
void attempt_good(struct exchange *x, const struct candidate *to)
{
	struct attempt *a = &x->attempt;

	if (a->tries_channel)
		health_good(x->loop->shared, HEALTH_CHANNEL, to->channel->id);
	if (a->tries_key)
		health_good(x->loop->shared, HEALTH_KEY, to->key->id);
	if (a->tries_channel || a->tries_key)
		log_info("channel.well", LOG_S("channel", to->channel->name),
			 LOG_I("key", to->key->id));
	a->tries_channel = a->tries_key = false;
}

static void refused(struct exchange *x, const struct relay_outcome *o)
{
	if (!is_about_the_key(o->status))
		return;
	bad_key(x, o);
	if (o->to->channel->auto_disable && o->to->key->id)
		ward_disable(x->loop, o);
}

void attempt_over(struct exchange *x, const struct relay_outcome *o)
{
	switch (o->code ? effect_of(o) : ON_NOBODY) {
	case ON_CHANNEL: bad(x, HEALTH_CHANNEL, o->to->channel->id, o); break;
	case ON_KEY: bad_key(x, o); break;
	case ON_REFUSED: refused(x, o); break;
	case ON_NOBODY:
	default: break;
	}
	if (!o->code)
		attempt_good(x, o->to);
	leave(x, o->to);
	if (o->code && !x->relay.end.delivered)
		attempt_end(x, 0);
}

void attempt_end(struct exchange *x, int64_t tokens)
{
	if (!x->attempt.hold)
		return;
	meter_correct(x->attempt.hold, tokens);
	meter_give(x->loop->shared, x->loop->slot, x->attempt.hold);
}
