/* listen_in.h - what the files of a listener share. */
#ifndef DIALECT_LISTEN_IN_H
#define DIALECT_LISTEN_IN_H

#include "dialect/listen.h"

/* A text that is all zero, until listen_text_end(). */
void listen_text_begin(struct listen *l, struct listen_text *t);
void listen_text_end(struct listen *l);
/* What was heard of an error in the text at base. */
void listen_take_error(const struct listen *l, const char *base,
		       struct listen_error *out);
/* Without white space around it. */
struct str listen_trimmed(const char *p, size_t n);

#endif
