/* retention.h - how long rows of the log and sums of hours are kept.
 *
 * Only rows that are in the sums (rollup.h) are deleted, oldest first, in
 * short transactions.  What they cost stays known in one number by txn and
 * account (forgotten), by key and by budget, so that `pontage audit` is as
 * exact as before.  The newest row always stays: its number must not be given
 * again.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "base/conf.h"
#include "base/err.h"

struct db;

struct retention {
	int batch; /* rows of the next transaction; 0: the first */
	int64_t rows, hours, batches, longest_us; /* counted up by each call */
	int64_t look_ms; /* clock_mono_ms() of the next look, once all is done */
};

/* Deletes what is older than conf's log_days and usage_days at now_ms, for at
 * most for_ms.  r: { 0 } at first, kept from call to call. */
int retention_run(struct db *db, const struct conf *conf, int64_t now_ms,
		  int64_t for_ms, struct retention *r, struct err *e);
/* From this hour on the log is whole; 0: always has been; -1: error. */
int64_t retention_kept_ms(struct db *db, struct err *e);

#endif
