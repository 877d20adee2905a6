/* bill.c - what a request did cost; see bill.h. */
#include "policy/bill_in.h"

#include "base/nusd.h"

#include <assert.h>

/* What lines.def counts: the usage, and the request itself. */
struct counts {
#define X(field) int64_t field;
	USAGE_FIELDS(X)
#undef X
	int64_t ONCE;
};

static const size_t counters[] = {
#define L(name, unit, counter, ...) \
	[LINE_##name] = offsetof(struct counts, counter),
#include "store/lines.def"
#undef L
};

/* --- amounts -------------------------------------------------------------- */

int64_t bill_add(int64_t a, int64_t b)
{
	int64_t sum = nusd_add(a, b);

	return MIN(sum, NUSD_MAX);
}

static int64_t common(int64_t a, int64_t b)
{
	while (b) {
		int64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

int64_t bill_amount(const struct bill_line *l)
{
	int64_t num, den = (int64_t)PPM * PPM, by;
	__int128 v = (__int128)l->count * l->nusd, whole;

	assert(l->count >= 0 && l->nusd >= 0);
	if (__builtin_mul_overflow(l->tier_ppm, l->factor_ppm, &num))
		return NUSD_MAX;
	/* First what both have, so that only absurd amounts overflow. */
	by = common(den, num);
	num /= by;
	den /= by;
	if (__builtin_mul_overflow(v, (__int128)num, &v))
		return NUSD_MAX;
	whole = (__int128)den * line_unit(l->line)->per;
	v = v / whole + (v % whole != 0);
	return v > NUSD_MAX ? NUSD_MAX : (int64_t)v;
}

int64_t bill_tier_ppm(const struct book_price *p, enum service_tier t)
{
	const int64_t ppm[TIER__COUNT] = {
		[TIER_BATCH] = p->batch_ppm,
		[TIER_FLEX] = p->flex_ppm,
		[TIER_PRIORITY] = p->priority_ppm,
	};

	return ppm[t] ? ppm[t] : PPM;
}

/* --- which price ---------------------------------------------------------- */

/* How well a price's variant fits the picture: 0: not at all. */
static int fits(const char *variant, const char *image)
{
	size_t n = strlen(variant);

	if (!n)
		return 1;
	if (!image || strncmp(variant, image, n) != 0)
		return 0;
	return !image[n] ? 3 : image[n] == '/' ? 2 : 0;
}

static const struct price_line *own_price(const struct book_price *p,
					  enum line l, const char *image,
					  int64_t prompt_tok)
{
	const struct price_line *best = NULL;
	int fit, best_fit = 0;

	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *at = &p->lines[i];

		if (at->line != l || at->from_tok > prompt_tok)
			continue;
		fit = fits(at->variant, image);
		if (fit > best_fit ||
		    (fit && fit == best_fit && at->from_tok > best->from_tok)) {
			best = at;
			best_fit = fit;
		}
	}
	return best;
}

const struct price_line *bill_price(const struct book_price *p, enum line l,
				    const char *image, int64_t prompt_tok)
{
	const struct line_info *info = line_info(l);
	const struct price_line *at = own_price(p, l, image, prompt_tok);

	for (size_t i = 0; !at && i < COUNT(info->els); i++)
		if (info->els[i] != LINE_none)
			at = own_price(p, info->els[i], image, prompt_tok);
	return at;
}

/* --- the bill ------------------------------------------------------------- */

static void count_all(const struct usage *u, int64_t counts[LINE__COUNT])
{
	struct counts c = {
#define X(field) .field = u->field,
		USAGE_FIELDS(X)
#undef X
			.ONCE = usage_said(u),
	};

	for (int l = 0; l < LINE__COUNT; l++) {
		memcpy(&counts[l], (const char *)&c + counters[l],
		       sizeof(counts[l]));
		counts[l] = MAX(counts[l], 0);
	}
}

/* Takes the parts out of their wholes; one that has its whole's price stays
 * in there. */
static void part(const struct price_line *const at[LINE__COUNT],
		 int64_t counts[LINE__COUNT], struct bill *out)
{
	for (int l = 0; l < LINE__COUNT; l++) {
		enum line whole = line_info((enum line)l)->part_of;

		if (whole == LINE_none)
			continue;
		if (counts[l] > counts[whole]) {
			counts[l] = counts[whole];
			out->clamped = true;
		}
		if (at[l] == at[whole])
			counts[l] = 0;
		counts[whole] -= counts[l];
	}
}

static void add_line(struct bill *out, const struct book_price *p, enum line l,
		     const struct price_line *at, const struct usage *u,
		     int64_t count, int64_t factor_ppm)
{
	struct bill_line *to = &out->lines[out->n++];

	*to = (struct bill_line){
		.line = l,
		.variant = at->variant,
		.from_tok = at->from_tok,
		.count = count,
		.nusd = at->nusd,
		.tier_ppm =
			line_info(l)->tiered ? bill_tier_ppm(p, u->tier) : PPM,
		.factor_ppm = factor_ppm,
	};
	to->amount_nusd = bill_amount(to);
	out->amount_nusd = bill_add(out->amount_nusd, to->amount_nusd);
}

void bill_make_image(const struct book_price *p, const struct usage *u,
		     int64_t factor_ppm, const char *image, struct bill *out)
{
	const struct price_line *at[LINE__COUNT];
	int64_t counts[LINE__COUNT], prompt_tok = MAX(usage_prompt_tok(u), 0);

	*out = (struct bill){ .n = 0 };
	if (p->free)
		return;
	count_all(u, counts);
	for (int l = 0; l < LINE__COUNT; l++)
		at[l] = bill_price(p, (enum line)l, image, prompt_tok);
	part(at, counts, out);
	for (int l = 0; l < LINE__COUNT; l++)
		if (counts[l] && at[l])
			add_line(out, p, (enum line)l, at[l], u, counts[l],
				 factor_ppm);
}

void bill_make(const struct book_price *p, const struct usage *u,
	       int64_t factor_ppm, struct bill *out)
{
	bill_make_image(p, u, factor_ppm, NULL, out);
}

int64_t bill_cost(const struct book_price *p, const struct usage *u,
		  int64_t factor_ppm)
{
	struct bill b;

	bill_make(p, u, factor_ppm, &b);
	return b.amount_nusd;
}

int64_t bill_prompt_tok(const struct ask *ask)
{
	return count_estimate_tok(ask->text_bytes);
}
