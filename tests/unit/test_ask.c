/* test_ask.c - what a body asks, what is refused, and how it is edited. */
#include "rows.h"

#include "base/buf.h"
#include "dialect/ask.h"
#include "json/js.h"

static const struct scan_limits client = { .depth = 64,
					   .values = 20000,
					   .keys = 4000 };

static int read_ask(struct ask *a, enum ask_kind kind, const char *body,
		    struct arena *arena, struct err *e)
{
	err_clear(e);
	return ask_read(a, kind, str_of(body), &client, arena, e);
}

/* A chat with an image at an address. */
#define IMAGE(url)                                                       \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":" \
	"[{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\"}}]}]}"
#define IMAGE_AT "messages[0].content[0].image_url.url"

/* A chat with one good message, and the members that are tried. */
#define CHAT(members)                                                    \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":" \
	"\"hi\"}]" members "}"
#define MESSAGES(list)  "{\"model\":\"m\",\"messages\":" list "}"
#define PROMPT(members) "{\"model\":\"m\",\"prompt\":\"a\"" members "}"
#define INPUT(members)  "{\"model\":\"m\"" members "}"

static const struct {
	enum ask_kind kind;
	const char *body;
	enum err_code code;
	const char *param, *says; /* says: a part of the message */
} refused[] = {
	/* clang-format off */
	{ ASK_CHAT, "", ERR_JSON, "", "could not parse" },
	{ ASK_CHAT, IMAGE("http://169.254.169.254/latest/"), ERR_VALUE, IMAGE_AT, "public internet" },
	{ ASK_CHAT, IMAGE("http://[::ffff:169.254.169.254]/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://[::1]:80/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://0x7f.1/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://2130706433"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://127.0.0.1?x"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http:\\/\\/127.0.0.1\\/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("HtTp://LocalHost/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://a.localdomain:1/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://metadata.google.internal/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://localhost./"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://u:p@example.com/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("http://example.com\\r\\nX: 1/"), ERR_VALUE, IMAGE_AT, "control characters" },
	{ ASK_CHAT, IMAGE("http://example.com\\u0000/"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("file:///etc/passwd"), ERR_VALUE, IMAGE_AT, "expected an https address" },
	{ ASK_CHAT, IMAGE("gopher://127.0.0.1:6379/_FLUSHALL"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("//example.com/a"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("data:text/html;base64,AAAA"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, IMAGE("AAAA"), ERR_VALUE, IMAGE_AT, "" },
	{ ASK_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video_url\",\"video_url\":{\"url\":\"data:image/png;base64,\"}}]}]}", ERR_VALUE, "messages[0].content[0].video_url.url", "" },
	{ ASK_CHAT, "null", ERR_JSON, "", "" },
	{ ASK_CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":TRUE}", ERR_JSON, "", "" },
	{ ASK_CHAT, "{\"model\":\"a\",\"mod\\u0065l\":\"m\",\"messages\":[]}", ERR_DUPLICATE_KEY, "model", "" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":1,\"max_tokens\":2"), ERR_DUPLICATE_KEY, "max_tokens", "" },
	{ ASK_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", ERR_MISSING, "model", "Missing required parameter: 'model'." },
	{ ASK_CHAT, "{\"model\":5,\"messages\":[]}", ERR_TYPE, "model", "Invalid type for 'model': expected a string, but got an integer instead." },
	{ ASK_CHAT, "{\"model\":null,\"messages\":[]}", ERR_TYPE, "model", "but got null" },
	{ ASK_CHAT, "{\"model\":\"\",\"messages\":[]}", ERR_STRING_SHORT, "model", "minimum length 1" },
	{ ASK_CHAT, "{\"model\":\"m\"}", ERR_MISSING, "messages", "Missing required parameter: 'messages'." },
	{ ASK_CHAT, MESSAGES("\"hi\""), ERR_TYPE, "messages", "Invalid type for 'messages': expected an array of objects, but got a string instead." },
	{ ASK_CHAT, MESSAGES("{}"), ERR_TYPE, "messages", "got an object" },
	{ ASK_CHAT, MESSAGES("[]"), ERR_EMPTY_ARRAY, "messages", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead." },
	{ ASK_CHAT, MESSAGES("[\"hi\"]"), ERR_TYPE, "messages[0]", "expected an object, but got a string" },
	{ ASK_CHAT, MESSAGES("[{\"content\":\"hi\"}]"), ERR_MISSING, "messages[0].role", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"king\",\"content\":\"hi\"}]"), ERR_VALUE, "messages[0].role", "Invalid value: 'king'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool' and 'developer'." },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":{\"a\":1}}]"), ERR_TYPE, "messages[0].content", "expected one of a string or array of objects, but got an object instead" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":7}]"), ERR_TYPE, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\"}]"), ERR_MISSING, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":null}]"), ERR_MISSING, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[]}]"), ERR_EMPTY_ARRAY, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[\"hi\"]}]"), ERR_TYPE, "messages[0].content[0]", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]"), ERR_MISSING, "messages[0].content[0].type", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"banana\"}]}]"), ERR_VALUE, "messages[0].content[0].type", "'banana'" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]"), ERR_MISSING, "messages[0].content[0].text", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]"), ERR_TYPE, "messages[0].content[0].text", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"x\"}]}]"), ERR_TYPE, "messages[0].content[0].image_url", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]"), ERR_MISSING, "messages[0].content[0].image_url.url", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":\"a\"},{\"content\":[{\"type\":\"text\",\"text\":\"\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/u\"}}],\"role\":\"system\"}]"), ERR_VALUE, "messages[1].content[1].type", "Invalid value: 'image_url'. Supported values are: 'text'." },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]"), ERR_VALUE, "messages[0].content[0].type", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"tool\",\"content\":\"x\"}]"), ERR_MISSING, "messages[0].tool_call_id", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"function\",\"content\":\"x\"}]"), ERR_MISSING, "messages[0].name", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\",\"content\":null}]"), ERR_MISSING, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\"}]"), ERR_MISSING, "messages[0].content", "" },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\",\"tool_calls\":{}}]"), ERR_TYPE, "messages[0].tool_calls", "" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":0"), ERR_INT_LOW, "max_tokens", "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead." },
	{ ASK_CHAT, CHAT(",\"max_tokens\":-1"), ERR_INT_LOW, "max_tokens", "" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":1.5"), ERR_TYPE, "max_tokens", "expected an integer, but got a decimal" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":true"), ERR_TYPE, "max_tokens", "got a boolean" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":\"5\""), ERR_TYPE, "max_tokens", "" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":2147483648"), ERR_INT_HIGH, "max_tokens", "" },
	{ ASK_CHAT, CHAT(",\"max_tokens\":9223372036854775807"), ERR_INT_HIGH, "max_tokens", "" },
	{ ASK_CHAT, CHAT(",\"max_completion_tokens\":0"), ERR_INT_LOW, "max_completion_tokens", "" },
	{ ASK_CHAT, CHAT(",\"max_completion_tokens\":1e99"), ERR_INT_HIGH, "max_completion_tokens", "" },
	{ ASK_CHAT, CHAT(",\"temperature\":2.1"), ERR_NUM_HIGH, "temperature", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.1 instead." },
	{ ASK_CHAT, CHAT(",\"temperature\":-0.1"), ERR_NUM_LOW, "temperature", "" },
	{ ASK_CHAT, CHAT(",\"temperature\":\"hot\""), ERR_TYPE, "temperature", "expected a decimal, but got a string" },
	{ ASK_CHAT, CHAT(",\"top_p\":1.01"), ERR_NUM_HIGH, "top_p", "" },
	{ ASK_CHAT, CHAT(",\"presence_penalty\":3"), ERR_NUM_HIGH, "presence_penalty", "" },
	{ ASK_CHAT, CHAT(",\"frequency_penalty\":-3"), ERR_NUM_LOW, "frequency_penalty", "" },
	{ ASK_CHAT, CHAT(",\"n\":0"), ERR_INT_LOW, "n", "" },
	{ ASK_CHAT, CHAT(",\"n\":129"), ERR_INT_HIGH, "n", "" },
	{ ASK_CHAT, CHAT(",\"logprobs\":true,\"top_logprobs\":21"), ERR_INT_HIGH, "top_logprobs", "" },
	{ ASK_CHAT, CHAT(",\"top_logprobs\":2"), ERR_VALUE, "top_logprobs", "" },
	{ ASK_CHAT, CHAT(",\"logprobs\":1"), ERR_TYPE, "logprobs", "" },
	{ ASK_CHAT, CHAT(",\"stream\":\"yes\""), ERR_TYPE, "stream", "expected a boolean, but got a string" },
	{ ASK_CHAT, CHAT(",\"stream\":true,\"stream_options\":true"), ERR_TYPE, "stream_options", "" },
	{ ASK_CHAT, CHAT(",\"stream\":true,\"stream_options\":{\"include_usage\":1}"), ERR_TYPE, "stream_options.include_usage", "" },
	{ ASK_CHAT, CHAT(",\"stream_options\":{}"), ERR_VALUE, "stream_options", "only allowed when 'stream' is enabled" },
	{ ASK_CHAT, CHAT(",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), ERR_ARRAY_LONG, "stop", "Invalid 'stop': array too long. Expected an array with maximum length 4, but got one with length 5 instead." },
	{ ASK_CHAT, CHAT(",\"stop\":[1]"), ERR_TYPE, "stop[0]", "" },
	{ ASK_CHAT, CHAT(",\"stop\":5"), ERR_TYPE, "stop", "one of a string or array of strings" },
	{ ASK_CHAT, CHAT(",\"logit_bias\":[1]"), ERR_TYPE, "logit_bias", "" },
	{ ASK_CHAT, CHAT(",\"logit_bias\":{\"50\":101}"), ERR_NUM_HIGH, "logit_bias.50", "" },
	{ ASK_CHAT, CHAT(",\"seed\":1.5"), ERR_TYPE, "seed", "" },
	{ ASK_CHAT, CHAT(",\"seed\":18446744073709551616"), ERR_INT_HIGH, "seed", "" },
	{ ASK_CHAT, CHAT(",\"user\":5"), ERR_TYPE, "user", "" },
	{ ASK_CHAT, CHAT(",\"tools\":{}"), ERR_TYPE, "tools", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[1]"), ERR_TYPE, "tools[0]", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{}]"), ERR_MISSING, "tools[0].type", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"function\"}]"), ERR_MISSING, "tools[0].function", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{}}]"), ERR_MISSING, "tools[0].function.name", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]"), ERR_VALUE, "tools[0].function.name", "pattern" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"function\":{\"name\":\"a.b\"},\"type\":\"function\"}]"), ERR_VALUE, "tools[0].function.name", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]"), ERR_STRING_SHORT, "tools[0].function.name", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}}]"), ERR_STRING_LONG, "tools[0].function.name", "" },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"custom\"}]"), ERR_MISSING, "tools[0].custom", "" },
	{ ASK_CHAT, CHAT(",\"tool_choice\":5"), ERR_TYPE, "tool_choice", "" },
	{ ASK_CHAT, CHAT(",\"tool_choice\":\"maybe\""), ERR_VALUE, "tool_choice", "" },
	{ ASK_CHAT, CHAT(",\"functions\":[]"), ERR_EMPTY_ARRAY, "functions", "" },
	{ ASK_CHAT, CHAT(",\"functions\":[{}]"), ERR_MISSING, "functions[0].name", "" },
	{ ASK_CHAT, CHAT(",\"functions\":[{\"name\":\"a b\"}]"), ERR_VALUE, "functions[0].name", "" },
	{ ASK_CHAT, CHAT(",\"response_format\":\"json\""), ERR_TYPE, "response_format", "" },
	{ ASK_CHAT, CHAT(",\"response_format\":{}"), ERR_MISSING, "response_format.type", "" },
	{ ASK_CHAT, CHAT(",\"response_format\":{\"type\":\"xml\"}"), ERR_VALUE, "response_format.type", "" },
	{ ASK_CHAT, CHAT(",\"response_format\":{\"type\":\"json_schema\"}"), ERR_MISSING, "response_format.json_schema", "" },
	{ ASK_CHAT, CHAT(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}"), ERR_MISSING, "response_format.json_schema.name", "" },
	{ ASK_CHAT, CHAT(",\"metadata\":{\"a\":1}"), ERR_TYPE, "metadata.a", "" },
	{ ASK_CHAT, CHAT(",\"metadata\":{\"0123456789012345678901234567890123456789012345678901234567890123x\":\"\"}"), ERR_STRING_LONG, "metadata", "" },
	{ ASK_CHAT, CHAT(",\"metadata\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\",\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\"}"), ERR_VALUE, "metadata", "" },
	{ ASK_CHAT, CHAT(",\"reasoning_effort\":\"huge\""), ERR_VALUE, "reasoning_effort", "" },
	{ ASK_CHAT, CHAT(",\"modalities\":[\"smell\"]"), ERR_VALUE, "modalities[0]", "" },
	{ ASK_CHAT, CHAT(",\"parallel_tool_calls\":0"), ERR_TYPE, "parallel_tool_calls", "" },
	{ ASK_CHAT, CHAT(",\"store\":\"no\""), ERR_TYPE, "store", "" },
	{ ASK_COMPLETION, "{\"prompt\":\"a\"}", ERR_MISSING, "model", "" },
	{ ASK_COMPLETION, "{\"model\":\"m\",\"prompt\":{}}", ERR_TYPE, "prompt", "" },
	{ ASK_COMPLETION, "{\"model\":\"m\",\"prompt\":[\"a\",[1]]}", ERR_TYPE, "prompt[1]", "" },
	{ ASK_COMPLETION, "{\"model\":\"m\",\"prompt\":[[1,\"a\"]]}", ERR_TYPE, "prompt[0][1]", "" },
	{ ASK_COMPLETION, PROMPT(",\"max_tokens\":-1"), ERR_INT_LOW, "max_tokens", "" },
	{ ASK_COMPLETION, PROMPT(",\"logprobs\":6"), ERR_INT_HIGH, "logprobs", "" },
	{ ASK_COMPLETION, PROMPT(",\"logprobs\":true"), ERR_TYPE, "logprobs", "" },
	{ ASK_COMPLETION, PROMPT(",\"best_of\":21"), ERR_INT_HIGH, "best_of", "" },
	{ ASK_COMPLETION, PROMPT(",\"best_of\":2,\"n\":3"), ERR_VALUE, "best_of", "" },
	{ ASK_COMPLETION, PROMPT(",\"best_of\":2,\"stream\":true"), ERR_VALUE, "best_of", "" },
	{ ASK_COMPLETION, PROMPT(",\"temperature\":3"), ERR_NUM_HIGH, "temperature", "" },
	{ ASK_EMBEDDING, INPUT(""), ERR_MISSING, "input", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":[]"), ERR_EMPTY_ARRAY, "input", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":\"\""), ERR_STRING_SHORT, "input", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":[\"a\",1,null]"), ERR_TYPE, "input[1]", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":[null]"), ERR_TYPE, "input[0]", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":[1.5]"), ERR_TYPE, "input[0]", "one of a string, integer or array of integers, but got a decimal" },
	{ ASK_EMBEDDING, INPUT(",\"input\":\"a\",\"dimensions\":0"), ERR_INT_LOW, "dimensions", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":\"a\",\"encoding_format\":\"hex\""), ERR_VALUE, "encoding_format", "" },
	{ ASK_EMBEDDING, INPUT(",\"input\":{}"), ERR_TYPE, "input", "" },
	/* clang-format on */
};

