/* fuzz_sse.c - lib/http/sse: slices and the whole give the same events, and
 * the raw bytes are the input. */
#include "http/sse.h"

#include <assert.h>

#define EVENT_MAX 4096 /* bytes of an event */

struct heard {
	struct buf text, raw;
};

static int on_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct heard *h = arg;

	(void)e;
	buf_add(&h->raw, ev->raw.p, ev->raw.n);
	if (!ev->data.p)
		return 0;
	buf_printf(&h->text, "[%zu:", ev->name.n);
	buf_add(&h->text, ev->name.p, ev->name.n);
	buf_printf(&h->text, "|%zu:", ev->data.n);
	buf_add(&h->text, ev->data.p, ev->data.n);
	buf_char(&h->text, ']');
	return 0;
}

/* The input in slices whose sizes come from `seed`; 0: at once. */
static int run(const char *p, size_t n, unsigned int seed, struct heard *h)
{
	struct err e = { 0 };
	struct sse s;
	int r = 0;

	buf_init(&h->text, 64 << 20);
	buf_init(&h->raw, 64 << 20);
	sse_init(&s, EVENT_MAX);
	while (n && !r) {
		size_t k = seed ? MIN(n, 1 + (seed >> 16) % 9) : n;
		char *own = mem_alloc(k);

		memcpy(own, p, k);
		r = sse_feed(&s, own, k, on_event, h, &e);
		free(own);
		p += k;
		n -= k;
		seed = seed * 1103515245 + 12345;
	}
	if (!r)
		r = sse_end(&s, on_event, h, &e);
	sse_release(&s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	unsigned int seed = 1;
	struct heard a, b;
	int ra, rb;

	for (size_t i = 0; i < MIN(n, 8); i++)
		seed = seed * 31 + data[i];
	ra = run(p, n, 0, &a);
	rb = run(p, n, seed | 1, &b);
	assert(ra == rb);
	assert(str_same(buf_span(&a.text), buf_span(&b.text)));
	if (!ra) {
		assert(str_same(buf_span(&a.raw), (struct str){ p, n }));
		assert(str_same(buf_span(&b.raw), (struct str){ p, n }));
	}
	buf_release(&a.text);
	buf_release(&a.raw);
	buf_release(&b.text);
	buf_release(&b.raw);
	return 0;
}
