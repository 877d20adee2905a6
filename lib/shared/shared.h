/* shared.h - what the processes of one installation know of each other.
 *
 * A file in the state folder, mapped by all of them: a slot for each process
 * with its state, heartbeat, load and counters.  Nothing in it is precious:
 * it is made new after a boot and where its layout is another version's.
 *
 * Invariants: a slot has one owner, which alone writes its numbers; a slot
 * whose owner died is freed by whoever calls shared_reap(), its counters kept
 * in the totals.  A pid that was used again is not mistaken for its owner:
 * the time the process started is part of the claim.  No locks: everything
 * is an atomic, and a process may die between any two of them.
 */
#ifndef SHARED_SHARED_H
#define SHARED_SHARED_H

#include "base/err.h"

#define SHARED_SLOTS 256 /* two generations of all workers */

struct shared;
struct shared_slot;

enum shared_kind {
	SHARED_NONE,
	SHARED_RELAY,
	SHARED_ADMIN,
	SHARED_TICK,
	SHARED_SUPERVISOR,
	SHARED_KIND__COUNT
};

enum shared_state {
	SHARED_STARTING,
	SHARED_READY,
	SHARED_DRAINING,
	SHARED_STUCK, /* said by the supervisor of a silent worker */
	SHARED_STATE__COUNT
};

enum shared_counter {
#define C(name, help) SHARED_##name,
#include "shared/counters.def"
#undef C
	SHARED_COUNTER__COUNT
};

/* A slot as it was when looked at. */
struct shared_view {
	enum shared_kind kind;
	enum shared_state state;
	int pid, generation;
	int64_t worker_id; /* random, positive; of this process for its life */
	int64_t started_mono_ms, beat_mono_ms; /* clock_mono_ms() */
	int64_t inflight, streams;             /* now */
	int64_t pss_kb;                        /* 0: not reported yet */
	int64_t counters[SHARED_COUNTER__COUNT];
};

/* Maps the file of the state folder, making it where `create` says so.
 * NULL: ERR_NOT_FOUND (nothing runs, or has since the boot), ERR_CONFIG.  Nobody may delete the
 * file while workers run: they would look dead. */
struct shared *shared_open(const char *state_dir, bool create, struct err *e);
void shared_close(struct shared *sh); /* NULL: nothing; slots stay taken */
int64_t shared_boot(const struct shared *sh); /* another after each making */

/* --- the owner's side: a NULL slot is nothing, and counts nowhere ---------- */

/* A slot for this process, in state starting; NULL: all are taken.  After a
 * fork the child takes its own. */
struct shared_slot *shared_slot_take(struct shared *sh, enum shared_kind kind,
				     int generation, struct err *e);
void shared_slot_free(struct shared *sh, struct shared_slot *slot);
int64_t shared_worker_id(const struct shared_slot *slot);

void shared_enter(struct shared_slot *slot, enum shared_state state);
void shared_beat(struct shared_slot *slot); /* I live */
void shared_load(struct shared_slot *slot, int64_t inflight, int64_t streams);
void shared_count(struct shared_slot *slot, enum shared_counter which,
		  int64_t n); /* from any thread */
/* Reads this process's proportional set size from /proc: a millisecond, so
 * not on the loop's busy path. */
void shared_report_pss(struct shared_slot *slot);

/* --- everybody's side ---------------------------------------------------- */

/* Frees the slots of dead processes; how many. */
int shared_reap(struct shared *sh);
/* The worker ids of living processes, at most n of them: how many there are.
 * Room for SHARED_SLOTS is always enough. */
int shared_live_ids(struct shared *sh, int64_t *out, int n);
/* The i-th slot, 0 to SHARED_SLOTS - 1; false: nobody has it. */
bool shared_look(const struct shared *sh, int i, struct shared_view *v);
bool shared_pid_ready(const struct shared *sh, int pid);
/* Marks a silent worker stuck; from the supervisor. */
void shared_mark_stuck(struct shared *sh, int i);
/* The counter over all processes since the file was made, dead ones too. */
int64_t shared_total(const struct shared *sh, enum shared_counter which);

const char *shared_kind_name(enum shared_kind kind);
const char *shared_state_name(enum shared_state state);
const char *shared_counter_name(enum shared_counter which);
const char *shared_counter_help(enum shared_counter which);

#endif
