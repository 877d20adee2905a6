/* sse.h - reads a stream of server-sent events, cut anywhere.
 *
 *	sse_init(&s, max_event_bytes);
 *	for each piece of the stream:
 *		sse_feed(&s, p, n, on_event, arg, e)
 *	sse_end(&s, on_event, arg, e)
 *
 * Framing as in the HTML standard, 9.2: lines end with LF, CRLF or CR, a byte
 * order mark may come first; but a last event without its empty line counts.
 *
 * Invariant: the raw bytes of all that is delivered, one after the other, are
 * the bytes that were fed, so they can be passed on as they came.  An event
 * that lies whole in one piece is not copied, and between events no memory
 * is held.  What a CR at the end of a piece has ended is delivered at once;
 * an LF that follows belongs to the raw bytes of the next.
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include "base/buf.h"
#include "base/err.h"

/* All is valid until the callback returns. */
struct sse_event {
	struct str name; /* STR_NONE: none */
	struct str data; /* data lines, joined with \n; STR_NONE: there is no
			    data line, only comments, other fields, or the
			    empty line alone */
	struct str raw;  /* up to and including the empty line */
};

/* -1 with e set ends the feeding; it must not call the reader. */
typedef int sse_on_event(void *arg, const struct sse_event *ev, struct err *e);

struct sse {
	struct buf held; /* the beginning of an event */
	size_t max;      /* bytes of an event, raw */
	bool line;       /* inside a line that is not empty */
	bool after_cr;   /* an LF that comes next is part of the CR's end */
	bool begun;      /* past where a byte order mark may be */
	bool glued;      /* held begins with such an LF, of the last event */
	bool broken;
};

void sse_init(struct sse *s, size_t max);
void sse_release(struct sse *s); /* safe to call twice */
void sse_reset(struct sse *s);   /* as after sse_init() */

/* 0; -1: an event is larger than max (ERR_UP_BROKEN), or the callback's.  The
 * reader wants a reset then. */
int sse_feed(struct sse *s, const char *p, size_t n, sse_on_event *on_event,
	     void *arg, struct err *e);
/* The stream is over: delivers what is left. */
int sse_end(struct sse *s, sse_on_event *on_event, void *arg, struct err *e);

#endif
