/* timer.c - see timer.h. */
#include "timer.h"

static void put(struct timers *ts, struct timer *t, int place)
{
	ts->heap[place] = t;
	t->place = place;
}

static void up(struct timers *ts, struct timer *t, int i)
{
	while (i && ts->heap[(i - 1) / 2]->at_ms > t->at_ms) {
		put(ts, ts->heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	put(ts, t, i);
}

static void down(struct timers *ts, struct timer *t, int i)
{
	for (;;) {
		int c = 2 * i + 1;

		if (c + 1 < ts->n &&
		    ts->heap[c + 1]->at_ms < ts->heap[c]->at_ms)
			c++;
		if (c >= ts->n || ts->heap[c]->at_ms >= t->at_ms)
			break;
		put(ts, ts->heap[c], i);
		i = c;
	}
	put(ts, t, i);
}

static void take_out(struct timers *ts, struct timer *t)
{
	int i = t->place;
	struct timer *last = ts->heap[--ts->n];

	t->at_ms = 0;
	if (last == t)
		return;
	if (i && ts->heap[(i - 1) / 2]->at_ms > last->at_ms)
		up(ts, last, i);
	else
		down(ts, last, i);
}

void timer_set(struct timers *ts, struct timer *t, int64_t at_ms)
{
	if (t->at_ms == at_ms)
		return;
	if (t->at_ms)
		take_out(ts, t);
	if (!at_ms)
		return;
	if (ts->n == ts->cap) {
		ts->cap = ts->cap ? ts->cap * 2 : 64;
		ts->heap = mem_realloc(ts->heap, sizeof(struct timer *) *
							 (size_t)ts->cap);
	}
	t->at_ms = at_ms;
	up(ts, t, ts->n++);
}

int timers_wait(const struct timers *ts, int64_t now_ms)
{
	int64_t left;

	if (!ts->n)
		return -1;
	left = ts->heap[0]->at_ms - now_ms;
	return left < 0 ? 0 : (int)MIN(left, 60000);
}

void timers_run(struct timers *ts, int64_t now_ms)
{
	while (ts->n && ts->heap[0]->at_ms <= now_ms) {
		struct timer *t = ts->heap[0];

		take_out(ts, t);
		t->fn(t, now_ms);
	}
}

void timers_release(struct timers *ts)
{
	free(ts->heap);
	*ts = (struct timers){ 0 };
}
