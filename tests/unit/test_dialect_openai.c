/* test_dialect_openai.c - what upstreams said, to events, to what a client
 * reads.  tests/dialect/openai: X.stream and X.body are what came, X.stream.want
 * the events and the client's bytes.  UPDATE=1 writes them. */
#include <dirent.h>

#include "dialect/dialect.h"
#include "http/sse.h"
#include "json/js.h"

#include "rows.h"

#define FOLDER   "tests/dialect/openai/"
#define TEXT_MAX (1u << 20)

/* --- events, kept ---------------------------------------------------------- */

struct kept {
	struct arena mem;
	struct ev ev[400];
	int n;
};

static void keep(void *arg, const struct ev *ev)
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

static void print(const struct kept *k, struct buf *out)
{
	for (int i = 0; i < k->n; i++)
		ev_print(&k->ev[i], out);
}

/* --- decoding -------------------------------------------------------------- */

static int on_sse(void *arg, const struct sse_event *ev, struct err *e)
{
	char name[32];

	if (!ev->data.p)
		return 0;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(ev->name));
	return dec_feed(arg, name, ev->data.p, ev->data.n, e);
}

static int run(struct dec *d, struct str in, size_t cut, struct err *e)
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
static void decode(struct str in, enum shape shape, bool stream, size_t cut,
		   struct kept *k, struct buf *odd)
{
	struct err e = { 0 };
	struct dec d;

	dec_init(&d, &dialect_openai, &k->mem, shape, stream, keep, k);
	if (run(&d, in, cut, &e) < 0)
		buf_printf(odd, "! %s: %s\n", err_info(e.code)->name, e.msg);
	if (d.usage_refused)
		buf_str(odd, "! usage refused\n");
}

static void encode(const struct kept *k, enum shape shape, bool stream,
		   struct arena *mem, struct buf *out)
{
	struct enc x;

	enc_init(&x, &dialect_openai, mem, shape, stream);
	x.created_s = 1795262400;
	x.include_usage = true;
	for (int i = 0; i < k->n; i++)
		enc_put(&x, &k->ev[i], out);
	enc_release(&x);
}

/* --- what two sequences have in common -------------------------------------
 *
 * Usage once, as it ends up; pieces of one text together; a choice after the
 * other: so a whole answer and a stream can be compared.  Of an answer that
 * fails only the error is left, for a whole one says no more. */
static bool goes_on(const struct ev *last, const struct ev *ev)
{
	return ev->s && last->kind == ev->kind && last->choice == ev->choice &&
	       last->part == ev->part && ev->kind != EV_ANNOTATION;
}

static void gather_one(struct kept *g, const struct ev *ev, struct usage *u)
{
	struct ev *last = g->n ? &g->ev[g->n - 1] : NULL;

	if (ev->kind == EV_USAGE) {
		usage_merge(u, &ev->usage);
	} else if (last && goes_on(last, ev)) {
		last->s = arena_printf(&g->mem, "%s%s", last->s, ev->s);
		last->n += ev->n;
	} else if (ev->kind != EV_END) {
		keep(g, ev);
	}
}

static void gather(const struct kept *k, struct buf *out)
{
	struct kept *g = mem_alloc(sizeof(*g));
	struct usage u;

	arena_init(&g->mem);
	usage_init(&u);
	for (int c = 0; c < 8; c++)
		for (int i = 0; i < k->n; i++)
			if (k->ev[i].choice == c)
				gather_one(g, &k->ev[i], &u);
	if (g->n && g->ev[g->n - 1].kind == EV_ERROR) {
		ev_print(&g->ev[g->n - 1], out);
		g->n = 0;
	} else if (usage_said(&u)) {
		keep(g, &(struct ev){ .kind = EV_USAGE, .usage = u });
	}
	print(g, out);
	arena_release(&g->mem);
	free(g);
}

/* --- recorded files -------------------------------------------------------- */

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
	enum shape shape;
	bool stream;
	struct buf in;
};

static void events_of(const struct recorded *r, size_t cut, struct buf *out)
{
	struct kept *k = mem_alloc(sizeof(*k));

	arena_init(&k->mem);
	decode(buf_span(&r->in), r->shape, r->stream, cut, k, out);
	print(k, out);
	arena_release(&k->mem);
	free(k);
}

