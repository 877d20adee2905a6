/* test_sse.c - lib/http/sse: the same events however the stream is cut. */
#include "http/sse.h"

#include "rows.h"

/* Events as "[name|data]", all that has data; the raw bytes beside. */
struct heard {
	struct buf text, raw;
	int fail_at; /* the event that the callback refuses; -1: none */
	int n, copied;
	const char *from, *to; /* the piece that was fed */
};

static void heard_init(struct heard *h)
{
	*h = (struct heard){ .fail_at = -1 };
	buf_init(&h->text, 65536);
	buf_init(&h->raw, 65536);
}

static void heard_release(struct heard *h)
{
	buf_release(&h->text);
	buf_release(&h->raw);
}

static int on_event(void *arg, const struct sse_event *ev, struct err *e)
{
	struct heard *h = arg;

	buf_add(&h->raw, ev->raw.p, ev->raw.n);
	if (!ev->data.p)
		return 0;
	if (h->n++ == h->fail_at)
		return err_set(e, ERR_CANCELLED, "enough");
	h->copied += ev->raw.p < h->from || ev->raw.p >= h->to;
	buf_char(&h->text, '[');
	buf_add(&h->text, ev->name.p, ev->name.n);
	buf_char(&h->text, '|');
	buf_add(&h->text, ev->data.p, ev->data.n);
	buf_char(&h->text, ']');
	return 0;
}

static int feed(struct sse *s, struct heard *h, const char *p, size_t n,
		struct err *e)
{
	/* Memory of its own, so that a read past its end is seen. */
	char *own = mem_alloc(n + !n);
	int r;

	memcpy(own, p, n);
	h->from = own;
	h->to = own + n;
	r = sse_feed(s, own, n, on_event, h, e);
	free(own);
	return r;
}

static const struct {
	const char *label, *in, *want;
} cases[] = {
	/* clang-format off */
	{ "nothing", "", "" },
	{ "one event", "data: a\n\n", "[|a]" },
	{ "two events", "data: a\n\ndata: b\n\n", "[|a][|b]" },
	{ "CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "[|a][|b]" },
	{ "CR", "data: a\r\rdata: b\r\r", "[|a][|b]" },
	{ "LF then CRLF", "data: a\n\r\ndata: b\n\r\n", "[|a][|b]" },
	{ "CRLF then LF", "data: a\r\n\ndata: b\r\n\n", "[|a][|b]" },
	{ "CR then LF LF", "data: a\r\n\ndata: b\r\r\ndata: c\n\r", "[|a][|b][|c]" },
	{ "lines of several ends", "data: a\rdata: b\ndata: c\r\n\n", "[|a\nb\nc]" },
	{ "no space after the colon", "data:a\n\n", "[|a]" },
	{ "one space goes, the second stays", "data:  a\n\n", "[| a]" },
	{ "a colon in the value", "data: a:b: c\n\n", "[|a:b: c]" },
	{ "data lines are joined", "data: a\ndata:\ndata: b\n\n", "[|a\n\nb]" },
	{ "empty data counts", "data:\n\n", "[|]" },
	{ "data without a colon", "data\n\n", "[|]" },
	{ "two empty data lines", "data\ndata\n\n", "[|\n]" },
	{ "a name", "event: x\ndata: a\n\n", "[x|a]" },
	{ "a name after the data", "data: a\nevent: x\n\n", "[x|a]" },
	{ "the last name counts", "event: x\nevent: y\ndata: a\n\n", "[y|a]" },
	{ "an empty name is none", "event: x\nevent:\ndata: a\n\n", "[|a]" },
	{ "a name does not stick", "event: x\ndata: a\n\ndata: b\n\n", "[x|a][|b]" },
	{ "a name without data is nothing", "event: x\n\ndata: b\n\n", "[|b]" },
	{ "comments", ": hi\n\n:\n\ndata: a\n: in the middle\ndata: b\n\n", "[|a\nb]" },
	{ "other fields", "id: 1\nretry: 5\nfoo\ndata: a\n\n", "[|a]" },
	{ "names are exact", "Data: a\n data: b\ndataa: c\ndat: d\n\n", "" },
	{ "empty lines", "\n\n\r\n\rdata: a\n\n\n\n", "[|a]" },
	{ "a byte order mark", "\xef\xbb\xbf" "data: a\n\n", "[|a]" },
	{ "one before a comment", "\xef\xbb\xbf: x\n\ndata: a\n\n", "[|a]" },
	{ "one alone on its line", "\xef\xbb\xbf\ndata: a\n\n", "[|a]" },
	{ "a second one is a name", "\xef\xbb\xbf\xef\xbb\xbf" "data: a\n\n", "" },
	{ "a late one is a name", "data: a\n\n\xef\xbb\xbf" "data: b\n\n", "[|a]" },
	{ "half of one", "\xef\xbb", "" },
	{ "no empty line at the end", "data: a\n\ndata: b\n", "[|a][|b]" },
	{ "no line end at the end", "data: a\n\ndata: b", "[|a][|b]" },
	{ "a CR at the end", "data: b\r", "[|b]" },
	{ "characters of several bytes", "data: \xe2\x82\xac\xf0\x9f\x98\x80\n\n", "[|\xe2\x82\xac\xf0\x9f\x98\x80]" },
	{ "an end as vendors send it", "data: {\"a\":1}\n\ndata: [DONE]\n\n", "[|{\"a\":1}][|[DONE]]" },
	/* clang-format on */
};

static void check(const char *in, struct heard *h, const char *want)
{
	ROW_STR(h->text.p, want);
	ROW_STR(h->raw.p, in); /* byte by byte */
}

static void comes_out_the_same_however_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].in);

		/* a: the first cut, b: the second */
		for (size_t a = 0; a <= n; a++)
			for (size_t b = a; b <= n; b++) {
				const char *in = cases[i].in;
				struct err e = { 0 };
				struct heard h;
				struct sse s;

				row("%s, cut at %zu and %zu", cases[i].label, a,
				    b);
				heard_init(&h);
				sse_init(&s, 100);
				ROW_INT(feed(&s, &h, in, a, &e), 0);
				ROW_INT(feed(&s, &h, in + a, b - a, &e), 0);
				ROW_INT(feed(&s, &h, in + b, n - b, &e), 0);
				ROW_INT(sse_end(&s, on_event, &h, &e), 0);
				check(in, &h, cases[i].want);
				heard_release(&h);
				sse_release(&s);
			}
	}
	rows_done();
}

