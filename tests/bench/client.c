/* client.c - see client.h. */
#include "client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "base/clock.h"
#include "reply.h"

#define TICK_MS 20 /* how often the slow and the late are looked at */

struct client {
	int fd;                                 /* -1: closed */
	bool busy, connecting, writable, spent; /* spent: holds no more */
	size_t sent;                            /* bytes of head and body */
	char digits[12];
	char asked_copy[64];
	int64_t due_us, start_us; /* when it should be, and was, sent */
	int64_t first_us;
	int64_t read_left, upload_left; /* bytes of this tick, when slow */
	struct reply reply;
	struct check check;
};

static const struct plan *plan;
static struct tally *tally;
static struct client *clients;
static struct client **idle; /* a stack */
static size_t n_idle;
static int ep, alarm_fd;
static int64_t begin_us, end_us, next_due; /* next_due: requests taken up */
static char input[1 << 16];

static void start(struct client *c, int64_t due_us);

/* --- the connection -------------------------------------------------------- */

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, small = 4096;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (plan->read_rate)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (connect(fd, (const struct sockaddr *)&plan->to, sizeof(plan->to)) <
		    0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_client(struct client *c)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};

	c->fd = open_socket();
	if (c->fd < 0)
		return false;
	c->connecting = true;
	c->writable = false;
	tally->opened++;
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	return true;
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* --- one request ----------------------------------------------------------- */

static bool more_to_send(int64_t now_us)
{
	if (plan->requests && next_due >= plan->requests)
		return false;
	return now_us < end_us;
}

/* The request is over, whatever came of it: the next one. */
static void over(struct client *c, bool keep)
{
	int64_t now_us = clock_mono_us();

	c->busy = false;
	if (!keep)
		close_client(c);
	if (plan->hold) {
		c->spent = true;
		return;
	}
	if (plan->rate) {
		idle[n_idle++] = c;
		return;
	}
	if (more_to_send(now_us)) {
		next_due++;
		start(c, now_us);
	}
}

static void failed(struct client *c, enum fail fail)
{
	tally->fail[fail]++;
	over(c, false);
}

static void answered(struct client *c)
{
	enum fail fail = FAIL_STATUS;
	bool keep = c->reply.keep;

	tally->status[c->reply.status]++;
	if (c->reply.status == 200)
		fail = check_end(&c->check);
	hist_add(&tally->latency, clock_mono_us() - c->due_us);
	if (fail)
		tally->fail[fail]++;
	else
		tally->right++;
	over(c, keep);
}

static void on_event(void *arg, int64_t sent_us)
{
	struct client *c = arg;
	int64_t now_us = clock_mono_us();

	tally->events++;
	if (sent_us)
		hist_add(&tally->event, now_us - sent_us);
	if (!c->first_us) {
		c->first_us = now_us;
		hist_add(&tally->first, now_us - c->due_us);
	}
}

/* The bytes from `at` on as pieces of head, body, digits, body. */
static int pieces(const struct client *c, struct iovec iov[4])
{
	size_t at = plan->number_at;
	struct str all[4] = {
		plan->head,
		{ plan->body.p, at ? at : plan->body.n },
		{ c->digits, at ? sizeof(c->digits) : 0 },
		{ plan->body.p + at + sizeof(c->digits),
		  at ? plan->body.n - at - sizeof(c->digits) : 0 },
	};
	size_t skip = c->sent;
	int n = 0;

	for (size_t i = 0; i < COUNT(all); i++) {
		size_t cut = MIN(skip, all[i].n);

		skip -= cut;
		if (all[i].n - cut)
			iov[n++] = (struct iovec){ (void *)(all[i].p + cut),
						   all[i].n - cut };
	}
	return n;
}

static void cap(struct iovec *iov, int *n, int64_t left)
{
	for (int i = 0; i < *n; i++) {
		if ((int64_t)iov[i].iov_len >= left) {
			iov[i].iov_len = (size_t)left;
			*n = left ? i + 1 : i;
			return;
		}
		left -= (int64_t)iov[i].iov_len;
	}
}

