/* played.h - the test provider as an upstream: its script, played from timers
 * through the same hooks that libcurl's calls have. */
#ifndef FCGI_PLAYED_H
#define FCGI_PLAYED_H

#include "call.h"

struct played;

struct played *played_start(struct poller *p, const struct relay_call *what,
			    const char *path, const struct call_hooks *hooks,
			    void *arg);
void played_cancel(struct played *p); /* no hook is heard any more */
void played_resume(struct played *p);

#endif
