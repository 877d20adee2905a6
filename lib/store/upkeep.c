/* upkeep.c - see upkeep.h. */
#include "store/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "shared/shared.h"
#include "store/idem.h"
#include "store/ledger.h"
#include "store/spool.h"
#include "store/ward.h"

#define PAGE_BYTES 4096  /* of the database */
#define SILENT_MS  10000 /* a tick that says nothing for so long is gone */

/* The open requests of workers that died.  Who lives is asked before the spool
 * is read: what a worker put there before it died is then settled before its
 * requests are swept.  A file that is being written to may hold some. */
static int sweep(struct upkeep *u, struct db *db, struct err *e)
{
	int64_t live[SHARED_SLOTS];
	struct spool_replayed replayed;
	struct ledger_swept swept = { 0 };
	int n;

	shared_reap(u->shared);
	n = shared_live_ids(u->shared, live, SHARED_SLOTS);
	if (spool_replay(u->conf->state_dir, db, u->slot, &replayed, e) < 0)
		return -1;
	if (replayed.busy)
		return 0;
	if (ledger_sweep(db, live, n, &swept, e) < 0)
		return -1;
	if (!swept.settled && !swept.voided)
		return 0;
	shared_count(u->slot, SHARED_swept, swept.settled + swept.voided);
	shared_count(u->slot, SHARED_swept_voided, swept.voided);
	log_warn("tick.swept", LOG_I("settled", swept.settled),
		 LOG_I("voided", swept.voided),
		 LOG_I("cost_nusd", swept.cost_nusd),
		 LOG_I("released_nusd", swept.released_nusd));
	return 0;
}

static int age(struct upkeep *u, struct db *db, struct err *e)
{
	return ageing_run(&u->ageing, u->conf, db, e);
}

static int checkpoint(struct upkeep *u, struct db *db, struct err *e)
{
	int r;

	if (db_wal_bytes(db) < u->conf->checkpoint_pages * PAGE_BYTES)
		return 0;
	r = db_checkpoint(db, NULL, e);
	if (r > 0) {
		shared_count(u->slot, SHARED_checkpoints, 1);
		log_debug("tick.checkpoint",
			  LOG_I("wal_bytes", db_wal_bytes(db)));
	}
	return r < 0 ? -1 : 0;
}

static int ballast(struct upkeep *u, struct db *db, struct err *e)
{
	(void)db;
	(void)e;
	spool_ballast(u->conf->state_dir);
	return 0;
}

/* What nobody will send again. */
static int forget_keys(struct upkeep *u, struct db *db, struct err *e)
{
	int64_t before_ms = clock_wall_ms() - u->conf->idempotency_ms;

	return idem_expire(db, before_ms, e) < 0 ? -1 : 0;
}

/* Keys that providers refused: does one want them again? */
static int probe(struct upkeep *u, struct db *db, struct err *e)
{
	return ward_probe(db, u->conf, clock_wall_ms(), e) < 0 ? -1 : 0;
}

static const struct task {
	const char *name;
	int (*run)(struct upkeep *u, struct db *db, struct err *e);
} tasks[] = {
	{ "sweep", sweep },     { "idempotency", forget_keys },
	{ "ageing", age },      { "checkpoint", checkpoint },
	{ "ballast", ballast }, { "probe", probe },
};

int upkeep_prepare(const struct conf *conf, struct err *e)
{
	if (spool_prepare(conf->state_dir, e) < 0)
		return -1;
	return archive_prepare(conf, e);
}

/* One failing task does not keep the others from their work. */
int upkeep_round(struct upkeep *u, struct db *db)
{
	int failed = 0;

	for (size_t i = 0; i < COUNT(tasks); i++) {
		struct err e = { 0 };

		if (!tasks[i].run(u, db, &e))
			continue;
		db_rollback(db);
		log_error("tick.failed", LOG_S("task", tasks[i].name),
			  LOG_S("why", e.msg));
		failed++;
	}
	return failed;
}

/* --- workers --------------------------------------------------------------- */

static bool has_tick(const struct upkeep *u)
{
	int64_t after_ms = clock_mono_ms() - SILENT_MS;
	struct shared_view v;

	for (int i = 0; i < SHARED_SLOTS; i++)
		if (shared_look(u->shared, i, &v) && v.kind == SHARED_TICK &&
		    v.beat_mono_ms > after_ms)
			return true;
	return false;
}

static void lock_path(const struct upkeep *u, struct buf *path)
{
	buf_init(path, 4096);
	buf_printf(path, "%s/tick.lock", u->conf->state_dir);
}

/* A file without its byte is new: nobody was there before. */
static bool is_recent(const struct stat *st)
{
	int64_t age_ms = clock_wall_ms() - st->st_mtim.tv_sec * 1000;

	return st->st_size && age_ms >= 0 && age_ms < UPKEEP_MS;
}

static bool was_just_done(const struct upkeep *u)
{
	struct stat st;
	struct buf path;
	bool recent;

	lock_path(u, &path);
	recent = !stat(path.p, &st) && is_recent(&st);
	buf_release(&path);
	return recent;
}

bool upkeep_wanted(struct upkeep *u)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms < u->look_ms)
		return false;
	u->look_ms = now_ms + UPKEEP_MS;
	return !has_tick(u) && !was_just_done(u);
}

/* -1: somebody else is at it, or was just now. */
static int lock(const struct upkeep *u)
{
	struct stat st;
	struct buf path;
	int fd;

	lock_path(u, &path);
	fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		log_error("tick.lock", LOG_S("why", strerror(errno)));
	buf_release(&path);
	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &st) && !is_recent(&st))
		return fd;
	close(fd);
	return -1;
}

bool upkeep_worker(struct upkeep *u, struct db *db)
{
	int fd = lock(u);

	if (fd < 0)
		return false;
	upkeep_round(u, db);
	if (pwrite(fd, "\n", 1, 0) < 0)
		log_error("tick.lock", LOG_S("why", strerror(errno)));
	close(fd);
	return true;
}
