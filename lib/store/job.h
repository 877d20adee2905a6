/* job.h - what relay workers are asked to do by those who cannot open a
 * provider's key: test a channel, fetch its models. */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include "base/arena.h"
#include "base/err.h"

struct db;

struct job {
	int64_t id;
	const char *kind; /* test, fetch-models */
	int64_t channel_id;
	const char *args;   /* JSON */
	const char *state;  /* queued, taken, done */
	const char *result; /* JSON */
	int64_t created_ms, taken_by, taken_ms, done_ms;
};

int64_t job_add(struct db *db, const char *kind, int64_t channel_id,
		const char *args, struct err *e); /* its id */
int job_get(struct db *db, int64_t id, struct job *j, struct arena *arena,
	    struct err *e); /* ERR_NOT_FOUND */
/* Does anything wait?  Reads only: for polling.  1, 0, -1. */
int job_waits(struct db *db, struct err *e);
/* Takes the oldest that waits, or one that a worker took more than stale_ms
 * ago and never finished.  1; 0: nothing to do; -1. */
int job_take(struct db *db, int64_t worker_id, int64_t stale_ms, struct job *j,
	     struct arena *arena, struct err *e);
/* Takes exactly this one, if nobody has. */
int job_take_id(struct db *db, int64_t id, int64_t worker_id, struct job *j,
		struct arena *arena, struct err *e);
int job_done(struct db *db, int64_t id, const char *result, struct err *e);

#endif
