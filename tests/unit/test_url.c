/* test_url.c - lib/http/url: base URLs, read strictly. */
#include "http/url.h"

#include "rows.h"

static const struct {
	const char *in, *origin, *path; /* NULL: refused */
	const char *said;               /* then: words of the message */
} cases[] = {
	/* clang-format off */
	{ "https://api.openai.com/v1", "https://api.openai.com:443", "/v1", NULL },
	{ "http://api.example.com", "http://api.example.com:80", "", NULL },
	{ "HTTPS://API.Example.COM/V1/", "https://api.example.com:443", "/V1/", NULL },
	{ "https://h:8443/a/b%20c", "https://h:8443", "/a/b%20c", NULL },
	{ "http://ollama_1:11434", "http://ollama_1:11434", "", NULL },
	{ "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000", "/v1", NULL },
	{ "http://[::1]:8000/v1", "http://[::1]:8000", "/v1", NULL },
	{ "http://[2001:DB8:0:0::1]", "http://[2001:db8::1]:80", "", NULL },
	{ "http://[::ffff:10.0.0.1]/", "http://10.0.0.1:80", "/", NULL },
	{ "https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example:443", "/v1", NULL },
	{ "https://a.b/x:y@z/v1", "https://a.b:443", "/x:y@z/v1", NULL },
	{ "https://a.b/.../v1", "https://a.b:443", "/.../v1", NULL },
	{ "https://1and1.com/v1", "https://1and1.com:443", "/v1", NULL },
	{ "https://0xff.com", "https://0xff.com:443", "", NULL },

	{ "", NULL, NULL, "begins with https" },
	{ "api.openai.com", NULL, NULL, "begins with https" },
	{ "//api.openai.com", NULL, NULL, "begins with https" },
	{ "ftp://a.b", NULL, NULL, "begins with https" },
	{ "file:///etc/passwd", NULL, NULL, "begins with https" },
	{ "https:/a.b", NULL, NULL, "begins with https" },
	{ "javascript:alert(1)", NULL, NULL, "begins with https" },
	{ "https://", NULL, NULL, "no host" },
	{ "https:///v1", NULL, NULL, "no host" },
	{ "https://:443/", NULL, NULL, "no host" },
	{ "https://u:p@a.b/v1", NULL, NULL, "user or password" },
	{ "https://a.b@c.d/v1", NULL, NULL, "user or password" },
	{ "https://@a.b", NULL, NULL, "user or password" },
	{ "https://a.b/v1#x", NULL, NULL, "no '?'" },
	{ "https://a.b#@c.d/", NULL, NULL, "no '?'" },
	{ "https://a.b/v1?x=1", NULL, NULL, "no '?'" },
	{ "https://a.b?x", NULL, NULL, "no '?'" },
	{ " https://a.b", NULL, NULL, "spaces" },
	{ "https://a.b ", NULL, NULL, "spaces" },
	{ "https://a b/", NULL, NULL, "spaces" },
	{ "https://a.b/v1\r\nX: 1", NULL, NULL, "spaces" },
	{ "https://a.b/\t", NULL, NULL, "spaces" },
	{ "https://b\xc3\xbc" "cher.example", NULL, NULL, "ASCII" },
	{ "https://\xef\xbc\x91\xef\xbc\x92.com", NULL, NULL, "ASCII" },
	{ "https://a.b/\x7f", NULL, NULL, "control" },
	{ "https://a.b\\c.d/", NULL, NULL, "may hold" },
	{ "https://a.b/x\\y", NULL, NULL, "%5C" },
	{ "https://a.b/<x>", NULL, NULL, "%3C" },
	{ "https://a%2eb/", NULL, NULL, "may hold" },
	{ "https://a..b/", NULL, NULL, "must be a name" },
	{ "https://.a/", NULL, NULL, "must be a name" },
	{ "https://a.b./", NULL, NULL, "must be a name" },
	{ "https://-a.b/", NULL, NULL, "must be a name" },
	{ "https://a,b/", NULL, NULL, "may hold" },
	{ "https://a.b/../x", NULL, NULL, ".." },
	{ "https://a.b/x/..", NULL, NULL, ".." },
	{ "https://a.b/./x", NULL, NULL, ".." },
	{ "https://a.b/%2E./x", NULL, NULL, ".." },
	{ "https://a.b/.%2e", NULL, NULL, ".." },
	{ "https://a.b:/", NULL, NULL, "port" },
	{ "https://a.b:0/", NULL, NULL, "port" },
	{ "https://a.b:080/", NULL, NULL, "port" },
	{ "https://a.b:65536/", NULL, NULL, "port" },
	{ "https://a.b:-1/", NULL, NULL, "port" },
	{ "https://a.b:8a/", NULL, NULL, "port" },
	{ "https://a.b:80:80/", NULL, NULL, "port" },
	{ "http://2130706433/", NULL, NULL, "four decimal" },
	{ "http://0x7f.1/", NULL, NULL, "four decimal" },
	{ "http://0x7F000001", NULL, NULL, "four decimal" },
	{ "http://017700000001/", NULL, NULL, "four decimal" },
	{ "http://0177.0.0.1/", NULL, NULL, "four decimal" },
	{ "http://127.1/", NULL, NULL, "four decimal" },
	{ "http://127.0.0.1./", NULL, NULL, "must be a name" },
	{ "http://1.2.3.256/", NULL, NULL, "four decimal" },
	{ "http://a.1/", NULL, NULL, "four decimal" },
	{ "http://0x/", NULL, NULL, "four decimal" },
	{ "http://[127.0.0.1]/", NULL, NULL, "IPv6" },
	{ "http://[fe80::1%25eth0]/", NULL, NULL, "IPv6" },
	{ "http://[::1/", NULL, NULL, "without a ']'" },
	{ "http://[]/", NULL, NULL, "IPv6" },
	{ "http://[::1]x/", NULL, NULL, "only a port" },
	{ "http://[::1]:/", NULL, NULL, "port" },
	{ "http://::1/", NULL, NULL, "no host" },
	/* clang-format on */
};

