/* front.c - see front.h. */
#include "front.h"

#include "front_head.h"
#include "front_in.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#define STACK_BYTES   (256 << 10)
#define FRONT_SLOW_MS 50    /* in reading a request: a slow upload */
#define IDLE_S        10    /* after which a thread too many goes */
#define WAITING_MAX   65536 /* readable ones without a thread; see max_clients */

struct fcgi_conn {
	struct conn conn;
	struct fcgi_conn *next;
	bool keeps;
	struct record record;
};

struct front {
	int listen_fd;
	/* the loop's own, until its turn is over */
	struct fcgi_conn *fresh, **fresh_last;
	int n_fresh;
	struct front_hooks hooks;
	int64_t threads_free, threads_max;
	int64_t head_ms, body_ms, min_rate, max_body, max_params;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake, gone;
	struct fcgi_conn *first, **last;
	_Atomic int waiting; /* those in the list, and the fresh ones */
	int threads;
	int awake, cores; /* threads that are at work; that can be at once */
	struct reader *readers; /* one a thread */
	bool stopping;
};

/* What a thread is at; of its own, read by others. */
struct reader {
	struct reader *next, **from;
	_Atomic int64_t since_ms; /* reading a request since; 0: is not */
};

/* --- connections -------------------------------------------------------- */

static void limit_wait(int fd, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
			      .tv_usec = (ms % 1000) * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* The struct begins with its conn. */
static struct fcgi_conn *of(struct conn *c)
{
	return (struct fcgi_conn *)c;
}

static bool fcgi_keeps(const struct conn *c)
{
	return ((const struct fcgi_conn *)c)->keeps;
}

static enum record_sent fcgi_send(struct conn *c, const struct str *piece,
				  int n, bool last, size_t *took)
{
	return record_send(&of(c)->record, c->fd, piece, n, last, took);
}

static void fcgi_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static const struct wire fcgi = {
	.keeps = fcgi_keeps,
	.send = fcgi_send,
	.close = fcgi_close,
	.gone = EPOLLRDHUP,
};

struct conn *front_accept(struct front *f, int *retry_ms)
{
	struct fcgi_conn *c;
	int fd;

	*retry_ms = 0;
	do
		fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0) {
		if (errno != EAGAIN)
			*retry_ms = 10;
		return NULL;
	}
	limit_wait(fd, f->head_ms);
	c = mem_alloc(sizeof(*c));
	*c = (struct fcgi_conn){ .conn = { .wire = &fcgi, .fd = fd } };
	return &c->conn;
}

void front_own(struct conn *c, void *owner)
{
	c->owner = owner;
}

void *front_owner(const struct conn *c)
{
	return c->owner;
}

int front_fd(const struct conn *c)
{
	return c->fd;
}

uint32_t front_gone(const struct conn *c)
{
	return c->wire->gone;
}

bool front_keeps(const struct conn *c)
{
	return c->wire->keeps(c);
}

enum record_sent front_send(struct conn *c, const struct str *piece, int n,
			    bool last, size_t *took)
{
	return c->wire->send(c, piece, n, last, took);
}

void front_close(struct conn *c)
{
	c->wire->close(c);
}

/* --- one request -------------------------------------------------------- */

int upload_too_slow(const struct upload *u, struct err *e)
{
	int64_t took = clock_mono_ms() - u->began_ms;

	if (took >= u->body_ms)
		return err_set(e, ERR_UPLOAD_SLOW,
			       "the body did not arrive within %lld s",
			       (long long)u->body_ms / 1000);
	if (took > 10000 && u->got / (took / 1000) < u->min_rate)
		return err_set(e, ERR_UPLOAD_SLOW,
			       "the body arrives too slowly: send at least "
			       "%lld bytes a second",
			       (long long)u->min_rate);
	return 0;
}

int upload_whole(const struct upload *u, bool broken, struct err *e)
{
	if (!broken && (u->want < 0 || u->got == u->want))
		return 0;
	return err_set(e, ERR_BAD_HTTP,
		       "the body ended early: %lld of %lld bytes",
		       (long long)u->got, (long long)u->want);
}

static void drop_body(struct upload *u, struct buf *body)
{
	if (u->all)
		atomic_fetch_sub(u->all, (int64_t)body->len);
	buf_release(body);
	body->bad = true;
}

static void keep_piece(struct upload *u, struct buf *body, const char *p,
		       size_t n)
{
	int64_t all = 0;

	if (body->bad)
		return;
	if (n > body->max - body->len) {
		drop_body(u, body);
		return;
	}
	buf_add(body, p, n);
	if (u->all)
		all = atomic_fetch_add(u->all, (int64_t)n);
	u->crowded = all > u->all_max;
	if (u->crowded)
		drop_body(u, body);
}

