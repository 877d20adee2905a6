/* test_dialect_gemini.c - what upstreams said, to events, to what clients read;
 * requests from and to the other dialects.  Files: see recorded.h. */
#include "dialect/gemini.h"

#include "gemini_shape.h"
#include "recorded.h"

#define FOLDER "tests/dialect/gemini/"

/* --- answers --------------------------------------------------------------- */

static const struct recorded_client clients[] = {
	{ "--- stream\n", &dialect_gemini, true },
	{ "--- whole\n", &dialect_gemini, false },
	{ "\n--- OpenAI, stream\n", &dialect_openai, true },
	{ "--- OpenAI, whole\n", &dialect_openai, false },
	{ "\n--- Anthropic, stream\n", &dialect_anthropic, true },
	{ "--- Anthropic, whole\n", &dialect_anthropic, false },
};

static struct recorded_answers answers = {
	.from = &dialect_gemini,
	.folder = FOLDER,
	.clients = clients,
	.n_clients = COUNT(clients),
	.least = 25,
};

/* --- answers of any upstream, as the provider describes them ---------------- */

static int check_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct json_object *o = js_parse(ev->data.p, ev->data.n, e);

	(void)arg;
	ROW_TRUE(o != NULL);
	if (o)
		gemini_check_answer(o);
	js_free(o);
	return o ? 0 : -1;
}

static void check_stream_shape(const struct buf *bytes)
{
	struct err e = { 0 };
	struct sse s;

	sse_init(&s, TEXT_MAX);
	ROW_INT(sse_feed(&s, bytes->p, bytes->len, check_event, NULL, &e), 0);
	ROW_INT(sse_end(&s, check_event, NULL, &e), 0);
	sse_release(&s);
}

static void check_whole_shape(const struct buf *bytes, bool array)
{
	struct err e = { 0 };
	struct json_object *o;

	if (!bytes->len)
		return;
	o = js_parse(bytes->p, bytes->len, &e);
	ROW_TRUE(o != NULL);
	ROW_TRUE(array == json_object_is_type(o, json_type_array));
	for (int i = 0; array && i < js_len(o); i++)
		gemini_check_answer(js_at(o, i));
	if (!array && o)
		gemini_check_answer(o);
	js_free(o);
}

static const struct dialect *shape_from;

static void check_shape(const struct recorded *r)
{
	struct buf odd, bytes;
	struct kept *k;

	buf_init(&odd, TEXT_MAX);
	buf_init(&bytes, TEXT_MAX);
	k = kept_of(shape_from, buf_span(&r->in), r->stream, 0, &odd);
	row("%s of %s, stream", r->name, shape_from->name);
	encode(&dialect_gemini, k, true, &k->mem, &bytes);
	check_stream_shape(&bytes);
	row("%s of %s, whole", r->name, shape_from->name);
	buf_clear(&bytes);
	encode(&dialect_gemini, k, false, &k->mem, &bytes);
	check_whole_shape(&bytes, false);
	kept_free(k);
	buf_release(&odd);
	buf_release(&bytes);
}

static void answers_are_as_the_provider_says(void **state)
{
	static const struct dialect *const all[] = { &dialect_gemini,
						     &dialect_anthropic,
						     &dialect_openai };
	char folder[64];

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		shape_from = all[i];
		snprintf(folder, sizeof(folder), "tests/dialect/%s/",
			 all[i]->name);
		assert_true(each_file(folder, ".stream", check_shape) > 5);
		each_file(folder, ".body", check_shape);
	}
	rows_done();
}

/* Without alt=sse the stream is one array. */
static void check_array(const struct recorded *r)
{
	struct buf odd, bytes, sse, want, got;
	struct kept *k;
	struct enc x;
	bool failed = false;

	buf_init(&odd, TEXT_MAX);
	buf_init(&bytes, TEXT_MAX);
	buf_init(&sse, TEXT_MAX);
	buf_init(&want, TEXT_MAX);
	buf_init(&got, TEXT_MAX);
	k = kept_of(&dialect_gemini, buf_span(&r->in), r->stream, 0, &odd);
	enc_init(&x, &dialect_gemini, &k->mem, SHAPE_CHAT, true);
	x.json_array = true;
	for (int i = 0; i < k->n; i++) {
		enc_put(&x, &k->ev[i], &bytes);
		failed = failed || k->ev[i].kind == EV_ERROR;
	}
	enc_release(&x);
	if (!odd.len && !failed) {
		check_whole_shape(&bytes, true);
		encode(&dialect_gemini, k, true, &k->mem, &sse);
		events_of(&dialect_gemini, buf_span(&sse), true, 0, &want);
		events_of(&dialect_gemini, buf_span(&bytes), false, 0, &got);
		ROW_STR(got.p, want.p);
	}
	kept_free(k);
	buf_release(&odd);
	buf_release(&bytes);
	buf_release(&sse);
	buf_release(&want);
	buf_release(&got);
}

static void an_array_says_what_a_stream_says(void **state)
{
	(void)state;
	each_answer(&answers, check_array);
}

/* --- a stream that we end --------------------------------------------------- */

