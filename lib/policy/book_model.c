/* book_model.c - the models of a book: who serves them, by name or pattern,
 * their settings and fallbacks. */
#include "policy/book_in.h"

#include "text/pattern.h"

/* A row of channel_model that holds for a model. */
struct claim {
	int channel;          /* its place in the book: by priority */
	const char *as;       /* the name or pattern it was made under */
	const char *upstream; /* as stored */
};

struct claims { /* on one model */
	struct book_model *model;
	struct claim *p;
	int n;
	bool by_pattern; /* some of them */
};

struct work {
	struct book *b;
	const struct book_stored *all;
	struct arena *scratch;
	int *channel;          /* of each row of channel_model */
	int *model, *pattern;  /* the same; -1: it is the other */
	int *order;            /* the rows, by channel: by priority */
	struct claims *claims; /* in the order of b->models */
};

static unsigned int slot_of(const struct book *b, struct str name)
{
	unsigned int h = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h % (unsigned int)b->n_slots;
}

static struct book_model *find(const struct book *b, struct str name)
{
	struct book_model *m = b->slots[slot_of(b, name)];

	while (m && !str_eq(name, m->name))
		m = m->next;
	return m;
}

const struct book_model *book_model(const struct book *b, struct str name)
{
	return find(b, name);
}

bool book_matches(const struct book *b, struct str name)
{
	for (int i = 0; i < b->n_patterns; i++)
		if (pattern_has(b->patterns[i].p, name))
			return true;
	return false;
}

void book_patterns_free(struct book *b)
{
	for (int i = 0; i < b->n_patterns; i++)
		pattern_free(b->patterns[i].p);
	b->n_patterns = 0;
}

static struct book_model *model_named(struct book *b, const char *name)
{
	struct str key = str_of(name);
	struct book_model *m = find(b, key);
	unsigned int slot = slot_of(b, key);

	if (m)
		return m;
	m = ARENA_NEW(&b->arena, struct book_model);
	m->name = arena_dup(&b->arena, key);
	m->next = b->slots[slot];
	m->place = b->n_models;
	b->slots[slot] = m;
	b->models[b->n_models++] = m;
	return m;
}

/* --- patterns ------------------------------------------------------------------ */

/* Each text once, whoever has it; -1: it does not compile any more. */
static int pattern_named(struct book *b, const char *text)
{
	struct err e = { 0 };
	struct pattern *p;

	for (int i = 0; i < b->n_patterns; i++)
		if (!strcmp(b->patterns[i].text, text))
			return i;
	p = pattern_new(str_of(text), &e);
	if (!p)
		return -1;
	b->patterns[b->n_patterns] = (struct book_pattern){
		.p = p, .text = arena_dup(&b->arena, str_of(text))
	};
	return b->n_patterns++;
}

struct place {
	int64_t id;
	int at;
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Rows come by channel id, channels by priority: the place of each row's. */
static void find_channels(struct work *w)
{
	const struct channel_all *all = &w->all->channels;
	struct place *p =
		ARENA_ARRAY(w->scratch, struct place, all->n_channels + 1);
	int at = 0;

	for (int i = 0; i < all->n_channels; i++)
		p[i] = (struct place){ all->channels[i].id, i };
	qsort(p, (size_t)all->n_channels, sizeof(*p), by_id);
	for (int i = 0; i < all->n_models; i++) {
		while (at + 1 < all->n_channels &&
		       p[at].id < all->models[i].channel_id)
			at++;
		w->channel[i] = p[at].at;
	}
}

/* Counts, and puts each where those before it leave off. */
static void order_rows(struct work *w)
{
	const struct channel_all *all = &w->all->channels;
	int *at = ARENA_ARRAY(w->scratch, int, all->n_channels + 2);

	for (int i = 0; i < all->n_models; i++)
		at[w->channel[i] + 1]++;
	for (int i = 0; i < all->n_channels; i++)
		at[i + 1] += at[i];
	for (int i = 0; i < all->n_models; i++)
		w->order[at[w->channel[i]]++] = i;
}

/* --- names ----------------------------------------------------------------------- */

static void add_names(struct work *w)
{
	const struct channel_all *all = &w->all->channels;
	struct book *b = w->b;

	for (int i = 0; i < all->n_models; i++) {
		const char *name = all->models[i].model;

		w->model[i] = w->pattern[i] = -1;
		if (pattern_kind(str_of(name)) == PATTERN_EXACT) {
			struct book_model *m = model_named(b, name);

			m->n_seats++;
			w->model[i] = m->place;
			continue;
		}
		w->pattern[i] = pattern_named(b, name);
		if (w->pattern[i] < 0)
			continue;
		b->patterns[w->pattern[i]].n_rows++;
		b->channels[w->channel[i]].n_patterns++;
	}
	for (int i = 0; i < w->all->n_prices; i++) {
		const struct price *p = &w->all->prices[i];

		if (!p->channel_id && p->from_ms <= w->all->now_ms &&
		    b->n_patterns && !find(b, str_of(p->model)) &&
		    book_matches(b, str_of(p->model)))
			model_named(b, p->model);
	}
	for (int i = 0; i < w->all->n_fallbacks; i++) {
		model_named(b, w->all->fallbacks[i].model);
		model_named(b, w->all->fallbacks[i].to_model);
	}
}

/* --- seats ------------------------------------------------------------------------ */

static int by_claim(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->channel != y->channel)
		return x->channel < y->channel ? -1 : 1;
	if (pattern_before(str_of(x->as), str_of(y->as)))
		return -1;
	return pattern_before(str_of(y->as), str_of(x->as)) ?
		       1 :
		       strcmp(x->as, y->as);
}

