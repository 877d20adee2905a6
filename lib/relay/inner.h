/* inner.h - what relay.c and relay_answer.c share; nobody else's. */
#ifndef RELAY_INNER_H
#define RELAY_INNER_H

#include "relay/relay.h"

#define RELAY_LINGER_MS 200 /* for an upstream to close after its last event */

/* relay.c */
void relay_enter(struct relay *r, enum relay_state s);
/* The attempt under way is over and was no success: the next one, or the
 * end.  words: for the caller, already scrubbed. */
void relay_attempt_failed(struct relay *r, int64_t now_ms, enum err_code code,
			  const char *words);
/* Bytes have gone out: the stream ends with an error that nobody can take for
 * an end. */
void relay_broke(struct relay *r, int64_t now_ms, enum err_code code,
		 const char *words);
void relay_complete(struct relay *r, int64_t now_ms);
void relay_arm(struct relay *r, int64_t at_ms);
/* Head for the client, with what the upstream may add. */
void relay_send_head(struct relay *r, int status, const char *type);
void relay_send(struct relay *r, int64_t now_ms, const char *p, size_t n);

/* relay_answer.c */
void relay_answer_over(struct relay *r, int64_t now_ms,
		       struct relay_result res);
void relay_release_hold(struct relay *r, int64_t now_ms);

#endif
