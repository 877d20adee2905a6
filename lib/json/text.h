/* text.h - the text of JSON scalars, as the scanner points at it.
 *
 * Strings come with their quotes, and have passed the scanner: escapes are
 * whole, UTF-8 is right.  Numbers are compared as the decimals they are, not
 * as doubles: locale, rounding and length do not matter.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* Cuts the next piece off the inside of a string (no quotes): a run without
 * escapes as it lies there, or what one escape stands for, in at.  False when
 * nothing is left. */
bool json_next(struct str *rest, char at[static 4], struct str *piece);
/* The inside of a string's text. */
struct str json_inside(struct str text);

/* What a string's text stands for.  Without escapes it is a piece of the
 * text itself, else it lies in the arena. */
struct str json_unescape(struct str text, struct arena *arena);
/* The same appended to out. */
void json_unescape_to(struct str text, struct buf *out);
/* The same into a fixed place, a C string cut at a whole character. */
size_t json_unescape_cut(struct str text, char *to, size_t size);
/* Its length without making it: in bytes, and in characters. */
size_t json_text_bytes(struct str text);
size_t json_text_chars(struct str text);
/* Does the string stand for exactly this? */
bool json_text_is(struct str text, struct str s);

/* A number's text as an integer: digits with at most a minus before them.
 * -1 and 0: has a point or an exponent, or is out of the range. */
int json_int(struct str text, int64_t min, int64_t max, int64_t *out);
/* Is the value whole, however it is written: 100, 100.0, 1e2? */
bool json_is_integer(struct str text);
/* The same value as an int64_t; beyond its range the nearest one. */
int64_t json_whole(struct str text);
/* <0, 0, >0: the number is less, equal, greater. */
int json_compare(struct str text, int64_t v);

#endif
