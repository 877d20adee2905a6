/* ward.h - provider keys that the gateway itself has disabled.
 *
 * A key fails alone; with the last that works its channel is disabled too, and
 * comes back with the first that works again (a trigger of the schema).  A
 * disabled key is probed: first after a pause, then each time after as long
 * as it has been disabled already, so less and less often, but for ever.
 */
#ifndef STORE_WARD_H
#define STORE_WARD_H

#include "base/conf.h"
#include "base/err.h"

struct db;

struct ward {
	int64_t channel_id, key_id;
	const char *reason; /* the provider's words, scrubbed */
	int64_t probe_ms;   /* wall time of the first probe */
	bool changed;       /* out: it was not disabled before */
	bool whole;         /* out: and the channel is now, too */
};

/* A key that administrators have disabled, or that is gone, stays as it is. */
int ward_put(struct db *db, struct ward *w, int64_t now_ms, struct err *e);
/* It works again.  1; 0: it was not disabled. */
int ward_lift(struct db *db, int64_t key_id, int64_t now_ms, struct err *e);
/* Queues a job for one key whose probe is due, at the hours that the settings
 * allow.  1; 0: none is; -1. */
int ward_probe(struct db *db, const struct conf *c, int64_t now_ms,
	       struct err *e);
#define WARD_JOB "probe" /* its kind; args: {"key":3} */

#endif
