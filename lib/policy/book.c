/* book.c - see book.h. */
#include "policy/book.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/box.h"
#include "db/db.h"
#include "http/cidr.h"
#include "store/channel.h"
#include "store/grp.h"
#include "store/meta.h"

#include <sched.h>
#include <stdatomic.h>

#define SECRET_MAX 16384 /* a service account's key is the longest */

/* One present book; whoever finds it old builds the next while the others
 * wait.  The spin lock guards only the pointer and the counts. */
struct book_shelf {
	const struct box_key *secret;
	const struct conf *conf;
	atomic_flag spin, building;
	struct book *present;
};

/* --- counting who holds it ------------------------------------------------ */

static void lock(struct book_shelf *s)
{
	while (atomic_flag_test_and_set_explicit(&s->spin,
						 memory_order_acquire))
		sched_yield();
}

static void unlock(struct book_shelf *s)
{
	atomic_flag_clear_explicit(&s->spin, memory_order_release);
}

static void book_free(struct book *b)
{
	arena_wipe(&b->arena);
	arena_release(&b->arena);
	free(b);
}

void book_give(struct book_shelf *s, struct book *b)
{
	bool last;

	if (!b)
		return;
	lock(s);
	last = !--b->held;
	unlock(s);
	if (last)
		book_free(b);
}

/* The present book if it is as new as wanted, and held. */
static struct book *hold_present(struct book_shelf *s, int64_t version)
{
	struct book *b;
	int64_t now_ms = clock_wall_ms();

	lock(s);
	b = s->present;
	if (b && (b->version < version || b->until_ms <= now_ms))
		b = NULL;
	if (b)
		b->held++;
	unlock(s);
	return b;
}

static struct book *put_present(struct book_shelf *s, struct book *b)
{
	struct book *old;

	lock(s);
	old = s->present;
	s->present = b;
	b->held = 2; /* the shelf and the caller */
	unlock(s);
	book_give(s, old);
	return b;
}

struct book_shelf *book_shelf_new(const struct box_key *secret,
				  const struct conf *conf)
{
	struct book_shelf *s = mem_alloc(sizeof(*s));

	s->secret = secret;
	s->conf = conf;
	atomic_flag_clear(&s->spin);
	atomic_flag_clear(&s->building);
	return s;
}

void book_shelf_free(struct book_shelf *s)
{
	book_give(s, s->present);
	free(s);
}

/* --- building one ------------------------------------------------------------ */

static unsigned int slot_of(const struct book *b, struct str name)
{
	unsigned int h = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h % (unsigned int)b->n_slots;
}

const struct book_model *book_model(const struct book *b, struct str name)
{
	struct book_model *m = b->slots[slot_of(b, name)];

	while (m && !str_eq(name, m->name))
		m = m->next;
	return m;
}

bool book_on_list(const char *list, struct str name)
{
	struct str rest = str_of(list), one;

	while (str_next(&rest, ',', &one))
		if (str_same(str_trim(one), name))
			return true;
	return false;
}

const struct book_channel *book_channel(const struct book *b, struct str which)
{
	int64_t id = 0;

	for (int i = 0; i < b->n_channels; i++)
		if (str_eq(which, b->channels[i].name))
			return &b->channels[i];
	str_int(which, 1, INT64_MAX, &id);
	for (int i = 0; id && i < b->n_channels; i++)
		if (b->channels[i].id == id)
			return &b->channels[i];
	return NULL;
}

const struct book_limits *book_cap(const struct book *b, const char *scope,
				   const char *owner)
{
	for (int i = 0; i < b->n_caps; i++)
		if (!strcmp(b->caps[i].scope, scope) &&
		    !strcmp(b->caps[i].owner, owner))
			return &b->caps[i].limits;
	return NULL;
}

bool book_matches(const struct book *b, struct str name)
{
	return b->n_patterns && name.n;
}

static const char *open_key(const struct book_shelf *s, struct book *b,
			    const struct channel *ch,
			    const struct channel_key *key)
{
	struct box_place place = { "channel_key", key->id, ch->origin };
	struct err e = { 0 };
	struct buf plain;
	const char *out = NULL;

	if (!key->enabled || !key->sealed.p || !s->secret)
		return NULL;
	buf_init(&plain, SECRET_MAX);
	if (!box_open(s->secret, &place, key->sealed, &plain, &e))
		out = arena_dup(&b->arena, buf_span(&plain));
	else
		log_error("book.key", LOG_S("channel", ch->name),
			  LOG_I("key", key->id), LOG_S("cause", e.msg));
	if (plain.len)
		box_wipe(plain.p, plain.len);
	buf_release(&plain);
	return out;
}