static void bad_parameters_are_refused(void **state)
{
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%s", refused[i].body);
		ROW_INT(read_ask(&a, refused[i].kind, refused[i].body, &arena,
				 &e),
			-1);
		ROW_STR(err_info(e.code)->name,
			err_info(refused[i].code)->name);
		ROW_STR(e.param, refused[i].param);
		if (!strstr(e.msg, refused[i].says))
			ROW_STR(e.msg, refused[i].says);
	}
	arena_release(&arena);
	rows_done();
}

static const struct {
	enum ask_kind kind;
	const char *body;
} passed[] = {
	/* clang-format off */
	{ ASK_CHAT, CHAT("") },
	{ ASK_CHAT, IMAGE("https://example.com/a.png?b=c#d") },
	{ ASK_CHAT, IMAGE("HTTPS://example.com:8443") },
	{ ASK_CHAT, IMAGE("https:\\/\\/example.com\\/a") },
	{ ASK_CHAT, IMAGE("http://93.184.216.34/x") },
	{ ASK_CHAT, IMAGE("https://local.example.com/notlocal") },
	{ ASK_CHAT, IMAGE("data:image/png;base64,AAAA") },
	{ ASK_CHAT, IMAGE("data:image\\/png;base64,AAAA") },
	{ ASK_CHAT, CHAT(",\"unknown\":[{\"x\":1}],\"top_k\":\"any\"") },
	{ ASK_CHAT, CHAT(",\"max_tokens\":null,\"temperature\":null,\"n\":null,\"stop\":null,\"stream\":null,\"stream_options\":null,\"tools\":null") },
	{ ASK_CHAT, CHAT(",\"max_tokens\":1e2") },
	{ ASK_CHAT, CHAT(",\"max_tokens\":2147483647") },
	{ ASK_CHAT, CHAT(",\"temperature\":2,\"top_p\":0,\"presence_penalty\":-2.0,\"frequency_penalty\":2e0,\"n\":128,\"seed\":-9223372036854775808") },
	{ ASK_CHAT, CHAT(",\"logprobs\":true,\"top_logprobs\":20") },
	{ ASK_CHAT, CHAT(",\"stop\":\"x\"") },
	{ ASK_CHAT, CHAT(",\"stop\":[\"a\",\"b\",\"c\",\"d\"]") },
	{ ASK_CHAT, CHAT(",\"user\":\"a\\n[error] fake\\u001b[2J\"") },
	{ ASK_CHAT, CHAT(",\"logit_bias\":{\"1\":100,\"2\":-100}") },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"builtin_function\",\"function\":{\"name\":\"$web_search\"}}]") },
	{ ASK_CHAT, CHAT(",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"x\"}}],\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"x\"}}") },
	{ ASK_CHAT, CHAT(",\"metadata\":{\"a\":\"b\"}") },
	{ ASK_CHAT, CHAT(",\"stream\":true,\"stream_options\":{}") },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]") },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"user\",\"content\":\"\"}]") },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}]") },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":null}]") },
	{ ASK_CHAT, MESSAGES("[{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"},{\"type\":\"text\",\"text\":\"t\"}]}]") },
	{ ASK_CHAT, "{\"mod\\u0065l\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\/\\u4f60\"}]}" },
	{ ASK_COMPLETION, "{\"model\":\"m\"}" },
	{ ASK_COMPLETION, PROMPT(",\"max_tokens\":0,\"echo\":true,\"logprobs\":5,\"suffix\":null") },
	{ ASK_COMPLETION, PROMPT(",\"best_of\":3,\"n\":3") },
	{ ASK_EMBEDDING, INPUT(",\"input\":[[1,2],[3]]") },
	{ ASK_EMBEDDING, INPUT(",\"input\":\"x\",\"encoding_format\":null,\"dimensions\":256,\"temperature\":\"unknown here\"") },
	/* clang-format on */
};

