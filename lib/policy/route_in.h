/* route_in.h - what the parts of route.h share. */
#ifndef POLICY_ROUTE_IN_H
#define POLICY_ROUTE_IN_H

#include "policy/route.h"

struct route_key {
	const struct book_key *key;
	bool trial;
	int64_t rank; /* what is less goes first */
};

/* A channel that may serve, with those of its keys that may. */
struct route_option {
	const struct book_seat *seat;
	struct route_key *keys; /* in the order to try them */
	int n_keys;
	bool trial;
	double score; /* what is less goes first */
};

struct route_order {
	const struct route_world *w;
	uint64_t sticky; /* 0: by chance */
	uint64_t seed;   /* route_order()'s own */
};

/* Puts those of one priority (they come highest first) into the order that
 * weight draws, and the keys of each into that of its rotation; both into a
 * conversation's own order where it is sticky. */
void route_order(struct route_order *how, struct route_option *o, int n);

/* Has it limits, or must it be counted? */
bool route_channel_meter(const struct book_channel *ch, struct meter_ask *ask);
bool route_key_meter(const struct book_channel *ch, const struct book_key *key,
		     struct meter_ask *ask);

int route_no_price(struct str model, struct err *e); /* -1 */

#endif
