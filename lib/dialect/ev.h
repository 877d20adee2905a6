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

#include "base/buf.h"

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
	EV_SIGNATURE,  /* s: what must come back unchanged */
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

enum usage_source {
	USAGE_NONE,     /* nobody said anything yet */
	USAGE_UPSTREAM, /* the upstream's own numbers */
	USAGE_COUNTED,  /* ours: the upstream said none, or nonsense */
	USAGE_PARTIAL,  /* ours, of an answer that broke off */
};

/* The one usage record of all dialects.
 *
 * Input is split into lines that do not overlap: what was read at the full
 * price, what came from a cache, what was written to one; their sum is the
 * prompt.  What is marked "of" is inside another line.
 * -1: not said.  An explicit 0 is a value. */
#define USAGE_FIELDS(X)                                                    \
	X(in_tok)             /* input at the full price */                \
	X(cache_read_tok)     /* input from a cache */                     \
	X(cache_write_tok)    /* input written to a cache: 5 minutes */    \
	X(cache_write_1h_tok) /* ... for an hour */                        \
	X(out_tok)            /* all output, reasoning inside */           \
	X(reasoning_tok)      /* of out_tok */                             \
	X(audio_in_tok)       /* of in_tok */                              \
	X(audio_out_tok)      /* of out_tok */                             \
	X(image_in_tok)       /* of in_tok */                              \
	X(image_out_tok)      /* of out_tok */                             \
	X(cached_audio_tok)   /* of cache_read_tok */                      \
	X(cached_image_tok)   /* of cache_read_tok */                      \
	X(tool_prompt_tok)    /* of in_tok: what upstream tools added */   \
	X(searches)           /* of the web, by a tool of the upstream */  \
	X(fetches)            /* of pages, likewise */                     \
	X(file_searches)      /* likewise */                               \
	X(images)             /* pictures made */                          \
	X(characters)         /* of text spoken */                         \
	X(audio_ms)           /* of sound read or made */

enum service_tier { /* what the upstream says it served, or was asked */
	TIER_DEFAULT,
	TIER_BATCH,
	TIER_FLEX,
	TIER_PRIORITY,
	TIER__COUNT
};

enum usage_flag { /* why the count is not the upstream's word */
	FLAG_NONE,
	FLAG_MISSING, /* it said nothing */
	FLAG_ABSURD,  /* below 0, no number, more than can be */
	FLAG_CLAMPED, /* parts were more than the whole: cut to fit */
	FLAG__COUNT
};

struct usage {
#define X(field) int64_t field;
	USAGE_FIELDS(X)
#undef X
	enum usage_source source;
	enum service_tier tier;
	enum usage_flag flag;
};

/* The largest count that is believed. */
#define USAGE_MAX 1000000000000LL

void usage_init(struct usage *u);       /* nothing said */
bool usage_said(const struct usage *u); /* any count at all? */
bool usage_sane(const struct usage *u); /* no count below -1, above MAX */
int64_t usage_prompt_tok(const struct usage *u); /* all input; -1: not said */
int64_t usage_total_tok(const struct usage *u);  /* input + output, or -1 */
/* in_tok is the whole prompt: takes out of it what the cache lines say.  False
 * where they say more than there is: the cached ones are cut to fit. */
bool usage_split_prompt(struct usage *u);
/* The later word wins, count by count; what it does not say stays. */
void usage_merge(struct usage *u, const struct usage *later);

/* Where nobody counts: a token for every four bytes, rounded up. */
int64_t count_estimate_tok(int64_t n_bytes);

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