static void good_parameters_pass(void **state)
{
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(passed); i++) {
		row("%s", passed[i].body);
		ROW_INT(read_ask(&a, passed[i].kind, passed[i].body, &arena,
				 &e),
			0);
		ROW_STR(e.msg, "");
	}
	arena_release(&arena);
	rows_done();
}

static void long_lists_are_refused(void **state)
{
	static const struct {
		enum ask_kind kind;
		const char *before, *item;
		int n;
		enum err_code code;
		const char *param;
	} lists[] = {
		{ ASK_CHAT, CHAT(",\"functions\":["), "{\"name\":\"f\"}", 128,
		  ERR_NONE, "" },
		{ ASK_CHAT, CHAT(",\"functions\":["), "{\"name\":\"f\"}", 129,
		  ERR_ARRAY_LONG, "functions" },
		{ ASK_CHAT, CHAT(",\"tools\":["),
		  "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", 129,
		  ERR_ARRAY_LONG, "tools" },
		{ ASK_EMBEDDING, INPUT(",\"input\":["), "\"x\"", 2048, ERR_NONE,
		  "" },
		{ ASK_EMBEDDING, INPUT(",\"input\":["), "\"x\"", 2049,
		  ERR_ARRAY_LONG, "input" },
		{ ASK_CHAT, CHAT(",\"x\":["), "1", 20000, ERR_JSON_COMPLEX,
		  "" },
	};
	struct arena arena;
	struct ask a;
	struct buf b;
	struct err e;

	(void)state;
	arena_init(&arena);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < COUNT(lists); i++) {
		row("%d of %s", lists[i].n, lists[i].item);
		buf_clear(&b);
		buf_add(&b, lists[i].before, strlen(lists[i].before) - 1);
		for (int k = 0; k < lists[i].n; k++)
			buf_printf(&b, "%s%s", k ? "," : "", lists[i].item);
		buf_str(&b, "]}");
		read_ask(&a, lists[i].kind, b.p, &arena, &e);
		ROW_INT(e.code, lists[i].code);
		ROW_STR(e.param, lists[i].param);
	}
	buf_clear(&b);
	row("a number of 1 MiB");
	buf_str(&b, "{\"model\":\"m\",\"messages\":[],\"seed\":");
	for (int k = 0; k < 1000000; k++)
		buf_char(&b, '1');
	buf_char(&b, '}');
	read_ask(&a, ASK_CHAT, b.p, &arena, &e);
	ROW_INT(e.code, ERR_JSON);
	ROW_STR(e.param, "");
	buf_release(&b);
	arena_release(&arena);
	rows_done();
}

