/* run_cases.c - the relay cases through the real programs.
 *
 *	run-cases [--build DIR] [--keep] [FILE.case ...]
 *
 * Each case gets a gateway of its own (gateway.h) and a scripted upstream; the
 * client speaks FastCGI to the worker's socket.  Then the reply, what the
 * upstream received, the rows of the log and the audit must be what the file
 * says.  --keep leaves the folders of failed cases in /tmp.
 */
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "../mock/peek.h"
#include "../relay/fcgi.h"
#include "base/clock.h"
#include "gateway.h"

#define CASE_MS   20000 /* for one case's answer */
#define LINGER_MS 3000  /* for an upstream to see that it was left */

static struct {
	const char *build;
	bool keep;
} opt = { .build = "build" };

struct client {
	const struct relay_case *c;
	struct arena arena;
	int fd;
	struct buf in;
	struct fcgi_answer answer;
	int64_t sent_ms;
	bool left, closed;
	/* the head, taken apart */
	int status;
	struct case_pairs headers;
	struct str body;
};

/* --- the client's part ------------------------------------------------------ */

static int send_request(struct client *k, const char *key, struct err *e)
{
	struct fcgi_request r = { .method = k->c->client.method,
				  .uri = k->c->client.path,
				  .headers = k->c->client.headers };
	struct buf out;
	size_t at = 0;
	ssize_t n = 1;

	for (int i = 0; i < r.headers.n; i++)
		r.headers.at[i].value =
			case_expand(&k->arena, r.headers.at[i].value, key);
	r.body = case_expand(&k->arena, k->c->client.body, key);
	buf_init(&out, SIZE_MAX / 2);
	fcgi_request(&out, &r, false, 65535, SIZE_MAX);
	while (n > 0 && at < out.len) {
		n = send(k->fd, out.p + at, out.len - at, MSG_NOSIGNAL);
		at += n > 0 ? (size_t)n : 0;
	}
	buf_release(&out);
	k->sent_ms = clock_mono_ms();
	return n > 0 ? 0 : err_set(e, ERR_IO, "send: %s", strerror(errno));
}

static int64_t events_of(const struct client *k)
{
	struct str rest = buf_span(&k->answer.out);
	const char *at = rest.n ? memmem(rest.p, rest.n, "\r\n\r\n", 4) : NULL;
	int64_t n = 0;

	for (; at && (at = strstr(at, "\n\n")); at += 2)
		n++;
	return n;
}

static void maybe_leave(struct client *k)
{
	const struct case_client *c = &k->c->client;
	int64_t took_ms = clock_mono_ms() - k->sent_ms;

	if ((c->leave_after_ms && took_ms >= c->leave_after_ms) ||
	    (c->leave_after_events && events_of(k) >= c->leave_after_events))
		k->left = true;
}

static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

static int receive(struct client *k, struct err *e)
{
	int64_t rate = hung_up(k->fd) ? 0 : k->c->client.read_rate, took;
	size_t most = rate ? MAX((size_t)rate / 100, 1) : 65536;
	char *to = buf_room(&k->in, most);
	ssize_t n = to ? recv(k->fd, to, most, 0) : 0;

	if (n <= 0) {
		k->closed = true;
		return 0;
	}
	buf_grew(&k->in, (size_t)n);
	took = fcgi_read(&k->answer, buf_span(&k->in), e);
	if (took < 0)
		return -1;
	buf_eat(&k->in, (size_t)took);
	if (rate)
		poll(NULL, 0, 10);
	return 0;
}

static int talk(struct client *k, const struct gateway *g, struct script *s,
		struct err *e)
{
	int64_t until_ms = k->sent_ms + CASE_MS;

	while (!k->answer.ended && !k->closed && !k->left) {
		if (script_turn(s, k->fd, POLLIN, 20) && receive(k, e) < 0)
			return -1;
		maybe_leave(k);
		if (gateway_check(g, e) < 0)
			return -1;
		if (clock_mono_ms() > until_ms)
			return err_set(e, ERR_VALUE, "no end within %d ms",
				       CASE_MS);
	}
	return 0;
}

/* The head as CGI has it: "Status: 200 OK" among the lines. */
static void read_reply(struct client *k)
{
	struct str rest = buf_span(&k->answer.out), line;
	int64_t status = 0;

	while (str_next(&rest, '\n', &line)) {
		struct case_pair *p = &k->headers.at[k->headers.n];

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			break;
		if (k->headers.n == CASE_LINES ||
		    !str_next(&line, ':', &p->name))
			continue;
		p->value = str_trim(line);
		if (str_eq(p->name, "Status"))
			(void)str_int((struct str){ p->value.p, 3 }, 100, 999,
				      &status);
		k->headers.n++;
	}
	k->status = (int)status;
	k->body = rest.p ? rest : STR("");
}

/* --- the log ---------------------------------------------------------------- */

static bool value_fits(struct str got, struct str want)
{
	struct str text = peek_text(got);

	if (text.p)
		got = text;
	if (!got.p || str_eq(got, "null"))
		got = STR("");
	if (str_eq(want, "~"))
		return got.n > 0;
	return want.n ? str_same(got, want) : !got.n;
}

