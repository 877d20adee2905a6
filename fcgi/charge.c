/* charge.c - see charge.h. */
#include "charge.h"

#include "exchange.h"
#include "loop.h"

#include "base/clock.h"
#include "json/jw.h"

static const char *attempts_json(struct exchange *x)
{
	const struct relay_end *end = &x->relay.end;
	struct buf out;
	struct jw w;
	const char *text;

	buf_init(&out, 65536);
	jw_start(&w, &out);
	jw_array(&w, NULL);
	for (int i = 0; i < end->n_attempts; i++) {
		const struct relay_attempt *a = &end->attempts[i];

		jw_object(&w, NULL);
		jw_str(&w, "channel", a->channel);
		jw_int(&w, "key", a->key_id);
		jw_str(&w, "error", a->code ? err_info(a->code)->code : "");
		jw_int(&w, "status", a->status);
		jw_int(&w, "ms", a->ms);
		if (*a->words)
			jw_str(&w, "why", a->words);
		jw_end(&w);
	}
	jw_end(&w);
	text = arena_dup(&x->arena, buf_span(&out));
	buf_release(&out);
	return text;
}

/* What the upstream said goes on the receipt as it was, also where it is not
 * what is charged. */
static void fill_usage(struct exchange *x, const struct usage *u)
{
	struct request *row = &x->row;

	row->prompt_tok = MAX(usage_prompt_tok(u), 0);
	row->cached_tok = MAX(u->cache_read_tok, 0);
	row->completion_tok = MAX(u->out_tok, 0);
	row->reasoning_tok = MAX(u->reasoning_tok, 0);
	row->source = usage_source_name(u->source);
	row->usage_flag = usage_flag_name(u->flag);
	row->service_tier = service_tier_name(u->tier);
	row->usage_raw =
		arena_dup(&x->arena, buf_span(&x->relay.listen.usage_raw));
}

/* The user pays for the model that served. */
static const struct book_price *paid_by(const struct exchange *x,
					const struct candidate *to)
{
	return to ? to->price : &x->price;
}

/* What the channel costs us, by the usage that the user pays for. */
static int64_t upstream_nusd(const struct candidate *to, const struct usage *u)
{
	return bill_cost(to->cost, u, PPM);
}

/* What the user pays line by line. */
static void fill_bill(struct exchange *x, const struct usage *u)
{
	const struct candidate *served = x->relay.end.served;
	struct request *row = &x->row;
	struct bill b;

	row->price_id = paid_by(x, served)->id;
	bill_make(paid_by(x, served), u, row->factor_ppm, &b);
	row->cost_nusd = b.amount_nusd;
	row->lines = bill_json(&b, &x->arena);
	row->usage = tokens_noted(x, u, &x->arena);
	if (served)
		row->upstream_nusd = upstream_nusd(served, u);
}

static void fill_end(struct exchange *x)
{
	const struct relay_end *end = &x->relay.end;
	struct request *row = &x->row;

	if (end->served) {
		row->channel_id = end->served->channel->id;
		row->provider = end->served->channel->provider->id;
		row->model_served = end->served->model;
	}
	row->status = end->status;
	row->error = end->code ? err_info(end->code)->code : "";
	row->stopped = end->stopped;
	row->attempts = end->n_attempts;
	row->attempts_json = attempts_json(x);
	if (end->code || end->n_attempts > 1)
		row->route = route_json(&x->route, &x->arena);
	row->first_token_ms = MAX(end->first_ms, 0);
	row->total_ms = clock_wall_ms() - row->started_ms;
}

/* For /metrics. */
static void count_end(const struct exchange *x)
{
	const struct relay_end *end = &x->relay.end;
	struct shared_slot *slot = x->loop->slot;
	int64_t failed = 0, forbidden = 0;

	for (int i = 0; i < end->n_attempts; i++) {
		enum err_code code = end->attempts[i].code;

		failed += code && code != ERR_CLIENT_GONE;
		forbidden += code == ERR_UP_FORBIDDEN;
	}
	shared_count(slot, SHARED_streams, x->ask.stream);
	shared_count(slot, SHARED_attempts, end->n_attempts);
	shared_count(slot, SHARED_retries, MAX(end->n_attempts - 1, 0));
	shared_count(slot, SHARED_upstream_errors, failed);
	shared_count(slot, SHARED_egress_refused, forbidden);
	shared_count(slot, SHARED_client_gone, end->client_gone);
	shared_count(slot, SHARED_overloaded, end->status == 503);
}

void charge_end(struct exchange *x)
{
	struct usage u;

	relay_usage(&x->relay, &u);
	if (u.source != USAGE_NONE && u.source != USAGE_UPSTREAM) {
		tokens_end(&x->tokens);
		relay_usage(&x->relay, &u);
	}
	fill_usage(x, &u);
	fill_end(x);
	fill_bill(x, &u);
	x->row.state = u.source == USAGE_NONE ? "void" : "settled";
	count_end(x);
}

void charge_note(struct exchange *x)
{
	const struct candidate *to = x->relay.at;
	struct progress_op *op = &x->note->op;
	struct usage u;
	struct bill b;

	relay_usage(&x->relay, &u);
	bill_make(paid_by(x, to), &u, x->row.factor_ppm, &b);
	progress_op_init(op, x->row.id);
	op->prompt_tok = MAX(usage_prompt_tok(&u), 0);
	op->completion_tok = MAX(u.out_tok, 0);
	op->cost_nusd = b.amount_nusd;
	op->lines = bill_json(&b, &x->note->texts);
	op->usage = tokens_noted(x, &u, &x->note->texts);
	op->channel_id = to->channel->id;
	op->price_id = to->price->id;
	op->provider = to->channel->provider->id;
	op->model_served = to->model;
	op->upstream_nusd = upstream_nusd(to, &u);
}
