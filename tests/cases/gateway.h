/* gateway.h - a gateway of its own for one case: a state folder, what the
 * case's setup says, one relay worker on a socket.
 *
 *	gateway_open(&g, "build", &e);
 *	gateway_set_up(&g, c, &script, &e);
 *	gateway_start(&g, &e);
 *	fd = gateway_connect(&g, &e);
 *	...
 *	gateway_stop(&g, &e);	(a worker that did not end well is an error)
 *	gateway_log(&g, &text, &e); gateway_audit(&g, &e);
 *	gateway_close(&g);
 */
#ifndef CASES_GATEWAY_H
#define CASES_GATEWAY_H

#include <sys/types.h>

#include "../relay/script_upstream.h"

struct gateway {
	const char *build; /* the folder of the programs */
	char dir[64], conf[96], socket[96], log[96];
	char key[128]; /* the caller's token */
	int listener;
	pid_t worker; /* 0: none */
};

int gateway_open(struct gateway *g, const char *build, struct err *e);
int gateway_set_up(struct gateway *g, const struct relay_case *c,
		   const struct script *s, struct err *e);
int gateway_start(struct gateway *g, struct err *e);
int gateway_connect(const struct gateway *g, struct err *e);
/* -1 once the worker has ended by itself. */
int gateway_check(const struct gateway *g, struct err *e);
int gateway_stop(struct gateway *g, struct err *e);
/* The request log as a JSON array, newest first. */
int gateway_log(const struct gateway *g, struct buf *out, struct err *e);
int gateway_audit(const struct gateway *g, struct err *e);
/* What the worker said, a sanitizer's findings too, to standard output. */
void gateway_print_log(const struct gateway *g);
/* Stops what runs and removes the folder, unless keep. */
void gateway_close(struct gateway *g, bool keep);

#endif
