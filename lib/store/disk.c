/* disk.c - see disk.h. */
#include "store/disk.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS 1000
#define MB      (1LL << 20)

enum { DISK_ROOM, DISK_LOW, DISK_FULL };

struct room {
	int64_t free_mb, percent;
};

static int measure(const struct conf *c, struct room *r)
{
	struct statvfs v;

	if (statvfs(c->state_dir, &v) || !v.f_blocks)
		return -1;
	r->free_mb = (int64_t)v.f_bavail * (int64_t)v.f_frsize / MB;
	r->percent = (int64_t)v.f_bavail * 100 / (int64_t)v.f_blocks;
	return 0;
}

static int level_of(const struct conf *c, const struct room *r)
{
	if (r->free_mb < c->storage_refuse_mb)
		return DISK_FULL;
	if (r->free_mb < c->storage_warn_mb ||
	    r->percent < c->storage_warn_percent)
		return DISK_LOW;
	return DISK_ROOM;
}

static void say(int level, const struct room *r)
{
	const struct log_field fields[] = { LOG_I("free_mb", r->free_mb),
					    LOG_I("free_percent", r->percent),
					    { 0 } };

	if (level == DISK_FULL)
		log_write(LOG_ERROR, "disk.full", fields);
	else if (level == DISK_LOW)
		log_write(LOG_WARN, "disk.low", fields);
	else
		log_write(LOG_INFO, "disk.room", fields);
}

void disk_look(struct disk *d)
{
	int64_t now_ms = clock_mono_ms();
	struct room r;
	int level;

	if (now_ms < d->next_ms)
		return;
	d->next_ms = now_ms + LOOK_MS;
	if (measure(d->conf, &r) < 0)
		return;
	level = level_of(d->conf, &r);
	if (level != d->level)
		say(level, &r);
	d->level = level;
	atomic_store(&d->full, level == DISK_FULL);
}

bool disk_is_full(const struct conf *conf)
{
	struct room r;

	return measure(conf, &r) == 0 && level_of(conf, &r) == DISK_FULL;
}

int disk_check(const struct disk *d, struct err *e)
{
	if (!atomic_load(&d->full))
		return 0;
	return err_set(e, ERR_STORAGE,
		       "The gateway's disk is nearly full: its operator has to "
		       "make room. Nothing was charged.");
}
