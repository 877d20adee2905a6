/* dialect.h - any bytes as a stream, a whole answer or a request of one
 * dialect, on to clients and upstreams of all: no crash, and what we write is
 * JSON. */
#ifndef FUZZ_DIALECT_H
#define FUZZ_DIALECT_H

#include <assert.h>

#include "dialect/dialect.h"
#include "http/sse.h"
#include "json/js.h"
#include "json/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct dialect *const all[] = {
	&dialect_openai,
	&dialect_anthropic,
	&dialect_gemini,
	&dialect_responses,
};

#define N_CLIENTS (2 * (int)COUNT(all))

struct clients {
	struct enc enc[N_CLIENTS];
	struct buf out[N_CLIENTS];
};

static inline void on_event(void *arg, const struct ev *ev)
{
	struct clients *c = arg;

	assert(ev->kind < EV__COUNT);
	for (int i = 0; i < N_CLIENTS; i++)
		enc_put(&c->enc[i], ev, &c->out[i]);
}

static inline int on_sse(void *arg, const struct sse_event *ev, struct err *e)
{
	return ev->data.p ? dec_feed(arg, "", ev->data.p, ev->data.n, e) : 0;
}

static inline void check_json(struct str s)
{
	struct scan scan;
	struct err e = { 0 };

	if (!s.n)
		return;
	scan_init(&scan, NULL, &scan_answer_limits, NULL, NULL);
	assert(!scan_text(&scan, s, &e) || e.code == ERR_JSON_DEEP ||
	       e.code == ERR_DUPLICATE_KEY);
	scan_release(&scan);
}

static inline int check_event(void *arg, const struct sse_event *ev,
			      struct err *e)
{
	(void)arg, (void)e;
	if (ev->data.p && !str_eq(ev->data, "[DONE]"))
		check_json(ev->data);
	return 0;
}

static inline void check_stream(const struct buf *b)
{
	struct sse s;
	struct err e = { 0 };

	sse_init(&s, 16u << 20);
	assert(!sse_feed(&s, b->p, b->len, check_event, NULL, &e));
	assert(!sse_end(&s, check_event, NULL, &e));
	sse_release(&s);
}

static inline void answer(const struct dialect *from, struct str in,
			  bool stream)
{
	struct clients c;
	struct arena mem;
	struct dec d;
	struct sse s;
	struct err e = { 0 };
	int ret = 0;

	arena_init(&mem);
	for (int i = 0; i < N_CLIENTS; i++) {
		enc_init(&c.enc[i], all[i / 2], &mem, SHAPE_CHAT, i % 2);
		buf_init(&c.out[i], 64u << 20);
	}
	dec_init(&d, from, &mem, SHAPE_CHAT, stream, on_event, &c);
	if (stream) {
		sse_init(&s, 1u << 20);
		ret = sse_feed(&s, in.p, in.n, on_sse, &d, &e);
		if (!ret)
			ret = sse_end(&s, on_sse, &d, &e);
		sse_release(&s);
	} else {
		ret = dec_feed(&d, "", in.p, in.n, &e);
	}
	if (!ret)
		dec_eof(&d, &e);
	assert(usage_sane(&d.usage));
	for (int i = 0; i < N_CLIENTS; i++) {
		if (i % 2)
			check_stream(&c.out[i]);
		else
			check_json(buf_span(&c.out[i]));
		enc_release(&c.enc[i]);
		buf_release(&c.out[i]);
	}
	arena_release(&mem);
}

static inline void translate(const struct dialect *from,
			     const struct dialect *to, struct json_object *o)
{
	struct err e = { 0 };
	struct arena mem;
	struct chat c;
	struct buf out, lost;

	arena_init(&mem);
	buf_init(&out, 64u << 20);
	buf_init(&lost, 1u << 20);
	chat_init(&c, &mem, SHAPE_CHAT);
	c.lost = &lost;
	if (!from->read(o, &c, &e) && !to->write(&c, &out, &e))
		check_json(buf_span(&out));
	buf_release(&out);
	buf_release(&lost);
	arena_release(&mem);
}

static inline void request(const struct dialect *from, struct str in)
{
	struct err e = { 0 };
	struct scan s;
	struct json_object *o = NULL;

	/* Trees are read of what the scanner let pass. */
	scan_init(&s, NULL, &scan_answer_limits, NULL, NULL);
	if (!scan_text(&s, in, &e))
		o = js_parse(in.p, in.n, &e);
	scan_release(&s);
	for (size_t i = 0; i < COUNT(all) && o; i++) {
		translate(from, all[i], o);
		translate(all[i], from, o);
	}
	js_free(o);
}

static inline int fuzz(const struct dialect *d, const uint8_t *data, size_t n)
{
	struct str in = { (const char *)data + 1, n - 1 };

	if (!n)
		return 0;
	if (data[0] % 3 == 2)
		request(d, in);
	else
		answer(d, in, data[0] % 3 == 0);
	return 0;
}

#endif
