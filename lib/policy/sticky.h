/* sticky.h - what a request has in common with the others of its
 * conversation, so that all of them go to one key, whose provider then has the
 * prompt in its cache; pure. */
#ifndef POLICY_STICKY_H
#define POLICY_STICKY_H

#include "dialect/ask.h"
#include "policy/book.h"

/* A number of the conversation, never 0; 0: it sticks to nothing.
 *
 *	key	the API key
 *	user	the body's user, else the API key
 *	prompt	prompt_cache_key, else the messages up to the first of a user,
 *		else how the input or the prompt begins
 */
uint64_t sticky_number(enum sticky how, const struct ask *ask,
		       int64_t token_id);

#endif
