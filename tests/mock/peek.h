/* peek.h - a look into JSON text, without a tree.
 *
 * For the tests' own requests: it finds members, it does not judge.  What is
 * not JSON reads as absent; nothing is read past the span.  Names and strings
 * stay as they were written, escapes and all.
 */
#ifndef MOCK_PEEK_H
#define MOCK_PEEK_H

#include "base/str.h"

/* Steps into an object ('{') or an array ('['); false: it is none. */
bool peek_open(struct str *json, char bracket);
/* The next member of the opened object; false at its end. */
bool peek_pair(struct str *rest, struct str *key, struct str *value);
/* The next element of the opened array; false at its end. */
bool peek_item(struct str *rest, struct str *value);
/* One member of an object, else STR_NONE. */
struct str peek_member(struct str object, const char *name);
/* What stands between the quotes of a string, else STR_NONE. */
struct str peek_text(struct str value);

#endif