static void it_reads_what_pricing_needs(void **state)
{
	static const char body[] =
		"{\"model\":\"gpt-\\u0034\",\"stream\":true,"
		"\"stream_options\":{\"include_usage\":true},"
		"\"max_tokens\":50,\"max_completion_tokens\":40,\"n\":3,"
		"\"user\":\"me\",\"messages\":["
		"{\"role\":\"system\",\"content\":\"caf\\u00e9\"},"
		"{\"role\":\"user\",\"content\":["
		"{\"type\":\"text\",\"text\":\"abc\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":"
		"\"data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAA\"}},"
		"{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
		"\"format\":\"wav\"}},"
		"{\"type\":\"file\",\"file\":{\"file_data\":\"AAAA\"}}]}],"
		"\"tools\":[{\"type\":\"x\"}],"
		"\"response_format\":{\"type\":\"json_object\"}}";
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	row("chat");
	ROW_INT(read_ask(&a, ASK_CHAT, body, &arena, &e), 0);
	ROW_TRUE(str_eq(a.model, "gpt-4"));
	ROW_TRUE(!strncmp(body + a.model_at.from, "\"gpt-\\u0034\",", 13));
	ROW_TRUE(a.stream && a.include_usage && a.has_tools && !a.functions);
	ROW_INT(a.max_tokens, 50);
	ROW_INT(a.max_completion, 40);
	ROW_INT(a.max_tok, 40);
	ROW_INT(a.n, 3);
	ROW_TRUE(str_eq(a.user, "me"));
	ROW_INT(a.n_messages, 2);
	ROW_INT(a.n_images, 1);
	ROW_INT(a.n_audio, 1);
	ROW_INT(a.n_files, 1);
	ROW_INT(a.format, ASK_FORMAT_OBJECT);
	ROW_INT(a.text_bytes, 5 + 3 + strlen("[{\"type\":\"x\"}]") +
				      strlen("{\"type\":\"json_object\"}"));
	row("nothing said");
	ROW_INT(read_ask(&a, ASK_CHAT, CHAT(""), &arena, &e), 0);
	ROW_INT(a.max_tok, -1);
	ROW_INT(a.n, 1);
	ROW_TRUE(!a.user.p && !a.user_at.given && !a.stream);
	arena_release(&arena);
	rows_done();
}

