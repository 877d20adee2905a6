/* test_endpoint.c - addresses, as they are sent. */
#include "rows.h"

#include "relay/endpoint.h"

static const struct {
	const char *method, *path;
	const char *row; /* NULL: none */
	const char *name;
	enum err_code code;
} addresses[] = {
	{ "POST", "/v1/chat/completions", "chat", "", ERR_NONE },
	{ "POST", "/v1/completions", "completions", "", ERR_NONE },
	{ "POST", "/v1/embeddings", "embeddings", "", ERR_NONE },
	{ "GET", "/v1/models", "models", "", ERR_NONE },
	{ "GET", "/v1/models/m1", "model", "m1", ERR_NONE },
	{ "GET", "/v1/models/a/b:c.d-e", "model", "a/b:c.d-e", ERR_NONE },
	{ "GET", "/receipt/req_1", "receipt", "req_1", ERR_NONE },
	{ "GET", "/v1/receipt/req_1", "v1_receipt", "req_1", ERR_NONE },
	{ "GET", "/v1/usage", "usage", "", ERR_NONE },
	{ "GET", "/dashboard/billing/usage", "total", "", ERR_NONE },
	{ "GET", "/v1/dashboard/billing/usage", "v1_total", "", ERR_NONE },
	{ "GET", "/v1/dashboard/billing/credit_grants", "v1_credit", "",
	  ERR_NONE },
	{ "GET", "/receipt/", NULL, "", ERR_UNKNOWN_URL },
	{ "GET", "/receipt", NULL, "", ERR_UNKNOWN_URL },
	{ "GET", "/receipts/req_1", NULL, "", ERR_UNKNOWN_URL },
	{ "POST", "/receipt/req_1", NULL, "", ERR_METHOD },
	{ "POST", "/v1/usage", NULL, "", ERR_METHOD },
	/* escapes */
	{ "GET", "/v1/models/a%2Fb", "model", "a/b", ERR_NONE },
	{ "GET", "/v1/models/%6d1", "model", "m1", ERR_NONE },
	{ "GET", "/v1/models/a%3Ab", "model", "a:b", ERR_NONE },
	{ "GET", "/v1/models/a%20b", "model", "a b", ERR_NONE },
	{ "GET", "/v1%2Fmodels", "models", "", ERR_NONE },
	{ "GET", "/v1/models/%256d", "model", "%6d", ERR_NONE },
	{ "GET", "/v1/models/%", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%6", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%6g", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%\x16\x11", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%00", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%0a", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%7f", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%c3%a9", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/\xc3\xa9", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/a%5Cb", NULL, "", ERR_BAD_HTTP },
	/* two readers, two paths */
	{ "GET", "/v1/models/../admin", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%2e%2e/x", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/.%2e", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1//models", NULL, "", ERR_BAD_HTTP },
	{ "GET", "/v1/models/%2Fx", NULL, "", ERR_BAD_HTTP },
	{ "GET", "//v1/models", NULL, "", ERR_BAD_HTTP },
	/* a slash too many, a letter too few */
	{ "GET", "/v1/models/", NULL, "", ERR_UNKNOWN_URL },
	{ "POST", "/v1/chat/completions/", NULL, "", ERR_UNKNOWN_URL },
	{ "POST", "/v1/chat", NULL, "", ERR_UNKNOWN_URL },
	{ "POST", "/V1/chat/completions", NULL, "", ERR_UNKNOWN_URL },
	{ "POST", "/v1/chat/completionsx", NULL, "", ERR_UNKNOWN_URL },
	{ "GET", "/", NULL, "", ERR_UNKNOWN_URL },
	{ "GET", "", NULL, "", ERR_UNKNOWN_URL },
	/* methods */
	{ "GET", "/v1/chat/completions", NULL, "", ERR_METHOD },
	{ "POST", "/v1/models", NULL, "", ERR_METHOD },
	{ "DELETE", "/v1/models/m1", NULL, "", ERR_METHOD },
	{ "post", "/v1/chat/completions", NULL, "", ERR_METHOD },
	{ "", "/v1/chat/completions", NULL, "", ERR_METHOD },
};

static void an_address_finds_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct err e = { 0 };
		char name[64];
		const struct endpoint *got = endpoint_find(
			str_of(addresses[i].method), str_of(addresses[i].path),
			name, sizeof(name), &e);

		row("%s %s", addresses[i].method, addresses[i].path);
		ROW_STR(got ? got->name : "",
			addresses[i].row ? addresses[i].row : "");
		ROW_STR(name, addresses[i].name);
		ROW_INT(e.code, addresses[i].code);
	}
	rows_done();
}

static void a_long_address_is_refused(void **state)
{
	static const char before[] = "/v1/models/";
	char path[3000], name[16];
	struct err e = { 0 };

	(void)state;
	memset(path, 'a', sizeof(path));
	for (size_t i = 0; i < strlen(before); i++)
		path[i] = before[i];
	row("longer than any");
	ROW_TRUE(!endpoint_find(STR("GET"), (struct str){ path, sizeof(path) },
				name, sizeof(name), &e));
	ROW_INT(e.code, ERR_BAD_HTTP);

	row("a name that does not fit is not another name");
	err_clear(&e);
	ROW_TRUE(!endpoint_find(STR("GET"), (struct str){ path, 30 }, name,
				sizeof(name), &e));
	ROW_INT(e.code, ERR_BAD_HTTP);
	rows_done();
}

static void a_message_says_what_to_do(void **state)
{
	struct err e = { 0 };
	char name[16];

	(void)state;
	row("a method");
	(void)endpoint_find(STR("GET"), STR("/v1/chat/completions"), name,
			    sizeof(name), &e);
	ROW_STR(e.msg, "Not allowed to GET on /v1/chat/completions: use POST");
	err_clear(&e);
	row("an address");
	(void)endpoint_find(STR("GET"), STR("/v2"), name, sizeof(name), &e);
	ROW_STR(e.msg, "Invalid URL (GET /v2)");
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_finds_its_row),
		cmocka_unit_test(a_long_address_is_refused),
		cmocka_unit_test(a_message_says_what_to_do),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
