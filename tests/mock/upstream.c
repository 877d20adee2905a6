/* upstream.c - the fake provider: OpenAI's wire, faults by name of the model.
 *
 *	upstream --listen 127.0.0.1:PORT [--record FILE] [--seed N]
 *		[--refuse-port PORT] [--drop-port PORT] [--mute-port PORT]
 *	upstream --list
 *
 * Serves POST /v1/chat/completions, /v1/completions, /v1/embeddings and GET
 * /v1/models, any number of streams in one thread.  The right answer echoes:
 * "echo: " and the last user message; usage counts the bytes of both texts
 * (as written in JSON).  "call NAME {json}" calls that tool when tools are
 * given.  The table of names is fault.c; --list prints it.
 *
 * For tests: GET /__stats (counters), /__requests (the last 1000), /__last
 * (the bytes of the last request, head and body), POST /__reset.
 * --record appends the bytes of every request to a file.
 * --refuse-port is held and refuses; --drop-port accepts and resets;
 * --mute-port lets the kernel accept and says nothing.  PORT 0 in --listen
 * takes a free one; "listening on 127.0.0.1:PORT" is printed when it serves.
 * SIGTERM ends it with status 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "conn.h"

/* What epoll's pointers mean, beside connections. */
static int listener = -1, dropper = -1;
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "upstream: %s: %s\n", what, why);
	exit(71);
}

static void usage(FILE *to)
{
	fputs("usage: upstream --listen 127.0.0.1:PORT [--record FILE]"
	      " [--seed N]\n"
	      "                [--refuse-port PORT] [--drop-port PORT]"
	      " [--mute-port PORT]\n"
	      "       upstream --list\n",
	      to);
}

static void list(void)
{
	const struct fault *f;

	for (size_t i = 0; (f = fault_at(i)); i++)
		printf("%-28s %s\n", f->name, f->help);
}

/* "127.0.0.1:8000" or "8000"; nobody but this machine is served. */
static int bind_to(const char *where)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct str port = str_of(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int64_t n;
	int on = 1;

	if (str_starts(port, "127.0.0.1:"))
		port = str_of(where + strlen("127.0.0.1:"));
	if (str_int(port, 0, 65535, &n) < 0)
		die(where, "want 127.0.0.1:PORT");
	at.sin_port = htons((uint16_t)n);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		die(where, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(where, strerror(errno));
	return fd;
}

static int listen_at(const char *where, int backlog)
{
	int fd = bind_to(where);

	if (listen(fd, backlog) < 0)
		die(where, strerror(errno));
	return fd;
}

static void watch(int ep, int fd, uint32_t events, void *what)
{
	struct epoll_event ev = { .events = events, .data.ptr = what };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll", strerror(errno));
}

static void accept_all(int ep, int from, bool drop)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fd, on = 1;

	while ((fd = accept4(from, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
	       0) {
		if (drop) {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now,
				   sizeof(now));
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		      conn_new(fd));
	}
}

static void turn(int ep)
{
	struct epoll_event ev[512];
	struct timer *t;
	int n = epoll_wait(ep, ev, COUNT(ev), timer_wait_ms(clock_mono_us()));

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &listener)
			accept_all(ep, listener, false);
		else if (ev[i].data.ptr == &dropper)
			accept_all(ep, dropper, true);
		else
			conn_event(ev[i].data.ptr, ev[i].events);
	}
	while ((t = timer_due(clock_mono_us())))
		conn_due(t);
	conn_bury();
}

static void serve(void)
{
	struct rlimit files;
	struct sockaddr_in at = { 0 };
	socklen_t n = sizeof(at);
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	watch(ep, listener, EPOLLIN, &listener);
	if (dropper >= 0)
		watch(ep, dropper, EPOLLIN, &dropper);
	if (getsockname(listener, (struct sockaddr *)&at, &n) < 0)
		die("listener", strerror(errno));
	printf("listening on 127.0.0.1:%d\n", ntohs(at.sin_port));
	fflush(stdout);
	while (!stopped)
		turn(ep);
	close(ep);
}

struct options {
	const char *listen;
	FILE *record;
	int64_t seed;
};

static const struct option names[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "record", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, 's' },
	{ "refuse-port", required_argument, NULL, 'R' },
	{ "drop-port", required_argument, NULL, 'D' },
	{ "mute-port", required_argument, NULL, 'M' },
	{ "list", no_argument, NULL, 'L' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void take(struct options *o, int opt)
{
	switch (opt) {
	case 'l': o->listen = optarg; break;
	case 'r':
		o->record = fopen(optarg, "ae");
		if (!o->record)
			die(optarg, strerror(errno));
		break;
	case 's':
		if (str_int(str_of(optarg), 0, INT64_MAX, &o->seed) < 0)
			die("--seed", "want a number");
		break;
	case 'R': bind_to(optarg); break; /* held until the end */
	case 'D': dropper = listen_at(optarg, 1024); break;
	case 'M': listen_at(optarg, 1024); break;
	case 'L': list(); exit(0);
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); exit(64);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		take(&o, opt);
	if (!o.listen || optind < argc) {
		usage(stderr);
		return 64;
	}
	conn_setup(o.record, (uint64_t)o.seed);
	listener = listen_at(o.listen, 4096);
	serve();
	return 0;
}
