/* fuzz_count.c - any bytes, whole and in pieces; any picture; any request. */
#include "count/image.h"
#include "count/prompt.h"
#include "json/scan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const models[] = { "gpt-4o", "gpt-4", "claude", "x" };

static int64_t pieces(const struct count *c, const struct count_model *m,
		      struct str text, size_t step)
{
	struct count_stream s;
	int64_t tok;

	count_stream_init(&s, c, m);
	for (size_t at = 0; at < text.n; at += step) {
		s.look_at = 1;
		count_stream_feed(&s, text.p + at, MIN(step, text.n - at));
	}
	count_stream_cut(&s);
	tok = count_stream_tok(&s);
	count_stream_release(&s);
	return tok;
}

static void count_text_of(const struct count *c, const struct count_model *m,
			  struct str text, size_t step)
{
	int64_t in_pieces = pieces(c, m, text, step);
	struct count_stream s;

	count_stream_init(&s, c, m);
	count_stream_whole(&s, text);
	count_stream_cut(&s);
	assert(count_stream_tok(&s) == in_pieces);
	assert(!count_has(c, m->by) || in_pieces <= (int64_t)text.n);
	count_stream_release(&s);
}

static void count_body(const struct count *c, const struct count_model *m,
		       struct str body)
{
	struct scan_limits limits = { .depth = 64 };
	struct count_prompt p;
	struct err e = { 0 };
	struct scan s;
	int r;

	scan_init(&s, NULL, &limits, NULL, NULL);
	r = scan_text(&s, body, &e);
	scan_release(&s);
	if (r < 0)
		return;
	count_prompt(&p, c, m, body, 1000);
	assert(p.tok >= 0 && p.bound >= 0);
	assert(!p.exact || p.bound >= p.tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct count *c;
	struct str s = { (const char *)data, size };
	const struct count_model *m;
	struct image_size i;
	struct err e = { 0 };
	int damaged;

	if (!c)
		c = count_open("build/ranks", &damaged, &e);
	if (size < 2)
		return 0;
	m = count_model(str_of(models[data[0] % COUNT(models)]));
	count_text_of(c, m, (struct str){ s.p + 2, s.n - 2 },
		      1 + (data[1] & 63));
	count_body(c, m, s);
	i = image_size(data, size);
	assert(i.w >= 0 && i.h >= 0);
	assert(image_tok(m, i, STR("high")).tok >= 0);
	image_size_of_url(s);
	return 0;
}
