/* ids.c - what lib/count makes of a text: for the comparison with others.
 *
 *	ids DIR ENCODING <text	the tokens' numbers, one a line
 *	ids DIR --speed <text	how fast both encodings and the estimate are
 */
#include "base/clock.h"
#include "count/count.h"

#include <inttypes.h>

static const char *const models[COUNT_BY__COUNT] = {
	[COUNT_GUESS] = "other",
	[COUNT_CL100K] = "gpt-4",
	[COUNT_O200K] = "gpt-4o",
};

static void print_id(void *arg, uint32_t rank)
{
	(void)arg;
	printf("%" PRIu32 "\n", rank);
}

static void read_all(struct buf *text)
{
	char piece[65536];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), stdin)))
		buf_add(text, piece, n);
}

static void speed(const struct count *c, const struct buf *text)
{
	for (int by = 0; by < COUNT_BY__COUNT; by++) {
		const char *name = models[by];
		struct count_stream s;
		int64_t from = clock_mono_us(), us, rounds = 0;

		count_stream_init(&s, c, count_model(str_of(name)));
		do {
			count_stream_whole(&s, buf_span(text));
			rounds++;
			us = clock_mono_us() - from;
		} while (us < 300000);
		count_stream_cut(&s);
		printf("%-12s %8zu bytes %8" PRId64 " tokens %8.2f ms "
		       "%7.1f MB/s\n",
		       count_by_name((enum count_by)by), text->len,
		       count_stream_tok(&s) / rounds,
		       (double)us / 1000 / (double)rounds,
		       (double)text->len * (double)rounds / (double)us);
		count_stream_release(&s);
	}
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct count_stream s;
	struct count *c;
	struct buf text;
	int damaged, by = COUNT_CL100K;

	if (argc != 3)
		return 2;
	c = count_open(argv[1], &damaged, &e);
	if (damaged)
		fprintf(stderr, "ids: %s\n", e.msg);
	buf_init(&text, 256 << 20);
	read_all(&text);
	if (!strcmp(argv[2], "--speed")) {
		speed(c, &text);
		return 0;
	}
	while (by < COUNT_BY__COUNT &&
	       strcmp(argv[2], count_by_name((enum count_by)by)) != 0)
		by++;
	if (by == COUNT_BY__COUNT || !count_has(c, (enum count_by)by))
		return 1;
	count_stream_init(&s, c, count_model(str_of(models[by])));
	s.on = print_id;
	count_stream_whole(&s, buf_span(&text));
	count_stream_release(&s);
	buf_release(&text);
	count_close(c);
	return 0;
}
