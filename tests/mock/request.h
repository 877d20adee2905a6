/* request.h - the head of an HTTP/1.1 request; pure and bounded. */
#ifndef MOCK_REQUEST_H
#define MOCK_REQUEST_H

#include "base/str.h"

#define REQUEST_HEAD_BYTES (256 << 10)
#define REQUEST_BODY_BYTES (64 << 20)

/* Spans point into the bytes that were read. */
struct request {
	struct str method, path;
	struct str id;  /* X-Request-Id, or X-Client-Request-Id */
	struct str key; /* what follows "Bearer " */
	struct str body;
	size_t head_bytes, body_bytes;
	bool keep;    /* the connection stays open after the answer */
	bool old;     /* HTTP/1.0: no chunks */
	bool expects; /* wants "100 Continue" */
};

/* 1: the head is whole; 0: more bytes are needed; else the status to refuse
 * with.  The body follows the head and is complete once in holds
 * head_bytes + body_bytes. */
int request_read(struct request *r, struct str in);

#endif