/* Reads to the end of the body, also where it is no longer wanted: a web
 * server that is still writing would take our answer for a fault. */
static int read_body(FCGX_Stream *in, struct upload *u, struct buf *body,
		     struct err *e)
{
	char piece[8192];

	for (;;) {
		int there, n;

		/* One character makes libfcgi read once; the rest is there. */
		n = FCGX_GetChar(in);
		if (n < 0)
			break;
		piece[0] = (char)n;
		there = (int)(in->stop - in->rdNext);
		n = 1 + (there ? FCGX_GetStr(piece + 1,
					     MIN(there, (int)sizeof(piece) - 1),
					     in) :
				 0);
		u->got += n;
		keep_piece(u, body, piece, (size_t)n);
		if (upload_too_slow(u, e) < 0)
			return -1;
	}
	return upload_whole(u, FCGX_GetError(in) != 0, e);
}

static int receive(const struct front *f, FCGX_Request *r, struct head *h,
		   struct buf *body, struct err *e)
{
	struct err why = { 0 };
	struct upload u = { .began_ms = clock_mono_ms(),
			    .body_ms = f->body_ms,
			    .min_rate = f->min_rate,
			    .want = -1,
			    .all = f->hooks.body_bytes,
			    .all_max = f->hooks.max_bodies };
	int rc = head_read(h, r->envp, f->max_params, e);

	head_now(h);
	if (!rc)
		rc = head_length(h, &u.want, e);
	if (u.want > f->max_body || u.want > (int64_t)body->max)
		body->bad = true; /* read it to the end, keep nothing */
	if (read_body(r->in, &u, body, &why) < 0 && !rc) {
		*e = why;
		rc = -1;
	} else if (!rc && u.crowded) {
		rc = err_set(e, ERR_OVERLOADED,
			     "The gateway is overloaded: too many large "
			     "requests are under way. Try again in a moment.");
	} else if (!rc && !buf_ok(body)) {
		rc = err_set(e, ERR_TOO_LARGE,
			     "the body is larger than %lld bytes",
			     (long long)f->max_body);
	}
	if (u.all)
		atomic_fetch_sub(u.all, (int64_t)body->len);
	return rc;
}

/* A connection that is there already, as one kept after an earlier request.
 * There is no listening socket: libfcgi must never accept by itself. */
static int read_head(FCGX_Request *r, struct fcgi_conn *c)
{
	FCGX_InitRequest(r, -1, 0);
	r->ipcFd = c->conn.fd;
	r->keepConnection = 1;
	if (FCGX_Accept_r(r) >= 0)
		return 0;
	c->conn.fd = -1; /* libfcgi has closed it */
	return -1;
}

/* What libfcgi needs, 18 KB, goes back when the request has been read: an
 * answer can take long. */
static void serve(struct front *f, struct reader *me, void *thread,
		  struct fcgi_conn *c)
{
	struct head head = { 0 };
	struct err e = { 0 };
	FCGX_Request r;
	struct buf body;

	buf_init(&body, (size_t)f->max_body);
	atomic_store(&me->since_ms, clock_mono_ms());
	if (read_head(&r, c) < 0)
		err_set(&e, ERR_CLIENT_GONE, "gone before a whole head");
	else
		receive(f, &r, &head, &body, &e);
	record_init(&c->record, r.requestId);
	/* What was not read to its end would be taken for the next request. */
	c->keeps = r.keepConnection && e.code != ERR_UPLOAD_SLOW &&
		   !(r.in && FCGX_GetError(r.in));
	atomic_store(&me->since_ms, 0);
	f->hooks.handle(thread, &c->conn, &head, &body, &e);
	FCGX_Free(&r, 0);
}

/* --- threads ------------------------------------------------------------- */

static struct fcgi_conn *take_first(struct front *f)
{
	struct fcgi_conn *c = f->first;

	if (!c)
		return NULL;
	f->first = c->next;
	if (!f->first)
		f->last = &f->first;
	f->waiting--;
	return c;
}

/* NULL: the thread is no longer needed. */
static struct fcgi_conn *next_conn(struct front *f)
{
	struct timespec until;
	struct fcgi_conn *c;
	int late = 0;

