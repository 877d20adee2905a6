/* stats.h - what the fake provider remembers for the tests to ask. */
#ifndef MOCK_STATS_H
#define MOCK_STATS_H

#include "base/buf.h"
#include "request.h"

enum outcome { OUT_OPEN, OUT_DONE, OUT_CUT, OUT_CANCELLED };

/* Notes a request to a model; returns its number, from 1. */
uint64_t stats_request(const struct request *r, struct str model, bool stream);
/* How it ended: answered, cut off by us, or left by the client. */
void stats_end(uint64_t number, enum outcome outcome);
void stats_opened(void);
void stats_closed(void);
void stats_reset(void);

/* The bytes of the last request, for /__last. */
void stats_keep(struct str bytes);
struct str stats_last(void);

void stats_json(struct buf *b);     /* /__stats */
void stats_requests(struct buf *b); /* /__requests: the last 1000 */

#endif
