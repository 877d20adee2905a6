/* test_count_prompt.c - the rules for messages, tools, pictures and sound. */
#include "count/image.h"
#include "count/prompt.h"

#include "rows.h"

#define RANKS "build/ranks"
#define MOST  (1 << 20)

static struct count *ranks;

static struct count_prompt prompt(const char *model, const char *body)
{
	struct count_prompt p;

	count_prompt(&p, ranks, count_model(str_of(model)), str_of(body), MOST);
	return p;
}

/* OpenAI, Cookbook, "How to count tokens with tiktoken", section 6. */
static const char jargon[] =
	"{\"messages\":["
	"{\"role\":\"system\",\"content\":\"You are a helpful, "
	"pattern-following assistant that translates corporate jargon into "
	"plain English.\"},"
	"{\"role\":\"system\",\"name\":\"example_user\",\"content\":\"New "
	"synergies will help drive top-line growth.\"},"
	"{\"role\":\"system\",\"name\":\"example_assistant\",\"content\":"
	"\"Things working well together will increase revenue.\"},"
	"{\"role\":\"system\",\"name\":\"example_user\",\"content\":\"Let's "
	"circle back when we have more bandwidth to touch base on "
	"opportunities for increased leverage.\"},"
	"{\"role\":\"system\",\"name\":\"example_assistant\",\"content\":"
	"\"Let's talk later when we're less busy about how to do better.\"},"
	"{\"role\":\"user\",\"content\":\"This late pivot means we don't have "
	"time to boil the ocean for the client deliverable.\"}]}";

/* Section 7. */
static const char weather[] =
	"{\"tools\":[{\"type\":\"function\",\"function\":{"
	"\"name\":\"get_current_weather\",\"description\":\"Get the current "
	"weather in a given location\",\"parameters\":{\"type\":\"object\","
	"\"properties\":{\"location\":{\"type\":\"string\",\"description\":"
	"\"The city and state, e.g. San Francisco, CA\"},\"unit\":{\"type\":"
	"\"string\",\"description\":\"The unit of temperature to return\","
	"\"enum\":[\"celsius\",\"fahrenheit\"]}},\"required\":[\"location\"]}"
	"}}],\"messages\":["
	"{\"role\":\"system\",\"content\":\"You are a helpful assistant that "
	"can answer to questions about the weather.\"},"
	"{\"role\":\"user\",\"content\":\"What's the weather like in San "
	"Francisco?\"}]}";

static void published_examples_come_out(void **state)
{
	static const struct {
		const char *name, *model, *body;
		int64_t tok;
	} rows[] = {
		{ "messages", "gpt-4o", jargon, 124 },
		{ "messages", "gpt-4o-mini", jargon, 124 },
		{ "messages", "gpt-4-0613", jargon, 129 },
		{ "messages", "gpt-3.5-turbo", jargon, 129 },
		{ "tools", "gpt-4o", weather, 101 },
		{ "tools", "gpt-4o-mini", weather, 101 },
		{ "tools", "gpt-4", weather, 105 },
		{ "tools", "gpt-3.5-turbo", weather, 105 },
	};

	(void)state;
	if (!count_has(ranks, COUNT_O200K))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct count_prompt p = prompt(rows[i].model, rows[i].body);

		row("%s, %s", rows[i].name, rows[i].model);
		ROW_INT(p.tok, rows[i].tok);
		ROW_TRUE(p.exact);
		ROW_TRUE(p.bound >= p.tok && p.bound < p.tok + 80);
	}
	rows_done();
}

static void texts_count_as_they_are_read(void **state)
{
	static const struct {
		const char *body;
		int64_t tok;
	} rows[] = {
		/* 3 for the message, 1 for "user", 3 for the answer */
		{ "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		  8 },
		{ "{\"messages\":[{\"role\":\"user\",\"content\":"
		  "\"\\u0068\\u0069\"}]}",
		  8 },
		{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		  "\"text\",\"text\":\"hi\"}]}]}",
		  8 },
		{ "{\"messages\":[{\"role\":\"user\",\"content\":[\"hi\"]}]}",
		  8 },
		{ "{\"messages\":[{\"role\":\"user\",\"name\":\"bob\","
		  "\"content\":\"hi\"}]}",
		  10 },
		{ "{\"messages\":[]}", 3 },
		{ "{\"prompt\":\"hello world\"}", 2 },
		{ "{\"prompt\":[\"hello\",\" world\"]}", 2 },
		{ "{\"prompt\":[1,2,3]}", 3 },
		{ "{\"prompt\":[[1,2],[3]]}", 3 },
		{ "{\"input\":[\"hello world\",\"hi\"]}", 3 },
		{ "{\"input\":[[1,2,3,4]]}", 4 },
		{ "{}", 0 },
	};

	(void)state;
	if (!count_has(ranks, COUNT_O200K))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		row("%s", rows[i].body);
		ROW_INT(prompt("gpt-4o", rows[i].body).tok, rows[i].tok);
	}
	rows_done();
}

static void the_bound_is_not_below(void **state)
{
	static const char *const models[] = { "gpt-4o", "gpt-4", "claude-x",
					      "gemini-x", "nobody-knows" };
	static const char *const bodies[] = { jargon, weather, "{}",
					      "{\"prompt\":\"x\"}" };
	struct count_prompt p;

	(void)state;
	for (size_t i = 0; i < COUNT(models); i++)
		for (size_t j = 0; j < COUNT(bodies); j++) {
			row("%s, body %zu", models[i], j);
			p = prompt(models[i], bodies[j]);
			ROW_TRUE(p.bound >= p.tok);
			ROW_TRUE(p.exact || p.bound >= p.text_bytes);
		}
	rows_done();
}

