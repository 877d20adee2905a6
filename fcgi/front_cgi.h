/* front_cgi.h - one request of a plain CGI program: the environment, stdin,
 * and an answer on stdout that nothing buffers.
 */
#ifndef FCGI_FRONT_CGI_H
#define FCGI_FRONT_CGI_H

#include "front.h"

/* Was this process started for one request?  Then descriptor 0 is no
 * listening socket and the environment names a method. */
bool front_is_cgi(void);
struct conn *front_cgi_open(const struct conf *conf);
/* Reads the request and runs the handler, which is given `thread`; blocks as
 * long as the body may take. */
void front_cgi_read(struct conn *c, front_handler *handle, void *thread);
/* The whole answer of a program that could not start. */
void front_cgi_say(const char *p, size_t n);

#endif
