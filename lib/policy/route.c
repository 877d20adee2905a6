/* route.c - see route.h. */
#include "policy/route.h"

#include "policy/route_in.h"

/* What becomes of the model's channels, while it is found out. */
struct plan {
	const struct book *book;
	const struct route_ask *ask;
	const struct route_world *w;
	const struct book_channel *named; /* NULL: none */
	struct arena *arena;
	struct route *out;
	struct route_row *left; /* rows of those that are not tried */
	int n_left;
};

static void leave(struct plan *p, const struct route_row *row)
{
	p->left[p->n_left++] = *row;
	if (row->wait_ms >= 0 &&
	    (p->out->wait_ms < 0 || row->wait_ms < p->out->wait_ms))
		p->out->wait_ms = row->wait_ms;
}

/* --- may it? ------------------------------------------------------------------ */

static enum route_why why_never(const struct plan *p,
				const struct book_channel *ch)
{
	const struct route_ask *ask = p->ask;

	if ((ask->channel_id && ask->channel_id != ch->id) ||
	    (p->named && p->named != ch))
		return ROUTE_PINNED;
	if (!p->named && !book_on_list(ch->groups, str_of(ask->group)))
		return ROUTE_GROUP;
	if (!ch->usable)
		return ch->keyless ? ROUTE_NO_KEY : ROUTE_DISABLED;
	return ROUTE_TAKEN;
}

static bool is_cool(const struct plan *p, enum health_of of, int64_t id,
		    struct route_row *row, bool *trial)
{
	struct health_view v = { .state = HEALTH_WELL };

	if (p->w->health && id)
		p->w->health(p->w->arg, of, id, &v);
	if (v.state == HEALTH_TRY)
		*trial = true;
	if (v.state != HEALTH_COOLING)
		return false;
	row->why = ROUTE_COOLING;
	row->wait_ms = v.wait_ms;
	row->cause = v.why;
	return true;
}

static bool is_full(const struct plan *p, const struct meter_ask *ask,
		    struct route_row *row)
{
	int64_t wait_ms = -1;

	if (!p->w->room ||
	    p->w->room(p->w->arg, ask, p->ask->limit_tok, &wait_ms))
		return false;
	row->why = ROUTE_LIMIT;
	row->wait_ms = wait_ms;
	return true;
}

/* A channel that may serve, or else its row is left. */
static bool opens(struct plan *p, const struct book_channel *ch,
		  const char *model, bool *trial)
{
	struct route_row row = { .channel = ch,
				 .model = model,
				 .why = why_never(p, ch),
				 .wait_ms = -1 };
	struct meter_ask ask;

	*trial = false;
	if (row.why == ROUTE_TAKEN &&
	    !is_cool(p, HEALTH_CHANNEL, ch->id, &row, trial) &&
	    route_channel_meter(ch, &ask))
		is_full(p, &ask, &row);
	if (row.why == ROUTE_TAKEN)
		return true;
	leave(p, &row);
	return false;
}

/* The keys that may be used; the rows of the others are left. */
static void open_keys(struct plan *p, struct route_option *o, const char *model)
{
	const struct book_channel *ch = o->seat->channel;

	o->keys = ARENA_ARRAY(p->arena, struct route_key, ch->n_keys + 1);
	for (int i = 0; i < ch->n_keys; i++) {
		struct route_key *k = &o->keys[o->n_keys];
		struct route_row row = { .channel = ch,
					 .key = &ch->keys[i],
					 .model = model,
					 .wait_ms = -1 };
		struct meter_ask ask;

		*k = (struct route_key){ .key = row.key, .trial = o->trial };
		if (!is_cool(p, HEALTH_KEY, row.key->id, &row, &k->trial) &&
		    route_key_meter(ch, row.key, &ask))
			is_full(p, &ask, &row);
		if (row.why == ROUTE_TAKEN)
			o->n_keys++;
		else
			leave(p, &row);
	}
	for (int i = 0; i < ch->n_sick; i++)
		leave(p, &(struct route_row){ .channel = ch,
					      .key = &ch->sick[i],
					      .model = model,
					      .why = ROUTE_SICK,
					      .wait_ms = -1 });
}