static void it_counts_inputs(void **state)
{
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	row("inputs");
	read_ask(&a, ASK_EMBEDDING, INPUT(",\"input\":[[1,2],[3]]"), &arena,
		 &e);
	ROW_INT(a.n_inputs, 2);
	ROW_INT(a.text_bytes, 12);
	read_ask(&a, ASK_EMBEDDING,
		 INPUT(",\"input\":[1,2,3],\"encoding_format\":\"base64\""),
		 &arena, &e);
	ROW_INT(a.n_inputs, 1);
	ROW_INT(a.text_bytes, 12);
	ROW_TRUE(a.base64);
	read_ask(&a, ASK_COMPLETION,
		 "{\"model\":\"m\",\"prompt\":[\"ab\",\"c\"],\"suffix\":\"d\"}",
		 &arena, &e);
	ROW_INT(a.n_inputs, 2);
	ROW_INT(a.text_bytes, 4);
	arena_release(&arena);
	rows_done();
}

/* --- edits ---------------------------------------------------------------- */

#define M "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define USAGE                                        \
	{                                            \
		.force_usage = true, .limit_tok = -1 \
	}
#define DROP                                                             \
	{                                                                \
		.drop_usage = true, .force_usage = true, .limit_tok = -1 \
	}
#define LIMIT(name, tok)                              \
	{                                             \
		.limit_param = name, .limit_tok = tok \
	}

