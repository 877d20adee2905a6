/* reply.c - see reply.h. */
#include "reply.h"

#define HEAD_MAX (256 << 10)

void reply_init(struct reply *r)
{
	*r = (struct reply){ 0 };
	buf_init(&r->line, HEAD_MAX);
}

void reply_start(struct reply *r)
{
	buf_clear(&r->line);
	r->state = REPLY_HEAD;
	r->status = 0;
	r->keep = true;
	r->left = 0;
}

void reply_release(struct reply *r)
{
	buf_release(&r->line);
}

static void read_header(struct reply *r, struct str line, bool *framed)
{
	struct str name;
	int64_t n;

	if (!str_next(&line, ':', &name))
		return;
	line = str_trim(line);
	if (str_ieq(name, "content-length") && r->state == REPLY_CLOSE) {
		r->state = str_int(line, 0, INT64_MAX, &n) < 0 ? REPLY_BAD :
			   n                                   ? REPLY_LENGTH :
								 REPLY_DONE;
		r->left = (uint64_t)n;
		*framed = true;
	} else if (str_ieq(name, "transfer-encoding")) {
		r->state =
			str_ieq(line, "chunked") ? REPLY_CHUNK_SIZE : REPLY_BAD;
		*framed = true;
	} else if (str_ieq(name, "connection")) {
		r->keep = !str_ieq(line, "close");
	}
}

/* "HTTP/1.1 200 OK" and the headers, in r->line. */
static void read_head(struct reply *r)
{
	struct str rest = buf_span(&r->line), line, version, code;
	bool framed = false;
	int64_t status;

	r->state = REPLY_BAD;
	if (!str_next(&rest, '\n', &line) || !str_starts(line, "HTTP/1.") ||
	    !str_next(&line, ' ', &version) || !str_next(&line, ' ', &code))
		return;
	if (code.n && code.p[code.n - 1] == '\r')
		code.n--;
	if (str_int(code, 100, 999, &status) < 0)
		return;
	r->status = (int)status;
	r->state = REPLY_CLOSE;
	while (str_next(&rest, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		read_header(r, line, &framed);
	}
	if (status == 204 || status == 304)
		r->state = REPLY_DONE;
	else if (!framed)
		r->keep = false;
	if (status < 200) /* 100 Continue: the answer is yet to come */
		reply_start(r);
	buf_clear(&r->line);
}

static size_t take_head(struct reply *r, const char *p, size_t n)
{
	size_t had = r->line.len, from = had > 3 ? had - 3 : 0;
	const char *end;

	buf_add(&r->line, p, n);
	if (!buf_ok(&r->line)) {
		r->state = REPLY_BAD;
		return n;
	}
	end = memmem(r->line.p + from, r->line.len - from, "\r\n\r\n", 4);
	if (!end)
		return n;
	n = (size_t)(end + 4 - r->line.p) - had;
	r->line.len = had + n;
	read_head(r);
	return n;
}

static void read_size(struct reply *r, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t size = 0;
	const char *at;
	size_t i = 0;

	for (; i < s.n && i < 15; i++) {
		at = memchr(digits, s.p[i] | ' ', sizeof(digits) - 1);
		if (!at)
			break;
		size = size * 16 + (uint64_t)(at - digits);
	}
	if (!i || (i < s.n && s.p[i] != ';' && s.p[i] != ' ')) {
		r->state = REPLY_BAD;
		return;
	}
	r->left = size;
	r->state = size ? REPLY_CHUNK : REPLY_TRAILER;
}

/* A line of the chunk framing, whole and without its end. */
static void read_line(struct reply *r, struct str s)
{
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	if (r->state == REPLY_CHUNK_SIZE)
		read_size(r, s);
	else if (r->state == REPLY_CHUNK_END)
		r->state = s.n ? REPLY_BAD : REPLY_CHUNK_SIZE;
	else if (!s.n)
		r->state = REPLY_DONE;
}

static size_t take_line(struct reply *r, const char *p, size_t n)
{
	const char *end = memchr(p, '\n', n);
	size_t took = end ? (size_t)(end - p) + 1 : n;

	buf_add(&r->line, p, end ? took - 1 : took);
	if (r->line.len > 8192)
		r->state = REPLY_BAD;
	if (!end || r->state == REPLY_BAD)
		return took;
	read_line(r, buf_span(&r->line));
	buf_clear(&r->line);
	return took;
}

static size_t take_body(struct reply *r, const char *p, size_t n,
			struct str *body)
{
	if (r->state != REPLY_CLOSE) {
		n = (size_t)MIN((uint64_t)n, r->left);
		r->left -= n;
		if (!r->left)
			r->state = r->state == REPLY_LENGTH ? REPLY_DONE :
							      REPLY_CHUNK_END;
	}
	*body = (struct str){ p, n };
	return n;
}

size_t reply_take(struct reply *r, const char *p, size_t n, struct str *body)
{
	*body = STR_NONE;
	if (!n)
		return 0;
	switch (r->state) {
	case REPLY_HEAD: return take_head(r, p, n);
	case REPLY_CHUNK_SIZE:
	case REPLY_CHUNK_END:
	case REPLY_TRAILER: return take_line(r, p, n);
	case REPLY_LENGTH:
	case REPLY_CHUNK:
	case REPLY_CLOSE: return take_body(r, p, n, body);
	default: return 0;
	}
}

void reply_closed(struct reply *r)
{
	if (r->state == REPLY_CLOSE)
		r->state = REPLY_DONE;
	else if (r->state != REPLY_DONE)
		r->state = REPLY_BAD;
}
