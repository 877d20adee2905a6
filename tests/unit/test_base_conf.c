/* test_base_conf.c - settings: from a file, from the environment, wrong. */
#include "rows.h"

#include "base/conf.h"

#include <sys/stat.h>

static char folder[] = "/tmp/pontage-conf-XXXXXX";

static void lines_are_read_or_named(void **state)
{
	static const struct {
		const char *in, *want; /* the error, or "" */
		int64_t max_inflight;
		const char *public_url;
		int line; /* of max_inflight */
	} cases[] = {
		/* clang-format off */
		{ "", "", 16384, "", 0 },
		{ "\n\n# max_inflight = 1\n  \t\n", "", 16384, "", 0 },
		{ "max_inflight = 7", "", 7, "", 1 },
		{ "\n  max_inflight=7 \t\r\n", "", 7, "", 2 },
		{ "max_inflight = 7\n\nmax_inflight = 8\n", "", 8, "", 3 },
		{ "public_url = https://x/?a=b # c\n", "", 16384, "https://x/?a=b # c", 0 },
		{ "public_url = a\npublic_url =\n", "", 16384, "", 0 },
		{ "max_inflight = ten", "line 1: max_inflight: want 1 to 65536, got \"ten\"", 0, NULL, 0 },
		{ "\nmax_inflight = 0\n", "line 2: max_inflight: want 1 to 65536, got \"0\"", 0, NULL, 0 },
		{ "max_inflight = 65537", "line 1: max_inflight: want 1 to 65536, got \"65537\"", 0, NULL, 0 },
		{ "max_inflight =", "line 1: max_inflight: want 1 to 65536, got \"\"", 0, NULL, 0 },
		{ "\n\nmax_inflite = 5", "line 3: there is no setting \"max_inflite\" (pontage config lists them all)", 0, NULL, 0 },
		{ "MAX_INFLIGHT = 5", "line 1: there is no setting \"MAX_INFLIGHT\" (pontage config lists them all)", 0, NULL, 0 },
		{ "= 5", "line 1: there is no setting \"\" (pontage config lists them all)", 0, NULL, 0 },
		{ "max_inflight", "line 1: want `name = value`, got \"max_inflight\"", 0, NULL, 0 },
		{ "public_url = a\tb", "line 1: public_url: holds a tab or another control byte", 0, NULL, 0 },
		{ "\npublic_url = a\r\r\n", "line 2: public_url: holds a tab or another control byte", 0, NULL, 0 },
		{ "public_url = \x7f", "line 1: public_url: holds a tab or another control byte", 0, NULL, 0 },
		{ "public_url = caf\xc3\xa9", "", 16384, "caf\xc3\xa9", 0 },
		{ "core_dumps = maybe", "line 1: core_dumps: want yes or no, got \"maybe\"", 0, NULL, 0 },
		{ "core_dumps = YES", "line 1: core_dumps: want yes or no, got \"YES\"", 0, NULL, 0 },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct conf c;
		int r = conf_parse(&c, str_of(cases[i].in), &e);

		row("case %zu", i);
		ROW_STR(e.msg, cases[i].want);
		ROW_INT(r, *cases[i].want ? -1 : 0);
		if (!r) {
			ROW_INT(c.max_inflight, cases[i].max_inflight);
			ROW_STR(c.public_url, cases[i].public_url);
			ROW_INT(c.source[CONF_max_inflight].line,
				cases[i].line);
			ROW_INT(c.source[CONF_max_inflight].origin,
				cases[i].line ? CONF_FILE : CONF_DEFAULT);
		}
		conf_release(&c);
	}
	rows_done();
}

static void yes_has_four_names(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} cases[] = {
		{ "yes", true },  { "true", true }, { "on", true },
		{ "1", true },    { "no", false },  { "false", false },
		{ "off", false }, { "0", false },
	};
	char line[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct conf c;

		row("%s", cases[i].word);
		snprintf(line, sizeof(line), "test_provider = %s",
			 cases[i].word);
		ROW_INT(conf_parse(&c, str_of(line), &e), 0);
		ROW_INT(c.test_provider, cases[i].want);
		conf_release(&c);
	}
	rows_done();
}