static void comes_out_the_same_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *in = cases[i].in;
		struct err e = { 0 };
		struct heard h;
		struct sse s;

		row("%s", cases[i].label);
		heard_init(&h);
		sse_init(&s, 100);
		for (const char *p = in; *p; p++)
			ROW_INT(feed(&s, &h, p, 1, &e), 0);
		ROW_INT(sse_end(&s, on_event, &h, &e), 0);
		check(in, &h, cases[i].want);
		heard_release(&h);
		sse_release(&s);
	}
	rows_done();
}

/* An event is heard as soon as its last needed byte is there. */
static void nothing_waits(void **state)
{
	static const struct {
		const char *in, *want;
	} heads[] = {
		{ "data: a\n\n", "[|a]" }, { "data: a\r\n\r", "[|a]" },
		{ "data: a\r\r", "[|a]" }, { "data: a\n", "" },
		{ "data: a\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct err e = { 0 };
		struct heard h;
		struct sse s;

		row("head %zu", i);
		heard_init(&h);
		sse_init(&s, 100);
		feed(&s, &h, heads[i].in, strlen(heads[i].in), &e);
		ROW_STR(h.text.p, heads[i].want);
		heard_release(&h);
		sse_release(&s);
	}
	rows_done();
}

static void a_whole_event_is_not_copied_and_nothing_is_kept(void **state)
{
	static const char in[] = "data: a\n\nevent: x\ndata: b\n\n: c\n\n";
	struct err e = { 0 };
	struct heard h;
	struct sse s;

	(void)state;
	heard_init(&h);
	sse_init(&s, 100);
	feed(&s, &h, in, sizeof(in) - 1, &e);
	assert_string_equal(h.text.p, "[|a][x|b]");
	assert_int_equal(h.copied, 0);
	assert_int_equal(s.held.cap, 0);
	feed(&s, &h, "data: c", 7, &e);
	assert_int_not_equal(s.held.cap, 0);
	feed(&s, &h, "\n\n", 2, &e);
	assert_int_equal(h.copied, 1);
	assert_int_equal(s.held.cap, 0);
	heard_release(&h);
	sse_release(&s);
}

static void fed_in_two(const char *in, size_t cut, int want)
{
	struct err e = { 0 };
	struct heard h;
	struct sse s;
	int r;

	heard_init(&h);
	sse_init(&s, 14);
	r = feed(&s, &h, in, cut, &e);
	if (!r)
		r = feed(&s, &h, in + cut, strlen(in) - cut, &e);
	ROW_INT(r, want);
	ROW_INT(e.code, r ? ERR_UP_BROKEN : ERR_NONE);
	ROW_STR(e.msg,
		r ? "an event of the upstream is larger than 14 bytes" : "");
	ROW_TRUE(s.held.cap <= 64);
	heard_release(&h);
	sse_release(&s);
}

static void the_ceiling_holds_however_cut(void **state)
{
	static const struct {
		const char *in;
		int want;
	} sizes[] = {
		{ "data: 89ab\r\n\r\n", 0 }, /* 14 bytes */
		{ "data: 89ab\n\ndata: 89abcd\n\n", 0 },
		{ "data: 89abcde\n\n", -1 },
		{ "data: 89abcdefghijklmnop", -1 },
		{ "data: 1\r\n\r\ndata: 89ab\r\n\r\n", 0 },
		{ "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t cut = 0; cut <= strlen(sizes[i].in); cut++) {
			row("size %zu, cut at %zu", i, cut);
			fed_in_two(sizes[i].in, cut, sizes[i].want);
		}
	rows_done();
}

static void a_broken_reader_stays_broken_until_it_is_reset(void **state)
{
	struct err e = { 0 };
	struct heard h;
	struct sse s;

	(void)state;
	heard_init(&h);
	sse_init(&s, 8);
	assert_int_equal(feed(&s, &h, "data: abcdef", 12, &e), -1);
	err_clear(&e);
	assert_int_equal(feed(&s, &h, "\n\n", 2, &e), -1);
	err_clear(&e);
	assert_int_equal(sse_end(&s, on_event, &h, &e), -1);
	err_clear(&e);
	sse_reset(&s);
	assert_int_equal(feed(&s, &h, "data:a\n\n", 8, &e), 0);
	assert_string_equal(h.text.p, "[|a]");
	heard_release(&h);
	sse_release(&s);
}

static void a_refusal_of_the_callback_ends_the_feeding(void **state)
{
	struct err e = { 0 };
	struct heard h;
	struct sse s;

	(void)state;
	heard_init(&h);
	h.fail_at = 1;
	sse_init(&s, 100);
	assert_int_equal(feed(&s, &h, "data:a\n\ndata:b\n\ndata:c\n\n", 24, &e),
			 -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_string_equal(h.text.p, "[|a]");
	heard_release(&h);
	sse_release(&s);
}

static int count(void *arg, const struct sse_event *ev, struct err *e)
{
	size_t *n = arg;

	(void)e;
	*n += ev->data.n;
	return 0;
}

/* Lines that end in CR alone must not be searched for LF again and again. */
static void a_megabyte_of_short_lines_is_linear(void **state)
{
	static const char *const lines[] = { "a\r", "data\r", "\r", "\n",
					     "data\r\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		size_t n = 1 << 20, len = strlen(lines[i]), heard = 0;
		char *in = mem_alloc(n);
		struct err e = { 0 };
		struct sse s;

		for (size_t k = 0; k < n; k++)
			in[k] = lines[i][k % len];
		sse_init(&s, n);
		assert_int_equal(sse_feed(&s, in, n, count, &heard, &e), 0);
		assert_int_equal(sse_end(&s, count, &heard, &e), 0);
		sse_release(&s);
		free(in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_the_same_however_cut),
		cmocka_unit_test(comes_out_the_same_byte_by_byte),
		cmocka_unit_test(nothing_waits),
		cmocka_unit_test(
			a_whole_event_is_not_copied_and_nothing_is_kept),
		cmocka_unit_test(the_ceiling_holds_however_cut),
		cmocka_unit_test(
			a_broken_reader_stays_broken_until_it_is_reset),
		cmocka_unit_test(a_refusal_of_the_callback_ends_the_feeding),
		cmocka_unit_test(a_megabyte_of_short_lines_is_linear),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
