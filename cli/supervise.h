/* supervise.h - the processes of `pontage serve`: who runs, who is to be
 * started again and when, which generation serves.
 *
 * A generation is one set of workers under one configuration.  A reload
 * starts the next one and ends the one before when the new workers are ready;
 * the sockets outlive both.  Nothing here waits: the caller asks
 * supervise_turn() for the time of the next thing to do.
 */
#ifndef CLI_SUPERVISE_H
#define CLI_SUPERVISE_H

#include "base/conf.h"

#include <sys/types.h>

enum kid_kind { KID_RELAY, KID_ADMIN, KID_TICK, KID__COUNT };

struct kid {
	pid_t pid; /* 0: not running, to be started at start_ms */
	enum kid_kind kind;
	int generation;
	bool leaving;       /* was told to end; it is not replaced */
	bool stuck;         /* was told to abort; next comes a SIGKILL */
	int64_t start_ms;   /* clock_mono_ms() of its start */
	int64_t backoff_ms; /* the next pause */
};

struct supervisor {
	char *programs[KID__COUNT]; /* what each executes */
	int fds[KID__COUNT];        /* what each finds on descriptor 0; -1 */
	bool (*is_ready)(void *arg, pid_t pid); /* a relay worker */
	/* Since it last said that it lives; -1: it says nothing of the kind.
	 * Past `most` it is marked as stuck. */
	int64_t (*silent_ms)(void *arg, pid_t pid, int64_t most);
	void *arg;

	/* its own */
	struct kid *kids;
	int n, cap;
	int newest, serving;         /* generations; 0: none yet */
	int64_t ready_by_ms;         /* 0: the newest is the one that serves */
	int64_t kill_ms;             /* 0: not stopping */
	int64_t looked_ms;           /* when the heartbeats were looked at */
	int64_t backoff_ms, stop_ms; /* of the settings, */
	int64_t watchdog_ms;         /* as they are now */
};

/* Starts a generation under these settings; the one before it ends when this
 * one is ready, and goes on serving where it never is.  A relay worker that is
 * replaced is told so by SIGHUP: it has time for connections that the web
 * server keeps; SIGTERM says that nobody will serve them. */
void supervise_generation(struct supervisor *s, const struct conf *conf);
/* Buries children that ended, and says what and how in the log. */
void supervise_reap(struct supervisor *s);
/* Does what is due; the milliseconds until it wants to be called again, -1:
 * only after a signal. */
int64_t supervise_turn(struct supervisor *s);
/* Tells everybody to end; who has not after drain_ms and a little is killed.
 */
void supervise_stop(struct supervisor *s);
bool supervise_serves(const struct supervisor *s); /* the newest is ready */
bool supervise_all_gone(const struct supervisor *s);
void supervise_release(struct supervisor *s);

#endif
