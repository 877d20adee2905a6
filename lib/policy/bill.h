/* bill.h - what a request may cost, and what it did cost; pure. */
#ifndef POLICY_BILL_H
#define POLICY_BILL_H

#include "dialect/ask.h"
#include "dialect/ev.h"
#include "policy/book.h"

struct bill_ask {
	const struct ask *ask;
	const struct book_price *price;
	int64_t reserve_output_tok; /* where the client names no limit */
	bool reserve_max;           /* hold the model's maximum instead */
};

/* What to hold: the prompt at its upper bound (a token is at least a byte)
 * plus the output that the client allows, for each choice.  -1: the model
 * has no price, or the client asks for more than the model can do. */
int bill_reserve(const struct bill_ask *b, int64_t *nusd, struct err *e);

/* Our own count of the prompt: bytes / 4, rounded up. */
int64_t bill_prompt_tok(const struct ask *ask);

/* What the usage costs; each line is rounded up alone.  Counts that were not
 * said cost nothing. */
int64_t bill_cost(const struct book_price *price, const struct usage *u);

#endif
