/* timer.h - what is due next: a heap of timers that live in their owners. */
#ifndef MOCK_TIMER_H
#define MOCK_TIMER_H

#include "base/base.h"

struct timer {
	int64_t due_us;
	size_t place; /* in the heap, from 1; 0: not set */
};

void timer_set(struct timer *t, int64_t due_us); /* again: moves it */
void timer_stop(struct timer *t);                /* safe when not set */
/* Milliseconds until the next, rounded up; -1: none. */
int timer_wait_ms(int64_t now_us);
/* Takes out one that is due, or NULL. */
struct timer *timer_due(int64_t now_us);

#endif
