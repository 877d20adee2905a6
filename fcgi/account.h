/* account.h - answers that need no upstream: the models of a key, receipts,
 * what it has and what it has used. */
#ifndef FCGI_ACCOUNT_H
#define FCGI_ACCOUNT_H

#include "exchange.h"

struct head;

/* On an acceptor, for every row of endpoints.def that is not relayed: x->out
 * is the answer.  name: what stands after the row's path. */
int account_answer(struct exchange *x, struct db *db, const struct head *head,
		   const char *name, struct err *e);

#endif
