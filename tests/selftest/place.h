/* place.h - a gateway of its own on a temporary folder: the scripted upstream,
 * the programs that are to be tried, one relay worker on a socket.
 */
#ifndef SELFTEST_PLACE_H
#define SELFTEST_PLACE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct place {
	const char *programs; /* the folder of pontage and relay.fcgi */
	const char *upstream; /* the scripted upstream's path */
	char dir[64], conf[96], socket[96], log[96];
	char key[128];                    /* a caller's */
	int port, refused, reset, silent; /* the upstream's */
	int listener;
	pid_t relay, provider; /* 0: none */
};

/* The settings in which the times are short, and the longest that an answer
 * may take with two attempts, in milliseconds. */
#define PLACE_FIRST_TOKEN_MS 600
#define PLACE_TOTAL_MS       1500
#define PLACE_ANSWER_MS      6000

int place_open(struct place *p, struct err *e);
int place_start(struct place *p, struct err *e); /* the relay */
void place_kill(struct place *p);                /* it, with SIGKILL */
int place_stop(struct place *p, struct err *e);  /* it, as it should */
int place_connect(const struct place *p, struct err *e);
/* Runs `pontage WORDS`; words are split at blanks, where "%" stands for the
 * next of args (NULL at the end).  in: its standard input; out: what it said,
 * NULL: nobody listens. */
int place_say(const struct place *p, const char *words, const char *const *args,
	      const char *in, struct buf *out, struct err *e);
/* Stops all and removes the folder, unless keep. */
void place_close(struct place *p, bool keep);

#endif
