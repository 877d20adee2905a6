/* budget.h - how much output a request may still say: what is held for it
 * when it begins, and more while its stream grows. */
#ifndef FCGI_BUDGET_H
#define FCGI_BUDGET_H

struct exchange;

/* On the acceptor, the reservation is filled in: it may be less where the
 * caller named no limit. */
void budget_reserve(struct exchange *x);
/* On the loop, the reservation is in: what the relay may let through. */
void budget_begin(struct exchange *x);
/* Queues an extension of the hold; the relay hears of it. */
void budget_more(struct exchange *x);

#endif
