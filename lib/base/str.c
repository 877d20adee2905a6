/* str.c - see str.h. */
#include "base/str.h"

#include <strings.h>

struct str str_of(const char *s)
{
	return s ? (struct str){ s, strlen(s) } : STR_NONE;
}

bool str_eq(struct str a, const char *b)
{
	return str_same(a, str_of(b));
}

bool str_same(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

bool str_ieq(struct str a, const char *b)
{
	return a.n == strlen(b) && !strncasecmp(a.p ? a.p : "", b, a.n);
}

bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && !memcmp(s.p ? s.p : "", prefix, n);
}

struct str str_trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool str_next(struct str *s, char separator, struct str *piece)
{
	const char *end;

	if (!s->p)
		return false;
	end = memchr(s->p, separator, s->n);
	if (!end) {
		*piece = *s;
		*s = STR_NONE;
		return true;
	}
	*piece = (struct str){ s->p, (size_t)(end - s->p) };
	*s = (struct str){ end + 1, s->n - piece->n - 1 };
	return true;
}

int str_int(struct str s, int64_t min, int64_t max, int64_t *out)
{
	int64_t v = 0;
	size_t i = 0;
	bool minus = s.n && s.p[0] == '-';

	*out = 0;
	for (i = minus; i < s.n; i++) {
		int d = s.p[i] - '0';

		if (d < 0 || d > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, d, &v))
			return -1;
	}
	if (i == minus || (!minus && __builtin_sub_overflow(0, v, &v)) ||
	    v < min || v > max)
		return -1;
	*out = v;
	return 0;
}
