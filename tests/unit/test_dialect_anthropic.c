/* test_dialect_anthropic.c - what upstreams said, to events, to what a client
 * of either dialect reads; requests from and to OpenAI's dialect.
 * tests/dialect/anthropic: X.stream and X.body are what came, X.stream.want the
 * events and the clients' bytes.  UPDATE=1 writes them. */
#include <dirent.h>

#include "json/js.h"

#include "kept.h"

#define FOLDER "tests/dialect/anthropic/"

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char *to;

	if (!f)
		return;
	to = buf_room(out, 1u << 19);
	buf_grew(out, fread(to, 1, 1u << 19, f));
	fclose(f);
}

static void write_file(const char *path, const struct buf *b)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	fwrite(b->p, 1, b->len, f);
	fclose(f);
}

struct recorded {
	const char *name;
	bool stream;
	struct buf in;
};

static void events_of(const struct dialect *from, struct str in, bool stream,
		      size_t cut, struct buf *out)
{
	struct kept *k = mem_alloc(sizeof(*k));

	arena_init(&k->mem);
	decode(from, in, stream, cut, k, out);
	print(k, out);
	arena_release(&k->mem);
	free(k);
}

static void check_want(const struct recorded *r)
{
	static const struct {
		const char *title;
		const struct dialect *to;
		bool stream;
	} clients[] = {
		{ "--- stream\n", &dialect_anthropic, true },
		{ "--- whole\n", &dialect_anthropic, false },
		{ "\n--- OpenAI, stream\n", &dialect_openai, true },
		{ "--- OpenAI, whole\n", &dialect_openai, false },
	};
	struct kept *k = mem_alloc(sizeof(*k));
	struct buf got, want;
	char path[400];

	buf_init(&got, TEXT_MAX);
	buf_init(&want, TEXT_MAX);
	arena_init(&k->mem);
	decode(&dialect_anthropic, buf_span(&r->in), r->stream, 0, k, &got);
	print(k, &got);
	for (size_t i = 0; i < COUNT(clients); i++) {
		buf_str(&got, clients[i].title);
		encode(clients[i].to, k, clients[i].stream, &k->mem, &got);
	}
	buf_str(&got, "\n");
	snprintf(path, sizeof(path), FOLDER "%s.want", r->name);
	if (getenv("UPDATE"))
		write_file(path, &got);
	read_file(path, &want);
	ROW_STR(got.p, want.p);
	arena_release(&k->mem);
	buf_release(&got);
	buf_release(&want);
	free(k);
}

static void check_cuts(const struct recorded *r)
{
	struct buf first, got;

	buf_init(&first, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	events_of(&dialect_anthropic, buf_span(&r->in), r->stream, 0, &first);
	for (size_t cut = 1; r->stream && cut <= r->in.len; cut++) {
		row("%s, cut at %zu", r->name, cut);
		buf_clear(&got);
		events_of(&dialect_anthropic, buf_span(&r->in), r->stream, cut,
			  &got);
		ROW_STR(got.p, first.p);
	}
	buf_release(&first);
	buf_release(&got);
}

/* What we encode, streamed and whole, decodes without a complaint, and what is
 * encoded of that is the same again. */
static void check_round(const struct recorded *r)
{
	for (int stream = 0; stream < 2; stream++) {
		struct kept *k = mem_alloc(2 * sizeof(*k)), *again = k + 1;
		struct buf bytes, twice, odd;

		row("%s, round, stream %d", r->name, stream);
		arena_init(&k->mem);
		arena_init(&again->mem);
		buf_init(&bytes, TEXT_MAX);
		buf_init(&twice, TEXT_MAX);
		buf_init(&odd, TEXT_MAX);
		decode(&dialect_anthropic, buf_span(&r->in), r->stream, 0, k,
		       &odd);
		if (!odd.len) {
			encode(&dialect_anthropic, k, stream, &k->mem, &bytes);
			decode(&dialect_anthropic, buf_span(&bytes), stream, 0,
			       again, &odd);
			encode(&dialect_anthropic, again, stream, &k->mem,
			       &twice);
			ROW_STR(odd.len ? odd.p : "", "");
			ROW_STR(twice.p, bytes.p);
		}
		buf_release(&bytes);
		buf_release(&twice);
		buf_release(&odd);
		arena_release(&k->mem);
		arena_release(&again->mem);
		free(k);
	}
}

static void each_recorded(void (*fn)(const struct recorded *r))
{
	struct dirent **list;
	int n = scandir(FOLDER, &list, NULL, alphasort), seen = 0;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name, *dot = strrchr(name, '.');
		struct recorded r = { .name = name };
		char path[400];

		r.stream = dot && !strcmp(dot, ".stream");
		if (r.stream || (dot && !strcmp(dot, ".body"))) {
			buf_init(&r.in, TEXT_MAX);
			snprintf(path, sizeof(path), FOLDER "%s", name);
			read_file(path, &r.in);
			row("%s", name);
			fn(&r);
			buf_release(&r.in);
			seen++;
		}
		free(list[i]);
	}
	free(list);
	assert_true(seen > 15);
	rows_done();
}

static void recorded_answers_read_as_wanted(void **state)
{
	(void)state;
	each_recorded(check_want);
}

static void streams_read_the_same_however_cut(void **state)
{
	(void)state;
	each_recorded(check_cuts);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
	(void)state;
	each_recorded(check_round);
}

/* --- calls whose arguments come in turns ----------------------------------- */

