/* hist.h - how long things took: counts in buckets 1.6 % wide; pure. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include "base/base.h"

#define HIST_STEPS 64L /* buckets a power of two */

struct hist {
	uint64_t n, count[36 * HIST_STEPS];
	int64_t max_us, sum_us;
};

void hist_add(struct hist *h, int64_t us); /* below 0 counts as 0 */
/* The value that ppm of a million do not pass; 0 where there is none. */
int64_t hist_at(const struct hist *h, int64_t ppm);

#endif
