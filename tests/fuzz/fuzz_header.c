/* fuzz_header.c - lib/http/header: nothing that could end a line passes, and
 * pauses stay in their range. */
#include "http/header.h"

#include <assert.h>

#define DAY_MS 86400000

static bool clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = { (const char *)data, n }, value = all, name, token;
	char text[64];
	int64_t ms;

	str_next(&value, ':', &name);
	if (!value.p)
		value = STR("");
	if (header_name_ok(name))
		assert(name.n && clean(name));
	snprintf(text, sizeof(text), "%.*s", (int)MIN(name.n, 63),
		 name.n ? name.p : "");
	if (header_passes(text, value))
		assert(clean(value) && header_value_ok(value));
	ms = header_retry_after_ms(value, 1000000000000);
	assert(ms >= -1 && ms <= DAY_MS);
	ms = header_retry_ms(value);
	assert(ms >= -1 && ms <= DAY_MS);
	if (!bearer(all, &token) && token.p)
		assert(token.n && clean(token) &&
		       !memchr(token.p, ' ', token.n));
	return 0;
}
