/* upkeep.h - what an installation wants done now and then, whoever does it:
 * the spool replayed, the bills of workers that died, the WAL written back.
 *
 * `pontage tick` does it for ever beside `pontage serve`.  Where there is no
 * tick (mod_fcgid, plain CGI) the relay's workers do, one of them at a time:
 * the file tick.lock in the state folder is locked by who is at it, and its
 * time says when that was.
 */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "base/conf.h"
#include "base/err.h"
#include "store/ageing.h"

struct db;
struct shared;
struct shared_slot;

#define UPKEEP_MS 5000 /* between two rounds of workers */

struct upkeep {
	const struct conf *conf;
	struct shared *shared;
	struct shared_slot *slot; /* whose counters count it; NULL: nobody's */
	int64_t look_ms;          /* clock_mono_ms() of the next look */
	struct ageing ageing;
};

/* Makes the folders that it writes in.  Before the sandbox. */
int upkeep_prepare(const struct conf *conf, struct err *e);
/* One round; how many of its tasks failed (the log says why). */
int upkeep_round(struct upkeep *u, struct db *db);
/* False: a tick lives, or it is not time to look. */
bool upkeep_wanted(struct upkeep *u);
/* After a true upkeep_wanted(): a round, unless somebody else is at it or was
 * within UPKEEP_MS.  True: it was done. */
bool upkeep_worker(struct upkeep *u, struct db *db);

#endif
