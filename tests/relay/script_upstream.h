/* script_upstream.h - plays the answers of a relay case on loopback sockets.
 *
 * Each channel of the case has a port of its own.  Attempts are counted in
 * the order in which their requests are whole, whatever the channel; attempt
 * N gets answer N.  One thread, no waiting inside: script_turn() is called
 * by the loop of the runner.
 *
 *	script_open(&s, c, &e);
 *	... start the gateway with script_port(&s, i) for channel i ...
 *	while (!done)
 *		if (script_turn(&s, client_fd, POLLIN, 50))
 *			done = read_some(client_fd);
 *	script_check(&s, &e);
 *	script_close(&s);
 */
#ifndef SCRIPT_UPSTREAM_H
#define SCRIPT_UPSTREAM_H

#include "base/buf.h"
#include "relay_case.h"

#define SCRIPT_CHANNELS 8
#define SCRIPT_CONNS    16

struct script_conn {
	int fd; /* -1: none */
	int channel;
	int attempt; /* from 0; -1: its request is not whole yet */
	int op;      /* the next */
	bool begun;  /* the head was sent */
	bool ended;  /* no more ops; the connection stays */
	int64_t due_ms;
	struct buf in, out;
};

/* What one attempt received. */
struct script_got {
	int channel;
	struct str head, body, path;
	struct case_pairs headers;
	bool left; /* the gateway closed before the answer was whole */
};

struct script {
	const struct relay_case *c;
	struct arena arena;
	int n_channels;
	struct script_channel {
		char name[40];
		int fd, port;
	} channels[SCRIPT_CHANNELS];
	struct script_conn conns[SCRIPT_CONNS];
	struct script_got got[CASE_ATTEMPTS];
	int n_got; /* attempts so far, refused ones and those past got[] too */
};

/* Opens the ports.  The case must live as long. */
int script_open(struct script *s, const struct relay_case *c, struct err *e);
void script_close(struct script *s);
int script_port(const struct script *s, int channel); /* in order of setup */
/* One turn of at most wait_ms; true: fd (or -1) has one of the events. */
bool script_turn(struct script *s, int fd, short events, int wait_ms);
/* All attempts came, and no other, each with what it must have. */
int script_check(const struct script *s, struct err *e);

#endif
