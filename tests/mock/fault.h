/* fault.h - what the fake provider does, by the name of the model; pure.
 *
 * A behaviour is a list of steps, written down in fault.c as a table: the
 * right answer is one of them.  A name that is in no row is answered right.
 */
#ifndef MOCK_FAULT_H
#define MOCK_FAULT_H

#include "base/str.h"

enum step_kind {
	STEP_END,   /* of the answer; the connection stays */
	STEP_WHOLE, /* the right whole answer; text: more header lines */
	STEP_SIZED, /* the same with text of fault arg[0] bytes */
	STEP_HEAD,  /* text: status and header lines; n: enum frame or length */
	STEP_BODY,  /* the right JSON of a whole answer */
	STEP_PIECE, /* text: bytes of the body */
	STEP_RAW,   /* text: bytes past the framing */
	STEP_FILL,  /* text, again and again, up to n bytes of the body */
	STEP_RAWFILL, /* text, n times, past the framing */
	STEP_BOMB,    /* a gzip stream of n bytes that grows 158 times */
	STEP_EVENT,   /* text: the data of an event of its own */
	STEP_ROLE,    /* parts of the right stream ... */
	STEP_CONTENT, /* n: at most so many events; 0: all */
	STEP_PACED,   /* fault arg[0] events, arg[1] ms apart, with the time */
	STEP_FINISH,
	STEP_USAGE,
	STEP_DONE,
	STEP_ERROR,     /* n: status; text: header lines; the usual body */
	STEP_ARG_ERROR, /* the same, the status is fault arg[0] */
	STEP_KEYED,     /* n: status; the message quotes the key that came */
	STEP_PAUSE,     /* n ms */
	STEP_WAIT,      /* fault arg[0] ms */
	STEP_DRIP,      /* from here on a byte each n ms */
	STEP_LOOP,      /* back to the step n, from 0 */
	STEP_SILENCE,   /* for ever */
	STEP_CLOSE,     /* the connection, once all is sent */
	STEP_RESET,     /* the same with an RST */
	STEP__COUNT
};

enum frame { FRAME_LENGTH, FRAME_CHUNKED = -1, FRAME_CLOSE = -2 };

struct step {
	enum step_kind kind;
	const char *text;
	int64_t n;
};

#define FAULT_CRLF        BIT(0) /* how the lines of events end */
#define FAULT_CR          BIT(1)
#define FAULT_MIX         BIT(2)
#define FAULT_USAGE_EVERY BIT(3) /* usage in every event */
#define FAULT_USAGE_LAST  BIT(4) /* in the event that finishes */
#define FAULT_ONCE        BIT(5) /* closes when the connection is used again */
#define FAULT_REASONS     BIT(6) /* thinks aloud first */
#define FAULT_ANY         BIT(7) /* picks another row by chance */

struct fault {
	const char *name; /* ends in '-': numbers follow, split by '-' */
	const char *help;
	const struct step *whole, *stream; /* NULL: the right answer */
	unsigned flags;
	const char *usage; /* instead of the right one; "": no member */
};

/* The row for a model, and the numbers in its name. */
const struct fault *fault_find(struct str model, int64_t arg[3]);
const struct fault *fault_at(size_t i); /* NULL past the last */
/* What the row does; a row with steps for whole answers alone does the same
 * when a stream was asked. */
const struct step *fault_steps(const struct fault *f, bool stream);
/* The row that n chooses among those that end by themselves. */
const struct fault *fault_any(uint64_t n);

#endif
