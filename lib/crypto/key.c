/* key.c - see key.h. */
#include "crypto/key.h"

#include "base/rand.h"
#include "crypto/hash.h"

#define PREFIX   "sk-"
#define RANDOM   42
#define CHECKSUM 6 /* 62^6 is more than 2^32 */

/* CRC-32 as in zip and PNG. */
static uint32_t crc32_of(const char *p, size_t n)
{
	uint32_t c = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		c ^= (unsigned char)p[i];
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

static void checksum(const char *random, char at[static CHECKSUM])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	uint32_t c = crc32_of(random, RANDOM);

	for (int i = CHECKSUM - 1; i >= 0; i--) {
		at[i] = digits[c % 62];
		c /= 62;
	}
}

char *key_new(char at[static KEY_TEXT])
{
	char *random = at + sizeof(PREFIX) - 1;

	memcpy(at, PREFIX, sizeof(PREFIX));
	rand_text(random, RANDOM);
	checksum(random, random + RANDOM);
	at[KEY_LENGTH] = '\0';
	return at;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

enum key_verdict key_check(struct str key)
{
	char want[CHECKSUM];

	if (key.n != KEY_LENGTH || !str_starts(key, PREFIX))
		return KEY_NOT_OURS;
	key.p += sizeof(PREFIX) - 1;
	for (int i = 0; i < RANDOM + CHECKSUM; i++)
		if (!is_alnum(key.p[i]))
			return KEY_NOT_OURS;
	checksum(key.p, want);
	return memcmp(want, key.p + RANDOM, CHECKSUM) ? KEY_BAD_CHECKSUM :
							KEY_OK;
}

void key_hash(struct str key, unsigned char out[static KEY_HASH])
{
	hash_sha256(key.p, key.n, out);
}

static char *put(char *to, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*to++ = (char)(is_alnum(p[i]) || p[i] == '-' || p[i] == '_' ?
				       p[i] :
				       '*');
	return to;
}

/* How much of each end of a key so long, without its prefix, is shown. */
static const struct {
	size_t length, ends;
} shown[] = {
	{ 32, 4 },
	{ 16, 2 },
	{ 0, 0 },
};

char *key_hint(struct str key, char at[static KEY_HINT])
{
	struct str rest = key;
	char *to = at;
	int i = 0;

	if (str_starts(rest, PREFIX)) {
		to = put(to, PREFIX, sizeof(PREFIX) - 1);
		rest.p += sizeof(PREFIX) - 1;
		rest.n -= sizeof(PREFIX) - 1;
	}
	while (rest.n < shown[i].length)
		i++;
	to = put(to, rest.p, shown[i].ends);
	memcpy(to, "...", 3);
	to += 3;
	if (shown[i].ends)
		to = put(to, rest.p + rest.n - shown[i].ends, shown[i].ends);
	*to = '\0';
	return at;
}
