/* writer.c - the thread that commits; see writer.h. */
#include "db/writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"

#define LOG_PAUSE_MS  100  /* the log waits no longer than this */
#define FAIL_PAUSE_MS 50   /* after a commit that failed */
#define STOP_MS       5000 /* for what has no deadline of its own */
#define WAL_BYTES     (64 << 20)
#define WAL_PAUSE_MS  1000 /* between two checkpoints of ours */

struct ops { /* a queue; last is only right where first is not NULL */
	struct write_op *first, *last;
};

struct writer {
	struct writer_conf conf;
	struct db *db;
	pthread_t thread;
	int64_t stop_ms;       /* the thread's: when it saw the end; 0: not */
	uint64_t alone;        /* the thread's: so many go one by one */
	int64_t checkpoint_ms; /* the thread's: its last */
	struct ops pending;    /* the thread's: taken, not yet finished */
	struct ops taken;      /* the taker's: finished, to be handed out */
	struct writer_stats n; /* read and written atomically */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct ops queue, finished;
	bool stopping;
};

static void append(struct ops *to, struct write_op *op)
{
	op->next = NULL;
	if (to->first)
		to->last->next = op;
	else
		to->first = op;
	to->last = op;
}

/* Moves all of from behind to. */
static void append_all(struct ops *to, struct ops *from)
{
	if (!from->first)
		return;
	if (to->first)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	from->first = NULL;
}

static struct write_op *first_off(struct ops *from)
{
	struct write_op *op = from->first;

	if (op) {
		from->first = op->next;
		op->next = NULL;
	}
	return op;
}

static uint64_t length(const struct write_op *op, uint64_t max)
{
	uint64_t n = 0;

	for (; op && n < max; op = op->next)
		n++;
	return n;
}

static void count(uint64_t *n, uint64_t by)
{
	__atomic_fetch_add(n, by, __ATOMIC_RELAXED);
}

static void wipe(struct err *e)
{
	*e = (struct err){ .code = ERR_NONE };
}

/* --- one transaction --------------------------------------------------------- */

/* 0: done, or undone alone; -1: the transaction cannot go on. */
static int run_one(struct db *db, struct write_op *op)
{
	wipe(&op->err);
	if (db_savepoint(db, &op->err) < 0)
		return db_in_txn(db) ? 0 : -1;
	if (op->run(db, op, &op->err) >= 0 && db_release(db, &op->err) >= 0)
		return 0;
	assert(op->err.code);
	return db_undo(db);
}

/* What begins with db_begin(): runs the first max operations and commits.
 * -1: nothing of it is in the database.  ran_us: when all had run. */
static int run_and_commit(struct db *db, const struct writer_conf *conf,
			  struct write_op *op, int max, int64_t *ran_us,
			  struct err *e)
{
	int rc = 0;

	for (; op && max && rc == 0; op = op->next, max--)
		/* a disk that is full takes the whole transaction along */
		if (run_one(db, op) < 0)
			rc = err_set(e, op->err.code, "%s", op->err.msg);
	if (rc == 0 && conf->before_commit)
		rc = conf->before_commit(db, conf->arg, e);
	*ran_us = clock_mono_us();
	if (rc == 0)
		rc = db_commit(db, e);
	else
		db_rollback(db);
	if (conf->after)
		conf->after(conf->arg, rc == 0);
	return rc;
}

int writer_now(struct db *db, const struct writer_conf *conf,
	       struct write_op *op)
{
	struct err e = { 0 };
	int64_t ran_us;

	op->next = NULL;
	wipe(&op->err);
	if (db_begin(db, &op->err) < 0)
		return -1;
	if (run_and_commit(db, conf, op, 1, &ran_us, &e) < 0 && !op->err.code)
		op->err = e;
	return op->err.code ? -1 : 0;
}

/* --- deadlines ------------------------------------------------------------------ */

static bool is_overdue(const struct writer *w, const struct write_op *op,
		       int64_t now_ms)
{
	if (op->deadline_ms)
		return now_ms > op->deadline_ms;
	return w->stop_ms && now_ms > w->stop_ms + STOP_MS;
}

enum fate { TRY_ON, GIVEN_UP, PUT_ASIDE };

static enum fate give_up(struct writer *w, struct write_op *op)
{
	struct err e = { 0 };

	if (!op->keep) {
		count(&w->n.overdue, 1);
		wipe(&op->err);
		err_set(&op->err, ERR_OVERLOADED,
			"the gateway is overloaded: try again in a moment");
		return GIVEN_UP;
	}
	if (w->conf.spool_put && w->conf.spool_put(w->conf.spool, op, &e) == 0)
		return PUT_ASIDE;
	if (!w->stop_ms)
		return TRY_ON;
	log_error("writer.lost", LOG_S("text", op->err.msg),
		  LOG_S("spool", e.msg));
	if (!op->err.code)
		err_set(&op->err, ERR_DB_BUSY, "the database stayed busy");
	return GIVEN_UP;
}

