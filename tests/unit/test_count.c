/* test_count.c - texts in pieces and whole, models, rank files. */
#include "base/clock.h"
#include "count/count.h"
#include "text/utf8.h"

#include "rows.h"

#include <fcntl.h>
#include <sys/stat.h>

#define RANKS "build/ranks"

static struct count *ranks;

static const char *const names[] = { "gpt-4o", "gpt-4", "claude", "other" };

/* The same numbers at every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static int64_t whole_tok(const char *model, struct str text)
{
	struct count_stream s;
	int64_t n;

	count_stream_init(&s, ranks, count_model(str_of(model)));
	count_stream_whole(&s, text);
	count_stream_cut(&s);
	n = count_stream_tok(&s);
	count_stream_release(&s);
	return n;
}

static int64_t pieces_tok(const char *model, struct str text, uint32_t *seed)
{
	uint32_t most = 1 + next_random(seed) % 5000;
	struct count_stream s;
	size_t at = 0, n;
	int64_t tok;

	count_stream_init(&s, ranks, count_model(str_of(model)));
	while (at < text.n) {
		n = 1 + next_random(seed) % most;
		n = MIN(n, text.n - at);
		count_stream_feed(&s, text.p + at, n);
		at += n;
	}
	count_stream_cut(&s);
	tok = count_stream_tok(&s);
	count_stream_release(&s);
	return tok;
}

static const char *const words[] = {
	"the ",
	"Gateway",
	"'s",
	"'LL",
	"   ",
	"\n",
	" \n\t",
	"12345",
	"//\n",
	"\xe4\xbd\xa0\xe5\xa5\xbd",
	"\xf0\x9f\x98\x80\xe2\x80\x8d",
	"\xff",
	"\xe4\xbd",
	"caf\xc3\xa9",
	"ZZZZ",
	"aaaaaaaaaaaaaaaa",
	"\xc2\x85",
	"{\"a\":",
	"\r\n\r\n",
	"\xe1\xa0\x8e",
	"x1y2Z3",
	"...",
};

static void make_text(struct buf *b, size_t n, uint32_t *seed)
{
	const char *word;
	uint32_t times;

	buf_clear(b);
	while (b->len < n) {
		word = words[next_random(seed) % COUNT(words)];
		times = next_random(seed) % 50 ? 1 : next_random(seed) % 9000;
		while (times--)
			buf_str(b, word);
	}
}

static void pieces_count_as_the_whole_does(void **state)
{
	uint32_t seed = 7;
	struct buf text;
	int64_t got;

	(void)state;
	buf_init(&text, 4 << 20);
	for (int i = 0; i < 40; i++) {
		make_text(&text, next_random(&seed) % 200000, &seed);
		for (size_t m = 0; m < COUNT(names); m++) {
			row("text %d of %zu bytes, %s", i, text.len, names[m]);
			got = pieces_tok(names[m], buf_span(&text), &seed);
			ROW_INT(got, whole_tok(names[m], buf_span(&text)));
		}
	}
	buf_release(&text);
	rows_done();
}

/* One cut everywhere, and byte by byte. */
static void a_cut_anywhere_changes_nothing(void **state)
{
	static const char text[] =
		"It's caf\xc3\xa9 time \xf0\x9f\x98\x80,  don't\n\n  12345 "
		"//\r\nXyz\xff\xfe \xe4\xbd\xa0\xe5\xa5\xbd \xe4\xbd";
	const size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t m = 0; m < COUNT(names); m++)
		for (size_t cut = 0; cut <= n; cut++) {
			struct count_stream s;

			count_stream_init(&s, ranks,
					  count_model(str_of(names[m])));
			s.look_at = 1;
			count_stream_feed(&s, text, cut);
			s.look_at = 1;
			count_stream_feed(&s, text + cut, n - cut);
			count_stream_cut(&s);
			row("%s, cut at %zu", names[m], cut);
			ROW_INT(count_stream_tok(&s),
				whole_tok(names[m], (struct str){ text, n }));
			count_stream_release(&s);
		}
	rows_done();
}

static void long_runs_take_linear_time(void **state)
{
	static const struct {
		const char *what;
		size_t n;
		int64_t tok; /* 8 to a token, each 64 KiB alone */
	} rows[] = {
		{ "a", 10000, 1250 },
		{ "a", 100000, 12500 },
		{ "a", 1000000, 125000 },
	};
	struct buf text;

	(void)state;
	if (!count_has(ranks, COUNT_O200K))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t from = clock_mono_us();

		buf_init(&text, 2 << 20);
		while (text.len < rows[i].n)
			buf_str(&text, rows[i].what);
		row("%zu times %s", rows[i].n, rows[i].what);
		ROW_INT(whole_tok("gpt-4o", buf_span(&text)), rows[i].tok);
		printf("%7zu times %s: %lld us\n", rows[i].n, rows[i].what,
		       (long long)(clock_mono_us() - from));
		buf_release(&text);
	}
	rows_done();
}

