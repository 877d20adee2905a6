/* reply.h - reads an HTTP/1.1 answer as it comes; pure and bounded. */
#ifndef BENCH_REPLY_H
#define BENCH_REPLY_H

#include "base/buf.h"

enum reply_state {
	REPLY_HEAD,
	REPLY_LENGTH, /* left bytes of the body */
	REPLY_CHUNK_SIZE,
	REPLY_CHUNK, /* left bytes of this chunk */
	REPLY_CHUNK_END,
	REPLY_TRAILER,
	REPLY_CLOSE, /* until the connection closes */
	REPLY_DONE,
	REPLY_BAD, /* broken framing; it stays so */
};

struct reply {
	enum reply_state state;
	struct buf line; /* the head, then the chunk line that is not whole */
	int status;
	bool keep; /* the connection may be used again */
	uint64_t left;
};

void reply_init(struct reply *r);
void reply_start(struct reply *r); /* the next answer */
void reply_release(struct reply *r);
/* Takes bytes; *body is the next piece of the body among them.  Returns how
 * many it took: call again with the rest until it takes 0. */
size_t reply_take(struct reply *r, const char *p, size_t n, struct str *body);
/* The connection closed: a body that ends so is done, another is bad. */
void reply_closed(struct reply *r);

#endif
