/* hist.c - see hist.h. */
#include "hist.h"

/* Values below 2 * HIST_STEPS stand for themselves; above, the top seven bits
 * choose the bucket. */
static size_t bucket_of(int64_t us)
{
	int64_t shift = 0;

	while (us >> shift >= 2 * HIST_STEPS)
		shift++;
	return (size_t)(shift * HIST_STEPS + (us >> shift));
}

static int64_t top_of(size_t bucket)
{
	size_t shift;

	if (bucket < 2 * HIST_STEPS)
		return (int64_t)bucket;
	shift = bucket / HIST_STEPS - 1;
	return (int64_t)((bucket - shift * HIST_STEPS + 1) << shift) - 1;
}

void hist_add(struct hist *h, int64_t us)
{
	size_t at;

	if (us < 0)
		us = 0;
	at = bucket_of(us);
	h->count[MIN(at, COUNT(h->count) - 1)]++;
	h->n++;
	h->sum_us += us;
	h->max_us = MAX(h->max_us, us);
}

int64_t hist_at(const struct hist *h, int64_t ppm)
{
	uint64_t want = (h->n * (uint64_t)ppm + 999999) / 1000000, seen = 0;

	for (size_t i = 0; h->n && i < COUNT(h->count); i++) {
		seen += h->count[i];
		if (seen >= want && seen)
			return MIN(top_of(i), h->max_us);
	}
	return h->max_us;
}
