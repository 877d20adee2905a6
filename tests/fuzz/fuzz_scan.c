/* fuzz_scan.c - the scanner against itself, cut up, and against json-c.
 *
 * The first byte of an input seeds the cuts; the rest is the text.  What is
 * accepted must be read by json-c, and its names, numbers and strings must be
 * those that the scanner pointed at.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "json/js.h"
#include "json/scan.h"
#include "json/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "not so, line %d: %s\n", __LINE__, \
				#cond);                                    \
			abort();                                           \
		}                                                          \
	} while (0)

static const struct scan_limits limits = { .depth = 40,
					   .values = 500,
					   .keys = 100 };

static const char *const wanted[] = {
	"", "a", "a.b", "a[]", "a[][]", "a[].b", "a.*", "model", "*",
};

static const struct scan_paths *paths;

/* The hits as text, all that they say but where the text lies. */
static int note_hit(void *arg, const struct scan_hit *h, struct err *e)
{
	(void)e;
	CHECK(h->member_from <= h->from);
	buf_printf(arg, "%d.%d.%d.%d %zu-%zu@%zu x%lld d%d", h->path, h->kind,
		   h->open, h->member, h->from, h->to, h->member_from,
		   (long long)h->count, h->depth);
	for (int i = 0; i < h->n_index; i++)
		buf_printf(arg, " %d", h->index[i]);
	buf_char(arg, '\n');
	return 0;
}

/* The text is copied to a place of its exact size at every step: it moves,
 * and nothing behind its end may be read. */
static int feed_in_pieces(struct scan *s, const char *p, size_t n,
			  uint32_t seed, struct err *e)
{
	size_t upto = 0;
	int rc = 0;

	while (upto < n && !rc) {
		char *copy;

		seed = seed * 1103515245 + 12345;
		upto += MIN(n - upto, 1 + (seed >> 16) % 7);
		copy = mem_alloc(upto ? upto : 1);
		memcpy(copy, p, upto);
		rc = scan_feed(s, copy, upto, e);
		free(copy);
	}
	return rc ? rc : scan_end(s, p, n, e);
}

/* --- against json-c ------------------------------------------------------- */

static int check_value(void *arg, const struct scan_hit *h, struct err *e)
{
	struct json_object *o = NULL, *top = arg;
	struct str text = scan_hit_text(h), name;
	struct arena arena;
	const char *end = h->base + h->member_from + 1;

	(void)e;
	if (!h->member || h->depth != 2 || h->open)
		return 0;
	arena_init(&arena);
	while (*end != '"')
		end += 1 + (*end == '\\');
	name.p = h->base + h->member_from;
	name.n = (size_t)(end + 1 - name.p);
	CHECK(json_object_object_get_ex(
		top, arena_dup(&arena, json_unescape(name, &arena)), &o));
	if (h->kind == SCAN_STRING) {
		struct str s = json_unescape(text, &arena);

		CHECK(json_object_is_type(o, json_type_string));
		CHECK(s.n == (size_t)json_object_get_string_len(o));
		CHECK(!s.n || !memcmp(s.p, json_object_get_string(o), s.n));
		CHECK(json_text_bytes(text) == s.n);
	}
	if (h->kind == SCAN_NUMBER) {
		int64_t v = json_object_get_int64(o);

		if (json_object_is_type(o, json_type_double))
			CHECK(strtod(arena_dup(&arena, text), NULL) ==
			      json_object_get_double(o));
		else if (v != INT64_MAX && v != INT64_MIN)
			CHECK(json_is_integer(text) && json_whole(text) == v &&
			      !json_compare(text, v));
	}
	if (h->kind == SCAN_ARRAY)
		CHECK(h->count == (int64_t)json_object_array_length(o));
	if (h->kind == SCAN_OBJECT)
		CHECK(h->count == json_object_object_length(o));
	arena_release(&arena);
	return 0;
}

static void against_json_c(const char *p, size_t n)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p, n, &e);
	struct scan s;

	CHECK(o && json_object_is_type(o, json_type_object));
	scan_init(&s, paths, &limits, check_value, o);
	CHECK(!scan_text(&s, (struct str){ p, n }, &e));
	scan_release(&s);
	js_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once, cut;
	struct err e1 = { 0 }, e2 = { 0 };
	const char *p = (const char *)data + 1;
	struct scan s;
	int rc;

	if (!size--)
		return 0;
	if (!paths)
		paths = scan_paths_new(wanted, COUNT(wanted));
	buf_init(&once, 1 << 20);
	buf_init(&cut, 1 << 20);
	scan_init(&s, paths, &limits, note_hit, &once);
	rc = scan_text(&s, (struct str){ p, size }, &e1);
	s.arg = &cut;
	scan_reset(&s);
	CHECK(rc == feed_in_pieces(&s, p, size, data[0], &e2));
	scan_release(&s);
	CHECK(e1.code == e2.code && !strcmp(e1.msg, e2.msg) &&
	      !strcmp(e1.param, e2.param));
	CHECK(buf_ok(&once) && str_same(buf_span(&once), buf_span(&cut)));
	buf_release(&once);
	buf_release(&cut);
	if (!rc)
		against_json_c(p, size);
	return 0;
}
