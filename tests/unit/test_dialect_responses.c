/* test_dialect_responses.c - what upstreams said, to events, to what clients read;
 * requests from and to the other dialects.  Files: see recorded.h. */
#include "dialect/responses.h"

#include "gemini_shape.h"
#include "recorded.h"
#include "responses_shape.h"

#define FOLDER "tests/dialect/responses/"

/* --- answers --------------------------------------------------------------- */

static const struct recorded_client clients[] = {
	{ "--- stream\n", &dialect_responses, true },
	{ "--- whole\n", &dialect_responses, false },
	{ "\n--- OpenAI, stream\n", &dialect_openai, true },
	{ "--- OpenAI, whole\n", &dialect_openai, false },
	{ "\n--- Anthropic, stream\n", &dialect_anthropic, true },
	{ "--- Anthropic, whole\n", &dialect_anthropic, false },
	{ "\n--- Gemini, stream\n", &dialect_gemini, true },
	{ "--- Gemini, whole\n", &dialect_gemini, false },
};

static struct recorded_answers answers = {
	.from = &dialect_responses,
	.folder = FOLDER,
	.clients = clients,
	.n_clients = COUNT(clients),
	.least = 20,
};

/* --- answers of any upstream, as the provider describes them ---------------- */

static int check_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct json_object *o = js_parse(ev->data.p, ev->data.n, e);

	ROW_TRUE(o != NULL && str_eq(ev->name, js_str(o, "type", "")));
	if (o)
		responses_check_event(arg, o);
	js_free(o);
	return o ? 0 : -1;
}

static void check_stream_shape(const struct buf *bytes, bool complete)
{
	struct responses_stream stream = { 0 };
	struct err e = { 0 };
	struct sse s;

	buf_init(&stream.text, TEXT_MAX);
	buf_init(&stream.items, TEXT_MAX);
	sse_init(&s, TEXT_MAX);
	ROW_INT(sse_feed(&s, bytes->p, bytes->len, check_event, &stream, &e),
		0);
	ROW_INT(sse_end(&s, check_event, &stream, &e), 0);
	ROW_INT(stream.ended, complete);
	sse_release(&s);
	buf_release(&stream.text);
	buf_release(&stream.items);
}

static void check_whole_shape(const struct buf *bytes)
{
	struct err e = { 0 };
	struct json_object *o;

	if (!bytes->len)
		return;
	o = js_parse(bytes->p, bytes->len, &e);
	ROW_TRUE(o != NULL);
	if (js_get(o, "error") && !js_get(o, "status"))
		ROW_TRUE(js_get(js_get(o, "error"), "message") != NULL);
	else
		responses_check_response(o);
	js_free(o);
}

static const struct dialect *shape_from;

static void check_shape(const struct recorded *r)
{
	struct buf odd, bytes;
	struct kept *k;
	enum ev_kind last;

	buf_init(&odd, TEXT_MAX);
	buf_init(&bytes, TEXT_MAX);
	k = kept_of(shape_from, buf_span(&r->in), r->stream, 0, &odd);
	last = k->n ? k->ev[k->n - 1].kind : EV_START;
	row("%s of %s, stream", r->name, shape_from->name);
	encode(&dialect_responses, k, true, &k->mem, &bytes);
	check_stream_shape(&bytes, last == EV_END || last == EV_ERROR);
	row("%s of %s, whole", r->name, shape_from->name);
	buf_clear(&bytes);
	encode(&dialect_responses, k, false, &k->mem, &bytes);
	check_whole_shape(&bytes);
	kept_free(k);
	buf_release(&odd);
	buf_release(&bytes);
}

static void answers_are_as_the_provider_says(void **state)
{
	static const struct dialect *const all[] = {
		&dialect_responses,
		&dialect_gemini,
		&dialect_anthropic,
	};
	char folder[64];

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		shape_from = all[i];
		snprintf(folder, sizeof(folder), "tests/dialect/%s/",
			 all[i]->name);
		assert_true(each_file(folder, ".stream", check_shape) > 5);
		each_file(folder, ".body", check_shape);
	}
	/* its embeddings and completions are of another shape */
	shape_from = &dialect_openai;
	each_file("tests/dialect/openai/", ".stream", check_shape);
	rows_done();
}

/* --- a stream that we end --------------------------------------------------- */

