/* spool.h - settles that the database would not take, kept in files until it
 * does: the folder spool in the state folder.
 *
 * A file per worker, made when it is needed, a line per settle:
 *
 *	<16 hex digits of the SHA-256 of the rest> {"id":7,"request_id":...}
 *
 * A line is written, then synced, before its request counts as ended.  It is
 * replayed by the worker when its database is back, or by whoever does the
 * upkeep, before any sweep: a request that has ended is left as it is, so a
 * file may be replayed again, and is removed only after the commit.  A line
 * that was cut off was never promised.  Who touches a file locks it.
 *
 * Beside them lies the file ballast: deleted to make room on a full disk, and
 * made again when there is.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "base/err.h"

struct db;
struct shared_slot;
struct spool;
struct write_op;

#define SPOOL_BALLAST (8 << 20) /* bytes */

/* Makes the folder and the ballast.  Before the sandbox. */
int spool_prepare(const char *state_dir, struct err *e);

/* A worker's own; nothing is on the disk yet.  slot: whose counters count. */
struct spool *spool_open(const char *state_dir, struct shared_slot *slot,
			 int64_t worker_id);
void spool_close(struct spool *s); /* NULL is fine; the file stays */

/* For struct writer_conf; operations to keep are settles. */
int spool_put(void *spool, struct write_op *op, struct err *e);
int spool_sync(void *spool, struct err *e);
void spool_room(void *spool);

/* From the writer's thread, between commits: replays what this worker has put
 * there, at most once a second. */
void spool_catch_up(struct spool *s, struct db *db);

struct spool_replayed {
	int64_t lines;   /* committed */
	int64_t unknown; /* of requests that this database does not have */
	int64_t broken;  /* that cannot be read or settled: kept as NAME.bad */
	int files, busy; /* removed; left, for somebody is writing to them */
};

/* Replays all files: 0; -1: the first failure, and what is left is left.
 * slot may be NULL. */
int spool_replay(const char *state_dir, struct db *db, struct shared_slot *slot,
		 struct spool_replayed *out, struct err *e);
/* How many files wait to be replayed, and how many were put aside as .bad. */
void spool_waiting(const char *state_dir, int64_t *files, int64_t *bad);
/* Makes the ballast again where the disk has room for it and more. */
void spool_ballast(const char *state_dir);

#endif