static void open_keys(const struct book_shelf *s, struct book *b,
		      struct book_channel *to, const struct channel *ch,
		      const struct channel_all *all)
{
	int stored = 0;

	to->keys = ARENA_ARRAY(&b->arena, struct book_key, all->n_keys + 1);
	for (int i = 0; i < all->n_keys; i++) {
		const struct channel_key *k = &all->keys[i];
		const char *secret = NULL;

		if (k->channel_id != ch->id)
			continue;
		stored++;
		secret = open_key(s, b, ch, k);
		if (secret)
			to->keys[to->n_keys++] =
				(struct book_key){ k->id, secret, "" };
	}
	if (!stored && (to->provider->quirks & Q_KEY_OPTIONAL))
		to->keys[to->n_keys++] = (struct book_key){ 0, "", "" };
}

static const char *why_not(const struct book_shelf *s,
			   const struct book_channel *to,
			   const struct channel *ch)
{
	if (!ch->enabled)
		return "it is disabled";
	if (strcmp(ch->state, "disabled") == 0)
		return "the gateway has disabled it";
	if (!to->provider)
		return "its provider is not known to this version";
	if ((to->provider->quirks & Q_BUILT_IN) && !s->conf->test_provider)
		return "the test provider is switched off";
	if (!to->n_keys)
		return "it has no key that can be used";
	return NULL;
}

static void add_channel(const struct book_shelf *s, struct book *b,
			struct book_channel *to, const struct channel *ch,
			const struct channel_all *all)
{
	struct err e = { 0 };

	*to = (struct book_channel){
		.id = ch->id,
		.name = arena_dup(&b->arena, str_of(ch->name)),
		.provider = provider_find(ch->provider),
		.base_url = arena_dup(&b->arena, str_of(ch->base_url)),
		.priority = (int)ch->priority,
		.weight = (int)ch->weight,
		.groups = arena_dup(&b->arena, str_of(ch->groups)),
	};
	if (!to->provider) {
		to->why = why_not(s, to, ch);
		return;
	}
	if (!*to->base_url)
		to->base_url = to->provider->base_url;
	if (egress_rule_make(&to->egress, str_of(ch->allow), STR_NONE,
			     &b->arena, &e) < 0)
		log_error("book.allow", LOG_S("channel", ch->name),
			  LOG_S("cause", e.msg));
	open_keys(s, b, to, ch, all);
	to->why = why_not(s, to, ch);
	to->usable = !to->why;
}

static struct book_model *model_named(struct book *b, const char *name)
{
	struct str key = str_of(name);
	struct book_model *m =
		(struct book_model *)(uintptr_t)book_model(b, key);
	unsigned int slot = slot_of(b, key);

	if (m)
		return m;
	m = ARENA_NEW(&b->arena, struct book_model);
	m->name = arena_dup(&b->arena, key);
	m->next = b->slots[slot];
	b->slots[slot] = m;
	b->models[b->n_models++] = m;
	return m;
}

static void add_seats(struct book *b, const struct channel_all *all)
{
	/* Channels come highest priority first, and so do the seats. */
	for (int c = 0; c < all->n_channels; c++)
		for (int i = 0; i < all->n_models; i++) {
			const struct channel_model *cm = &all->models[i];
			struct book_model *m;

			if (cm->channel_id != all->channels[c].id)
				continue;
			m = model_named(b, cm->model);
			if (!m->seats)
				m->seats =
					ARENA_ARRAY(&b->arena, struct book_seat,
						    all->n_channels);
			m->seats[m->n_seats++] = (struct book_seat){
				.channel = &b->channels[c],
				.upstream = arena_dup(&b->arena,
						      str_of(cm->upstream)),
			};
		}
}

static struct book_price price_of_row(struct book *b, const struct price *p)
{
	struct price_line *lines =
		ARENA_ARRAY(&b->arena, struct price_line, p->n_lines + 1);

	for (int i = 0; i < p->n_lines; i++) {
		lines[i] = p->lines[i];
		lines[i].variant =
			arena_dup(&b->arena, str_of(p->lines[i].variant));
	}
	return (struct book_price){
		.id = p->id,
		.free = p->free,
		.context_tok = p->context_tok,
		.max_output_tok = p->max_output_tok,
		.reserve_output_tok = p->reserve_output_tok,
		.batch_ppm = p->batch_ppm,
		.flex_ppm = p->flex_ppm,
		.priority_ppm = p->priority_ppm,
		.lines = lines,
		.n_lines = p->n_lines,
	};
}

/* What a channel costs us counts wherever it serves under that name. */
static void add_cost(struct book *b, const struct price *p)
{
	struct book_price *cost = ARENA_NEW(&b->arena, struct book_price);

	*cost = price_of_row(b, p);
	for (int m = 0; m < b->n_models; m++)
		for (int i = 0; i < b->models[m]->n_seats; i++) {
			struct book_seat *s = &b->models[m]->seats[i];

			if (s->channel->id == p->channel_id &&
			    !strcmp(s->upstream, p->model))
				s->cost = cost;
		}
}

