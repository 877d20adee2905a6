/* check.h - is this the answer that was asked for? pure.
 *
 * Knows what the fake provider says: "echo: " and the user's text, usage of
 * the bytes of both, or the numbered and dated events of mock-stream-N-MS.
 */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include "base/buf.h"

/* clang-format off */
#define FAIL_LIST(X)                                                     \
	X(NONE,       "right")                                           \
	X(CONNECT,    "connect")      /* no connection */                \
	X(STATUS,     "status")       /* not 200 */                      \
	X(CUT,        "cut")          /* closed before its end */        \
	X(FRAMING,    "framing")      /* HTTP that is none */            \
	X(GARBLED,    "garbled")      /* JSON that is none, bad order */ \
	X(WRONG_TEXT, "wrong_text")   /* not the echo */                 \
	X(WRONG_USAGE, "wrong_usage") /* absent, or other numbers */     \
	X(ERROR_EVENT, "error_event") /* an error inside the stream */   \
	X(NO_FINISH,  "no_finish")    /* no finish_reason */             \
	X(NO_DONE,    "no_done")      /* no [DONE] */                    \
	X(MISSING,    "missing")      /* fewer events than asked */      \
	X(TIMEOUT,    "timeout")
/* clang-format on */

enum fail {
#define X(name, word) FAIL_##name,
	FAIL_LIST(X)
#undef X
		FAIL__COUNT
};

/* What all requests of a run have in common. */
struct expect {
	bool stream;
	bool echo; /* "echo: " and the text must come back */
	enum usage { USAGE_ANY, USAGE_RIGHT, USAGE_NONE } usage;
	int64_t events; /* numbered events; 0: none */
};

struct check {
	const struct expect *want;
	struct str asked; /* the user's text of this request */
	struct buf body;  /* whole: all; stream: the line that is not whole */
	struct buf text;  /* of a stream */
	int64_t next;     /* number of the next event */
	bool finished, done, counted;
	enum fail fail; /* the first */
};

void check_init(struct check *c, const struct expect *want);
void check_release(struct check *c);
void check_start(struct check *c, struct str asked);
/* Bytes of the body.  on_event(arg, sent_us): a content event; sent_us is the
 * time inside it, 0 if there is none. */
void check_take(struct check *c, struct str body,
		void (*on_event)(void *arg, int64_t sent_us), void *arg);
/* The body is whole. */
enum fail check_end(struct check *c);
const char *check_word(enum fail fail);

#endif
