/* record.c - see record.h. */
#include "record.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CONTENT_MAX 32768 /* of a record: a page cache's worth, not a limit */

enum { END_REQUEST = 3, STDOUT = 6 };

static void put_head(char *p, int type, int id, size_t n)
{
	p[0] = 1; /* the protocol's version */
	p[1] = (char)type;
	p[2] = (char)(id >> 8);
	p[3] = (char)id;
	p[4] = (char)(n >> 8);
	p[5] = (char)n;
	p[6] = p[7] = 0; /* no padding */
}

static void put_tail(char p[static RECORD_TAIL], int id)
{
	memset(p, 0, RECORD_TAIL); /* status 0, complete */
	put_head(p, STDOUT, id, 0);
	put_head(p + RECORD_HEAD, END_REQUEST, id, 8);
}

void record_init(struct record *r, int id)
{
	*r = (struct record){ .id = (uint16_t)id, .n_tail = RECORD_TAIL };
}

bool record_over(const struct record *r)
{
	return !r->n_tail;
}

/* What is to be sent, in order. */
struct batch {
	struct iovec v[RECORD_PIECES + 2];
	int n;
	size_t bytes;
};

static void add(struct batch *b, const char *p, size_t n)
{
	if (!n)
		return;
	b->v[b->n++] = (struct iovec){ (void *)(uintptr_t)p, n };
	b->bytes += n;
}

/* Takes from *n what there is of max. */
static size_t part(size_t *n, size_t max)
{
	size_t took = MIN(*n, max);

	*n -= took;
	return took;
}

/* So much of it has gone; what is left of *n was content. */
static size_t account(struct record *r, size_t sent)
{
	size_t content;

	r->n_head -= (uint8_t)part(&sent, r->n_head);
	content = part(&sent, r->left);
	r->left -= (uint32_t)content;
	r->n_tail -= (uint8_t)sent;
	return content;
}

static ssize_t give(int fd, struct batch *b)
{
	struct msghdr m = { .msg_iov = b->v, .msg_iovlen = (size_t)b->n };
	ssize_t sent;

	do
		sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

enum record_sent record_send(struct record *r, int fd, const struct str *piece,
			     int n, bool last, size_t *took)
{
	struct batch b = { .n = 0 };
	char tail[RECORD_TAIL];
	size_t total = 0, room;
	ssize_t sent;

	*took = 0;
	for (int i = 0; i < n; i++)
		total += piece[i].n;
	assert(n <= RECORD_PIECES && total >= r->left);
	if (!r->left && total) {
		r->left = (uint32_t)MIN(total, CONTENT_MAX);
		put_head(r->head, STDOUT, r->id, r->left);
		r->n_head = RECORD_HEAD;
	}
	add(&b, r->head + RECORD_HEAD - r->n_head, r->n_head);
	room = r->left;
	for (int i = 0; i < n; i++)
		add(&b, piece[i].p, part(&room, piece[i].n));
	if (last && total == r->left) {
		put_tail(tail, r->id);
		add(&b, tail + RECORD_TAIL - r->n_tail, r->n_tail);
	}
	if (!b.n)
		return RECORD_TAKEN;
	sent = give(fd, &b);
	if (sent < 0)
		return errno == EAGAIN ? RECORD_FULL : RECORD_GONE;
	*took = account(r, (size_t)sent);
	return (size_t)sent == b.bytes ? RECORD_TAKEN : RECORD_FULL;
}
