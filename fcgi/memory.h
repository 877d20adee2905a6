/* memory.h - how near this process is to its memory limit.
 *
 * Out of memory ends a process (base.h), and with it the requests of others.
 * So under RLIMIT_AS or RLIMIT_DATA (LimitAS= and LimitDATA= of systemd,
 * ulimit -v and -d) a part is kept for what runs, and new requests are refused
 * before it is touched.  Without such a limit nothing is looked at.
 */
#ifndef FCGI_MEMORY_H
#define FCGI_MEMORY_H

#include "base/base.h"

#include <stdatomic.h>

struct memory {
	int64_t max_bytes[2]; /* of addresses, of data; INT64_MAX: no limit */
	_Atomic int64_t looked_ms, counted_ms;
	_Atomic int64_t left;  /* of the nearer limit, in bytes, then */
	_Atomic int64_t freed; /* and not given back by malloc */
};

/* Before the first thread. */
void memory_open(struct memory *m);
/* What bodies of requests may take together; want where there is no limit. */
int64_t memory_for_bodies(struct memory *m, int64_t want);
/* From any thread: must a new request be refused? */
bool memory_short(struct memory *m);

#endif
