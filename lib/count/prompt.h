/* prompt.h - the tokens of an OpenAI request, before anybody has sent it.
 *
 * Text as the model will read it (unescaped, each text alone), and what the
 * published rules add: 3 tokens for each message, 1 for a name, 3 for the
 * answer's beginning, tools by OpenAI's Cookbook ("How to count tokens with
 * tiktoken"), pictures and sound by image.h.  Two numbers come of it: our count,
 * and a bound that the upstream's will not pass as far as rules are published.
 * For what is not published (how tools and calls are written out, templates of
 * other vendors) the bound has a margin; where the encoding is not known it is
 * the text's bytes, for a token is at least a byte.
 */
#ifndef COUNT_PROMPT_H
#define COUNT_PROMPT_H

#include "count/count.h"

struct count_prompt {
	int64_t tok, bound;
	int64_t text_bytes; /* as the model reads them, tools not included */
	/* of tok: */
	int64_t tool_tok, image_tok, audio_tok, file_tok;
	enum count_by by;
	bool exact;  /* text was counted, not estimated */
	bool capped; /* more text than max_bytes: the rest was estimated */
};

/* body: a chat, a completion or an embedding that the scanner let pass.
 * max_bytes: so much text is counted; what is more is estimated in tok and is
 * its bytes in bound.  c may be NULL. */
void count_prompt(struct count_prompt *out, const struct count *c,
		  const struct count_model *m, struct str body,
		  int64_t max_bytes);

#endif
