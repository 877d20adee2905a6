/* test_base_buf.c - the growing buffer with its ceiling; the arena. */
#include "rows.h"

#include "base/arena.h"
#include "base/buf.h"

static void what_is_added_is_there_and_ended(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(b.p, "");
	buf_add(&b, "a\0b", 3);
	buf_char(&b, '/');
	buf_str(&b, "text");
	buf_int(&b, INT64_MIN);
	buf_printf(&b, " %s %03d", "x", 7);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 3 + 1 + 4 + 20 + 6);
	assert_memory_equal(b.p, "a\0b/text-9223372036854775808 x 007", b.len);
	assert_int_equal(b.p[b.len], 0);
	assert_true(buf_ok(&b));
	assert_true(str_same(buf_span(&b), (struct str){ b.p, b.len }));
	buf_release(&b);
	buf_release(&b);
	assert_string_equal(b.p, "");
	buf_str(&b, "again");
	assert_string_equal(b.p, "again");
	buf_release(&b);
}

static void past_the_ceiling_it_is_bad_and_stays_so(void **state)
{
	static const struct {
		size_t max;
		const char *first, *second, *want;
		bool ok;
	} cases[] = {
		{ 5, "abc", "de", "abcde", true },
		{ 5, "abc", "def", "abc", false },
		{ 5, "abcdef", "", "", false },
		{ 5, "", "abcde", "abcde", true },
		{ 0, "", "", "", true },
		{ 0, "a", "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b;

		row("case %zu", i);
		buf_init(&b, cases[i].max);
		buf_str(&b, cases[i].first);
		buf_printf(&b, "%s", cases[i].second);
		ROW_STR(b.p, cases[i].want);
		ROW_INT(buf_ok(&b), cases[i].ok);
		if (!cases[i].ok) {
			buf_char(&b, 'x'); /* would fit, but comes too late */
			ROW_STR(b.p, cases[i].want);
		}
		buf_clear(&b);
		ROW_STR(b.p, "");
		ROW_TRUE(buf_ok(&b));
		buf_release(&b);
	}
	rows_done();
}

static void room_is_given_up_to_the_ceiling(void **state)
{
	struct buf b;
	char *to;

	(void)state;
	buf_init(&b, 100000);
	buf_str(&b, "ab");
	to = buf_room(&b, 99998);
	assert_non_null(to);
	assert_string_equal(b.p, "ab");
	memset(to, 'x', 99998);
	buf_grew(&b, 99998);
	assert_int_equal(b.len, 100000);
	assert_int_equal(b.p[b.len], 0);
	assert_true(buf_ok(&b));
	assert_null(buf_room(&b, 1));
	assert_false(buf_ok(&b));
	buf_clear(&b);
	assert_null(buf_room(&b, SIZE_MAX));
	buf_release(&b);
}

static void the_front_can_be_eaten(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_eat(&b, 0);
	buf_str(&b, "abcdef");
	buf_eat(&b, 2);
	assert_string_equal(b.p, "cdef");
	buf_eat(&b, 0);
	assert_string_equal(b.p, "cdef");
	buf_eat(&b, 4);
	assert_string_equal(b.p, "");
	buf_str(&b, "new");
	assert_string_equal(b.p, "new");
	buf_release(&b);
}

/* --- arena ------------------------------------------------------------------ */

static void pieces_are_zero_aligned_and_stay(void **state)
{
	unsigned char *at[600];
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < COUNT(at); i++) {
		size_t n = i * 7;

		at[i] = arena_alloc(&a, n);
		row("%zu bytes", n);
		ROW_INT((uintptr_t)at[i] % 16, 0);
		for (size_t k = 0; k < n; k++)
			if (at[i][k])
				ROW_TRUE(!"zero");
		memset(at[i], (int)(i % 255) + 1, n);
	}
	for (size_t i = 0; i < COUNT(at); i++) {
		row("%zu bytes, later", i * 7);
		for (size_t k = 0; k < i * 7; k++)
			if (at[i][k] != i % 255 + 1)
				ROW_TRUE(!"as it was");
	}
	arena_release(&a);
	arena_release(&a);
	rows_done();
}

static void one_larger_than_a_block_has_its_own(void **state)
{
	struct arena a;
	char *small, *large;

	(void)state;
	arena_init(&a);
	small = arena_dup(&a, STR("small"));
	large = arena_alloc(&a, 1 << 20);
	memset(large, 'x', 1 << 20);
	assert_string_equal(small, "small");
	assert_string_equal(arena_dup(&a, STR("next")), "next");
	arena_release(&a);
}

static void copies_end_with_a_nul(void **state)
{
	struct arena a;
	struct str s;

	(void)state;
	arena_init(&a);
	assert_string_equal(arena_dup(&a, STR_NONE), "");
	s = arena_str(&a, STR("a\0b"));
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);
	assert_string_equal(arena_printf(&a, "%d %s", 5, "x"), "5 x");
	arena_release(&a);
}

static void wiping_leaves_zeroes(void **state)
{
	struct arena a;
	char *secret, *other;

	(void)state;
	arena_init(&a);
	secret = arena_dup(&a, STR("secret"));
	other = arena_alloc(&a, 5000); /* another block */
	memset(other, 'x', 5000);
	arena_wipe(&a);
	for (int i = 0; i < 6; i++)
		assert_int_equal(secret[i], 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(other[i], 0);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_there_and_ended),
		cmocka_unit_test(past_the_ceiling_it_is_bad_and_stays_so),
		cmocka_unit_test(room_is_given_up_to_the_ceiling),
		cmocka_unit_test(the_front_can_be_eaten),
		cmocka_unit_test(pieces_are_zero_aligned_and_stay),
		cmocka_unit_test(one_larger_than_a_block_has_its_own),
		cmocka_unit_test(copies_end_with_a_nul),
		cmocka_unit_test(wiping_leaves_zeroes),
	};

	return cmocka_run_group_tests_name("base_buf", tests, NULL, NULL);
}