static void calls_do_not_interleave(void **state)
{
	static const struct ev in[] = {
		{ .kind = EV_START, .id = "msg_1", .name = "m" },
		{ .kind = EV_TOOL_START, .part = 0, .id = "a", .name = "f" },
		{ .kind = EV_TOOL_ARGS, .part = 0, .s = "{\"x\":", .n = 5 },
		{ .kind = EV_BLOCK_END, .part = 0 },
		{ .kind = EV_TOOL_START, .part = 1, .id = "b", .name = "g" },
		{ .kind = EV_TOOL_ARGS, .part = 1, .s = "{\"y\":", .n = 5 },
		{ .kind = EV_TOOL_ARGS, .part = 0, .s = "1}", .n = 2 },
		{ .kind = EV_TOOL_ARGS, .part = 1, .s = "2}", .n = 2 },
		{ .kind = EV_BLOCK_END, .part = 1 },
		{ .kind = EV_FINISH, .finish = FINISH_STOP },
		{ .kind = EV_END },
	};
	static const char want[] =
		"start 0.0 id=\"msg_1\" name=\"m\"\n"
		"usage 0.0 in_tok=0 out_tok=0\n"
		"tool_start 0.0 id=\"a\" name=\"f\"\n"
		"tool_args 0.0 \"{\\\"x\\\":\"\n"
		"tool_args 0.0 \"1}\"\n"
		"block_end 0.0\n"
		"tool_start 0.1 id=\"b\" name=\"g\"\n"
		"tool_args 0.1 \"{\\\"y\\\":2}\"\n"
		"block_end 0.1\n"
		"finish 0.0 tool_calls\n"
		"usage 0.0 in_tok=0 cache_read_tok=0 cache_write_tok=0 "
		"out_tok=0\n"
		"end 0.0\n";
	struct arena mem;
	struct enc x;
	struct buf out, got;

	(void)state;
	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	enc_init(&x, &dialect_anthropic, &mem, SHAPE_CHAT, true);
	for (size_t i = 0; i < COUNT(in); i++)
		enc_put(&x, &in[i], &out);
	enc_release(&x);
	events_of(&dialect_anthropic, buf_span(&out), true, 0, &got);
	assert_string_equal(got.p, want);
	buf_release(&out);
	buf_release(&got);
	arena_release(&mem);
}

/* --- requests -------------------------------------------------------------- */

static const struct pair {
	const char *label;
	const struct dialect *from, *to;
	const char *in, *want, *lost;
} pairs[] = {
#include "anthropic_pairs.def"
};

static void check_pair(const struct pair *p)
{
	struct json_object *o, *w, *g;
	struct err e = { 0 };
	struct arena mem;
	struct chat c;
	struct buf out, lost;

	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	buf_init(&lost, TEXT_MAX);
	chat_init(&c, &mem, SHAPE_CHAT);
	c.lost = &lost;
	o = js_parse(p->in, strlen(p->in), &e);
	ROW_TRUE(o != NULL);
	ROW_INT(p->from->read(o, &c, &e), 0);
	js_free(o);
	ROW_STR(e.msg, "");
	ROW_INT(p->to->write(&c, &out, &e), 0);
	w = js_parse(p->want, strlen(p->want), &e);
	ROW_TRUE(w != NULL);
	g = js_parse(out.p, out.len, &e);
	if (!json_object_equal(w, g))
		ROW_STR(out.p, p->want);
	ROW_STR(lost.len ? lost.p : "", p->lost ? p->lost : "");
	js_free(w);
	js_free(g);
	buf_release(&out);
	buf_release(&lost);
	arena_release(&mem);
}

static void requests_are_translated(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		row("%s", pairs[i].label);
		check_pair(&pairs[i]);
	}
	rows_done();
}

static const struct {
	const char *in, *param;
} wrong[] = {
	{ "{\"messages\":{}}", "messages" },
	{ "{\"messages\":[{\"role\":\"tool\"}]}", "messages[0].role" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":1}]}",
	  "messages[0].content" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[1]}]}",
	  "messages[0].content[0]" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"image\"}]}]}",
	  "messages[0].content[0]" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"tool_result\"}]}]}",
	  "messages[0].content[0]" },
	{ "{\"max_tokens\":\"5\"}", "max_tokens" },
	{ "{\"max_tokens\":1.5}", "max_tokens" },
	{ "{\"temperature\":true}", "temperature" },
	{ "{\"system\":1}", "system" },
	{ "{\"tools\":[1]}", "tools" },
	{ "{\"tool_choice\":\"auto\"}", "tool_choice" },
	{ "{\"tool_choice\":{\"type\":\"tool\"}}", "tool_choice" },
	{ "{\"stop_sequences\":[1]}", "stop_sequences" },
	{ "{\"metadata\":[]}", "metadata" },
};

static void a_wrong_member_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct err e = { 0 };
		struct arena mem;
		struct chat c;
		struct json_object *o;

		row("%s", wrong[i].in);
		arena_init(&mem);
		chat_init(&c, &mem, SHAPE_CHAT);
		o = js_parse(wrong[i].in, strlen(wrong[i].in), &e);
		ROW_INT(dialect_anthropic.read(o, &c, &e), -1);
		ROW_STR(e.param, wrong[i].param);
		js_free(o);
		arena_release(&mem);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_answers_read_as_wanted),
		cmocka_unit_test(streams_read_the_same_however_cut),
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
		cmocka_unit_test(calls_do_not_interleave),
		cmocka_unit_test(requests_are_translated),
		cmocka_unit_test(a_wrong_member_is_named),
	};

	return cmocka_run_group_tests_name("dialect_anthropic", tests, NULL,
					   NULL);
}