static void check_want(const struct recorded *r)
{
	struct kept *k = mem_alloc(sizeof(*k));
	struct buf got, want;
	char path[400];

	buf_init(&got, TEXT_MAX);
	buf_init(&want, TEXT_MAX);
	arena_init(&k->mem);
	decode(buf_span(&r->in), r->shape, r->stream, 0, k, &got);
	print(k, &got);
	buf_str(&got, "--- stream\n");
	encode(k, r->shape, true, &k->mem, &got);
	buf_str(&got, "--- whole\n");
	encode(k, r->shape, false, &k->mem, &got);
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
	events_of(r, 0, &first);
	for (size_t cut = 1; r->stream && cut <= r->in.len; cut++) {
		row("%s, cut at %zu", r->name, cut);
		buf_clear(&got);
		events_of(r, cut, &got);
		ROW_STR(got.p, first.p);
	}
	buf_release(&first);
	buf_release(&got);
}

/* decode(encode(events)) says what the events said. */
static void check_round(const struct recorded *r)
{
	/* a whole answer cannot show that calls came in turns */
	for (int stream = strstr(r->name, "interleaved") != NULL; stream < 2;
	     stream++) {
		struct kept *k = mem_alloc(sizeof(*k)),
			    *again = mem_alloc(sizeof(*k));
		struct buf bytes, odd, got, want;

		row("%s, round, stream %d", r->name, stream);
		arena_init(&k->mem);
		arena_init(&again->mem);
		buf_init(&bytes, TEXT_MAX);
		buf_init(&odd, TEXT_MAX);
		buf_init(&got, TEXT_MAX);
		buf_init(&want, TEXT_MAX);
		decode(buf_span(&r->in), r->shape, r->stream, 0, k, &odd);
		if (!odd.len) {
			encode(k, r->shape, stream, &k->mem, &bytes);
			decode(buf_span(&bytes), r->shape,
			       stream && r->shape != SHAPE_EMBEDDING, 0, again,
			       &odd);
			gather(again, &got);
			gather(k, &want);
			ROW_STR(odd.len ? odd.p : "", "");
			ROW_STR(got.p, want.p);
		}
		buf_release(&bytes);
		buf_release(&odd);
		buf_release(&got);
		buf_release(&want);
		arena_release(&k->mem);
		arena_release(&again->mem);
		free(k);
		free(again);
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
			if (!strncmp(name, "completion", 10))
				r.shape = SHAPE_COMPLETION;
			if (!strncmp(name, "embedding", 9))
				r.shape = SHAPE_EMBEDDING;
			row("%s", name);
			fn(&r);
			buf_release(&r.in);
			seen++;
		}
		free(list[i]);
	}
	free(list);
	assert_true(seen > 20);
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

/* --- requests -------------------------------------------------------------- */

