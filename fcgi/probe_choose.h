/* probe_choose.h - with which key and for which model a job asks its channel. */
#ifndef FCGI_PROBE_CHOOSE_H
#define FCGI_PROBE_CHOOSE_H

#include "policy/route.h"
#include "store/job.h"

struct probe_choice {
	struct candidate to;
	const char *model;              /* our name of to.model; "": none */
	const struct book_price *price; /* NULL: the model is not known */
};

/* What the job's arguments name, {"model":"m","key":3}; else the channel's
 * test model or its first, and its first key, a disabled one if need be. */
int probe_choose(struct probe_choice *c, const struct book *b,
		 const struct job *job, struct arena *arena, struct err *e);

#endif