static void refused_with(const struct err *e, const char *said)
{
	ROW_INT(e->code, ERR_VALUE);
	if (!said || !strstr(e->msg, said))
		ROW_STR(e->msg, said);
}

static void base_urls_are_read_strictly(void **state)
{
	char origin[URL_ORIGIN];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct url u;
		int r = url_parse(&u, str_of(cases[i].in), &e);

		row("%s", cases[i].in);
		ROW_INT(r, cases[i].origin ? 0 : -1);
		if (r) {
			refused_with(&e, cases[i].said);
			continue;
		}
		ROW_STR(url_origin(&u, origin), cases[i].origin);
		ROW_TRUE(str_eq(u.path, cases[i].path));
	}
	rows_done();
}

static void what_is_long_is_refused(void **state)
{
	struct err e = { 0 };
	struct url u;
	char s[3000] = "https://a.b/";

	(void)state;
	memset(s + 12, 'a', sizeof(s) - 12);
	assert_int_equal(url_parse(&u, (struct str){ s, URL_MAX }, &e), 0);
	assert_int_equal(url_parse(&u, (struct str){ s, URL_MAX + 1 }, &e), -1);
	err_clear(&e);
	memset(s + 8, 'a', 300);
	assert_int_equal(url_parse(&u, (struct str){ s, 8 + 63 }, &e), 0);
	assert_int_equal(url_parse(&u, (struct str){ s, 8 + 64 }, &e), -1);
	err_clear(&e);
	for (size_t i = 8; i < 300; i += 2)
		s[i] = '.';
	for (size_t i = 9; i < 300; i += 2)
		s[i] = 'b';
	assert_int_equal(url_parse(&u, (struct str){ s, 300 }, &e), -1);
	assert_non_null(strstr(e.msg, "longer than 253"));
}

static const struct {
	const char *base, *path, *want;
} joins[] = {
	{ "https://a/v1", "/chat", "https://a/v1/chat" },
	{ "https://a/v1/", "/chat", "https://a/v1/chat" },
	{ "https://a/v1", "chat", "https://a/v1/chat" },
	{ "https://a/v1//", "//chat/x", "https://a/v1/chat/x" },
	{ "https://a", "/v1", "https://a/v1" },
	{ "https://a/", "", "https://a" },
	{ "https://a/v1", "/", "https://a/v1" },
};

static void one_slash_joins(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(joins); i++) {
		struct buf b;

		row("%s and %s", joins[i].base, joins[i].path);
		buf_init(&b, 100);
		url_join(&b, str_of(joins[i].base), str_of(joins[i].path));
		ROW_STR(b.p, joins[i].want);
		buf_release(&b);
	}
	rows_done();
}

static const struct {
	const char *in;
	bool literal, local;
} hosts[] = {
	{ "http://127.0.0.1", true, true },
	{ "http://8.8.8.8", true, false },
	{ "http://[::1]", true, true },
	{ "http://[::ffff:127.0.0.1]", true, true },
	{ "http://[2606:4700::1]", true, false },
	{ "http://169.254.169.254/latest", true, true },
	{ "http://localhost:11434", false, true },
	{ "http://LOCALHOST", false, true },
	{ "http://localhost.example.com", false, false },
	{ "http://ollama:11434", false, false },
	{ "https://api.openai.com", false, false },
};

static void local_hosts_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct err e = { 0 };
		struct url u;

		row("%s", hosts[i].in);
		ROW_INT(url_parse(&u, str_of(hosts[i].in), &e), 0);
		ROW_INT(url_is_literal(&u), hosts[i].literal);
		ROW_INT(url_is_local_literal(&u), hosts[i].local);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_urls_are_read_strictly),
		cmocka_unit_test(what_is_long_is_refused),
		cmocka_unit_test(one_slash_joins),
		cmocka_unit_test(local_hosts_are_known),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
