/* scan_string.c - the scanner inside of a string: bytes, escapes, UTF-8. */
#include <endian.h>

#include "json/scan_in.h"

/* What a byte is where it ends a run of plain ones. */
enum { PLAIN, CONTROL, QUOTE, BACKSLASH, LEAD };

static const unsigned char byte_class[256] = {
	[0x00 ... 0x1F] = CONTROL,
	['"'] = QUOTE,
	['\\'] = BACKSLASH,
	[0x80 ... 0xFF] = LEAD,
};

/* How many bytes follow the first of a character, and the range of the next:
 * RFC 3629, section 4. */
static const struct lead {
	unsigned char left, low, top;
} leads[256] = {
	[0xC2 ... 0xDF] = { 1, 0x80, 0xBF }, [0xE0] = { 2, 0xA0, 0xBF },
	[0xE1 ... 0xEC] = { 2, 0x80, 0xBF }, [0xED] = { 2, 0x80, 0x9F },
	[0xEE ... 0xEF] = { 2, 0x80, 0xBF }, [0xF0] = { 3, 0x90, 0xBF },
	[0xF1 ... 0xF3] = { 3, 0x80, 0xBF }, [0xF4] = { 3, 0x80, 0x8F },
};

static const bool is_escape[256] = {
	['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
	['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true,
};

#define EACH(byte)         (0x0101010101010101u * (byte))
#define HAS_BELOW(w, byte) (((w)-EACH(byte)) & ~(w)&EACH(0x80))

/* The first byte that is not plain, eight at a time.  Above a byte that is
 * found others may be found wrongly, so the lowest is taken. */
static inline text_at skip_plain(text_at p, text_at end)
{
	uint64_t w, found;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		w = le64toh(w);
		found = HAS_BELOW(w, 0x20) | HAS_BELOW(w ^ EACH('"'), 1) |
			HAS_BELOW(w ^ EACH('\\'), 1) | (w & EACH(0x80));
		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
	while (p < end && byte_class[*p] == PLAIN)
		p++;
	return p;
}

/* Past the short escapes at p; stops at what is none, \u, or cut. */
static inline text_at skip_escapes(text_at p, text_at end)
{
	while (end - p >= 2 && *p == '\\' && is_escape[p[1]])
		p += 2;
	return p;
}

/* Past the whole characters at p; stops at what is ASCII, wrong or cut. */
static inline text_at skip_chars(text_at p, text_at end)
{
	while (end - p >= 4 && *p >= 0x80) {
		const struct lead *l = &leads[*p];

		if (!l->left || p[1] < l->low || p[1] > l->top)
			return p;
		for (int i = 2; i <= l->left; i++)
			if ((p[i] & 0xC0) != 0x80)
				return p;
		p += l->left + 1;
	}
	return p;
}

static text_at end_name(struct run *r, text_at p)
{
	struct scan *s = r->s;
	struct scan_frame *f = &s->frames[s->depth - 1];
	struct str name = { r->base + s->name_from, 0 };

	s->name_to = scan_offset(r, p) + 1;
	name.n = s->name_to - s->name_from;
	f->count++;
	if (s->limits.keys && f->count > s->limits.keys &&
	    scan_refuse(r, SCAN_KEYS, p))
		return NULL;
	if (!s->limits.duplicates_ok &&
	    scan_names_add(s, f->serial, name, s->escaped) &&
	    scan_refuse(r, SCAN_DUPLICATE, p))
		return NULL;
	s->node = f->node < 0 ? -1 :
				scan_paths_member(s->paths, f->node, name,
						  s->escaped);
	s->state = ST_COLON;
	return p + 1;
}

static text_at begin_char(struct run *r, text_at p)
{
	struct scan *s = r->s;
	const struct lead *l = &leads[*p];

	if (!l->left)
		return scan_refuse(r, SCAN_UTF8_LEAD, p) ? NULL : p + 1;
	s->left = l->left;
	s->low = l->low;
	s->top = l->top;
	s->state = ST_UTF8;
	return p + 1;
}

text_at scan_string(struct run *r, text_at p)
{
	struct scan *s = r->s;
	enum scan_rule rule;
	text_at next;

	for (;;) {
		p = skip_plain(p, r->end);
		if (p == r->end)
			return p;
		switch (byte_class[*p]) {
		case QUOTE:
			if (s->in_name)
				return end_name(r, p);
			return scan_scalar(r, SCAN_STRING, p + 1);
		case BACKSLASH:
			s->escaped = true;
			next = skip_escapes(p, r->end);
			if (next == p) {
				s->state = ST_ESCAPE;
				return p + 1;
			}
			break;
		case LEAD:
			next = skip_chars(p, r->end);
			if (next == p)
				return begin_char(r, p);
			break;
		default:
			rule = *p ? SCAN_CONTROL : SCAN_NUL;
			if (scan_refuse(r, rule, p))
				return NULL;
			next = p + 1;
		}
		p = next;
	}
}

text_at scan_utf8(struct run *r, text_at p)
{
	struct scan *s = r->s;

	if ((*p & 0xC0) != 0x80) {
		s->state = ST_STRING;
		return scan_refuse(r, SCAN_UTF8_NEXT, p) ? NULL : p;
	}
	if ((*p < s->low || *p > s->top) && scan_refuse(r, SCAN_UTF8_RANGE, p))
		return NULL;
	s->low = 0x80;
	s->top = 0xBF;
	if (!--s->left)
		s->state = ST_STRING;
	return p + 1;
}

/* --- escapes -------------------------------------------------------------- */

text_at scan_escape(struct run *r, text_at p)
{
	struct scan *s = r->s;

	if (*p == 'u') {
		s->state = ST_HEX;
		s->left = 4;
		s->unit = 0;
		return p + 1;
	}
	s->state = ST_STRING;
	if (!is_escape[*p] && scan_refuse(r, SCAN_ESCAPE, p))
		return NULL;
	return p + 1;
}

/* The four digits are there; p is behind them. */
static text_at end_unit(struct run *r, text_at p)
{
	struct scan *s = r->s;
	bool low = s->unit >= 0xDC00 && s->unit <= 0xDFFF;
	bool second = s->high;

	s->state = ST_STRING;
	s->high = 0;
	if (second && low)
		return p;
	if (second && scan_refuse(r, SCAN_LONE_HIGH, p - 1))
		return NULL;
	if (low && scan_refuse(r, SCAN_LONE_LOW, p - 1))
		return NULL;
	if (!s->unit && s->in_name && scan_refuse(r, SCAN_NAME_NUL, p - 1))
		return NULL;
	if (s->unit >= 0xD800 && s->unit <= 0xDBFF) {
		s->high = s->unit;
		s->state = ST_PAIR;
	}
	return p;
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

text_at scan_hex(struct run *r, text_at p)
{
	struct scan *s = r->s;

	for (; p < r->end; p++) {
		int digit = hex_value(*p);

		if (digit < 0 && scan_refuse(r, SCAN_HEX, p))
			return NULL;
		s->unit = s->unit << 4 | (uint32_t)MAX(digit, 0);
		if (!--s->left)
			return end_unit(r, p + 1);
	}
	return p;
}

/* The two bytes before the digits of a pair's second half. */
text_at scan_pair(struct run *r, text_at p)
{
	struct scan *s = r->s;
	bool first = s->state == ST_PAIR;

	if (*p != (first ? '\\' : 'u')) {
		s->high = 0;
		s->state = first ? ST_STRING : ST_ESCAPE;
		return scan_refuse(r, SCAN_LONE_HIGH, p) ? NULL : p;
	}
	if (first)
		s->state = ST_PAIR_U;
	else
		scan_escape(r, p);
	return p + 1;
}
