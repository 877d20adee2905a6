/* tokens.h - the gateway's own counts of a request and of its answer.
 *
 * The prompt is counted on the acceptor's thread, before money is held; what
 * is delivered is counted on the loop as it comes, for answers whose usage is
 * missing, cannot be, or is cut off.  What comes at once beyond a share of a
 * turn is estimated: counting is 2 to 30 MB/s, and others wait.
 */
#ifndef FCGI_TOKENS_H
#define FCGI_TOKENS_H

#include "count/prompt.h"
#include "dialect/listen.h"

struct exchange;
struct conf;

struct tokens {
	const struct count_model *model;
	struct count_prompt prompt;
	struct count_stream said;
	uint32_t key; /* of the text under way; 0: none */
	bool counts;  /* said is ready */
	bool guessed; /* some of it was too much for one turn of the loop */
	int64_t turn_ms, turn_bytes; /* counted in the present turn */
	struct listen_counter counter;
	struct buf plain; /* of a text with escapes */
};

/* Before the sandbox: the rank files, and the log says what is there. */
struct count *tokens_open(const struct conf *c);
/* After the plan was made. */
void tokens_prompt(struct exchange *x);
/* What is said is over: from now on the count is exact if it can be. */
void tokens_end(struct tokens *t);
/* The usage as it is kept, {"in_tok":12}, with who counted it: "by", an
 * encoding or "estimate", where the upstream did not. */
const char *tokens_noted(const struct exchange *x, const struct usage *u,
			 struct arena *arena);
void tokens_release(struct tokens *t); /* safe if it was never used */

#endif
