/* fetch.h - one HTTP request after the other, waiting for each.
 *
 * For what has nothing else to do meanwhile: commands, and work that is not a
 * caller's request.  HTTP/1.1, no redirects, no proxy from the environment,
 * certificates checked; a connection is used again where the server lets it.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/buf.h"
#include "net/egress.h"

#define FETCH_SERVER 64
#define FETCH_URL    512

struct fetcher;

/* Where the connections go: rule NULL, wherever the address says (an operator
 * gave it); else as egress.h judges.  ca_file: to check certificates with. */
struct fetcher *fetcher_new(const char *ca_file,
			    const struct egress_rule *rule);
void fetcher_free(struct fetcher *f); /* NULL is fine */

struct fetch {
	const char *url;
	struct str post; /* the body; STR_NONE: a GET */
	const char *const
		*headers; /* "Name: value", NULL at the end; or NULL */
	int64_t limit_ms;
	size_t max_bytes; /* of the answer */
	/* A piece of the body, as it arrives; false: that is enough. */
	bool (*on_data)(void *arg, struct str piece);
	void *arg;
};

struct fetched {
	int status;
	bool enough;    /* on_data said so */
	bool kept;      /* an open connection was used */
	bool untrusted; /* -1, for its certificate */
	int64_t ms;     /* that it took */
	int64_t at_s;   /* the answer's Date, seconds since 1970; 0: none */
	char server[FETCH_SERVER]; /* its name and version; "" */
	char request_id[FETCH_SERVER];
	char location[FETCH_URL]; /* of a redirect; "" */
	struct buf body;          /* buf_release() it, also after -1 */
};

/* 0: there is an answer, whatever it says; -1: ERR_UP_CONNECT, with why.  The
 * time limit leaves what has come in out. */
int fetch(struct fetcher *f, const struct fetch *ask, struct fetched *out,
	  struct err *e);

#endif
