/* client.h - connections that ask, one request after another, over epoll.
 *
 * client_run() is the whole run; what it saw is in struct tally.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <netinet/in.h>

#include "check.h"
#include "hist.h"

struct plan {
	struct sockaddr_in to;
	struct str head; /* all of the request's head */
	struct str body;
	size_t number_at; /* of 12 digits in body, own to each request; 0: none */
	struct str asked; /* the user's text in body, if it is known */
	struct expect want;
	int64_t connections;
	int64_t requests; /* 0: until the seconds are over */
	int64_t seconds;
	int64_t rate;       /* requests a second; 0: as fast as answered */
	bool hold;          /* one stream a connection, kept until the end */
	int64_t timeout_ms; /* of one request */
	int64_t abort_after_ms; /* 0: stays until the end */
	int64_t read_rate;      /* bytes a second; 0: as fast as they come */
	int64_t upload_rate;    /* bytes a second of the body; 0: at once */
};

struct tally {
	uint64_t sent, right, aborted, held, events, opened;
	uint64_t fail[FAIL__COUNT], status[1000];
	uint64_t bytes;
	int64_t took_us;
	struct hist latency; /* from the time it should have been sent */
	struct hist first;   /* to the first content event */
	struct hist event;   /* from the time inside an event to here */
};

void client_run(const struct plan *p, struct tally *t);

#endif
