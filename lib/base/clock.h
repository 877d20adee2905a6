/* clock.h - durations are monotonic, wall time is for people and expiry. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970, UTC */

#define CLOCK_TEXT 40 /* enough for clock_text() */
/* "2031-05-06T07:08:09.123Z", into at, which it returns. */
char *clock_text(int64_t wall_ms, char at[static CLOCK_TEXT]);

/* "30s", "15m", "12h", "30d" to milliseconds; -1: not a duration. */
int64_t clock_duration_ms(const char *s);

#endif
