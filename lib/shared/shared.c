/* shared.c - see shared.h. */
#include "shared/shared_in.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>

/* --- who is alive ---------------------------------------------------------- */

struct process {
	char state;     /* 'R', 'S', 'Z' ...; 0: not to be read */
	uint32_t start; /* ticks after the boot, the low half */
};

/* proc(5): pid (name) state, and the 22nd field. */
static struct process process_of(int pid)
{
	char path[32], text[1024];
	const char *p;
	struct process x = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (shared_read(path, text, sizeof(text)) <= 0)
		return x;
	p = strrchr(text, ')'); /* the name may hold anything */
	if (!p || p[1] != ' ')
		return x;
	p++;
	for (int field = 3; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return x;
	x.state = strrchr(text, ')')[2];
	x.start = (uint32_t)strtoull(p, NULL, 10);
	return x;
}

static uint64_t claim_of(int pid)
{
	return (uint64_t)(uint32_t)pid << 32 | process_of(pid).start;
}

static int claim_pid(uint64_t claim)
{
	return (int)(uint32_t)(claim >> 32);
}

static bool is_alive(uint64_t claim)
{
	int pid = claim_pid(claim);
	struct process x;

	if (pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH))
		return false;
	x = process_of(pid);
	if (x.state == 'Z' || x.state == 'X')
		return false;
	/* Where /proc hides other users' processes the pid must do. */
	return !x.state || !(uint32_t)claim || x.start == (uint32_t)claim;
}

/* --- taking and giving ------------------------------------------------------- */

/* By who holds the claim. */
static void clear(struct shared *sh, struct shared_slot *s)
{
	atomic_store(&s->kind, SHARED_NONE);
	atomic_store(&s->worker_id, 0);
	for (int i = 0; i < SHARED_COUNTER__COUNT; i++)
		atomic_fetch_add(&sh->file->retired[i],
				 atomic_exchange(&s->counters[i], 0));
	atomic_store(&s->inflight, 0);
	atomic_store(&s->streams, 0);
	atomic_store(&s->pss_kb, 0);
	meter_reap(sh, (int)(s - sh->file->slots));
	atomic_store(&s->claim, 0);
}

static void fill(struct shared_slot *s, enum shared_kind kind, int generation)
{
	int64_t now_ms = clock_mono_ms();

	atomic_store(&s->state, SHARED_STARTING);
	atomic_store(&s->generation, generation);
	atomic_store(&s->started_mono_ms, now_ms);
	atomic_store(&s->beat_mono_ms, now_ms);
	atomic_store(&s->worker_id, 1 + (int64_t)rand_below(INT64_MAX));
	atomic_store(&s->kind, (int)kind);
}

static struct shared_slot *claim_one(struct shared *sh)
{
	uint64_t mine = claim_of(getpid());

	for (int i = 0; i < SHARED_SLOTS; i++) {
		struct shared_slot *s = &sh->file->slots[i];
		uint64_t nobody = 0;

		if (atomic_compare_exchange_strong(&s->claim, &nobody, mine))
			return s;
	}
	return NULL;
}

struct shared_slot *shared_slot_take(struct shared *sh, enum shared_kind kind,
				     int generation, struct err *e)
{
	struct shared_slot *s = claim_one(sh);

	if (!s && shared_reap(sh))
		s = claim_one(sh);
	if (!s) {
		err_set(e, ERR_OVERLOADED,
			"more than %d processes share the state folder",
			SHARED_SLOTS);
		return NULL;
	}
	fill(s, kind, generation);
	return s;
}

void shared_slot_free(struct shared *sh, struct shared_slot *slot)
{
	/* A child that leaves by its parent's way out owns nothing. */
	if (slot && claim_pid(atomic_load(&slot->claim)) == getpid())
		clear(sh, slot);
}

int shared_reap(struct shared *sh)
{
	uint64_t mine = claim_of(getpid());
	int n = 0;

	for (int i = 0; i < SHARED_SLOTS; i++) {
		struct shared_slot *s = &sh->file->slots[i];
		uint64_t claim = atomic_load(&s->claim);

		if (!claim || is_alive(claim))
			continue;
		/* Held while it is cleared: nobody else clears it, and if we
		 * die here, somebody clears it after us. */
		if (!atomic_compare_exchange_strong(&s->claim, &claim, mine))
			continue;
		clear(sh, s);
		n++;
	}
	return n;
}

/* --- the owner's side ---------------------------------------------------------- */

int64_t shared_worker_id(const struct shared_slot *slot)
{
	return slot ? atomic_load(&slot->worker_id) : 0;
}

void shared_enter(struct shared_slot *slot, enum shared_state state)
{
	if (slot)
		atomic_store(&slot->state, (int)state);
}

