/* recorded.h - the files of a dialect's folder in tests/dialect.
 *
 * X.stream and X.body: what an upstream said; beside it X.stream.want, the
 * events and what clients read of them.  X.request: a line "from to model", then
 * a client's body; X.request.want: the upstream's, and what was lost.
 * X.expect: the same as a provider's page has it; other spaces and order are
 * no difference.  UPDATE=1 writes what is wanted. */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <dirent.h>

#include "json/js.h"

#include "kept.h"

struct recorded {
	const char *folder, *name;
	bool stream;
	struct buf in;
};

static inline void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char *to;

	if (!f)
		return;
	to = buf_room(out, 1u << 19);
	buf_grew(out, fread(to, 1, 1u << 19, f));
	fclose(f);
}

static inline void check_file(const struct recorded *r, const struct buf *got)
{
	char path[400];
	struct buf want;
	FILE *f;

	buf_init(&want, TEXT_MAX);
	snprintf(path, sizeof(path), "%s%s.want", r->folder, r->name);
	if (getenv("UPDATE")) {
		f = fopen(path, "wb");
		assert_non_null(f);
		fwrite(got->p, 1, got->len, f);
		fclose(f);
	}
	read_file(path, &want);
	ROW_STR(got->p, want.p);
	buf_release(&want);
}

/* Each file with this ending; the number of them. */
static inline int each_file(const char *folder, const char *ending,
			    void (*fn)(const struct recorded *r))
{
	struct dirent **list;
	int n = scandir(folder, &list, NULL, alphasort), seen = 0;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name, *dot = strrchr(name, '.');
		struct recorded r = { .folder = folder, .name = name };
		char path[400];

		if (dot && !strcmp(dot, ending)) {
			r.stream = !strcmp(dot, ".stream");
			buf_init(&r.in, TEXT_MAX);
			snprintf(path, sizeof(path), "%s%s", folder, name);
			read_file(path, &r.in);
			row("%s", name);
			fn(&r);
			buf_release(&r.in);
			seen++;
		}
		free(list[i]);
	}
	free(list);
	return seen;
}

static inline struct kept *kept_of(const struct dialect *from, struct str in,
				   bool stream, size_t cut, struct buf *odd)
{
	struct kept *k = mem_alloc(sizeof(*k));

	arena_init(&k->mem);
	decode(from, in, stream, cut, k, odd);
	return k;
}

static inline void kept_free(struct kept *k)
{
	arena_release(&k->mem);
	free(k);
}

static inline void events_of(const struct dialect *from, struct str in,
			     bool stream, size_t cut, struct buf *out)
{
	struct kept *k = kept_of(from, in, stream, cut, out);

	print(k, out);
	kept_free(k);
}