static const struct {
	const char *label;
	enum shape shape;
	const char *in, *want; /* want NULL: the same */
} requests[] = {
	{ "plain", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
	  "\"One word.\"},{\"role\":\"user\",\"content\":\"Capital of "
	  "Peru?\"},{\"role\":\"assistant\",\"content\":\"Lima\"},"
	  "{\"role\":\"user\",\"name\":\"bob\",\"content\":\"Of "
	  "Chile?\"}],\"max_completion_tokens\":50,\"temperature\":0.2}",
	  NULL },
	{ "all parameters", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[],\"max_completion_tokens\":1,"
	  "\"temperature\":0,\"top_p\":0.95,\"top_k\":5,"
	  "\"frequency_penalty\":-1.5,\"presence_penalty\":2,\"n\":2,"
	  "\"seed\":-7,\"stop\":[\"a\",\"b\"],\"logit_bias\":{\"5\":-100},"
	  "\"logprobs\":true,\"top_logprobs\":3,"
	  "\"response_format\":{\"type\":\"json_object\"},"
	  "\"reasoning_effort\":\"low\",\"verbosity\":\"high\","
	  "\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":\"x\"},"
	  "\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\","
	  "\"user\":\"u\",\"stream\":true,"
	  "\"stream_options\":{\"include_usage\":true},\"store\":true,"
	  "\"prediction\":{\"type\":\"content\"}}",
	  NULL },
	{ "images", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
	  "{\"type\":\"text\",\"text\":\"Same?\"},"
	  "{\"type\":\"image_url\",\"image_url\":{\"url\":"
	  "\"https://example.org/cat.jpg\",\"detail\":\"low\"}},"
	  "{\"type\":\"image_url\",\"image_url\":{\"url\":"
	  "\"data:image/png;base64,iVBORw0KGgo=\"}},"
	  "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA==\","
	  "\"format\":\"wav\"}},{\"type\":\"file\",\"file\":{\"filename\":"
	  "\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AA==\"}},"
	  "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
	  "{\"type\":\"video_url\",\"x\":[1]}]}]}",
	  NULL },
	{ "cache marks", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
	  "{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":"
	  "\"ephemeral\"}}]}]}",
	  NULL },
	{ "one text part becomes a text", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
	  "{\"type\":\"text\",\"text\":\"a\"}]}]}",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
	  "\"a\"}]}" },
	{ "tools", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
	  "\"content\":null,\"reasoning_content\":\"hm\",\"tool_calls\":["
	  "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	  "\"arguments\":\"{\\\"c\\\":\"}},"
	  "{\"id\":\"b\",\"type\":\"custom\",\"custom\":{\"name\":\"g\","
	  "\"input\":\"raw\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"a\","
	  "\"content\":\"4\"},{\"role\":\"tool\",\"tool_call_id\":\"b\","
	  "\"content\":\"\"}],"
	  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	  "\"description\":\"d\",\"parameters\":{\"type\":\"object\"},"
	  "\"strict\":true}},{\"type\":\"custom\",\"custom\":{\"name\":"
	  "\"g\",\"format\":{\"type\":\"text\"}}},{\"type\":\"web_search\"}],"
	  "\"tool_choice\":\"required\",\"parallel_tool_calls\":false}",
	  NULL },
	{ "a named choice", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[],\"tool_choice\":{\"type\":"
	  "\"function\",\"function\":{\"name\":\"f\"}}}",
	  NULL },
	{ "a choice among some", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[],\"tool_choice\":{\"type\":"
	  "\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\","
	  "\"tools\":[]}}}",
	  NULL },
	{ "a schema", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[],\"response_format\":{\"type\":"
	  "\"json_schema\",\"json_schema\":{\"name\":\"p\",\"description\":"
	  "\"d\",\"schema\":{\"type\":\"object\"},\"strict\":true}}}",
	  NULL },
	{ "a refusal", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
	  "\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}",
	  NULL },
	{ "the old words", SHAPE_CHAT,
	  "{\"model\":\"m\",\"max_tokens\":9,\"functions\":[{\"name\":\"f\"}],"
	  "\"function_call\":{\"name\":\"f\"},\"messages\":["
	  "{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\","
	  "\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\","
	  "\"content\":\"4\"}]}",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
	  "\"content\":null,\"tool_calls\":[{\"id\":\"call_f\",\"type\":"
	  "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
	  "\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_f\","
	  "\"content\":\"4\"}],\"max_completion_tokens\":9,"
	  "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
	  "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
	  "\"f\"}}}" },
	{ "nulls are absent", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[],\"tools\":null,\"stop\":null,"
	  "\"temperature\":null,\"x\":null}",
	  "{\"model\":\"m\",\"messages\":[]}" },
	{ "odd characters", SHAPE_CHAT,
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
	  "\"a\\u0000b\\\"\\\\/\xc3\xa9\"}]}",
	  NULL },
	{ "a completion", SHAPE_COMPLETION,
	  "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":5,\"logprobs\":2,"
	  "\"suffix\":\"z\",\"echo\":true,\"best_of\":3}",
	  NULL },
	{ "prompts", SHAPE_COMPLETION,
	  "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}", NULL },
	{ "tokens", SHAPE_COMPLETION, "{\"model\":\"m\",\"prompt\":[1,2]}",
	  NULL },
	{ "many tokens", SHAPE_EMBEDDING,
	  "{\"model\":\"m\",\"input\":[[1,2],[3]]}", NULL },
	{ "embeddings", SHAPE_EMBEDDING,
	  "{\"model\":\"m\",\"input\":[\"a\",\"\"],\"dimensions\":256,"
	  "\"encoding_format\":\"base64\",\"user\":\"u\"}",
	  NULL },
};

static void requests_survive_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		const char *in = requests[i].in, *want = requests[i].want;
		struct json_object *o, *w, *g;
		struct err e = { 0 };
		struct arena mem;
		struct chat c;
		struct buf out;

		row("%s", requests[i].label);
		arena_init(&mem);
		buf_init(&out, TEXT_MAX);
		chat_init(&c, &mem, requests[i].shape);
		o = js_parse(in, strlen(in), &e);
		ROW_TRUE(o != NULL);
		ROW_INT(dialect_openai.read(o, &c, &e), 0);
		js_free(o);
		ROW_STR(e.msg, "");
		ROW_INT(dialect_openai.write(&c, &out, &e), 0);
		w = js_parse(want ? want : in, strlen(want ? want : in), &e);
		g = js_parse(out.p, out.len, &e);
		if (!json_object_equal(w, g))
			ROW_STR(out.p, want ? want : in);
		js_free(w);
		js_free(g);
		buf_release(&out);
		arena_release(&mem);
	}
	rows_done();
}

