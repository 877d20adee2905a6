/* route.h - which channels may serve a request, in the order to try them. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "policy/book.h"

/* One upstream that may be tried. */
struct candidate {
	const struct book_channel *channel;
	const struct book_key *key;
	const char *model; /* the upstream's name for it */
};

struct route_ask {
	struct str model;
	const char *group;
	int64_t channel_id; /* the only one allowed; 0: any */
};

/* Candidates of the model for the group: highest priority first, inside a
 * priority drawn by weight.  0 of them is ERR_MODEL or ERR_NO_CHANNEL, and
 * says which. */
int route_plan(const struct book *b, const struct route_ask *ask,
	       struct arena *arena, struct candidate **out, struct err *e);

#endif
