/* rows.h - tests over a table: a row notes its failure and the loop goes on.
 *
 *	row("%s, cut at %zu", cases[i].label, cut);
 *	ROW_STR(got.p, cases[i].want);
 *	...
 *	rows_done();
 *
 * Includes cmocka.h after the headers that it wants: a test includes only
 * this one and its own.
 */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static char row_label[256];
static int rows_failed, row_before;

#define row(...)                                                     \
	do {                                                         \
		row_before = rows_failed;                            \
		snprintf(row_label, sizeof(row_label), __VA_ARGS__); \
	} while (0)

#define ROW_NOTE_(line, ...)                                               \
	do {                                                               \
		rows_failed++;                                             \
		if (rows_failed - row_before > 8)                          \
			break; /* enough to see */                         \
		fprintf(stderr, "line %d, row \"%s\": ", line, row_label); \
		fprintf(stderr, __VA_ARGS__);                              \
		fprintf(stderr, "\n");                                     \
	} while (0)

#define ROW_STR(got, want) row_str_(__LINE__, (got), (want))
#define ROW_INT(got, want) row_int_(__LINE__, (int64_t)(got), (int64_t)(want))
#define ROW_TRUE(cond)                                            \
	do {                                                      \
		if (!(cond))                                      \
			ROW_NOTE_(__LINE__, "not so: %s", #cond); \
	} while (0)

static inline void row_str_(int line, const char *got, const char *want)
{
	if (!got || !want || strcmp(got, want))
		ROW_NOTE_(line, "got \"%s\", want \"%s\"", got ? got : "(none)",
			  want ? want : "(none)");
}

static inline void row_int_(int line, int64_t got, int64_t want)
{
	if (got != want)
		ROW_NOTE_(line, "got %lld, want %lld", (long long)got,
			  (long long)want);
}

static inline void rows_done(void)
{
	int n = rows_failed;

	rows_failed = row_before = 0;
	if (n)
		fail_msg("%d rows failed", n);
}

#endif
