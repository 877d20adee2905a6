/* listen_in.h - what the files of a listener share. */
#ifndef DIALECT_LISTEN_IN_H
#define DIALECT_LISTEN_IN_H

#include "dialect/listen.h"

void listen_text_begin(struct listen *l);
/* What was heard of an error in the text at base. */
void listen_take_error(const struct listen *l, const char *base,
		       struct listen_error *out);
/* Without white space around it. */
struct str listen_trimmed(const char *p, size_t n);

#endif
