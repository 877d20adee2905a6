/* jw.h - writes JSON into a buffer; commas come by themselves.
 *
 *	jw_start(&w, &out);
 *	jw_object(&w, NULL);
 *	jw_str(&w, "model", model);
 *	jw_array(&w, "data");
 *	jw_int(&w, NULL, 7);
 *	jw_end(&w);
 *	jw_end(&w);
 *
 * name: the member's name, or NULL inside an array and at the top.  What is
 * not UTF-8 is written as U+FFFD.  Nothing is allocated but by the buffer;
 * when that is past its ceiling, buf_ok() says so at the end.
 */
#ifndef JSON_JW_H
#define JSON_JW_H

#include "base/buf.h"

#define JW_DEPTH 64

struct jw {
	struct buf *out;
	uint64_t array, any; /* a bit a level: it is an array; has a value */
	int depth;
};

void jw_start(struct jw *w, struct buf *out);
void jw_object(struct jw *w, const char *name);
void jw_array(struct jw *w, const char *name);
void jw_end(struct jw *w); /* the innermost object or array */

void jw_text(struct jw *w, const char *name, struct str s); /* {NULL,0}: null */
void jw_str(struct jw *w, const char *name, const char *s); /* NULL: null */
void jw_int(struct jw *w, const char *name, int64_t v);     /* money: as nUSD */
void jw_bool(struct jw *w, const char *name, bool v);
void jw_null(struct jw *w, const char *name);
/* JSON text as it is. */
void jw_raw(struct jw *w, const char *name, struct str json);
/* A member whose name is not a C string. */
void jw_member(struct jw *w, struct str name, struct str json);

/* Only the string, with its quotes, escaped: what jw_text() writes. */
void jw_quote(struct buf *out, struct str s);

#endif