static void a_stopped_stream_ends_with_its_length(void **state)
{
	static const char event[] =
		"{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{"
		"\"text\":\"Hi\"}]},\"index\":0}],\"modelVersion\":\"m\","
		"\"responseId\":\"r1\"}";
	const uint64_t none[2] = { 0 };
	struct enc_stop s = { .event = STR(event),
			      .n_choices = 1,
			      .finished = none };
	struct arena mem;
	struct buf out;

	(void)state;
	arena_init(&mem);
	buf_init(&out, TEXT_MAX);
	usage_init(&s.usage);
	s.usage.in_tok = 4;
	s.usage.out_tok = 2;
	enc_stop(&dialect_gemini, &mem, &s, &out);
	assert_string_equal(
		out.p,
		"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"
		"\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\",\"index\":0}"
		"],\"usageMetadata\":{\"promptTokenCount\":4,"
		"\"candidatesTokenCount\":2,\"totalTokenCount\":6},"
		"\"modelVersion\":\"m\",\"responseId\":\"r1\"}\r\n\r\n");
	buf_release(&out);
	arena_release(&mem);
}

/* --- requests --------------------------------------------------------------- */

static void check_by_provider(const struct request *q, struct json_object *o)
{
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
	{ "{\"contents\":1}", "contents" },
	{ "{\"contents\":[1]}", "contents[0]" },
	{ "{\"contents\":[{\"role\":\"boss\"}]}", "contents[0]" },
	{ "{\"contents\":[{\"parts\":1}]}", "contents[0]" },
	{ "{\"contents\":[{\"parts\":[1]}]}", "contents[0].parts[0]" },
	{ "{\"contents\":[{\"parts\":[{\"text\":1}]}]}",
	  "contents[0].parts[0]" },
	{ "{\"contents\":[{\"parts\":[{\"functionCall\":{}}]}]}",
	  "contents[0].parts[0]" },
	{ "{\"contents\":[{\"parts\":[{\"functionResponse\":{}}]}]}",
	  "contents[0].parts[0]" },
	{ "{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"AA\"}}]}]}",
	  "contents[0].parts[0]" },
	{ "{\"systemInstruction\":1}", "systemInstruction" },
	{ "{\"tools\":1}", "tools" },
	{ "{\"tools\":[1]}", "tools" },
	{ "{\"tools\":[{\"functionDeclarations\":1}]}",
	  "tools.functionDeclarations" },
	{ "{\"toolConfig\":1}", "toolConfig" },
	{ "{\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"X\"}}}",
	  "toolConfig.functionCallingConfig.mode" },
	{ "{\"generationConfig\":1}", "generationConfig" },
	{ "{\"generationConfig\":{\"temperature\":\"hot\"}}",
	  "generationConfig.temperature" },
	{ "{\"generationConfig\":{\"max_output_tokens\":true}}",
	  "generationConfig.maxOutputTokens" },
	{ "{\"generationConfig\":{\"stopSequences\":[1]}}",
	  "generationConfig.stopSequences" },
	{ "{\"generationConfig\":{\"thinkingConfig\":1}}",
	  "generationConfig.thinkingConfig" },
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
		ROW_INT(dialect_gemini.read(o, &c, &e), -1);
		ROW_STR(e.param, wrong[i].param);
		js_free(o);
		arena_release(&mem);
	}
	rows_done();
}

/* --- schemas ---------------------------------------------------------------- */

static const struct {
	const char *label, *in, *want, *lost;
} schemas[] = {
#include "gemini_schemas.def"
};

static void schemas_say_what_can_be_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(schemas); i++) {
		struct arena mem;
		struct chat c;
		struct buf out, lost;
		struct json_object *o;
		struct err e = { 0 };
		bool whole;

		row("%s", schemas[i].label);
		arena_init(&mem);
		buf_init(&out, TEXT_MAX);
		buf_init(&lost, TEXT_MAX);
		chat_init(&c, &mem, SHAPE_CHAT);
		c.lost = &lost;
		whole = gemini_schema_write(&mem, str_of(schemas[i].in), "p",
					    &out, &c);
		ROW_STR(out.p, schemas[i].want);
		ROW_STR(lost.p, schemas[i].lost);
		ROW_INT(whole, !*schemas[i].lost);
		o = out.len ? js_parse(out.p, out.len, &e) : NULL;
		if (o)
			shape_check(gemini_rows, o, "Schema", "p");
		js_free(o);
		buf_release(&out);
		buf_release(&lost);
		arena_release(&mem);
	}
	rows_done();
}

/* A tree of a hundred types that each have all the others in them. */
static void a_schema_does_not_grow_without_end(void **state)
{
	struct arena mem;
	struct buf in, out;

	(void)state;
	arena_init(&mem);
	buf_init(&in, TEXT_MAX);
	buf_init(&out, 64u << 20);
	buf_str(&in, "{\"$ref\":\"#/$defs/t0\",\"$defs\":{");
	for (int i = 0; i < 100; i++) {
		buf_printf(&in, "%s\"t%d\":{\"properties\":{", i ? "," : "", i);
		for (int k = 0; k < 100; k++)
			buf_printf(&in, "%s\"p%d\":{\"$ref\":\"#/$defs/t%d\"}",
				   k ? "," : "", k, k);
		buf_str(&in, "}}");
	}
	buf_str(&in, "}}");
	assert_false(gemini_schema_write(&mem, buf_span(&in), "p", &out, NULL));
	assert_true(buf_ok(&out) && out.len < 1u << 20);
	buf_release(&in);
	buf_release(&out);
	arena_release(&mem);
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
		cmocka_unit_test(an_array_says_what_a_stream_says),
		cmocka_unit_test(a_stopped_stream_ends_with_its_length),
		cmocka_unit_test(requests_are_translated),
		cmocka_unit_test(a_wrong_member_is_named),
		cmocka_unit_test(schemas_say_what_can_be_said),
		cmocka_unit_test(a_schema_does_not_grow_without_end),
	};

	return cmocka_run_group_tests_name("dialect_gemini", tests, NULL, NULL);
}
