/* utf8.c - see utf8.h. */
#include "text/utf8.h"

#include <string.h>

typedef const unsigned char *text_at;

/* What the first byte says: how many follow, and the range of the second,
 * which is what keeps overlong forms, surrogates and the beyond out. */
static int lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xBF;
	if (c >= 0xC2 && c <= 0xDF)
		return 1;
	if (c >= 0xE0 && c <= 0xEF) {
		*low = c == 0xE0 ? 0xA0 : 0x80;
		*high = c == 0xED ? 0x9F : 0xBF;
		return 2;
	}
	if (c >= 0xF0 && c <= 0xF4) {
		*low = c == 0xF0 ? 0x90 : 0x80;
		*high = c == 0xF4 ? 0x8F : 0xBF;
		return 3;
	}
	return -1;
}

/* Its bytes; 0: is none; cut: it is one as far as it goes. */
static size_t one(text_at p, size_t n, bool *cut)
{
	unsigned char low, high;
	int left = *p < 0x80 ? 0 : lead(*p, &low, &high);
	size_t i;

	*cut = false;
	if (left < 0)
		return 0;
	for (i = 1; i <= (size_t)left; i++) {
		if (i == n) {
			*cut = true;
			return 0;
		}
		if (p[i] < (i == 1 ? low : 0x80) ||
		    p[i] > (i == 1 ? high : 0xBF))
			return 0;
	}
	return i;
}

static size_t ascii(text_at p, size_t n)
{
	uint64_t w;
	size_t i = 0;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if (w & 0x8080808080808080ULL)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

size_t utf8_valid(struct str s)
{
	text_at p = (text_at)s.p;
	size_t i = 0, n;
	bool cut;

	while (i < s.n) {
		i += ascii(p + i, s.n - i);
		if (i == s.n)
			break;
		n = one(p + i, s.n - i, &cut);
		if (!n)
			break;
		i += n;
	}
	return i;
}

bool utf8_is_cut(struct str s)
{
	bool cut = false;

	return s.n && !one((text_at)s.p, s.n, &cut) && cut;
}

size_t utf8_floor(struct str s, size_t n)
{
	if (n >= s.n)
		return s.n;
	while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return n;
}
