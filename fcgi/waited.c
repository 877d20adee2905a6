/* waited.c - see waited.h. */
#include "waited.h"

/* "1700000000.123" */
static int64_t from_moment(struct str rest, int64_t now_ms)
{
	int64_t s, ms;
	struct str whole;

	if (!str_next(&rest, '.', &whole) ||
	    str_int(whole, 0, INT32_MAX, &s) < 0 ||
	    str_int(rest, 0, 999, &ms) < 0)
		return 0;
	return now_ms - (s * 1000 + ms);
}

/* "t=1700000000123456" */
static int64_t from_header(struct str said, int64_t now_ms)
{
	int64_t us;

	if (said.n < 2 || memcmp(said.p, "t=", 2) ||
	    str_int((struct str){ said.p + 2, said.n - 2 }, 0, INT64_MAX, &us) <
		    0)
		return 0;
	return now_ms - us / 1000;
}

int64_t waited_ms(const struct head *h, int64_t queued_ms)
{
	int64_t ms;

	if (!h->waited_from.n)
		return 0;
	if (str_ieq(h->waited_from, "header"))
		ms = MIN(from_header(h->waited_header, h->read_wall_ms),
			 h->read_mono_ms - queued_ms);
	else
		ms = from_moment(h->waited_from, h->read_wall_ms);
	return MAX(ms, 0);
}
