/* How long a request waited, by whose word. */
#include "../../fcgi/waited.h"

#include "rows.h"

#define NOW_WALL 1700000005000
#define NOW_MONO 50000

static const struct {
	const char *label, *said, *header;
	int64_t queued_ms, want_ms;
} cases[] = {
	/* clang-format off */
	{ "nobody says", NULL, NULL, 0, 0 },
	{ "a client says so", NULL, "t=1700000000000000", 0, 0 },
	{ "nginx", "1700000001.250", NULL, 0, 3750 },
	{ "nginx, and a client's header", "1700000004.000", "t=1", 0, 1000 },
	{ "nginx counts bodies in already", "1700000001.000", NULL, 49999, 4000 },
	{ "a clock that was set back", "1700000009.000", NULL, 0, 0 },
	{ "no moment", "now", NULL, 0, 0 },
	{ "Apache", "header", "t=1700000001000000", 0, 4000 },
	{ "Apache, our queue was empty", "header", "t=1700000001000000", 49900, 100 },
	{ "Apache, without mod_headers", "header", NULL, 0, 0 },
	{ "Apache, another form", "header", "1700000001000000", 0, 0 },
	{ "Apache, no number", "header", "t=x", 0, 0 },
	{ "Apache, no number at all", "header", "t=", 0, 0 },
	/* clang-format on */
};

static struct str text(const char *s)
{
	return s ? str_of(s) : STR_NONE;
}

static void the_web_server_says_when_it_came(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct head h = { .waited_from = text(cases[i].said),
					.waited_header = text(cases[i].header),
					.read_wall_ms = NOW_WALL,
					.read_mono_ms = NOW_MONO };

		row("%s", cases[i].label);
		ROW_INT(waited_ms(&h, cases[i].queued_ms), cases[i].want_ms);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_web_server_says_when_it_came),
	};

	return cmocka_run_group_tests_name("waited", tests, NULL, NULL);
}
