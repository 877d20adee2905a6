/* fcgi.h - the web server's side of FastCGI; pure.
 *
 * Source: FastCGI Specification 1.0, sections 3 and 5.  fcgi_request() writes
 * the records of one request; fcgi_read() takes what comes back.
 */
#ifndef RELAY_FCGI_H
#define RELAY_FCGI_H

#include "base/buf.h"
#include "relay_case.h"

enum fcgi_type {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_ABORT_REQUEST,
	FCGI_END_REQUEST,
	FCGI_PARAMS,
	FCGI_STDIN,
	FCGI_STDOUT,
	FCGI_STDERR,
};

/* A request as written in a file: "METHOD path", headers, an empty line, the
 * body.  A header "$NAME: value" is a parameter of that name. */
struct fcgi_request {
	struct str method, uri, body;
	struct case_pairs headers;
};

int fcgi_parse(struct fcgi_request *r, struct str text, struct err *e);
/* Records of at most record_bytes each; body_bytes cuts the body short, as a
 * client does that leaves (SIZE_MAX: all, and its end). */
void fcgi_request(struct buf *out, const struct fcgi_request *r, bool keep,
		  size_t record_bytes, size_t body_bytes);
void fcgi_abort(struct buf *out);

struct fcgi_answer {
	struct buf out, err; /* what came on the two streams */
	bool ended;          /* FCGI_END_REQUEST came */
	int64_t app_status;
};

/* Takes the whole records at the start of in; how many bytes, or -1. */
int64_t fcgi_read(struct fcgi_answer *a, struct str in, struct err *e);

#endif
