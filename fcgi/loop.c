/* loop.c - see loop.h. */
#include "loop.h"

#include "front_cgi.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define MEASURE_MS 5000
/* Kept connections of a worker that drains.  One that was replaced waits until
 * the web server closes them (nginx: keepalive_timeout, 60 s): who closes one
 * just as a request comes on it has lost that request. */
#define LINGER_STOP_MS     1000
#define LINGER_REPLACED_MS 75000
#define ACCEPT_AGAIN_MS    10
#define ACCEPT_FULL        64 /* at once, only to be told that it is too much */

/* --- connections ----------------------------------------------------------- */

static void remember(struct loop *l, struct client *c)
{
	if (l->n_clients == l->cap_clients) {
		l->cap_clients = l->cap_clients ? l->cap_clients * 2 : 64;
		l->clients =
			mem_realloc(l->clients, sizeof(struct client *) *
							(size_t)l->cap_clients);
	}
	c->place = l->n_clients;
	l->clients[l->n_clients++] = c;
}

static void forget(struct loop *l, struct client *c)
{
	struct client *last = l->clients[--l->n_clients];

	/* One that is closed is out of the poller, and its number may already
	 * be another's. */
	if (c->closed)
		c->watch.events = 0;
	l->clients[c->place] = last;
	last->place = c->place;
	poller_watch(&l->poller, &c->watch, 0);
	poller_bury(&l->poller, c);
}

void loop_drop(struct loop *l, struct client *c)
{
	struct conn *conn = c->conn;

	forget(l, c);
	front_close(conn);
}

static void wait_for_request(struct client *c)
{
	poller_watch(&c->loop->poller, &c->watch,
		     EPOLLIN | EPOLLRDHUP | EPOLLONESHOT);
}

static bool full(const struct loop *l)
{
	return atomic_load(&l->inflight) >= l->max_inflight;
}

/* Connections take descriptors that upstreams will want. */
static bool crowded(const struct loop *l)
{
	return full(l) || l->n_clients > l->max_clients / 2;
}

/* The answer ends with its connection, not with FCGI_END_REQUEST: on that the
 * web server would put the connection among those for its next request, and
 * might send one before it sees that we have gone. */
bool loop_hangs_up(const struct loop *l, const struct client *c)
{
	return front_keeps(c->conn) && (l->draining || crowded(l));
}

void loop_answered(struct loop *l, struct client *c)
{
	if (c->hangs_up || !front_keeps(c->conn))
		loop_drop(l, c);
	else
		wait_for_request(c);
}

/* It goes to a thread; the poller says nothing of it until it is watched
 * again. */
static void read_request(struct loop *l, struct client *c)
{
	c->reading = true;
	atomic_fetch_add(&l->inflight, 1);
	if (front_read(l->front, c->conn)) {
		if (!l->relief.at_ms)
			timer_set(&l->poller.timers, &l->relief,
				  l->poller.now_ms + FRONT_TURN_MS);
		return;
	}
	atomic_fetch_sub(&l->inflight, 1);
	forget(l, c);
}

static void on_relief(struct timer *t, int64_t now_ms)
{
	struct loop *l = OWNER(t, struct loop, relief);

	if (front_relieve(l->front))
		timer_set(&l->poller.timers, t, now_ms + FRONT_TURN_MS);
}

static void on_client(struct watch *w, uint32_t events)
{
	struct client *c = OWNER(w, struct client, watch);
	bool gone = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (c->x && gone)
		exchange_client_gone(c->x);
	else if (c->x)
		loop_dirty(c->loop, c->x);
	else if (gone)
		loop_drop(c->loop, c);
	else
		read_request(c->loop, c);
}

static struct client *meet(struct loop *l, struct conn *conn)
{
	struct client *c = mem_alloc(sizeof(*c));

	*c = (struct client){ .watch = { .fn = on_client,
					 .fd = front_fd(conn) },
			      .loop = l,
			      .conn = conn,
			      .queued_ms = l->queue_empty_ms };
	front_own(conn, c);
	remember(l, c);
	return c;
}

/* Somebody else may have the next ones. */
static void pause_accepting(struct loop *l, int ms)
{
	poller_watch(&l->poller, &l->listening, 0);
	timer_set(&l->poller.timers, &l->accept_again, l->poller.now_ms + ms);
}

static void accept_some(struct loop *l, int most)
{
	struct conn *conn;
	int retry_ms;

	for (int i = 0; i < most; i++) {
		if (l->n_clients >= l->max_clients) {
			pause_accepting(l, ACCEPT_AGAIN_MS);
			return;
		}
		conn = front_accept(l->front, &retry_ms);
		if (!conn) {
			if (retry_ms)
				pause_accepting(l, retry_ms);
			return;
		}
		wait_for_request(meet(l, conn));
	}
}

/* The other workers wait on the same socket: not all at once, and none while
 * there is no room.  If nobody has any, on_accept_again() takes them, and they
 * are answered with 503. */
