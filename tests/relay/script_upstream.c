/* script_upstream.c - see script_upstream.h. */
#include "script_upstream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

#define IN_MAX (64u << 20)

/* --- channels -------------------------------------------------------------- */

/* Nobody listens for this attempt: it is over before it comes. */
static bool refused(const struct relay_case *c, int attempt)
{
	return attempt < c->n_attempts && c->answer[attempt].n_ops &&
	       c->answer[attempt].ops[0].kind == OP_REFUSE;
}

/* A channel that refuses once has a port that nobody listens at for the whole
 * case; it is bound, so that nobody else takes it. */
static bool refuses(const struct relay_case *c, const char *name)
{
	for (int i = 0; i < c->n_attempts; i++)
		if (refused(c, i))
			return !c->upstream[i].channel.p ||
			       str_eq(c->upstream[i].channel, name);
	return false;
}

static int open_channel(struct script *s, struct str name, struct err *e)
{
	struct script_channel *ch = &s->channels[s->n_channels];
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);

	if (s->n_channels == SCRIPT_CHANNELS)
		return err_set(e, ERR_CONFIG, "too many channels");
	snprintf(ch->name, sizeof(ch->name), "%.*s", STR_FMT(name));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ch->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->n_channels++;
	if (ch->fd < 0 || bind(ch->fd, (struct sockaddr *)&at, n) < 0 ||
	    getsockname(ch->fd, (struct sockaddr *)&at, &n) < 0 ||
	    (!refuses(s->c, ch->name) && listen(ch->fd, 64) < 0))
		return err_set(e, ERR_IO, "channel %s: %s", ch->name,
			       strerror(errno));
	ch->port = ntohs(at.sin_port);
	return 0;
}

int script_open(struct script *s, const struct relay_case *c, struct err *e)
{
	*s = (struct script){ .c = c };
	arena_init(&s->arena);
	for (int i = 0; i < SCRIPT_CHANNELS; i++)
		s->channels[i].fd = -1;
	for (int i = 0; i < SCRIPT_CONNS; i++) {
		s->conns[i].fd = -1;
		buf_init(&s->conns[i].in, IN_MAX);
		buf_init(&s->conns[i].out, SIZE_MAX / 2);
	}
	for (int i = 0; i < c->n_setup; i++)
		if (str_eq(c->setup[i].verb, "channel") &&
		    open_channel(s, c->setup[i].name, e) < 0)
			return -1;
	return s->n_channels ? 0 : open_channel(s, STR("a"), e);
}

int script_port(const struct script *s, int channel)
{
	assert(channel < s->n_channels);
	return s->channels[channel].port;
}

static void drop(struct script_conn *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	buf_release(&k->in);
	buf_release(&k->out);
}

void script_close(struct script *s)
{
	for (int i = 0; i < s->n_channels; i++)
		if (s->channels[i].fd >= 0)
			close(s->channels[i].fd);
	for (int i = 0; i < SCRIPT_CONNS; i++)
		drop(&s->conns[i]);
	arena_release(&s->arena);
	s->n_channels = 0;
}

