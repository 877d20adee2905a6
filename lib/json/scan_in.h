/* scan_in.h - what the files of the scanner share. */
#ifndef JSON_SCAN_IN_H
#define JSON_SCAN_IN_H

#include "json/scan.h"

/* An object or array that is open. */
struct scan_frame {
	size_t from, member_from;
	int64_t count; /* elements or members so far */
	uint64_t serial;
	int node;
	bool array, member;
};

/* The tree of paths: node 0 is the top.  -1: none. */
struct scan_node {
	struct str name;
	int child, next;  /* the first member; the next of its parent's */
	int element, any; /* "[]" and ".*" */
	int path;
};

struct scan_paths {
	int n;
	struct scan_node nodes[];
};

typedef const unsigned char *text_at;

enum state {
	/* numbers: rows of number_next[] */
	ST_MINUS,
	ST_ZERO,
	ST_DIGITS,
	ST_POINT,
	ST_FRACTION,
	ST_E,
	ST_SIGN,
	ST_EXPONENT,
	/* between values */
	ST_VALUE,
	ST_FIRST_VALUE,
	ST_NAME,
	ST_FIRST_NAME,
	ST_COLON,
	ST_AFTER,
	ST_END,
	/* inside of one */
	ST_WORD,
	ST_STRING,
	ST_ESCAPE,
	ST_HEX,
	ST_PAIR,
	ST_PAIR_U,
	ST_UTF8,
	ST__COUNT
};

/* One call of scan_feed(). */
struct run {
	struct scan *s;
	const char *base;
	text_at end;
	struct err *e;
};

static inline size_t scan_offset(const struct run *r, text_at p)
{
	return (size_t)((const char *)p - r->base);
}

/* True: the text ends here.  False: the rule is left out by a test. */
bool scan_refuse(struct run *r, enum scan_rule rule, text_at p);
/* A scalar that begins at text_from is over before p. */
text_at scan_scalar(struct run *r, enum scan_kind kind, text_at p);

/* The steps inside of strings, scan_string.c. */
text_at scan_string(struct run *r, text_at p);
text_at scan_escape(struct run *r, text_at p);
text_at scan_hex(struct run *r, text_at p);
text_at scan_pair(struct run *r, text_at p);
text_at scan_utf8(struct run *r, text_at p);

/* The node of a member; name: its text with quotes. */
int scan_paths_member(const struct scan_paths *paths, int node, struct str name,
		      bool escaped);

/* Notes a member of an object; true: it has one of that name already. */
bool scan_names_add(struct scan *s, uint64_t serial, struct str name,
		    bool escaped);
void scan_names_reset(struct scan *s);
void scan_names_release(struct scan *s);

#endif
