/* fcgi_client.c - one request to a FastCGI socket, by hand.
 *
 *	fcgi-client SOCKET [options] < request
 *
 * The request is "METHOD path", headers, an empty line and the body; a header
 * "$NAME: value" is the parameter NAME (REMOTE_ADDR ...).  Prints what comes
 * on the application's output (its head and body, as a web server gets them);
 * its error stream goes to standard error.
 *
 *	--split N           write N bytes at a time ...
 *	--pause-ms MS       ... and wait so long between
 *	--record N          records of at most N bytes
 *	--abort-body N      send N bytes of the body, then close
 *	--leave-after-ms MS close so long after the request was sent
 *	--leave-after N     close after N bytes of the answer
 *	--say-abort         send FCGI_ABORT_REQUEST instead of closing, and go on
 *	--read-rate B       bytes a second
 *	--times N           so many requests on one connection (FCGI_KEEP_CONN)
 *	--timeout-ms MS     of silence (10000)
 *	--timing            a line of JSON to standard error at the end
 *
 * Exits with 0 if the application ended the request, 1 if the connection
 * closed before, 2 after a time-out, 3 if we left as told, 64 and above on
 * wrong use.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "fcgi.h"

enum ending { ENDED, CLOSED, TIMED_OUT, LEFT };

static struct {
	int64_t split, pause_ms, record, abort_body, leave_after_ms;
	int64_t leave_after, read_rate, times, timeout_ms;
	bool say_abort, timing;
} opt = { .abort_body = -1, .times = 1, .timeout_ms = 10000 };

static noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "fcgi-client: %s: %s\n", what, why);
	exit(64);
}

static int open_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(at.sun_path))
		die(path, "no path for a socket");
	memcpy(at.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		fprintf(stderr, "fcgi-client: %s: %s\n", path, strerror(errno));
		exit(69);
	}
	return fd;
}

static void wait_ms(int64_t ms)
{
	if (ms > 0)
		poll(NULL, 0, (int)MIN(ms, 3600000));
}

/* False: the other side does not take it. */
static bool send_all(int fd, struct str s)
{
	while (s.n) {
		size_t want = opt.split ? MIN(s.n, (size_t)opt.split) : s.n;
		ssize_t n = send(fd, s.p, want, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		s.p += n;
		s.n -= (size_t)n;
		if (s.n)
			wait_ms(opt.pause_ms);
	}
	return true;
}

/* Prints what is new on both streams. */
static void show(struct fcgi_answer *a)
{
	fwrite(a->out.p, 1, a->out.len, stdout);
	fflush(stdout);
	fwrite(a->err.p, 1, a->err.len, stderr);
	buf_clear(&a->out);
	buf_clear(&a->err);
}

struct life {
	int64_t sent_ms, first_ms, end_ms; /* of the clock */
	int64_t bytes;
	bool aborted; /* FCGI_ABORT_REQUEST was sent */
};

/* How long the next poll may wait. */
static int64_t patience(const struct life *l, int64_t now_ms)
{
	int64_t ms = opt.timeout_ms;

	if (opt.leave_after_ms && !l->aborted)
		ms = MIN(ms, l->sent_ms + opt.leave_after_ms - now_ms);
	return MAX(ms, 0);
}

static bool time_to_leave(const struct life *l)
{
	return !l->aborted &&
	       ((opt.leave_after_ms &&
		 clock_mono_ms() - l->sent_ms >= opt.leave_after_ms) ||
		(opt.leave_after && l->bytes >= opt.leave_after));
}

static bool leave(int fd, struct life *l)
{
	struct buf b;

	if (!opt.say_abort)
		return true;
	buf_init(&b, 64);
	fcgi_abort(&b);
	send_all(fd, buf_span(&b));
	buf_release(&b);
	l->aborted = true;
	return false;
}

/* Takes the records in `in`; an error of the protocol ends the program. */
static void take(struct fcgi_answer *a, struct buf *in, struct life *l)
{
	struct err e = { 0 };
	int64_t took = fcgi_read(a, buf_span(in), &e);

	if (took < 0)
		die("protocol", e.msg);
	buf_eat(in, (size_t)took);
	if (a->out.len && !l->first_ms)
		l->first_ms = clock_mono_ms();
	l->bytes += (int64_t)a->out.len;
	show(a);
}

static enum ending receive(int fd, struct fcgi_answer *a, struct life *l)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t want =
		opt.read_rate ? (size_t)MAX(opt.read_rate / 20, 1) : 65536;
	enum ending end = CLOSED;
	struct buf in;
	ssize_t n = 1;

	buf_init(&in, 64 << 20);
	while (!a->ended && n > 0) {
		int64_t ms = patience(l, clock_mono_ms());
		int ready = poll(&p, 1, (int)MIN(ms, INT32_MAX));

		if (time_to_leave(l) && leave(fd, l)) {
			end = LEFT;
			break;
		}
		if (!ready && ms >= opt.timeout_ms) {
			end = TIMED_OUT;
			break;
		}
		if (!ready)
			continue;
		n = recv(fd, buf_room(&in, want), want, 0);
		if (n > 0) {
			buf_grew(&in, (size_t)n);
			take(a, &in, l);
		}
		wait_ms(opt.read_rate ? 50 : 0);
	}
	buf_release(&in);
	return a->ended ? ENDED : end;
}

