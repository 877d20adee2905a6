/* fuzz_anthropic.c - any bytes as a stream, a whole answer or a request of
 * Anthropic's dialect, on to a client or an upstream of either dialect: no
 * crash, and what we write is JSON. */
#include <assert.h>

#include "dialect/dialect.h"
#include "http/sse.h"
#include "json/js.h"
#include "json/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct dialect *const both[] = { &dialect_anthropic,
					      &dialect_openai };

struct clients {
	struct enc enc[4];
	struct buf out[4];
};

static void on_event(void *arg, const struct ev *ev)
{
	struct clients *c = arg;

	assert(ev->kind < EV__COUNT);
	for (int i = 0; i < 4; i++)
		enc_put(&c->enc[i], ev, &c->out[i]);
}

static int on_sse(void *arg, const struct sse_event *ev, struct err *e)
{
	return ev->data.p ? dec_feed(arg, "", ev->data.p, ev->data.n, e) : 0;
}

static void check_whole(const struct buf *b)
{
	struct scan s;
	struct err e = { 0 };

	if (!b->len)
		return;
	scan_init(&s, NULL, &scan_answer_limits, NULL, NULL);
	assert(!scan_text(&s, buf_span(b), &e));
	scan_release(&s);
}

static void answer(struct str in, bool stream)
{
	struct clients c;
	struct arena mem;
	struct dec d;
	struct sse s;
	struct err e = { 0 };
	int ret = 0;

	arena_init(&mem);
	for (int i = 0; i < 4; i++) {
		enc_init(&c.enc[i], both[i % 2], &mem, SHAPE_CHAT, i < 2);
		buf_init(&c.out[i], 16u << 20);
	}
	dec_init(&d, &dialect_anthropic, &mem, SHAPE_CHAT, stream, on_event,
		 &c);
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
	for (int i = 0; i < 4; i++) {
		if (i >= 2)
			check_whole(&c.out[i]);
		enc_release(&c.enc[i]);
		buf_release(&c.out[i]);
	}
	arena_release(&mem);
}

static void request(struct str in)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(in.p, in.n, &e);

	for (int i = 0; i < 4 && o; i++) {
		struct arena mem;
		struct chat c;
		struct buf out, lost;

		e = (struct err){ 0 };
		arena_init(&mem);
		buf_init(&out, 16u << 20);
		buf_init(&lost, 1u << 20);
		chat_init(&c, &mem, SHAPE_CHAT);
		c.lost = &lost;
		if (!both[i / 2]->read(o, &c, &e) &&
		    !both[i % 2]->write(&c, &out, &e)) {
			struct json_object *g = js_parse(out.p, out.len, &e);

			assert(g || e.code == ERR_JSON_DEEP ||
			       e.code == ERR_JSON);
			js_free(g);
		}
		buf_release(&out);
		buf_release(&lost);
		arena_release(&mem);
	}
	js_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = { (const char *)data + 1, n - 1 };

	if (!n)
		return 0;
	if (data[0] % 3 == 2) {
		struct scan s;
		struct err e = { 0 };

		/* Trees are read of what the scanner let pass. */
		scan_init(&s, NULL, &scan_answer_limits, NULL, NULL);
		if (!scan_text(&s, in, &e))
			request(in);
		scan_release(&s);
	} else {
		answer(in, data[0] % 3 == 0);
	}
	return 0;
}
