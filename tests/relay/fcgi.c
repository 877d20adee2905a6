/* fcgi.c - see fcgi.h. */
#include "fcgi.h"

#define RECORD_MAX 65535

/* --- writing --------------------------------------------------------------- */

static void record(struct buf *out, enum fcgi_type type, const char *p,
		   size_t n)
{
	const char head[8] = { 1, (char)type, 0, 1, (char)(n >> 8), (char)n };

	buf_add(out, head, sizeof(head));
	buf_add(out, p, n);
}

static void stream(struct buf *out, enum fcgi_type type, struct str s,
		   size_t most)
{
	for (size_t n; s.n; s.p += n, s.n -= n) {
		n = MIN(s.n, MIN(most, RECORD_MAX));
		record(out, type, s.p, n);
	}
}

static void put_length(struct buf *b, size_t n)
{
	if (n > 127)
		buf_add(b,
			(const char[]){ (char)(n >> 24 | 0x80), (char)(n >> 16),
					(char)(n >> 8) },
			3);
	buf_char(b, (char)n);
}

static void param(struct buf *b, const char *name, struct str value)
{
	put_length(b, strlen(name));
	put_length(b, value.n);
	buf_str(b, name);
	buf_add(b, value.p, value.n);
}

/* "Content-Type" becomes CONTENT_TYPE, "X-A" HTTP_X_A, "$NAME" NAME. */
static void header(struct buf *b, const struct case_pair *h)
{
	bool plain = str_ieq(h->name, "content-type") ||
		     str_ieq(h->name, "content-length");
	char name[160];
	size_t n = 0;

	if (h->name.n && *h->name.p == '$') {
		snprintf(name, sizeof(name), "%.*s", (int)h->name.n - 1,
			 h->name.p + 1);
		param(b, name, h->value);
		return;
	}
	if (!plain) {
		memcpy(name, "HTTP_", 5);
		n = 5;
	}
	for (size_t i = 0; i < h->name.n && n < sizeof(name) - 1; i++) {
		char c = h->name.p[i];

		name[n++] = c == '-'             ? '_' :
			    c >= 'a' && c <= 'z' ? (char)(c - 32) :
						   c;
	}
	name[n] = '\0';
	param(b, name, h->value);
}

static bool given(const struct fcgi_request *r, const char *name)
{
	char raw[80];

	snprintf(raw, sizeof(raw), "$%s", name);
	return case_value(&r->headers, raw).p;
}

static void put_params(struct buf *b, const struct fcgi_request *r)
{
	struct str query = r->uri, path = r->uri;
	char length[24];
	const struct {
		const char *name;
		struct str value;
	} usual[] = {
		{ "REQUEST_METHOD", r->method },
		{ "REQUEST_URI", r->uri },
		{ "SCRIPT_NAME", path },
		{ "DOCUMENT_URI", path },
		{ "QUERY_STRING", query },
		{ "GATEWAY_INTERFACE", STR("CGI/1.1") },
		{ "SERVER_PROTOCOL", STR("HTTP/1.1") },
		{ "SERVER_SOFTWARE", STR("fcgi-client") },
		{ "SERVER_NAME", STR("localhost") },
		{ "SERVER_PORT", STR("80") },
		{ "REMOTE_ADDR", STR("127.0.0.1") },
		{ "REMOTE_PORT", STR("40000") },
	};

	(void)str_next(&query, '?', &path);
	for (size_t i = 0; i < COUNT(usual); i++) {
		struct str value = usual[i].value;

		if (!strcmp(usual[i].name, "QUERY_STRING"))
			value = query.p ? query : STR("");
		else if (strstr(usual[i].name, "SCRIPT_NAME") ||
			 strstr(usual[i].name, "DOCUMENT_URI"))
			value = path;
		if (!given(r, usual[i].name))
			param(b, usual[i].name, value);
	}
	for (int i = 0; i < r->headers.n; i++)
		header(b, &r->headers.at[i]);
	if (!case_value(&r->headers, "content-length").p &&
	    !given(r, "CONTENT_LENGTH") && r->body.n) {
		snprintf(length, sizeof(length), "%zu", r->body.n);
		param(b, "CONTENT_LENGTH", str_of(length));
	}
}

void fcgi_request(struct buf *out, const struct fcgi_request *r, bool keep,
		  size_t record_bytes, size_t body_bytes)
{
	const char begin[8] = { 0, 1, (char)keep }; /* a responder */
	struct str body = { r->body.p, MIN(r->body.n, body_bytes) };
	struct buf params;

	buf_init(&params, 1 << 20);
	put_params(&params, r);
	record(out, FCGI_BEGIN_REQUEST, begin, sizeof(begin));
	stream(out, FCGI_PARAMS, buf_span(&params), record_bytes);
	record(out, FCGI_PARAMS, NULL, 0);
	stream(out, FCGI_STDIN, body, record_bytes);
	if (body_bytes == SIZE_MAX)
		record(out, FCGI_STDIN, NULL, 0);
	buf_release(&params);
}

void fcgi_abort(struct buf *out)
{
	record(out, FCGI_ABORT_REQUEST, NULL, 0);
}

/* --- reading --------------------------------------------------------------- */

static void take(struct fcgi_answer *a, int type, struct str s)
{
	const unsigned char *u = (const unsigned char *)s.p;

	if (type == FCGI_STDOUT)
		buf_add(&a->out, s.p, s.n);
	else if (type == FCGI_STDERR)
		buf_add(&a->err, s.p, s.n);
	else if (type == FCGI_END_REQUEST && s.n >= 4) {
		a->ended = true;
		a->app_status =
			(int64_t)u[0] << 24 | u[1] << 16 | u[2] << 8 | u[3];
	}
}

int64_t fcgi_read(struct fcgi_answer *a, struct str in, struct err *e)
{
	size_t at = 0;

	while (in.n - at >= 8) {
		const unsigned char *h = (const unsigned char *)in.p + at;
		size_t n = (size_t)h[4] << 8 | h[5], pad = h[6];

		if (h[0] != 1 || h[2] != 0 || h[3] != 1)
			return err_set(e, ERR_VALUE,
				       "not a FastCGI record of request 1");
		if (in.n - at < 8 + n + pad)
			break;
		take(a, h[1], (struct str){ in.p + at + 8, n });
		at += 8 + n + pad;
	}
	return (int64_t)at;
}

int fcgi_parse(struct fcgi_request *r, struct str text, struct err *e)
{
	struct str line;

	*r = (struct fcgi_request){ 0 };
	if (!str_next(&text, '\n', &line) ||
	    !str_next(&line, ' ', &r->method) || !line.n)
		return err_set(e, ERR_USAGE, "want METHOD and path first");
	r->uri = str_trim(line);
	while (str_next(&text, '\n', &line)) {
		struct case_pair *p = &r->headers.at[r->headers.n];

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			break;
		if (!str_next(&line, ':', &p->name) || !line.p ||
		    ++r->headers.n == CASE_LINES)
			return err_set(e, ERR_USAGE, "want `Header: value`");
		p->value = str_trim(line);
	}
	r->body = text.p ? text : STR("");
	return 0;
}
