/* test_base_log.c - a line is one line, and a full ring drops and counts. */
#include "rows.h"

#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#define LINE_MAX   504
#define RING_MAX   2048 /* lines */
#define THREADS    4
#define PER_THREAD 3000

/* Standard error goes into a file until uncapture(). */
static int keep_fd, file_fd;

static void capture(void)
{
	char path[] = "/tmp/pontage-log-XXXXXX";

	keep_fd = dup(STDERR_FILENO);
	file_fd = mkstemp(path);
	assert_true(file_fd >= 0);
	(void)unlink(path);
	dup2(file_fd, STDERR_FILENO);
}

/* What was written; to be freed. */
static char *uncapture(void)
{
	off_t n = lseek(file_fd, 0, SEEK_END);
	char *text = mem_alloc((size_t)n + 1);

	dup2(keep_fd, STDERR_FILENO);
	close(keep_fd);
	assert_int_equal(pread(file_fd, text, (size_t)n, 0), n);
	close(file_fd);
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void values_are_quoted_where_they_must(void **state)
{
	static const struct {
		struct str in;
		const char *want;
	} cases[] = {
		{ STR("plain-1.5/x"), "v=plain-1.5/x\n" },
		{ STR(""), "v=\"\"\n" },
		{ STR_NONE, "v=\"\"\n" },
		{ STR("two words"), "v=\"two words\"\n" },
		{ STR("a=b"), "v=\"a=b\"\n" },
		{ STR("say \"hi\""), "v=\"say \\x22hi\\x22\"\n" },
		{ STR("back\\slash"), "v=\"back\\x5cslash\"\n" },
		{ STR("x\nlv=error ev=forged"),
		  "v=\"x\\x0alv=error ev=forged\"\n" },
		{ STR("\r\t\x1b[31m\x7f"), "v=\"\\x0d\\x09\\x1b[31m\\x7f\"\n" },
		{ STR("nul\0byte"), "v=\"nul\\x00byte\"\n" },
		{ STR("\xe2\x80\xae"), "v=\"\\xe2\\x80\\xae\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text, *at;

		row("case %zu", i);
		capture();
		log_info("test.value", LOG_STR("v", cases[i].in));
		text = uncapture();
		at = strstr(text, " ev=test.value ");
		ROW_STR(at ? at + 15 : text, cases[i].want);
		ROW_INT(count_lines(text), 1);
		free(text);
	}
	rows_done();
}

static void a_line_says_when_what_and_for_whom(void **state)
{
	char *text;

	(void)state;
	log_request("req_x");
	capture();
	log_warn("test.line", LOG_S("model", "m1"), LOG_I("ms", INT64_MIN),
		 LOG_S("none", NULL));
	log_request(NULL);
	log_error("test.bare");
	text = uncapture();
	assert_memory_equal(text, "t=20", 4);
	assert_non_null(strstr(text, "Z lv=warn ev=test.line req=req_x "
				     "model=m1 ms=-9223372036854775808 "
				     "none=\"\"\nt=20"));
	assert_non_null(strstr(text, "Z lv=error ev=test.bare\n"));
	free(text);
}

static void a_long_line_is_cut_and_still_a_line(void **state)
{
	static const char fill[] = { 'x', '\n', ' ' };
	char value[2000], *text;

	(void)state;
	for (size_t i = 0; i < COUNT(fill); i++) {
		row("filled with %d", fill[i]);
		memset(value, fill[i], sizeof(value));
		capture();
		log_info("test.long",
			 LOG_STR("a", ((struct str){ value, 2000 })),
			 LOG_S("b", "later"));
		text = uncapture();
		ROW_INT(count_lines(text), 1);
		ROW_INT(strlen(text), LINE_MAX - 1);
		ROW_INT(text[strlen(text) - 1], '\n');
		free(text);
	}
	rows_done();
}

static void levels_below_the_least_are_silent(void **state)
{
	static const struct {
		const char *least;
		size_t want;
	} cases[] = {
		{ "debug", 4 },
		{ "info", 3 },
		{ "warn", 2 },
		{ "error", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int level = log_level_named(cases[i].least);
		char *text;

		row("%s", cases[i].least);
		ROW_INT(level, i);
		log_level_set((enum log_level)level);
		capture();
		log_debug("test.level");
		log_info("test.level");
		log_warn("test.level");
		log_error("test.level");
		text = uncapture();
		ROW_INT(count_lines(text), cases[i].want);
		free(text);
	}
	row("none");
	ROW_INT(log_level_named("loud"), -1);
	ROW_INT(log_level_named(""), -1);
	log_level_set(LOG_INFO);
	rows_done();
}

/* --- from here on there is a ring -------------------------------------------- */

static void a_full_ring_drops_and_counts(void **state)
{
	char *text, want[64];

	(void)state;
	log_ring_start();
	capture();
	assert_false(log_ring_drain());
	for (int i = 0; i < RING_MAX + 50; i++)
		log_info("test.ring", LOG_I("i", i));
	assert_int_equal(log_dropped(), 50);
	assert_true(log_ring_drain());
	log_info("test.after");
	assert_true(log_ring_drain());
	assert_false(log_ring_drain());
	text = uncapture();
	assert_int_equal(count_lines(text), RING_MAX + 2);
	snprintf(want, sizeof(want), "ev=test.ring i=%d\n", RING_MAX - 1);
	assert_non_null(strstr(text, want)); /* the first are kept */
	assert_null(strstr(text, "i=2048\n"));
	assert_non_null(strstr(text, "lv=warn ev=log.dropped n=50\n"));
	assert_int_equal(log_dropped(), 50);
	free(text);
}

static _Atomic int at_work;

static void *chatter(void *arg)
{
	char id[16];

	snprintf(id, sizeof(id), "req_%d", *(const int *)arg);
	log_request(id);
	for (int i = 0; i < PER_THREAD; i++)
		log_info("test.many", LOG_I("i", i));
	at_work--;
	return NULL;
}

/* "... req=req_W i=I": the number I, and W; -1: it is no such line. */
static int64_t number_of(struct str line, size_t *who)
{
	char *at = memmem(line.p, line.n, " req=req_", 9);
	struct str rest = line;
	int64_t i = -1;

	if (!at || (size_t)(at - line.p) + 13 > line.n || at[10] != ' ')
		return -1;
	*who = (size_t)(at[9] - '0');
	rest.p = at + 13; /* behind " i=" */
	rest.n = line.n - (size_t)(rest.p - line.p);
	return *who >= THREADS || str_int(rest, 0, PER_THREAD, &i) ? -1 : i;
}

/* Of each thread the lines are whole and in their order. */
static void check_many(const char *text)
{
	int64_t last[THREADS] = { -1, -1, -1, -1 }, i;
	struct str rest = str_of(text), line;
	size_t who = 0;

	while (str_next(&rest, '\n', &line)) {
		if (!line.n || memmem(line.p, line.n, "log.dropped", 11))
			continue;
		row("%.*s", STR_FMT(line));
		i = number_of(line, &who);
		ROW_TRUE(i > last[who]);
		last[who] = i;
	}
}

static void many_threads_write_whole_lines(void **state)
{
	static const int names[THREADS] = { 0, 1, 2, 3 };
	uint64_t lost = log_dropped();
	pthread_t threads[THREADS];
	size_t notes = 0;
	char *text;

	(void)state;
	at_work = THREADS;
	capture();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chatter,
						(void *)(uintptr_t)&names[i]),
				 0);
	while (at_work)
		log_ring_drain();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_ring_drain();
	text = uncapture();
	lost = log_dropped() - lost;
	for (const char *at = text; (at = strstr(at, "ev=log.dropped")); at++)
		notes++;
	row("all");
	ROW_INT(count_lines(text) - notes + lost, THREADS * PER_THREAD);
	check_many(text);
	free(text);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_quoted_where_they_must),
		cmocka_unit_test(a_line_says_when_what_and_for_whom),
		cmocka_unit_test(a_long_line_is_cut_and_still_a_line),
		cmocka_unit_test(levels_below_the_least_are_silent),
		cmocka_unit_test(a_full_ring_drops_and_counts),
		cmocka_unit_test(many_threads_write_whole_lines),
	};

	return cmocka_run_group_tests_name("base_log", tests, NULL, NULL);
}