static const struct {
	const char *body;
	struct ask_change change;
	const char *want;
} edited[] = {
	/* clang-format off */
	{ "{\"model\":\"m\"," M "}", { .limit_tok = -1 }, "{\"model\":\"m\"," M "}" },
	{ "{\"model\":\"m\"," M "}", { .model = "m", .limit_tok = -1 }, "{\"model\":\"m\"," M "}" },
	{ "{\"mod\\u0065l\": \"m\"," M "}", { .model = "a\"b", .limit_tok = -1 }, "{\"mod\\u0065l\": \"a\\\"b\"," M "}" },
	/* usage */
	{ "{\"model\":\"m\"," M "}", USAGE, "{\"model\":\"m\"," M "}" },
	{ " {\"model\":\"m\",\"stream\":true," M "}", USAGE, " {\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":null," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{ }," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true }," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"x\":1}," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true,\"x\":1}," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":false}," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":null}," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}", USAGE, "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}" },
	{ "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," M "}", DROP, "{\"model\":\"m\",\"stream\":true," M "}" },
	{ "{\"stream_options\":null,\"model\":\"m\"," M "}", DROP, "{\"model\":\"m\"," M "}" },
	/* limits */
	{ "{\"model\":\"m\"," M "}", LIMIT("max_tokens", 9), "{\"max_tokens\":9,\"model\":\"m\"," M "}" },
	{ "{\"model\":\"m\",\"max_tokens\":null," M "}", LIMIT("max_tokens", 9), "{\"model\":\"m\",\"max_tokens\":9," M "}" },
	{ "{\"model\":\"m\",\"max_tokens\":8," M "}", LIMIT("max_tokens", 9), "{\"model\":\"m\",\"max_tokens\":8," M "}" },
	{ "{\"model\":\"m\",\"max_tokens\":1e2," M "}", LIMIT("max_tokens", 9), "{\"model\":\"m\",\"max_tokens\":9," M "}" },
	{ "{\"model\":\"m\",\"max_tokens\":10," M "}", LIMIT("max_completion_tokens", 9), "{\"model\":\"m\",\"max_tokens\":9," M "}" },
	{ "{\"model\":\"m\"," M ",\"max_completion_tokens\":10,\"max_tokens\":8}", LIMIT("max_tokens", 9), "{\"model\":\"m\"," M ",\"max_completion_tokens\":9,\"max_tokens\":8}" },
	/* all at once */
	{ "{\"stream_options\":{},\"model\":\"m\",\"stream\":true," M "}", { .model = "n", .drop_usage = true, .limit_param = "max_tokens", .limit_tok = 5 }, "{\"max_tokens\":5,\"model\":\"n\",\"stream\":true," M "}" },
	{ "{\"model\":\"m\",\"stream\":true," M "}", { .model = "n", .force_usage = true, .limit_param = "max_tokens", .limit_tok = 5 }, "{\"stream_options\":{\"include_usage\":true},\"max_tokens\":5,\"model\":\"n\",\"stream\":true," M "}" },
	/* clang-format on */
};

