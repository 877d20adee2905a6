/* poller.h - which descriptors the loop watches, and for whom. */
#ifndef FCGI_POLLER_H
#define FCGI_POLLER_H

#include "timer.h"

/* First member of, or inside, whatever waits for a descriptor. */
struct watch {
	void (*fn)(struct watch *w, uint32_t events);
	int fd;
	uint32_t events; /* EPOLL...; 0: not watched */
};

struct poller {
	int epoll_fd;
	struct timers timers;
	int64_t now_ms; /* of this turn */
	bool again;     /* there is work left: the next one does not wait */
	bool saw_all; /* that had happened before now_ms; no signal came between */
	void **graves; /* freed when the turn is over */
	int n_graves, cap_graves;
};

void poller_open(struct poller *p);
void poller_close(struct poller *p);
/* Watches w->fd for the events, or stops with 0. */
void poller_watch(struct poller *p, struct watch *w, uint32_t events);
/* Frees memory that holds a watch once no event of this turn can name it. */
void poller_bury(struct poller *p, void *mem);
/* Waits for the next events or timer and runs them all: one turn. */
void poller_turn(struct poller *p);

/* The struct that a member is inside of. */
#define OWNER(member_p, type, member) \
	((type *)((char *)(member_p)-offsetof(type, member)))

#endif
