/* fair.h - which of the workers takes the next connection.
 *
 * All of them wait on one socket, and the kernel gives most to the one that it
 * happens to wake first.  So each says in the shared file how much it carries,
 * and one that carries clearly more than the least of the others leaves the
 * next connections to them, for a few milliseconds at most: a worker that has
 * stopped without a word must not cost anybody his answer.
 */
#ifndef FCGI_FAIR_H
#define FCGI_FAIR_H

#include "shared/shared.h"

#define FAIR_PEERS 64

struct fair {
	const struct shared *shared; /* NULL: it is alone */
	int64_t worker_id;           /* this process's */
	int64_t silent_ms;           /* a heartbeat older than that is none */
	int peers[FAIR_PEERS], n_peers;
	int64_t met_ms, looked_ms;
	int64_t least; /* that another one carries; -1: there is no other */
	int passed;    /* so often in a row */
};

/* May this process, which carries so many, take the next one? */
bool fair_may_take(struct fair *f, int64_t carries, int64_t now_ms);
/* Has another one room for a request more, where `max` is full? */
bool fair_elsewhere(struct fair *f, int64_t max, int64_t now_ms);

/* What the others carry together.  From any thread. */
int64_t fair_others(const struct fair *f, int64_t now_ms);

#endif