static int check_row(const struct case_pairs *want, struct str row, int n,
		     struct err *e)
{
	for (int i = 0; i < want->n; i++) {
		char name[64];
		struct str got;

		snprintf(name, sizeof(name), "%.*s", STR_FMT(want->at[i].name));
		got = peek_member(row, name);
		if (!value_fits(got, want->at[i].value))
			return err_set(e, ERR_VALUE,
				       "row %d: %s: want %.*s, got %.*s", n,
				       name, STR_FMT(want->at[i].value),
				       (int)MIN(got.n, 60), got.p ? got.p : "");
	}
	return 0;
}

/* Every row is closed, whatever the case says of it. */
static int check_state(struct str row, struct err *e)
{
	struct str state = peek_text(peek_member(row, "state"));

	if (str_eq(state, "settled") || str_eq(state, "void") ||
	    str_eq(state, "refused"))
		return 0;
	return err_set(e, ERR_VALUE, "a row is %.*s", STR_FMT(state));
}

static int check_rows(const struct relay_case *c, const struct gateway *g,
		      struct err *e)
{
	struct str rest, row, rows[CASE_LINES];
	struct buf out;
	int n = 0, r = 0;

	buf_init(&out, 1 << 20);
	r = gateway_log(g, &out, e);
	rest = buf_span(&out);
	(void)peek_open(&rest, '[');
	while (r == 0 && n < CASE_LINES && peek_item(&rest, &row)) {
		rows[n++] = row;
		r = check_state(row, e);
	}
	if (r == 0 && c->rows_given && n != c->n_rows)
		r = err_set(e, ERR_VALUE, "%d rows, want %d", n, c->n_rows);
	for (int i = 0; r == 0 && c->rows_given && i < n; i++)
		r = check_row(&c->rows[i], rows[n - 1 - i], i + 1, e);
	buf_release(&out);
	return r;
}

/* --- one case --------------------------------------------------------------- */

static int check_reply(struct client *k, struct err *e)
{
	bool cut = k->left || !k->answer.ended;

	read_reply(k);
	if (k->left)
		k->status = k->status ? k->status : k->c->reply.status;
	return case_check_reply(k->c, k->status, &k->headers, k->body, cut, e);
}

/* Lets the upstream notice what it must. */
static int check_upstream(struct script *s, struct err *e)
{
	int64_t until_ms = clock_mono_ms() + LINGER_MS;
	struct err last = { 0 };

	while (script_check(s, &last) < 0) {
		if (clock_mono_ms() > until_ms) {
			*e = last;
			return -1;
		}
		err_clear(&last);
		script_turn(s, -1, 0, 20);
	}
	return 0;
}

static int converse(struct client *k, struct gateway *g, struct script *s,
		    struct err *e)
{
	k->fd = gateway_connect(g, e);
	if (k->fd < 0 || send_request(k, g->key, e) < 0 || talk(k, g, s, e) < 0)
		return -1;
	close(k->fd);
	k->fd = -1;
	return check_reply(k, e) < 0 ? -1 : check_upstream(s, e);
}

static int play(struct client *k, struct gateway *g, struct script *s,
		struct err *e)
{
	if (script_open(s, k->c, e) < 0 || gateway_open(g, opt.build, e) < 0 ||
	    gateway_set_up(g, k->c, s, e) < 0 || gateway_start(g, e) < 0 ||
	    converse(k, g, s, e) < 0 || gateway_stop(g, e) < 0 ||
	    check_rows(k->c, g, e) < 0)
		return -1;
	return gateway_audit(g, e);
}

static bool run_case(const char *path)
{
	struct client k = { .fd = -1 };
	struct gateway g = { .listener = -1 };
	struct script *s = mem_alloc(sizeof(*s));
	struct err e = { 0 };
	int r = -1;

	arena_init(&k.arena);
	buf_init(&k.in, 1 << 20);
	buf_init(&k.answer.out, 256 << 20);
	buf_init(&k.answer.err, 1 << 20);
	k.c = relay_case_load(path, &k.arena, &e);
	if (k.c) {
		r = play(&k, &g, s, &e);
		script_close(s);
	}
	printf("%s %s%s%s\n", r ? "not ok" : "ok", path, r ? ": " : "", e.msg);
	if (r)
		gateway_print_log(&g);
	if (r && opt.keep)
		printf("  its folder: %s\n", g.dir);
	fflush(stdout);
	if (k.fd >= 0)
		close(k.fd);
	gateway_close(&g, r && opt.keep);
	buf_release(&k.in);
	buf_release(&k.answer.out);
	buf_release(&k.answer.err);
	arena_release(&k.arena);
	free(s);
	return r == 0;
}

int main(int argc, char **argv)
{
	glob_t found = { 0 };
	int passed = 0, failed = 0, i = 1;

	signal(SIGPIPE, SIG_IGN);
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--keep"))
			opt.keep = true;
		else if (!strcmp(argv[i], "--build") && i + 1 < argc)
			opt.build = argv[++i];
		else {
			fprintf(stderr, "usage: run-cases [--build DIR] "
					"[--keep] [FILE.case ...]\n");
			return 64;
		}
	}
	for (; i < argc; i++)
		(void)(run_case(argv[i]) ? passed++ : failed++);
	if (passed + failed == 0)
		(void)glob("tests/relay/cases/*.case", 0, NULL, &found);
	for (size_t k = 0; k < found.gl_pathc; k++)
		(void)(run_case(found.gl_pathv[k]) ? passed++ : failed++);
	globfree(&found);
	printf("relay cases: %d passed, %d failed\n", passed, failed);
	return failed || !passed;
}