static const struct {
	const char *in, *param;
} wrong[] = {
	{ "[]", "" },
	{ "{\"messages\":{}}", "messages" },
	{ "{\"messages\":[1]}", "messages[0]" },
	{ "{\"messages\":[{\"role\":\"x\"}]}", "messages[0].role" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":1}]}",
	  "messages[0].content" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"text\"}]}]}",
	  "messages[0].content[0]" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[1]}]}",
	  "messages[0].content[0]" },
	{ "{\"temperature\":\"1\"}", "temperature" },
	{ "{\"n\":1.5}", "n" },
	{ "{\"stop\":[1]}", "stop" },
	{ "{\"tools\":{}}", "tools" },
	{ "{\"tool_choice\":\"x\"}", "tool_choice" },
	{ "{\"tool_choice\":{\"type\":\"function\"}}", "tool_choice" },
	{ "{\"response_format\":{\"type\":\"x\"}}", "response_format.type" },
	{ "{\"stream\":1}", "stream" },
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
		ROW_INT(dialect_openai.read(o, &c, &e), -1);
		ROW_STR(e.param, wrong[i].param);
		js_free(o);
		arena_release(&mem);
	}
	rows_done();
}

static void what_cannot_be_said_is_noted(void **state)
{
	struct err e = { 0 };
	struct arena mem;
	struct chat c;
	struct chat_msg *m;
	struct buf out, lost;

	(void)state;
	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	buf_init(&lost, TEXT_MAX);
	chat_init(&c, &mem, SHAPE_CHAT);
	c.lost = &lost;
	c.think_tok = 2000;
	m = chat_msg(&c, CHAT_USER);
	chat_part(&c, &m->parts, PART_TOOL_RESULT)->id = STR("a");
	chat_part(&c, &m->parts, PART_TEXT)->text = STR("hi");
	chat_part(&c, &m->parts, PART_OPAQUE)->name = STR("gemini");
	chat_part(&c, &m->parts, PART_FILE)->url = STR("https://x/");
	chat_tool(&c, TOOL_OPAQUE)->name = STR("anthropic");
	chat_extra(&c, "anthropic", STR("container"), STR("{}"));
	assert_int_equal(dialect_openai.write(&c, &out, &e), 0);
	assert_string_equal(
		out.p, "{\"model\":null,\"messages\":[{\"role\":\"tool\","
		       "\"tool_call_id\":\"a\",\"content\":\"\"},{\"role\":"
		       "\"user\",\"content\":\"hi\"}],"
		       "\"reasoning_effort\":\"low\"}");
	assert_string_equal(lost.p,
			    "messages[0]: a part of gemini, messages[0]: a "
			    "file's URL, tools[0], container");
	buf_release(&out);
	buf_release(&lost);
	arena_release(&mem);
}

static const struct {
	const char *url;
	bool is;
	const char *mime, *data;
} urls[] = {
	{ "data:image/png;base64,AA==", true, "image/png", "AA==" },
	{ "DATA:image/jpg;name=x;base64,AA", true, "image/jpeg", "AA" },
	{ "data:;base64,AA", true, "", "AA" },
	{ "data:text/plain,hello", false, "text/plain", "hello" },
	{ "https://x/", false, "", "" },
};

static void data_urls_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct str mime = STR_NONE, data = STR_NONE;

		row("%s", urls[i].url);
		ROW_TRUE(chat_data_url(str_of(urls[i].url), &mime, &data) ==
			 urls[i].is);
		ROW_TRUE(str_eq(mime, urls[i].mime));
		ROW_TRUE(str_eq(data, urls[i].data));
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_answers_read_as_wanted),
		cmocka_unit_test(streams_read_the_same_however_cut),
		cmocka_unit_test(what_is_encoded_decodes_to_the_same),
		cmocka_unit_test(requests_survive_both_ways),
		cmocka_unit_test(a_wrong_member_is_named),
		cmocka_unit_test(what_cannot_be_said_is_noted),
		cmocka_unit_test(data_urls_are_taken_apart),
	};

	return cmocka_run_group_tests_name("dialect_openai", tests, NULL, NULL);
}
