/* openai_usage.c - see openai_usage.h. */
#include "dialect/openai_usage.h"

void openai_counts_init(struct openai_counts *c)
{
	for (size_t i = 0; i < COUNT(c->v); i++)
		c->v[i] = -1;
	c->bad = false;
}

void openai_count_set(struct openai_counts *c, enum openai_count which,
		      bool is_whole, int64_t v)
{
	if (is_whole && v >= 0 && v <= USAGE_MAX)
		c->v[which] = v;
	else
		c->bad = true;
}

static int64_t first_said(const struct openai_counts *c,
			  const enum openai_count *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c->v[names[i]] >= 0)
			return c->v[names[i]];
	return -1;
}

#define FIRST(c, ...)                                               \
	first_said((c), (const enum openai_count[]){ __VA_ARGS__ }, \
		   COUNT(((const enum openai_count[]){ __VA_ARGS__ })))

/* Cached tokens that are more than the prompt are beside it, or nonsense. */
static bool split(struct usage *u, bool may_be_beside)
{
	if (may_be_beside && u->cache_read_tok > u->in_tok)
		return true;
	return usage_split_prompt(u);
}

enum openai_usage openai_usage_map(const struct openai_counts *c,
				   enum shape shape, bool reasoning_apart,
				   struct usage *u)
{
	usage_init(u);
	u->in_tok = FIRST(c, OPENAI_PROMPT, OPENAI_INPUT);
	u->out_tok = FIRST(c, OPENAI_COMPLETION, OPENAI_OUTPUT);
	if (shape == SHAPE_EMBEDDING && u->in_tok < 0)
		u->in_tok = c->v[OPENAI_TOTAL];
	if (!c->bad && u->in_tok < 0 && u->out_tok < 0) {
		usage_init(u);
		return OPENAI_USAGE_NONE;
	}
	if (c->bad || u->in_tok < 0 ||
	    (u->out_tok < 0 && shape != SHAPE_EMBEDDING))
		return OPENAI_USAGE_UNUSABLE;
	u->cache_read_tok = FIRST(c, OPENAI_CACHED, OPENAI_HIT,
				  OPENAI_CACHED_TOP, OPENAI_CACHED_NUM);
	u->cache_write_tok = FIRST(c, OPENAI_WRITE, OPENAI_CREATION);
	u->audio_in_tok = c->v[OPENAI_AUDIO_IN];
	u->image_in_tok = c->v[OPENAI_IMAGE_IN];
	u->reasoning_tok = c->v[OPENAI_REASONING];
	u->audio_out_tok = c->v[OPENAI_AUDIO_OUT];
	u->image_out_tok = c->v[OPENAI_IMAGE_OUT];
	if (reasoning_apart && u->reasoning_tok > 0)
		u->out_tok += u->reasoning_tok;
	if (!split(u, reasoning_apart))
		return OPENAI_USAGE_UNUSABLE;
	u->source = USAGE_UPSTREAM;
	return OPENAI_USAGE_GOOD;
}
