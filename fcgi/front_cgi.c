/* front_cgi.c - see front_cgi.h. */
#include "front_cgi.h"

#include "front_head.h"
#include "front_in.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

extern char **environ;

struct cgi_conn {
	struct conn conn;
	const struct conf *conf;
};

static struct cgi_conn *of(struct conn *c)
{
	return (struct cgi_conn *)c;
}

bool front_is_cgi(void)
{
	socklen_t n = sizeof(int);
	int listens = 0;

	if (!getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			&n) &&
	    listens)
		return false;
	return getenv("REQUEST_METHOD") && getenv("GATEWAY_INTERFACE");
}

/* --- the answer ------------------------------------------------------------ */

/* One request, one process: waiting for a client that reads slowly holds
 * nobody else up, and holds the upstream back. */
static int write_all(const char *p, size_t n, int64_t stall_ms)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (n) {
		ssize_t wrote = write(STDOUT_FILENO, p, n);

		if (wrote >= 0) {
			p += wrote;
			n -= (size_t)wrote;
		} else if (errno == EAGAIN) {
			if (poll(&out, 1, (int)stall_ms) == 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static bool cgi_keeps(const struct conn *c)
{
	(void)c;
	return false;
}

static enum record_sent cgi_send(struct conn *conn, const struct str *piece,
				 int n, bool last, size_t *took)
{
	int64_t stall_ms = of(conn)->conf->client_stall_ms;

	(void)last;
	*took = 0;
	for (int i = 0; i < n; i++) {
		if (write_all(piece[i].p, piece[i].n, stall_ms) < 0)
			return RECORD_GONE;
		*took += piece[i].n;
	}
	return RECORD_TAKEN;
}

/* Nothing may keep the web server waiting for the end: not the bill, which is
 * written after it, and not stdin, which may be the same socket. */
static void cgi_close(struct conn *conn)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	close(nothing);
	if (conn->fd != STDOUT_FILENO)
		close(conn->fd);
	free(conn);
}

/* mod_cgid closes its half of the socket when the body is through: that is no
 * client that is gone. */
static const struct wire cgi = {
	.keeps = cgi_keeps,
	.send = cgi_send,
	.close = cgi_close,
	.gone = EPOLLERR,
};

void front_cgi_say(const char *p, size_t n)
{
	write_all(p, n, 1000);
}

struct conn *front_cgi_open(const struct conf *conf)
{
	struct cgi_conn *c = mem_alloc(sizeof(*c));
	struct stat st;

	c->conn = (struct conn){ .wire = &cgi, .fd = STDOUT_FILENO };
	c->conf = conf;
	/* A file is always writable, and epoll will not have it. */
	if (!fstat(STDOUT_FILENO, &st) &&
	    (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
		c->conn.fd = eventfd(0, EFD_CLOEXEC);
	fcntl(STDOUT_FILENO, F_SETFL,
	      fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	return &c->conn;
}

/* --- the request ------------------------------------------------------------ */

/* The next bytes of stdin; 0: the end, or none came in time. */
static ssize_t read_piece(const struct upload *u, char *p, size_t n)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t got;

	if (u->want >= 0)
		n = MIN(n, (size_t)(u->want - u->got));
	do {
		int64_t left = u->began_ms + u->body_ms - clock_mono_ms();

		if (poll(&in, 1, (int)MAX(left, 0)) == 0)
			return 0;
		got = read(STDIN_FILENO, p, n);
	} while (got < 0 && (errno == EAGAIN || errno == EINTR));
	return got;
}

/* To the end also where it is no longer wanted: a web server that is still
 * writing would take our answer for a fault. */
static int read_body(struct upload *u, struct buf *body, struct err *e)
{
	char piece[65536];
	ssize_t n = 0;

	while (u->want < 0 || u->got < u->want) {
		n = read_piece(u, piece, sizeof(piece));
		if (n <= 0)
			break;
		u->got += n;
		buf_add(body, piece, (size_t)n);
		if (!buf_ok(body))
			buf_release(body), body->bad = true;
		if (upload_too_slow(u, e) < 0)
			return -1;
	}
	if (upload_too_slow(u, e) < 0)
		return -1;
	return upload_whole(u, n < 0, e);
}

/* Without a length stdin ends only where the web server took the chunks of a
 * body apart; otherwise it may be anything, and there is no body. */
static int length(const struct head *h, int64_t *want, struct err *e)
{
	const char *coding = getenv("HTTP_TRANSFER_ENCODING");

	if (head_length(h, want, e) < 0)
		return -1;
	if (*want < 0 && !(coding && !strcasecmp(coding, "chunked")))
		*want = 0;
	return 0;
}

static int receive(const struct conf *conf, struct head *h, struct buf *body,
		   struct err *e)
{
	struct upload u = { .began_ms = clock_mono_ms(),
			    .body_ms = conf->body_ms,
			    .min_rate = conf->body_min_rate };
	struct err why = { 0 };
	int rc = head_read(h, environ, conf->max_params_bytes, e);

	head_now(h);
	if (length(h, &u.want, &why) < 0) {
		if (!rc)
			*e = why;
		return -1;
	}
	if (u.want > conf->max_body_bytes)
		body->bad = true; /* read it to the end, keep nothing */
	if (read_body(&u, body, &why) < 0 && !rc) {
		*e = why;
		rc = -1;
	} else if (!rc && !buf_ok(body)) {
		rc = err_set(e, ERR_TOO_LARGE,
			     "the body is larger than %lld bytes",
			     (long long)conf->max_body_bytes);
	}
	return rc;
}

void front_cgi_read(struct conn *conn, front_handler *handle, void *thread)
{
	struct cgi_conn *c = of(conn);
	struct head head = { 0 };
	struct err e = { 0 };
	struct buf body;

	buf_init(&body, (size_t)c->conf->max_body_bytes);
	receive(c->conf, &head, &body, &e);
	handle(thread, conn, &head, &body, &e);
}
