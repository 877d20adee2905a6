/* test_record.c - answers as FastCGI records, into sockets of every mood. */
#include "../../fcgi/record.h"

#include "base/buf.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rows.h"

#define ID 513

/* Reads records off p: their content goes to out; true: they end well, with
 * the end of stdout and of the request. */
static bool parse(const char *p, size_t n, struct buf *out)
{
	const unsigned char *at = (const unsigned char *)p, *end = at + n;
	bool stdout_over = false;

	while (end - at >= 8) {
		size_t len = (size_t)at[4] << 8 | at[5];
		bool whole = (size_t)(end - at) >= 8 + len;

		if (at[0] != 1 || (at[2] << 8 | at[3]) != ID || !whole)
			return false;
		if (at[1] == 3)
			return stdout_over && len == 8 && at + 16 == end;
		if (at[1] != 6 || stdout_over)
			return false;
		stdout_over = !len;
		buf_add(out, (const char *)at + 8, len);
		at += 8 + len;
	}
	return false;
}

/* The web server's side: takes at most n bytes. */
static void drink(int fd, size_t n, struct buf *got)
{
	char piece[4096];
	ssize_t r;

	while (n) {
		r = recv(fd, piece, MIN(n, sizeof(piece)), MSG_DONTWAIT);
		if (r <= 0)
			return;
		buf_add(got, piece, (size_t)r);
		n -= (size_t)r;
	}
}

static const struct {
	const char *label;
	size_t first, second; /* bytes of the two pieces */
	size_t sip;           /* what the web server reads between two calls */
} cases[] = {
	{ "nothing but the end", 0, 0, 4096 },
	{ "one byte", 1, 0, 4096 },
	{ "two pieces in one record", 200, 3000, 4096 },
	{ "the first one empty", 0, 3000, 4096 },
	{ "exactly a record", 32768, 0, 65536 },
	{ "one byte more", 32768, 1, 65536 },
	{ "a record over the cut between two", 30000, 30000, 65536 },
	{ "a large one, read slowly", 300, 1000000, 777 },
	{ "a large one, read fast", 1000000, 1000000, 65536 },
};

static void send_all(int fd, int peer, const char *text, size_t first,
		     size_t second, size_t sip, struct buf *got)
{
	struct str p[2] = { { text, first }, { text + first, second } };
	enum record_sent how = RECORD_TAKEN;
	struct record r;
	size_t took;

	record_init(&r, ID);
	for (int i = 0; i < 1000000 && !record_over(&r); i++) {
		how = record_send(&r, fd, p, 2, true, &took);
		for (int k = 0; k < 2; k++) {
			size_t n = MIN(took, p[k].n);

			p[k] = (struct str){ p[k].p + n, p[k].n - n };
			took -= n;
		}
		drink(peer, sip, got);
	}
	ROW_INT(how, RECORD_TAKEN);
	drink(peer, SIZE_MAX, got);
}

static void comes_out_whole_however_it_is_read(void **state)
{
	size_t max = 2000000;
	char *text = mem_alloc(max);

	(void)state;
	for (size_t i = 0; i < max; i++)
		text[i] = (char)('a' + i % 26 + i / 26 % 3);
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = cases[i].first + cases[i].second;
		int fd[2], small = 4096;
		struct buf got, content;

		row("%s", cases[i].label);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		buf_init(&got, 2 * max);
		buf_init(&content, 2 * max);
		send_all(fd[0], fd[1], text, cases[i].first, cases[i].second,
			 cases[i].sip, &got);
		ROW_TRUE(parse(got.p, got.len, &content));
		ROW_INT(content.len, n);
		ROW_TRUE(content.len == n && !memcmp(content.p, text, n));
		buf_release(&got);
		buf_release(&content);
		close(fd[0]);
		close(fd[1]);
	}
	free(text);
	rows_done();
}

static void says_when_nobody_is_there(void **state)
{
	struct str p = STR("text");
	struct record r;
	size_t took;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	close(fd[1]);
	record_init(&r, ID);
	assert_int_equal(record_send(&r, fd[0], &p, 1, true, &took),
			 RECORD_GONE);
	assert_int_equal(took, 0);
	close(fd[0]);
}

static void an_answer_goes_on_without_its_end(void **state)
{
	struct str p = STR("data: 1\n\n");
	struct record r;
	struct buf got;
	size_t took;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	buf_init(&got, 4096);
	record_init(&r, ID);
	assert_int_equal(record_send(&r, fd[0], &p, 1, false, &took),
			 RECORD_TAKEN);
	assert_int_equal(took, p.n);
	assert_false(record_over(&r));
	drink(fd[1], 4096, &got);
	assert_int_equal(got.len, RECORD_HEAD + p.n);
	buf_release(&got);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_whole_however_it_is_read),
		cmocka_unit_test(says_when_nobody_is_there),
		cmocka_unit_test(an_answer_goes_on_without_its_end),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
