/* test_fetch.c - lib/net/fetch against a server of one page. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "rows.h"

#include "net/fetch.h"

static const char page[] = "HTTP/1.1 418 Teapot\r\nServer: pot/1.0\r\n"
			   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			   "x-request-id: req_a\r\nLocation: http://x/\r\n"
			   "Content-Length: 10\r\n\r\n0123456789";

struct server {
	int port;
	pid_t pid;
};

/* Answers every head it reads with the page, until it is killed. */
static void answer_all(int fd)
{
	char head[4096];
	int c;

	while ((c = accept(fd, NULL, NULL)) >= 0) {
		while (read(c, head, sizeof(head)) > 0)
			if (write(c, page, sizeof(page) - 1) < 0)
				break;
		close(c);
	}
	_exit(0);
}

static void start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	s->port = ntohs(a.sin_port);
	s->pid = fork();
	if (!s->pid)
		answer_all(fd);
	close(fd);
}

static void stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static bool first_is_enough(void *arg, struct str piece)
{
	*(size_t *)arg += piece.n;
	return false;
}

static void it_reads_an_answer_and_keeps_the_connection(void **state)
{
	struct server s;
	struct fetcher *f = fetcher_new("", NULL);
	char url[64];
	struct fetch ask = { .url = url, .limit_ms = 5000, .max_bytes = 10 };

	(void)state;
	start(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	for (int i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct fetched r;

		row("request %d", i);
		ROW_INT(fetch(f, &ask, &r, &e), 0);
		ROW_INT(r.status, 418);
		ROW_STR(r.server, "pot/1.0");
		ROW_STR(r.request_id, "req_a");
		ROW_INT(r.at_s, 784111777);
		ROW_STR(r.body.p, "0123456789");
		ROW_INT(r.kept, i > 0);
		buf_release(&r.body);
	}
	fetcher_free(f);
	stop(&s);
	rows_done();
}

static void it_ends_where_it_should(void **state)
{
	struct server s;
	struct fetcher *f = fetcher_new("", NULL);
	char url[64];
	size_t got = 0;
	struct fetch ask = { .url = url, .limit_ms = 5000, .max_bytes = 9 };
	struct err e = { 0 };
	struct fetched r;

	(void)state;
	start(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	assert_int_equal(fetch(f, &ask, &r, &e), -1);
	assert_non_null(strstr(e.msg, "larger than 9"));
	buf_release(&r.body);
	err_clear(&e);
	ask.max_bytes = 100;
	ask.on_data = first_is_enough;
	ask.arg = &got;
	assert_int_equal(fetch(f, &ask, &r, &e), 0);
	assert_true(r.enough && got > 0);
	buf_release(&r.body);
	stop(&s);
	assert_int_equal(fetch(f, &ask, &r, &e), -1); /* nobody is there */
	assert_int_equal(e.code, ERR_UP_CONNECT);
	buf_release(&r.body);
	fetcher_free(f);
}

static void a_rule_is_kept(void **state)
{
	const struct egress_rule none = { NULL, 0 };
	struct server s;
	struct fetcher *f = fetcher_new("", &none);
	char url[64];
	struct fetch ask = { .url = url, .limit_ms = 5000, .max_bytes = 100 };
	struct err e = { 0 };
	struct fetched r;

	(void)state;
	start(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	assert_int_equal(fetch(f, &ask, &r, &e), -1);
	assert_int_equal(e.code, ERR_UP_FORBIDDEN);
	assert_int_equal(r.status, 0);
	buf_release(&r.body);
	err_clear(&e);
	ask.url = "file:///etc/hosts";
	assert_int_equal(fetch(f, &ask, &r, &e), -1);
	buf_release(&r.body);
	fetcher_free(f);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_an_answer_and_keeps_the_connection),
		cmocka_unit_test(it_ends_where_it_should),
		cmocka_unit_test(a_rule_is_kept),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
