/* meter.c - see meter.h. */
#include "shared/meter.h"

#include "shared/shared_in.h"

#include "base/log.h"

#define TICK_MS 10 /* of a window's start: 32 bits of it are 497 days */

static const uint32_t window_ticks[METER_WINDOWS] = {
	[METER_RPM] = 60000 / TICK_MS,
	[METER_TPM] = 60000 / TICK_MS,
	[METER_RPD] = 86400000 / TICK_MS,
};

/* --- which meter -------------------------------------------------------------- */

uint64_t meter_name(struct str name)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
	return h;
}

static uint64_t key_of(enum meter_of of, uint64_t who)
{
	uint64_t h = who * 0x9e3779b97f4a7c15u; /* ids are small */

	/* 60 bits: two names of ours never meet in them. */
	return (h ^ h >> 29) << 4 | (uint64_t)of;
}

/* The meter's place; room for it is taken where `make` says so. */
static struct meter *find(struct meter_table *t, uint64_t key, bool make)
{
	for (unsigned int i = 0, at = (unsigned int)(key >> 16) % METER_ROOM;
	     i < METER_ROOM; i++, at = (at + 1) % METER_ROOM) {
		uint64_t there = atomic_load(&t->keys[at]);

		if (!there && !make)
			return NULL;
		if (!there &&
		    atomic_compare_exchange_strong(&t->keys[at], &there, key))
			return &t->meters[at];
		if (there == key)
			return &t->meters[at];
	}
	return NULL;
}

/* Where all places are taken, one of this process alone. */
static struct meter *own(struct shared *sh, uint64_t key)
{
	struct meter_table *t = atomic_load(&sh->own_meters), *none = NULL;

	if (!t) {
		t = mem_alloc(sizeof(*t));
		if (!atomic_compare_exchange_strong(&sh->own_meters, &none,
						    t)) {
			free(t);
			t = none;
		} else {
			log_warn("limits.full", LOG_I("room", METER_ROOM));
		}
	}
	return find(t, key, true);
}

/* --- windows -------------------------------------------------------------------- */

static uint32_t tick_of(int64_t now_ms)
{
	return (uint32_t)(now_ms / TICK_MS) + 1; /* 0: no window */
}

/* Has it ended?  One that begins after now was opened meanwhile. */
static bool is_past(uint32_t start, uint32_t now, uint32_t ticks)
{
	return !start || ((int32_t)(now - start) >= 0 && now - start >= ticks);
}

/* The start of the window that n were added to, or 0. */
static uint32_t window_add(_Atomic uint64_t *word, uint32_t now, uint32_t ticks,
			   int64_t n, int64_t limit)
{
	uint64_t was = atomic_load(word), is;
	uint32_t start;

	do {
		int64_t used = (int64_t)(uint32_t)was;

		start = (uint32_t)(was >> 32);
		if (is_past(start, now, ticks)) {
			start = now;
			used = 0;
		}
		if (n > limit - used)
			return 0;
		is = (uint64_t)start << 32 | (uint64_t)(used + n);
	} while (!atomic_compare_exchange_weak(word, &was, is));
	return start;
}

/* Corrects a window that still is the one from `start`. */
static void window_fix(_Atomic uint64_t *word, uint32_t start, int64_t n)
{
	uint64_t was = atomic_load(word), is;

	do {
		int64_t used = (int64_t)(uint32_t)was + n;

		if ((uint32_t)(was >> 32) != start)
			return;
		used = MIN(MAX(used, 0), UINT32_MAX);
		is = (uint64_t)start << 32 | (uint64_t)used;
	} while (!atomic_compare_exchange_weak(word, &was, is));
}

/* --- at once ---------------------------------------------------------------------- */

static int column_of(const struct shared *sh, const struct shared_slot *slot)
{
	return slot ? (int)(slot - sh->file->slots) : 0;
}

static int64_t at_once(struct meter *m)
{
	int64_t sum = 0;

	for (int i = 0; i < SHARED_SLOTS; i++)
		sum += atomic_load_explicit(&m->columns[i],
					    memory_order_relaxed);
	return sum;
}

/* Adds first and backs out: two that come together may both be refused, never
 * both be taken beyond the limit. */
static bool enter(struct meter *m, int column, int64_t limit)
{
	atomic_fetch_add(&m->columns[column], 1);
	if (at_once(m) <= limit)
		return true;
	atomic_fetch_sub(&m->columns[column], 1);
	return false;
}

void meter_reap(struct shared *sh, int column)
{
	struct meter_table *t = &sh->file->meters;

	for (int i = 0; i < METER_ROOM; i++)
		if (atomic_load_explicit(&t->keys[i], memory_order_relaxed))
			atomic_store(&t->meters[i].columns[column], 0);
}

/* --- a request ---------------------------------------------------------------------- */

static void give_part(struct meter_part *p, int column)
{
	if (p->counted)
		atomic_fetch_sub(&p->at->columns[column], 1);
	p->counted = false;
}

static int64_t amount_of(enum meter_what what, int64_t tokens)
{
	return what == METER_TPM ? tokens : 1;
}

static int64_t relays(struct shared *sh)
{
	int64_t n = 0;

	for (int i = 0; i < SHARED_SLOTS; i++)
		n += atomic_load(&sh->file->slots[i].kind) == SHARED_RELAY;
	return MAX(n, 1);
}

