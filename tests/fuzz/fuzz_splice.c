/* fuzz_splice.c - edited bodies: they parse, and only what was edited differs.
 *
 * The first byte picks what is done to which members; the rest is the body.
 */
#include "base/arena.h"
#include "json/js.h"
#include "json/scan.h"
#include "json/splice.h"
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

#define MEMBERS  16
#define INSERTED "inserted\x7F"

static const char *const wanted[] = { "*" };
static const struct scan_limits limits = { .depth = 40, .values = 500 };

enum act { KEEP, REPLACE, REMOVE };

struct members {
	struct member {
		size_t member, from, to;
		enum act act;
	} at[MEMBERS];
	int n, n_seen;
	unsigned int acts;
};

static int note_member(void *arg, const struct scan_hit *h, struct err *e)
{
	struct members *m = arg;

	(void)e;
	if (h->open)
		return 0;
	m->n_seen++;
	if (m->n < MEMBERS)
		m->at[m->n++] =
			(struct member){ h->member_from, h->from, h->to, KEEP };
	return 0;
}

static char *name_at(struct str body, size_t from, struct arena *arena)
{
	size_t to = from + 1;

	while (body.p[to] != '"')
		to += 1 + (body.p[to] == '\\');
	return arena_dup(arena, json_unescape((struct str){ body.p + from,
							    to + 1 - from },
					      arena));
}

/* Nobody inserts a member that is there: both would have one name. */
static bool has_inserted(struct str body, const struct members *m,
			 struct arena *arena)
{
	for (int i = 0; i < m->n; i++)
		if (!strcmp(name_at(body, m->at[i].member, arena), INSERTED))
			return true;
	return false;
}

static void compare_one(struct json_object *before, struct json_object *after,
			const char *name, enum act act)
{
	struct json_object *old, *new;

	CHECK(json_object_object_get_ex(before, name, &old));
	CHECK(json_object_object_get_ex(after, name, &new) == (act != REMOVE));
	if (act == REPLACE)
		CHECK(json_object_get_int64(new) == 77);
	if (act == KEEP)
		CHECK(!strcmp(json_object_to_json_string(old),
			      json_object_to_json_string(new)));
}

/* Every member is as it was, is 77, or is gone. */
static void compare(struct str body, const struct members *m, bool inserted,
		    struct str got, struct arena *arena)
{
	struct err e = { 0 };
	struct json_object *before = js_parse(body.p, body.n, &e);
	struct json_object *after = js_parse(got.p, got.n, &e);
	int n = m->n + inserted;

	CHECK(before && after);
	for (int i = 0; i < m->n; i++) {
		compare_one(before, after,
			    name_at(body, m->at[i].member, arena),
			    m->at[i].act);
		n -= m->at[i].act == REMOVE;
	}
	CHECK(json_object_object_length(after) == n);
	js_free(before);
	js_free(after);
}

static void edit(struct str body, struct members *m)
{
	struct splice_edit edits[MEMBERS + 1];
	struct arena arena;
	struct rope rope;
	char *read;
	size_t at = 0, part;
	bool stays = false, insert;
	int n = 0;

	arena_init(&arena);
	insert = m->acts & 1 && !has_inserted(body, m, &arena);
	for (int i = 0; i < m->n; i++) {
		struct member *x = &m->at[i];

		x->act = (enum act)((m->acts >> (i % 7)) * (i + 3u) % 3);
		stays |= x->act != REMOVE;
		if (x->act == REMOVE)
			splice_remove(body, x->member, x->to, edits, &n);
		if (x->act == REPLACE)
			edits[n++] = splice_value(x->from, x->to, STR("77"));
	}
	if (insert)
		edits[n++] = splice_insert(
			body,
			(size_t)((char *)memchr(body.p, '{', body.n) - body.p),
			!stays, INSERTED, STR("5"), &arena);
	rope = splice_apply(body, edits, n, &arena);
	read = arena_alloc(&arena, rope.len + 1);
	while ((part = rope_read(&rope, at, read + at, 1 + at % 5)) > 0)
		at += part;
	CHECK(at == rope.len);
	CHECK(str_same(rope_flatten(&rope, &arena), (struct str){ read, at }));
	compare(body, m, insert, (struct str){ read, at }, &arena);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scan_paths *paths;
	struct members m = { 0 };
	struct err e = { 0 };
	struct str body;
	struct scan s;
	int rc;

	if (!size)
		return 0;
	if (!paths)
		paths = scan_paths_new(wanted, COUNT(wanted));
	m.acts = data[0];
	body = (struct str){ (const char *)data + 1, size - 1 };
	scan_init(&s, paths, &limits, note_member, &m);
	rc = scan_text(&s, body, &e);
	scan_release(&s);
	if (!rc && m.n == m.n_seen)
		edit(body, &m);
	return 0;
}
