/* bpe.h - one piece of text to tokens: byte pair encoding.
 *
 * Of all neighbours whose bytes together are a token the pair with the lowest
 * rank is joined, the leftmost first, until there is none: what the published
 * ranks are made for.  Short pieces are searched, long ones kept in a heap:
 * n log n steps, whatever the bytes are.
 */
#ifndef COUNT_BPE_H
#define COUNT_BPE_H

#include "count/vocab.h"

/* Is handed each token's rank, in order. */
typedef void bpe_on_fn(void *arg, uint32_t rank);

/* How many tokens; on may be NULL.  n: 1 to INT32_MAX / 4 bytes. */
size_t bpe_count(const struct vocab *v, struct str piece, bpe_on_fn *on,
		 void *arg);

#endif
