/* route.h - which address is answered by whom.
 *
 * A handler fills in an answer; it never sees libfcgi, and what it does not
 * say is an empty page with 200.  HEAD is GET without the body, done here.
 */
#ifndef ADMIN_CGI_ROUTE_H
#define ADMIN_CGI_ROUTE_H

#include "base/buf.h"
#include "base/conf.h"

struct shared;

struct ask { /* what came in; texts of the request, never NULL */
	const char *method, *path; /* path: without the query */
	const char *address;       /* the caller's; "": nobody knows */
	char request_id[32];       /* "req_" and 22 characters */
};

struct reply {
	int status;
	const char *type;  /* of the content */
	const char *allow; /* methods, for a 405; NULL */
	struct buf body;
};

struct admin { /* what lives as long as the process */
	const struct conf *conf;
	struct shared *shared;
	/* The web server starts the programs as requests come (mod_fcgid,
	 * plain CGI): that no relay runs says nothing. */
	bool on_demand;
};

#define REPLY_MAX ((size_t)256 * 1024) /* bytes of a body */

/* Finds the handler and asks it; reply->body is released by the caller. */
void route_answer(const struct admin *a, const struct ask *ask,
		  struct reply *reply);
/* The whole answer as a FastCGI responder sends it: head and body. */
void route_write(const struct ask *ask, const struct reply *reply,
		 struct buf *out);

#endif