static void held_text_is_bounded(void **state)
{
	struct count_stream s;
	size_t most = 0;

	(void)state;
	if (!count_has(ranks, COUNT_O200K))
		skip();
	count_stream_init(&s, ranks, count_model(STR("gpt-4o")));
	for (int i = 0; i < 500000; i++) {
		count_stream_feed(&s, "a", 1);
		most = MAX(most, s.held.len);
	}
	count_stream_cut(&s);
	assert_true(buf_ok(&s.held));
	assert_true(most <= 4 * COUNT_SEE);
	assert_int_equal(count_stream_tok(&s), 62500);
	count_stream_release(&s);
}

static void what_is_too_long_to_count_is_estimated(void **state)
{
	struct str hello = STR("Hello, bridge"), long_one = STR("aaaaaaaaaaaa");
	int64_t counted = whole_tok("gpt-4o", hello);
	struct count_stream s;

	(void)state;
	if (!count_has(ranks, COUNT_O200K))
		skip();
	count_stream_init(&s, ranks, count_model(STR("gpt-4o")));
	count_stream_feed(&s, hello.p, hello.n);
	count_stream_guess(&s, long_one);
	assert_int_equal(count_stream_tok(&s),
			 counted + whole_tok("gemini-estimated", long_one));
	count_stream_feed(&s, hello.p, hello.n);
	count_stream_cut(&s);
	assert_int_equal(count_stream_tok(&s),
			 2 * counted + whole_tok("gemini-estimated", long_one));
	count_stream_release(&s);
}

static void the_estimate_is_near(void **state)
{
	/* o200k_base says: */
	static const struct {
		const char *text;
		int64_t tok;
	} rows[] = {
		{ "The quick brown fox jumps over the lazy dog. It was a "
		  "bright cold day in April, and the clocks were striking "
		  "thirteen.",
		  26 },
		{ "\xe4\xbb\x8a\xe5\xa4\xa9\xe7\x9a\x84\xe5\xa4\xa9\xe6\xb0\x94"
		  "\xe5\xbe\x88\xe5\xa5\xbd\xef\xbc\x8c\xe6\x88\x91\xe4\xbb\xac"
		  "\xe5\x8e\xbb\xe5\x85\xac\xe5\x9b\xad\xe6\x95\xa3\xe6\xad\xa5"
		  "\xe5\x90\xa7",
		  11 },
		{ "int main(void)\n{\n\treturn printf(\"%d\\n\", 42);\n}\n",
		  18 },
		{ "Zk7pQx2LmV9sTt4RbYw8HcJd6NfGa1UeXo5KiPq3WzSvBnMyEhCu0rOl",
		  46 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct guess g = { 0 };
		int64_t n;

		guess_add(&g, rows[i].text, strlen(rows[i].text));
		n = guess_tok(&g, 1000);
		row("text %zu: %lld for %lld", i, (long long)n,
		    (long long)rows[i].tok);
		ROW_TRUE(n * 3 >= rows[i].tok * 2 && n * 2 <= rows[i].tok * 3);
	}
	rows_done();
}

static void models_have_their_encoding(void **state)
{
	static const struct {
		const char *model;
		enum count_by by;
	} rows[] = {
		{ "gpt-4o-2024-08-06", COUNT_O200K },
		{ "gpt-4.1", COUNT_O200K },
		{ "gpt-5", COUNT_O200K },
		{ "gpt-5.6-anything", COUNT_O200K },
		{ "chatgpt-4o-latest", COUNT_O200K },
		{ "o1", COUNT_O200K },
		{ "o3-mini", COUNT_O200K },
		{ "o4-mini", COUNT_O200K },
		{ "openai/gpt-4o", COUNT_O200K },
		{ "ft:gpt-4o-mini:acme::x", COUNT_O200K },
		{ "gpt-4", COUNT_CL100K },
		{ "gpt-4-turbo", COUNT_CL100K },
		{ "gpt-3.5-turbo", COUNT_CL100K },
		{ "gpt-35-turbo", COUNT_CL100K },
		{ "text-embedding-3-small", COUNT_CL100K },
		{ "text-embedding-ada-002", COUNT_CL100K },
		{ "claude-sonnet-4-5", COUNT_GUESS },
		{ "gemini-3-pro", COUNT_GUESS },
		{ "qwen3", COUNT_GUESS },
		{ "olmo", COUNT_GUESS },
		{ "", COUNT_GUESS },
		{ "/", COUNT_GUESS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row("%s", rows[i].model);
		ROW_INT(count_model(str_of(rows[i].model))->by, rows[i].by);
	}
	rows_done();
}

/* --- rank files ---------------------------------------------------------------- */

static void without_files_it_estimates(void **state)
{
	struct err e = { 0 };
	struct count_stream s;
	char text[COUNT_TEXT];
	int damaged;
	struct count *c = count_open("/nonexistent", &damaged, &e);

	(void)state;
	assert_int_equal(damaged, 0);
	assert_false(count_has(c, COUNT_O200K));
	assert_string_equal(count_text(c, text), "estimates only");
	count_stream_init(&s, c, count_model(STR("gpt-4o")));
	count_stream_whole(&s, STR("hello world"));
	assert_false(count_stream_exact(&s));
	assert_int_equal(count_stream_tok(&s), 2);
	count_stream_release(&s);
	count_close(c);
}

static void damaged_files_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at; /* the byte that is changed */
		size_t cut;
	} rows[] = {
		{ "magic", 0, 0 },      { "version", 8, 0 },
		{ "order", 12, 0 },     { "tokens", 16, 0 },
		{ "slots", 20, 0 },     { "sum", 32, 0 },
		{ "a slot", 5000, 0 },  { "a byte", 1500000, 0 },
		{ "cut off", 0, 1000 }, { "empty", 0, SIZE_MAX },
	};
	static const char path[] = "/tmp/pontage-damaged.ranks";
	struct vocab v;
	struct buf b;

	(void)state;
	if (!count_has(ranks, COUNT_CL100K))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		FILE *f = fopen(RANKS "/cl100k_base.ranks", "rb");
		struct err e = { 0 };

		buf_init(&b, 8 << 20);
		buf_grew(&b, fread(buf_room(&b, 4 << 20), 1, 4 << 20, f));
		fclose(f);
		b.p[rows[i].at] ^= 0x10;
		f = fopen(path, "wb");
		fwrite(b.p, 1, b.len - MIN(rows[i].cut, b.len), f);
		fclose(f);
		row("%s", rows[i].name);
		ROW_INT(vocab_open(&v, path, &e), -1);
		ROW_INT(e.code, ERR_CONFIG);
		buf_release(&b);
	}
	unlink(path);
	rows_done();
}