/* A stream reads the same cut anywhere, and a byte at a time. */
static inline void check_cuts_of(const struct recorded *r,
				 const struct dialect *from)
{
	struct buf first, got;

	buf_init(&first, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	events_of(from, buf_span(&r->in), r->stream, 0, &first);
	for (size_t cut = 1; r->stream && cut <= r->in.len; cut++) {
		row("%s, cut at %zu", r->name, cut);
		buf_clear(&got);
		events_of(from, buf_span(&r->in), r->stream, cut, &got);
		ROW_STR(got.p, first.p);
	}
	buf_release(&first);
	buf_release(&got);
}

/* The same with each line end turned into the other kind, and a byte a write.
 */
static inline void check_writes_of(const struct recorded *r,
				   const struct dialect *from)
{
	struct buf first, got, other;
	struct kept *k = mem_alloc(sizeof(*k));
	struct err e = { 0 };
	struct dec d;
	struct sse s;
	int ret = 0;

	buf_init(&first, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	buf_init(&other, TEXT_MAX);
	for (size_t i = 0; i < r->in.len; i++)
		if (r->in.p[i] == '\n')
			buf_str(&other,
				i && r->in.p[i - 1] == '\r' ? "\n" : "\r\n");
		else if (r->in.p[i] != '\r')
			buf_char(&other, r->in.p[i]);
	events_of(from, buf_span(&r->in), true, 0, &first);
	arena_init(&k->mem);
	dec_init(&d, from, &k->mem, SHAPE_CHAT, true, keep, k);
	sse_init(&s, TEXT_MAX);
	for (size_t i = 0; i < other.len && !ret; i++)
		ret = sse_feed(&s, other.p + i, 1, on_sse, &d, &e);
	if (!ret)
		ret = sse_end(&s, on_sse, &d, &e);
	if (!ret)
		ret = dec_eof(&d, &e);
	sse_release(&s);
	if (ret)
		buf_printf(&got, "! %s: %s\n", err_info(e.code)->name, e.msg);
	if (d.usage_refused)
		buf_str(&got, "! usage refused\n");
	print(k, &got);
	ROW_STR(got.p, first.p);
	kept_free(k);
	buf_release(&first);
	buf_release(&got);
	buf_release(&other);
}

/* What we encode decodes without a complaint, and what is encoded of that is
 * the same again. */
static inline void check_round_of(const struct recorded *r,
				  const struct dialect *both)
{
	for (int stream = 0; stream < 2; stream++) {
		struct buf bytes, twice, odd;
		struct kept *k, *again;

		row("%s, round, stream %d", r->name, stream);
		buf_init(&bytes, TEXT_MAX);
		buf_init(&twice, TEXT_MAX);
		buf_init(&odd, TEXT_MAX);
		k = kept_of(both, buf_span(&r->in), r->stream, 0, &odd);
		if (!odd.len) {
			encode(both, k, stream, &k->mem, &bytes);
			again = kept_of(both, buf_span(&bytes), stream, 0,
					&odd);
			encode(both, again, stream, &again->mem, &twice);
			ROW_STR(odd.len ? odd.p : "", "");
			ROW_STR(twice.p, bytes.p);
			kept_free(again);
		}
		kept_free(k);
		buf_release(&bytes);
		buf_release(&twice);
		buf_release(&odd);
	}
}

/* --- requests -------------------------------------------------------------- */

struct request {
	const struct dialect *from, *to;
	struct arena mem;
	struct chat c;
	struct buf out, lost;
	bool ok;
};

static inline void request_release(struct request *q)
{
	buf_release(&q->out);
	buf_release(&q->lost);
	arena_release(&q->mem);
}

static inline void request_of(const char *from, const char *to,
			      const char *model, struct str body,
			      struct request *q)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(body.p, body.n, &e);

	*q = (struct request){ .from = dialect_find(from),
			       .to = dialect_find(to) };
	arena_init(&q->mem);
	buf_init(&q->out, TEXT_MAX);
	buf_init(&q->lost, TEXT_MAX);
	ROW_TRUE(o && q->from && q->to);
	if (!o || !q->from || !q->to)
		return;
	chat_init(&q->c, &q->mem, SHAPE_CHAT);
	q->c.lost = &q->lost;
	q->ok = !q->from->read(o, &q->c, &e);
	if (!q->c.model.p)
		q->c.model = str_of(arena_dup(&q->mem, str_of(model)));
	q->ok = q->ok && !q->to->write(&q->c, &q->out, &e);
	ROW_STR(e.msg, "");
	js_free(o);
}

static inline void check_expect(const struct recorded *r, const struct buf *out)
{
	char path[400];
	struct buf want;
	struct err e = { 0 };
	struct json_object *w, *g;

	buf_init(&want, TEXT_MAX);
	snprintf(path, sizeof(path), "%s%.*s.expect", r->folder,
		 (int)(strlen(r->name) - strlen(".request")), r->name);
	read_file(path, &want);
	if (want.len) {
		w = js_parse(want.p, want.len, &e);
		g = js_parse(out->p, out->len, &e);
		if (!w || !json_object_equal(w, g))
			ROW_STR(out->p, want.p);
		js_free(w);
		js_free(g);
	}
	buf_release(&want);
}

static inline void check_request_of(const struct recorded *r,
				    void (*fn)(const struct request *q,
					       struct json_object *o))
{
	char from[32], to[32], model[64];
	struct request q;
	struct buf got;
	struct json_object *o;
	struct err e = { 0 };
	const char *body = strchr(r->in.p, '\n');

	assert_non_null(body);
	assert_int_equal(sscanf(r->in.p, "%31s %31s %63s", from, to, model), 3);
	request_of(from, to, model, str_of(body), &q);
	buf_init(&got, TEXT_MAX);
	buf_add(&got, q.out.p, q.out.len);
	buf_printf(&got, "\n--- lost\n%s\n", q.lost.len ? q.lost.p : "");
	check_file(r, &got);
	check_expect(r, &q.out);
	o = q.ok ? js_parse(q.out.p, q.out.len, &e) : NULL;
	ROW_TRUE(o != NULL);
	if (o)
		fn(&q, o);
	js_free(o);
	buf_release(&got);
	request_release(&q);
}

/* --- the recorded answers of one dialect -------------------------------------- */

struct recorded_client {
	const char *title;
	const struct dialect *to;
	bool stream;
};

struct recorded_answers {
	const struct dialect *from;
	const char *folder;
	const struct recorded_client *clients;
	int n_clients;
	int least; /* files */
};

static const struct recorded_answers *recorded_now;

static void check_want(const struct recorded *r)
{
	const struct recorded_answers *a = recorded_now;
	struct buf got;
	struct kept *k;

	buf_init(&got, TEXT_MAX);
	k = kept_of(a->from, buf_span(&r->in), r->stream, 0, &got);
	print(k, &got);
	for (int i = 0; i < a->n_clients; i++) {
		buf_str(&got, a->clients[i].title);
		encode(a->clients[i].to, k, a->clients[i].stream, &k->mem,
		       &got);
	}
	buf_str(&got, "\n");
	check_file(r, &got);
	kept_free(k);
	buf_release(&got);
}

static void check_cuts(const struct recorded *r)
{
	check_cuts_of(r, recorded_now->from);
	if (r->stream)
		check_writes_of(r, recorded_now->from);
}

static void check_round(const struct recorded *r)
{
	check_round_of(r, recorded_now->from);
}

static void each_answer(const struct recorded_answers *a,
			void (*fn)(const struct recorded *r))
{
	int n;

	recorded_now = a;
	n = each_file(a->folder, ".stream", fn);
	n += each_file(a->folder, ".body", fn);
	assert_true(n > a->least);
	rows_done();
}

static inline void recorded_answers_read_as_wanted(void **state)
{
	each_answer(*state, check_want);
}

static inline void streams_read_the_same_however_cut(void **state)
{
	each_answer(*state, check_cuts);
}

static inline void what_is_encoded_decodes_to_the_same(void **state)
{
	each_answer(*state, check_round);
}

#endif
