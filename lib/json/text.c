/* text.c - see text.h. */
#include "json/text.h"

struct str json_inside(struct str text)
{
	if (text.n < 2)
		return (struct str){ text.p, 0 };
	return (struct str){ text.p + 1, text.n - 2 };
}

/* --- escapes -------------------------------------------------------------- */

/* A digit's value and one; 0: it is none.  A text can be all escapes. */
static const unsigned char hex[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* The four digits of "\uXXXX" at the start of s; -1: there is none. */
static int unit_of(struct str s)
{
	int v = 0;

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int d = hex[(unsigned char)s.p[i]];

		if (!d)
			return -1;
		v = v << 4 | (d - 1);
	}
	return v;
}

static size_t put_utf8(char at[static 4], uint32_t c)
{
	if (c < 0x80) {
		at[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		at[0] = (char)(0xC0 | c >> 6);
		at[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		at[0] = (char)(0xE0 | c >> 12);
		at[1] = (char)(0x80 | (c >> 6 & 0x3F));
		at[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	at[0] = (char)(0xF0 | c >> 18);
	at[1] = (char)(0x80 | (c >> 12 & 0x3F));
	at[2] = (char)(0x80 | (c >> 6 & 0x3F));
	at[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* The character of the escape at the start of s, which is cut off it. */
static uint32_t take_escape(struct str *s)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	struct str rest = *s;
	int unit = unit_of(rest), second;
	size_t n = MIN(unit < 0 ? 2 : 6, rest.n);
	const char *name;

	*s = (struct str){ rest.p + n, rest.n - n };
	if (unit < 0) {
		name = n == 2 && rest.p[1] ? strchr(names, rest.p[1]) : NULL;
		return name ? (unsigned char)means[name - names] : 0xFFFD;
	}
	if (unit < 0xD800 || unit > 0xDFFF)
		return (uint32_t)unit;
	second = unit_of(*s);
	if (unit > 0xDBFF || second < 0xDC00 || second > 0xDFFF)
		return 0xFFFD;
	*s = (struct str){ s->p + 6, s->n - 6 };
	return 0x10000 + ((uint32_t)(unit - 0xD800) << 10) +
	       (uint32_t)(second - 0xDC00);
}

bool json_next(struct str *rest, char at[static 4], struct str *piece)
{
	const char *escape;

	if (!rest->n)
		return false;
	if (*rest->p == '\\') {
		*piece = (struct str){ at, put_utf8(at, take_escape(rest)) };
		return true;
	}
	escape = memchr(rest->p, '\\', rest->n);
	piece->p = rest->p;
	piece->n = escape ? (size_t)(escape - rest->p) : rest->n;
	rest->p += piece->n;
	rest->n -= piece->n;
	return true;
}

struct str json_unescape(struct str text, struct arena *arena)
{
	struct str rest = json_inside(text), piece;
	char at[4], *to;
	size_t n = 0;

	if (!rest.n || !memchr(rest.p, '\\', rest.n))
		return rest;
	to = arena_alloc(arena, rest.n); /* it only gets shorter */
	while (json_next(&rest, at, &piece)) {
		memcpy(to + n, piece.p, piece.n);
		n += piece.n;
	}
	return (struct str){ to, n };
}

void json_unescape_to(struct str text, struct buf *out)
{
	struct str rest = json_inside(text), piece;
	char at[4];

	while (json_next(&rest, at, &piece))
		buf_add(out, piece.p, piece.n);
}

/* How much of s fits into n bytes without cutting a character. */
static size_t whole_chars(struct str s, size_t n)
{
	if (s.n <= n)
		return s.n;
	while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return n;
}

size_t json_unescape_cut(struct str text, char *to, size_t size)
{
	struct str rest = json_inside(text), piece;
	size_t n = 0, fits;
	char at[4];

	while (json_next(&rest, at, &piece)) {
		fits = whole_chars(piece, size - 1 - n);
		memcpy(to + n, piece.p, fits);
		n += fits;
		if (fits < piece.n)
			break;
	}
	to[n] = '\0';
	return n;
}

/* How many bytes the escapes of whole characters at the start of s make; they
 * are cut off it.  What is no \uXXXX, or half a pair, is left. */
static size_t take_units(struct str *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	const unsigned char *end = p + s->n;
	size_t n = 0;

	for (; end - p >= 6 && p[0] == '\\' && p[1] == 'u'; p += 6) {
		unsigned int a = hex[p[2]], b = hex[p[3]], c = hex[p[4]];

		if (!a || !b || !c || !hex[p[5]] || (a == 14 && b > 8))
			break;
		n += a > 1 || b > 8 ? 3 : b > 1 || c > 8 ? 2 : 1;
	}
	*s = (struct str){ (const char *)p, (size_t)(end - p) };
	return n;
}

size_t json_text_bytes(struct str text)
{
	struct str rest = json_inside(text), piece;
	size_t n = 0;
	char at[4];

	do {
		n += take_units(&rest);
		if (!json_next(&rest, at, &piece))
			return n;
		n += piece.n;
	} while (true);
}

size_t json_text_chars(struct str text)
{
	struct str rest = json_inside(text), piece;
	size_t n = 0;
	char at[4];

	while (json_next(&rest, at, &piece))
		for (size_t i = 0; i < piece.n; i++)
			n += ((unsigned char)piece.p[i] & 0xC0) != 0x80;
	return n;
}

bool json_text_is(struct str text, struct str s)
{
	struct str rest = json_inside(text), piece;
	char at[4];

	while (json_next(&rest, at, &piece)) {
		if (piece.n > s.n || memcmp(piece.p, s.p, piece.n) != 0)
			return false;
		s = (struct str){ s.p + piece.n, s.n - piece.n };
	}
	return !s.n;
}

/* --- numbers -------------------------------------------------------------- */

/* A decimal: 0.D * 10^scale, D being the digits from the first that is not
 * zero; the point among them is stepped over. */
struct decimal {
	bool minus, zero;
	int64_t scale;
	struct str digits;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -1: no more. */
static int next_digit(struct str *s)
{
	if (s->n && *s->p == '.')
		*s = (struct str){ s->p + 1, s->n - 1 };
	if (!s->n || !is_digit(*s->p))
		return -1;
	*s = (struct str){ s->p + 1, s->n - 1 };
	return s->p[-1] - '0';
}

/* Far beyond what a double holds, and far from overflowing. */
#define SCALE_MAX 1000000000

static int64_t exponent_of(struct str s)
{
	bool minus = s.n && *s.p == '-';
	int64_t v = 0;

	for (size_t i = s.n && !is_digit(*s.p); i < s.n; i++)
		v = MIN(v * 10 + (s.p[i] - '0'), SCALE_MAX);
	return minus ? -v : v;
}

static struct decimal read_decimal(struct str text)
{
	struct decimal d = { .zero = true };
	bool point = false;
	size_t i = 0;

	if (text.n && text.p[0] == '-') {
		d.minus = true;
		i++;
	}
	for (; i < text.n && (is_digit(text.p[i]) || text.p[i] == '.'); i++) {
		char c = text.p[i];

		if (d.zero && is_digit(c) && c != '0') {
			d.zero = false;
			d.digits = (struct str){ text.p + i, text.n - i };
		}
		if (c == '.')
			point = true;
		else if (point)
			d.scale -= d.zero;
		else
			d.scale += !d.zero;
	}
	if (i < text.n)
		d.scale += exponent_of(
			(struct str){ text.p + i + 1, text.n - i - 1 });
	return d;
}

bool json_is_integer(struct str text)
{
	struct decimal d = read_decimal(text);
	int64_t i = 0, last = 0;
	int digit;

	while ((digit = next_digit(&d.digits)) >= 0) {
		i++;
		if (digit)
			last = i;
	}
	return d.zero || last <= d.scale;
}

int64_t json_whole(struct str text)
{
	struct decimal d = read_decimal(text);
	int64_t v = 0;

	if (d.zero)
		return 0;
	for (int64_t i = 0; i < d.scale; i++) {
		int digit = next_digit(&d.digits);

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, MAX(digit, 0), &v))
			return d.minus ? INT64_MIN : INT64_MAX;
	}
	if (d.minus)
		return v;
	return v == INT64_MIN ? INT64_MAX : -v;
}

/* Both are greater than zero. */
static int compare_sizes(struct decimal a, struct decimal b)
{
	int x, y, difference = 0;

	if (a.scale != b.scale)
		return a.scale < b.scale ? -1 : 1;
	do {
		x = next_digit(&a.digits);
		y = next_digit(&b.digits);
		difference = (x > 0 ? x : 0) - (y > 0 ? y : 0);
	} while (!difference && (x >= 0 || y >= 0));
	return (difference > 0) - (difference < 0);
}

static int sign_of(const struct decimal *d)
{
	if (d->zero)
		return 0;
	return d->minus ? -1 : 1;
}

int json_compare(struct str text, int64_t v)
{
	struct decimal a = read_decimal(text), b;
	char at[24];
	int n = snprintf(at, sizeof(at), "%lld", (long long)v);

	b = read_decimal((struct str){ at, (size_t)n });
	if (sign_of(&a) != sign_of(&b))
		return sign_of(&a) < sign_of(&b) ? -1 : 1;
	return a.zero ? 0 : sign_of(&a) * compare_sizes(a, b);
}

int json_int(struct str text, int64_t min, int64_t max, int64_t *out)
{
	return str_int(text, min, max, out);
}
