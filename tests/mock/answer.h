/* answer.h - what the fake provider says when it answers right; pure.
 *
 * Each writes JSON, without framing.  The same request gives the same bytes;
 * only answer_paced() has the time in it.
 */
#ifndef MOCK_ANSWER_H
#define MOCK_ANSWER_H

#include "ask.h"
#include "base/buf.h"
#include "fault.h"

struct answer {
	const struct ask *ask;
	const struct fault *fault;
	const int64_t *arg;
};

void answer_int(struct buf *b, int64_t v);
/* The whole answer; with text of `bytes` bytes instead of the echo if >= 0 */
void answer_body(struct buf *b, const struct answer *a, int64_t bytes);
void answer_role(struct buf *b, const struct answer *a, int64_t choice);
/* Piece number k; false past the last, and nothing is written. */
bool answer_piece(struct buf *b, const struct answer *a, int64_t choice,
		  int64_t k);
/* Content "17@123456789 ": number and CLOCK_MONOTONIC in microseconds. */
void answer_paced(struct buf *b, const struct answer *a, int64_t k);
void answer_finish(struct buf *b, const struct answer *a, int64_t choice);
void answer_usage(struct buf *b, const struct answer *a);
void answer_error(struct buf *b, int64_t status, struct str key);
void answer_models(struct buf *b);
int answer_status(int64_t status);
const char *answer_reason(int64_t status);

#endif
