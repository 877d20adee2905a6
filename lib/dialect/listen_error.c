/* listen_error.c - the body of an answer whose status is an error; see
 * listen.h. */
#include "dialect/listen_in.h"

#include <strings.h>

static bool is_page(struct str s)
{
	return s.n > 4 && *s.p == '<' &&
	       (s.p[1] == '!' || s.p[1] == '?' || !strncasecmp(s.p, "<h", 2) ||
		!strncasecmp(s.p, "<b", 2));
}

/* No JSON, or nothing in it that is a message. */
static void plain_words(struct str s, int status, struct listen_error *out)
{
	if (is_page(s))
		snprintf(out->message, sizeof(out->message),
			 "status %d with an HTML page", status);
	else if (!s.n)
		snprintf(out->message, sizeof(out->message),
			 "status %d without a message", status);
	else
		snprintf(out->message, sizeof(out->message), "%.*s",
			 (int)MIN(s.n, sizeof(out->message) - 1), s.p);
}

void listen_error_body(const char *p, size_t n, int status,
		       struct listen_error *out)
{
	struct str s = listen_trimmed(p, n), body = s;
	struct listen_text t = { 0 };
	struct listen l;
	struct err e = { 0 };

	listen_init(&l, SHAPE_CHAT, false);
	if (s.n > 2 && *s.p == '[') { /* Google wraps it */
		body.p++;
		body.n -= 1 + (s.p[s.n - 1] == ']');
		body = listen_trimmed(body.p, body.n);
	}
	*out = (struct listen_error){ 0 };
	l.whole = true;
	listen_text_begin(&l, &t);
	/* What was heard before it broke off is heard. */
	if (body.n)
		scan_feed(&t.scan, body.p, body.n, &e);
	if (body.n)
		listen_take_error(&l, body.p, out);
	listen_text_end(&l);
	listen_release(&l);
	if (!*out->message)
		plain_words(s, status, out);
	out->status = out->status ? out->status : status;
}
