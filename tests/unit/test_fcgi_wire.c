/* test_fcgi_wire.c - the FastCGI client's records. */
#include "rows.h"

/* Test tools are in no library. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../relay/fcgi.c"
#include "../relay/relay_case.c"
#include "../relay/relay_case_answer.c"
/* NOLINTEND(bugprone-suspicious-include) */

/* Records as text: "type:bytes " each, those of the parameters joined. */
static void describe(struct str s, struct buf *out)
{
	while (s.n >= 8) {
		const unsigned char *h = (const unsigned char *)s.p;
		size_t n = (size_t)h[4] << 8 | h[5];

		buf_printf(out, "%d:%zu ", h[1], n);
		s.p += 8 + n;
		s.n -= 8 + n;
	}
}

static void a_request_becomes_records(void **state)
{
	static const char in[] = "POST /v1/x?q=1\nX-Long-Name: v\r\n"
				 "$REMOTE_ADDR: 10.0.0.1\n\nhello";
	struct fcgi_request r;
	struct err e = { 0 };
	struct buf out, text;

	(void)state;
	buf_init(&out, 1 << 20);
	buf_init(&text, 1 << 20);
	row("request");
	ROW_INT(fcgi_parse(&r, str_of(in), &e), 0);
	fcgi_request(&out, &r, false, SIZE_MAX, SIZE_MAX);
	describe(buf_span(&out), &text);
	ROW_TRUE(str_starts(buf_span(&text), "1:8 4:"));
	ROW_TRUE(strstr(text.p, " 4:0 5:5 5:0 ") != NULL);
	ROW_TRUE(memmem(out.p, out.len, "\x0b\x08REMOTE_ADDR10.0.0.1", 21) !=
		 NULL);
	ROW_TRUE(memmem(out.p, out.len, "\x10\x01HTTP_X_LONG_NAMEv", 19) !=
		 NULL);
	ROW_TRUE(memmem(out.p, out.len, "\x0c\x03QUERY_STRINGq=1", 17) != NULL);
	ROW_TRUE(memmem(out.p, out.len, "127.0.0.1", 9) == NULL);
	buf_clear(&out);
	buf_clear(&text);
	fcgi_request(&out, &r, false, 2, 3);
	describe(buf_span(&out), &text);
	ROW_TRUE(strstr(text.p, "4:0 5:2 5:1 ") != NULL);
	ROW_TRUE(strstr(text.p, "5:0") == NULL);
	buf_release(&out);
	buf_release(&text);
	rows_done();
}

static void an_answer_is_read_however_cut(void **state)
{
	static const char in[] = "\x01\x06\x00\x01\x00\x03\x05\x00"
				 "abc.....\x01\x07\x00\x01\x00\x02\x00\x00"
				 "er\x01\x06\x00\x01\x00\x00\x00\x00"
				 "\x01\x03\x00\x01\x00\x08\x00\x00"
				 "\x00\x00\x00\x07\x00\x00\x00";
	struct err e = { 0 };

	(void)state;
	for (size_t cut = 0; cut <= sizeof(in); cut++) {
		struct fcgi_answer a = { 0 };
		int64_t took;

		buf_init(&a.out, 100);
		buf_init(&a.err, 100);
		row("cut at %zu", cut);
		took = fcgi_read(&a, (struct str){ in, cut }, &e);
		took += fcgi_read(
			&a, (struct str){ in + took, sizeof(in) - took }, &e);
		ROW_INT(took, sizeof(in));
		ROW_STR(a.out.p, "abc");
		ROW_STR(a.err.p, "er");
		ROW_TRUE(a.ended && a.app_status == 7);
		buf_release(&a.out);
		buf_release(&a.err);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_becomes_records),
		cmocka_unit_test(an_answer_is_read_however_cut),
	};

	return cmocka_run_group_tests_name("fcgi_wire", tests, NULL, NULL);
}
