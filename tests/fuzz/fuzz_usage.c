/* fuzz_usage.c - any bytes as a usage object of any dialect: what comes of it
 * can be charged.  No line is below zero, no part is more than its whole, and
 * what is kept for the receipt reads the same. */
#include <assert.h>

#include "dialect/usage_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_parts(const struct usage *u)
{
	int64_t of_in = MAX(u->audio_in_tok, 0) + MAX(u->image_in_tok, 0);
	int64_t of_out = MAX(u->reasoning_tok, 0) + MAX(u->audio_out_tok, 0) +
			 MAX(u->image_out_tok, 0);
	int64_t cached =
		MAX(u->cached_audio_tok, 0) + MAX(u->cached_image_tok, 0);

	assert(usage_sane(u));
	assert(of_in <= MAX(u->in_tok, 0));
	assert(of_out <= MAX(u->out_tok, 0));
	assert(cached <= MAX(u->cache_read_tok, 0));
	assert(u->tool_prompt_tok <= MAX(u->in_tok, 0));
}

/* No token is on two lines of input. */
static void check_prompt(const struct usage_heard *h, const struct usage *u)
{
	int64_t said = 0;
	static const enum usage_word words[] = {
		WORD_IN,
		WORD_TOOL_PROMPT,
		WORD_READ,
		WORD_TOTAL,
	};

	for (size_t i = 0; i < COUNT(words); i++)
		said += MAX(h->v[words[i]], 0);
	said += MAX(MAX(h->v[WORD_WRITE], 0),
		    MAX(h->v[WORD_WRITE_5M], 0) + MAX(h->v[WORD_WRITE_1H], 0));
	assert(usage_prompt_tok(u) <= said);
}

static bool same(const struct usage_heard *a, const struct usage_heard *b)
{
	return !memcmp(a->v, b->v, sizeof(a->v)) && a->tier == b->tier;
}

static void check_raw(enum usage_dialect d, struct str object,
		      const struct usage_heard *h)
{
	struct usage_heard again;
	struct buf raw;

	buf_init(&raw, USAGE_RAW_MAX + 1);
	usage_raw(object, &raw);
	assert(buf_ok(&raw) && raw.len <= USAGE_RAW_MAX);
	for (size_t i = 0; i < raw.len; i++)
		assert((unsigned char)raw.p[i] >= 0x20);
	usage_heard_init(&again);
	if (raw.len) {
		assert(usage_read(d, buf_span(&raw), &again));
		assert(same(&again, h));
	}
	buf_release(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct usage_heard h, first;
	struct usage u;
	struct str object;
	enum usage_dialect d;
	enum usage_needs needs;

	if (n < 2)
		return 0;
	d = data[0] % USAGE_DIALECT__COUNT;
	needs = data[1] % 3;
	object = (struct str){ (const char *)data + 2, n - 2 };
	usage_heard_init(&h);
	usage_heard_init(&first);
	if (usage_hear(d, needs, object, &h, &u) == USAGE_GOOD) {
		check_parts(&u);
		check_prompt(&h, &u);
	}
	if (usage_read(d, object, &first))
		check_raw(d, object, &first);
	/* Said again it is the same. */
	usage_hear(d, needs, object, &h, &u);
	assert(same(&h, &first));
	return 0;
}
