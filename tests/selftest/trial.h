/* trial.h - one request to the gateway, and what its caller and its log saw. */
#ifndef SELFTEST_TRIAL_H
#define SELFTEST_TRIAL_H

#include "place.h"

enum seen {               /* by the caller */
	    SEEN_NOTHING, /* the connection ended without an answer */
	    SEEN_ANSWER,  /* a whole one; a stream with its [DONE] */
	    SEEN_ERROR,   /* an error's status and its object */
	    SEEN_BROKEN,  /* content, then an error event and no [DONE] */
	    SEEN_CUT,     /* it ended too soon, as anybody can tell */
	    SEEN_WRONG,   /* anything else: what must not be */
	    SEEN__COUNT
};

struct trial {
	enum seen seen;
	int status;
	int64_t ms;
	char id[40];
	char what[120]; /* its code where it is an error, or what is wrong */
	/* the log's */
	bool logged;
	int64_t attempts, cost_nusd, retry_after_s; /* -1: not said */
	char channel[64], error[48], state[16];
};

struct trial_ask {
	const char *model;
	bool stream;
	int64_t deadline_ms; /* X-Pontage-Deadline-Ms; 0: none */
	int64_t leave_bytes; /* the client leaves after so many; 0: stays */
	void (*at_content)(void *arg); /* called at the first byte; or NULL */
	void *arg;
};

/* Asks, reads to the end, judges.  -1: there was no way to ask. */
int trial_run(const struct place *p, const struct trial_ask *ask,
	      struct trial *t, struct err *e);
/* Looks it up in the log; -1: it is not there, or still open. */
int trial_log(const struct place *p, struct trial *t, struct err *e);
const char *trial_seen(enum seen seen);

#endif
