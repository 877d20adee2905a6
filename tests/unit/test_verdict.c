/* test_verdict.c - whose fault it is, in the words of many providers. */
#include "rows.h"

#include "dialect/verdict.h"

static const struct {
	const char *label;
	int status;
	const char *body;
	enum err_code code;
	int client;
	const char *asked;
} said[] = {
	/* clang-format off */
	{ "OpenAI, no credit", 429, "{\"error\":{\"message\":\"You exceeded your current quota.\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}", ERR_UP_CREDIT, 0, NULL },
	{ "OpenAI, rate", 429, "{\"error\":{\"message\":\"Request too large for gpt-4: the input tokens must be reduced\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", ERR_UP_RATE, 0, NULL },
	{ "OpenAI, context", 400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens.\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}", ERR_UP_REQUEST, 400, "context_length_exceeded" },
	{ "Anthropic, context", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 200001 tokens > 200000 maximum\"}}", ERR_UP_REQUEST, 400, "context_length_exceeded" },
	{ "Anthropic, credit", 400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low to access the Anthropic API.\"}}", ERR_UP_CREDIT, 0, NULL },
	{ "Anthropic, overloaded", 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", ERR_UP_STATUS, 0, NULL },
	{ "Anthropic, overloaded in a stream", 200, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", ERR_UP_STATUS, 0, NULL },
	{ "Anthropic, closed", 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"This organization has been disabled.\"}}", ERR_UP_AUTH, 0, NULL },
	{ "Google, key", 400, "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\",\"status\":\"INVALID_ARGUMENT\"}}]", ERR_UP_AUTH, 0, NULL },
	{ "Google, rate in a stream", 200, "[{\"error\":{\"code\":429,\"message\":\"Quota exceeded\",\"status\":\"RESOURCE_EXHAUSTED\"}}]", ERR_UP_RATE, 0, NULL },
	{ "Azure, filter", 400, "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\",\"code\":\"content_filter\"}}", ERR_UP_REQUEST, 400, "content_filter" },
	{ "Ali, filter", 400, "{\"error\":{\"message\":\"Input data may contain inappropriate content.\",\"code\":\"data_inspection_failed\"}}", ERR_UP_REQUEST, 400, "content_filter" },
	{ "Ali, debts", 400, "{\"code\":\"Arrearage\",\"message\":\"Access denied, please make sure your account is in good standing.\"}", ERR_UP_CREDIT, 0, NULL },
	{ "OpenRouter, filter", 403, "{\"error\":{\"message\":\"Your input was flagged\",\"code\":403}}", ERR_UP_REQUEST, 400, "content_filter" },
	{ "DeepSeek, credit", 402, "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\"}}", ERR_UP_CREDIT, 0, NULL },
	{ "Moonshot, credit", 429, "{\"error\":{\"message\":\"Your account is suspended\",\"type\":\"exceeded_current_quota_error\"}}", ERR_UP_CREDIT, 0, NULL },
	{ "vLLM, context as 500", 500, "{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens\"}}", ERR_UP_REQUEST, 400, "context_length_exceeded" },
	{ "a bad value", 400, "{\"error\":{\"message\":\"Invalid value\",\"type\":\"invalid_request_error\",\"code\":\"invalid_value\"}}", ERR_UP_REQUEST, 400, NULL },
	{ "the same inside a 200", 200, "{\"error\":{\"message\":\"Invalid value\",\"type\":\"invalid_request_error\"}}", ERR_UP_REQUEST, 400, NULL },
	{ "422", 422, "{\"detail\":[{\"msg\":\"field required\"}]}", ERR_UP_REQUEST, 422, NULL },
	{ "413 with a page", 413, "<html>too large</html>", ERR_UP_REQUEST, 413, NULL },
	{ "no such model, as 400", 400, "{\"error\":{\"message\":\"no\",\"code\":\"model_not_found\"}}", ERR_UP_STATUS, 0, NULL },
	{ "404", 404, "", ERR_UP_STATUS, 0, NULL },
	{ "401", 401, "{\"error\":{\"message\":\"no\"}}", ERR_UP_AUTH, 0, NULL },
	{ "429 of nobody", 429, "", ERR_UP_RATE, 0, NULL },
	{ "500", 500, "", ERR_UP_STATUS, 0, NULL },
	{ "504", 504, "", ERR_UP_TIMEOUT, 0, NULL },
	{ "an error without words in a 200", 200, "{\"error\":{\"message\":\"x\"}}", ERR_UP_STATUS, 0, NULL },
	{ "999", 999, "", ERR_UP_BROKEN, 0, NULL },
	{ "1", 1, "", ERR_UP_BROKEN, 0, NULL },
	/* clang-format on */
};

static void words_count_before_the_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(said); i++) {
		const char *body = said[i].body;
		struct listen_error e;
		struct verdict v;

		row("%s", said[i].label);
		listen_error_body(body, strlen(body),
				  said[i].status == 200 ? 0 : said[i].status,
				  &e);
		v = verdict_of(said[i].status, &e);
		ROW_STR(err_info(v.code)->name, err_info(said[i].code)->name);
		ROW_INT(v.status, said[i].client);
		ROW_STR(v.asked ? v.asked : "",
			said[i].asked ? said[i].asked : "");
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_count_before_the_status),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