static void a_body_is_edited_for_an_upstream(void **state)
{
	struct splice_edit edits[ASK_EDITS];
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(edited); i++) {
		struct json_object *tree;
		struct rope rope;
		char *got;
		int n;

		row("%s", edited[i].body);
		ROW_INT(read_ask(&a, ASK_CHAT, edited[i].body, &arena, &e), 0);
		n = ask_edits(&a, &edited[i].change, &arena, edits);
		rope = splice_apply(a.body, edits, n, &arena);
		got = arena_dup(&arena, rope_flatten(&rope, &arena));
		ROW_STR(got, edited[i].want);
		tree = js_parse(got, strlen(got), &e);
		ROW_TRUE(tree != NULL);
		js_free(tree);
	}
	row("a completion's limit is 16 where none is named");
	read_ask(&a, ASK_COMPLETION, "{\"model\":\"m\"}", &arena, &e);
	ROW_INT(ask_edits(&a, &(struct ask_change)LIMIT("max_tokens", 900),
			  &arena, edits),
		1);
	ROW_TRUE(str_eq(edits[0].with, "\"max_tokens\":16,"));
	row("and has one name only");
	ROW_INT(ask_edits(&a,
			  &(struct ask_change)LIMIT("max_completion_tokens", 9),
			  &arena, edits),
		1);
	ROW_TRUE(str_eq(edits[0].with, "\"max_tokens\":9,"));
	arena_release(&arena);
	rows_done();
}

#define SET(n, v)                            \
	{                                    \
		.name = (n), .value = STR(v) \
	}
#define OUT(n)              \
	{                   \
		.name = (n) \
	}
