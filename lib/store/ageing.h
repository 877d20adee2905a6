/* ageing.h - what time does to the books: requests are summed up by hour, old
 * rows deleted, closed months archived; one process of an installation at a
 * time, under a lock on the file `ageing.lock` in the state folder.
 */
#ifndef STORE_AGEING_H
#define STORE_AGEING_H

#include "store/archive.h"
#include "store/retention.h"
#include "store/rollup.h"

struct ageing {
	int64_t for_ms; /* of each of the three in one round; 0: 50 */
	struct rollup rollup;
	struct retention retention;
	struct archive archive;
	int lock_fd; /* held while a month is being archived; 0: is not */
};

/* The path of the lock, for rollup_rebuild() and archive_month(). */
void ageing_lock_path(const struct conf *conf, struct buf *path);
/* One round: nothing where somebody else is at it. */
int ageing_run(struct ageing *a, const struct conf *conf, struct db *db,
	       struct err *e);
void ageing_stop(struct ageing *a); /* leaves a month that is under way */

#endif