static void on_listening(struct watch *w, uint32_t events)
{
	struct loop *l = OWNER(w, struct loop, listening);

	(void)events;
	l->queue_heard = true;
	if (full(l))
		pause_accepting(l, ACCEPT_AGAIN_MS);
	else if (!fair_may_take(&l->fair, atomic_load(&l->inflight),
				l->poller.now_ms))
		pause_accepting(l, 1);
	else
		accept_some(l, 2);
}

static void on_accept_again(struct timer *t, int64_t now_ms)
{
	struct loop *l = OWNER(t, struct loop, accept_again);

	l->queue_heard = true; /* nobody has looked meanwhile */
	if (l->draining)
		return;
	if (full(l) && fair_elsewhere(&l->fair, l->max_inflight, now_ms)) {
		pause_accepting(l, ACCEPT_AGAIN_MS);
		return;
	}
	poller_watch(&l->poller, &l->listening, EPOLLIN | EPOLLEXCLUSIVE);
	if (full(l))
		accept_some(l, ACCEPT_FULL);
}

/* --- from the other threads ---------------------------------------------------- */

void loop_give(struct loop *l, struct exchange *x)
{
	struct exchange *first = atomic_load(&l->given);

	do
		x->next = first;
	while (!atomic_compare_exchange_weak(&l->given, &first, x));
	if (!first)
		eventfd_write(l->handed.fd, 1);
}

static void on_handed(struct watch *w, uint32_t events)
{
	struct loop *l = OWNER(w, struct loop, handed);
	struct exchange *x, *in_order = NULL;
	eventfd_t n;

	(void)events;
	eventfd_read(w->fd, &n);
	x = atomic_exchange(&l->given, NULL);
	while (x) {
		struct exchange *next = x->next;

		x->next = in_order;
		in_order = x;
		x = next;
	}
	while (in_order) {
		x = in_order;
		in_order = x->next;
		x->client->x = x;
		x->client->reading = false;
		x->client->closed = front_fd(x->client->conn) < 0;
		if (x->lost)
			exchange_client_gone(x);
		exchange_answer(x);
	}
}

/* A reservation has come back: from here the loop has the request. */
void loop_reserved(struct write_op *op)
{
	struct exchange *x = OWNER(op, struct exchange_op, reserve.op)->x;

	x->client->x = x;
	x->client->reading = false;
	exchange_begin(x);
}

static void on_finished(struct watch *w, uint32_t events)
{
	struct loop *l = OWNER(w, struct loop, finished);
	struct write_op *op;
	eventfd_t n;

	(void)events;
	eventfd_read(w->fd, &n);
	while ((op = writer_finished(l->writer)))
		if (op->done)
			op->done(op);
}

void loop_dirty(struct loop *l, struct exchange *x)
{
	if (x->dirty)
		return;
	x->dirty = true;
	x->next = l->dirty;
	l->dirty = x;
}

static void flush_dirty(struct loop *l)
{
	while (l->dirty) {
		struct exchange *x = l->dirty;

		l->dirty = x->next;
		x->dirty = false;
		exchange_flush(x);
	}
}

/* --- life ------------------------------------------------------------------------ */

static void count_writer(struct loop *l)
{
	const struct writer_stats *old = &l->counted;
	struct writer_stats now;

	writer_stats(l->writer, &now);
	shared_count(l->slot, SHARED_commits,
		     (int64_t)(now.commits - old->commits));
	shared_count(l->slot, SHARED_db_lock_us,
		     (int64_t)(now.lock_us - old->lock_us));
	shared_count(l->slot, SHARED_db_run_us,
		     (int64_t)(now.run_us - old->run_us));
	shared_count(l->slot, SHARED_db_commit_us,
		     (int64_t)(now.commit_us - old->commit_us));
	l->counted = now;
	shared_count(l->slot, SHARED_log_dropped,
		     (int64_t)(log_dropped() - l->log_dropped));
	l->log_dropped = log_dropped();
}

static void on_beat(struct timer *t, int64_t now_ms)
{
	struct loop *l = OWNER(t, struct loop, beat);

	shared_beat(l->slot);
	shared_load(l->slot, atomic_load(&l->inflight), l->n_streams);
	count_writer(l);
	if (!l->measuring && now_ms >= l->measured_ms + MEASURE_MS) {
		l->measuring = true;
		l->measured_ms = now_ms;
		writer_put(l->writer, &l->measure);
	}
	timer_set(&l->poller.timers, t, now_ms + l->conf->heartbeat_ms);
}

/* The kernel takes a millisecond to add a process's memory up, so the writer's
 * thread asks for it, not the loop. */
static int run_measure(struct db *db, struct write_op *op, struct err *e)
{
	(void)db;
	(void)e;
	shared_report_pss(OWNER(op, struct loop, measure)->slot);
	return 0;
}