static void send_more(struct client *c)
{
	size_t all = plan->head.n + plan->body.n;

	while (c->writable && c->sent < all) {
		struct iovec iov[4];
		struct msghdr msg = { .msg_iov = iov };
		size_t head_left = plan->head.n - MIN(plan->head.n, c->sent);
		int n = pieces(c, iov);
		ssize_t did;

		if (plan->upload_rate) {
			cap(iov, &n, (int64_t)head_left + c->upload_left);
			if (!n)
				return; /* until the next tick */
		}
		msg.msg_iovlen = (size_t)n;
		did = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (did < 0 && errno == EAGAIN)
			c->writable = false;
		if (did < 0)
			return; /* an answer, or the end, is to be read */
		c->sent += (size_t)did;
		did -= MIN(did, (ssize_t)head_left);
		c->upload_left -= MIN(c->upload_left, did);
	}
}

static void start(struct client *c, int64_t due_us)
{
	static uint64_t number;

	c->busy = true;
	c->sent = 0;
	c->due_us = due_us;
	c->start_us = clock_mono_us();
	c->first_us = 0;
	c->read_left = plan->read_rate * TICK_MS / 1000 + 1;
	c->upload_left = plan->upload_rate * TICK_MS / 1000 + 1;
	number++;
	for (uint64_t i = sizeof(c->digits), v = number; i-- > 0; v /= 10)
		c->digits[i] = (char)('0' + v % 10);
	if (plan->number_at) /* the text ends in the number */
		memcpy(c->asked_copy + plan->asked.n - sizeof(c->digits),
		       c->digits, sizeof(c->digits));
	tally->sent++;
	reply_start(&c->reply);
	check_start(&c->check, plan->number_at ? (struct str){ c->asked_copy,
							       plan->asked.n } :
						 plan->asked);
	if (c->fd < 0 && !open_client(c)) {
		/* not over(): a refusal would call start() again, for ever */
		tally->fail[FAIL_CONNECT]++;
		c->busy = false;
		c->spent = plan->hold;
		if (plan->rate)
			idle[n_idle++] = c;
		return;
	}
	send_more(c);
}

/* --- what comes ------------------------------------------------------------ */

/* False: the request is over. */
static bool take(struct client *c, size_t n)
{
	const char *p = input;
	struct str body;
	size_t took;

	tally->bytes += n;
	while ((took = reply_take(&c->reply, p, n, &body))) {
		p += took;
		n -= took;
		if (body.n && c->reply.status == 200)
			check_take(&c->check, body, on_event, c);
		if (c->reply.state == REPLY_BAD || c->reply.state == REPLY_DONE)
			break;
	}
	if (c->reply.state == REPLY_BAD) {
		failed(c, FAIL_FRAMING);
		return false;
	}
	if (c->reply.state != REPLY_DONE)
		return true;
	if (n)
		c->reply.keep = false; /* bytes nobody asked for */
	answered(c);
	return false;
}

static void closed(struct client *c)
{
	if (!c->busy) {
		close_client(c);
		return;
	}
	reply_closed(&c->reply);
	if (c->reply.state == REPLY_DONE)
		answered(c);
	else if (c->connecting)
		failed(c, FAIL_CONNECT);
	else
		failed(c, FAIL_CUT);
}

static void receive(struct client *c)
{
	for (;;) {
		size_t want = sizeof(input);
		ssize_t n;

		if (plan->read_rate)
			want = (size_t)MIN((int64_t)want, c->read_left);
		if (!want)
			return; /* until the next tick */
		n = recv(c->fd, input, want, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			closed(c);
			return;
		}
		c->read_left -= MIN(c->read_left, n);
		if (!c->busy) {
			close_client(c);
			return;
		}
		if (!take(c, (size_t)n) || (size_t)n < want)
			return;
	}
}

