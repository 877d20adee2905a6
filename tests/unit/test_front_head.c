/* The head of a request, as FastCGI and CGI give it. */
#include "../../fcgi/front_head.h"

#include "rows.h"

static struct str none = { NULL, 0 };

static const struct {
	const char *label, *uri, *script, *want_uri, *want_path;
} addresses[] = {
	/* clang-format off */
	{ "as it is", "/v1/models", NULL, "/v1/models", "/v1/models" },
	{ "with a query", "/v1/models?a=/b", NULL, "/v1/models?a=/b", "/v1/models" },
	{ "a query alone", "?a", NULL, "?a", "" },
	{ "slashes too many", "///v1/models", NULL, "/v1/models", "/v1/models" },
	{ "slashes inside stay", "/v1//models", NULL, "/v1//models", "/v1//models" },
	{ "absolute form", "http://h.example:80/v1/x?y", NULL, "/v1/x?y", "/v1/x" },
	{ "absolute form, https", "https://h/v1", NULL, "/v1", "/v1" },
	{ "absolute form without a path", "http://h", NULL, "", "" },
	{ "absolute form and slashes", "http://h//v1", NULL, "/v1", "/v1" },
	{ "under a program's folder", "/p/v1/models", "/p/relay.cgi", "/v1/models", "/v1/models" },
	{ "under two folders", "/a/b/v1", "/a/b/relay.fcgi", "/v1", "/v1" },
	{ "a program in the root", "/v1/models", "/relay.cgi", "/v1/models", "/v1/models" },
	{ "another folder", "/q/v1", "/p/relay.cgi", "/q/v1", "/q/v1" },
	{ "a folder that begins alike", "/pp/v1", "/p/relay.cgi", "/pp/v1", "/pp/v1" },
	{ "no program: mod_proxy_fcgi", "/v1/models", "/v1/models", "/v1/models", "/v1/models" },
	{ "a program's name alone", "/v1", "cgi", "/v1", "/v1" },
	{ "nothing", "", NULL, "", "" },
	/* clang-format on */
};

static void the_address_is_what_the_client_meant(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		char uri[256], script[256], got[256];
		char *envp[3] = { uri, NULL, NULL };
		struct head h = { 0 };
		struct err e = { 0 };

		row("%s", addresses[i].label);
		snprintf(uri, sizeof(uri), "REQUEST_URI=%s", addresses[i].uri);
		if (addresses[i].script) {
			snprintf(script, sizeof(script), "SCRIPT_NAME=%s",
				 addresses[i].script);
			envp[1] = script;
		}
		ROW_INT(head_read(&h, envp, 65536, &e), 0);
		snprintf(got, sizeof(got), "%.*s", (int)h.uri.n, h.uri.p);
		ROW_STR(got, addresses[i].want_uri);
		snprintf(got, sizeof(got), "%.*s", (int)h.path.n, h.path.p);
		ROW_STR(got, addresses[i].want_path);
	}
	rows_done();
}

static const struct {
	const char *uri, *want;
} queries[] = {
	{ "/v1/usage?from=a&to=b", "from=a&to=b" },
	{ "/v1/usage?", "" },
	{ "/v1/usage", "" },
	{ "/v1/usage?a?b", "a?b" },
	{ "http://h/v1/usage?a=http://x", "a=http://x" },
};

static void the_query_is_what_stands_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		char uri[256], got[256];
		char *envp[] = { uri, NULL };
		struct head h = { 0 };
		struct err e = { 0 };

		row("%s", queries[i].uri);
		snprintf(uri, sizeof(uri), "REQUEST_URI=%s", queries[i].uri);
		ROW_INT(head_read(&h, envp, 65536, &e), 0);
		snprintf(got, sizeof(got), "%.*s", (int)h.query.n,
			 h.query.p ? h.query.p : "");
		ROW_STR(got, queries[i].want);
	}
	rows_done();
}

/* HTTP lets a list come in several headers. */
static void accept_may_come_in_parts(void **state)
{
	char *envp[] = { (char *)"HTTP_ACCEPT=text/plain",
			 (char *)"HTTP_ACCEPT=*/*", NULL };
	struct head h = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(head_read(&h, envp, 65536, &e), 0);
	assert_true(str_eq(h.accept, "text/plain"));
}

static void absent_and_empty_are_nothing(void **state)
{
	char *envp[] = { (char *)"CONTENT_TYPE=", (char *)"CONTENT_LENGTH=",
			 (char *)"NOT_A_PAIR", NULL };
	struct head h = { 0 };
	struct err e = { 0 };
	int64_t n;

	(void)state;
	row("empty");
	ROW_INT(head_read(&h, envp, 65536, &e), 0);
	ROW_TRUE(h.content_type.p == none.p);
	ROW_TRUE(h.uri.p == none.p);
	ROW_INT(head_length(&h, &n, &e), 0);
	ROW_INT(n, -1);
	rows_done();
}

static const struct {
	const char *label, *line, *again;
	int64_t max;
} refused[] = {
	{ "a header twice", "HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=b",
	  65536 },
	{ "too much", "HTTP_X=0123456789", "HTTP_Y=0123456789", 20 },
	{ "a length that is none", "CONTENT_LENGTH=12x", NULL, 65536 },
	{ "a negative length", "CONTENT_LENGTH=-1", NULL, 65536 },
};

static void what_two_readers_might_see_differently_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		char *envp[] = { (char *)refused[i].line,
				 (char *)refused[i].again, NULL };
		struct head h = { 0 };
		struct err e = { 0 };
		int64_t n;
		int r = head_read(&h, envp, refused[i].max, &e);

		row("%s", refused[i].label);
		if (!r)
			r = head_length(&h, &n, &e);
		ROW_INT(r, -1);
		ROW_INT(e.code, ERR_BAD_HTTP);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_is_what_the_client_meant),
		cmocka_unit_test(the_query_is_what_stands_behind),
		cmocka_unit_test(accept_may_come_in_parts),
		cmocka_unit_test(absent_and_empty_are_nothing),
		cmocka_unit_test(
			what_two_readers_might_see_differently_is_refused),
	};

	return cmocka_run_group_tests_name("front_head", tests, NULL, NULL);
}