/* --- in order ------------------------------------------------------------------- */

static enum route_why why_later(const struct plan *p,
				const struct route_option *o,
				const struct book_model *m, bool first_key)
{
	const struct candidate *first = &p->out->candidates[0];

	if (!p->out->n_candidates)
		return ROUTE_TAKEN;
	if (first->serves != m)
		return ROUTE_FALLBACK;
	if (!first_key)
		return ROUTE_OTHER_KEY;
	return o->seat->channel->priority == first->channel->priority ?
		       ROUTE_SHARE :
		       ROUTE_PRIORITY;
}

static void take(struct plan *p, const struct route_option *o,
		 const struct book_model *m, int key)
{
	struct route *out = p->out;
	struct route_row row = { .channel = o->seat->channel,
				 .key = o->keys[key].key,
				 .model = m->name,
				 .wait_ms = -1 };

	if (out->n_candidates == ROUTE_MAX) {
		row.why = ROUTE_FULL;
		if (!key)
			leave(p, &row);
		return;
	}
	row.why = why_later(p, o, m, !key);
	row.place = out->n_candidates + 1;
	out->rows[out->n_candidates] = row;
	out->candidates[out->n_candidates++] = (struct candidate){
		.channel = row.channel,
		.key = row.key,
		.model = o->seat->upstream,
		.serves = m,
		.price = &m->price,
		.cost = o->seat->cost ? o->seat->cost : &m->price,
		.fallback = !str_eq(p->ask->model, m->name),
		.trial = o->keys[key].trial,
	};
}

static void take_all(struct plan *p, const struct route_option *o, int n,
		     const struct book_model *m)
{
	bool more = true;

	for (int key = 0; more; key++) {
		more = false;
		for (int i = 0; i < n; i++) {
			if (key < o[i].n_keys)
				take(p, &o[i], m, key);
			more |= key + 1 < o[i].n_keys;
		}
		more &= p->out->n_candidates < ROUTE_MAX;
	}
}

static void leave_all(struct plan *p, const struct book_model *m,
		      enum route_why why)
{
	for (int i = 0; i < m->n_seats; i++)
		leave(p, &(struct route_row){ .channel = m->seats[i].channel,
					      .model = m->name,
					      .why = why,
					      .wait_ms = -1 });
}

static void plan_model(struct plan *p, const struct book_model *m)
{
	struct route_option *o =
		ARENA_ARRAY(p->arena, struct route_option, m->n_seats + 1);
	struct route_order how = { .w = p->w, .sticky = p->ask->sticky };
	int n = 0;

	if (!m->price.id) {
		leave_all(p, m, ROUTE_PRICE);
		return;
	}
	for (int i = 0; i < m->n_seats; i++) {
		o[n] = (struct route_option){ .seat = &m->seats[i] };
		if (!opens(p, m->seats[i].channel, m->name, &o[n].trial))
			continue;
		open_keys(p, &o[n], m->name);
		if (o[n].n_keys)
			n++;
	}
	route_order(&how, o, n);
	take_all(p, o, n, m);
}

/* Those of its group, or of all where it has none of its own. */
static void plan_fallbacks(struct plan *p, const struct book_model *m)
{
	const char *list = p->ask->models ? p->ask->models : "";
	const char *group = "";

	for (int i = 0; i < m->n_fallbacks; i++)
		if (!strcmp(m->fallbacks[i].group, p->ask->group))
			group = p->ask->group;
	for (int i = 0; i < m->n_fallbacks; i++) {
		const struct book_fallback *f = &m->fallbacks[i];

		if (strcmp(f->group, group) != 0)
			continue;
		if (*list && !book_on_list(list, str_of(f->to->name)))
			leave_all(p, f->to, ROUTE_FORBIDDEN);
		else
			plan_model(p, f->to);
	}
}

static int count_rows(const struct book_model *m)
{
	int n = 0;

	for (int i = 0; i < m->n_seats; i++)
		n += 1 + m->seats[i].channel->n_keys +
		     m->seats[i].channel->n_sick;
	return n;
}

