/* relay.h - one request's life at the upstreams: attempts, answer, end.
 *
 * A state machine without I/O and without a clock.  It asks the world by
 * struct relay_io and is fed by the relay_on_...() calls, each with the
 * present time; a test implements its world with two buffers.  What it was
 * given (struct relay_plan) is not changed; what came of it (struct
 * relay_end) is for whoever settles the bill: a relay knows no prices,
 * only how many tokens of output are paid for.  Where a stream comes near
 * that it asks for more (io->more); where there is no more the stream ends
 * as one of max_tokens does, and whoever reads it cannot tell.
 *
 * Invariants: nothing is retried once a byte has gone to the client; a
 * broken answer never looks complete; content that is not paid for is not
 * delivered; io->end is the last call it makes, and it is made once.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/arena.h"
#include "dialect/ask.h"
#include "dialect/listen.h"
#include "http/sse.h"
#include "policy/route.h"
#include "relay/answer.h"
#include "relay/endpoint.h"
#include "json/splice.h"

/* One call of an upstream, as the world should make it.  Valid until the
 * next attempt begins or the relay is released. */
struct relay_call {
	const struct candidate *to;
	const char *url;         /* whole, with the endpoint's path */
	const char *const *head; /* header lines, NULL at the end; "Name:":
				    it must not be sent */
	struct rope *body;       /* NULL: a GET */
	bool stream;
	int64_t connect_ms;
};

/* How a call ended, seen from the wire. */
struct relay_result {
	enum err_code code; /* ERR_NONE: the answer arrived whole */
	const char *why;    /* a sentence for the log, "" if none */
};

/* How an attempt ended, for whoever looks after channels and keys. */
struct relay_outcome {
	const struct candidate *to;
	enum err_code code;     /* ERR_NONE: it served, or still might have */
	int status;             /* the upstream's; 0: it sent no head */
	int64_t retry_after_ms; /* that it asked for; -1: it said nothing */
	const char *words;      /* of the upstream, as they came; "": none */
};

/* What a relay may ask of the world.  Nothing here may call back into the
 * relay before it returns. */
struct relay_io {
	int (*upstream)(void *arg, const struct relay_call *call,
			struct err *e);
	void (*cancel)(void *arg); /* the call under way; no more is heard */
	void (*head)(void *arg, int status, const struct relay_header *h,
		     int n);
	/* Bytes for the client.  kept: they stay where they are until the
	 * relay is released.  Returns the bytes still queued. */
	size_t (*data)(void *arg, const char *p, size_t n, bool kept);
	void (*end)(void *arg);
	void (*timer)(void *arg, int64_t at_ms); /* one; 0: none */
	/* Hold money for more output.  The answer is relay_on_budget(); until
	 * then it is not asked again. */
	void (*more)(void *arg);
	/* The last look before a candidate is called (NULL: all may be).
	 * ERR_NONE: it may be, and attempt_over() will follow, once.  Else why
	 * not: it is passed over, which counts as no attempt; wait_ms: when it
	 * may be there, -1: not known. */
	enum err_code (*attempt)(void *arg, const struct candidate *to,
				 int64_t *wait_ms);
	void (*attempt_over)(void *arg, const struct relay_outcome *o);
};

struct relay_limits { /* milliseconds and bytes, from the settings */
	int64_t connect_ms, first_token_ms, idle_ms, total_ms, deadline_ms;
	int64_t hold_back_ms, stall_ms;
	int64_t keep_alive_ms; /* 0: no comments of ours in a stream */
	int64_t max_answer, max_event, max_queue;
	int64_t retry_wait_ms; /* waiting in all for one that asked for it */
	int max_attempts;
};

/* What a candidate's channel overrides of the body, found in it. */
struct relay_override {
	struct ask_override *list;
	int n;
};

struct relay_plan {
	const struct endpoint *endpoint;
	const struct ask *ask;
	struct str body; /* the client's, immutable */
	struct candidate *candidates;
	int n_candidates;
	const struct relay_override
		*overrides; /* of each; NULL: none has any */
	const char *request_id;
	int64_t wall_ms; /* at relay_start(): for dates in answers */
	struct relay_limits limits;
	const struct listen_counter *counter; /* NULL: nobody counts */
	struct relay_money {
		int64_t prompt_tok;  /* our count */
		int64_t context_tok; /* the model's; 0: not known */
		int64_t limit_tok;   /* of each answer, that the upstream is
				       told; 0: it is told nothing */
		/* Of all answers together: */
		int64_t held_tok; /* output that is held for; 0: any */
		int64_t step_tok; /* that is asked for at a time; 0: the
				     answer has a limit and cannot grow */
		int64_t most_tok; /* that the model can say; 0: not known */
	} money;
};

#define RELAY_PASSED 16 /* headers of an upstream that go on at most */

struct relay_attempt {
	const struct candidate *to;
	const char *channel;
	int64_t key_id;
	enum err_code code;
	int status;
	int64_t ms;        /* -1: it is under way */
	const char *words; /* why it failed, scrubbed; "": it did not */
};

