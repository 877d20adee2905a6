/* shared_in.h - the file itself: what shared.c and shared_file.c share. */
#ifndef SHARED_SHARED_IN_H
#define SHARED_SHARED_IN_H

#include "shared/health.h"
#include "shared/meter.h"

#include <stdatomic.h>

/* claim: whose slot it is, pid << 32 | the low half of the time it started,
 * in one word so that it is taken and given in one step; 0: nobody's. */
struct shared_slot {
	_Alignas(64) _Atomic uint64_t claim;
	_Atomic int64_t worker_id; /* 0: not filled in yet */
	_Atomic int kind, state, generation;
	_Atomic int64_t started_mono_ms, beat_mono_ms;
	_Atomic int64_t inflight, streams, pss_kb;
	_Atomic int64_t counters[SHARED_COUNTER__COUNT];
};

#define SHARED_MAGIC "pontage shared\n"

struct shared_head {
	char magic[sizeof(SHARED_MAGIC)];
	uint32_t layout, n_slots, n_counters;
	char kernel[40]; /* the kernel's name of this boot */
	int64_t boot;
};

/* Keys are apart from what they find, so that a search touches few pages. */
struct meter_table {
	_Atomic uint64_t keys[METER_ROOM]; /* 0: free; never given back */
	struct meter {
		/* start << 32 | count; start 0: none yet */
		_Atomic uint64_t windows[METER_WINDOWS];
		_Atomic uint16_t columns[SHARED_SLOTS]; /* at once */
	} meters[METER_ROOM];
};

struct health_table {
	_Atomic uint64_t keys[HEALTH_ROOM];
	struct health {
		_Atomic int64_t until_ms; /* 0: well */
		_Atomic int64_t since_ms, probe_ms;
		_Atomic int failures, why;
	} healths[HEALTH_ROOM];
};

struct shared_file {
	struct shared_head head;
	_Atomic int64_t retired[SHARED_COUNTER__COUNT]; /* of freed slots */
	struct shared_slot slots[SHARED_SLOTS];
	struct meter_table meters;
	struct health_table healths;
};

struct shared {
	struct shared_file *file;
	struct meter_table *_Atomic own_meters; /* where the file has no room */
};

/* Nothing of that process is at once any more. */
void meter_reap(struct shared *sh, int column);

/* Bytes of a small file of /proc, with a '\0': how many, or -1. */
int shared_read(const char *path, char *at, size_t size);

#endif
