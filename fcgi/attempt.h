/* attempt.h - what an attempt takes of its channel and its key, and what its
 * end says about their health.
 *
 * Before it is called a candidate is looked at once more: it may cool down by
 * now, or be at its limit.  Of one whose time is over a single request may try
 * (half open).  What came of an attempt goes into shared memory, so that all
 * workers know at once; a key that the provider refuses is also disabled in
 * the database (ward.h).  What is wrong with a request never counts.
 */
#ifndef FCGI_ATTEMPT_H
#define FCGI_ATTEMPT_H

#include "relay/relay.h"
#include "shared/health.h"
#include "shared/meter.h"

struct conf;
struct exchange;

struct attempt {
	struct meter_hold *hold; /* in the arena; NULL: it has no limits */
	/* It is the one that may try; and it may although all others cool. */
	bool tries_channel, tries_key;
};

/* For struct relay_io. */
enum err_code attempt_begin(struct exchange *x, const struct candidate *to,
			    int64_t *wait_ms);
void attempt_over(struct exchange *x, const struct relay_outcome *o);
/* Content has come: well, whatever comes after. */
void attempt_good(struct exchange *x, const struct candidate *to);
/* The request has ended, and its last attempt used so many tokens. */
void attempt_end(struct exchange *x, int64_t tokens);

/* Failures of which it is better to try again than to refuse, where there is
 * nobody else: not what the provider asked for. */
bool attempt_is_soft(int why);

struct health_pauses attempt_pauses(const struct conf *c);

#endif