static enum ending run(int fd, const struct fcgi_request *r, struct life *l)
{
	size_t most = opt.record ? (size_t)opt.record : SIZE_MAX;
	size_t body = opt.abort_body >= 0 ? (size_t)opt.abort_body : SIZE_MAX;
	struct fcgi_answer a = { 0 };
	enum ending end = LEFT;
	struct buf out;

	buf_init(&out, SIZE_MAX / 2);
	buf_init(&a.out, 64 << 20);
	buf_init(&a.err, 64 << 20);
	fcgi_request(&out, r, opt.times > 1, most, body);
	/* Refused in the middle of the upload: there may be an answer. */
	(void)send_all(fd, buf_span(&out));
	l->sent_ms = clock_mono_ms();
	if (opt.abort_body < 0)
		end = receive(fd, &a, l);
	l->end_ms = clock_mono_ms();
	buf_release(&out);
	buf_release(&a.out);
	buf_release(&a.err);
	return end;
}

static const struct option names[] = {
	{ "split", required_argument, NULL, 's' },
	{ "pause-ms", required_argument, NULL, 'p' },
	{ "record", required_argument, NULL, 'r' },
	{ "abort-body", required_argument, NULL, 'a' },
	{ "leave-after-ms", required_argument, NULL, 'l' },
	{ "leave-after", required_argument, NULL, 'b' },
	{ "read-rate", required_argument, NULL, 'R' },
	{ "times", required_argument, NULL, 'n' },
	{ "timeout-ms", required_argument, NULL, 't' },
	{ "say-abort", no_argument, NULL, 'A' },
	{ "timing", no_argument, NULL, 'T' },
	{ 0 },
};

static void take_option(int o)
{
	const struct {
		char letter;
		int64_t *to;
	} numbers[] = {
		{ 's', &opt.split },          { 'p', &opt.pause_ms },
		{ 'r', &opt.record },         { 'a', &opt.abort_body },
		{ 'l', &opt.leave_after_ms }, { 'b', &opt.leave_after },
		{ 'R', &opt.read_rate },      { 'n', &opt.times },
		{ 't', &opt.timeout_ms },
	};

	if (o == 'A')
		opt.say_abort = true;
	else if (o == 'T')
		opt.timing = true;
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (numbers[i].letter == o &&
		    str_int(str_of(optarg), 0, INT32_MAX, numbers[i].to) < 0)
			die(optarg, "want a number");
	if (o == '?')
		exit(64);
}

static void read_all(struct buf *b)
{
	char at[65536];
	size_t n;

	while ((n = fread(at, 1, sizeof(at), stdin)))
		buf_add(b, at, n);
}

int main(int argc, char **argv)
{
	struct fcgi_request r;
	struct err e = { 0 };
	enum ending end = ENDED;
	struct buf text;
	int o, fd;

	while ((o = getopt_long(argc, argv, "", names, NULL)) != -1)
		take_option(o);
	if (optind + 1 != argc)
		die("usage", "fcgi-client SOCKET [options] < request");
	signal(SIGPIPE, SIG_IGN);
	buf_init(&text, SIZE_MAX / 2);
	read_all(&text);
	if (fcgi_parse(&r, buf_span(&text), &e) < 0)
		die("request", e.msg);
	fd = open_socket(argv[optind]);
	for (int64_t i = 0; i < opt.times && end == ENDED; i++) {
		struct life l = { 0 };

		end = run(fd, &r, &l);
		if (opt.timing)
			fprintf(stderr,
				"{\"end\":%d,\"bytes\":%lld,\"first_ms\":%lld,"
				"\"total_ms\":%lld}\n",
				(int)end, (long long)l.bytes,
				(long long)(l.first_ms ?
						    l.first_ms - l.sent_ms :
						    -1),
				(long long)(l.end_ms - l.sent_ms));
	}
	close(fd);
	buf_release(&text);
	return (int)end;
}
