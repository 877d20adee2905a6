/* once.h - a request with an Idempotency-Key, which must not run twice.
 *
 * The key is looked up by the acceptor, claimed in the transaction that reserves
 * the money, and ended in the one that settles.  A request without the header
 * costs nothing of this.
 */
#ifndef FCGI_ONCE_H
#define FCGI_ONCE_H

#include "store/idem.h"

struct db;
struct exchange;
struct head;

struct once { /* of an exchange */
	struct idem use;
	struct idem_found found;
};

/* On the acceptor, with the body checked.  0: it may run; 1: x->out is the
 * answer of the first one; -1: neither. */
int once_begin(struct exchange *x, struct db *db, const struct head *head,
	       struct err *e);
/* Between making the operation and giving it to the writer. */
void once_reserve(struct exchange *x);
void once_settle(struct exchange *x);
/* The reservation was refused: because the answer was there meanwhile?  Then
 * x->out is it. */
bool once_answered(struct exchange *x);

/* The client is gone.  Does it run to its end, so that who asks again with the
 * same key has the answer? */
bool once_runs_on(const struct exchange *x);

#endif
