/* guess.h - how many tokens a text may be, where its encoding is not known.
 *
 * Text arrives in pieces, cut anywhere.  Each kind of text has its ratio,
 * calibrated on o200k_base (tests/tokens has the corpus): words of ASCII, long
 * words without a shape such as base64, digits, signs, blanks, Chinese and
 * Japanese, other letters, emoji.  What a model's own encoding makes more or
 * less of it is its row in models.def.
 */
#ifndef COUNT_GUESS_H
#define COUNT_GUESS_H

#include "base/str.h"

struct guess {
	int64_t milli_tok;         /* so far, in thousandths */
	unsigned char kind, first; /* the last byte's; the run's first */
	uint32_t run, turns, wide; /* its length; what it is made of */
};

void guess_add(struct guess *g, const char *p, size_t n);
void guess_cut(struct guess *g); /* what follows is another text */
/* Tokens if it ended here, rounded up; scale: thousandths. */
int64_t guess_tok(const struct guess *g, int scale);

#endif
