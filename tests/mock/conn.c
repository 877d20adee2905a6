/* conn.c - see conn.h. */
#include "conn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "answer.h"
#include "base/clock.h"
#include "stats.h"

#define IN_MAX (REQUEST_HEAD_BYTES + REQUEST_BODY_BYTES)

static FILE *record;
static uint64_t chance = 1;
static struct conn *all, *dead;

void conn_setup(FILE *to, uint64_t seed)
{
	record = to;
	chance = seed ? seed : 1;
}

static uint64_t next_chance(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

struct conn *conn_new(int fd)
{
	struct conn *c = mem_alloc(sizeof(*c));

	c->fd = fd;
	c->next = all;
	if (all)
		all->prev = c;
	all = c;
	buf_init(&c->in, IN_MAX);
	buf_init(&c->out, SIZE_MAX / 2);
	stats_opened();
	return c;
}

static void hang_up(struct conn *c, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->fd < 0)
		return;
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(c->fd);
	c->fd = -1;
	timer_stop(&c->timer);
	stats_closed();
	c->next_dead = dead;
	dead = c;
}

void conn_bury(void)
{
	while (dead) {
		struct conn *c = dead;

		dead = c->next_dead;
		if (c->next)
			c->next->prev = c->prev;
		if (c->prev)
			c->prev->next = c->next;
		else
			all = c->next;
		buf_release(&c->in);
		buf_release(&c->out);
		free(c);
	}
}

/* --- bytes ----------------------------------------------------------------- */

/* One recv; what it says about the next. */
static void receive_some(struct conn *c, char *to, size_t want)
{
	ssize_t n = recv(c->fd, to, want, 0);

	if (n > 0) {
		buf_grew(&c->in, (size_t)n);
		/* a short read emptied the socket; an end would still come */
		c->more = (size_t)n == want || c->hup;
	} else if (n == 0 || errno != EINTR) {
		c->more = false;
		c->gone = n == 0 || errno != EAGAIN;
	}
}

/* A request that is too large waits in the socket. */
static void receive(struct conn *c)
{
	while (c->more && c->in.len < IN_MAX) {
		size_t want = MIN(MAX(c->in.len, 16384), 1 << 20);

		want = MIN(want, IN_MAX - c->in.len);
		receive_some(c, buf_room(&c->in, want), want);
	}
}

/* True: all is sent.  With a drip, a byte and a timer. */
static bool flush(struct conn *c)
{
	while (c->sent < c->out.len) {
		int64_t drip_ms = c->answering ? c->play.drip_ms : 0;
		size_t left = drip_ms ? 1 : c->out.len - c->sent;
		ssize_t n;

		if (drip_ms && c->play.due_us > clock_mono_us())
			return false;
		n = send(c->fd, c->out.p + c->sent, left, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			c->gone = true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		c->sent += (size_t)n;
		if (drip_ms) {
			c->play.due_us = clock_mono_us() + drip_ms * 1000;
			timer_set(&c->timer, c->play.due_us);
		}
	}
	buf_clear(&c->out);
	c->sent = 0;
	return true;
}

/* --- requests -------------------------------------------------------------- */

static void show_stats(struct buf *b)
{
	stats_json(b);
}

static void show_requests(struct buf *b)
{
	stats_requests(b);
}

static void show_last(struct buf *b)
{
	buf_add(b, stats_last().p, stats_last().n);
}

static void do_reset(struct buf *b)
{
	stats_reset();
	buf_str(b, "{}\n");
}

static const struct {
	const char *method, *path;
	void (*show)(struct buf *b);
	enum ask_kind kind; /* where show is NULL */
} routes[] = {
	{ "POST", "/v1/chat/completions", NULL, ASK_CHAT },
	{ "POST", "/v1/completions", NULL, ASK_COMPLETION },
	{ "POST", "/v1/embeddings", NULL, ASK_EMBEDDING },
	{ "GET", "/v1/models", answer_models, 0 },
	{ "GET", "/__stats", show_stats, 0 },
	{ "GET", "/__requests", show_requests, 0 },
	{ "GET", "/__last", show_last, 0 },
	{ "POST", "/__reset", do_reset, 0 },
};

static void say(struct conn *c, int64_t status, void (*show)(struct buf *b))
{
	struct buf body;

	buf_init(&body, SIZE_MAX / 2);
	if (show)
		show(&body);
	else
		answer_error(&body, status, STR_NONE);
	play_plain(&c->out, status, "", buf_span(&body));
	buf_release(&body);
	buf_eat(&c->in, c->eat);
	if (status >= 411 || !c->request.keep)
		c->end = PLAY_CLOSE;
}

static void note(struct conn *c)
{
	struct str bytes = { c->in.p, c->eat };

	stats_keep(bytes);
	if (record) {
		fprintf(record, "== %zu bytes\n", bytes.n);
		fwrite(bytes.p, 1, bytes.n, record);
		fputc('\n', record);
		fflush(record);
	}
}

static void begin(struct conn *c, enum ask_kind kind)
{
	static uint64_t n;

	note(c);
	play_start(&c->play, &c->request, kind, ++n, next_chance());
	c->number = stats_request(&c->request, &c->play.ask);
	c->once = c->play.fault->flags & FAULT_ONCE;
	c->answering = true;
}

static void dispatch(struct conn *c)
{
	struct str rest = c->request.path, path = STR_NONE;
	bool known = false;

	(void)str_next(&rest, '?', &path);
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (!str_eq(path, routes[i].path))
			continue;
		known = true;
		if (!str_eq(c->request.method, routes[i].method))
			continue;
		if (routes[i].show)
			say(c, 200, routes[i].show);
		else
			begin(c, routes[i].kind);
		return;
	}
	say(c, known ? 405 : 404, NULL);
}

