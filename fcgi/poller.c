/* poller.c - see poller.h. */
#include "poller.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <sys/epoll.h>

#define EVENTS 256

void poller_open(struct poller *p)
{
	*p = (struct poller){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	p->now_ms = clock_mono_ms();
	if (p->epoll_fd < 0) {
		log_error("loop.epoll", LOG_S("cause", strerror(errno)));
		abort();
	}
}

void poller_close(struct poller *p)
{
	while (p->n_graves)
		free(p->graves[--p->n_graves]);
	free(p->graves);
	close(p->epoll_fd);
	timers_release(&p->timers);
}

void poller_watch(struct poller *p, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	int op = w->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (w->events == events && !(events & EPOLLONESHOT))
		return;
	if (!events)
		op = EPOLL_CTL_DEL;
	if (epoll_ctl(p->epoll_fd, op, w->fd, &ev) < 0 && events)
		log_error("loop.watch", LOG_S("cause", strerror(errno)));
	w->events = events;
}

void poller_bury(struct poller *p, void *mem)
{
	if (p->n_graves == p->cap_graves) {
		p->cap_graves = p->cap_graves ? p->cap_graves * 2 : 64;
		p->graves = mem_realloc(p->graves,
					sizeof(void *) * (size_t)p->cap_graves);
	}
	p->graves[p->n_graves++] = mem;
}

void poller_turn(struct poller *p)
{
	struct epoll_event ev[EVENTS];
	int wait_ms = p->again ? 0 : timers_wait(&p->timers, clock_mono_ms());
	int n = epoll_wait(p->epoll_fd, ev, EVENTS, wait_ms);

	p->again = false;
	p->saw_all = n >= 0 && n < EVENTS;
	p->now_ms = clock_mono_ms();
	for (int i = 0; i < n; i++) {
		struct watch *w = ev[i].data.ptr;

		if (w->events)
			w->fn(w, ev[i].events);
	}
	timers_run(&p->timers, p->now_ms);
	while (p->n_graves)
		free(p->graves[--p->n_graves]);
}
