/* test_egress.c - lib/net/egress: what may be called is what was allowed. */
#include "net/egress.h"

#include "rows.h"

#include <arpa/inet.h>

static const struct {
	const char *allow, *base_url, *to;
	bool may;
} cases[] = {
	/* clang-format off */
	{ "", "https://api.example.com", "8.8.8.8", true },
	{ "", "https://api.example.com", "2606:4700::1", true },
	{ "", "https://api.example.com", "127.0.0.1", false },
	{ "", "https://api.example.com", "::1", false },
	{ "", "https://api.example.com", "10.0.0.1", false },
	{ "", "https://api.example.com", "::ffff:10.0.0.1", false },
	{ "", "https://api.example.com", "169.254.169.254", false },
	{ "", "https://api.example.com", "64:ff9b::7f00:1", false },
	{ "", NULL, "10.0.0.1", false },
	{ "10.0.0.0/8", "https://api.example.com", "10.0.0.1", true },
	{ "10.0.0.0/8", "https://api.example.com", "::ffff:10.0.0.1", true },
	{ "10.0.0.0/8", "https://api.example.com", "192.168.0.1", false },
	{ "10.0.0.0/8", "https://api.example.com", "8.8.8.8", true },
	{ "10.0.0.0/8, fd00::/8", NULL, "fd12::1", true },
	{ "0.0.0.0/0", NULL, "::1", false },
	{ "", "http://10.0.0.1:8000/v1", "10.0.0.1", true },
	{ "", "http://10.0.0.1:8000/v1", "10.0.0.2", false },
	{ "", "http://10.0.0.1:8000/v1", "127.0.0.1", false },
	{ "", "http://[::ffff:10.0.0.1]/", "10.0.0.1", true },
	{ "", "http://[fd00::1]/", "fd00::1", true },
	{ "", "http://[fd00::1]/", "fd00::2", false },
	{ "", "http://8.8.8.8/", "10.0.0.1", false },
	{ "", "http://localhost/", "127.0.0.1", true },
	{ "", "http://localhost/", "::1", true },
	{ "", "http://localhost/", "127.0.0.2", false },
	{ "", "http://localhost/", "10.0.0.1", false },
	{ "", "http://localhost.example.com/", "127.0.0.1", false },
	{ "", "http://2130706433/", "127.0.0.1", false },
	{ "192.168.0.0/16", "http://localhost/", "192.168.1.1", true },
	/* clang-format on */
};

static const struct sockaddr *address(const char *text)
{
	static struct sockaddr_in6 v6;
	static struct sockaddr_in v4;

	v4 = (struct sockaddr_in){ .sin_family = AF_INET };
	v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (const struct sockaddr *)&v4;
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return (const struct sockaddr *)&v6;
}

static void refused_without(const struct err *e, const char *address_text)
{
	ROW_TRUE(strstr(e->msg, "--allow CIDR"));
	ROW_TRUE(!strstr(e->msg, address_text));
}

static void what_may_be_called_is_what_was_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct egress_rule rule;
		struct arena a;
		int r;

		row("%s to %s, allow \"%s\"",
		    cases[i].base_url ? cases[i].base_url : "-", cases[i].to,
		    cases[i].allow);
		arena_init(&a);
		ROW_INT(egress_rule_make(&rule, str_of(cases[i].allow),
					 str_of(cases[i].base_url), &a, &e),
			0);
		r = egress_judge(address(cases[i].to), &rule, &e);
		ROW_INT(r, cases[i].may ? 0 : -1);
		ROW_INT(e.code, cases[i].may ? ERR_NONE : ERR_UP_FORBIDDEN);
		if (r)
			refused_without(&e, cases[i].to);
		arena_release(&a);
	}
	rows_done();
}

static void other_families_are_refused(void **state)
{
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct egress_rule rule = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(egress_judge(&other, &rule, &e), -1);
	assert_int_equal(e.code, ERR_UP_FORBIDDEN);
}

static void a_damaged_list_allows_nothing(void **state)
{
	struct egress_rule rule;
	struct err e = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a);
	assert_int_equal(egress_rule_make(&rule, STR("10.0.0.0/8,x"),
					  STR("http://10.0.0.1"), &a, &e),
			 -1);
	assert_int_equal(e.code, ERR_VALUE);
	assert_int_equal(rule.n_allow, 0);
	err_clear(&e);
	assert_int_equal(egress_judge(address("10.0.0.1"), &rule, &e), -1);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_called_is_what_was_allowed),
		cmocka_unit_test(other_families_are_refused),
		cmocka_unit_test(a_damaged_list_allows_nothing),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