static void add_prices(struct book *b, const struct price *p, int n,
		       int64_t now_ms)
{
	for (int i = 0; i < n; i++) {
		struct book_model *m =
			(struct book_model *)(uintptr_t)book_model(
				b, str_of(p[i].model));

		if (p[i].from_ms > now_ms)
			b->until_ms = MIN(b->until_ms, p[i].from_ms);
		else if (p[i].channel_id)
			add_cost(b, &p[i]);
		else if (m)
			m->price = price_of_row(b, &p[i]);
	}
}

static void add_groups(struct book *b, const struct grp *g, int n)
{
	b->n_groups = n;
	b->groups = ARENA_ARRAY(&b->arena, struct book_group, n + 1);
	for (int i = 0; i < n; i++)
		b->groups[i] = (struct book_group){
			arena_dup(&b->arena, str_of(g[i].name)),
			g[i].factor_ppm,
		};
}

int64_t book_factor_ppm(const struct book *b, const char *group)
{
	for (int i = 0; i < b->n_groups; i++)
		if (!strcmp(b->groups[i].name, group))
			return b->groups[i].factor_ppm;
	return PPM;
}

const struct book_price *book_cost(const struct book *b, struct str model,
				   const struct book_channel *ch,
				   const char *upstream)
{
	static const struct book_price none;
	const struct book_model *m = book_model(b, model);

	for (int i = 0; m && i < m->n_seats; i++)
		if (m->seats[i].channel == ch && m->seats[i].cost &&
		    !strcmp(m->seats[i].upstream, upstream))
			return m->seats[i].cost;
	return m ? &m->price : &none;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct book_model *const *)a)->name,
		      (*(struct book_model *const *)b)->name);
}

/* What a book is made of, as it is stored. */
struct stored {
	struct channel_all channels;
	struct price *prices;
	struct grp *groups;
	int n_prices, n_groups;
};

/* In one transaction: the version must be that of the prices too. */
static int read_all(struct db *db, int64_t now_ms, struct stored *all,
		    struct arena *scratch, struct err *e)
{
	bool inside = db_in_txn(db); /* a job is taken in the writer's */
	int rc = 0;

	if (!inside && db_begin_read(db, e) < 0)
		return -1;
	all->n_prices = price_all(db, now_ms, &all->prices, scratch, e);
	if (all->n_prices >= 0)
		all->n_groups = grp_list(db, &all->groups, scratch, e);
	if (all->n_prices < 0 || all->n_groups < 0 ||
	    channel_all(db, &all->channels, scratch, e) < 0)
		rc = -1;
	if (!inside)
		db_rollback(db);
	return rc;
}

static int fill(const struct book_shelf *s, struct book *b, struct db *db,
		struct arena *scratch, struct err *e)
{
	int64_t now_ms = clock_wall_ms();
	struct stored all = { 0 };
	const struct channel_all *ch = &all.channels;

	if (read_all(db, now_ms, &all, scratch, e) < 0)
		return -1;
	b->version = ch->version;
	b->until_ms = INT64_MAX;
	b->n_channels = ch->n_channels;
	b->channels =
		ARENA_ARRAY(&b->arena, struct book_channel, ch->n_channels + 1);
	b->n_slots = MAX(ch->n_models, 8) * 2;
	b->slots = ARENA_ARRAY(&b->arena, struct book_model *, b->n_slots);
	b->models =
		ARENA_ARRAY(&b->arena, struct book_model *, ch->n_models + 1);
	for (int i = 0; i < ch->n_channels; i++)
		add_channel(s, b, &b->channels[i], &ch->channels[i], ch);
	add_seats(b, ch);
	add_prices(b, all.prices, all.n_prices, now_ms);
	add_groups(b, all.groups, all.n_groups);
	qsort(b->models, (size_t)b->n_models, sizeof(struct book_model *),
	      by_name);
	return 0;
}

static struct book *build(const struct book_shelf *s, struct db *db,
			  struct err *e)
{
	struct book *b = mem_alloc(sizeof(*b));
	struct arena scratch;
	int r;

	arena_init(&b->arena);
	arena_init(&scratch);
	r = fill(s, b, db, &scratch, e);
	arena_release(&scratch);
	if (r < 0) {
		book_free(b);
		return NULL;
	}
	log_info("book.built", LOG_I("version", b->version),
		 LOG_I("channels", b->n_channels),
		 LOG_I("models", b->n_models));
	return b;
}

struct book *book_take(struct book_shelf *s, struct db *db, int64_t version,
		       struct err *e)
{
	struct timespec nap = { .tv_nsec = 200000 };
	struct book *b;

	for (;;) {
		b = hold_present(s, version);
		if (b)
			return b;
		if (!atomic_flag_test_and_set(&s->building))
			break;
		nanosleep(&nap, NULL);
	}
	/* Somebody may have finished between the look and the flag. */
	b = hold_present(s, version);
	if (!b && (b = build(s, db, e)))
		b = put_present(s, b);
	atomic_flag_clear(&s->building);
	return b;
}
