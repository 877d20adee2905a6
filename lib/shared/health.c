/* health.c - see health.h. */
#include "shared/health.h"

#include "shared/shared_in.h"

#include "base/rand.h"

static struct health *find(struct shared *sh, enum health_of of, int64_t id,
			   bool make)
{
	struct health_table *t = &sh->file->healths;
	uint64_t key = (uint64_t)id << 4 | (uint64_t)of;

	for (unsigned int i = 0,
			  at = (unsigned int)(key * 0x9e3779b97f4a7c15u >> 32) %
			       HEALTH_ROOM;
	     i < HEALTH_ROOM; i++, at = (at + 1) % HEALTH_ROOM) {
		uint64_t there = atomic_load(&t->keys[at]);

		if (!there && !make)
			return NULL;
		if (!there &&
		    atomic_compare_exchange_strong(&t->keys[at], &there, key))
			return &t->healths[at];
		if (there == key)
			return &t->healths[at];
	}
	return NULL;
}

/* One at a time; who does not come back loses its turn after the lease. */
static bool may_try(struct health *h, int64_t now_ms, int64_t lease)
{
	int64_t at = atomic_load(&h->probe_ms);

	return (!at || now_ms - at >= lease) &&
	       atomic_compare_exchange_strong(&h->probe_ms, &at, now_ms);
}

enum health_state health_ask(struct shared *sh, enum health_of of, int64_t id,
			     int64_t now_ms, const struct health_pauses *p)
{
	struct health *h = find(sh, of, id, false);
	int64_t until_ms = h ? atomic_load(&h->until_ms) : 0;

	if (!until_ms)
		return HEALTH_WELL;
	if (now_ms < until_ms || !may_try(h, now_ms, p->lease))
		return HEALTH_COOLING;
	return HEALTH_TRY;
}

void health_good(struct shared *sh, enum health_of of, int64_t id)
{
	struct health *h = find(sh, of, id, false);

	if (!h || !atomic_load(&h->failures))
		return; /* writes nothing where all is well */
	atomic_store(&h->failures, 0);
	atomic_store(&h->until_ms, 0);
	atomic_store(&h->probe_ms, 0);
}

/* Half of it is by chance, so that workers do not come back together. */
static int64_t pause_ms(int failures, int64_t wait_ms,
			const struct health_pauses *p)
{
	int64_t ms = p->first;

	if (wait_ms >= 0)
		return MIN(wait_ms, p->asked);
	for (int i = 1; i < failures && ms < p->most; i++)
		ms *= 2;
	ms = MIN(ms, p->most);
	return ms / 2 + (int64_t)rand_below((uint64_t)ms / 2 + 1);
}

static void raise_to(_Atomic int64_t *at, int64_t v)
{
	int64_t was = atomic_load(at);

	while (was < v && !atomic_compare_exchange_weak(at, &was, v))
		continue;
}

void health_bad(struct shared *sh, enum health_of of, int64_t id, int why,
		int64_t wait_ms, int64_t now_ms, const struct health_pauses *p)
{
	struct health *h = find(sh, of, id, true);
	int failures;

	if (!h)
		return;
	failures = atomic_fetch_add(&h->failures, 1) + 1;
	if (failures == 1)
		atomic_store(&h->since_ms, now_ms);
	atomic_store(&h->why, why);
	raise_to(&h->until_ms, now_ms + pause_ms(failures, wait_ms, p));
	atomic_store(&h->probe_ms, 0);
}

void health_leave(struct shared *sh, enum health_of of, int64_t id)
{
	struct health *h = find(sh, of, id, false);

	if (h)
		atomic_store(&h->probe_ms, 0);
}

void health_look(struct shared *sh, enum health_of of, int64_t id,
		 int64_t now_ms, struct health_view *v)
{
	struct health *h = find(sh, of, id, false);
	int64_t until_ms = h ? atomic_load(&h->until_ms) : 0;

	*v = (struct health_view){ .state = HEALTH_WELL };
	if (!until_ms)
		return;
	v->state = now_ms < until_ms ? HEALTH_COOLING : HEALTH_TRY;
	v->failures = atomic_load(&h->failures);
	v->why = atomic_load(&h->why);
	v->wait_ms = MAX(until_ms - now_ms, 0);
	v->since_ms = atomic_load(&h->since_ms);
}

int health_cooling(struct shared *sh, enum health_of of, int64_t now_ms)
{
	struct health_table *t = &sh->file->healths;
	int n = 0;

	for (int i = 0; i < HEALTH_ROOM; i++) {
		uint64_t key =
			atomic_load_explicit(&t->keys[i], memory_order_relaxed);

		if (key && (key & 15) == (uint64_t)of)
			n += atomic_load(&t->healths[i].until_ms) > now_ms;
	}
	return n;
}
