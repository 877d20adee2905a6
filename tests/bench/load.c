/* load.c - asks as fast or as often as told, and checks every answer.
 *
 *	load --url http://127.0.0.1:8080 [--path /v1/chat/completions]
 *		[--key-file F | --key-env NAME] --model M [--stream]
 *		[--connections C] [--requests N | --seconds S] [--rate R]
 *		[--body FILE] [--events N] [--no-usage] [--any-text]
 *		[--hold] [--slow-reader B] [--abort-after-ms MS]
 *		[--upload-rate B] [--timeout-ms MS] [--json OUT] [--name WORD]
 *
 * Keep-alive connections over epoll, one thread.  Without --rate each
 * connection asks again as soon as it is answered; with it requests are due
 * R a second whatever the answers do, and latency counts from the time a
 * request was due, so that a stall is not hidden by not asking.
 *
 * Right is: status 200; whole JSON; "echo: " and our text, which is another
 * one each time; usage that counts both; a stream with every event in order,
 * finish_reason, usage and [DONE].  The model mock-stream-N-MS sets --events
 * N; its events carry the time they were sent (CLOCK_MONOTONIC), so their
 * delay is measured on one machine.  --any-text accepts any text and usage
 * (another provider, or --body FILE); --no-usage asks a stream for no usage
 * and wants none.
 *
 * --hold opens a stream a connection (R a second with --rate) and keeps all
 * for the seconds: what is still open and ungarbled then was held.
 * --slow-reader and --upload-rate: bytes a second.  --abort-after-ms: the
 * client leaves.  The key comes from a file, the named variable of the
 * environment, or PONTAGE_KEY; never from the arguments.
 *
 * Prints a line of JSON with --json (- is standard output).  Exits with 1 if
 * an answer was not right.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>

#include "client.h"

struct options {
	const char *url, *path, *key_file, *key_env, *model, *body, *json;
	const char *name;
	bool stream, no_usage, any_text;
};

static noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(64);
}

static int64_t number(const char *name, const char *value, int64_t min)
{
	int64_t v;

	if (str_int(str_of(value), min, INT32_MAX, &v) < 0)
		die(name, "want a number");
	return v;
}

static void read_file(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");
	char at[4096];
	size_t n;

	if (!f)
		die(path, strerror(errno));
	while ((n = fread(at, 1, sizeof(at), f)))
		buf_add(b, at, n);
	fclose(f);
}

/* --- the request ----------------------------------------------------------- */

/* "http://127.0.0.1:8080" and nothing that needs a resolver. */
static void read_url(const char *url, struct plan *p)
{
	struct str rest = str_of(url), host;
	char at[64] = "";
	int64_t port = 80;

	if (!str_starts(rest, "http://"))
		die(url, "want http://ADDRESS:PORT");
	rest = str_of(url + strlen("http://"));
	if (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	if (!str_next(&rest, ':', &host) || host.n >= sizeof(at) ||
	    (rest.p && str_int(rest, 1, 65535, &port) < 0))
		die(url, "want http://ADDRESS:PORT");
	memcpy(at, host.p, host.n);
	p->to.sin_family = AF_INET;
	p->to.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, str_eq(host, "localhost") ? "127.0.0.1" : at,
		      &p->to.sin_addr) != 1)
		die(url, "want an IPv4 address");
}

static void put_key(struct buf *b, const struct options *o)
{
	const char *key = getenv(o->key_env ? o->key_env : "PONTAGE_KEY");
	struct buf file;

	buf_init(&file, 4096);
	if (o->key_file) {
		read_file(o->key_file, &file);
		while (file.len && strchr(" \r\n", file.p[file.len - 1]))
			file.p[--file.len] = '\0';
		key = file.p;
	}
	if (key && *key)
		buf_printf(b, "Authorization: Bearer %s\r\n", key);
	buf_release(&file);
}

#define ASKED "load 000000000000"

/* What stands around our text, by the end of the path. */
static const struct shape {
	const char *path, *before, *after;
} shapes[] = {
	{ "/chat/completions",
	  "\"messages\":[{\"role\":\"user\",\"content\":\"", "\"}]" },
	{ "/completions", "\"prompt\":\"", "\"" },
	{ "/embeddings", "\"input\":\"", "\"" },
};

static const struct shape *shape_of(const char *path)
{
	for (size_t i = 0; i < COUNT(shapes); i++)
		if (strstr(path, shapes[i].path))
			return &shapes[i];
	return &shapes[0];
}

static void make_body(struct buf *b, const struct options *o, struct plan *p)
{
	const struct shape *shape = shape_of(o->path);

	if (o->body) {
		read_file(o->body, b);
		p->body = buf_span(b);
		return;
	}
	buf_printf(b, "{\"model\":\"%s\",%s", o->model, shape->before);
	p->number_at = b->len + strlen("load ");
	buf_printf(b, ASKED "%s", shape->after);
	if (o->stream)
		buf_str(b, ",\"stream\":true");
	if (o->stream && !o->no_usage)
		buf_str(b, ",\"stream_options\":{\"include_usage\":true}");
	buf_str(b, "}");
	p->body = buf_span(b);
	p->asked = STR(ASKED);
}

