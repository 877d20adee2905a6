/* timer.h - what should happen later, on the loop: a binary heap.
 *
 * A timer is embedded in its owner.  Setting it again moves it; setting it to
 * 0 takes it out.
 */
#ifndef FCGI_TIMER_H
#define FCGI_TIMER_H

#include "base/base.h"

struct timer {
	int64_t at_ms; /* monotonic; 0: not set */
	int place;     /* in the heap */
	void (*fn)(struct timer *t, int64_t now_ms);
};

struct timers {
	struct timer **heap;
	int n, cap;
};

void timer_set(struct timers *ts, struct timer *t, int64_t at_ms);
/* Milliseconds until the next one is due, 0: now, -1: none is set. */
int timers_wait(const struct timers *ts, int64_t now_ms);
/* Runs what is due.  A timer may set or unset any other. */
void timers_run(struct timers *ts, int64_t now_ms);
void timers_release(struct timers *ts);

#endif
