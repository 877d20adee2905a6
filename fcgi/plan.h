/* plan.h - where a request may go, and what it is held money for. */
#ifndef FCGI_PLAN_H
#define FCGI_PLAN_H

#include "base/err.h"

struct exchange;
struct head;

/* Candidates, their prices and the amount to hold, of an exchange with its
 * key, its book and its ask: on an acceptor. */
int plan_make(struct exchange *x, const struct head *head, struct err *e);

#endif
