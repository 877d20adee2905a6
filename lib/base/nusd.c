/* nusd.c - see nusd.h. */
#include "base/nusd.h"

#include <assert.h>

int64_t nusd_cost(int64_t n_tok, int64_t price_nusd_per_mtok)
{
	__int128 c = (__int128)n_tok * price_nusd_per_mtok;

	assert(n_tok >= 0 && price_nusd_per_mtok >= 0);
	c = (c + 999999) / 1000000;
	return c > INT64_MAX ? INT64_MAX : (int64_t)c;
}

int64_t nusd_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : INT64_MIN;
}

/* Reads digits from s at *i; at least one; false far past NUSD_MAX. */
static bool digits(struct str s, size_t *i, int64_t *v)
{
	size_t from = *i;

	for (; *i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9'; (*i)++) {
		if (*v > NUSD_MAX / 10)
			return false; /* and the product would wrap */
		*v = *v * 10 + (s.p[*i] - '0');
	}
	return *i > from;
}

int nusd_parse(struct str s, int64_t *out)
{
	bool minus = s.n && s.p[0] == '-';
	int64_t dollars = 0, part = 0;
	size_t i = minus, from;

	*out = 0;
	if (!digits(s, &i, &dollars) || dollars > NUSD_MAX / NUSD_PER_USD)
		return -1;
	if (i < s.n) {
		if (s.p[i++] != '.')
			return -1;
		from = i;
		if (!digits(s, &i, &part) || i < s.n || i - from > 9)
			return -1;
		for (size_t n = i - from; n < 9; n++)
			part *= 10;
	}
	dollars = dollars * NUSD_PER_USD + part;
	if (dollars > NUSD_MAX)
		return -1;
	*out = minus ? -dollars : dollars;
	return 0;
}

/* digits x 10^exp, the first 24 of them: behind them nothing counts. */
struct decimal {
	__int128 digits;
	int n; /* of them, without leading zeros */
	int64_t exp;
};

static size_t read_digits(struct str s, size_t i, struct decimal *d, int down)
{
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		if (d->n == 24) {
			d->exp += 1 - down;
			continue;
		}
		d->digits = d->digits * 10 + (s.p[i] - '0');
		d->n += d->digits != 0;
		d->exp -= down;
	}
	return i;
}

static int read_decimal(struct str s, struct decimal *d)
{
	size_t i = read_digits(s, 0, d, 0), from;
	int64_t exp;

	if (!i)
		return -1;
	if (i < s.n && s.p[i] == '.') {
		from = ++i;
		i = read_digits(s, i, d, 1);
		if (i == from)
			return -1;
	}
	if (i == s.n)
		return 0;
	if (s.p[i] != 'e' && s.p[i] != 'E')
		return -1;
	i++;
	if (i + 1 < s.n && s.p[i] == '+' && s.p[i + 1] != '-')
		i++;
	if (str_int((struct str){ s.p + i, s.n - i }, -9999, 9999, &exp) < 0)
		return -1;
	d->exp += exp;
	return 0;
}

int nusd_decimal(struct str s, int scale, int64_t by, int64_t *out)
{
	struct decimal d = { 0 };
	__int128 v;
	int last = 0;

	*out = 0;
	if (read_decimal(s, &d) < 0 ||
	    __builtin_mul_overflow(d.digits, (__int128)by, &v))
		return -1;
	d.exp += scale;
	for (; v && d.exp > 0; d.exp--)
		if (__builtin_mul_overflow(v, (__int128)10, &v))
			return -1;
	for (; v && d.exp < 0; d.exp++) {
		last = (int)(v % 10);
		v /= 10;
	}
	if (!v && d.exp < 0)
		last = 0; /* less than a tenth of one */
	v += last >= 5;
	if (v > NUSD_MAX)
		return -1;
	*out = (int64_t)v;
	return 0;
}

char *nusd_text(int64_t nusd, char at[static NUSD_TEXT])
{
	uint64_t v = nusd < 0 ? 0 - (uint64_t)nusd : (uint64_t)nusd;
	int n = snprintf(at, NUSD_TEXT, "%s%llu.%09llu", nusd < 0 ? "-" : "",
			 (unsigned long long)(v / NUSD_PER_USD),
			 (unsigned long long)(v % NUSD_PER_USD));

	while (at[n - 1] == '0' && at[n - 3] != '.')
		at[--n] = '\0';
	return at;
}