static void make_head(struct buf *b, const struct options *o, struct plan *p)
{
	buf_printf(b, "POST %s HTTP/1.1\r\nHost: %s\r\n", o->path,
		   o->url + strlen("http://"));
	put_key(b, o);
	buf_printf(b,
		   "Content-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   p->body.n);
	p->head = buf_span(b);
}

static void make_expect(const struct options *o, struct plan *p)
{
	struct str rest = str_of(o->model ? o->model : ""), n;
	bool embeds = strstr(o->path, "/embeddings") != NULL;

	p->want.stream = o->stream;
	p->want.echo = !o->any_text && !o->body && !embeds;
	p->want.usage = p->want.echo ? USAGE_RIGHT : USAGE_ANY;
	if (o->stream && o->no_usage)
		p->want.usage = USAGE_NONE;
	if (o->stream && !p->want.events && str_starts(rest, "mock-stream-")) {
		rest = str_of(o->model + strlen("mock-stream-"));
		if (str_next(&rest, '-', &n))
			(void)str_int(n, 0, INT64_MAX, &p->want.events);
	}
}

/* --- the report ------------------------------------------------------------ */

static void put_times(struct buf *b, const char *name, const struct hist *h)
{
	buf_printf(b,
		   ",\"%s_us\":{\"n\":%llu,\"mean\":%lld,\"p50\":%lld,"
		   "\"p90\":%lld,\"p99\":%lld,\"p999\":%lld,\"max\":%lld}",
		   name, (unsigned long long)h->n,
		   (long long)(h->n ? h->sum_us / (int64_t)h->n : 0),
		   (long long)hist_at(h, 500000), (long long)hist_at(h, 900000),
		   (long long)hist_at(h, 990000), (long long)hist_at(h, 999000),
		   (long long)h->max_us);
}

static uint64_t failures(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 1; i < FAIL__COUNT; i++)
		n += t->fail[i];
	return n;
}

static int64_t per_second(uint64_t n, const struct tally *t)
{
	return (int64_t)((double)n * 1e6 / (double)MAX(t->took_us, 1));
}

static void put_line(struct buf *b, const struct options *o,
		     const struct plan *p, const struct tally *t)
{
	const char *comma = "";

	buf_printf(b,
		   "{\"name\":\"%s\",\"model\":\"%s\",\"connections\":%lld,"
		   "\"rate\":%lld,\"seconds\":%.3f,\"sent\":%llu,"
		   "\"right\":%llu,\"aborted\":%llu,\"held\":%llu,"
		   "\"per_s\":%lld,\"events\":%llu,\"events_per_s\":%lld,"
		   "\"bytes\":%llu,\"opened\":%llu",
		   o->name, o->model ? o->model : "", (long long)p->connections,
		   (long long)p->rate, (double)t->took_us / 1e6,
		   (unsigned long long)t->sent, (unsigned long long)t->right,
		   (unsigned long long)t->aborted, (unsigned long long)t->held,
		   (long long)per_second(t->right, t),
		   (unsigned long long)t->events,
		   (long long)per_second(t->events, t),
		   (unsigned long long)t->bytes, (unsigned long long)t->opened);
	buf_printf(b, ",\"failed\":%llu,\"fail\":{",
		   (unsigned long long)failures(t));
	for (int i = 1; i < FAIL__COUNT; i++) {
		if (!t->fail[i])
			continue;
		buf_printf(b, "%s\"%s\":%llu", comma, check_word(i),
			   (unsigned long long)t->fail[i]);
		comma = ",";
	}
	buf_str(b, "},\"status\":{");
	comma = "";
	for (size_t i = 0; i < COUNT(t->status); i++) {
		if (!t->status[i])
			continue;
		buf_printf(b, "%s\"%zu\":%llu", comma, i,
			   (unsigned long long)t->status[i]);
		comma = ",";
	}
	buf_str(b, "}");
	put_times(b, "latency", &t->latency);
	put_times(b, "first_event", &t->first);
	put_times(b, "event_delay", &t->event);
	buf_str(b, "}\n");
}

static void print_times(const char *name, const struct hist *h)
{
	if (h->n)
		printf("%-12s p50 %lld  p90 %lld  p99 %lld  p99.9 %lld  max"
		       " %lld us\n",
		       name, (long long)hist_at(h, 500000),
		       (long long)hist_at(h, 900000),
		       (long long)hist_at(h, 990000),
		       (long long)hist_at(h, 999000), (long long)h->max_us);
}

