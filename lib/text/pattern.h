/* pattern.h - which names a text stands for: itself ("gpt-4o"), those that a
 * wildcard covers ("gpt-4o*", where * is any run of bytes), or those that a
 * regular expression finds ("re:^gpt-4o(-mini)?$", PCRE2).
 *
 * Expressions come from administrators and names from callers, so that a match
 * is bounded in steps and memory: what would take longer is no match.  They
 * are interpreted: a worker may be fenced in before one is read.
 */
#ifndef TEXT_PATTERN_H
#define TEXT_PATTERN_H

#include "base/err.h"
#include "base/str.h"

#define PATTERN_MAX 256 /* bytes */

/* The more exact kind counts first. */
enum pattern_kind { PATTERN_EXACT, PATTERN_WILDCARD, PATTERN_RE };

struct pattern;

enum pattern_kind pattern_kind(struct str text);
/* NULL: ERR_VALUE, too long or no expression, and where. */
struct pattern *pattern_new(struct str text, struct err *e);
void pattern_free(struct pattern *p); /* NULL is fine */
bool pattern_has(const struct pattern *p, struct str name);
/* Does a before b?  The kind counts, then how much of it is literal. */
bool pattern_before(struct str a, struct str b);
/* What the first * of a wildcard stands for in a name that it has; else
 * STR_NONE. */
struct str pattern_star(struct str text, struct str name);

#endif
