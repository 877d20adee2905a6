/* test_scrub.c - lib/dialect/scrub: what a caller may read of an upstream's
 * words. */
#include "dialect/scrub.h"

#include "rows.h"

static const struct {
	const char *label, *in, *want;
} cases[] = {
	{ "plain words stay", "The model is overloaded, try again later.",
	  "The model is overloaded, try again later." },
	{ "parameters stay",
	  "Unsupported value: 'messages[0].content' (see "
	  "response_format.json_schema)",
	  "Unsupported value: "
	  "'messages[0].content' (see response_format.json_schema)" },
	{ "model names stay",
	  "claude-3-5-sonnet-20241022 or "
	  "meta-llama/Llama-3.3-70B-Instruct-Turbo or gpt-4.1",
	  "claude-3-5-sonnet-20241022 or "
	  "meta-llama/Llama-3.3-70B-Instruct-Turbo or gpt-4.1" },
	{ "numbers stay", "max_tokens: 4096, e.g. at 12:34:56",
	  "max_tokens: 4096, e.g. at 12:34:56" },
	{ "other letters stay", "模型不存在 – é", "模型不存在 – é" },
	{ "code stays", "std::bad_alloc in a::b",
	  "std::bad_alloc in [address]" },

	{ "a masked key", "Incorrect API key provided: sk-ab***yz. Go.",
	  "Incorrect API key provided: [key]. Go." },
	{ "a key", "bad key sk-proj-abcDEF_123-x", "bad key [key]" },
	{ "a bearer", "got Bearer abc123", "got Bearer [key]" },
	{ "a bearer in a header", "Authorization: Bearer aBc",
	  "Authorization: Bearer [key]" },
	{ "key=value", "call?key=abc&x=1", "call?key=[key]&x=1" },
	{ "key in JSON", "{\"api_key\":\"abc\"}", "{\"api_key\":\"[key]\"}" },
	{ "key: value", "api-key: q1w2", "api-key: [key]" },
	{ "a word after key:", "Invalid API key: please check",
	  "Invalid API key: please check" },
	{ "an unknown kind of key", "provided: a1B2c3D4e5F6",
	  "provided: [key]" },
	{ "hex", "token 0123456789abcdef0123456789abcdef used",
	  "token [key] used" },
	{ "a UUID", "id 123e4567-e89b-12d3-a456-426614174000.", "id [key]." },
	{ "AWS", "AKIAIOSFODNN7EXAMPLE is not", "[key] is not" },
	{ "hidden by a zero width space", "s\xe2\x80\x8bk-abcdef", "[key]" },
	{ "hidden by a tag", "sk<b>-abcdefgh1234567890</b>", "sk [key]" },

	{ "a URL", "POST http://10.0.0.3:8000/x failed",
	  "POST [address] failed" },
	{ "a URL with a key", "(https://u:p@h/?key=k)", "([address]" },
	{ "an address", "connect to 10.0.0.3:8000: refused",
	  "connect to [address]: refused" },
	{ "version numbers", "needs 1.2.3 or 4.1", "needs 1.2.3 or 4.1" },
	{ "IPv6", "to ::1 or [fe80::1%eth0]:80", "to [address] or [address]" },
	{ "a host", "see platform.openai.com.", "see [address]." },
	{ "a host with a port", "dial tcp ollama:11434: refused",
	  "dial tcp [address]: refused" },
	{ "a service", "lookup llm on dns", "lookup llm on dns" },
	{ "a cluster's name", "vllm.default.svc.cluster.local is down",
	  "[address] is down" },
	{ "localhost", "on localhost", "on [address]" },
	{ "mail", "ask bob@example.com", "ask [address]" },
	{ "escaped", "next=http%3A%2F%2Fx", "[address]" },
	{ "a path", "File \"/home/bob/x.py\", line 3",
	  "File \"[path]\", line 3" },

	{ "a page", "<html><body>nginx</body></html>", "" },
	{ "a page with a doctype", " \n<!DOCTYPE html><p>x", "" },
	{ "tags", "a <script>alert(1)</script> b<br>c", "a alert(1) b c" },
	{ "an open tag", "a <img src=x onerror=y", "a" },
	{ "less than", "n < 3 and 4>2", "n 3 and 4 2" },
	{ "control bytes", "a\x1b[31mb\r\nc\td\x7f", "a [31mb c d" },
	{ "bidi",
	  "a\xe2\x80\xae"
	  "b\xe2\x81\xa6"
	  "c",
	  "abc" },
	{ "bad UTF-8", "a\xff\xc0\xaf\xe2\x82", "a" },
	{ "nothing", "", "" },
};

static void what_is_secret_goes(void **state)
{
	char out[SCRUB_SIZE];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		row("%s", cases[i].label);
		n = scrub_words(str_of(cases[i].in), out, sizeof(out));
		ROW_INT(n, strlen(out));
		ROW_STR(out, cases[i].want);
	}
	rows_done();
}

static void two_hundred_characters_are_enough(void **state)
{
	static const char euro[] = { '\xe2', '\x82', '\xac' };
	char in[3000], out[SCRUB_SIZE], small[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i += 3)
		memcpy(in + i, euro, sizeof(euro));
	n = scrub_words((struct str){ in, sizeof(in) }, out, sizeof(out));
	assert_int_equal(n, SCRUB_MAX * 3);
	n = scrub_words((struct str){ in, sizeof(in) }, small, sizeof(small));
	assert_int_equal(n, 6);
}

static void half_a_long_word_is_not_shown(void **state)
{
	static char in[9001] = "so: ";
	char out[SCRUB_SIZE];

	(void)state;
	memset(in + 4, 'x', sizeof(in) - 5);
	scrub_words(str_of(in), out, sizeof(out));
	assert_string_equal(out, "so:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_secret_goes),
		cmocka_unit_test(two_hundred_characters_are_enough),
		cmocka_unit_test(half_a_long_word_is_not_shown),
	};

	return cmocka_run_group_tests_name("scrub", tests, NULL, NULL);
}