/* True: a request was taken. */
static bool next_request(struct conn *c)
{
	int got;

	if (c->end)
		return false;
	if (c->once && c->in.len) {
		hang_up(c, false);
		return false;
	}
	got = request_read(&c->request, buf_span(&c->in));
	if (!got)
		return false;
	c->eat = c->in.len;
	if (got != 1) {
		say(c, got, NULL);
		c->end = PLAY_CLOSE;
		return true;
	}
	c->eat = c->request.head_bytes + c->request.body_bytes;
	if (c->in.len < c->eat) {
		if (c->request.expects && !c->said_continue)
			buf_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
		c->said_continue = c->request.expects;
		return false;
	}
	c->said_continue = false;
	dispatch(c);
	return true;
}

/* --- the life of an answer ------------------------------------------------- */

static void finish(struct conn *c, enum outcome outcome)
{
	stats_end(c->number, outcome);
	c->number = 0;
	c->answering = false;
	buf_eat(&c->in, c->eat);
	if (c->in.cap > 1 << 20 && !c->in.len)
		buf_release(&c->in);
}

static enum outcome outcome_of(const struct conn *c, enum play_next next)
{
	bool whole = c->play.steps[c->play.at].kind == STEP_END;

	return next == PLAY_END || whole ? OUT_DONE : OUT_CUT;
}

/* Plays one turn; true: go on at once. */
static bool play(struct conn *c)
{
	enum play_next next = play_run(&c->play, &c->out, clock_mono_us());

	switch (next) {
	case PLAY_WAIT: timer_set(&c->timer, c->play.due_us); break;
	case PLAY_END: /* a drip goes on until out is sent */
	case PLAY_CLOSE:
	case PLAY_RESET: c->end = next; break;
	case PLAY_SILENT: c->end = PLAY_SILENT; break;
	default: return true;
	}
	return c->end != PLAY_ON;
}

/* Out is sent and nothing more comes; true: the connection lives on. */
static bool settle(struct conn *c)
{
	enum play_next end = c->end;

	if (end == PLAY_SILENT)
		return false;
	if (c->answering)
		finish(c, outcome_of(c, end));
	c->end = PLAY_ON;
	if (end == PLAY_END)
		return true;
	hang_up(c, end == PLAY_RESET);
	return false;
}

/* One step of whatever is next; true: go on at once. */
static bool step(struct conn *c)
{
	if (c->end)
		return settle(c);
	if (c->answering)
		return play(c) || c->out.len;
	return next_request(c) || c->out.len;
}

static void leave(struct conn *c)
{
	if (c->answering)
		finish(c, OUT_CANCELLED);
	hang_up(c, false);
}

static void pump(struct conn *c)
{
	bool on = true;

	while (on && c->fd >= 0 && !c->gone) {
		if (c->more && !c->answering)
			receive(c); /* an answer points into c->in */
		if (c->gone)
			break;
		if (!flush(c))
			on = false; /* until the socket or the timer */
		else
			on = step(c);
	}
	if (c->gone && c->fd >= 0)
		leave(c);
}

void conn_event(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		c->hup = true;
		c->gone |= c->answering;
	}
	if (events & EPOLLIN)
		c->more = true;
	pump(c);
}

void conn_due(struct timer *t)
{
	pump((struct conn *)t);
}
