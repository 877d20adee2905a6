/* probe.h - jobs of those who cannot open a provider's key: test a channel,
 * fetch its models.  Rows of `job`, taken by whichever worker is first. */
#ifndef FCGI_PROBE_H
#define FCGI_PROBE_H

#include "loop.h"

struct prober;

/* Looks for jobs four times a second, from a thread of the writer's. */
struct prober *prober_start(struct loop *l);
void prober_stop(struct prober *p);
/* Does one job, if one waits: where no worker stays (plain CGI). */
void probe_one(struct loop *l);
/* Does one job and returns when its result is in the database. */
int probe_once(struct loop *l, int64_t job_id, struct err *e);

#endif
