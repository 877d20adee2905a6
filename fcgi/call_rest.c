/* call_rest.c - each upstream's share: of a turn, and of the descriptors; see
 * call_in.h and call.h. */
#include "call_in.h"

#define CALL_TURN_BYTES 32768 /* of one answer in one turn */
#define TURN_BYTES      65536 /* of all, before each has a piece at most */

void call_wake(struct call *c)
{
	if (!c->rest_from)
		return;
	*c->rest_from = c->rest_next;
	if (c->rest_next)
		c->rest_next->rest_from = c->rest_from;
	else
		c->calls->resting_last = c->rest_from;
	c->rest_from = NULL;
	c->calls->n_resting--;
}

void call_rest(struct call *c)
{
	struct calls *cs = c->calls;

	if (c->rest_from)
		return;
	c->rest_next = NULL;
	c->rest_from = cs->resting_last;
	*cs->resting_last = c;
	cs->resting_last = &c->rest_next;
	cs->n_resting++;
	cs->poller->again = true;
}

bool call_may_read(struct call *c, size_t n)
{
	struct calls *cs = c->calls;

	if (c->turn != cs->turn) {
		c->turn = cs->turn;
		c->turn_bytes = 0;
	}
	if (c->turn_bytes >= CALL_TURN_BYTES ||
	    (c->turn_bytes && cs->turn_bytes >= TURN_BYTES))
		return false;
	c->turn_bytes += (int64_t)n;
	cs->turn_bytes += (int64_t)n;
	return true;
}

void calls_end_rest(struct calls *cs)
{
	int n = cs->n_resting;

	cs->turn++;
	cs->turn_bytes = 0;
	while (n-- > 0 && cs->resting && cs->turn_bytes < TURN_BYTES) {
		struct call *c = cs->resting;

		call_wake(c);
		if (!c->hold)
			call_resume(c);
	}
	if (cs->resting)
		cs->poller->again = true;
}

/* libcurl's limit is of a lane's connections, those in use too: past it, one
 * that comes back is closed.  So a half of n is for whole answers and a half
 * for the streams' lanes: with all calls of one kind under way there are half
 * as many idle ones of the other at most. */
void calls_keep(struct calls *cs, int64_t n)
{
	int64_t streams = n / 2 / MAX(cs->n_lanes - 1, 1);

	for (int i = 0; i < cs->n_lanes; i++)
		curl_multi_setopt(cs->lanes[i].multi, CURLMOPT_MAXCONNECTS,
				  (long)MAX(i ? streams : n / 2, 1));
}