static void explain_others(struct plan *p, const struct book_model *m)
{
	for (int c = 0; c < p->book->n_channels; c++) {
		const struct book_channel *ch = &p->book->channels[c];
		bool has = false;

		for (int i = 0; m && i < m->n_seats && !has; i++)
			has = m->seats[i].channel == ch;
		if (!has)
			leave(p, &(struct route_row){ .channel = ch,
						      .why = ROUTE_MODEL,
						      .wait_ms = -1 });
	}
}

static void plan_all(struct plan *p, const struct book_model *m)
{
	struct route *out = p->out;
	int rows = p->ask->explain ? p->book->n_channels : 0;

	if (m) {
		rows += count_rows(m);
		for (int i = 0; i < m->n_fallbacks; i++)
			rows += count_rows(m->fallbacks[i].to);
	}
	out->candidates = ARENA_ARRAY(p->arena, struct candidate,
				      MIN(rows, ROUTE_MAX) + 1);
	/* The rows of the candidates, and then those that are left. */
	out->rows = ARENA_ARRAY(p->arena, struct route_row, 2 * rows + 1);
	p->left = out->rows + rows;
	if (m) {
		plan_model(p, m);
		plan_fallbacks(p, m);
	}
	if (p->ask->explain)
		explain_others(p, m);
	memmove(out->rows + out->n_candidates, p->left,
		sizeof(*p->left) * (size_t)p->n_left);
	out->n_rows = out->n_candidates + p->n_left;
}

/* --- and if there is none --------------------------------------------------------- */

static int no_model(const struct plan *p, struct err *e)
{
	int n = (int)MIN(p->ask->model.n, 64);
	const char *model = p->ask->model.p;

	if (book_matches(p->book, p->ask->model))
		return route_no_price(p->ask->model, e);
	return err_param(e, ERR_MODEL, "model",
			 "The model '%.*s' does not exist or you do "
			 "not have access to it.",
			 n, model);
}

static bool waits(const struct route_row *row)
{
	return row->why == ROUTE_LIMIT ||
	       (row->why == ROUTE_COOLING && row->cause == ERR_UP_RATE);
}

/* How many of what could serve are only too busy; and whether some could but
 * for their price. */
static int nobody(const struct plan *p, struct err *e)
{
	int n = (int)MIN(p->ask->model.n, 64), busy = 0, ill = 0, free = 0;
	const char *model = p->ask->model.p;

	for (int i = 0; i < p->out->n_rows; i++) {
		const struct route_row *row = &p->out->rows[i];

		busy += waits(row);
		ill += row->why == ROUTE_COOLING && !waits(row);
		free += row->why == ROUTE_PRICE;
	}
	if (free && !busy && !ill)
		return route_no_price(p->ask->model, e);
	if (busy && !ill)
		return err_set(e, ERR_UP_RATE,
			       "All that serve the model '%.*s' are at their "
			       "limits. Try again later.",
			       n, model);
	return err_set(e, ERR_NO_CHANNEL,
		       "No channel can serve the model '%.*s' now. Try "
		       "again later, or ask the administrator.",
		       n, model);
}

int route_plan(const struct book *b, const struct route_ask *ask,
	       const struct route_world *w, struct arena *arena,
	       struct route *out, struct err *e)
{
	static const struct route_world quiet;
	const struct book_model *m = book_model(b, ask->model);
	struct plan p = { .book = b,
			  .ask = ask,
			  .w = w ? w : &quiet,
			  .arena = arena,
			  .out = out };

	*out = (struct route){ .wait_ms = -1 };
	if (ask->channel.p) {
		p.named = book_channel(b, ask->channel);
		if (!p.named)
			return err_param(e, ERR_VALUE, "X-Pontage-Channel",
					 "There is no channel '%.*s'.",
					 (int)MIN(ask->channel.n, 64),
					 ask->channel.p);
	}
	plan_all(&p, m);
	if (out->n_candidates) {
		out->wait_ms = -1;
		return out->n_candidates;
	}
	return m ? nobody(&p, e) : no_model(&p, e);
}
