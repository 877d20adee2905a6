/* usage_read.h - what an upstream says of usage, in its dialect's words.
 *
 *	usage_heard_init(&h)
 *	for each usage object of the answer:
 *		usage_hear(USAGE_ANTHROPIC, USAGE_NEEDS_BOTH, object, &h, &u)
 *
 * One table for all dialects, usage_words.def.  What was heard is kept in the
 * upstream's terms until the end, for a stream may say part of it first and
 * part of it later (Anthropic's message_start and message_delta).
 */
#ifndef DIALECT_USAGE_READ_H
#define DIALECT_USAGE_READ_H

#include "dialect/usage.h"

enum usage_dialect {
#define D(id, rows, cache, reasoning, zeros) USAGE_##id,
#include "dialect/usage_words.def"
#undef D
	USAGE_DIALECT__COUNT
};

enum usage_word {
	WORD_IN,
	WORD_OUT,
	WORD_TOTAL,
	WORD_READ,     /* from a cache */
	WORD_WRITE,    /* to a cache: all of it */
	WORD_WRITE_5M, /* ... of which for five minutes */
	WORD_WRITE_1H, /* ... for an hour */
	WORD_REASONING,
	WORD_REASONING_TOP, /* beside the output where it is more than that */
	WORD_AUDIO_IN,
	WORD_IMAGE_IN,
	WORD_AUDIO_OUT,
	WORD_IMAGE_OUT,
	WORD_CACHED_AUDIO,
	WORD_CACHED_IMAGE,
	WORD_TOOL_PROMPT, /* beside the input */
	WORD_SEARCHES,
	WORD_FETCHES,
	WORD_IMAGES,
	WORD_CHARACTERS,
	WORD_AUDIO_MS,
	WORD__COUNT
};

struct usage_heard {
	int64_t v[WORD__COUNT]; /* -1: not said */
	enum service_tier tier;
};

void usage_heard_init(struct usage_heard *h);

/* Reads one usage object, JSON that was checked.  What it says replaces what
 * was heard, what it does not say (absent or null) stays.  False, and nothing
 * taken: a count is no whole number from 0 to USAGE_MAX. */
bool usage_read(enum usage_dialect d, struct str object, struct usage_heard *h);

enum usage_needs { /* what must be said, or the usage is not usable */
		   USAGE_NEEDS_BOTH,  /* input and output */
		   USAGE_NEEDS_INPUT, /* embeddings; the total does too */
		   USAGE_NEEDS_ANY, /* sound, images: whatever is counted there */
};

enum usage_result {
	USAGE_SAID_NOTHING, /* {}; a zero is a value */
	USAGE_GOOD,         /* u is filled in; its flag may be FLAG_CLAMPED */
	USAGE_UNUSABLE,     /* the flag says why: half of it is missing, or it
			       is more than can be */
};

enum usage_result usage_map(const struct usage_heard *h, enum usage_dialect d,
			    enum usage_needs needs, struct usage *u);

/* Both: what the answer has said, with this object.  USAGE_UNUSABLE with
 * FLAG_ABSURD where the object cannot be read. */
enum usage_result usage_hear(enum usage_dialect d, enum usage_needs needs,
			     struct str object, struct usage_heard *h,
			     struct usage *u);

/* The word of an upstream for how it served: "flex"; an unknown one is
 * TIER_DEFAULT. */
enum service_tier service_tier_named(struct str word);

/* Sets out to the object's text for a receipt, without the space between its
 * tokens; to "" where that is more than USAGE_RAW_MAX. */
#define USAGE_RAW_MAX 2048
void usage_raw(struct str object, struct buf *out);

#endif
