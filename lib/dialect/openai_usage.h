/* openai_usage.h - what servers that speak OpenAI's dialect say of usage.
 *
 * Cached and written tokens are inside prompt_tokens, reasoning is inside
 * completion_tokens (https://platform.openai.com/docs/api-reference/chat/object);
 * not so at xAI (https://docs.x.ai): reasoning is beside it, and at times the
 * cached ones are.
 */
#ifndef DIALECT_OPENAI_USAGE_H
#define DIALECT_OPENAI_USAGE_H

#include "dialect/chat.h"
#include "dialect/ev.h"

/* Each count and where it stands in the usage object. */
/* clang-format off */
#define OPENAI_COUNTS(X)                                                   \
	X(PROMPT,     "prompt_tokens")                                     \
	X(COMPLETION, "completion_tokens")                                 \
	X(TOTAL,      "total_tokens")                                      \
	X(INPUT,      "input_tokens")                                      \
	X(OUTPUT,     "output_tokens")                                     \
	X(CACHED,     "prompt_tokens_details.cached_tokens")               \
	X(HIT,        "prompt_cache_hit_tokens")       /* DeepSeek */      \
	X(CACHED_TOP, "cached_tokens")                 /* Moonshot */      \
	X(CACHED_NUM, "num_cached_tokens")             /* Mistral */       \
	X(WRITE,      "prompt_tokens_details.cache_write_tokens")          \
	X(CREATION,   "prompt_tokens_details.cache_creation_input_tokens") \
	X(AUDIO_IN,   "prompt_tokens_details.audio_tokens")                \
	X(IMAGE_IN,   "prompt_tokens_details.image_tokens")                \
	X(REASONING,  "completion_tokens_details.reasoning_tokens")        \
	X(AUDIO_OUT,  "completion_tokens_details.audio_tokens")            \
	X(IMAGE_OUT,  "completion_tokens_details.image_tokens")
/* clang-format on */

enum openai_count {
#define X(name, path) OPENAI_##name,
	OPENAI_COUNTS(X)
#undef X
		OPENAI__COUNT
};

struct openai_counts {
	int64_t v[OPENAI__COUNT]; /* -1: not said */
	bool bad;                 /* one of them is no count */
};

void openai_counts_init(struct openai_counts *c);
/* A whole number from 0 to USAGE_MAX is a count; null was not said. */
void openai_count_set(struct openai_counts *c, enum openai_count which,
		      bool is_whole, int64_t v);

enum openai_usage {
	OPENAI_USAGE_NONE, /* {}: nothing was said; a zero is a value */
	OPENAI_USAGE_GOOD,
	OPENAI_USAGE_UNUSABLE, /* a string, below 0, absurd, half missing */
};

enum openai_usage openai_usage_map(const struct openai_counts *c,
				   enum shape shape, bool reasoning_apart,
				   struct usage *u);

#endif
