/* request.c - see request.h. */
#include "request.h"

#include <strings.h>

static int read_length(struct request *r, struct str v)
{
	int64_t n;

	if (str_int(v, 0, INT64_MAX, &n) < 0)
		return 400;
	if (n > REQUEST_BODY_BYTES)
		return 413;
	r->body_bytes = (size_t)n;
	return 0;
}

static int read_transfer(struct request *r, struct str v)
{
	(void)r;
	return str_ieq(v, "identity") ? 0 : 411;
}

static int read_connection(struct request *r, struct str v)
{
	if (str_ieq(v, "close"))
		r->keep = false;
	else if (str_ieq(v, "keep-alive"))
		r->keep = true;
	return 0;
}

static int read_expect(struct request *r, struct str v)
{
	r->expects = str_ieq(v, "100-continue");
	return 0;
}

static int read_key(struct request *r, struct str v)
{
	if (v.n > 7 && !strncasecmp(v.p, "bearer ", 7))
		r->key = (struct str){ v.p + 7, v.n - 7 };
	return 0;
}

static int read_id(struct request *r, struct str v)
{
	r->id = v;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct request *r, struct str v);
} known[] = {
	{ "content-length", read_length },
	{ "transfer-encoding", read_transfer },
	{ "connection", read_connection },
	{ "expect", read_expect },
	{ "authorization", read_key },
	{ "x-request-id", read_id },
	{ "x-client-request-id", read_id },
};

static int read_header(struct request *r, struct str line)
{
	struct str name;

	if (!str_next(&line, ':', &name) || !line.p)
		return 400;
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_ieq(name, known[i].name))
			return known[i].read(r, str_trim(line));
	return 0;
}

static int read_first(struct request *r, struct str line)
{
	if (!str_next(&line, ' ', &r->method) ||
	    !str_next(&line, ' ', &r->path) || !str_starts(line, "HTTP/1."))
		return 400;
	r->old = str_eq(line, "HTTP/1.0");
	r->keep = !r->old;
	return 0;
}

static struct str no_cr(struct str line)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

int request_read(struct request *r, struct str in)
{
	struct str head = in, line;
	const char *end =
		memmem(in.p, MIN(in.n, REQUEST_HEAD_BYTES), "\r\n\r\n", 4);
	int bad;

	*r = (struct request){ 0 };
	if (!end)
		return in.n >= REQUEST_HEAD_BYTES ? 431 : 0;
	head.n = (size_t)(end - in.p);
	r->head_bytes = head.n + 4;
	if (!str_next(&head, '\n', &line) || read_first(r, no_cr(line)))
		return 400;
	while (str_next(&head, '\n', &line))
		if ((bad = read_header(r, no_cr(line))))
			return bad;
	r->body = (struct str){ in.p + r->head_bytes, r->body_bytes };
	return 1;
}
