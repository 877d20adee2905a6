/* stats.h - what the fake provider remembers for the tests to ask. */
#ifndef MOCK_STATS_H
#define MOCK_STATS_H

#include "ask.h"
#include "base/buf.h"
#include "request.h"

enum outcome { OUT_OPEN, OUT_DONE, OUT_CUT, OUT_CANCELLED };

/* Notes a request; returns its number, from 1.  One without an id in its head
 * is known by its text. */
uint64_t stats_request(const struct request *r, const struct ask *a);
/* How it ended: answered, cut off by us, or left by the client. */
void stats_end(uint64_t number, enum outcome outcome);
void stats_opened(void);
void stats_closed(void);
void stats_reset(void);

/* The bytes of the last request, for /__last. */
void stats_keep(struct str bytes);
struct str stats_last(void);

void stats_json(struct buf *b);     /* /__stats */
void stats_requests(struct buf *b); /* /__requests: the last 65536 */

#endif
