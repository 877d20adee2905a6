/* test_args.c - the words behind a verb. */
#include "rows.h"

#include "../../cli/args.h"

struct values {
	const char *name, *models, *ips, *text;
	int64_t limit_nusd, expires_ms, rpm, enabled;
	bool all;
};

struct globals {
	bool json;
};

#define AT(field) offsetof(struct values, field)

static const struct arg rows[] = {
	ARG("NAME", ARG_WORD, AT(name), NULL, "the name", .max = 8,
	    .required = true),
	ARG("AMOUNT", ARG_MONEY, AT(limit_nusd), NULL, "dollars", .def = -1,
	    .min = -5000000000),
	ARG("--models", ARG_LIST, AT(models), "A,B", "models"),
	ARG("--ip", ARG_CIDRS, AT(ips), "CIDR", "networks"),
	ARG("--text", ARG_TEXT, AT(text), "TEXT", "a text"),
	ARG("--expires", ARG_DURATION, AT(expires_ms), "TIME", "how long"),
	ARG("--rpm", ARG_INT, AT(rpm), "N", "a minute", .def = -1, .min = 1,
	    .max = 100),
	ARG("--enable", ARG_PICK, AT(enabled), NULL, "on", .def = -1, .min = 1),
	ARG("--disable", ARG_PICK, AT(enabled), NULL, "off", .def = -1),
	ARG("--all", ARG_FLAG, AT(all), NULL, "all"),
	{ .name = NULL }
};

static const struct arg globals[] = {
	ARG("--json", ARG_FLAG, offsetof(struct globals, json), NULL, "JSON"),
	{ .name = NULL }
};

#define WORDS 12

static void show(const struct values *v, bool json, char *to, size_t size)
{
	snprintf(to, size, "%s|%lld|%s|%s|%s|%lld|%lld|%lld|%d%s",
		 v->name ? v->name : "-", (long long)v->limit_nusd,
		 v->models ? v->models : "-", v->ips ? v->ips : "-",
		 v->text ? v->text : "-", (long long)v->expires_ms,
		 (long long)v->rpm, (long long)v->enabled, v->all,
		 json ? " json" : "");
}

static void read_words(char *const *argv, char *got, size_t size)
{
	struct globals g = { 0 };
	struct values v = { 0 };
	const struct arg_set own = { rows, &v }, all = { globals, &g };
	struct arena a;
	struct err e = { 0 };
	int n = 0;

	while (n < WORDS && argv[n])
		n++;
	arena_init(&a);
	args_default(rows, &v);
	if (args_read(&own, &all, n, argv, &a, &e) < 0)
		snprintf(got, size, "%s: %s", err_info(e.code)->code, e.msg);
	else
		show(&v, g.json, got, size);
	arena_release(&a);
}

static void every_word_goes_to_its_place(void **state)
{
	static const struct {
		const char *label;
		const char *argv[WORDS];
		const char *want;
	} cases[] = {
		{ "defaults", { "al" }, "al|-1|-|-|-|0|-1|-1|0" },
		{ "money",
		  { "al", "5.000000001" },
		  "al|5000000001|-|-|-|0|-1|-1|0" },
		{ "a negative amount is a word",
		  { "al", "-2.50" },
		  "al|-2500000000|-|-|-|0|-1|-1|0" },
		{ "options before words",
		  { "--rpm", "7", "al" },
		  "al|-1|-|-|-|0|7|-1|0" },
		{ "joined", { "al", "--rpm=7" }, "al|-1|-|-|-|0|7|-1|0" },
		{ "a value with =",
		  { "al", "--text=a=b" },
		  "al|-1|-|-|a=b|0|-1|-1|0" },
		{ "lists join",
		  { "al", "--models", "a, b", "--models", "c" },
		  "al|-1|a,b,c|-|-|0|-1|-1|0" },
		{ "networks",
		  { "al", "--ip", "10.0.0.0/8,::1" },
		  "al|-1|-|10.0.0.0/8,::1|-|0|-1|-1|0" },
		{ "a duration",
		  { "al", "--expires", "30d" },
		  "al|-1|-|-|-|2592000000|-1|-1|0" },
		{ "picks", { "al", "--disable" }, "al|-1|-|-|-|0|-1|0|0" },
		{ "the last pick counts",
		  { "al", "--disable", "--enable" },
		  "al|-1|-|-|-|0|-1|1|0" },
		{ "flags of both tables",
		  { "al", "--all", "--json" },
		  "al|-1|-|-|-|0|-1|-1|1 json" },
		{ "after --", { "--", "--x" }, "--x|-1|-|-|-|0|-1|-1|0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[512];

		row("%s", cases[i].label);
		read_words((char *const *)(uintptr_t)cases[i].argv, got,
			   sizeof(got));
		ROW_STR(got, cases[i].want);
	}
	rows_done();
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *argv[WORDS];
		const char *want;
	} cases[] = {
		{ { NULL }, "usage: NAME is missing: the name" },
		{ { "al", "--rpm", "0" },
		  "usage: --rpm: want 1 to 100, got \"0\"" },
		{ { "al", "--rpm" }, "usage: --rpm needs a value: N" },
		{ { "al", "--rmp", "5" },
		  "usage: there is no option --rmp; did you mean --rpm?" },
		{ { "al", "--mod", "5" },
		  "usage: there is no option --mod; did you mean --models?" },
		{ { "al", "--zzzzzz" },
		  "usage: there is no option --zzzzzz; --help lists them" },
		{ { "al", "--key=sk-secret" },
		  "usage: there is no option --key; --help lists them" },
		{ { "al", "--all=yes" }, "usage: --all takes no value" },
		{ { "al", "1", "2" },
		  "usage: \"2\" is one word too many; --help shows what is "
		  "wanted" },
		{ { "al", "0.0000000001" },
		  "usage: AMOUNT: want dollars with up to nine decimals, like "
		  "5 or 0.15, got \"0.0000000001\"" },
		{ { "al", "-6" },
		  "usage: AMOUNT: want dollars with up to nine decimals, like "
		  "5 or 0.15, got \"-6\"" },
		{ { "al", "--expires", "5" },
		  "usage: --expires: want a time like 30s, 15m, 12h or 30d, "
		  "got \"5\"" },
		{ { "al", "--ip", "10.0.0.0/33" },
		  "usage: --ip: want networks like 192.0.2.0/24 or "
		  "2001:db8::/32, got \"10.0.0.0/33\"" },
		{ { "al", "--models", "a,,b" },
		  "usage: --models: want words between commas, got \"a,,b\"" },
		{ { "a b" },
		  "usage: NAME: want a word without spaces and commas, got "
		  "\"a b\"" },
		{ { "123456789" }, "usage: NAME: at most 8 bytes" },
		{ { "a\nb" },
		  "usage: NAME: want a text on one line, got "
		  "\"a\nb\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[512];

		row("case %zu", i);
		read_words((char *const *)(uintptr_t)cases[i].argv, got,
			   sizeof(got));
		ROW_STR(got, cases[i].want);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_goes_to_its_place),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
