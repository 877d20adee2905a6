/* vector.c - see vector.h. */
#include "dialect/vector.h"

#include <math.h>

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void vector_add(struct buf *out, float v)
{
	uint32_t bits;
	char p[4];

	memcpy(&bits, &v, sizeof(bits));
	for (int i = 0; i < 4; i++)
		p[i] = (char)(bits >> (8 * i));
	buf_add(out, p, sizeof(p));
}

static float number_at(const char *p)
{
	uint32_t bits = 0;
	float v;

	for (int i = 0; i < 4; i++)
		bits |= (uint32_t)(unsigned char)p[i] << (8 * i);
	memcpy(&v, &bits, sizeof(v));
	return isfinite(v) ? v : 0;
}

void vector_numbers(struct buf *out, const char *p, size_t n)
{
	char s[32];

	buf_char(out, '[');
	for (size_t i = 0; i + 4 <= n; i += 4) {
		float v = number_at(p + i);

		for (int exact = 6; exact <= 9; exact++) {
			snprintf(s, sizeof(s), "%.*g", exact, (double)v);
			if (strtof(s, NULL) == v)
				break;
		}
		if (i)
			buf_char(out, ',');
		buf_str(out, s);
	}
	buf_char(out, ']');
}

void vector_base64(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)p[i] << 16;
		char four[4];

		if (i + 1 < n)
			v |= (uint32_t)(unsigned char)p[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)p[i + 2];
		for (int k = 0; k < 4; k++)
			four[k] = digits[v >> (18 - 6 * k) & 63];
		if (i + 1 >= n)
			four[2] = '=';
		if (i + 2 >= n)
			four[3] = '=';
		buf_add(out, four, 4);
	}
}

int vector_from_base64(struct str text, struct buf *out)
{
	uint32_t v = 0;
	size_t n = text.n, from = out->len;

	while (n && text.p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		const char *d = text.p[i] ? strchr(digits, text.p[i]) : NULL;

		if (!d)
			return -1;
		v = v << 6 | (uint32_t)(d - digits);
		if (i % 4)
			buf_char(out, (char)(v >> (6 - 2 * (i % 4))));
	}
	return (out->len - from) % 4 ? -1 : 0;
}
