/* bpe.c - see bpe.h. */
#include "count/bpe.h"

#define SHORT 96 /* bytes up to which searching is faster than a heap */

/* A part begins at `from`; rank is that of it and the next joined. */
struct part {
	uint32_t from, rank;
};

static size_t give(const struct vocab *v, struct str s, bpe_on_fn *on,
		   void *arg)
{
	if (on)
		on(arg, vocab_rank(v, s.p, s.n));
	return 1;
}

/* --- short pieces ----------------------------------------------------------- */

/* The rank of parts i and i + 1 joined; parts[n] is the end. */
static uint32_t joined(const struct vocab *v, const char *p,
		       const struct part *parts, size_t i, size_t n)
{
	if (i + 2 > n)
		return VOCAB_NONE;
	return vocab_rank(v, p + parts[i].from,
			  parts[i + 2].from - parts[i].from);
}

static size_t lowest(const struct part *parts, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (parts[i].rank < parts[best].rank)
			best = i;
	return best;
}

static size_t count_short(const struct vocab *v, struct str s, bpe_on_fn *on,
			  void *arg)
{
	struct part parts[SHORT + 1];
	size_t n = s.n, i;

	for (i = 0; i <= n; i++)
		parts[i] = (struct part){ (uint32_t)i, VOCAB_NONE };
	for (i = 0; i + 1 < n; i++)
		parts[i].rank = joined(v, s.p, parts, i, n);
	while (n > 1) {
		i = lowest(parts, n);
		if (parts[i].rank == VOCAB_NONE)
			break;
		memmove(parts + i + 1, parts + i + 2,
			(n - i - 1) * sizeof(*parts));
		n--;
		parts[i].rank = joined(v, s.p, parts, i, n);
		if (i)
			parts[i - 1].rank = joined(v, s.p, parts, i - 1, n);
	}
	for (i = 0; on && i < n; i++)
		give(v,
		     (struct str){ s.p + parts[i].from,
				   parts[i + 1].from - parts[i].from },
		     on, arg);
	return n;
}

/* --- long ones ---------------------------------------------------------------- */

/* Parts are named by where they begin.  An entry of the heap is rank and
 * place in one number, so that the lowest is the leftmost of the lowest rank;
 * it counts only while the part still has that rank. */
struct lists {
	const struct vocab *v;
	struct str s;
	uint32_t *next, *before, *rank;
	uint64_t *heap;
	size_t n_heap;
};

static void heap_up(struct lists *l, size_t i)
{
	uint64_t x = l->heap[i];

	for (; i && l->heap[(i - 1) / 2] > x; i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = x;
}

static uint64_t heap_pop(struct lists *l)
{
	uint64_t top = l->heap[0], x = l->heap[--l->n_heap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < l->n_heap) {
		if (child + 1 < l->n_heap &&
		    l->heap[child + 1] < l->heap[child])
			child++;
		if (l->heap[child] >= x)
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = x;
	return top;
}

/* A part has another neighbour than before. */
static void rank_again(struct lists *l, uint32_t at)
{
	uint32_t next = l->next[at];

	l->rank[at] = VOCAB_NONE;
	if (next == l->s.n)
		return;
	l->rank[at] = vocab_rank(l->v, l->s.p + at, l->next[next] - at);
	if (l->rank[at] == VOCAB_NONE)
		return;
	l->heap[l->n_heap] = (uint64_t)l->rank[at] << 32 | at;
	heap_up(l, l->n_heap++);
}

static void join(struct lists *l, uint32_t at)
{
	uint32_t gone = l->next[at];

	l->next[at] = l->next[gone];
	l->before[l->next[gone]] = at;
	l->rank[gone] = VOCAB_NONE;
	rank_again(l, at);
	if (at)
		rank_again(l, l->before[at]);
}

static void join_all(struct lists *l)
{
	uint64_t top;
	uint32_t at;

	for (uint32_t i = 0; i < l->s.n; i++) {
		l->next[i] = i + 1;
		l->before[i + 1] = i;
	}
	l->next[l->s.n] = (uint32_t)l->s.n;
	for (uint32_t i = 0; i < l->s.n; i++)
		rank_again(l, i);
	while (l->n_heap) {
		top = heap_pop(l);
		at = (uint32_t)top;
		if (l->rank[at] == top >> 32)
			join(l, at);
	}
}

static size_t count_long(const struct vocab *v, struct str s, bpe_on_fn *on,
			 void *arg)
{
	struct lists l = { .v = v, .s = s };
	size_t n = 0;

	/* Each joining adds two entries at most: never more than 3 n. */
	l.heap = mem_alloc(3 * s.n * sizeof(*l.heap));
	l.next = mem_alloc(3 * (s.n + 1) * sizeof(*l.next));
	l.before = l.next + s.n + 1;
	l.rank = l.before + s.n + 1;
	join_all(&l);
	for (uint32_t at = 0; at < s.n; at = l.next[at])
		n += give(v, (struct str){ s.p + at, l.next[at] - at }, on,
			  arg);
	free(l.next);
	free(l.heap);
	return n;
}

size_t bpe_count(const struct vocab *v, struct str piece, bpe_on_fn *on,
		 void *arg)
{
	uint32_t rank = vocab_rank(v, piece.p, piece.n);

	/* Most pieces are a token. */
	if (rank != VOCAB_NONE) {
		if (on)
			on(arg, rank);
		return 1;
	}
	if (piece.n <= SHORT)
		return count_short(v, piece, on, arg);
	return count_long(v, piece, on, arg);
}
