/* test_base_err.c - one error, set once, cut at a whole character. */
#include "rows.h"

#include "base/err.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* Ends with a whole "\u20ac", and is as long as it can be. */
static void check_cut(const char *s, size_t size, size_t before)
{
	size_t n = strlen(s);

	ROW_TRUE(n < size && n + 6 >= size);
	ROW_INT((n - before) % 3, 0);
}

static void a_long_text_is_cut_at_a_whole_character(void **state)
{
	char text[1000];

	(void)state;
	for (size_t before = 0; before < 4; before++) {
		struct err e = { 0 };
		size_t n = before;

		memset(text, 'x', before);
		while (n + 3 < sizeof(text))
			n += (size_t)snprintf(text + n, 4, "\u20ac");
		row("%zu bytes before", before);
		ROW_INT(err_param(&e, ERR_VALUE, text, "%s", text), -1);
		check_cut(e.msg, sizeof(e.msg), before);
		check_cut(e.param, sizeof(e.param), before);
	}
	rows_done();
}

static void what_fits_is_whole(void **state)
{
	struct err e = { 0 };
	char text[sizeof(e.msg)];

	(void)state;
	memset(text, 'x', sizeof(text) - 4);
	snprintf(text + sizeof(text) - 4, 4, "\u20ac");
	assert_int_equal(err_set(&e, ERR_DB, "%s", text), -1);
	assert_string_equal(e.msg, text);
	assert_string_equal(e.param, "");
	assert_int_equal(e.code, ERR_DB);
	err_clear(&e);
	assert_int_equal(e.code, ERR_NONE);
	assert_string_equal(e.msg, "");
	assert_int_equal(err_param(&e, ERR_TYPE, "n", "no"), -1);
	assert_string_equal(e.param, "n");
}

static void twice(void)
{
	struct err e = { 0 };

	err_set(&e, ERR_DB, "first");
	err_set(&e, ERR_IO, "second");
}

static void none(void)
{
	struct err e = { 0 };

	err_set(&e, ERR_NONE, "no error");
}

static void unknown(void)
{
	(void)err_info(ERR__COUNT);
}

static int signal_of(void (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		signal(SIGABRT, SIG_DFL); /* cmocka has its own */
		dup2(null, STDERR_FILENO);
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void our_own_mistakes_end_the_process(void **state)
{
	(void)state;
	assert_int_equal(signal_of(twice), SIGABRT);
	assert_int_equal(signal_of(none), SIGABRT);
	assert_int_equal(signal_of(unknown), SIGABRT);
}

/* The command's own errors have no words of an API. */
static void every_error_means_something_to_everybody(void **state)
{
	(void)state;
	for (enum err_code c = ERR_NONE + 1; c < ERR__COUNT; c++) {
		const struct err_info *i = err_info(c);

		row("%s", i->name);
		ROW_TRUE(*i->name);
		ROW_TRUE(i->http >= 400 && i->http < 600);
		ROW_INT(!*i->type, !*i->anthropic);
		ROW_INT(!*i->type, !*i->gemini);
		/* what the caller did wrong is wrong elsewhere too */
		ROW_TRUE(!i->elsewhere || i->http == 429 || i->http >= 500);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_text_is_cut_at_a_whole_character),
		cmocka_unit_test(what_fits_is_whole),
		cmocka_unit_test(our_own_mistakes_end_the_process),
		cmocka_unit_test(every_error_means_something_to_everybody),
	};

	return cmocka_run_group_tests_name("base_err", tests, NULL, NULL);
}
