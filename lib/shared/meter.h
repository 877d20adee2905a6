/* meter.h - limits that all workers keep together: requests and tokens a
 * minute, requests a day, requests at once.
 *
 * A window is opened by its first request and lasts a minute or a day; its
 * start and its count are one word, so nobody sees one without the other.
 * What is at once is a column for each process, summed at the check; a dead
 * process's column is zeroed with its slot.  Nothing here is precious: after
 * a boot all begins anew.
 *
 * The table holds METER_ROOM different keys, users, channels; for those that
 * no longer fit each process keeps its share of the limit alone.
 */
#ifndef SHARED_METER_H
#define SHARED_METER_H

#include "base/str.h"
#include "shared/shared.h"

#define METER_ROOM 16384
#define METER_MAX  6 /* meters of one request */

enum meter_of {
	METER_TOKEN = 1, /* an API key */
	METER_USER,
	METER_GROUP,
	METER_MODEL,
	METER_CHANNEL,
	METER_KEY, /* of a channel */
};

enum meter_what {
	METER_RPM, /* requests a minute */
	METER_TPM, /* model tokens a minute */
	METER_RPD, /* requests a day */
	METER_WINDOWS,
	METER_CONCURRENCY = METER_WINDOWS, /* at once */
	METER_WHAT__COUNT
};

struct meter_ask {
	enum meter_of of;
	uint64_t who;                     /* an id, or meter_name() */
	int64_t limit[METER_WHAT__COUNT]; /* 0: none; UINT32_MAX at most */
};

struct meter_request {
	struct meter_ask asks[METER_MAX];
	int n;
	int64_t tokens;
};

/* What a request has taken; all zero: nothing. */
struct meter_hold {
	int n;
	int64_t tokens;
	struct meter_part {
		struct meter *at;
		uint32_t start[METER_WINDOWS]; /* the window; 0: no limit */
		bool counted;                  /* among those at once */
	} parts[METER_MAX];
};

struct meter_no {  /* why a request may not */
	int which; /* of the asks */
	enum meter_what what;
	int64_t limit;
	int64_t wait_ms; /* until the window ends; -1: it never fits; 0: unknown */
};

/* Stands for a group or a model. */
uint64_t meter_name(struct str name);

/* Takes the request from all of its meters or from none; false: no says which
 * refused.  now_ms: clock_mono_ms(). */
bool meter_take(struct shared *sh, struct shared_slot *slot,
		const struct meter_request *r, int64_t now_ms,
		struct meter_hold *hold, struct meter_no *no);
/* The request used so many tokens: corrects the windows it was taken from, as
 * far as they still last.  May be called again. */
void meter_correct(struct meter_hold *hold, int64_t tokens);
/* Nothing came of it: gives the windows back too, as far as they still last.
 * Safe to call twice, as is meter_give(). */
void meter_undo(struct shared *sh, struct shared_slot *slot,
		struct meter_hold *hold);
/* It is over. */
void meter_give(struct shared *sh, struct shared_slot *slot,
		struct meter_hold *hold);

struct meter_view {
	int64_t used[METER_WHAT__COUNT];
	int64_t reset_ms[METER_WINDOWS]; /* until the window ends; 0: none */
};
/* Without taking anything. */
void meter_look(struct shared *sh, enum meter_of of, uint64_t who,
		int64_t now_ms, struct meter_view *v);

#endif