/* What a failed attempt would tell the caller. */
struct relay_failure {
	enum err_code code;
	int status;          /* 0: what the code says */
	const char *refusal; /* the code of a bad request; NULL: ours */
	const char *words;
};

enum relay_state {
	RELAY_IDLE,
	RELAY_CALL,  /* called; waits for the head */
	RELAY_HELD,  /* a stream's head is here, its first content is not */
	RELAY_WHOLE, /* gathers a whole answer, or an error's body */
	RELAY_BODY,  /* bytes have gone to the client */
	RELAY_SHORT, /* the same, and what comes next is not paid for yet */
	RELAY_RETRY, /* between two attempts */
	RELAY_DONE,
	RELAY__COUNT
};

struct relay_end {
	const struct candidate *served; /* NULL: nobody did */
	int status;                     /* what the client got */
	enum err_code code;             /* ERR_NONE: all is well */
	bool delivered;                 /* content went to the client */
	bool reached;                   /* an upstream took the request */
	bool client_gone;
	bool stopped;               /* by the budget: it ended with "length" */
	int64_t first_ms, total_ms; /* since relay_start; first: -1 */
	const struct relay_attempt *attempts;
	int n_attempts;
};

/* What is paid for, and what waits for it; relay_budget.c's. */
struct relay_budget {
	int64_t held_tok, passed_tok; /* of all answers */
	bool asked, refused;
	bool short_of;        /* an event was heard and not delivered */
	enum err_code why;    /* it was refused */
	const char *words;    /* the same for the client */
	uint64_t finished[2]; /* answers, before that event */
	struct buf kept;      /* that event and what came with it */
	bool over;            /* the upstream ended meanwhile */
	struct relay_result result;
};

struct relay {
	enum relay_state state;
	const struct relay_io *io;
	void *arg;
	const struct relay_plan *plan;
	struct arena *arena;

	/* the attempt under way */
	struct candidate *at;
	struct book_times times; /* its channel's, or the plan's */
	struct relay_call call;
	struct relay_attempt *attempts;
	int n_attempts, next;
	int64_t began_ms, attempt_ms, heard_ms, sent_ms, paused_ms;
	int64_t armed_ms; /* the timer's; 0: none */
	int up_status;
	int64_t retry_after_ms; /* -1: not said */
	struct relay_pause {    /* requests, tokens: until their limits reset */
		int64_t reset_ms; /* -1: not said */
		bool empty;       /* nothing remains of it */
	} pauses[2];

	/* what the attempts so far have come to; relay_try.c's */
	struct relay_failure told; /* the most telling one */
	int64_t *again_ms;   /* of each candidate: when it wants to be asked
			      again; 0: it did not say */
	int64_t retry_at_ms; /* 0: nothing is waited for */
	int64_t waited_ms;   /* in all */
	bool again, mixed;   /* not the first round; not all were 429 */

	/* the answer */
	struct sse sse;
	struct listen listen;
	struct buf held; /* a stream's first events, or a whole answer */
	struct str content_type;
	struct relay_header *passed; /* of its head; NULL: it has been sent */
	int n_passed;
	bool head_sent, done_seen, paused, cancelled, gathering;
	const char *refusal_code; /* the upstream's own, of a bad request */
	int refusal_status;       /* of a bad request */
	const char *said;         /* its words of an error, as they came */

	struct relay_budget budget;
	struct relay_end end;
};

/* On the thread that plans: finds in the body what channels override. */
void relay_find_overrides(struct relay_plan *plan, struct arena *arena);

/* The relay lives in arena's owner; nothing is called before relay_start. */
void relay_init(struct relay *r, const struct relay_plan *plan,
		const struct relay_io *io, void *arg, struct arena *arena);
void relay_release(struct relay *r);

void relay_start(struct relay *r, int64_t now_ms);
/* The upstream's status line and headers, all at once. */
void relay_on_head(struct relay *r, int64_t now_ms, int status,
		   const struct relay_header *h, int n);
/* False: the client reads too slowly, hold the upstream back until
 * relay_on_room() has been called. */
bool relay_on_data(struct relay *r, int64_t now_ms, const char *p, size_t n);
void relay_on_end(struct relay *r, int64_t now_ms, struct relay_result res);
void relay_on_timer(struct relay *r, int64_t now_ms);
void relay_on_room(struct relay *r, int64_t now_ms); /* the queue is short */
void relay_on_client_gone(struct relay *r, int64_t now_ms);
/* The answer to io->more: so many tokens more are held for.  0: no, and why;
 * ERR_NO_FUNDS ends the stream with "length" where it stands at what is paid
 * for, anything else as broken. */
void relay_on_budget(struct relay *r, int64_t now_ms, int64_t more_tok,
		     const struct err *why);
/* A hard stop: the worker must leave. */
void relay_on_stop(struct relay *r, int64_t now_ms, const struct err *why);

/* Shall the upstream be held back now? */
bool relay_holds_back(const struct relay *r);

/* What is owed so far, or in the end: the upstream's count or ours of what
 * was delivered.  USAGE_NONE: nothing. */
void relay_usage(const struct relay *r, struct usage *u);

#endif