static void accept_one(struct script *s, int channel)
{
	int fd = accept4(s->channels[channel].fd, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	for (int i = 0; fd >= 0 && i < SCRIPT_CONNS; i++) {
		struct script_conn *k = &s->conns[i];

		if (k->fd >= 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		k->fd = fd;
		k->channel = channel;
		k->attempt = -1;
		k->op = 0;
		k->begun = k->ended = false;
		k->due_ms = 0;
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* --- the request ----------------------------------------------------------- */

static struct str no_cr(struct str s)
{
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static void read_head(struct script_got *got)
{
	struct str rest = got->head, line, word;

	if (str_next(&rest, '\n', &line)) {
		(void)str_next(&line, ' ', &word);
		(void)str_next(&line, ' ', &got->path);
	}
	while (str_next(&rest, '\n', &line) && got->headers.n < CASE_LINES) {
		struct case_pair *p = &got->headers.at[got->headers.n];

		line = no_cr(line);
		if (!str_next(&line, ':', &p->name) || !line.p)
			continue;
		p->value = str_trim(line);
		got->headers.n++;
	}
}

/* True: the request is whole, and is an attempt. */
static bool take_request(struct script *s, struct script_conn *k)
{
	struct script_got got = { .channel = k->channel };
	const char *end = memmem(k->in.p, k->in.len, "\r\n\r\n", 4);
	int64_t length = 0;
	size_t head;

	if (!end)
		return false;
	head = (size_t)(end + 4 - k->in.p);
	got.head = (struct str){ k->in.p, head };
	read_head(&got);
	(void)str_int(case_value(&got.headers, "content-length"), 0, IN_MAX,
		      &length);
	if (k->in.len < head + (size_t)length) {
		if (case_value(&got.headers, "expect").p && !k->out.len)
			buf_str(&k->out, "HTTP/1.1 100 Continue\r\n\r\n");
		return false;
	}
	got = (struct script_got){ .channel = k->channel };
	got.head = arena_str(&s->arena, (struct str){ k->in.p, head });
	got.body = arena_str(&s->arena,
			     (struct str){ k->in.p + head, (size_t)length });
	read_head(&got);
	buf_eat(&k->in, head + (size_t)length);
	while (refused(s->c, s->n_got))
		s->n_got++;
	k->attempt = s->n_got++;
	if (k->attempt < CASE_ATTEMPTS)
		s->got[k->attempt] = got;
	k->op = 0;
	k->begun = k->ended = false;
	return true;
}

/* --- the answer ------------------------------------------------------------ */

static const struct case_answer *answer_of(const struct script *s,
					   const struct script_conn *k)
{
	return k->attempt >= 0 && k->attempt < s->c->n_attempts ?
		       &s->c->answer[k->attempt] :
		       NULL;
}

static void put_bytes(struct script_conn *k, const struct case_answer *a,
		      struct str bytes)
{
	if (a->stream)
		buf_printf(&k->out, "%zx\r\n", bytes.n);
	buf_add(&k->out, bytes.p, bytes.n);
	if (a->stream)
		buf_str(&k->out, "\r\n");
}

static void hang_up(struct script_conn *k, bool reset)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (reset)
		setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	drop(k);
}

/* The next op, once all before it is sent; true: there may be more. */
static bool run_op(struct script_conn *k, const struct case_answer *a)
{
	const struct case_op *op = &a->ops[k->op];

	if (k->op == a->n_ops) {
		if (a->stream)
			buf_str(&k->out, "0\r\n\r\n");
		if (a->raw)
			hang_up(k, false);
		k->ended = true;
		k->attempt = -1;
		return true;
	}
	switch (op->kind) {
	case OP_BYTES: put_bytes(k, a, op->bytes); break;
	case OP_PAUSE: k->due_ms = clock_mono_ms() + op->ms; break;
	case OP_CLOSE:
	case OP_RESET: hang_up(k, op->kind == OP_RESET); return false;
	default: return false; /* silence, until the gateway leaves */
	}
	k->op++;
	return true;
}

static bool flush(struct script_conn *k)
{
	ssize_t n;

	while (k->out.len) {
		n = send(k->fd, k->out.p, k->out.len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		buf_eat(&k->out, (size_t)n);
	}
	return true;
}

static void play(struct script *s, struct script_conn *k)
{
	bool on = true;

	while (on && k->fd >= 0) {
		const struct case_answer *a;

		if (!flush(k) || k->due_ms > clock_mono_ms())
			return;
		if (k->attempt < 0 && !take_request(s, k)) {
			if (!k->out.len)
				return;
			continue;
		}
		a = answer_of(s, k);
		if (!a) {
			hang_up(k, false); /* nobody expected this attempt */
			return;
		}
		if (!k->begun && !a->raw) {
			struct str head = case_head(&s->arena, a);

			buf_add(&k->out, head.p, head.n);
		}
		k->begun = true;
		on = run_op(k, a);
	}
}

static void receive(struct script *s, struct script_conn *k)
{
	ssize_t n = 1;
	char *to;

	while (n > 0 && (to = buf_room(&k->in, 16384))) {
		n = recv(k->fd, to, 16384, 0);
		if (n > 0)
			buf_grew(&k->in, (size_t)n);
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (k->attempt >= 0 && k->attempt < CASE_ATTEMPTS)
		s->got[k->attempt].left = true;
	drop(k);
}

/* --- a turn ---------------------------------------------------------------- */

static int wait_of(const struct script *s, int wait_ms)
{
	int64_t now_ms = clock_mono_ms();

	for (int i = 0; i < SCRIPT_CONNS; i++) {
		const struct script_conn *k = &s->conns[i];

		if (k->fd >= 0 && k->due_ms > now_ms)
			wait_ms = (int)MIN(wait_ms, k->due_ms - now_ms);
	}
	return wait_ms;
}

bool script_turn(struct script *s, int fd, short events, int wait_ms)
{
	struct pollfd p[1 + SCRIPT_CHANNELS + SCRIPT_CONNS] = {
		{ .fd = fd, .events = events },
	};
	struct pollfd *chans = p + 1, *conns = p + 1 + SCRIPT_CHANNELS;

	for (int i = 0; i < SCRIPT_CHANNELS; i++) {
		bool closed = i >= s->n_channels ||
			      refuses(s->c, s->channels[i].name);

		chans[i] = (struct pollfd){ closed ? -1 : s->channels[i].fd,
					    POLLIN, 0 };
	}
	for (int i = 0; i < SCRIPT_CONNS; i++) {
		const struct script_conn *k = &s->conns[i];

		conns[i] = (struct pollfd){
			k->fd, (short)(POLLIN | (k->out.len ? POLLOUT : 0)), 0
		};
	}
	if (poll(p, COUNT(p), wait_of(s, wait_ms)) < 0)
		return false;
	for (int i = 0; i < s->n_channels; i++)
		if (chans[i].revents & POLLIN)
			accept_one(s, i);
	for (int i = 0; i < SCRIPT_CONNS; i++) {
		struct script_conn *k = &s->conns[i];

		if (k->fd >= 0 && conns[i].fd == k->fd && conns[i].revents)
			receive(s, k);
		if (k->fd >= 0)
			play(s, k);
	}
	return fd >= 0 && p[0].revents != 0;
}

/* --- the end --------------------------------------------------------------- */

static bool wants_gone(const struct case_answer *a)
{
	return a->n_ops && a->ops[a->n_ops - 1].kind == OP_GONE;
}

int script_check(const struct script *s, struct err *e)
{
	for (int i = 0; i < s->c->n_attempts; i++) {
		const struct script_got *got = &s->got[i];

		if (refused(s->c, i))
			continue;
		if (i >= s->n_got)
			return err_set(e, ERR_VALUE, "attempt %d never came",
				       i + 1);
		if (case_check_upstream(s->c, i, s->channels[got->channel].name,
					got->path, &got->headers, got->body,
					e) < 0)
			return -1;
		if (wants_gone(&s->c->answer[i]) && !got->left)
			return err_set(e, ERR_VALUE,
				       "attempt %d was not cancelled", i + 1);
	}
	if (s->n_got > s->c->n_attempts)
		return err_set(e, ERR_VALUE, "%d attempts, want %d", s->n_got,
			       s->c->n_attempts);
	return 0;
}
