/* timer.c - see timer.h. */
#include "timer.h"

static struct timer **heap; /* heap[0] is unused */
static size_t heap_n, heap_cap;

static void put(size_t at, struct timer *t)
{
	heap[at] = t;
	t->place = at;
}

static void rise(size_t at, struct timer *t)
{
	for (; at > 1 && heap[at / 2]->due_us > t->due_us; at /= 2)
		put(at, heap[at / 2]);
	put(at, t);
}

static void sink(size_t at, struct timer *t)
{
	for (size_t kid; (kid = at * 2) <= heap_n; at = kid) {
		if (kid < heap_n && heap[kid + 1]->due_us < heap[kid]->due_us)
			kid++;
		if (heap[kid]->due_us >= t->due_us)
			break;
		put(at, heap[kid]);
	}
	put(at, t);
}

void timer_stop(struct timer *t)
{
	size_t at = t->place;
	struct timer *last;

	if (!at)
		return;
	t->place = 0;
	last = heap[heap_n--];
	if (last == t)
		return;
	if (at > 1 && heap[at / 2]->due_us > last->due_us)
		rise(at, last);
	else
		sink(at, last);
}

void timer_set(struct timer *t, int64_t due_us)
{
	timer_stop(t);
	t->due_us = due_us;
	if (++heap_n >= heap_cap) {
		heap_cap = MAX(heap_cap * 2, 64);
		heap = mem_realloc(heap, heap_cap * sizeof(struct timer *));
	}
	rise(heap_n, t);
}

int timer_wait_ms(int64_t now_us)
{
	int64_t wait_us;

	if (!heap_n)
		return -1;
	wait_us = heap[1]->due_us - now_us;
	return wait_us <= 0 ? 0 : (int)MIN((wait_us + 999) / 1000, 60000);
}

struct timer *timer_due(int64_t now_us)
{
	struct timer *t = heap_n ? heap[1] : NULL;

	if (!t || t->due_us > now_us)
		return NULL;
	timer_stop(t);
	return t;
}
