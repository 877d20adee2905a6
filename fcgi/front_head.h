/* front_head.h - a request's head out of the variables of CGI.
 *
 * FastCGI and plain CGI give the same ones, as "NAME=value".  The address is
 * taken as the client sent it, but for what a web server adds in front: an
 * absolute form's scheme and host, slashes too many, and the folder that a
 * program like /pontage/relay.cgi is in.
 */
#ifndef FCGI_FRONT_HEAD_H
#define FCGI_FRONT_HEAD_H

#include "front.h"

/* envp ends with NULL and outlives h.  max_bytes: of all of it together. */
int head_read(struct head *h, char *const *envp, int64_t max_bytes,
	      struct err *e);
/* It was read just now. */
void head_now(struct head *h);
/* How many bytes the body has; -1: not said. */
int head_length(const struct head *h, int64_t *n, struct err *e);

#endif