static void a_nul_byte_is_refused(void **state)
{
	struct err e = { 0 };
	struct conf c;

	(void)state;
	assert_int_equal(conf_parse(&c, STR("\nmax_inflight = 1\0 2\n"), &e),
			 -1);
	assert_string_equal(e.msg, "line 2: holds a NUL byte");
	conf_release(&c);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void the_environment_wins(void **state)
{
	const char *path =
		write_file("a.conf", "max_inflight = 7\nhead_ms = 500\n", 0600);
	struct err e = { 0 };
	struct conf c;

	(void)state;
	setenv("PONTAGE_MAX_INFLIGHT", "9", 1);
	setenv("PONTAGE_STATE_DIR", "/s", 1);
	assert_int_equal(conf_load(&c, path, &e), 0);
	assert_int_equal(c.max_inflight, 9);
	assert_int_equal(c.source[CONF_max_inflight].origin, CONF_ENV);
	assert_int_equal(c.head_ms, 500);
	assert_int_equal(c.source[CONF_head_ms].origin, CONF_FILE);
	assert_int_equal(c.source[CONF_head_ms].line, 2);
	assert_int_equal(c.source[CONF_body_ms].origin, CONF_DEFAULT);
	assert_string_equal(c.path, path);
	assert_string_equal(c.db_path, "/s/pontage.db"); /* derived */
	conf_release(&c);
	setenv("PONTAGE_MAX_INFLIGHT", "many", 1);
	assert_int_equal(conf_load(&c, path, &e), -1);
	assert_string_equal(e.msg,
			    "the environment's PONTAGE_MAX_INFLIGHT: "
			    "max_inflight: want 1 to 65536, got \"many\"");
	conf_release(&c);
	unsetenv("PONTAGE_MAX_INFLIGHT");
	unsetenv("PONTAGE_STATE_DIR");
}

static void a_wrong_file_is_named(void **state)
{
	const char *path = write_file("wrong.conf", "head_ms = 1\n", 0600);
	struct err e = { 0 };
	struct conf c;
	char want[256];

	(void)state;
	assert_int_equal(conf_load(&c, path, &e), -1);
	snprintf(want, sizeof(want),
		 "%s: line 1: head_ms: want 100 to 600000, got \"1\"", path);
	assert_string_equal(e.msg, want);
	conf_release(&c);
	err_clear(&e);
	assert_int_equal(conf_load(&c, "/nowhere/x.conf", &e), -1);
	assert_string_equal(e.msg,
			    "/nowhere/x.conf: No such file or directory");
	conf_release(&c);
	err_clear(&e);
	assert_int_equal(conf_load(&c, folder, &e), -1); /* no file */
	conf_release(&c);
}

static void a_huge_file_is_refused(void **state)
{
	char *text = mem_alloc(70000);
	struct err e = { 0 };
	struct conf c;

	(void)state;
	memset(text, '\n', 69999);
	assert_int_equal(conf_load(&c, write_file("huge.conf", text, 0600), &e),
			 -1);
	assert_non_null(strstr(e.msg, "larger than 65536 bytes"));
	conf_release(&c);
	free(text);
}

/* A file beside the caller counts only where nobody else can write it. */
static void the_file_here_is_read_if_it_is_ones_own(void **state)
{
	static const struct {
		const char *label, *other; /* PONTAGE_CONF */
		mode_t mode;
		int64_t want;
	} cases[] = {
		{ "own", NULL, 0600, 11 },
		{ "others may read", NULL, 0644, 11 },
		{ "its group may write", NULL, 0660, 16384 },
		{ "all may write", NULL, 0606, 16384 },
		{ "PONTAGE_CONF", "other.conf", 0600, 12 },
		{ "an empty PONTAGE_CONF", "", 0600, 11 },
	};
	char state_dir[128];

	(void)state;
	if (!access("/etc/pontage/pontage.conf", F_OK))
		skip(); /* it would be read in the place of an unsafe one */
	snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
	assert_int_equal(mkdir(state_dir, 0700), 0);
	write_file("other.conf", "max_inflight = 12\n", 0600);
	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct conf c;

		row("%s", cases[i].label);
		write_file("state/pontage.conf", "max_inflight = 11\n",
			   cases[i].mode);
		if (cases[i].other)
			setenv("PONTAGE_CONF", cases[i].other, 1);
		ROW_INT(conf_load(&c, NULL, &e), 0);
		ROW_INT(c.max_inflight, cases[i].want);
		conf_release(&c);
		unsetenv("PONTAGE_CONF");
	}
	assert_int_equal(chdir("/"), 0);
	rows_done();
}

/* What `pontage config` shows can be read again, and says the bounds. */
static void every_setting_shows_what_it_is(void **state)
{
	struct err e = { 0 };
	struct conf_view v;
	struct conf c, again;
	struct buf text;
	int n = 0;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_int_equal(conf_parse(&c, STR("log_level = warn\n"), &e), 0);
	for (; conf_view(&c, n, &v); n++) {
		row("%s", v.name);
		ROW_TRUE(*v.name && *v.help);
		ROW_TRUE(!*v.bounds == v.text);
		ROW_STR(v.value, n == CONF_log_level ? "warn" : v.def);
		buf_printf(&text, "%s = %s\n", v.name, v.value);
	}
	row("all");
	ROW_INT(n, CONF__COUNT);
	ROW_INT(conf_parse(&again, buf_span(&text), &e), 0);
	ROW_STR(again.log_level, "warn");
	ROW_TRUE(!conf_view(&c, -1, &v));
	conf_release(&c);
	conf_release(&again);
	buf_release(&text);
	rows_done();
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("PONTAGE_CONF");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a.conf", "wrong.conf",
					     "huge.conf", "other.conf",
					     "state/pontage.conf" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof(path), "%s/state", folder);
	(void)rmdir(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_or_named),
		cmocka_unit_test(yes_has_four_names),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(a_wrong_file_is_named),
		cmocka_unit_test(a_huge_file_is_refused),
		cmocka_unit_test(the_file_here_is_read_if_it_is_ones_own),
		cmocka_unit_test(every_setting_shows_what_it_is),
	};

	return cmocka_run_group_tests_name("base_conf", tests, set_up,
					   tear_down);
}
