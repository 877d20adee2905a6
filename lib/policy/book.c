/* book.c - see book.h. */
#include "policy/book.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "policy/book_in.h"

#include <sched.h>
#include <stdatomic.h>

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
	book_patterns_free(b);
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

static int by_cap(const void *a, const void *b)
{
	const struct book_cap *x = a, *y = b;
	int r = strcmp(x->scope, y->scope);

	return r ? r : strcmp(x->owner, y->owner);
}

/* They come by scope and owner, as SQLite compares: by bytes, too. */
static void add_caps(struct book *b, const struct limit *l, int n)
{
	b->n_caps = n;
	b->caps = ARENA_ARRAY(&b->arena, struct book_cap, n + 1);
	for (int i = 0; i < n; i++)
		b->caps[i] = (struct book_cap){
			arena_dup(&b->arena, str_of(l[i].scope)),
			arena_dup(&b->arena, str_of(l[i].owner)),
			{ .rpm = l[i].rpm,
			  .tpm = l[i].tpm,
			  .concurrency = l[i].concurrency,
			  .rpd = l[i].rpd },
		};
}

const struct book_limits *book_cap(const struct book *b, const char *scope,
				   const char *owner)
{
	const struct book_cap wanted = { scope, owner, { 0 } };
	const struct book_cap *c = NULL;

	if (b->n_caps)
		c = bsearch(&wanted, b->caps, (size_t)b->n_caps, sizeof(*c),
			    by_cap);
	return c ? &c->limits : NULL;
}

static int read_lists(struct db *db, struct book_stored *all,
		      struct arena *scratch, struct err *e)
{
	all->n_prices = price_all(db, all->now_ms, &all->prices, scratch, e);
	if (all->n_prices < 0)
		return -1;
	all->n_groups = grp_list(db, &all->groups, scratch, e);
	if (all->n_groups < 0)
		return -1;
	all->n_settings = model_setting_list(db, &all->settings, scratch, e);
	if (all->n_settings < 0)
		return -1;
	all->n_fallbacks = fallback_list(db, &all->fallbacks, scratch, e);
	if (all->n_fallbacks < 0)
		return -1;
	all->n_limits = limit_list(db, &all->limits, scratch, e);
	return all->n_limits < 0 ? -1 :
				   channel_all(db, &all->channels, scratch, e);
}

/* In one transaction: the version must be that of the prices too. */
static int read_all(struct db *db, struct book_stored *all,
		    struct arena *scratch, struct err *e)
{
	bool inside = db_in_txn(db); /* a job is taken in the writer's */
	int rc;

	if (!inside && db_begin_read(db, e) < 0)
		return -1;
	rc = read_lists(db, all, scratch, e);
	if (!inside)
		db_rollback(db);
	return rc;
}

static int fill(const struct book_maker *how, struct book *b, struct db *db,
		struct arena *scratch, struct err *e)
{
	struct book_stored all = { .now_ms = clock_wall_ms() };

	if (read_all(db, &all, scratch, e) < 0)
		return -1;
	b->version = all.channels.version;
	b->until_ms = INT64_MAX;
	book_channels(b, how, &all.channels);
	book_models(b, &all, scratch);
	add_prices(b, all.prices, all.n_prices, all.now_ms);
	add_groups(b, all.groups, all.n_groups);
	add_caps(b, all.limits, all.n_limits);
	qsort(b->models, (size_t)b->n_models, sizeof(struct book_model *),
	      by_name);
	return 0;
}

static struct book *hold_old(struct book_shelf *s)
{
	struct book *b;

	lock(s);
	b = s->present;
	if (b)
		b->held++;
	unlock(s);
	return b;
}

static struct book *make(const struct book_maker *how, struct db *db,
			 struct err *e)
{
	struct book *b = mem_alloc(sizeof(*b));
	int64_t began_us = clock_mono_us();
	struct arena scratch;
	int r;

	arena_init(&b->arena);
	arena_init(&scratch);
	r = fill(how, b, db, &scratch, e);
	arena_release(&scratch);
	if (r < 0) {
		book_free(b);
		return NULL;
	}
	log_info("book.built", LOG_I("version", b->version),
		 LOG_I("channels", b->n_channels), LOG_I("models", b->n_models),
		 LOG_I("us", clock_mono_us() - began_us));
	return b;
}

static struct book *build(struct book_shelf *s, struct db *db, struct err *e)
{
	struct book *old = hold_old(s);
	const struct book_maker how = { .secret = s->secret,
					.conf = s->conf,
					.old = old };
	struct book *b = make(&how, db, e);

	book_give(s, old);
	return b;
}

struct book *book_look(struct db *db, const struct conf *conf, struct err *e)
{
	const struct book_maker how = { .conf = conf, .closed = true };

	return make(&how, db, e);
}

void book_look_free(struct book *b)
{
	if (b)
		book_free(b);
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