/* The meter and its limits: a share of them where it is our own. */
static struct meter *meter_of_ask(struct shared *sh,
				  const struct meter_ask *ask,
				  int64_t limit[METER_WHAT__COUNT])
{
	uint64_t key = key_of(ask->of, ask->who);
	struct meter *m = find(&sh->file->meters, key, true);

	for (int i = 0; i < METER_WHAT__COUNT; i++)
		limit[i] = MIN(ask->limit[i], UINT32_MAX);
	if (m)
		return m;
	for (int i = 0; i < METER_WHAT__COUNT; i++)
		if (limit[i])
			limit[i] = (limit[i] - 1) / relays(sh) + 1;
	return own(sh, key);
}

static bool has_limit(const struct meter_ask *ask)
{
	for (int i = 0; i < METER_WHAT__COUNT; i++)
		if (ask->limit[i])
			return true;
	return false;
}

static int64_t wait_of(struct meter *m, enum meter_what what, int64_t n,
		       int64_t limit, int64_t now_ms)
{
	uint32_t start = (uint32_t)(atomic_load(&m->windows[what]) >> 32);
	int64_t left = (int64_t)window_ticks[what] - (tick_of(now_ms) - start);

	if (n > limit)
		return -1;
	return MAX(left, 1) * TICK_MS;
}

/* Takes from one meter; `no` says what refused. */
static bool take_part(struct meter_part *p, const int64_t *limit, int column,
		      int64_t tokens, int64_t now_ms, struct meter_no *no)
{
	for (int w = 0; w < METER_WINDOWS; w++) {
		int64_t n = amount_of((enum meter_what)w, tokens);

		if (!limit[w])
			continue;
		p->start[w] = window_add(&p->at->windows[w], tick_of(now_ms),
					 window_ticks[w], n, limit[w]);
		if (p->start[w])
			continue;
		no->what = (enum meter_what)w;
		no->limit = limit[w];
		no->wait_ms = wait_of(p->at, no->what, n, limit[w], now_ms);
		return false;
	}
	if (!limit[METER_CONCURRENCY])
		return true;
	p->counted = enter(p->at, column, limit[METER_CONCURRENCY]);
	no->what = METER_CONCURRENCY;
	no->limit = limit[METER_CONCURRENCY];
	no->wait_ms = 0;
	return p->counted;
}

static void undo(struct meter_hold *hold, int column)
{
	for (int i = 0; i < hold->n; i++) {
		struct meter_part *p = &hold->parts[i];

		for (int w = 0; w < METER_WINDOWS; w++)
			if (p->start[w])
				window_fix(&p->at->windows[w], p->start[w],
					   -amount_of((enum meter_what)w,
						      hold->tokens));
		give_part(p, column);
	}
	hold->n = 0;
}

void meter_undo(struct shared *sh, struct shared_slot *slot,
		struct meter_hold *hold)
{
	undo(hold, column_of(sh, slot));
}

bool meter_take(struct shared *sh, struct shared_slot *slot,
		const struct meter_request *r, int64_t now_ms,
		struct meter_hold *hold, struct meter_no *no)
{
	int column = column_of(sh, slot);
	int64_t limit[METER_WHAT__COUNT];

	*hold = (struct meter_hold){ .tokens = MAX(r->tokens, 0) };
	for (int i = 0; i < r->n; i++) {
		struct meter_part *p = &hold->parts[hold->n];

		if (!has_limit(&r->asks[i]))
			continue;
		p->at = meter_of_ask(sh, &r->asks[i], limit);
		if (!p->at)
			continue;
		hold->n++;
		no->which = i;
		if (!take_part(p, limit, column, hold->tokens, now_ms, no)) {
			undo(hold, column);
			return false;
		}
	}
	return true;
}

void meter_correct(struct meter_hold *hold, int64_t tokens)
{
	for (int i = 0; i < hold->n; i++) {
		struct meter_part *p = &hold->parts[i];

		if (p->start[METER_TPM])
			window_fix(&p->at->windows[METER_TPM],
				   p->start[METER_TPM],
				   MAX(tokens, 0) - hold->tokens);
	}
	hold->tokens = MAX(tokens, 0);
}

void meter_give(struct shared *sh, struct shared_slot *slot,
		struct meter_hold *hold)
{
	for (int i = 0; i < hold->n; i++)
		give_part(&hold->parts[i], column_of(sh, slot));
	hold->n = 0;
}

void meter_look(struct shared *sh, enum meter_of of, uint64_t who,
		int64_t now_ms, struct meter_view *v)
{
	struct meter *m = find(&sh->file->meters, key_of(of, who), false);
	uint32_t now = tick_of(now_ms);

	*v = (struct meter_view){ .used = { 0 } };
	if (!m)
		return;
	for (int w = 0; w < METER_WINDOWS; w++) {
		uint64_t word = atomic_load(&m->windows[w]);
		uint32_t start = (uint32_t)(word >> 32);

		if (is_past(start, now, window_ticks[w]))
			continue;
		v->used[w] = (int64_t)(uint32_t)word;
		v->reset_ms[w] =
			((int64_t)window_ticks[w] - (int32_t)(now - start)) *
			TICK_MS;
	}
	v->used[METER_CONCURRENCY] = at_once(m);
}
