/* fuzz_listen.c - any bytes as an event, as a whole answer cut anywhere, as an
 * error body, to be decoded and to be scrubbed: no crash, and the listener
 * says the same however the answer was cut. */
#include <assert.h>

#include "dialect/dialect.h"
#include "dialect/listen.h"
#include "dialect/scrub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void nothing(void *arg, const struct ev *ev)
{
	(void)arg;
	assert(ev->kind < EV__COUNT);
}

static void whole(const char *p, size_t n, size_t cut, struct listen *l)
{
	struct listen_note note;

	listen_init(l, SHAPE_CHAT, false);
	listen_whole_feed(l, p, cut);
	listen_whole_end(l, p, n, &note);
	listen_release(l);
}

static void decode(const char *p, size_t n, enum shape shape, bool stream)
{
	struct arena mem;
	struct dec d;
	struct err e = { 0 };

	arena_init(&mem);
	dec_init(&d, &dialect_openai, &mem, shape, stream, nothing, NULL);
	if (!dec_feed(&d, "", p, n, &e))
		dec_eof(&d, &e);
	assert(usage_sane(&d.usage));
	arena_release(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct listen a, b;
	struct listen_note note;
	struct listen_error e;
	char out[SCRUB_SIZE];

	listen_init(&a, SHAPE_CHAT, false);
	listen_event(&a, p, n, &note);
	assert(usage_sane(&a.usage) && a.text_bytes >= 0);
	listen_release(&a);
	whole(p, n, n, &a);
	whole(p, n, n / 2, &b);
	assert(a.finished == b.finished && a.text_bytes == b.text_bytes &&
	       a.failed == b.failed && !a.error == !b.error &&
	       (!a.error || !strcmp(a.error->message, b.error->message)));
	listen_error_body(p, n, 500, &e);
	assert(*e.message || n);
	assert(scrub_words((struct str){ p, n }, out, sizeof(out)) ==
	       strlen(out));
	decode(p, n, SHAPE_CHAT, true);
	decode(p, n, SHAPE_CHAT, false);
	decode(p, n, SHAPE_EMBEDDING, false);
	return 0;
}