static const char *upstream_of(struct work *w, const struct claim *c,
			       const char *model)
{
	const char *star = strchr(c->upstream, '*');
	struct str part;

	if (!*c->upstream || !strcmp(c->upstream, model))
		return model;
	part = star ? pattern_star(str_of(c->as), str_of(model)) : STR_NONE;
	if (!part.p)
		return arena_dup(&w->b->arena, str_of(c->upstream));
	return arena_printf(&w->b->arena, "%.*s%.*s%s",
			    (int)(star - c->upstream), c->upstream,
			    STR_FMT(part), star + 1);
}

/* One seat a channel: its best claim. */
static void seat(struct work *w, struct claims *c)
{
	struct book_model *m = c->model;

	if (c->by_pattern)
		qsort(c->p, (size_t)c->n, sizeof(*c->p), by_claim);
	m->seats = ARENA_ARRAY(&w->b->arena, struct book_seat, c->n + 1);
	m->n_seats = 0;
	for (int i = 0; i < c->n; i++) {
		if (i && c->p[i].channel == c->p[i - 1].channel)
			continue;
		m->seats[m->n_seats++] = (struct book_seat){
			.channel = &w->b->channels[c->p[i].channel],
			.upstream = upstream_of(w, &c->p[i], m->name),
		};
	}
}

static void claim(struct claims *c, struct work *w, int row)
{
	const struct channel_model *cm = &w->all->channels.models[row];

	c->p[c->n++] =
		(struct claim){ w->channel[row], cm->model, cm->upstream };
}

/* The rows with patterns, and those among them that hold for a model. */
static void claim_by_pattern(struct work *w, struct claims *c, bool *has,
			     const int *rows, int n_rows)
{
	struct book *b = w->b;
	int n = c->model->n_seats;

	for (int i = 0; i < b->n_patterns; i++) {
		has[i] = pattern_has(b->patterns[i].p, str_of(c->model->name));
		n += has[i] ? b->patterns[i].n_rows : 0;
	}
	c->by_pattern = n > c->model->n_seats;
	c->p = ARENA_ARRAY(w->scratch, struct claim, n + 1);
	for (int i = 0; i < n_rows && c->by_pattern; i++)
		if (has[w->pattern[rows[i]]])
			claim(c, w, rows[i]);
}

static void add_seats(struct work *w)
{
	const struct channel_all *all = &w->all->channels;
	struct book *b = w->b;
	bool *has = ARENA_ARRAY(w->scratch, bool, b->n_patterns + 1);
	int *rows = ARENA_ARRAY(w->scratch, int, all->n_models + 1);
	int n_rows = 0;

	for (int i = 0; i < all->n_models; i++)
		if (w->pattern[w->order[i]] >= 0)
			rows[n_rows++] = w->order[i];
	for (int i = 0; i < b->n_models; i++) {
		w->claims[i].model = b->models[i];
		claim_by_pattern(w, &w->claims[i], has, rows, n_rows);
	}
	for (int i = 0; i < all->n_models; i++)
		if (w->model[w->order[i]] >= 0)
			claim(&w->claims[w->model[w->order[i]]], w,
			      w->order[i]);
	for (int i = 0; i < b->n_models; i++)
		seat(w, &w->claims[i]);
}

/* --- settings ---------------------------------------------------------------------- */

static enum sticky sticky_of(const char *name)
{
	static const char *const names[STICKY__COUNT] = { "off", "key", "user",
							  "prompt" };

	for (int i = 0; i < STICKY__COUNT; i++)
		if (!strcmp(names[i], name))
			return (enum sticky)i;
	return STICKY_OFF;
}

static void add_settings(struct work *w)
{
	for (int i = 0; i < w->all->n_settings; i++) {
		const struct model_setting *s = &w->all->settings[i];
		struct book_model *m = find(w->b, str_of(s->model));

		if (!m)
			continue;
		m->sticky = sticky_of(s->sticky);
		m->deadline_ms = s->deadline_ms;
		m->max_attempts = (int)s->max_attempts;
	}
}

/* They come by model, group and place. */
static void add_fallbacks(struct work *w)
{
	const struct fallback *f = w->all->fallbacks;
	int n = w->all->n_fallbacks;
	struct book_fallback *all =
		ARENA_ARRAY(&w->b->arena, struct book_fallback, n + 1);

	for (int i = 0; i < n; i++) {
		struct book_model *m = find(w->b, str_of(f[i].model));

		all[i] = (struct book_fallback){
			.group = arena_dup(&w->b->arena, str_of(f[i].group)),
			.to = find(w->b, str_of(f[i].to_model)),
		};
		if (!m->n_fallbacks++)
			m->fallbacks = &all[i];
	}
}

void book_models(struct book *b, const struct book_stored *all,
		 struct arena *scratch)
{
	int n = all->channels.n_models;
	int room = n + all->n_prices + 2 * all->n_fallbacks;
	struct work w = { .b = b, .all = all, .scratch = scratch };

	b->n_slots = MAX(room, 8) * 2;
	b->slots = ARENA_ARRAY(&b->arena, struct book_model *, b->n_slots);
	b->models = ARENA_ARRAY(&b->arena, struct book_model *, room + 1);
	b->patterns = ARENA_ARRAY(&b->arena, struct book_pattern, n + 1);
	w.channel = ARENA_ARRAY(scratch, int, n + 1);
	w.model = ARENA_ARRAY(scratch, int, n + 1);
	w.pattern = ARENA_ARRAY(scratch, int, n + 1);
	w.order = ARENA_ARRAY(scratch, int, n + 1);
	w.claims = ARENA_ARRAY(scratch, struct claims, room + 1);
	find_channels(&w);
	order_rows(&w);
	add_names(&w);
	add_seats(&w);
	add_settings(&w);
	add_fallbacks(&w);
}
