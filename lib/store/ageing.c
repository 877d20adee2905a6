/* ageing.c - see ageing.h. */
#include "store/ageing.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"

#define ROUND_MS 50

void ageing_lock_path(const struct conf *conf, struct buf *path)
{
	buf_init(path, 4096);
	buf_printf(path, "%s/ageing.lock", conf->state_dir);
}

static int take_lock(struct ageing *a, const struct conf *conf, struct err *e)
{
	struct buf path;

	if (a->lock_fd > 0)
		return 1;
	ageing_lock_path(conf, &path);
	a->lock_fd = rollup_lock(path.p, e);
	buf_release(&path);
	if (a->lock_fd > 0)
		return 1;
	a->lock_fd = 0;
	return e->code ? -1 : 0;
}

static void leave_lock(struct ageing *a)
{
	if (a->lock_fd > 0)
		close(a->lock_fd);
	a->lock_fd = 0;
}

/* Rows stay while a month is archived: it is compared with them. */
static int run(struct ageing *a, const struct conf *conf, struct db *db,
	       int64_t for_ms, struct err *e)
{
	int64_t now_ms = clock_wall_ms();

	if (rollup_run(db, &a->rollup, for_ms, e) < 0)
		return -1;
	if (!archive_busy(&a->archive) &&
	    retention_run(db, conf, now_ms, for_ms, &a->retention, e) < 0)
		return -1;
	return archive_run(&a->archive, db, conf, now_ms, for_ms, e);
}

int ageing_run(struct ageing *a, const struct conf *conf, struct db *db,
	       struct err *e)
{
	int rc = take_lock(a, conf, e);

	if (rc <= 0)
		return rc;
	rc = run(a, conf, db, a->for_ms ? a->for_ms : ROUND_MS, e);
	if (rc < 0)
		db_rollback(db);
	if (!archive_busy(&a->archive))
		leave_lock(a);
	return rc < 0 ? -1 : 0;
}

void ageing_stop(struct ageing *a)
{
	archive_stop(&a->archive);
	leave_lock(a);
}