static void utf8_is_judged_strictly(void **state)
{
	static const struct {
		const char *s;
		size_t valid;
		bool cut;
	} rows[] = {
		{ "", 0, false },
		{ "plain text, longer than a word", 30, false },
		{ "\xc3\xa9", 2, false },
		{ "a\xc3", 1, true },
		{ "a\xe4\xbd", 1, true },
		{ "a\xf0\x9f\x98", 1, true },
		{ "a\xf0\x9f\x98\x80", 5, false },
		{ "a\xff", 1, false },
		{ "a\x80", 1, false },
		{ "a\xc0\x80", 1, false },
		{ "a\xe0\x80\x80", 1, false },
		{ "a\xed\xa0\x80", 1, false },
		{ "a\xf4\x90\x80\x80", 1, false },
		{ "a\xf5", 1, false },
		{ "a\xe4z", 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = str_of(rows[i].s), rest;

		row("row %zu", i);
		ROW_INT(utf8_valid(s), rows[i].valid);
		rest = (struct str){ s.p + rows[i].valid, s.n - rows[i].valid };
		ROW_INT(utf8_is_cut(rest), rows[i].cut);
	}
	rows_done();
}

static int open_ranks(void **state)
{
	struct err e = { 0 };
	int damaged;

	(void)state;
	ranks = count_open(RANKS, &damaged, &e);
	return damaged;
}

static int close_ranks(void **state)
{
	(void)state;
	count_close(ranks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_count_as_the_whole_does),
		cmocka_unit_test(a_cut_anywhere_changes_nothing),
		cmocka_unit_test(long_runs_take_linear_time),
		cmocka_unit_test(held_text_is_bounded),
		cmocka_unit_test(what_is_too_long_to_count_is_estimated),
		cmocka_unit_test(the_estimate_is_near),
		cmocka_unit_test(models_have_their_encoding),
		cmocka_unit_test(without_files_it_estimates),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(utf8_is_judged_strictly),
	};

	return cmocka_run_group_tests_name("count", tests, open_ranks,
					   close_ranks);
}