static void on_measured(struct write_op *op)
{
	OWNER(op, struct loop, measure)->measuring = false;
}

static void on_drain_limit(struct timer *t, int64_t now_ms)
{
	struct loop *l = OWNER(t, struct loop, drain);
	struct err why = { 0 };

	timer_set(&l->poller.timers, t,
		  now_ms + MAX(l->conf->drain_ms, LINGER_STOP_MS));
	err_set(&why, ERR_SHUTDOWN,
		"This worker of the gateway is stopping. Try again.");
	for (int i = l->n_clients; i-- > 0;) {
		struct client *c = l->clients[i];

		if (c->x)
			exchange_stop(c->x, &why);
	}
}

static void start_drain(struct loop *l, int64_t linger_ms)
{
	int64_t until_ms = l->poller.now_ms + linger_ms;

	if (!l->draining || until_ms < l->idle_until_ms)
		l->idle_until_ms = until_ms;
	if (l->draining)
		return;
	l->draining = true;
	log_info("worker.drain", LOG_I("inflight", atomic_load(&l->inflight)));
	shared_enter(l->slot, SHARED_DRAINING);
	poller_watch(&l->poller, &l->listening, 0);
	timer_set(&l->poller.timers, &l->drain,
		  l->poller.now_ms + MAX(l->conf->drain_ms, 1));
}

static void on_stopping(struct watch *w, uint32_t events)
{
	struct signalfd_siginfo si;

	(void)events;
	while (read(w->fd, &si, sizeof(si)) == sizeof(si))
		start_drain(OWNER(w, struct loop, stopping),
			    si.ssi_signo == SIGHUP ? LINGER_REPLACED_MS :
						     LINGER_STOP_MS);
}

/* A kept connection may carry one more request: they are given a moment. */
static bool drained(struct loop *l)
{
	if (!l->draining || atomic_load(&l->inflight))
		return false;
	return !l->n_clients || l->poller.now_ms >= l->idle_until_ms;
}

static void add_watch(struct loop *l, struct watch *w, int fd,
		      void (*fn)(struct watch *, uint32_t), uint32_t events)
{
	*w = (struct watch){ .fn = fn, .fd = fd };
	poller_watch(&l->poller, w, events);
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void loop_open(struct loop *l)
{
	poller_open(&l->poller);
	add_watch(l, &l->stopping, signals(), on_stopping, EPOLLIN);
	add_watch(l, &l->handed, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		  on_handed, EPOLLIN);
	add_watch(l, &l->finished, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		  on_finished, EPOLLIN);
	l->beat.fn = on_beat;
	l->drain.fn = on_drain_limit;
	l->accept_again.fn = on_accept_again;
	l->relief.fn = on_relief;
	l->measure.run = run_measure;
	l->measure.done = on_measured;
	l->calls = calls_open(&l->poller, l->conf);
}

/* The other workers go by it when they accept. */
static void show_load(struct loop *l)
{
	int64_t inflight = atomic_load(&l->inflight);

	if (inflight == l->shown)
		return;
	l->shown = inflight;
	shared_load(l->slot, inflight, l->n_streams);
}

void loop_turn(struct loop *l)
{
	l->queue_heard = false;
	poller_turn(&l->poller);
	if (!l->queue_heard && l->poller.saw_all && l->listening.events)
		l->queue_empty_ms = l->poller.now_ms;
	if (l->front)
		front_turn(l->front);
	calls_turn(l->calls);
	flush_dirty(l);
	show_load(l);
}

void loop_run(struct loop *l, int listen_fd)
{
	add_watch(l, &l->listening, listen_fd, on_listening,
		  EPOLLIN | EPOLLEXCLUSIVE);
	on_beat(&l->beat, l->poller.now_ms);
	shared_enter(l->slot, SHARED_READY);
	while (!drained(l))
		loop_turn(l);
	for (int i = l->n_clients; i-- > 0;)
		loop_drop(l, l->clients[i]);
	log_info("worker.end");
}

/* Apache sends SIGTERM where the client has left, and SIGKILL soon after. */
static void hang_up_all(struct loop *l)
{
	for (int i = l->n_clients; i-- > 0;)
		if (l->clients[i]->x)
			exchange_client_gone(l->clients[i]->x);
}

void loop_run_once(struct loop *l, struct conn *conn,
		   const struct front_hooks *hooks)
{
	void *thread = hooks->thread_new(hooks->arg);

	l->measured_ms = l->poller.now_ms;
	on_beat(&l->beat, l->poller.now_ms);
	shared_enter(l->slot, SHARED_READY);
	meet(l, conn)->reading = true;
	atomic_fetch_add(&l->inflight, 1);
	front_cgi_read(conn, hooks->handle, thread);
	while (atomic_load(&l->inflight)) {
		loop_turn(l);
		if (l->draining)
			hang_up_all(l);
	}
	hooks->thread_free(thread);
}
