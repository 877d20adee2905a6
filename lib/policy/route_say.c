/* route_say.c - reasons in words, and what goes with a candidate. */
#include "policy/route_in.h"

#include "json/jw.h"

#define JSON_ROWS 16 /* of a log row: it is short */

static const struct {
	const char *name, *words;
} whys[ROUTE_WHY__COUNT] = {
#define W(name, word, words) [ROUTE_##name] = { word, words },
#include "policy/route.def"
#undef W
};

const char *route_why_name(enum route_why why)
{
	return whys[why].name;
}

const char *route_why_words(enum route_why why)
{
	return whys[why].words;
}

int route_no_price(struct str model, struct err *e)
{
	int n = (int)MIN(model.n, 64);

	return err_set(e, ERR_NO_PRICE,
		       "The model '%.*s' has no price. The administrator sets "
		       "one: pontage price set %.*s --input USD --output USD, "
		       "or --free.",
		       n, model.p, n, model.p);
}

static void put_row(struct jw *w, const struct route_row *row)
{
	jw_object(w, NULL);
	jw_str(w, "channel", row->channel->name);
	if (row->key && row->key->id)
		jw_int(w, "key", row->key->id);
	if (row->model)
		jw_str(w, "model", row->model);
	jw_str(w, "why", route_why_name(row->why));
	if (row->wait_ms >= 0)
		jw_int(w, "wait_ms", row->wait_ms);
	if (row->cause)
		jw_str(w, "cause", err_info((enum err_code)row->cause)->code);
	jw_end(w);
}

const char *route_json(const struct route *r, struct arena *arena)
{
	const char *text;
	struct buf b;
	struct jw w;

	if (!r->n_rows)
		return "";
	buf_init(&b, 65536);
	jw_start(&w, &b);
	jw_array(&w, NULL);
	for (int i = 0; i < MIN(r->n_rows, JSON_ROWS); i++)
		put_row(&w, &r->rows[i]);
	jw_end(&w);
	text = buf_ok(&b) ? arena_dup(arena, buf_span(&b)) : "";
	buf_release(&b);
	return text;
}

/* --- meters ----------------------------------------------------------------------- */

static bool meter(struct meter_ask *ask, enum meter_of of, int64_t id,
		  const struct book_limits *l)
{
	*ask = (struct meter_ask){ .of = of,
				   .who = (uint64_t)id,
				   .limit = { [METER_RPM] = l->rpm,
					      [METER_TPM] = l->tpm,
					      [METER_RPD] = l->rpd,
					      [METER_CONCURRENCY] =
						      l->concurrency } };
	return l->rpm || l->tpm || l->rpd || l->concurrency;
}

bool route_channel_meter(const struct book_channel *ch, struct meter_ask *ask)
{
	return meter(ask, METER_CHANNEL, ch->id, &ch->limits);
}

bool route_key_meter(const struct book_channel *ch, const struct book_key *key,
		     struct meter_ask *ask)
{
	bool limited = meter(ask, METER_KEY, key->id, &ch->key_limits);

	if (ch->rotation != ROTATE_LEAST_USED || ch->n_keys < 2)
		return limited && key->id;
	/* Counted, whatever it is: the least used one is wanted. */
	if (!ask->limit[METER_RPM])
		ask->limit[METER_RPM] = INT32_MAX;
	if (!ask->limit[METER_CONCURRENCY])
		ask->limit[METER_CONCURRENCY] = INT32_MAX;
	return true;
}

int route_meters(const struct candidate *c, struct meter_ask asks[static 2])
{
	int n = route_channel_meter(c->channel, &asks[0]);

	return n + route_key_meter(c->channel, c->key, &asks[n]);
}

bool route_room(const struct meter_ask *ask, int64_t tokens,
		const struct meter_view *v, int64_t *wait_ms)
{
	const int64_t more[METER_WHAT__COUNT] = { 1, tokens, 1, 1 };

	for (int i = 0; i < METER_WHAT__COUNT; i++) {
		if (!ask->limit[i] || v->used[i] + more[i] <= ask->limit[i])
			continue;
		*wait_ms = i < METER_WINDOWS ? v->reset_ms[i] : -1;
		return false;
	}
	return true;
}

/* --- does it fit? ------------------------------------------------------------------- */

static bool fits(const struct candidate *c, const struct route_size *size)
{
	int64_t context = c->cost->context_tok ? c->cost->context_tok :
						 c->price->context_tok;
	int64_t output = c->price->max_output_tok;

	return (!context || size->prompt_tok <= context) &&
	       (!output || size->output_tok <= output);
}

int route_fit(struct route *r, const struct route_size *size)
{
	struct candidate kept[ROUTE_MAX];
	struct route_row in[ROUTE_MAX], out[ROUTE_MAX];
	int n = 0, n_out = 0;

	for (int i = 0; i < r->n_candidates; i++) {
		struct route_row row = r->rows[i];

		if (fits(&r->candidates[i], size)) {
			row.place = n + 1;
			if (!n)
				row.why = ROUTE_TAKEN;
			in[n] = row;
			kept[n++] = r->candidates[i];
			continue;
		}
		row.why = ROUTE_CONTEXT;
		row.place = 0;
		out[n_out++] = row;
	}
	if (!n || !n_out)
		return r->n_candidates;
	memcpy(r->candidates, kept, sizeof(*kept) * (size_t)n);
	memcpy(r->rows, in, sizeof(*in) * (size_t)n);
	memcpy(r->rows + n, out, sizeof(*out) * (size_t)n_out);
	r->n_candidates = n;
	return n;
}