/* Once the spool is on the disk they are finished, else to be tried on. */
static void put_aside(struct writer *w, struct ops *aside, struct ops *done)
{
	struct err e = { 0 };

	if (!aside->first)
		return;
	if (w->conf.spool_sync(w->conf.spool, &e) < 0) {
		log_error("writer.spool", LOG_S("text", e.msg));
		append_all(&w->pending, aside);
		return;
	}
	for (struct write_op *op = aside->first; op; op = op->next) {
		wipe(&op->err);
		op->spooled = true;
	}
	append_all(done, aside);
}

static void give_up_overdue(struct writer *w, struct ops *done)
{
	int64_t now_ms = clock_mono_ms();
	struct ops all = w->pending, aside = { NULL, NULL };
	struct write_op *op;

	w->pending.first = NULL;
	while ((op = first_off(&all))) {
		enum fate fate = TRY_ON;

		if (is_overdue(w, op, now_ms))
			fate = give_up(w, op);
		append(fate == TRY_ON   ? &w->pending :
		       fate == GIVEN_UP ? done :
					  &aside,
		       op);
	}
	put_aside(w, &aside, done);
}

/* --- a turn ------------------------------------------------------------------ */

/* May the same be tried again and work? */
static bool may_pass(enum err_code code)
{
	return code == ERR_DB_BUSY || code == ERR_STORAGE;
}

/* An operation to keep is tried again, unless the failure is its own. */
static bool try_again(const struct write_op *op, bool commit_failed,
		      uint64_t in_batch)
{
	if (!op->keep || !op->err.code)
		return false;
	return may_pass(op->err.code) || (commit_failed && in_batch > 1);
}

/* Takes the first n off what is pending: finished, or to be tried again. */
static void sort_out(struct writer *w, uint64_t n, const struct err *failed,
		     struct ops *done)
{
	struct ops again = { NULL, NULL };
	struct write_op *op;

	for (uint64_t i = 0; i < n && (op = first_off(&w->pending)); i++) {
		if (!op->err.code)
			op->err = *failed;
		if (try_again(op, failed->code, n)) {
			append(&again, op);
			continue;
		}
		if (op->keep && op->err.code)
			log_error("writer.lost", LOG_S("text", op->err.msg));
		append(done, op);
	}
	/* one of them may spoil every commit: find it */
	if (failed->code && !may_pass(failed->code))
		w->alone = length(again.first, UINT64_MAX);
	else if (w->alone)
		w->alone--;
	append_all(&again, &w->pending);
	w->pending = again;
}

/* Runs and commits what is pending, or as much as goes into one batch: how
 * many operations were tried; 0: the lock was not to be had. */
static uint64_t commit_some(struct writer *w, struct err *e)
{
	int max = w->alone ? 1 : w->conf.max_batch;
	uint64_t n = length(w->pending.first, (uint64_t)max);
	int64_t began_us = clock_mono_us(), locked_us, ran_us;
	int rc = db_begin(w->db, e);

	locked_us = clock_mono_us();
	count(&w->n.lock_us, (uint64_t)(locked_us - began_us));
	if (rc < 0)
		return e->code == ERR_DB_BUSY ? 0 : n;
	rc = run_and_commit(w->db, &w->conf, w->pending.first, (int)n, &ran_us,
			    e);
	count(&w->n.run_us, (uint64_t)(ran_us - locked_us));
	count(&w->n.commit_us, (uint64_t)(clock_mono_us() - ran_us));
	if (rc < 0)
		return n;
	count(&w->n.commits, 1);
	count(&w->n.ops, n);
	if (n > w->n.largest)
		__atomic_store_n(&w->n.largest, n, __ATOMIC_RELAXED);
	return n;
}

/* What must not be lost may have a reserve on the disk. */
static void make_room(struct writer *w)
{
	const struct write_op *op = w->pending.first;

	while (op && !op->keep)
		op = op->next;
	if (op && w->conf.spool_room)
		w->conf.spool_room(w->conf.spool);
}

static void turn(struct writer *w, struct ops *done)
{
	struct err e = { 0 };
	uint64_t n = commit_some(w, &e);

	if (n == 0) {
		count(&w->n.busy, 1);
		return;
	}
	if (e.code) {
		count(&w->n.failed, 1);
		log_error("writer.failed", LOG_S("text", e.msg));
		if (e.code == ERR_STORAGE)
			make_room(w);
		usleep(FAIL_PAUSE_MS * 1000);
	}
	sort_out(w, n, &e, done);
}

/* --- the thread ------------------------------------------------------------------ */

