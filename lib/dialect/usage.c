/* usage.c - see usage.h. */
#include "dialect/usage.h"

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define X(field) { #field, offsetof(struct usage, field) },
	USAGE_FIELDS(X)
#undef X
};

static int64_t get(const struct usage *u, const struct field *f)
{
	return *(const int64_t *)((const char *)u + f->at);
}

static void set(struct usage *u, const struct field *f, int64_t v)
{
	*(int64_t *)((char *)u + f->at) = v;
}

const char *usage_source_name(enum usage_source s)
{
	static const char *const names[] = {
		[USAGE_NONE] = "",
		[USAGE_UPSTREAM] = "upstream",
		[USAGE_COUNTED] = "counted",
		[USAGE_PARTIAL] = "partial",
	};

	return names[s];
}

const char *service_tier_name(enum service_tier t)
{
	static const char *const names[TIER__COUNT] = {
		[TIER_DEFAULT] = "",
		[TIER_BATCH] = "batch",
		[TIER_FLEX] = "flex",
		[TIER_PRIORITY] = "priority",
	};

	return names[t];
}

const char *usage_flag_name(enum usage_flag f)
{
	static const char *const names[FLAG__COUNT] = {
		[FLAG_NONE] = "",
		[FLAG_MISSING] = "missing",
		[FLAG_ABSURD] = "absurd",
		[FLAG_CLAMPED] = "clamped",
	};

	return names[f];
}

void usage_init(struct usage *u)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		set(u, &fields[i], -1);
	u->source = USAGE_NONE;
	u->tier = TIER_DEFAULT;
	u->flag = FLAG_NONE;
}

bool usage_said(const struct usage *u)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (get(u, &fields[i]) >= 0)
			return true;
	return false;
}

bool usage_sane(const struct usage *u)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (get(u, &fields[i]) < -1 || get(u, &fields[i]) > USAGE_MAX)
			return false;
	return true;
}

int64_t usage_prompt_tok(const struct usage *u)
{
	const int64_t lines[] = { u->in_tok, u->cache_read_tok,
				  u->cache_write_tok, u->cache_write_1h_tok };
	int64_t sum = -1;

	for (size_t i = 0; i < COUNT(lines); i++)
		if (lines[i] >= 0)
			sum = MAX(sum, 0) + lines[i];
	return sum;
}

int64_t usage_total_tok(const struct usage *u)
{
	int64_t in = usage_prompt_tok(u);

	if (in < 0 && u->out_tok < 0)
		return -1;
	return MAX(in, 0) + MAX(u->out_tok, 0);
}

bool usage_split_prompt(struct usage *u)
{
	int64_t *lines[] = { &u->cache_read_tok, &u->cache_write_tok,
			     &u->cache_write_1h_tok };
	bool fits = true;

	for (size_t i = 0; i < COUNT(lines); i++) {
		if (*lines[i] > u->in_tok) {
			*lines[i] = MAX(u->in_tok, 0);
			fits = false;
		}
		if (*lines[i] > 0)
			u->in_tok -= *lines[i];
	}
	return fits;
}

void usage_merge(struct usage *u, const struct usage *later)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (get(later, &fields[i]) >= 0)
			set(u, &fields[i], get(later, &fields[i]));
	if (later->source != USAGE_NONE) {
		u->source = later->source;
		u->flag = later->flag;
	}
	if (later->tier != TIER_DEFAULT)
		u->tier = later->tier;
}

void usage_print(const struct usage *u, struct buf *out)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (get(u, &fields[i]) >= 0)
			buf_printf(out, " %s=%lld", fields[i].name,
				   (long long)get(u, &fields[i]));
}

int64_t count_estimate_tok(int64_t n_bytes)
{
	return n_bytes > 0 ? (n_bytes - 1) / 4 + 1 : 0;
}

/* --- can it be? ------------------------------------------------------------
 */

enum {
	MARGIN_TOK = 4096,       /* templates, a vendor's own instructions */
	TIMES = 3,               /* ... our count */
	CONTEXT_TOK = 100000000, /* no model reads more */
};

/* Our count may be an estimate: where that says less than a token a byte,
 * a token a byte is believed too. */
static int64_t most(int64_t tok, int64_t bytes)
{
	return MAX(MAX(tok, 0) * TIMES, MAX(bytes, 0)) + MARGIN_TOK;
}

/* Longer than the model reads or says? */
static bool too_long(const struct usage *u, const struct usage_own *own)
{
	int64_t context = own->context_tok ? own->context_tok : CONTEXT_TOK;
	int64_t prompts = MAX(own->prompts, 1);

	context += MARGIN_TOK;
	return usage_prompt_tok(u) / prompts > context ||
	       u->out_tok / prompts / MAX(own->choices, 1) > context;
}

bool usage_plausible(const struct usage *u, const struct usage_own *own)
{
	int64_t hidden = MAX(u->reasoning_tok, 0) + MAX(u->audio_out_tok, 0) +
			 MAX(u->image_out_tok, 0);
	bool more_in = own->more_in || u->searches > 0 || u->fetches > 0 ||
		       u->tool_prompt_tok > 0 || u->audio_in_tok > 0 ||
		       u->image_in_tok > 0;

	if (!usage_sane(u) || too_long(u, own))
		return false;
	if (!more_in &&
	    usage_prompt_tok(u) > most(own->prompt_tok, own->prompt_bytes))
		return false;
	return u->out_tok - hidden <= most(own->out_tok, own->out_bytes);
}
