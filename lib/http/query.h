/* query.h - what stands behind the '?' of an address. */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include "base/err.h"
#include "base/str.h"

/* The value of a parameter, unescaped, as a C string in at.  1; 0: it is not
 * there, and at is ""; -1 with ERR_VALUE where it is there twice, too long for
 * at, or not of printable ASCII. */
int query_get(struct str query, const char *name, char *at, size_t size,
	      struct err *e);

#endif
