/* inner.h - what relay.c and relay_answer.c share; nobody else's. */
#ifndef RELAY_INNER_H
#define RELAY_INNER_H

#include "relay/relay.h"

#define RELAY_LINGER_MS 200 /* for an upstream to close after its last event */

/* relay_call.c */
/* Makes r->call of r->at, from the client's own body. */
void relay_make_call(struct relay *r);

/* relay_try.c */
void relay_try_init(struct relay *r);
/* The next attempt, or a pause before one; false: nothing is left, and the
 * client has been told. */
bool relay_try(struct relay *r, int64_t now_ms);
void relay_note_attempt(struct relay *r, int64_t now_ms, enum err_code code,
			const char *words);

/* relay_time.c: relay_arm(), relay_on_timer(). */

/* relay_whole.c: whole answers, and errors' bodies. */
void relay_whole_feed(struct relay *r, int64_t now_ms, const char *p, size_t n);
void relay_whole_over(struct relay *r, int64_t now_ms, struct relay_result res);
/* What an error said inside of an answer means; words for the caller. */
enum err_code relay_said_error(struct relay *r, char *words, size_t size);

/* relay.c */
void relay_stop_call(struct relay *r);
/* Nothing has gone out yet: an answer of its own says what happened.
 * retry_after_ms -1: nothing is said of that. */
void relay_refuse(struct relay *r, int64_t now_ms,
		  const struct relay_failure *f, int64_t retry_after_ms);
void relay_enter(struct relay *r, enum relay_state s);
/* The attempt under way is over and was no success: the next one, or the
 * end.  words: for the caller, already scrubbed. */
void relay_attempt_failed(struct relay *r, int64_t now_ms, enum err_code code,
			  const char *words);
/* Bytes have gone out: the stream ends with an error that nobody can take for
 * an end. */
void relay_broke(struct relay *r, int64_t now_ms, enum err_code code,
		 const char *words);
/* The relay ends it: by an answer, or by an event where bytes have gone. */
void relay_cut_off(struct relay *r, int64_t now_ms, enum err_code code,
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
/* Hears what was kept, as if it came now.  False: the attempt is over. */
bool relay_hear_again(struct relay *r, int64_t now_ms, struct buf *kept);
int64_t relay_choices(const struct relay *r); /* answers asked for */

/* relay_budget.c */
void relay_budget_init(struct relay *r);
/* May the event just heard pass?  finished: the answers that had ended before
 * it.  Asks for more where it is near the end of what is held. */
bool relay_budget_passes(struct relay *r, const uint64_t finished[2]);
/* It may not: there is no more to come, and the stream must be stopped... */
bool relay_budget_ends(const struct relay *r);
void relay_budget_stop(struct relay *r, int64_t now_ms);
/* ... or it waits. */
void relay_budget_wait(struct relay *r, int64_t now_ms);
/* Keeps an event; note: it was heard already, NULL: not yet. */
void relay_budget_keep(struct relay *r, const struct sse_event *ev,
		       const struct listen_note *note);
/* Takes the next event off what was kept; the event points into kept. */
bool relay_budget_take(struct buf *kept, size_t *at, struct sse_event *ev,
		       struct listen_note *note, bool *heard);
/* The upstream has ended while events waited. */
void relay_budget_over(struct relay *r, struct relay_result res);

#endif