static void print(const struct tally *t)
{
	printf("%llu sent, %llu right, %llu wrong, %lld right/s, %.2f s\n",
	       (unsigned long long)t->sent, (unsigned long long)t->right,
	       (unsigned long long)failures(t),
	       (long long)per_second(t->right, t), (double)t->took_us / 1e6);
	for (int i = 1; i < FAIL__COUNT; i++)
		if (t->fail[i])
			printf("  %-12s %llu\n", check_word(i),
			       (unsigned long long)t->fail[i]);
	for (size_t i = 0; i < COUNT(t->status); i++)
		if (t->status[i] && i != 200)
			printf("  status %-5zu %llu\n", i,
			       (unsigned long long)t->status[i]);
	if (t->held || t->aborted)
		printf("%llu held, %llu aborted\n", (unsigned long long)t->held,
		       (unsigned long long)t->aborted);
	print_times("latency", &t->latency);
	print_times("first event", &t->first);
	print_times("event delay", &t->event);
	if (t->events)
		printf("%llu events, %lld/s\n", (unsigned long long)t->events,
		       (long long)per_second(t->events, t));
}

static void report(const struct options *o, const struct plan *p,
		   const struct tally *t)
{
	struct buf line;
	FILE *f;

	if (!o->json) {
		print(t);
		return;
	}
	buf_init(&line, 1 << 16);
	put_line(&line, o, p, t);
	f = strcmp(o->json, "-") ? fopen(o->json, "ae") : stdout;
	if (!f || fwrite(line.p, 1, line.len, f) != line.len || fflush(f))
		die(o->json, strerror(errno));
	if (f != stdout)
		fclose(f);
	buf_release(&line);
}

/* --- arguments ------------------------------------------------------------- */

static const struct option names[] = {
	{ "url", required_argument, NULL, 'u' },
	{ "path", required_argument, NULL, 'p' },
	{ "key-file", required_argument, NULL, 'k' },
	{ "key-env", required_argument, NULL, 'e' },
	{ "model", required_argument, NULL, 'm' },
	{ "stream", no_argument, NULL, 's' },
	{ "connections", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 't' },
	{ "rate", required_argument, NULL, 'r' },
	{ "body", required_argument, NULL, 'b' },
	{ "events", required_argument, NULL, 'E' },
	{ "no-usage", no_argument, NULL, 'U' },
	{ "any-text", no_argument, NULL, 'a' },
	{ "hold", no_argument, NULL, 'H' },
	{ "slow-reader", required_argument, NULL, 'S' },
	{ "abort-after-ms", required_argument, NULL, 'A' },
	{ "upload-rate", required_argument, NULL, 'L' },
	{ "timeout-ms", required_argument, NULL, 'T' },
	{ "json", required_argument, NULL, 'j' },
	{ "name", required_argument, NULL, 'N' },
	{ 0 },
};

static void take(int opt, struct options *o, struct plan *p)
{
	switch (opt) {
	case 'u': o->url = optarg; break;
	case 'p': o->path = optarg; break;
	case 'k': o->key_file = optarg; break;
	case 'e': o->key_env = optarg; break;
	case 'm': o->model = optarg; break;
	case 's': o->stream = true; break;
	case 'c': p->connections = number("--connections", optarg, 1); break;
	case 'n': p->requests = number("--requests", optarg, 1); break;
	case 't': p->seconds = number("--seconds", optarg, 1); break;
	case 'r': p->rate = number("--rate", optarg, 1); break;
	case 'b': o->body = optarg; break;
	case 'E': p->want.events = number("--events", optarg, 1); break;
	case 'U': o->no_usage = true; break;
	case 'a': o->any_text = true; break;
	case 'H': p->hold = true; break;
	case 'S': p->read_rate = number("--slow-reader", optarg, 1); break;
	case 'A': p->abort_after_ms = number("--abort", optarg, 1); break;
	case 'L': p->upload_rate = number("--upload-rate", optarg, 1); break;
	case 'T': p->timeout_ms = number("--timeout-ms", optarg, 1); break;
	case 'j': o->json = optarg; break;
	case 'N': o->name = optarg; break;
	default: exit(64);
	}
}

static void raise_files(int64_t connections)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < (rlim_t)connections + 16)
		die("--connections", "more than this process may open");
}

static void check_options(const struct options *o, struct plan *p)
{
	if (!o->url || (!o->model && !o->body))
		die("usage", "load --url http://ADDRESS:PORT --model M ...");
	if (p->hold && (!p->seconds || !o->stream))
		die("--hold", "wants --stream and --seconds");
	if (!p->requests && !p->seconds)
		p->requests = 1;
	if (!p->seconds)
		p->seconds = 86400;
	if (p->requests && p->requests < p->connections && !p->hold)
		p->connections = p->requests;
	if (p->hold)
		p->requests = p->connections;
}

int main(int argc, char **argv)
{
	static struct tally t;
	struct options o = { .path = "/v1/chat/completions", .name = "" };
	struct plan p = { .connections = 1, .timeout_ms = 30000 };
	struct buf head, body;
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		take(opt, &o, &p);
	check_options(&o, &p);
	signal(SIGPIPE, SIG_IGN);
	raise_files(p.connections);
	buf_init(&head, 1 << 16);
	buf_init(&body, 64 << 20);
	read_url(o.url, &p);
	make_body(&body, &o, &p);
	make_head(&head, &o, &p);
	make_expect(&o, &p);
	client_run(&p, &t);
	report(&o, &p, &t);
	buf_release(&head);
	buf_release(&body);
	return failures(&t) ? 1 : 0;
}
