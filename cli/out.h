/* out.h - one way to print: a table for people, JSON for scripts.
 *
 * A verb describes its rows once, by columns; the members of the JSON object
 * are the columns' names, and what a person sees are those with a heading.
 * Control bytes in texts never reach a terminal.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdio.h>

#include "base/base.h"

enum out_kind {
	OUT_INT,   /* int64_t */
	OUT_BOOL,  /* bool */
	OUT_TEXT,  /* const char *; NULL reads as "" */
	OUT_NAME,  /* the same; "" is null in JSON */
	OUT_LIST,  /* const char *: words between commas; an array in JSON */
	OUT_MONEY, /* int64_t, nano-dollars */
	OUT_TIME,  /* int64_t, ms since 1970; 0: never, null in JSON */
	OUT_RAW,   /* const char *: JSON text as it is; "" is null */
	OUT_LIMIT, /* as OUT_MONEY, but below zero means none: null */
	OUT__COUNT
};

struct out_col {
	const char *name; /* the member; "": not in JSON */
	const char *head; /* the heading; NULL: not in the table */
	enum out_kind kind;
	size_t at; /* in the row's struct */
};

struct out {
	FILE *to;
	bool json;
};

void out_init(struct out *o, FILE *to, bool json);
/* n rows of size bytes as a table or an array; none: the sentence `empty` for
 * people.  cols ends with a column without name. */
void out_rows(struct out *o, const struct out_col *cols, const void *rows,
	      size_t size, int n, const char *empty);
/* One row: "name  value" lines, or an object. */
void out_one(struct out *o, const struct out_col *cols, const void *row);

#endif
