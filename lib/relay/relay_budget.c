/* relay_budget.c - streams that grow: asking for money while they do, waiting
 * for it, and stopping where there is none.
 *
 * What has passed is counted as it will be billed.  Content that would go
 * beyond what is held is not delivered: it waits, with what came in the same
 * piece, and the upstream is held back, so that little is ever kept.
 */
#include "relay/inner.h"

#include "dialect/dialect.h"

/* Near enough to the end of what is held to ask: a quarter of a step before
 * it, so that a step is there before the stream needs it. */
#define MARGIN_OF_STEP 4
/* An answer with a limit of its own cannot pass it; our count of it may, for
 * it is an estimate.  So much more is let through, and not charged for. */
#define SLACK(held_tok) ((held_tok) / 2 + 16)
#define KEPT_MORE       (256 << 10) /* bytes beyond one event */

struct kept { /* before each event that is kept */
	struct listen_note note;
	bool heard;
	size_t raw, data, data_at; /* bytes; data_at: in raw, or behind it */
};

void relay_budget_init(struct relay *r)
{
	const struct relay_plan *plan = r->plan;

	r->budget.held_tok = plan->money.held_tok;
	buf_init(&r->budget.kept, (size_t)plan->limits.max_event + KEPT_MORE);
}

static bool can_grow(const struct relay *r)
{
	const struct relay_money *m = &r->plan->money;

	return m->step_tok &&
	       (!m->most_tok || r->budget.held_tok < m->most_tok);
}

static void ask(struct relay *r)
{
	if (r->budget.asked || r->budget.refused)
		return;
	r->budget.asked = true;
	r->io->more(r->arg);
}

bool relay_budget_passes(struct relay *r, const uint64_t finished[2])
{
	struct relay_budget *b = &r->budget;
	bool grows = can_grow(r);
	struct usage u;

	if (!b->held_tok)
		return true;
	listen_usage(&r->listen, r->plan->money.prompt_tok, false, &u);
	if (u.out_tok > b->held_tok + (grows ? 0 : SLACK(b->held_tok))) {
		b->short_of = true;
		memcpy(b->finished, finished, sizeof(b->finished));
		return false;
	}
	b->short_of = false;
	b->passed_tok = u.out_tok;
	if (grows &&
	    u.out_tok > b->held_tok - r->plan->money.step_tok / MARGIN_OF_STEP)
		ask(r);
	return true;
}

bool relay_budget_ends(const struct relay *r)
{
	return r->budget.refused || !can_grow(r);
}

void relay_budget_wait(struct relay *r, int64_t now_ms)
{
	relay_enter(r, RELAY_SHORT);
	relay_arm(r, now_ms + r->plan->limits.keep_alive_ms);
	ask(r);
}

/* --- what waits --------------------------------------------------------------- */

void relay_budget_keep(struct relay *r, const struct sse_event *ev,
		       const struct listen_note *note)
{
	bool inside =
		ev->data.p >= ev->raw.p && ev->data.p < ev->raw.p + ev->raw.n;
	struct buf *to = &r->budget.kept;
	struct kept k = {
		.heard = note,
		.raw = ev->raw.n,
		.data = ev->data.n,
		.data_at =
			inside ? (size_t)(ev->data.p - ev->raw.p) : ev->raw.n,
	};

	if (note)
		k.note = *note;
	buf_add(to, (const char *)&k, sizeof(k));
	buf_add(to, ev->raw.p, ev->raw.n);
	if (!inside && ev->data.n)
		buf_add(to, ev->data.p, ev->data.n);
}

bool relay_budget_take(struct buf *kept, size_t *at, struct sse_event *ev,
		       struct listen_note *note, bool *heard)
{
	struct kept k;
	char *p = kept->p + *at;

	if (*at >= kept->len)
		return false;
	memcpy(&k, p, sizeof(k));
	p += sizeof(k);
	*ev = (struct sse_event){ .raw = { p, k.raw } };
	if (k.data)
		ev->data = (struct str){ p + k.data_at, k.data };
	*note = k.note;
	*heard = k.heard;
	*at += sizeof(k) + MAX(k.raw, k.data_at + k.data);
	return true;
}

void relay_budget_over(struct relay *r, struct relay_result res)
{
	r->budget.over = true;
	r->budget.result = res;
	r->budget.result.why = arena_dup(r->arena, str_of(res.why));
}

/* --- the answer ---------------------------------------------------------------- */