void shared_beat(struct shared_slot *slot)
{
	if (slot)
		atomic_store(&slot->beat_mono_ms, clock_mono_ms());
}

void shared_load(struct shared_slot *slot, int64_t inflight, int64_t streams)
{
	if (!slot)
		return;
	atomic_store_explicit(&slot->inflight, inflight, memory_order_relaxed);
	atomic_store_explicit(&slot->streams, streams, memory_order_relaxed);
}

void shared_count(struct shared_slot *slot, enum shared_counter which,
		  int64_t n)
{
	if (slot)
		atomic_fetch_add_explicit(&slot->counters[which], n,
					  memory_order_relaxed);
}

void shared_report_pss(struct shared_slot *slot)
{
	char text[4096];
	const char *p;

	if (!slot ||
	    shared_read("/proc/self/smaps_rollup", text, sizeof(text)) <= 0)
		return;
	p = strstr(text, "\nPss:");
	if (p)
		atomic_store(&slot->pss_kb, strtoll(p + 5, NULL, 10));
}

/* --- everybody's side ------------------------------------------------------------ */

int shared_live_ids(struct shared *sh, int64_t *out, int n)
{
	int live = 0;

	for (int i = 0; i < SHARED_SLOTS; i++) {
		const struct shared_slot *s = &sh->file->slots[i];
		uint64_t claim = atomic_load(&s->claim);
		int64_t id = atomic_load(&s->worker_id);

		if (!claim || !id || !is_alive(claim))
			continue;
		if (live < n)
			out[live] = id;
		live++;
	}
	return live;
}

/* Another version's, or a damaged file's, numbers stay in range. */
static int in_range(int v, int n)
{
	return v >= 0 && v < n ? v : 0;
}

bool shared_look(const struct shared *sh, int i, struct shared_view *v)
{
	const struct shared_slot *s = &sh->file->slots[i];
	uint64_t claim = atomic_load(&s->claim);

	*v = (struct shared_view){
		.kind = (enum shared_kind)in_range(atomic_load(&s->kind),
						   SHARED_KIND__COUNT),
		.state = (enum shared_state)in_range(atomic_load(&s->state),
						     SHARED_STATE__COUNT),
		.pid = claim_pid(claim),
		.generation = atomic_load(&s->generation),
		.worker_id = atomic_load(&s->worker_id),
		.started_mono_ms = atomic_load(&s->started_mono_ms),
		.beat_mono_ms = atomic_load(&s->beat_mono_ms),
		.inflight = atomic_load(&s->inflight),
		.streams = atomic_load(&s->streams),
		.pss_kb = atomic_load(&s->pss_kb),
	};
	for (int k = 0; k < SHARED_COUNTER__COUNT; k++)
		v->counters[k] = atomic_load(&s->counters[k]);
	return claim && v->kind != SHARED_NONE;
}

bool shared_pid_ready(const struct shared *sh, int pid)
{
	for (int i = 0; i < SHARED_SLOTS; i++) {
		const struct shared_slot *s = &sh->file->slots[i];
		uint64_t claim = atomic_load(&s->claim);

		if (claim && claim_pid(claim) == pid &&
		    atomic_load(&s->kind) != SHARED_NONE &&
		    atomic_load(&s->state) == SHARED_READY && is_alive(claim))
			return true;
	}
	return false;
}

void shared_mark_stuck(struct shared *sh, int i)
{
	shared_enter(&sh->file->slots[i], SHARED_STUCK);
}

int64_t shared_total(const struct shared *sh, enum shared_counter which)
{
	int64_t sum = atomic_load(&sh->file->retired[which]);

	for (int i = 0; i < SHARED_SLOTS; i++)
		sum += atomic_load(&sh->file->slots[i].counters[which]);
	return sum;
}

const char *shared_kind_name(enum shared_kind kind)
{
	static const char *const names[] = {
		[SHARED_NONE] = "none",
		[SHARED_RELAY] = "relay",
		[SHARED_ADMIN] = "admin",
		[SHARED_TICK] = "tick",
		[SHARED_SUPERVISOR] = "supervisor",
	};

	return names[kind];
}

const char *shared_state_name(enum shared_state state)
{
	static const char *const names[] = {
		[SHARED_STARTING] = "starting",
		[SHARED_READY] = "ready",
		[SHARED_DRAINING] = "draining",
		[SHARED_STUCK] = "stuck",
	};

	return names[state];
}

static const struct {
	const char *name, *help;
} counters[] = {
#define C(name, help) { #name, help },
#include "shared/counters.def"
#undef C
};

const char *shared_counter_name(enum shared_counter which)
{
	return counters[which].name;
}

const char *shared_counter_help(enum shared_counter which)
{
	return counters[which].help;
}
