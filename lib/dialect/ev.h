/* ev.h - what can happen in an answer, whoever says it.
 *
 * A decoder turns an upstream's bytes into these events, an encoder turns
 * events into a client's bytes.  A whole answer is the same sequence as a
 * stream:
 *
 *	START  ( TEXT | REASONING | TOOL_START TOOL_ARGS* | ... | BLOCK_END )*
 *	FINISH (one a choice)  USAGE?  END
 *
 * Parts are numbered from 0 in each choice, in order of appearance, and one
 * is open at a time: the next one begins after the BLOCK_END of the last.
 * (EV_TOOL_ARGS may name an earlier tool call: some upstreams interleave the
 * pieces of parallel calls.)  EV_ERROR ends the answer; no EV_END follows.
 * Without EV_END the answer was cut off.
 */
#ifndef DIALECT_EV_H
#define DIALECT_EV_H

#include "dialect/usage.h"

enum ev_kind {
	EV_START,      /* id, name: the answer's id and model; "" unknown */
	EV_TEXT,       /* s */
	EV_REASONING,  /* s */
	EV_TOOL_START, /* part, id, name, custom */
	EV_TOOL_ARGS,  /* part, s: a piece of JSON text, cut anywhere */
	EV_BLOCK_END,  /* part */
	EV_USAGE,      /* usage: totals so far, not increments */
	EV_FINISH,     /* finish */
	EV_ERROR,      /* s: the upstream's message; name: type, id: code */
	EV_SIGNATURE,  /* part, s: what must come back unchanged; name: the
			  dialect that made it, NULL: Anthropic's */
	EV_REFUSAL,    /* s */
	EV_ANNOTATION, /* s: a citation, as JSON */
	EV_VECTOR,     /* choice: which input; s: float32s, little-endian */
	EV_OPAQUE,     /* name, s: what only its own dialect understands */
	EV_END,        /* once, last; a stream without it was cut off */
	EV__COUNT
};

enum finish {
	FINISH_NONE,
	FINISH_STOP,
	FINISH_LENGTH,
	FINISH_TOOLS,
	FINISH_FILTER,
	FINISH_PAUSE, /* the upstream wants to be called again */
	FINISH_ERROR, /* the upstream gave up without saying more */
	FINISH__COUNT
};

struct ev {
	enum ev_kind kind;
	int choice, part; /* which choice, which part of it, from 0 */
	const char *id, *name, *s;
	size_t n;    /* bytes of s; strings are valid until the sink returns */
	bool custom; /* the tool takes free text, not JSON */
	enum finish finish;
	struct usage usage;
};

const char *ev_name(enum ev_kind kind); /* "text" */
/* OpenAI's word, "tool_calls"; NULL for FINISH_NONE. */
const char *finish_name(enum finish f);
/* Any vendor's word, synonyms too; an unknown one is FINISH_STOP, "" and
 * NULL are FINISH_NONE. */
enum finish finish_named(const char *s);

/* One line for people and tests: `text 0.1 "Li"`. */
void ev_print(const struct ev *ev, struct buf *out);

#endif
