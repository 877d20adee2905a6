/* kept.h - the events of an answer, kept for a test; and an answer encoded of
 * them, in any dialect. */
#ifndef TESTS_KEPT_H
#define TESTS_KEPT_H

#include "dialect/dialect.h"
#include "http/sse.h"

#include "rows.h"

#define TEXT_MAX (1u << 20)

/* --- events, kept ---------------------------------------------------------- */

struct kept {
	struct arena mem;
	struct ev ev[400];
	int n;
};

static inline void keep(void *arg, const struct ev *ev)
{
	struct kept *k = arg;
	struct ev *to = &k->ev[k->n];

	assert_true(k->n < (int)COUNT(k->ev));
	*to = *ev;
	to->id = arena_dup(&k->mem, str_of(ev->id));
	to->name = arena_dup(&k->mem, str_of(ev->name));
	if (!ev->id)
		to->id = NULL;
	if (!ev->name)
		to->name = NULL;
	to->s = ev->s ? arena_dup(&k->mem, (struct str){ ev->s, ev->n }) : NULL;
	k->n++;
}

static inline void print(const struct kept *k, struct buf *out)
{
	for (int i = 0; i < k->n; i++)
		ev_print(&k->ev[i], out);
}

/* --- decoding -------------------------------------------------------------- */

static inline int on_sse(void *arg, const struct sse_event *ev, struct err *e)
{
	char name[32];

	if (!ev->data.p)
		return 0;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(ev->name));
	return dec_feed(arg, name, ev->data.p, ev->data.n, e);
}

static inline int run(struct dec *d, struct str in, size_t cut, struct err *e)
{
	struct sse s;
	int ret;

	if (!d->stream)
		return dec_feed(d, "", in.p, in.n, e);
	sse_init(&s, TEXT_MAX);
	ret = sse_feed(&s, in.p, cut, on_sse, d, e);
	if (!ret)
		ret = sse_feed(&s, in.p + cut, in.n - cut, on_sse, d, e);
	if (!ret)
		ret = sse_end(&s, on_sse, d, e);
	sse_release(&s);
	return ret ? ret : dec_eof(d, e);
}

/* The events into k; what went wrong and what was odd, as text. */
static inline void decode(const struct dialect *from, struct str in,
			  bool stream, size_t cut, struct kept *k,
			  struct buf *odd)
{
	struct err e = { 0 };
	struct dec d;

	dec_init(&d, from, &k->mem, SHAPE_CHAT, stream, keep, k);
	if (run(&d, in, cut, &e) < 0)
		buf_printf(odd, "! %s: %s\n", err_info(e.code)->name, e.msg);
	if (d.usage_refused)
		buf_str(odd, "! usage refused\n");
}

static inline void encode(const struct dialect *to, const struct kept *k,
			  bool stream, struct arena *mem, struct buf *out)
{
	struct enc x;

	enc_init(&x, to, mem, SHAPE_CHAT, stream);
	x.created_s = 1795262400;
	x.include_usage = true;
	for (int i = 0; i < k->n; i++)
		enc_put(&x, &k->ev[i], out);
	enc_release(&x);
}

#endif
