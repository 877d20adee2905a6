/* limits.h - how often a caller may, and what its client reads of that.
 *
 * A request is taken from the limits of its API key, its user, its group and
 * its model before its money is held: from all of them or from none.  The
 * tokens it takes are those it may use at most; what it did use corrects them
 * when it has ended.
 */
#ifndef FCGI_LIMITS_H
#define FCGI_LIMITS_H

#include "relay/answer.h"
#include "shared/meter.h"

struct exchange;

#define LIMITS_LINES 6

struct limits {
	struct meter_hold *hold; /* in the arena; NULL: it has no limits */
	/* The x-ratelimit-... lines of every answer; in the arena. */
	struct relay_header *lines;
	int n_lines;
};

/* After the price was found.  -1: ERR_RATE, ERR_RATE_TOKENS, and nothing is
 * taken; x->retry_ms says when there may be room. */
int limits_take(struct exchange *x, struct err *e);
/* It came to no call of an upstream.  Both: safe if nothing was taken. */
void limits_undo(struct exchange *x);
/* It has ended, and used so many tokens in all. */
void limits_end(struct exchange *x, int64_t tokens);

/* The lines of an answer's head with ours behind; ours count where both say
 * something.  How many. */
int limits_lines(const struct limits *l, const struct relay_header *h, int n,
		 struct relay_header *out);

/* "20s", "6m0s", "12ms": a pause as OpenAI writes it. */
#define LIMITS_PAUSE 24
void limits_pause(int64_t ms, char out[static LIMITS_PAUSE]);

#endif