/* Takes all that is queued; waits a while where nothing is pending. */
static void take(struct writer *w)
{
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	if (!w->pending.first && !w->queue.first && !w->stopping) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOG_PAUSE_MS * 1000000L;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
	append_all(&w->pending, &w->queue);
	if (w->stopping && !w->stop_ms)
		w->stop_ms = clock_mono_ms();
	pthread_mutex_unlock(&w->lock);
}

static void publish(struct writer *w, struct ops *done)
{
	uint64_t n = length(done->first, UINT64_MAX), one = 1;

	if (!n)
		return;
	pthread_mutex_lock(&w->lock);
	append_all(&w->finished, done);
	pthread_mutex_unlock(&w->lock);
	count(&w->n.waiting, -n);
	if (w->conf.notify_fd >= 0 &&
	    write(w->conf.notify_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("writer.notify", LOG_S("text", strerror(errno)));
}

/* A log that nobody reads must not stop the writer. */
static void drain_log(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&fd, 1, 0) == 1)
		log_ring_drain();
}

/* Normally `pontage tick` does it; but it may not be there. */
static void checkpoint(struct writer *w)
{
	int64_t now_ms = clock_mono_ms();
	struct err e = { 0 };

	if (db_wal_used(w->db) < w->conf.wal_bytes ||
	    now_ms - w->checkpoint_ms < WAL_PAUSE_MS)
		return;
	w->checkpoint_ms = now_ms;
	if (db_checkpoint(w->db, NULL, &e) < 0)
		log_error("writer.checkpoint", LOG_S("text", e.msg));
}

static void *thread_main(void *arg)
{
	struct writer *w = arg;
	struct ops done;

	for (;;) {
		take(w);
		done.first = NULL;
		give_up_overdue(w, &done);
		if (w->pending.first)
			turn(w, &done);
		else if (w->stop_ms && !done.first)
			break;
		publish(w, &done);
		checkpoint(w);
		if (w->conf.between)
			w->conf.between(w->db, w->conf.arg);
		drain_log();
	}
	return NULL;
}

static int start_thread(struct writer *w)
{
	sigset_t all, before;
	int rc;

	/* signals are for the thread that expects them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct writer *writer_start(const struct writer_conf *conf, struct err *e)
{
	struct writer *w = mem_alloc(sizeof(*w));
	pthread_condattr_t attr;
	int rc;

	w->conf = *conf;
	w->conf.turn_ms = conf->turn_ms ? conf->turn_ms : 50;
	w->conf.max_batch = conf->max_batch ? conf->max_batch : 256;
	w->conf.wal_bytes = conf->wal_bytes ? conf->wal_bytes : WAL_BYTES;
	w->db = db_open(conf->path, DB_WRITE, !conf->lazy, e);
	if (!w->db) {
		free(w);
		return NULL;
	}
	db_busy_ms(w->db, w->conf.turn_ms);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = start_thread(w);
	if (rc) {
		err_set(e, ERR_IO, "no thread for the writer: %s",
			strerror(rc));
		writer_free(w);
		return NULL;
	}
	return w;
}

void writer_put(struct writer *w, struct write_op *op)
{
	count(&w->n.waiting, 1);
	pthread_mutex_lock(&w->lock);
	assert(!w->stopping);
	append(&w->queue, op);
	if (w->queue.first == op)
		pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

struct write_op *writer_finished(struct writer *w)
{
	if (!w->taken.first) {
		pthread_mutex_lock(&w->lock);
		append_all(&w->taken, &w->finished);
		pthread_mutex_unlock(&w->lock);
	}
	return first_off(&w->taken);
}

void writer_stop(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	drain_log();
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	db_close(w->db);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void writer_stats(struct writer *w, struct writer_stats *out)
{
	out->commits = __atomic_load_n(&w->n.commits, __ATOMIC_RELAXED);
	out->failed = __atomic_load_n(&w->n.failed, __ATOMIC_RELAXED);
	out->ops = __atomic_load_n(&w->n.ops, __ATOMIC_RELAXED);
	out->largest = __atomic_load_n(&w->n.largest, __ATOMIC_RELAXED);
	out->busy = __atomic_load_n(&w->n.busy, __ATOMIC_RELAXED);
	out->overdue = __atomic_load_n(&w->n.overdue, __ATOMIC_RELAXED);
	out->waiting = __atomic_load_n(&w->n.waiting, __ATOMIC_RELAXED);
	out->lock_us = __atomic_load_n(&w->n.lock_us, __ATOMIC_RELAXED);
	out->run_us = __atomic_load_n(&w->n.run_us, __ATOMIC_RELAXED);
	out->commit_us = __atomic_load_n(&w->n.commit_us, __ATOMIC_RELAXED);
}
