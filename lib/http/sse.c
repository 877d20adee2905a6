/* sse.c - see sse.h. */
#include "http/sse.h"

static const char bom[] = "\xef\xbb\xbf";

void sse_init(struct sse *s, size_t max)
{
	*s = (struct sse){ .max = max };
	buf_init(&s->held, max + 1); /* and the LF of the event before */
}

void sse_release(struct sse *s)
{
	buf_release(&s->held);
}

void sse_reset(struct sse *s)
{
	size_t max = s->max;

	sse_release(s);
	sse_init(s, max);
}

/* The next LF and CR of a piece, looked for once each. */
struct ends {
	const char *lf, *cr, *end;
};

static const char *find(const char *known, char c, const char *p,
			const char *end)
{
	if (known && known >= p)
		return known;
	known = memchr(p, c, (size_t)(end - p));
	return known ? known : end;
}

/* The end of the line that begins at p < x->end. */
static const char *line_end(const char *p, struct ends *x)
{
	x->lf = find(x->lf, '\n', p, x->end);
	x->cr = find(x->cr, '\r', p, x->end);
	return MIN(x->lf, x->cr);
}

/* --- one event ------------------------------------------------------------- */

/* "name: value"; the value is empty where there is no colon. */
static struct str field_of(struct str line, struct str *value)
{
	const char *colon = memchr(line.p, ':', line.n);
	size_t n = colon ? (size_t)(colon - line.p) : line.n;

	*value = (struct str){ line.p + n, line.n - n };
	if (colon) {
		value->p++;
		value->n--;
	}
	if (value->n && *value->p == ' ') {
		value->p++;
		value->n--;
	}
	return (struct str){ line.p, n };
}

/* What dispatching an event needs. */
struct parts {
	struct sse_event ev;
	struct buf joined; /* where there are several data lines */
};

static void add_line(struct parts *x, struct str line)
{
	struct str value, name = field_of(line, &value);

	if (str_eq(name, "event")) {
		x->ev.name = value.n ? value : STR_NONE;
	} else if (!str_eq(name, "data")) {
		return;
	} else if (!x->ev.data.p) {
		x->ev.data = value;
	} else {
		if (!x->joined.len)
			buf_add(&x->joined, x->ev.data.p, x->ev.data.n);
		buf_char(&x->joined, '\n');
		buf_add(&x->joined, value.p, value.n);
		x->ev.data = buf_span(&x->joined);
	}
}

static int deliver(struct sse *s, struct str raw, sse_on_event *on_event,
		   void *arg, struct err *e)
{
	struct parts x = { .ev.raw = raw };
	const char *p = raw.p + s->glued;
	struct ends ends = { .end = raw.p + raw.n };
	int r;

	buf_init(&x.joined, raw.n);
	if (!s->begun && str_starts(raw, bom))
		p += sizeof(bom) - 1;
	s->begun = true;
	s->glued = false;
	while (p < ends.end) { /* a CRLF makes a line too many: an empty one */
		const char *at = line_end(p, &ends);

		add_line(&x, (struct str){ p, (size_t)(at - p) });
		p = at + 1;
	}
	r = on_event(arg, &x.ev, e);
	buf_release(&x.joined);
	return r;
}

/* --- where it ends --------------------------------------------------------- */

/* Reads on in the event that is under way: where it ends in p..x->end, or
 * NULL: further on. */
static const char *event_end(struct sse *s, const char *p, struct ends *x)
{
	while (p < x->end) {
		const char *at;

		if (s->after_cr && *p == '\n') {
			s->after_cr = false;
			p++;
			continue;
		}
		s->after_cr = false;
		at = line_end(p, x);
		s->line |= at > p;
		if (at == x->end)
			return NULL;
		s->after_cr = *at == '\r';
		p = at + 1;
		if (!s->line) {
			if (s->after_cr && p < x->end && *p == '\n') {
				s->after_cr = false;
				p++;
			}
			return p;
		}
		s->line = false;
	}
	return NULL;
}

static int too_large(struct sse *s, struct err *e)
{
	s->broken = true;
	buf_release(&s->held);
	return err_set(e, ERR_UP_BROKEN,
		       "an event of the upstream is larger than %zu bytes",
		       s->max);
}

/* The bytes of p to end are the event's, after those that are held. */
static int take(struct sse *s, const char *p, size_t n, bool whole,
		sse_on_event *on_event, void *arg, struct err *e)
{
	struct str raw = { p, n };
	int r;

	if (s->held.len + n - s->glued > s->max)
		return too_large(s, e);
	if (whole && !s->held.len)
		return deliver(s, raw, on_event, arg, e);
	buf_add(&s->held, p, n);
	if (!whole)
		return 0;
	r = deliver(s, buf_span(&s->held), on_event, arg, e);
	buf_release(&s->held);
	return r;
}

int sse_feed(struct sse *s, const char *p, size_t n, sse_on_event *on_event,
	     void *arg, struct err *e)
{
	struct ends x = { .end = p + n };

	if (s->broken)
		return too_large(s, e);
	while (p < x.end) {
		const char *end;

		if (!s->held.len)
			s->glued = s->after_cr && *p == '\n';
		end = event_end(s, p, &x);
		if (take(s, p, (size_t)((end ? end : x.end) - p), end, on_event,
			 arg, e) < 0)
			return -1;
		if (!end)
			break;
		p = end;
	}
	return 0;
}

int sse_end(struct sse *s, sse_on_event *on_event, void *arg, struct err *e)
{
	if (s->broken)
		return too_large(s, e);
	if (!s->held.len)
		return 0;
	s->line = s->after_cr = false;
	return take(s, NULL, 0, true, on_event, arg, e);
}
