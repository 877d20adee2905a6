/* ward.c - see ward.h. */
#include "store/ward.h"

#include "base/arena.h"
#include "db/db.h"
#include "sql.h"
#include "store/job.h"

#define HOUR_MS 3600000

int ward_put(struct db *db, struct ward *w, int64_t now_ms, struct err *e)
{
	int n = db_run(db,
		       db_bind(db, ST_WARD_KEY, "siii", w->reason, now_ms,
			       w->probe_ms, w->key_id),
		       e);

	w->changed = n > 0;
	w->whole = false;
	if (n <= 0)
		return n;
	n = db_run(db,
		   db_bind(db, ST_WARD_CHANNEL, "sii", w->reason, now_ms,
			   w->channel_id),
		   e);
	w->whole = n > 0;
	return MIN(n, 0);
}

int ward_lift(struct db *db, int64_t key_id, int64_t now_ms, struct err *e)
{
	return db_run(db, db_bind(db, ST_WARD_LIFT, "ii", now_ms, key_id), e);
}

/* --- probes ------------------------------------------------------------------- */

struct due {
	int64_t id, channel_id, state_ms, probe_ms;
};

static const struct db_cols due_cols =
	DB_COLS(struct due, DB_INT(due, id), DB_INT(due, channel_id),
		DB_INT(due, state_ms), DB_INT(due, probe_ms));

/* From 22 to 6 is the night. */
static bool is_time(const struct conf *c, int64_t now_ms)
{
	int64_t hour = now_ms / HOUR_MS % 24, from = c->probe_from_hour,
		to = c->probe_to_hour;

	return from <= to ? from <= hour && hour < to :
			    from <= hour || hour < to;
}

/* Two ticks that find the same: only one changes its time. */
static int queue(struct db *db, const struct due *d, const struct conf *c,
		 int64_t now_ms, struct err *e)
{
	int64_t pause_ms = MAX(now_ms - d->state_ms, c->probe_ms);
	char args[48];
	int n;

	pause_ms = MIN(pause_ms, MAX(c->probe_most_ms, c->probe_ms));
	n = db_run(db,
		   db_bind(db, ST_WARD_NEXT, "iii", now_ms + pause_ms, d->id,
			   d->probe_ms),
		   e);
	if (n <= 0)
		return n;
	snprintf(args, sizeof(args), "{\"key\":%lld}", (long long)d->id);
	return job_add(db, WARD_JOB, d->channel_id, args, e) < 0 ? -1 : 1;
}

int ward_probe(struct db *db, const struct conf *c, int64_t now_ms,
	       struct err *e)
{
	struct arena arena;
	struct due d;
	int n;

	if (!is_time(c, now_ms))
		return 0;
	arena_init(&arena);
	n = db_row(db, db_bind(db, ST_WARD_DUE, "i", now_ms), &due_cols, &d,
		   &arena, e);
	if (n > 0 && db_begin(db, e) < 0)
		n = -1;
	if (n > 0) {
		n = queue(db, &d, c, now_ms, e);
		if (n < 0)
			db_rollback(db);
		else if (db_commit(db, e) < 0)
			n = -1;
	}
	arena_release(&arena);
	return n;
}
