/* query.c - see query.h. */
#include "http/query.h"

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* The next character of s, which is cut off it; -1: a bad escape. */
static int next_char(struct str *s)
{
	int hi, lo, c = (unsigned char)*s->p;
	size_t n = 1;

	if (c == '+') {
		c = ' ';
	} else if (c == '%') {
		hi = s->n > 2 ? hex(s->p[1]) : -1;
		lo = s->n > 2 ? hex(s->p[2]) : -1;
		c = hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
		n = 3;
	}
	if (c >= 0)
		*s = (struct str){ s->p + n, s->n - n };
	return c;
}

static int unescape(struct str s, char *at, size_t size)
{
	size_t n = 0;
	int c;

	while (s.n) {
		c = next_char(&s);
		if (c < 0x20 || c >= 0x7f || n + 1 >= size)
			return -1;
		at[n++] = (char)c;
	}
	at[n] = '\0';
	return 0;
}

int query_get(struct str query, const char *name, char *at, size_t size,
	      struct err *e)
{
	struct str piece, value;
	int found = 0;

	at[0] = '\0';
	while (str_next(&query, '&', &piece)) {
		value = piece;
		if (!str_next(&value, '=', &piece) || !str_eq(piece, name))
			continue;
		if (found++)
			return err_param(e, ERR_VALUE, name,
					 "The parameter %s is there twice.",
					 name);
		if (unescape(value, at, size) < 0)
			return err_param(e, ERR_VALUE, name,
					 "The parameter %s holds something "
					 "that is no value of it.",
					 name);
	}
	return found;
}
