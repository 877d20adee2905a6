/* clock.c - see clock.h. */
#include "base/clock.h"

#include "base/str.h"

static int64_t now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

char *clock_text(int64_t wall_ms, char at[static CLOCK_TEXT])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm = { 0 };
	size_t n;

	gmtime_r(&s, &tm);
	strftime(at, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	n = strlen(at);
	snprintf(at + n, CLOCK_TEXT - n, ".%03uZ",
		 (unsigned int)(wall_ms % 1000) % 1000);
	return at;
}

int64_t clock_duration_ms(const char *s)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {
		{ 's', 1000 },
		{ 'm', 60000 },
		{ 'h', 3600000 },
		{ 'd', 86400000 },
	};
	struct str all = str_of(s);
	int64_t n;

	for (size_t i = 0; i < COUNT(units); i++)
		if (all.n > 1 && all.p[all.n - 1] == units[i].unit &&
		    !str_int((struct str){ all.p, all.n - 1 }, 0, 1000000000,
			     &n))
			return n * units[i].ms;
	return -1;
}
