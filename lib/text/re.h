/* re.h - regular expressions over UTF-8: PCRE2 behind three words.
 *
 * An expression is compiled once and lives as long as the process; many
 * threads may match with it, each with a place of its own.  Subjects are
 * valid UTF-8: it is not checked here.  No machine code is made after
 * re_new(), so that a worker may be fenced in afterwards.
 */
#ifndef TEXT_RE_H
#define TEXT_RE_H

#include "base/err.h"
#include "base/str.h"

struct re;
struct re_at; /* where one thread at a time notes what it found */

enum re_found {
	RE_YES,
	RE_NO,
	RE_MORE, /* the end was looked at, and more is to come */
	RE_FAIL, /* out of its own means; never on what we compile */
};

/* NULL with ERR_INTERNAL: no such expression. */
struct re *re_new(const char *pattern, struct err *e);
void re_free(struct re *re); /* NULL is fine */
struct re_at *re_at_new(const struct re *re);
void re_at_free(struct re_at *at); /* NULL is fine */

/* Matches at the very start of s.  more: s goes on behind its end, and what
 * depends on how is RE_MORE.  RE_YES: *n bytes. */
enum re_found re_match(const struct re *re, struct re_at *at, struct str s,
		       bool more, size_t *n);
bool re_is_fast(const struct re *re); /* it is machine code */

#endif
