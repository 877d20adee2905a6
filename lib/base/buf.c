/* buf.c - see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>

static char nothing[1]; /* what an empty buffer points to; never written */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .p = nothing, .max = max };
}

void buf_release(struct buf *b)
{
	if (b->cap)
		free(b->p);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->bad = false;
	if (b->cap)
		b->p[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
	size_t cap;

	if (b->bad || n > b->max - b->len) {
		b->bad = true;
		return NULL;
	}
	if (b->len + n < b->cap)
		return b->p + b->len;
	cap = MAX(b->len + n, MIN(b->cap * 2, b->max)) + 1;
	cap = MAX(cap, 64);
	b->p = mem_realloc(b->cap ? b->p : NULL, cap);
	b->cap = cap;
	b->p[b->len] = '\0';
	return b->p + b->len;
}

void buf_grew(struct buf *b, size_t n)
{
	assert(b->len + n < b->cap);
	b->len += n;
	b->p[b->len] = '\0';
}

void buf_add(struct buf *b, const char *p, size_t n)
{
	char *to;

	if (!n || !(to = buf_room(b, n)))
		return;
	memcpy(to, p, n);
	buf_grew(b, n);
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_int(struct buf *b, int64_t v)
{
	buf_printf(b, "%lld", (long long)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	to = buf_room(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void buf_eat(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len)
		memmove(b->p, b->p + n, b->len);
	if (b->cap)
		b->p[b->len] = '\0';
}

bool buf_ok(const struct buf *b)
{
	return !b->bad;
}

struct str buf_span(const struct buf *b)
{
	return (struct str){ b->p, b->len };
}