static void write_end(struct relay *r, struct buf *out)
{
	struct buf *kept = &r->budget.kept;
	struct listen_note note;
	struct sse_event ev;
	size_t at = 0;
	bool heard;
	struct enc_stop s = {
		.shape = r->plan->endpoint->shape,
		.n_choices = (int)relay_choices(r),
		.finished = r->budget.finished,
		.include_usage = r->plan->ask->include_usage,
	};

	if (relay_budget_take(kept, &at, &ev, &note, &heard))
		s.event = ev.data;
	relay_usage(r, &s.usage);
	enc_stop(&dialect_openai, r->arena, &s, out);
}

/* All that is paid for has been delivered. */
void relay_budget_stop(struct relay *r, int64_t now_ms)
{
	const struct relay_budget *budget = &r->budget;
	struct buf b;

	if (budget->why && budget->why != ERR_NO_FUNDS) {
		relay_broke(r, now_ms, budget->why, budget->words);
		return;
	}
	r->end.stopped = r->end.delivered = true;
	buf_init(&b, 1 << 20);
	write_end(r, &b);
	relay_send(r, now_ms, b.p, b.len);
	buf_release(&b);
	relay_complete(r, now_ms);
}

static void go_on(struct relay *r, int64_t now_ms)
{
	struct relay_budget *b = &r->budget;
	struct buf kept = b->kept;
	bool goes;

	buf_init(&b->kept, kept.max);
	relay_enter(r, RELAY_BODY);
	r->heard_ms = now_ms; /* the silence was ours */
	relay_arm(r, now_ms + r->plan->limits.idle_ms);
	goes = relay_hear_again(r, now_ms, &kept);
	buf_release(&kept);
	if (goes && b->over && r->state != RELAY_SHORT) {
		b->over = false;
		relay_answer_over(r, now_ms, b->result);
	}
}

void relay_on_budget(struct relay *r, int64_t now_ms, int64_t more_tok,
		     const struct err *why)
{
	struct relay_budget *b = &r->budget;

	if (r->state == RELAY_DONE)
		return;
	b->asked = false;
	b->held_tok += more_tok;
	b->refused = !more_tok;
	if (b->refused) {
		b->why = why->code;
		b->words = arena_dup(r->arena, str_of(why->msg));
	}
	if (r->state != RELAY_SHORT)
		return;
	if (b->refused)
		relay_budget_stop(r, now_ms);
	else
		go_on(r, now_ms);
}

bool relay_holds_back(const struct relay *r)
{
	return r->paused || r->state == RELAY_SHORT;
}

/* --- what is owed ---------------------------------------------------------------- */

static bool nobody_served(const struct relay *r)
{
	return !r->end.served;
}

static bool is_whole(const struct relay *r)
{
	return r->end.code == ERR_NONE && !r->end.stopped;
}

static bool was_delivered(const struct relay *r)
{
	return r->end.delivered;
}

/* It took the prompt in, and would have answered. */
static bool client_left(const struct relay *r)
{
	return r->end.client_gone && r->end.reached;
}

static bool always(const struct relay *r)
{
	(void)r;
	return true;
}

/* When a request has ended; the first row that holds counts. */
static const struct owes {
	bool (*when)(const struct relay *r);
	enum { OWES_NOTHING, OWES_PART, OWES_ALL } what;
} owes[] = {
	{ nobody_served, OWES_NOTHING },
	{ is_whole, OWES_ALL },
	{ was_delivered, OWES_PART },
	{ client_left, OWES_PART }, /* the prompt: nothing has come */
	{ always, OWES_NOTHING },
};

void relay_usage(const struct relay *r, struct usage *u)
{
	const struct relay_budget *b = &r->budget;
	const struct owes *row = owes;
	bool ended = r->state == RELAY_DONE;

	usage_init(u);
	while (ended && !row->when(r))
		row++;
	if (ended ? row->what == OWES_NOTHING : !r->end.delivered)
		return;
	listen_usage(&r->listen, r->plan->money.prompt_tok,
		     ended && row->what == OWES_ALL, u);
	if (u->source == USAGE_UPSTREAM || !b->held_tok)
		return;
	if (b->short_of)
		u->out_tok = b->passed_tok;
	/* The limit is exact, our count is not. */
	u->out_tok = MIN(u->out_tok, b->held_tok);
	u->reasoning_tok = MIN(u->reasoning_tok, u->out_tok);
}
