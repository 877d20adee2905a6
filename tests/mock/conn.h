/* conn.h - one connection to the fake provider.
 *
 * Registered once, edge-triggered: conn_event() reads what there is, plays
 * and writes until the socket or the play wants to wait.
 */
#ifndef MOCK_CONN_H
#define MOCK_CONN_H

#include <stdio.h>

#include "play.h"
#include "timer.h"

struct conn {
	struct timer timer; /* first: conn_due() gets its address */
	struct conn *next, *prev, *next_dead;
	int fd;
	struct buf in, out;
	size_t sent; /* bytes of out */
	size_t eat;  /* bytes of in that the answer belongs to */
	bool answering, once, said_continue;
	bool more, hup, gone; /* may be read; will not send; is to be closed */
	enum play_next end;   /* what follows once out is sent */
	uint64_t number;
	struct request request;
	struct play play;
};

void conn_setup(FILE *record, uint64_t seed);
struct conn *conn_new(int fd);
void conn_event(struct conn *c, uint32_t events);
void conn_due(struct timer *t);
/* Frees what was closed since the last call; no event may be left for it. */
void conn_bury(void);

#endif
