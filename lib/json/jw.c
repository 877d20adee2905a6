/* jw.c - see jw.h. */
#include "json/jw.h"

#include <assert.h>

/* --- strings -------------------------------------------------------------- */

static bool is_next(struct str s, size_t i, unsigned char low,
		    unsigned char top)
{
	return i < s.n && (unsigned char)s.p[i] >= low &&
	       (unsigned char)s.p[i] <= top;
}

/* The range of a character's second byte, by its first: RFC 3629. */
static const struct lead {
	unsigned char from, to, n, low, top;
} leads[] = {
	{ 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF },
	{ 0xE1, 0xEC, 3, 0x80, 0xBF }, { 0xED, 0xED, 3, 0x80, 0x9F },
	{ 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
	{ 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

/* Bytes of the character at s.p[i], which is not ASCII; 0: it is none. */
static size_t char_bytes(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];

	for (size_t k = 0; k < COUNT(leads); k++) {
		const struct lead *l = &leads[k];

		if (c < l->from || c > l->to)
			continue;
		if (!is_next(s, i + 1, l->low, l->top))
			return 0;
		for (size_t more = 2; more < l->n; more++)
			if (!is_next(s, i + more, 0x80, 0xBF))
				return 0;
		return l->n;
	}
	return 0;
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 &&
	       c != '"' && c != '\\';
}

static void put_escape(struct buf *out, char c)
{
	static const char special[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	static const char hex[] = "0123456789abcdef";
	const char *at = c ? strchr(special, c) : NULL;
	char text[] = { '\\', 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15] };

	if (at)
		text[1] = names[at - special];
	buf_add(out, text, at ? 2 : sizeof(text));
}

/* What is not plain at s.p[i]; returns how many bytes that was. */
static size_t put_special(struct buf *out, struct str s, size_t i)
{
	size_t n;

	if ((unsigned char)s.p[i] < 0x80) {
		put_escape(out, s.p[i]);
		return 1;
	}
	n = char_bytes(s, i);
	if (n)
		buf_add(out, s.p + i, n);
	else
		buf_str(out, "\xEF\xBF\xBD");
	return MAX(n, 1);
}

void jw_quote(struct buf *out, struct str s)
{
	size_t i = 0, from;

	buf_char(out, '"');
	while (i < s.n) {
		for (from = i; i < s.n && is_plain(s.p[i]);)
			i++;
		buf_add(out, s.p + from, i - from);
		if (i < s.n)
			i += put_special(out, s, i);
	}
	buf_char(out, '"');
}

/* --- structure ------------------------------------------------------------ */

void jw_start(struct jw *w, struct buf *out)
{
	*w = (struct jw){ .out = out };
}

/* The comma that may be due. */
static void comma(struct jw *w)
{
	uint64_t bit = 1ull << (w->depth & 63);

	if (w->depth && (w->any & bit))
		buf_char(w->out, ',');
	w->any |= bit;
}

static void before(struct jw *w, const char *name)
{
	comma(w);
	if (!name)
		return;
	jw_quote(w->out, str_of(name));
	buf_char(w->out, ':');
}

static void open_level(struct jw *w, const char *name, bool array)
{
	uint64_t bit;

	before(w, name);
	assert(w->depth < JW_DEPTH - 1);
	bit = 1ull << ++w->depth;
	w->array = array ? w->array | bit : w->array & ~bit;
	w->any &= ~bit;
	buf_char(w->out, array ? '[' : '{');
}

void jw_object(struct jw *w, const char *name)
{
	open_level(w, name, false);
}

void jw_array(struct jw *w, const char *name)
{
	open_level(w, name, true);
}

void jw_end(struct jw *w)
{
	assert(w->depth > 0);
	buf_char(w->out, w->array >> w->depth & 1 ? ']' : '}');
	w->depth--;
}

/* --- values --------------------------------------------------------------- */

void jw_text(struct jw *w, const char *name, struct str s)
{
	before(w, name);
	if (s.p)
		jw_quote(w->out, s);
	else
		buf_str(w->out, "null");
}

void jw_str(struct jw *w, const char *name, const char *s)
{
	jw_text(w, name, str_of(s));
}

void jw_int(struct jw *w, const char *name, int64_t v)
{
	before(w, name);
	buf_int(w->out, v);
}

void jw_bool(struct jw *w, const char *name, bool v)
{
	before(w, name);
	buf_str(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w, const char *name)
{
	before(w, name);
	buf_str(w->out, "null");
}

void jw_raw(struct jw *w, const char *name, struct str json)
{
	before(w, name);
	buf_add(w->out, json.p, json.n);
}

void jw_member(struct jw *w, struct str name, struct str json)
{
	comma(w);
	jw_quote(w->out, name);
	buf_char(w->out, ':');
	buf_add(w->out, json.p, json.n);
}
