/* header.c - see header.h. */
#include "http/header.h"

#define DAY_MS 86400000LL

bool header_name_ok(struct str name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i], low = (char)(c | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr(marks, c)))
			return false;
	}
	return name.n > 0;
}

bool header_value_ok(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* --- what may pass ---------------------------------------------------------- */

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= HEADER_VALUE_MAX;
}

const char *header_content_type(struct str value)
{
	static const char *const types[] = {
		"application/json",
		"text/event-stream",
		"application/x-ndjson",
		"application/jsonl",
		"application/octet-stream",
		"text/plain",
		"text/vtt",
		"application/x-subrip",
		"audio/mpeg",
		"audio/wav",
		"audio/x-wav",
		"audio/wave",
		"audio/flac",
		"audio/aac",
		"audio/opus",
		"audio/ogg",
		"audio/pcm",
		"audio/L16",
		"image/png",
		"image/jpeg",
		"image/webp",
		"image/gif",
		"video/mp4",
	};
	struct str type;

	if (!str_next(&value, ';', &type))
		return NULL;
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ieq(str_trim(type), types[i]))
			return types[i];
	return NULL;
}

static bool known_type(struct str value)
{
	return header_content_type(value);
}

static bool true_or_false(struct str value)
{
	return str_eq(value, "true") || str_eq(value, "false");
}

static bool a_pause(struct str value)
{
	return header_retry_after_ms(value, 1) >= 0;
}

static bool milliseconds(struct str value)
{
	return header_retry_ms(value) >= 0;
}

/* clang-format off */
#define RATE_LIMIT(of)                           \
	{ "x-ratelimit-limit" of, NULL, NULL },     \
	{ "x-ratelimit-remaining" of, NULL, NULL }, \
	{ "x-ratelimit-reset" of, NULL, NULL }
/* clang-format on */

/* OpenAI's, https://platform.openai.com/docs/api-reference/debugging-requests;
 * the rate limits also as other vendors divide them. */
static const struct {
	const char *name, *as;        /* as NULL: the same */
	bool (*ok)(struct str value); /* NULL: any text */
} passing[] = {
	/* clang-format off */
	{ "content-type",         NULL, known_type },
	{ "retry-after",          NULL, a_pause },
	{ "retry-after-ms",       NULL, milliseconds },
	{ "x-should-retry",       NULL, true_or_false },
	{ "openai-processing-ms", NULL, NULL },
	{ "openai-version",       NULL, NULL },
	{ "x-request-id",         "x-upstream-request-id", NULL },
	{ "request-id",           "x-upstream-request-id", NULL },
	RATE_LIMIT(""),
	RATE_LIMIT("-requests"),
	RATE_LIMIT("-tokens"),
	RATE_LIMIT("-input-tokens"),
	RATE_LIMIT("-output-tokens"),
	RATE_LIMIT("-project-tokens"),
	RATE_LIMIT("-requests-minute"),
	RATE_LIMIT("-requests-day"),
	RATE_LIMIT("-tokens-minute"),
	RATE_LIMIT("-tokens-day"),
	/* clang-format on */
};

const char *header_passes(const char *name, struct str value)
{
	struct str asked = str_of(name);

	for (size_t i = 0; i < COUNT(passing); i++) {
		if (!str_ieq(asked, passing[i].name))
			continue;
		if (!printable(value) ||
		    (passing[i].ok && !passing[i].ok(value)))
			return NULL;
		return passing[i].as ? passing[i].as : passing[i].name;
	}
	return NULL;
}

bool header_may_change(struct str name)
{
	static const char *const names[] = {
		"authorization",
		"x-api-key",
		"api-key",
		"x-goog-api-key",
		"host",
		"content-length",
		"content-type",
		"content-encoding",
		"transfer-encoding",
		"accept-encoding",
		"connection",
		"keep-alive",
		"upgrade",
		"te",
		"trailer",
		"expect",
		"range",
		"cookie",
		"proxy-authorization",
		"proxy-connection",
	};

	if (!header_name_ok(name))
		return false;
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq(name, names[i]))
			return false;
	return true;
}

/* --- pauses ------------------------------------------------------------------ */

/* A decimal number times `scale`, rounded up, a day at most; -1: is none. */
static int64_t decimal(struct str s, int64_t scale)
{
	int64_t v = 0, unit = scale;
	bool point = false, digit = false, more = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			return -1;
		digit = true;
		if (!point) {
			v = MIN(v * 10 + (c - '0') * scale, DAY_MS);
			continue;
		}
		unit /= 10; /* 100, 10, 1, then what is rounded up */
		v += (c - '0') * unit;
		more |= !unit && c != '0';
	}
	return digit ? MIN(v + more, DAY_MS) : -1;
}

/* RFC 9110, 5.6.7: what is sent, and two that must be understood. */
static int64_t date_ms(struct str value)
{
	static const char *const formats[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%a, %d-%b-%y %H:%M:%S GMT",
		"%a %b %d %H:%M:%S %Y",
	};
	char text[64];
	struct tm tm;

	if (value.n >= sizeof(text) || !printable(value))
		return -1;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	for (size_t i = 0; i < COUNT(formats); i++) {
		const char *end;

		tm = (struct tm){ 0 };
		end = strptime(text, formats[i], &tm);
		if (end && !*end)
			return (int64_t)timegm(&tm) * 1000;
	}
	return -1;
}

int64_t header_retry_after_ms(struct str value, int64_t wall_now_ms)
{
	int64_t v;

	value = str_trim(value);
	v = decimal(value, 1000);
	if (v >= 0 || !wall_now_ms)
		return v;
	v = date_ms(value);
	if (v < 0)
		return -1;
	return MIN(MAX(v - wall_now_ms, 0), DAY_MS);
}

int64_t header_retry_ms(struct str value)
{
	return decimal(str_trim(value), 1);
}

static size_t digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
		n++;
	return n;
}

/* As Go writes durations: https://pkg.go.dev/time#Duration.String */
int64_t header_reset_ms(struct str value)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 },
	};
	struct str s = str_trim(value);
	int64_t sum = 0;

	if (s.n && digits(s) == s.n)
		return decimal(s, 1000);
	while (s.n) {
		size_t n = digits(s), i = 0;
		int64_t v;

		struct str number = { s.p, n };

		s = (struct str){ s.p + n, s.n - n };
		while (i < COUNT(units) && !str_starts(s, units[i].unit))
			i++;
		v = i < COUNT(units) ? decimal(number, units[i].ms) : -1;
		if (v < 0)
			return -1;
		n = strlen(units[i].unit);
		s = (struct str){ s.p + n, s.n - n };
		sum = MIN(sum + v, DAY_MS);
	}
	return value.n ? sum : -1;
}

/* --- who asks ------------------------------------------------------------------ */

int bearer(struct str authorization, struct str *token)
{
	struct str s = str_trim(authorization);
	struct str scheme = { s.p, MIN(s.n, 6) };

	*token = STR_NONE;
	if (!s.n)
		return 0;
	if (!str_ieq(scheme, "bearer") || s.n < 8 || s.p[6] != ' ')
		return -1;
	s = str_trim((struct str){ s.p + 7, s.n - 7 });
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e)
			return -1;
	*token = s;
	return 0;
}
