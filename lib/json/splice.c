/* splice.c - see splice.h. */
#include "json/splice.h"

#include <assert.h>

struct splice_edit splice_value(size_t from, size_t to, struct str with)
{
	return (struct splice_edit){ from, to, with };
}

struct splice_edit splice_insert(struct str body, size_t object_from,
				 bool empty, const char *name, struct str value,
				 struct arena *arena)
{
	char *text = arena_printf(arena, "\"%s\":%.*s%s", name, STR_FMT(value),
				  empty ? "" : ",");

	assert(object_from < body.n && body.p[object_from] == '{');
	return (struct splice_edit){ object_from + 1, object_from + 1,
				     str_of(text) };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t next_solid(struct str body, size_t at)
{
	while (at < body.n && is_space(body.p[at]))
		at++;
	return at;
}

/* The comma before a member, or npos where it is the first that stays. */
static size_t comma_before(struct str body, size_t member_from,
			   const struct splice_edit *edits, int n)
{
	size_t at = member_from;

	while (at && is_space(body.p[at - 1]))
		at--;
	if (!at || body.p[at - 1] != ',')
		return SIZE_MAX;
	at--;
	for (int i = 0; i < n; i++)
		if (edits[i].from <= at && at < edits[i].to)
			return SIZE_MAX;
	return at;
}

void splice_remove(struct str body, size_t member_from, size_t value_to,
		   struct splice_edit *edits, int *n)
{
	size_t comma = comma_before(body, member_from, edits, *n);
	size_t to = value_to, next;

	if (comma != SIZE_MAX) {
		edits[(*n)++] = splice_value(comma, to, STR_NONE);
		return;
	}
	next = next_solid(body, to);
	if (next < body.n && body.p[next] == ',')
		to = next_solid(body, next + 1);
	edits[(*n)++] = splice_value(member_from, to, STR_NONE);
}

/* What is put in comes before what goes at the same place. */
static bool is_after(const struct splice_edit *a, const struct splice_edit *b)
{
	return a->from > b->from || (a->from == b->from && a->to > b->to);
}

/* An insertion sort: edits are few, and equal ones keep their order. */
static void sort(struct splice_edit *edits, int n)
{
	for (int i = 1; i < n; i++) {
		struct splice_edit e = edits[i];
		int k = i;

		for (; k > 0 && is_after(&edits[k - 1], &e); k--)
			edits[k] = edits[k - 1];
		edits[k] = e;
	}
}

static void add_piece(struct rope *r, struct str text)
{
	if (!text.n)
		return;
	r->pieces[r->n++] = (struct rope_piece){ text, r->len };
	r->len += text.n;
}

struct rope splice_apply(struct str body, struct splice_edit *edits, int n,
			 struct arena *arena)
{
	struct rope r = { 0 };
	size_t at = 0;

	r.pieces = ARENA_ARRAY(arena, struct rope_piece, 2 * n + 1);
	sort(edits, n);
	for (int i = 0; i < n; i++) {
		assert(edits[i].from >= at && edits[i].from <= edits[i].to &&
		       edits[i].to <= body.n);
		add_piece(&r, (struct str){ body.p + at, edits[i].from - at });
		add_piece(&r, edits[i].with);
		at = edits[i].to;
	}
	add_piece(&r, (struct str){ body.p + at, body.n - at });
	return r;
}

/* Moves to the piece that holds offset. */
static void seek(struct rope *r, size_t offset)
{
	if (r->last >= r->n || r->pieces[r->last].at > offset)
		r->last = 0;
	while (r->last + 1 < r->n && r->pieces[r->last + 1].at <= offset)
		r->last++;
}

size_t rope_read(struct rope *r, size_t offset, char *to, size_t n)
{
	size_t done = 0;

	while (done < n && offset < r->len) {
		const struct rope_piece *piece;
		size_t in, part;

		seek(r, offset);
		piece = &r->pieces[r->last];
		in = offset - piece->at;
		part = MIN(piece->text.n - in, n - done);
		memcpy(to + done, piece->text.p + in, part);
		done += part;
		offset += part;
	}
	return done;
}

struct str rope_flatten(const struct rope *r, struct arena *arena)
{
	struct rope copy = *r;
	char *to;

	if (r->n == 1)
		return r->pieces[0].text;
	to = arena_alloc(arena, r->len + 1);
	rope_read(&copy, 0, to, r->len);
	return (struct str){ to, r->len };
}
