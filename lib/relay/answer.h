/* answer.h - the heads and error bodies that callers get from us. */
#ifndef RELAY_ANSWER_H
#define RELAY_ANSWER_H

#include "base/buf.h"
#include "base/err.h"

struct relay_header {
	const char *name;
	struct str value;
};

/* An error as a caller reads it. */
struct answer_error {
	const struct err *err;
	int status;             /* 0: what the error says */
	const char *code;       /* NULL: what the error says */
	int64_t retry_after_ms; /* -1: nothing is said; or ANSWER_NEVER */
	const char *receipt;    /* the id of one; NULL: there is none */
	const struct relay_header *more; /* lines behind ours */
	int n_more;                      /* ANSWER_MORE at most */
};
#define ANSWER_NEVER (-2) /* waiting does not help: x-should-retry: false */
#define ANSWER_MORE  8

/* The head as CGI wants it: "Status: 200 OK", the lines, the empty line.
 * Values with control bytes are left out. */
void answer_head(struct buf *out, int status, const struct relay_header *h,
		 int n);
#define ANSWER_HEADERS 6
#define ANSWER_TEXT    24
/* The lines of an error's head, without its `more`: x-request-id and what the
 * error asks for (Retry-After, retry-after-ms, x-should-retry).  text: memory
 * for them. */
int answer_error_lines(const struct answer_error *a, const char *request_id,
		       struct relay_header h[static ANSWER_HEADERS],
		       char text[static ANSWER_TEXT]);
/* The error object, in OpenAI's shape: exactly four keys. */
void answer_error_body(struct buf *out, const struct answer_error *a);
/* The whole answer, head and body. */
void answer_error(struct buf *out, const struct answer_error *a,
		  const char *request_id);
int answer_status(const struct answer_error *a);

#endif