static void a_stopped_stream_is_incomplete(void **state)
{
	static const char event[] =
		"{\"type\":\"response.in_progress\",\"sequence_number\":1,"
		"\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"created_at\":"
		"7}}";
	const uint64_t none[2] = { 0 };
	struct enc_stop s = { .event = STR(event),
			      .n_choices = 1,
			      .finished = none };
	struct arena mem;
	struct buf out;
	const char *data;
	struct json_object *o, *r;
	struct err e = { 0 };

	(void)state;
	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	usage_init(&s.usage);
	s.usage.in_tok = 4;
	s.usage.out_tok = 2;
	enc_stop(&dialect_responses, &mem, &s, &out);
	data = strstr(out.p, "data: ");
	assert_non_null(data);
	o = js_parse(data + 6, strlen(data) - 8, &e);
	r = js_get(o, "response");
	assert_string_equal(js_str(o, "type", ""), "response.incomplete");
	assert_int_equal(js_int(o, "sequence_number", 0), 2);
	assert_string_equal(js_str(r, "id", ""), "resp_1");
	assert_int_equal(js_int(js_get(r, "usage"), "total_tokens", 0), 6);
	responses_check_response(r);
	rows_done();
	js_free(o);
	buf_release(&out);
	arena_release(&mem);
}

static void a_response_repeats_its_request(void **state)
{
	static const char in[] = "{\"tools\":[{\"type\":\"web_search\"}],"
				 "\"temperature\":0.5,\"instructions\":\"S\"}";
	static const struct ev evs[] = {
		{ .kind = EV_START, .id = "resp_1", .name = "m" },
		{ .kind = EV_FINISH, .finish = FINISH_STOP },
		{ .kind = EV_END },
	};
	struct err e = { 0 };
	struct json_object *o = js_parse(in, strlen(in), &e);
	struct arena mem;
	struct enc x;
	struct buf out;

	(void)state;
	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	enc_init(&x, &dialect_responses, &mem, SHAPE_CHAT, false);
	x.echo = dialect_responses_echo(&mem, o);
	js_free(o);
	for (size_t i = 0; i < COUNT(evs); i++)
		enc_put(&x, &evs[i], &out);
	enc_release(&x);
	o = js_parse(out.p, out.len, &e);
	responses_check_response(o);
	assert_string_equal(js_str(o, "instructions", ""), "S");
	assert_int_equal(js_len(js_get(o, "tools")), 1);
	rows_done();
	js_free(o);
	buf_release(&out);
	arena_release(&mem);
}

/* --- requests --------------------------------------------------------------- */

static void check_by_provider(const struct request *q, struct json_object *o)
{
	if (q->to == &dialect_responses)
		responses_check_request(o);
	if (q->to == &dialect_gemini)
		gemini_check_request(o);
}

static void check_request(const struct recorded *r)
{
	check_request_of(r, check_by_provider);
}

static void requests_are_translated(void **state)
{
	(void)state;
	assert_true(each_file(FOLDER, ".request", check_request) > 10);
	rows_done();
}

static const struct {
	const char *in, *param;
} wrong[] = {
	{ "{\"input\":1}", "input" },
	{ "{\"input\":[1]}", "input[0]" },
	{ "{\"input\":[{}]}", "input[0].type" },
	{ "{\"input\":[{\"role\":\"boss\"}]}", "input[0].role" },
	{ "{\"input\":[{\"role\":\"user\",\"content\":1}]}",
	  "input[0].content" },
	{ "{\"input\":[{\"role\":\"user\",\"content\":[1]}]}",
	  "input[0].content[0]" },
	{ "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"input_text\"}]}]}",
	  "input[0].content[0]" },
	{ "{\"input\":[{\"type\":\"function_call\"}]}", "input[0]" },
	{ "{\"input\":[{\"type\":\"function_call_output\"}]}", "input[0]" },
	{ "{\"instructions\":1}", "instructions" },
	{ "{\"tools\":[1]}", "tools" },
	{ "{\"tool_choice\":\"any\"}", "tool_choice" },
	{ "{\"tool_choice\":{\"type\":\"function\"}}", "tool_choice" },
	{ "{\"text\":1}", "text" },
	{ "{\"text\":{\"format\":{\"type\":\"x\"}}}", "text.format.type" },
	{ "{\"reasoning\":1}", "reasoning" },
	{ "{\"max_output_tokens\":\"5\"}", "max_output_tokens" },
	{ "{\"temperature\":true}", "temperature" },
	{ "{\"previous_response_id\":1}", "previous_response_id" },
	{ "{\"metadata\":1}", "metadata" },
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
		ROW_INT(dialect_responses.read(o, &c, &e), -1);
		ROW_STR(e.param, wrong[i].param);
		js_free(o);
		arena_release(&mem);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(recorded_answers_read_as_wanted,
					  &answers),
		cmocka_unit_test_prestate(streams_read_the_same_however_cut,
					  &answers),
		cmocka_unit_test_prestate(what_is_encoded_decodes_to_the_same,
					  &answers),
		cmocka_unit_test(answers_are_as_the_provider_says),
		cmocka_unit_test(a_stopped_stream_is_incomplete),
		cmocka_unit_test(a_response_repeats_its_request),
		cmocka_unit_test(requests_are_translated),
		cmocka_unit_test(a_wrong_member_is_named),
	};

	return cmocka_run_group_tests_name("dialect_responses", tests, NULL,
					   NULL);
}
