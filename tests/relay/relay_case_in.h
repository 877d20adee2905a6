/* relay_case_in.h - inside the reader of relay cases. */
#ifndef RELAY_CASE_IN_H
#define RELAY_CASE_IN_H

#include "base/buf.h"
#include "relay_case.h"

/* Where the reading is. */
struct reader {
	struct arena *arena;
	struct relay_case *c;
	struct str rest; /* what was not read */
	struct str line; /* without its newline */
	int number;      /* of the line */
	struct err *e;
};

/* Sets the error with the line's number and text; -1. */
int case_complain(struct reader *r, const char *what);
/* False at the end of the section. */
bool case_next_line(struct reader *r);
bool case_next_word(struct str *s, struct str *word);
bool case_next_hex(struct str s, size_t at, char *byte);
struct str case_copy(struct reader *r, const struct buf *b);
/* "[word rest]"; false: the line is none. */
bool case_directive(struct str line, struct str *word, struct str *rest);
/* Lines "Name: value", to an empty one. */
int case_read_headers(struct reader *r, struct case_pairs *to);

/* The section of attempt n, from 1. */
int case_read_answer(struct reader *r, int n);

#endif
