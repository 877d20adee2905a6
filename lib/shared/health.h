/* health.h - which channels and keys cool down, known to all workers.
 *
 * What failed is left alone for a while: as long as the provider said, else
 * longer with each failure in a row.  When the time is over one request may
 * try it (half open); its success makes it well, its failure makes it wait
 * again.  Nothing stays so for ever, and after a boot all is well.
 */
#ifndef SHARED_HEALTH_H
#define SHARED_HEALTH_H

#include "shared/shared.h"

#define HEALTH_ROOM 8192 /* what does not fit counts as well */

enum health_of { HEALTH_CHANNEL = 1, HEALTH_KEY };

enum health_state {
	HEALTH_WELL,
	HEALTH_COOLING,
	HEALTH_TRY, /* the caller may, nobody else meanwhile */
	HEALTH_STATE__COUNT
};

struct health_pauses { /* milliseconds */
	int64_t first; /* after one failure; doubled by each that follows */
	int64_t most;  /* of that */
	int64_t asked; /* the most that a provider may ask for */
	int64_t lease; /* a try that says nothing for so long is over */
};

struct health_view {
	enum health_state state; /* TRY: its time is over */
	int failures;            /* in a row */
	int why;                 /* an enum err_code */
	int64_t wait_ms;         /* until it may be tried; 0: now */
	int64_t since_ms;        /* clock_mono_ms() of the first failure */
};

/* May it be used?  TRY is a promise to say good or bad; now_ms:
 * clock_mono_ms(). */
enum health_state health_ask(struct shared *sh, enum health_of of, int64_t id,
			     int64_t now_ms, const struct health_pauses *p);
/* Also what an administrator does who knows better. */
void health_good(struct shared *sh, enum health_of of, int64_t id);
/* wait_ms: what the provider asked for; -1: it said nothing. */
void health_bad(struct shared *sh, enum health_of of, int64_t id, int why,
		int64_t wait_ms, int64_t now_ms, const struct health_pauses *p);
/* Gives a try back that came to nothing, neither good nor bad. */
void health_leave(struct shared *sh, enum health_of of, int64_t id);
void health_look(struct shared *sh, enum health_of of, int64_t id,
		 int64_t now_ms, struct health_view *v);

/* How many of them cool down now. */
int health_cooling(struct shared *sh, enum health_of of, int64_t now_ms);

#endif