static void what_is_too_much_is_bound_by_bytes(void **state)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":"
		"\"one two three four five six seven eight nine ten\"}]}";
	struct count_prompt p;

	(void)state;
	count_prompt(&p, ranks, count_model(STR("gpt-4o")), STR(body), 10);
	assert_true(p.capped);
	assert_false(p.exact);
	assert_int_equal(p.text_bytes, 4 + 48);
	assert_true(p.bound >= 48 - 10 && p.tok < 48);
}

/* --- pictures ----------------------------------------------------------------- */

static void pictures_cost_what_is_published(void **state)
{
	static const struct {
		const char *model;
		int w, h;
		const char *detail;
		int64_t tok;
	} rows[] = {
		/* the examples of "Calculating costs" */
		{ "gpt-4o", 1024, 1024, "high", 765 },
		{ "gpt-4o", 2048, 4096, "high", 1105 },
		{ "gpt-4o", 4096, 8192, "low", 85 },
		{ "gpt-4.1-mini", 1024, 1024, "", 1659 }, /* 1024 x 1.62 */
		{ "gpt-4.1-mini", 1800, 2400, "", 2353 }, /* 1452 x 1.62 */
		/* the rule by hand */
		{ "gpt-4o", 512, 512, "auto", 255 },
		{ "gpt-4o", 513, 512, "", 425 },
		{ "gpt-4o", 0, 0, "high", 1445 },
		{ "gpt-4o-mini", 100, 100, "low", 2833 },
		{ "gpt-4o-mini", 100, 100, "high", 8500 },
		{ "gpt-5", 1024, 1024, "high", 630 },
		{ "gpt-5-2025-08-07", 10, 10, "low", 70 },
		{ "o1", 1024, 1024, "high", 675 },
		{ "o3-2025-04-16", 10, 10, "high", 225 },
		{ "gpt-4.1-nano", 32, 32, "", 3 },
		{ "o4-mini", 4000, 3000, "", 2498 }, /* 44 x 33 x 1.72 */
		{ "gpt-5-mini", 0, 0, "", 2489 },    /* 1536 x 1.62 */
		{ "claude-sonnet-4-5", 1000, 1000, "", 1334 },
		{ "claude-sonnet-4-5", 9000, 9000, "", 1600 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct count_model *m =
			count_model(str_of(rows[i].model));
		struct image_size s = { rows[i].w, rows[i].h };

		row("%s %dx%d %s", rows[i].model, s.w, s.h, rows[i].detail);
		ROW_INT(image_tok(m, s, str_of(rows[i].detail)).tok,
			rows[i].tok);
	}
	rows_done();
}

/* 3x2, 640x480, 16x9, 5x4, 7x6 and 8x5 pixels, the heads only. */
static const struct {
	const char *name, *url;
	int w, h;
} heads[] = {
	{ "PNG",
	  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAYAAACddGYa",
	  3, 2 },
	{ "GIF", "data:image/gif;base64,R0lGODlhgALgAQAA", 640, 480 },
	{ "WebP VP8X",
	  "data:image/webp;base64,UklGRgAAAABXRUJQVlA4WAoAAAAAAAAADwAACAAAAAAA",
	  16, 9 },
	{ "JPEG behind a comment",
	  "data:image/jpeg;base64,/9j//gAGYWJjZP/AABEIAAQABQMBIgA=", 5, 4 },
	{ "JPEG, URL's alphabet",
	  "data:image/jpeg;base64,_9j__gAGYWJjZP_AABEIAAQABQMBIgA", 5, 4 },
	{ "cut off", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAM", 0,
	  0 },
	{ "an address", "https://example.org/x.png", 0, 0 },
	{ "no data", "data:image/png;base64", 0, 0 },
	{ "nothing", "", 0, 0 },
	{ "something else", "data:image/png;base64,SGVsbG8gd29ybGQ=", 0, 0 },
};

static void sizes_are_read_from_the_head(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct image_size s = image_size_of_url(str_of(heads[i].url));

		row("%s", heads[i].name);
		ROW_INT(s.w, heads[i].w);
		ROW_INT(s.h, heads[i].h);
	}
	rows_done();
}

static void pictures_and_sound_are_in_the_prompt(void **state)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":["
		"{\"type\":\"image_url\",\"image_url\":{\"url\":"
		"\"data:image\\/gif;base64,R0lGODlhgALgAQAA\"}},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":"
		"\"https://example.org/x.png\",\"detail\":\"low\"}},"
		"{\"type\":\"input_audio\",\"input_audio\":{\"format\":"
		"\"mp3\",\"data\":\"AAAAAAAA\"}},"
		"{\"type\":\"file\",\"file\":{\"file_id\":\"f1\"}}]}]}";
	struct count_prompt p = prompt("gpt-4o", body);

	(void)state;
	assert_int_equal(p.image_tok, 85 + 2 * 170 + 85);
	assert_int_equal(p.audio_tok, 1);
	assert_int_equal(p.file_tok, 0);
	assert_true(p.bound > 100000);
}

static int open_ranks(void **state)
{
	struct err e = { 0 };
	int damaged;

	(void)state;
	ranks = count_open(RANKS, &damaged, &e);
	return damaged;
}

static int close_ranks(void **state)
{
	(void)state;
	count_close(ranks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples_come_out),
		cmocka_unit_test(texts_count_as_they_are_read),
		cmocka_unit_test(the_bound_is_not_below),
		cmocka_unit_test(what_is_too_much_is_bound_by_bytes),
		cmocka_unit_test(pictures_cost_what_is_published),
		cmocka_unit_test(sizes_are_read_from_the_head),
		cmocka_unit_test(pictures_and_sound_are_in_the_prompt),
	};

	return cmocka_run_group_tests_name("count_prompt", tests, open_ranks,
					   close_ranks);
}
