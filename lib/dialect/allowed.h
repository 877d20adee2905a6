/* allowed.h - a choice among some of the tools, as struct chat keeps it. */
#ifndef DIALECT_ALLOWED_H
#define DIALECT_ALLOWED_H

#include "dialect/chat.h"

/* The names that CHOICE_ALLOWED allows; *required: one must be called.  False:
 * there are none, or one is no function. */
bool allowed_read(const struct chat *c, struct chat_texts *names,
		  bool *required);
/* Sets CHOICE_ALLOWED with these names. */
void allowed_set(struct chat *c, const struct chat_texts *names, bool required);

#endif
