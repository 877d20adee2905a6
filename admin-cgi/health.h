/* health.h - is it alive, can it serve. */
#ifndef ADMIN_CGI_HEALTH_H
#define ADMIN_CGI_HEALTH_H

#include "route.h"

/* 200 whenever this process answers at all. */
void health_live(const struct admin *a, struct reply *reply);
/* 200 where a request would be served now: the database opens with our
 * schema, and a relay worker is ready and has said so lately; else 503.  The
 * body names the checks and every process. */
void health_ready(const struct admin *a, struct reply *reply);

#endif
