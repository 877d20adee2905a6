/* doctor_running.c - what runs, what listens, what answers at the address. */
#include "doctor.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/clock.h"
#include "http/url.h"
#include "shared/shared.h"

#define WAIT_MS    5000  /* for the web server's answer */
#define ANSWER_MAX 65536 /* bytes of it */

#define TEXT(d, ...) arena_printf(&(d)->c->arena, __VA_ARGS__)

static const char start_it[] = "start pontage serve";

static struct finding count(struct doctor *d, enum shared_kind kind,
			    const char *name)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(d->c->conf.state_dir, false, &e);
	struct shared_view v;
	int64_t late_ms = 0;
	int n = 0;

	if (!sh)
		return finding(DOCTOR_BAD, TEXT(d, "no %s runs", name),
			       start_it);
	shared_reap(sh);
	for (int i = 0; i < SHARED_SLOTS; i++)
		if (shared_look(sh, i, &v) && v.kind == kind &&
		    v.state == SHARED_READY) {
			late_ms =
				MAX(late_ms, clock_mono_ms() - v.beat_mono_ms);
			n++;
		}
	shared_close(sh);
	if (!n)
		return finding(DOCTOR_BAD, TEXT(d, "no %s is ready", name),
			       start_it);
	if (late_ms > MAX(5000, 3 * d->c->conf.heartbeat_ms))
		return finding(DOCTOR_BAD,
			       TEXT(d, "a %s has been silent for %lld ms", name,
				    (long long)late_ms),
			       "its log says what it waits for");
	return finding(DOCTOR_OK, TEXT(d, "%d %s ready", n, name), NULL);
}

static struct finding relays(struct doctor *d)
{
	return count(d, SHARED_RELAY, "relay.fcgi");
}

static struct finding admins(struct doctor *d)
{
	return count(d, SHARED_ADMIN, "admin.fcgi");
}

static struct finding ticks(struct doctor *d)
{
	return count(d, SHARED_TICK, "tick");
}

static struct finding socket_at(struct doctor *d, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	r = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (r < 0)
		r = errno ? errno : EIO;
	if (fd >= 0)
		close(fd);
	if (!r)
		return finding(DOCTOR_OK, path, NULL);
	return finding(DOCTOR_BAD, TEXT(d, "%s: %s", path, strerror(r)),
		       r == EACCES ? "the web server's user must be in "
				     "socket_group" :
				     start_it);
}

static struct finding relay_socket(struct doctor *d)
{
	return socket_at(d, d->c->conf.relay_socket);
}

static struct finding admin_socket(struct doctor *d)
{
	return socket_at(d, d->c->conf.admin_socket);
}

/* --- through the web server ------------------------------------------------ */

static int connect_to(const struct url *u)
{
	const struct timeval tv = { .tv_sec = WAIT_MS / 1000 };
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	char port[8];
	int fd = -1;

	snprintf(port, sizeof(port), "%d", u->port);
	if (getaddrinfo(u->host, port, &hints, &all))
		return -1;
	for (struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		if (connect(fd, a->ai_addr, a->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd;
}

static int read_status(int fd, struct buf *b)
{
	int64_t status = 0;
	char *to;
	ssize_t n;

	while ((to = buf_room(b, 4096)) && (n = read(fd, to, 4096)) > 0)
		buf_grew(b, (size_t)n);
	if (b->len < 12 || strncmp(b->p, "HTTP/1.", 7))
		return 0;
	str_int((struct str){ b->p + 9, 3 }, 100, 599, &status);
	return (int)status;
}

/* The status of a GET; 0: no HTTP came back; -1: nobody is there. */
static int get(const struct url *u, const char *path)
{
	int fd = connect_to(u), status = 0;
	struct buf b;

	if (fd < 0)
		return -1;
	buf_init(&b, ANSWER_MAX);
	buf_printf(&b,
		   "GET %.*s%s HTTP/1.0\r\nHost: %s\r\n"
		   "Connection: close\r\n\r\n",
		   STR_FMT(u->path), path, u->host);
	if (send(fd, b.p, b.len, MSG_NOSIGNAL) == (ssize_t)b.len) {
		buf_clear(&b);
		status = read_status(fd, &b);
	}
	buf_release(&b);
	close(fd);
	return status;
}

static struct finding answers(struct doctor *d)
{
	struct err e = { 0 };
	struct url u;
	int status;

	if (url_parse(&u, str_of(d->url), &e) < 0)
		return finding(DOCTOR_BAD, TEXT(d, "%s: %s", d->url, e.msg),
			       "set public_url, or give --url");
	if (u.https)
		return finding(
			DOCTOR_NOTE,
			TEXT(d, "%s: https is not asked from here", d->url),
			TEXT(d, "curl -sf %s/readyz", d->url));
	while (u.path.n && u.path.p[u.path.n - 1] == '/')
		u.path.n--;
	status = get(&u, "/readyz");
	if (status == 200)
		return finding(DOCTOR_OK,
			       TEXT(d, "%s/readyz answers 200", d->url), NULL);
	if (status < 0)
		return finding(DOCTOR_BAD,
			       TEXT(d, "nobody answers at %s", d->url),
			       "start the web server, or give --url");
	if (status == 502 || status == 504)
		return finding(DOCTOR_BAD,
			       TEXT(d, "%s/readyz answers %d", d->url, status),
			       "the web server does not reach admin.sock: is "
			       "its path right, may it connect?");
	return finding(
		DOCTOR_BAD, TEXT(d, "%s/readyz answers %d", d->url, status),
		status == 503 ? TEXT(d, "curl -s %s/readyz says why", d->url) :
				"another site answers there: look at the "
				"web server's configuration");
}

const struct check doctor_running[] = { { "relay", relays },
					{ "admin", admins },
					{ "tick", ticks },
					{ "socket", relay_socket },
					{ "socket", admin_socket },
					{ "address", answers },
					{ .name = NULL } };
