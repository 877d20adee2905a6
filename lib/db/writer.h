/* writer.h - group commit: the relay's only way to change the database.
 *
 * One thread with a connection of its own puts everything that is queued into
 * one transaction.  Each operation has its own savepoint: one refused does not
 * undo its neighbours.  It is finished only after the commit, so nobody acts
 * on money that may yet be rolled back.  From put to finished the operation,
 * with all that it points to, is the writer's.
 *
 * The writer waits for the database lock in short turns; between them it
 * answers operations that are past their deadline with ERR_OVERLOADED.  One
 * marked `keep` is never given up so: past its deadline it goes to the spool,
 * or, where there is none, is tried on until the writer is stopped.  It is
 * finished only when the spool is on the disk.  A commit that fails is told to
 * all of its operations, but for those to keep, which are tried again.
 *
 * The thread also writes the log ring out (base/log.h).
 */
#ifndef DB_WRITER_H
#define DB_WRITER_H

#include "base/err.h"

struct db;
struct writer;

struct write_op { /* first member of a struct that holds its arguments */
	struct write_op *next;
	/* On the writer's thread; -1 undoes this operation alone. */
	int (*run)(struct db *db, struct write_op *op, struct err *e);
	void (*done)(struct write_op *op); /* for who takes it back to call */
	int64_t deadline_ms;               /* clock_mono_ms(); 0: none */
	bool keep;                         /* must not be lost */
	bool spooled;   /* it is in the spool, not in the database */
	struct err err; /* run()'s, or the commit's */
};

struct writer_conf {
	const char *path;
	int notify_fd;   /* eventfd, written when something finished; -1 */
	int64_t turn_ms; /* of waiting for the lock; 0: 50 */
	int max_batch;   /* operations in one commit; 0: 256 */
	/* Of WAL after which this thread checkpoints by itself; 0: 64 MB */
	int64_t wal_bytes;

	bool lazy; /* statements are prepared on first use */

	/* All may be NULL.  On the writer's thread. */
	int (*before_commit)(struct db *db, void *arg, struct err *e);
	void (*after)(void *arg, bool committed); /* clear what was gathered */
	/* Between two commits, some times a second also where there are none;
	 * outside of any transaction. */
	void (*between)(struct db *db, void *arg);
	void *arg;

	/* The same for operations to keep.  put: one of them, put aside; -1: it
	 * is tried on.  sync: all that were put, onto the disk; -1: none is.
	 * room: the disk is full and such operations wait. */
	int (*spool_put)(void *spool, struct write_op *op, struct err *e);
	int (*spool_sync)(void *spool, struct err *e);
	void (*spool_room)(void *spool);
	void *spool;
};

struct writer_stats {
	uint64_t commits, failed; /* of them with at least one operation */
	uint64_t ops, largest;    /* committed; in one commit */
	uint64_t busy;            /* turns that ended without the lock */
	uint64_t overdue;         /* answered with ERR_OVERLOADED */
	uint64_t waiting;         /* now in the queue */
	/* Microseconds: until the lock was had, or not; in statements; in
	 * commits, the disk's sync included. */
	uint64_t lock_us, run_us, commit_us;
};

/* The database must have our schema.  NULL: the error of opening it. */
struct writer *writer_start(const struct writer_conf *conf, struct err *e);
void writer_put(struct writer *w, struct write_op *op); /* any thread */
/* The next one that is finished, in order; NULL: none yet.  One thread. */
struct write_op *writer_finished(struct writer *w);
/* Commits what is queued (keep: up to its deadline), ends the thread.  What
 * finished can still be taken.  No put may follow. */
void writer_stop(struct writer *w);
void writer_free(struct writer *w); /* after writer_stop() */
void writer_stats(struct writer *w, struct writer_stats *out); /* any thread */

/* The same without a thread, for one operation on the caller's connection
 * (plain CGI, tests): begin, run, commit.  The result is in op->err. */
int writer_now(struct db *db, const struct writer_conf *conf,
	       struct write_op *op);

#endif
