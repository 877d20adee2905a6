/* calls.h - the tool calls of a request, by their ids. */
#ifndef DIALECT_CALLS_H
#define DIALECT_CALLS_H

#include "dialect/chat.h"

struct calls {
	const struct chat_part **slot;
	size_t n; /* a power of two */
};

void calls_init(struct calls *calls, const struct chat *c);
/* The call of this id, the last of several; NULL: none. */
const struct chat_part *calls_find(const struct calls *calls, struct str id);

#endif
