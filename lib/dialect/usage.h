/* usage.h - the one usage record of all dialects.
 *
 * Input is split into lines that do not overlap: what was read at the full
 * price, what came from a cache, what was written to one; their sum is the
 * prompt.  What is marked "of" is inside another line, and never more than it.
 * -1: not said.  An explicit 0 is a value.  usage_read.h makes it of what an
 * upstream says.
 */
#ifndef DIALECT_USAGE_H
#define DIALECT_USAGE_H

#include "base/buf.h"

#define USAGE_FIELDS(X)                                                   \
	X(in_tok)             /* input at the full price */               \
	X(cache_read_tok)     /* input from a cache */                    \
	X(cache_write_tok)    /* input written to a cache: 5 minutes */   \
	X(cache_write_1h_tok) /* ... for an hour */                       \
	X(out_tok)            /* all output, reasoning inside */          \
	X(reasoning_tok)      /* of out_tok */                            \
	X(audio_in_tok)       /* of in_tok */                             \
	X(audio_out_tok)      /* of out_tok */                            \
	X(image_in_tok)       /* of in_tok */                             \
	X(image_out_tok)      /* of out_tok */                            \
	X(cached_audio_tok)   /* of cache_read_tok */                     \
	X(cached_image_tok)   /* of cache_read_tok */                     \
	X(tool_prompt_tok)    /* of in_tok: what upstream tools added */  \
	X(searches)           /* of the web, by a tool of the upstream */ \
	X(fetches)            /* of pages, likewise */                    \
	X(file_searches)      /* likewise */                              \
	X(images)             /* pictures made */                         \
	X(characters)         /* of text spoken */                        \
	X(audio_ms)           /* of sound read or made */

enum usage_source {
	USAGE_NONE,     /* nobody said anything yet */
	USAGE_UPSTREAM, /* the upstream's own numbers */
	USAGE_COUNTED,  /* ours: the upstream said none, or nonsense */
	USAGE_PARTIAL,  /* ours, of an answer that broke off */
};

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

/* As they stand in the log; "" for the first of each. */
const char *usage_source_name(enum usage_source s); /* "upstream" */
const char *service_tier_name(enum service_tier t); /* "flex" */
const char *usage_flag_name(enum usage_flag f);     /* "absurd" */

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
/* For people and tests: ` in_tok=20 out_tok=2`. */
void usage_print(const struct usage *u, struct buf *out);

/* Where nobody counts: a token for every four bytes, rounded up. */
int64_t count_estimate_tok(int64_t n_bytes);

/* What we counted ourselves, to judge what the upstream says. */
struct usage_own {
	int64_t prompt_tok;   /* our count of the prompt */
	int64_t prompt_bytes; /* of its text; a token is at least a byte */
	int64_t out_tok;      /* our count of what was delivered */
	int64_t out_bytes;    /* of its text */
	int64_t context_tok;  /* the model's; 0: unknown */
	int64_t prompts;      /* texts to embed or continue; 0: one */
	int64_t choices;      /* answers to each of them; 0: one */
	bool more_in;         /* images, sound or files are not in our count */
};

/* Can it be?  Not where a count is below zero or above USAGE_MAX, where the
 * prompt or a choice is longer than the context, and not where the prompt, or
 * the text of the answer, is more than three times what we counted and a
 * margin for templates.  Hidden reasoning, sound, images and what upstream
 * tools read are not compared: we never see them. */
bool usage_plausible(const struct usage *u, const struct usage_own *own);

#endif
