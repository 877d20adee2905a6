/* loop.h - the one thread that carries all requests of a relay.fcgi. */
#ifndef FCGI_LOOP_H
#define FCGI_LOOP_H

#include "exchange.h"
#include "fair.h"
#include "memory.h"

#include "db/writer.h"
#include "shared/shared.h"
#include "store/disk.h"
#include "store/spool.h"
#include "store/upkeep.h"

#include <stdatomic.h>

struct loop {
	struct poller poller;
	const struct conf *conf;
	struct front *front;
	struct calls *calls;
	struct count *count; /* how to count tokens */
	struct writer *writer;
	struct ledger ledger; /* the writer's thread's */
	struct upkeep upkeep; /* the writer's thread's */
	struct spool *spool;  /* the same */
	struct disk disk;
	struct book_shelf *shelf;
	struct shared *shared;
	struct shared_slot *slot;
	int64_t worker_id;
	struct relay_limits limits;
	int64_t max_inflight, max_clients, max_bodies;
	struct memory memory;
	struct fair fair;
	int64_t shown;              /* of inflight, to the other workers */
	_Atomic int64_t body_bytes; /* of requests that have not ended */
	_Atomic int64_t inflight;   /* requests that have begun and not ended */
	_Atomic int64_t working;    /* those that were not refused for it */
	int64_t elsewhere;          /* plain CGI: requests of other processes */
	bool once; /* plain CGI: this process ends with its request */

	struct watch listening, stopping, handed, finished;
	int64_t queue_empty_ms; /* nobody waited to be accepted; 0: never */
	bool queue_heard;       /* in this turn it was not empty */
	struct timer beat, drain, accept_again, relief;
	struct write_op measure; /* of this process's memory */
	bool measuring;
	int64_t measured_ms;
	int64_t n_streams; /* open now */
	/* What the counters know already. */
	struct writer_stats counted;
	uint64_t log_dropped;

	_Atomic(struct exchange *) given; /* from acceptors, newest first */
	struct exchange *dirty;
	struct client **clients; /* all of them */
	int n_clients, cap_clients;
	bool draining;
	int64_t idle_until_ms; /* draining: when kept connections are closed */
};

/* Opens the poller, the signals and the calls; the rest is the caller's. */
void loop_open(struct loop *l);
/* Runs until SIGTERM and the end of the last request.  SIGHUP: the same, but
 * others serve by now, so there is time for connections that are kept. */
void loop_run(struct loop *l, int listen_fd);
/* Runs until the end of the one request of a plain CGI program. */
void loop_run_once(struct loop *l, struct conn *conn,
		   const struct front_hooks *hooks);
void loop_turn(struct loop *l); /* once */

/* From an acceptor: out is the whole answer. */
void loop_give(struct loop *l, struct exchange *x);
/* The done of a x's reservation. */
void loop_reserved(struct write_op *op);
/* The loop flushes the x at the end of this turn. */
void loop_dirty(struct loop *l, struct exchange *x);
/* Must the answer end with its connection? */
bool loop_hangs_up(const struct loop *l, const struct client *c);
/* The answer is out: the connection waits for its next request, or is gone. */
void loop_answered(struct loop *l, struct client *c);
void loop_drop(struct loop *l, struct client *c); /* close it */

#endif
