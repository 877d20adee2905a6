/* route_order.c - who goes first: weights, rotations, conversations. */
#include "policy/route_in.h"

#include "base/rand.h"

#include <math.h>
#include <stdatomic.h>

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t below(const struct route_world *w, uint64_t n)
{
	return w->below ? w->below(w->arg, n) : rand_below(n);
}

/* Of a thing of that id: by chance, or always the same for a conversation.
 * The kernel is asked for chance once a plan. */
static uint64_t lot(const struct route_order *how, int64_t id)
{
	return mix((how->sticky ? how->sticky : how->seed) ^ mix((uint64_t)id));
}

/* Between 0 and 1, neither of them. */
static double chance(const struct route_order *how, int64_t id)
{
	return ((double)(lot(how, id) >> 11) + 0.5) /
	       (double)((uint64_t)1 << 53);
}

static int by_score(const void *a, const void *b)
{
	const struct route_option *x = a, *y = b;
	int px = x->seat->channel->priority, py = y->seat->channel->priority;

	if (px != py)
		return px > py ? -1 : 1;
	return x->score < y->score ? -1 : x->score > y->score;
}

static int by_rank(const void *a, const void *b)
{
	const struct route_key *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* --- the keys of a channel -------------------------------------------------------- */

static uint64_t turn_of(const struct route_order *how,
			const struct book_channel *ch, uint64_t n)
{
	if (!ch->turn)
		return how->seed % n;
	return atomic_fetch_add_explicit(ch->turn, 1, memory_order_relaxed) % n;
}

static void rank_in_turn(const struct route_order *how, struct route_option *o)
{
	uint64_t n = (uint64_t)o->n_keys;
	uint64_t turn = turn_of(how, o->seat->channel, n);

	for (uint64_t i = 0; i < n; i++)
		o->keys[i].rank = (int64_t)((i + n - turn) % n);
}

/* Also the order of a conversation. */
static void rank_by_lot(const struct route_order *how, struct route_option *o)
{
	for (int i = 0; i < o->n_keys; i++)
		o->keys[i].rank = (int64_t)(lot(how, -o->keys[i].key->id) >> 1);
}

/* Those that are used alike take turns. */
static void rank_by_use(const struct route_order *how, struct route_option *o)
{
	const struct route_world *w = how->w;

	rank_in_turn(how, o);
	for (int i = 0; w->used && i < o->n_keys; i++) {
		int64_t used = w->used(w->arg, o->keys[i].key->id);

		o->keys[i].rank += MIN(MAX(used, 0), INT32_MAX) << 31;
	}
}

static void (*const rankings[ROTATE__COUNT])(const struct route_order *how,
					     struct route_option *o) = {
	[ROTATE_ROUND_ROBIN] = rank_in_turn,
	[ROTATE_RANDOM] = rank_by_lot,
	[ROTATE_LEAST_USED] = rank_by_use,
};

static void order_keys(const struct route_order *how, struct route_option *o)
{
	if (o->n_keys < 2)
		return;
	if (how->sticky)
		rank_by_lot(how, o);
	else
		rankings[o->seat->channel->rotation](how, o);
	qsort(o->keys, (size_t)o->n_keys, sizeof(*o->keys), by_rank);
}

/* -ln(u) / weight: the least of them is drawn as its weight is of the sum, and
 * so on among the rest.  A weight of 0 counts as next to nothing. */
void route_order(struct route_order *how, struct route_option *o, int n)
{
	how->seed = below(how->w, INT64_MAX);
	for (int i = 0; i < n; i++) {
		const struct book_channel *ch = o[i].seat->channel;

		order_keys(how, &o[i]);
		o[i].score = n > 1 ? -log(chance(how, ch->id)) /
					     (ch->weight + 0.001) :
				     0;
	}
	qsort(o, (size_t)n, sizeof(*o), by_score);
}