static void on_socket(struct client *c, uint32_t events)
{
	int fd = c->fd;

	if (fd < 0)
		return;
	if (events & EPOLLERR && c->connecting) {
		closed(c);
		return;
	}
	if (events & EPOLLOUT) {
		c->connecting = false;
		c->writable = true;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		receive(c);
	/* A hang-up may come together with the last bytes. */
	if (c->fd == fd && events & EPOLLRDHUP && !plan->read_rate)
		receive(c);
	if (c->fd >= 0 && c->busy && c->writable)
		send_more(c);
}

/* --- time ------------------------------------------------------------------ */

static void look_at(struct client *c, int64_t now_us)
{
	int64_t age_ms = (now_us - c->start_us) / 1000;

	if (!c->busy)
		return;
	if (plan->abort_after_ms && age_ms >= plan->abort_after_ms) {
		tally->aborted++;
		over(c, false);
		return;
	}
	if (!plan->hold && age_ms >= plan->timeout_ms) {
		failed(c, FAIL_TIMEOUT);
		return;
	}
	if (plan->upload_rate) {
		c->upload_left = plan->upload_rate * TICK_MS / 1000 + 1;
		send_more(c);
	}
	if (plan->read_rate && !c->connecting) {
		c->read_left = plan->read_rate * TICK_MS / 1000 + 1;
		receive(c);
	}
}

static int64_t due_of(int64_t k)
{
	return begin_us + (int64_t)((__int128)k * 1000000 / plan->rate);
}

/* Starts what is due, and sets the alarm for what is next. */
static void keep_rate(int64_t now_us)
{
	struct itimerspec at = { 0 };
	int64_t wait_us;

	while (n_idle && more_to_send(now_us) && due_of(next_due) <= now_us) {
		struct client *c = idle[--n_idle];

		start(c, due_of(next_due++));
	}
	if (!n_idle || !more_to_send(now_us))
		return; /* an answer comes first */
	wait_us = MAX(due_of(next_due) - clock_mono_us(), 1);
	at.it_value.tv_sec = wait_us / 1000000;
	at.it_value.tv_nsec = wait_us % 1000000 * 1000;
	timerfd_settime(alarm_fd, 0, &at, NULL);
}

static bool any_busy(void)
{
	for (int64_t i = 0; i < plan->connections; i++)
		if (clients[i].busy)
			return true;
	return false;
}

/* Closed loop: who could not connect tries again. */
static void restart(int64_t now_us)
{
	for (int64_t i = 0; i < plan->connections && !plan->rate; i++)
		if (!clients[i].busy && !clients[i].spent &&
		    more_to_send(now_us)) {
			next_due++;
			start(&clients[i], now_us);
		}
}

static void tick(int64_t now_us)
{
	static int64_t last_us;

	if (now_us - last_us < TICK_MS * 1000L)
		return;
	last_us = now_us;
	for (int64_t i = 0; i < plan->connections; i++)
		look_at(&clients[i], now_us);
	restart(now_us);
}

static bool goes_on(int64_t now_us)
{
	if (plan->hold)
		return now_us < end_us && any_busy();
	return more_to_send(now_us) || any_busy();
}

static void turn(int64_t now_us)
{
	struct epoll_event ev[512];
	uint64_t rings;
	int n = epoll_wait(ep, ev, COUNT(ev), TICK_MS);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr)
			on_socket(ev[i].data.ptr, ev[i].events);
		else
			(void)!read(alarm_fd, &rings, sizeof(rings));
	}
	now_us = clock_mono_us();
	if (plan->rate)
		keep_rate(now_us);
	tick(now_us);
}

static void prepare(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	size_t n = (size_t)plan->connections;

	ep = epoll_create1(EPOLL_CLOEXEC);
	alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, alarm_fd, &ev);
	clients = mem_alloc(n * sizeof(*clients));
	idle = mem_alloc(n * sizeof(struct client *));
	for (size_t i = n; i-- > 0;) {
		struct client *c = &clients[i];

		c->fd = -1;
		reply_init(&c->reply);
		check_init(&c->check, &plan->want);
		if (plan->number_at)
			memcpy(c->asked_copy, plan->asked.p, plan->asked.n);
		idle[n_idle++] = c;
	}
}

static void finish(void)
{
	for (int64_t i = 0; i < plan->connections; i++) {
		struct client *c = &clients[i];

		if (c->busy && plan->hold && c->check.fail)
			tally->fail[c->check.fail]++;
		else if (c->busy && plan->hold)
			tally->held++;
		close_client(c);
		reply_release(&c->reply);
		check_release(&c->check);
	}
	free(clients);
	free(idle);
	close(alarm_fd);
	close(ep);
}

void client_run(const struct plan *p, struct tally *t)
{
	plan = p;
	tally = t;
	prepare();
	begin_us = clock_mono_us();
	end_us = begin_us + plan->seconds * 1000000;
	if (!plan->rate)
		restart(begin_us);
	else
		keep_rate(begin_us);
	while (goes_on(clock_mono_us()))
		turn(clock_mono_us());
	tally->took_us = clock_mono_us() - begin_us;
	finish();
}
