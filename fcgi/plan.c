/* plan.c - see plan.h. */
#include "plan.h"

#include "exchange.h"
#include "loop.h"

#include "base/clock.h"
#include "policy/sticky.h"

/* --- what route.h asks of the world ------------------------------------------- */

struct world {
	struct shared *shared;
	int64_t now_ms;
	bool last_resort; /* who only failed counts as well */
};

static void health(void *arg, enum health_of of, int64_t id,
		   struct health_view *v)
{
	const struct world *w = arg;

	health_look(w->shared, of, id, w->now_ms, v);
	if (w->last_resort && attempt_is_soft(v->why))
		v->state = HEALTH_WELL;
}

static bool room(void *arg, const struct meter_ask *ask, int64_t tokens,
		 int64_t *wait_ms)
{
	const struct world *w = arg;
	struct meter_view v;

	meter_look(w->shared, ask->of, ask->who, w->now_ms, &v);
	return route_room(ask, tokens, &v, wait_ms);
}

/* At once first; among those alike, in their minute. */
static int64_t used(void *arg, int64_t key_id)
{
	const struct world *w = arg;
	struct meter_view v;

	meter_look(w->shared, METER_KEY, (uint64_t)key_id, w->now_ms, &v);
	return v.used[METER_CONCURRENCY] << 16 |
	       MIN(v.used[METER_RPM], UINT16_MAX);
}

/* --- candidates ----------------------------------------------------------------- */

static bool is_admin(const struct exchange *x)
{
	return !strcmp(x->token->role, "admin") ||
	       !strcmp(x->token->role, "root");
}

/* The caller may want it sooner, not later. */
static int take_deadline(struct relay_limits *l, struct str wanted,
			 struct err *e)
{
	int64_t ms;

	if (!wanted.n)
		return 0;
	if (str_int(str_trim(wanted), 1, INT64_MAX, &ms) < 0)
		return err_param(e, ERR_VALUE, "X-Pontage-Deadline-Ms",
				 "Invalid header X-Pontage-Deadline-Ms: want a "
				 "number of milliseconds, 1 or more.");
	l->deadline_ms = MIN(l->deadline_ms, ms);
	return 0;
}

/* Is there one that only cools because it failed? */
static bool fails_softly(const struct route *r)
{
	for (int i = 0; i < r->n_rows; i++)
		if (r->rows[i].why == ROUTE_COOLING &&
		    attempt_is_soft(r->rows[i].cause))
			return true;
	return false;
}

static int find_route(struct exchange *x, const struct head *head,
		      struct err *e)
{
	const struct book_model *m = book_model(x->book, x->ask.model);
	struct world w = { .shared = x->loop->shared,
			   .now_ms = clock_mono_ms() };
	const struct route_world world = { &w, health, room, used, NULL };
	struct route_ask ask = {
		.model = x->ask.model,
		.group = x->token->group,
		.channel_id = x->token->channel_id,
		.channel = head->channel.n ? head->channel : STR_NONE,
		.models = x->token->models,
		.limit_tok = bill_prompt_tok(&x->ask) + MAX(x->ask.max_tok, 0),
	};

	x->route.wait_ms = -1;
	if (ask.channel.p && !is_admin(x))
		return err_param(e, ERR_FORBIDDEN, "X-Pontage-Channel",
				 "Only an administrator's API key may name the "
				 "channel. Leave the header X-Pontage-Channel "
				 "out.");
	if (m) {
		ask.sticky = sticky_number(m->sticky, &x->ask, x->token->id);
		if (m->deadline_ms)
			x->plan.limits.deadline_ms = m->deadline_ms;
		if (m->max_attempts)
			x->plan.limits.max_attempts = m->max_attempts;
	}
	if (route_plan(x->book, &ask, &world, &x->arena, &x->route, e) >= 0)
		return 0;
	if (!fails_softly(&x->route))
		return -1;
	/* Better to try one of them than to refuse. */
	x->last_resort = w.last_resort = true;
	err_clear(e);
	return route_plan(x->book, &ask, &world, &x->arena, &x->route, e);
}

/* Each input of a list has a context of its own. */
static void leave_small(struct exchange *x)
{
	const struct count_prompt *p = &x->tokens.prompt;
	int64_t tok = p->exact ? p->tok : bill_prompt_tok(&x->ask);
	struct route_size size = { .prompt_tok = tok,
				   .output_tok = MAX(x->ask.max_tok, 0) };

	if (x->ask.n_inputs > 1)
		size.prompt_tok = (tok + x->ask.n_inputs - 1) / x->ask.n_inputs;
	route_fit(&x->route, &size);
}

/* --- prices ---------------------------------------------------------------------- */

/* Those of the fallbacks, each once. */
static void other_prices(struct exchange *x)
{
	const struct route *r = &x->route;
	const struct book_price **p = ARENA_ARRAY(
		&x->arena, const struct book_price *, r->n_candidates);
	int n = 0;

	for (int i = 1; i < r->n_candidates; i++)
		if (r->candidates[i].price != r->candidates[i - 1].price)
			p[n++] = r->candidates[i].price;
	x->bill.others = p;
	x->bill.n_others = n;
}

/* The longest words that a channel would put before the caller's: a token a
 * byte at most. */
static int64_t system_tok(const struct route *r)
{
	size_t most = 0;

	for (int i = 0; i < r->n_candidates; i++) {
		const char *words = r->candidates[i].channel->system_prompt;

		most = MAX(most, words ? strlen(words) : 0);
	}
	return (int64_t)most;
}

static int find_price(struct exchange *x, struct err *e)
{
	int64_t more_tok = system_tok(&x->route);
	int64_t bound = x->tokens.prompt.bound;

	x->price = *x->route.candidates[0].price;
	x->bill = (struct bill_ask){
		.ask = &x->ask,
		.price = &x->price,
		.reserve_output_tok = x->loop->conf->reserve_output_tok,
		.reserve_max = x->token->reserve_max,
		.factor_ppm = book_factor_ppm(x->book, x->token->group),
		.tier = bill_tier(x->ask.service_tier),
		.prompt_tok = bound ? bound + more_tok : 0,
		.prompt_count =
			x->tokens.prompt.exact ? x->tokens.prompt.tok : 0,
	};
	other_prices(x);
	x->row.price_id = x->price.id;
	x->row.factor_ppm = x->bill.factor_ppm;
	return bill_reserve(&x->bill, &x->row.reserved_nusd, e);
}

int plan_make(struct exchange *x, const struct head *head, struct err *e)
{
	int r;

	x->plan = (struct relay_plan){ .endpoint = x->endpoint,
				       .ask = &x->ask,
				       .body = buf_span(&x->body),
				       .request_id = x->request_id,
				       .limits = x->loop->limits };
	if (x->token->no_keep_alive)
		x->plan.limits.keep_alive_ms = 0;
	r = find_route(x, head, e);
	if (r >= 0)
		r = take_deadline(&x->plan.limits, head->deadline, e);
	if (r < 0) {
		x->retry_ms = x->route.wait_ms;
		x->row.route = route_json(&x->route, &x->arena);
	}
	if (r >= 0) {
		x->plan.candidates = x->route.candidates;
		x->plan.n_candidates = x->route.n_candidates;
		tokens_prompt(x);
		leave_small(x);
		x->plan.n_candidates = x->route.n_candidates;
		relay_find_overrides(&x->plan, &x->arena);
		r = find_price(x, e);
	}
	return MIN(r, 0);
}
