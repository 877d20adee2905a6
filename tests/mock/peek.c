/* peek.c - see peek.h. */
#include "peek.h" /* beside this file */

static void step_over(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What a number, true, false or null ends before. */
static bool is_end(char c)
{
	return is_space(c) || c == ',' || c == ']' || c == '}';
}

static void skip_space(struct str *s)
{
	while (s->n && is_space(*s->p))
		step_over(s, 1);
}

/* Bytes of the string at the start of s, its quotes included; 0: it is cut. */
static size_t string_bytes(struct str s)
{
	size_t at = 1;

	while (at < s.n) {
		const char *q = memchr(s.p + at, '"', s.n - at);
		const char *back = q;

		if (!q)
			return 0;
		while (back > s.p + 1 && back[-1] == '\\')
			back--;
		at = (size_t)(q - s.p) + 1;
		if ((q - back) % 2 == 0)
			return at;
	}
	return 0;
}

static size_t nested_bytes(struct str s)
{
	size_t at = 0, depth = 0;

	while (at < s.n) {
		size_t n = 1;

		switch (s.p[at]) {
		case '"':
			n = string_bytes((struct str){ s.p + at, s.n - at });
			if (!n)
				return 0;
			break;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']': depth--; break;
		default: break;
		}
		at += n;
		if (!depth)
			return at;
	}
	return 0;
}

static size_t value_bytes(struct str s)
{
	size_t n = 0;

	if (s.n && *s.p == '"')
		return string_bytes(s);
	if (s.n && (*s.p == '{' || *s.p == '['))
		return nested_bytes(s);
	while (n < s.n && !is_end(s.p[n]))
		n++;
	return n;
}

bool peek_open(struct str *json, char bracket)
{
	skip_space(json);
	if (!json->n || *json->p != bracket)
		return false;
	step_over(json, 1);
	return true;
}

bool peek_item(struct str *rest, struct str *value)
{
	size_t n;

	skip_space(rest);
	if (rest->n && *rest->p == ',')
		step_over(rest, 1);
	skip_space(rest);
	n = value_bytes(*rest);
	if (!n)
		return false;
	*value = (struct str){ rest->p, n };
	step_over(rest, n);
	return true;
}

bool peek_pair(struct str *rest, struct str *key, struct str *value)
{
	if (!peek_item(rest, key) || *key->p != '"')
		return false;
	*key = peek_text(*key);
	skip_space(rest);
	if (!rest->n || *rest->p != ':')
		return false;
	step_over(rest, 1);
	return peek_item(rest, value);
}

struct str peek_member(struct str object, const char *name)
{
	struct str key, value;

	if (peek_open(&object, '{'))
		while (peek_pair(&object, &key, &value))
			if (str_eq(key, name))
				return value;
	return STR_NONE;
}

struct str peek_text(struct str value)
{
	if (value.n < 2 || *value.p != '"')
		return STR_NONE;
	return (struct str){ value.p + 1, value.n - 2 };
}
