/* utf8.h - where UTF-8 is right, and where it stops being so. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include "base/str.h"

/* How many bytes at the start of s are whole, valid characters. */
size_t utf8_valid(struct str s);
/* Whether what is there could be the start of a character that is cut off:
 * one to three bytes, valid as far as they go. */
bool utf8_is_cut(struct str s);
/* At most n bytes of s, ending between two characters. */
size_t utf8_floor(struct str s, size_t n);

#endif
