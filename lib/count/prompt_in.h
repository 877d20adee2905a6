/* prompt_in.h - what the files that count a prompt share. */
#ifndef COUNT_PROMPT_IN_H
#define COUNT_PROMPT_IN_H

#include "count/prompt.h"

struct prompt {
	struct count_prompt *out;
	const struct count_model *model;
	struct count_stream stream;
	struct buf text; /* of a string with escapes */
	int64_t left;    /* bytes that are still counted */
	struct str body;
	/* the part under way: texts of the JSON, with quotes; n 0: none */
	struct str url, detail, sound, file;
	bool is_image, is_file;
	bool token_ids;                      /* numbers in a prompt */
	bool calls;                          /* a message has tool calls */
	struct str tools, functions, format; /* members, whole */
};

/* A text that the model reads; not JSON. */
void prompt_text(struct prompt *p, struct str s);
/* How many tokens it alone is, without noting it. */
int64_t prompt_tokens_of(struct prompt *p, struct str s);
/* Rules add tokens to both numbers. */
void prompt_add(struct prompt *p, int64_t tok, int64_t bound);
/* The members "tools" and "functions", prompt_tools.c. */
void prompt_tools(struct prompt *p, struct str json);

#endif
