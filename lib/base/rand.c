/* rand.c - see rand.h. */
#include "base/rand.h"

#include <sys/random.h>

void rand_bytes(void *p, size_t n)
{
	char *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

/* In the order of their bytes. */
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz";

char *rand_text(char *at, size_t n)
{
	unsigned char raw[64];
	size_t left = 0, i = 0;

	while (i < n) {
		if (!left) {
			left = sizeof(raw);
			rand_bytes(raw, left);
		}
		if (raw[--left] < 248) /* 4 * 62: every digit alike */
			at[i++] = digits[raw[left] % 62];
	}
	at[n] = '\0';
	return at;
}

char *rand_request_id(char at[static RAND_REQUEST_ID], int64_t wall_ms)
{
	snprintf(at, RAND_REQUEST_ID, "req_");
	for (int i = 10; i >= 4; i--) {
		at[i] = digits[wall_ms % 62];
		wall_ms /= 62;
	}
	rand_text(at + 11, 15);
	return at;
}

uint64_t rand_below(uint64_t n)
{
	uint64_t v, limit = UINT64_MAX - UINT64_MAX % n;

	do
		rand_bytes(&v, sizeof(v));
	while (v >= limit);
	return v % n;
}
