/* fair.c - see fair.h. */
#include "fair.h"

#define MEET_MS  500 /* who the others are */
#define LOOK_MS  2   /* how much they carry */
#define MARGIN   32  /* more than the least of them, and a sixteenth */
#define PATIENCE 3   /* connections are left to them so often in a row */

static bool is_peer(const struct fair *f, const struct shared_view *v,
		    int64_t now_ms)
{
	return v->kind == SHARED_RELAY && v->state == SHARED_READY &&
	       v->worker_id != f->worker_id &&
	       now_ms - v->beat_mono_ms < f->silent_ms;
}

static void meet(struct fair *f, int64_t now_ms)
{
	struct shared_view v;

	f->met_ms = now_ms;
	f->n_peers = 0;
	for (int i = 0; i < SHARED_SLOTS && f->n_peers < FAIR_PEERS; i++)
		if (shared_look(f->shared, i, &v) && is_peer(f, &v, now_ms))
			f->peers[f->n_peers++] = i;
}

static void look(struct fair *f, int64_t now_ms)
{
	struct shared_view v;

	if (!f->met_ms || now_ms - f->met_ms >= MEET_MS)
		meet(f, now_ms);
	if (f->looked_ms && now_ms - f->looked_ms < LOOK_MS)
		return;
	f->looked_ms = now_ms;
	f->least = -1;
	for (int i = 0; i < f->n_peers; i++) {
		if (!shared_look(f->shared, f->peers[i], &v) ||
		    !is_peer(f, &v, now_ms))
			continue;
		f->least =
			f->least < 0 ? v.inflight : MIN(f->least, v.inflight);
	}
}

bool fair_may_take(struct fair *f, int64_t carries, int64_t now_ms)
{
	if (!f->shared)
		return true;
	look(f, now_ms);
	if (f->least < 0 || carries <= f->least + f->least / 16 + MARGIN ||
	    f->passed == PATIENCE) {
		f->passed = 0;
		return true;
	}
	f->passed++;
	return false;
}

int64_t fair_others(const struct fair *f, int64_t now_ms)
{
	struct shared_view v;
	int64_t n = 0;

	for (int i = 0; f->shared && i < SHARED_SLOTS; i++)
		if (shared_look(f->shared, i, &v) && is_peer(f, &v, now_ms))
			n += v.inflight;
	return n;
}

bool fair_elsewhere(struct fair *f, int64_t max, int64_t now_ms)
{
	if (!f->shared)
		return false;
	look(f, now_ms);
	return f->least >= 0 && f->least < max;
}
