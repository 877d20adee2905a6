/* call_in.h - what the files of call.h share; nobody else's. */
#ifndef FCGI_CALL_IN_H
#define FCGI_CALL_IN_H

#include "call.h"

#include <curl/curl.h>

struct host;

struct lane { /* one multi handle and its timer */
	struct timer timer;
	struct calls *calls;
	CURLM *multi;
};

struct sock { /* a socket of libcurl's that the loop watches */
	struct watch watch;
	struct lane *lane;
};

#define SPARE_MAX 64

struct spare { /* handles that wait for their next call */
	CURL *easy[SPARE_MAX];
	int n;
};

struct calls {
	struct poller *poller;
	const struct conf *conf;
	CURLSH *share;      /* the addresses, for all lanes */
	struct lane *lanes; /* [0]: whole answers */
	int n_lanes, next_lane;
	struct call *fresh, **fresh_last; /* started, not begun */
	struct call *ended;
	/* That have had their share of a turn, the first one first. */
	struct call *resting, **resting_last;
	int n_resting;
	int64_t turn, turn_bytes;
	struct host *hosts;
	struct spare spare[2];      /* of whole answers, of streams */
	int busy;                   /* libcurl is on the stack */
	char said[CURL_ERROR_SIZE]; /* libcurl's last words, of any call */
};

#define HEAD_LINES 6 /* of most requests, with one of our own */

enum call_state { CALL_FRESH, CALL_WAITING, CALL_RUNNING, CALL_ENDED };

struct call {
	struct call *next;
	struct call *rest_next, **rest_from; /* NULL: it does not rest */
	int64_t turn, turn_bytes;            /* read in that turn */
	struct calls *calls;
	struct lane *lane;
	struct host *host; /* whose addresses it is looking up */
	enum call_state state;
	bool stream;
	bool dead; /* nobody listens */
	const struct relay_call *what;
	struct egress_rule egress;
	const struct call_hooks *hooks;
	void *arg;
	CURL *easy;
	struct curl_slist few[HEAD_LINES], *lines; /* few, or its own memory */
	char *joined;    /* a small body in one piece */
	size_t body_at;  /* how much of a large one has been read */
	struct buf head; /* header lines as they came, NUL between them */
	int n_head, status;
	bool head_done, hold;
	bool sent; /* the upstream has the whole request, and answers */
	struct relay_result result;
	struct err *forbidden; /* NULL: nothing was */
};

/* call.c */
void call_finish(struct call *c, struct relay_result r);
void call_put_fresh(struct calls *cs, struct call *c);

/* call_wire.c: what libcurl is told, for all calls and for one. */
void call_set_once(const struct calls *cs, CURL *h, bool stream);
void call_set_each(struct call *c);
/* "": the upstream is called without one. */
const char *call_proxy(const struct call *c);

/* call_rest.c: libcurl reads a fast upstream until nothing is left, and the slow
 * ones would wait for it.  So each has a share of a turn, a small one where
 * many are fast; what has read nothing yet always may. */
bool call_may_read(struct call *c, size_t n);
void call_rest(struct call *c); /* its libcurl is told to pause */
void call_wake(struct call *c); /* off the list of those that rest */
/* A new turn: those that rest go on, as far as its share goes. */
void calls_end_rest(struct calls *cs);

/* call_name.c: one look-up of a name at a time. */

/* True: the call may begin.  Else it waits for the one that looks its name
 * up, and is fresh again when that is over. */
bool call_name_known(struct call *c);
/* An address is there, or a connection that is used again. */
void call_name_found(struct call *c);
/* The call has ended; if it was looking, so have those that waited. */
void call_name_failed(struct call *c, struct relay_result r);
void call_names_release(struct calls *cs);

#endif
