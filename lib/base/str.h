/* str.h - a piece of text that somebody else owns: pointer and length.
 *
 * It may hold NULs and has no terminator.  { NULL, 0 } is "absent"; an empty
 * text has a pointer.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
#define STR_FMT(s)   (int)(s).n, (s).p /* for "%.*s" */

struct str str_of(const char *s); /* NULL gives STR_NONE */
bool str_eq(struct str a, const char *b);
bool str_same(struct str a, struct str b);
bool str_ieq(struct str a, const char *b); /* ASCII letters of either case */
bool str_starts(struct str s, const char *prefix);
struct str str_trim(struct str s); /* spaces and tabs off both ends */

/* Cuts the next piece off *s at the separator; false when nothing is left. */
bool str_next(struct str *s, char separator, struct str *piece);

/* The whole of s as a decimal number in the range, else -1 and *out is 0. */
int str_int(struct str s, int64_t min, int64_t max, int64_t *out);

#endif