#define USER "{\"role\":\"user\",\"content\":\"hi\"}"

static const struct {
	const char *body;
	struct ask_override o[3];
	const char *system, *want;
} overridden[] = {
	/* clang-format off */
	{ "{\"model\":\"m\",\"messages\":[" USER "]}", { SET("temperature", "0.1") }, "",
	  "{\"temperature\":0.1,\"model\":\"m\",\"messages\":[" USER "]}" },
	{ "{\"temperature\":2 ,\"model\":\"m\",\"messages\":[" USER "]}", { SET("temperature", "0.1") }, "",
	  "{\"temperature\":0.1 ,\"model\":\"m\",\"messages\":[" USER "]}" },
	{ "{\"temper\\u0061ture\":2,\"model\":\"m\",\"messages\":[" USER "]}", { OUT("temperature") }, "",
	  "{\"model\":\"m\",\"messages\":[" USER "]}" },
	{ "{\"a\":{\"b\":[1,\"}\\\"\"]}, \"model\":\"m\",\"messages\":[" USER "],\"b\":null}", { OUT("b"), OUT("a"), SET("c", "[1]") }, "",
	  "{\"c\":[1],\"model\":\"m\",\"messages\":[" USER "]}" },
	{ "{\"stream_options\":{},\"a\":1,\"model\":\"m\",\"stream\":true,\"messages\":[" USER "]}", { OUT("a") }, "",
	  "{\"model\":\"m\",\"stream\":true,\"messages\":[" USER "]}" },
	{ "{\"model\":\"m\",\"messages\":[" USER "]}", { OUT("a") }, "Be \"kind\".",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"kind\\\".\"}," USER "]}" },
	{ "{\"model\":\"m\",\"messages\":[{\"content\":\"Own\",\"role\":\"system\"}," USER "]}", { OUT("a") }, "Be kind.",
	  "{\"model\":\"m\",\"messages\":[{\"content\":\"Be kind.\\n\\nOwn\",\"role\":\"system\"}," USER "]}" },
	{ "{\"model\":\"m\",\"messages\":[ {\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"Own\"}]}," USER "]}", { OUT("a") }, "Be kind.",
	  "{\"model\":\"m\",\"messages\":[ {\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"Be kind.\"},{\"type\":\"text\",\"text\":\"Own\"}]}," USER "]}" },
	{ "{\"model\":\"m\",\"messages\":[" USER ",{\"role\":\"system\",\"content\":\"later\"}]}", { OUT("a") }, "Be kind.",
	  "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"}," USER ",{\"role\":\"system\",\"content\":\"later\"}]}" },
	/* clang-format on */
};

static void a_channel_overrides_members(void **state)
{
	struct splice_edit edits[ASK_EDITS + 3];
	struct ask_override o[3];
	struct arena arena;
	struct ask a;
	struct err e;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < COUNT(overridden); i++) {
		struct ask_change c = { .limit_tok = -1,
					.drop_usage = true,
					.overrides = o,
					.system = overridden[i].system };
		struct json_object *tree;
		struct rope rope;
		char *got;

		row("%s", overridden[i].body);
		memcpy(o, overridden[i].o, sizeof(o));
		while (c.n_overrides < 3 && o[c.n_overrides].name)
			c.n_overrides++;
		ROW_INT(read_ask(&a, ASK_CHAT, overridden[i].body, &arena, &e),
			0);
		ask_find(&a, o, c.n_overrides);
		rope = splice_apply(a.body, edits,
				    ask_edits(&a, &c, &arena, edits), &arena);
		got = arena_dup(&arena, rope_flatten(&rope, &arena));
		ROW_STR(got, overridden[i].want);
		tree = js_parse(got, strlen(got), &e);
		ROW_TRUE(tree != NULL);
		js_free(tree);
	}
	row("what is the gateway's");
	ROW_TRUE(ask_protected("stream"));
	ROW_TRUE(ask_protected("max_tokens"));
	ROW_TRUE(!ask_protected("temperature"));
	arena_release(&arena);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_overrides_members),
		cmocka_unit_test(bad_parameters_are_refused),
		cmocka_unit_test(good_parameters_pass),
		cmocka_unit_test(long_lists_are_refused),
		cmocka_unit_test(it_reads_what_pricing_needs),
		cmocka_unit_test(it_counts_inputs),
		cmocka_unit_test(a_body_is_edited_for_an_upstream),
	};

	return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
