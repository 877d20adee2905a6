/* buf.h - a growing byte buffer with a ceiling.
 *
 * Appending never fails at the call: past the ceiling the buffer is marked bad
 * and drops what follows.  Build first, ask buf_ok() once at the end.
 *
 * Invariant: after buf_init(), p is never NULL and p[len] is '\0'.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t len, cap, max; /* max: the ceiling, in bytes */
	bool bad;             /* the ceiling was passed */
};

void buf_init(struct buf *b, size_t max); /* allocates nothing yet */
void buf_release(struct buf *b);          /* safe to call twice */
void buf_clear(struct buf *b);            /* empty and good; keeps its memory */

void buf_add(struct buf *b, const char *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_eat(struct buf *b, size_t n); /* drop the first n bytes */

/* Room for n more bytes to be written at p + len by somebody else, who then
 * calls buf_grew(); NULL past the ceiling. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

bool buf_ok(const struct buf *b);
struct str buf_span(const struct buf *b);

#endif