	pthread_mutex_lock(&f->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	f->awake--;
	while (!f->first && !f->stopping) {
		if (late && f->threads > f->threads_free)
			break;
		if (late) {
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_sec += IDLE_S;
		}
		late = pthread_cond_timedwait(&f->wake, &f->lock, &until);
	}
	f->awake++;
	c = take_first(f);
	pthread_mutex_unlock(&f->lock);
	return c;
}

static void come(struct front *f, struct reader *me)
{
	pthread_mutex_lock(&f->lock);
	f->awake++;
	me->next = f->readers;
	me->from = &f->readers;
	if (me->next)
		me->next->from = &me->next;
	f->readers = me;
	pthread_mutex_unlock(&f->lock);
}

static void go(struct front *f, struct reader *me)
{
	pthread_mutex_lock(&f->lock);
	*me->from = me->next;
	if (me->next)
		me->next->from = me->from;
	f->threads--;
	f->awake--;
	pthread_cond_signal(&f->gone);
	pthread_mutex_unlock(&f->lock);
}

static void *run(void *arg)
{
	struct front *f = arg;
	void *thread = f->hooks.thread_new(f->hooks.arg);
	struct reader me = { 0 };
	struct fcgi_conn *c;

	come(f, &me);
	while ((c = next_conn(f)))
		serve(f, &me, thread, c);
	f->hooks.thread_free(thread);
	go(f, &me);
	return NULL;
}

/* With the lock held. */
static void start_thread(struct front *f)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	f->threads++;
	if (pthread_create(&t, &attr, run, f)) {
		f->threads--;
		log_error("front.thread", LOG_S("cause", strerror(errno)));
	}
	pthread_attr_destroy(&attr);
}

/* Those that have waited for the bytes of a request for so long; with the
 * lock held. */
static int count_slow(const struct front *f, int64_t ms)
{
	int64_t before_ms = clock_mono_ms() - ms;
	int n = 0;

	for (struct reader *r = f->readers; r; r = r->next) {
		int64_t since_ms = atomic_load(&r->since_ms);

		n += since_ms && since_ms <= before_ms;
	}
	return n;
}

/* More threads at work than cores only take the processor from each other;
 * one that waits for bytes is not at work.  With the lock held. */
static void wake(struct front *f, int n)
{
	int free = f->cores - f->awake;

	if (free < n)
		free += count_slow(f, FRONT_TURN_MS);
	for (; n > 0 && free > 0; n--, free--)
		pthread_cond_signal(&f->wake);
}

bool front_relieve(struct front *f)
{
	bool behind;

	pthread_mutex_lock(&f->lock);
	behind = f->waiting > 0 && !f->stopping;
	if (behind) {
		int slow = count_slow(f, FRONT_SLOW_MS);

		wake(f, 1);
		while (f->threads - slow < f->threads_free &&
		       f->threads < f->threads_max)
			start_thread(f);
	}
	pthread_mutex_unlock(&f->lock);
	return behind;
}

bool front_read(struct front *f, struct conn *conn)
{
	struct fcgi_conn *c = of(conn);

	if (atomic_load(&f->waiting) >= WAITING_MAX) {
		front_close(conn);
		return false;
	}
	atomic_fetch_add(&f->waiting, 1);
	c->next = NULL;
	*f->fresh_last = c;
	f->fresh_last = &c->next;
	f->n_fresh++;
	return true;
}

void front_turn(struct front *f)
{
	if (!f->n_fresh)
		return;
	pthread_mutex_lock(&f->lock);
	*f->last = f->fresh;
	f->last = f->fresh_last;
	wake(f, f->n_fresh);
	pthread_mutex_unlock(&f->lock);
	f->fresh_last = &f->fresh;
	f->n_fresh = 0;
}

struct front *front_open(int listen_fd, const struct conf *conf,
			 const struct front_hooks *hooks)
{
	struct front *f = mem_alloc(sizeof(*f));
	pthread_condattr_t attr;

	*f = (struct front){ .listen_fd = listen_fd,
			     .hooks = *hooks,
			     .threads_free = conf->acceptors_free,
			     .threads_max = conf->acceptors_max,
			     .head_ms = conf->head_ms,
			     .body_ms = conf->body_ms,
			     .min_rate = conf->body_min_rate,
			     .max_body = conf->max_body_bytes,
			     .max_params = conf->max_params_bytes };
	f->last = &f->first;
	f->fresh_last = &f->fresh;
	f->cores = (int)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	FCGX_Init();
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_cond_init(&f->gone, NULL);
	pthread_mutex_lock(&f->lock);
	for (int64_t i = 0; i < f->threads_free; i++)
		start_thread(f);
	pthread_mutex_unlock(&f->lock);
	return f;
}

void front_stop(struct front *f)
{
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_broadcast(&f->wake);
	while (f->threads)
		pthread_cond_wait(&f->gone, &f->lock);
	pthread_mutex_unlock(&f->lock);
	while (f->first) {
		struct fcgi_conn *c = f->first;

		f->first = c->next;
		front_close(&c->conn);
	}
	free(f);
}
