/* fault.c - see fault.h.  `upstream --list` prints names and helps. */
#include "fault.h"

/* clang-format off */
#define STEPS(...) ((const struct step[]){ __VA_ARGS__, { STEP_END, NULL, 0 } })

#define JSON  "200 OK\r\nContent-Type: application/json\r\n"
#define HTML  "200 OK\r\nContent-Type: text/html\r\n"
#define SSE   "200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" \
	"x-request-id: req_mock\r\n"
#define EVIL  "X-Accel-Redirect: /etc/passwd\r\n" \
	"X-Accel-Limit-Rate: 1\r\nX-Accel-Charset: utf-7\r\n" \
	"Set-Cookie: evil=1; Path=/\r\nStatus: 299 Evil\r\n" \
	"Location: http://169.254.169.254/latest/meta-data/\r\n" \
	"Content-Security-Policy: none\r\n"
#define PAGE  "<!DOCTYPE html><html><body>upstream.internal: bad gateway</body></html>"
#define ERROR_BODY "{\"error\":{\"message\":\"The server had an error\"," \
	"\"type\":\"server_error\",\"param\":null,\"code\":null}}"
#define CHUNK(content) "{\"id\":\"chatcmpl-mock\"," \
	"\"object\":\"chat.completion.chunk\",\"created\":1795262400," \
	"\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" \
	content "\"},\"logprobs\":null,\"finish_reason\":null}]}"
#define OPEN      { STEP_HEAD, SSE, FRAME_CHUNKED }, { STEP_ROLE, NULL, 0 }
#define FIRST(k)  { STEP_CONTENT, NULL, (k) }
#define PAUSE(ms) { STEP_PAUSE, NULL, (ms) }
#define DO(kind)  { STEP_##kind, NULL, 0 }
#define CLOSING   DO(FINISH), DO(USAGE), DO(DONE)

static const struct step *const right_whole = STEPS(DO(WHOLE));
static const struct step *const right_stream =
	STEPS(OPEN, DO(CONTENT), CLOSING);

/* Pauses before a reset let what was sent arrive first. */
static const struct fault faults[] = {
{ .name = "mock-echo", "answers right: echoes the last user message" },
{ .name = "mock-tools", "calls a tool, its arguments in fragments" },
{ .name = "mock-tools2", "two parallel calls" },
{ .name = "mock-reasoning", "reasoning_content before the content", .flags = FAULT_REASONS },

/* with numbers in the name */
{ .name = "mock-stream-", "N-MS: N events, MS ms apart, each with its number and the time",
  .stream = STEPS(OPEN, DO(PACED), CLOSING) },
{ .name = "mock-size-", "N: an answer of N bytes of text",
  STEPS(DO(SIZED)), STEPS(OPEN, { STEP_FILL, "data: " CHUNK("0123456789abcdef") "\n\n", -1 }, CLOSING) },
{ .name = "mock-delay-", "MS: waits, then answers right",
  STEPS(DO(WAIT), DO(WHOLE)), STEPS(DO(WAIT), OPEN, DO(CONTENT), CLOSING) },
{ .name = "mock-status-", "CODE: this status with OpenAI's error object", STEPS(DO(ARG_ERROR)) },
{ .name = "mock-usage-", "P-C-K: prompt, completion and cached tokens" },
{ .name = "mock-flaky-", "N: each Nth request fails with 500" },

/* the connection */
{ .name = "mock-drop", "closes without a byte", STEPS(DO(CLOSE)) },
{ .name = "mock-reset", "resets without a byte", STEPS(DO(RESET)) },
{ .name = "mock-silence", "says nothing, for ever", STEPS(DO(SILENCE)) },
{ .name = "mock-silence-after-headers", "headers, then nothing",
  STEPS({ STEP_HEAD, JSON, 500 }, DO(SILENCE)), STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, DO(SILENCE)) },
{ .name = "mock-silence-after-event", "some content, then nothing",
  STEPS({ STEP_HEAD, JSON, 500 }, { STEP_PIECE, "{\"id\":", 0 }, DO(SILENCE)), STEPS(OPEN, FIRST(2), DO(SILENCE)) },
{ .name = "mock-reset-after-headers", "headers, then a reset",
  STEPS({ STEP_HEAD, JSON, 500 }, PAUSE(20), DO(RESET)), STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, PAUSE(20), DO(RESET)) },
{ .name = "mock-reset-mid-event", "two events and half an event, then a reset",
  STEPS({ STEP_HEAD, JSON, 500 }, { STEP_PIECE, "{\"id\":\"chatcmpl-mo", 0 }, PAUSE(20), DO(RESET)),
  STEPS(OPEN, FIRST(2), { STEP_PIECE, "data: {\"id\":\"chatcmpl-mo", 0 }, PAUSE(20), DO(RESET)) },
{ .name = "mock-half-event", "half an event, then nothing",
  STEPS({ STEP_HEAD, JSON, 500 }, { STEP_PIECE, "{\"id\":\"chatcmpl-mo", 0 }, DO(SILENCE)),
  STEPS(OPEN, { STEP_PIECE, "data: {\"id\":\"chatcmpl-mo", 0 }, DO(SILENCE)) },
{ .name = "mock-cut", "content, then a clean end without finish or [DONE]",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.comp", 0 }),
  STEPS(OPEN, FIRST(2)) },
{ .name = "mock-cut-close", "content, then the connection closes inside the chunks",
  STEPS({ STEP_HEAD, JSON, 500 }, { STEP_PIECE, "{\"id\":\"chatcmpl-mock\"", 0 }, DO(CLOSE)), STEPS(OPEN, FIRST(2), DO(CLOSE)) },
{ .name = "mock-drip", "one byte a second",
  STEPS({ STEP_DRIP, NULL, 1000 }, DO(WHOLE)), STEPS({ STEP_DRIP, NULL, 1000 }, OPEN, DO(CONTENT), CLOSING) },
{ .name = "mock-drip-body", "the head at once, then one byte a second",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_DRIP, NULL, 1000 }, DO(BODY)), STEPS(OPEN, { STEP_DRIP, NULL, 1000 }, DO(CONTENT), CLOSING) },
{ .name = "mock-close-on-reuse", "answers right; the connection closes as the next request comes", .flags = FAULT_ONCE },
{ .name = "mock-endless", "a stream that never ends, an event each 10 ms",
  .whole = STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, " ", 0 }, PAUSE(10), { STEP_LOOP, NULL, 1 }),
  .stream = STEPS(OPEN, { STEP_EVENT, CHUNK("more "), 0 }, PAUSE(10), { STEP_LOOP, NULL, 2 }) },
{ .name = "mock-flood", "a stream that never ends, as fast as it is read",
  .whole = STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_FILL, " ", 1 << 20 }, { STEP_LOOP, NULL, 1 }),
  .stream = STEPS(OPEN, { STEP_EVENT, CHUNK("more "), 0 }, { STEP_LOOP, NULL, 2 }) },
{ .name = "mock-comments", "comments only, one each 100 ms, for ever",
  STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, { STEP_PIECE, ": keep-alive\n\n", 0 }, PAUSE(100), { STEP_LOOP, NULL, 1 }) },

/* 200, but no answer */
{ .name = "mock-html", "200 with a page", STEPS({ STEP_HEAD, HTML, FRAME_CHUNKED }, { STEP_PIECE, PAGE, 0 }) },
{ .name = "mock-html-json", "200 with a page that says it is JSON", STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, PAGE, 0 }) },
{ .name = "mock-empty", "200 with nothing", STEPS({ STEP_HEAD, JSON, 0 }), STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }) },
{ .name = "mock-empty-stream", "role, finish and [DONE], no content", STEPS({ STEP_HEAD, JSON, 2 }, { STEP_PIECE, "{}", 0 }), STEPS(OPEN, CLOSING) },
{ .name = "mock-done-only", "only [DONE]", STEPS({ STEP_HEAD, JSON, 4 }, { STEP_PIECE, "null", 0 }), STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, DO(DONE)) },
{ .name = "mock-json-cut", "200 with JSON that is cut off",
  STEPS({ STEP_HEAD, JSON, 29 }, { STEP_PIECE, "{\"id\":\"chatcmpl-mock\",\"choic", 0 }, { STEP_PIECE, "e", 0 }),
  STEPS(OPEN, { STEP_EVENT, "{\"id\":\"chatcmpl-mock\",\"choic", 0 }, DO(DONE)) },
{ .name = "mock-error-200", "200 with an error object", STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, ERROR_BODY, 0 }) },
{ .name = "mock-error-first", "a stream whose first event is an error",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, ERROR_BODY, 0 }),
  STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, { STEP_EVENT, ERROR_BODY, 0 }) },
{ .name = "mock-error-after-role", "a stream whose second event is an error",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, ERROR_BODY, 0 }),
  STEPS(OPEN, { STEP_EVENT, ERROR_BODY, 0 }) },
{ .name = "mock-error-later", "an error after some content",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, ERROR_BODY, 0 }),
  STEPS(OPEN, FIRST(2), { STEP_EVENT, ERROR_BODY, 0 }) },

/* statuses */
{ .name = "mock-refuse", "503, the shortest refusal", STEPS({ STEP_HEAD, "503 Service Unavailable\r\n", 0 }) },
{ .name = "mock-400", "400", STEPS({ STEP_ERROR, "", 400 }) },
{ .name = "mock-401", "401", STEPS({ STEP_ERROR, "", 401 }) },
{ .name = "mock-403", "403", STEPS({ STEP_ERROR, "", 403 }) },
{ .name = "mock-404", "404", STEPS({ STEP_ERROR, "", 404 }) },
{ .name = "mock-408", "408", STEPS({ STEP_ERROR, "", 408 }) },
{ .name = "mock-409", "409", STEPS({ STEP_ERROR, "", 409 }) },
{ .name = "mock-413", "413", STEPS({ STEP_ERROR, "", 413 }) },
{ .name = "mock-429", "429 without Retry-After", STEPS({ STEP_ERROR, "", 429 }) },
{ .name = "mock-429-retry-after", "429 with Retry-After: 2", STEPS({ STEP_ERROR, "Retry-After: 2\r\n", 429 }) },
{ .name = "mock-429-retry-after-ms", "429 with retry-after-ms: 300 (and Retry-After: 60)", STEPS({ STEP_ERROR, "retry-after-ms: 300\r\nRetry-After: 60\r\n", 429 }) },
{ .name = "mock-429-retry-after-date", "429 with a date", STEPS({ STEP_ERROR, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", 429 }) },
{ .name = "mock-429-retry-after-bad", "429 with a Retry-After of nonsense", STEPS({ STEP_ERROR, "Retry-After: -99999999999999999999\r\n", 429 }) },
{ .name = "mock-500", "500", STEPS({ STEP_ERROR, "", 500 }) },
{ .name = "mock-502", "502", STEPS({ STEP_ERROR, "", 502 }) },
{ .name = "mock-503", "503", STEPS({ STEP_ERROR, "", 503 }) },
{ .name = "mock-529", "529", STEPS({ STEP_ERROR, "", 529 }) },
{ .name = "mock-502-html", "502 with a page", STEPS({ STEP_HEAD, "502 Bad Gateway\r\nContent-Type: text/html\r\n", FRAME_CHUNKED }, { STEP_PIECE, PAGE, 0 }) },
{ .name = "mock-500-empty", "500 with nothing", STEPS({ STEP_HEAD, "500 Internal Server Error\r\n", 0 }) },
{ .name = "mock-400-quotes-key", "400 that quotes the key that came", STEPS({ STEP_KEYED, "", 400 }) },
{ .name = "mock-401-quotes-key", "401 that quotes the key that came", STEPS({ STEP_KEYED, "", 401 }) },
{ .name = "mock-429-once", "429 with Retry-After: 1, and the next one right" },
{ .name = "mock-flip-", "MS: right, 429, silence and 500 in turn, each for MS ms" },
{ .name = "mock-filter", "400 content_filter", STEPS({ STEP_ERROR, "", 4001 }) },
{ .name = "mock-quota", "429 insufficient_quota", STEPS({ STEP_ERROR, "", 4290 }) },
{ .name = "mock-context", "400 context_length_exceeded", STEPS({ STEP_ERROR, "", 4000 }) },
{ .name = "mock-redirect-loopback", "302 to 127.0.0.1:9", STEPS({ STEP_HEAD, "302 Found\r\nLocation: http://127.0.0.1:9/\r\n", 0 }) },
{ .name = "mock-redirect-metadata", "302 to 169.254.169.254", STEPS({ STEP_HEAD, "302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n", 0 }) },
{ .name = "mock-307", "307 to 169.254.169.254", STEPS({ STEP_HEAD, "307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\n", 0 }) },

/* how a stream is written */
{ .name = "mock-no-done", "finish, no [DONE]", .stream = STEPS(OPEN, DO(CONTENT), DO(FINISH), DO(USAGE)) },
{ .name = "mock-no-finish", "[DONE], no finish", .stream = STEPS(OPEN, DO(CONTENT), DO(DONE)) },
{ .name = "mock-done-more", "[DONE], then another event",
  .stream = STEPS(OPEN, DO(CONTENT), CLOSING, { STEP_EVENT, CHUNK("after the end"), 0 }) },
{ .name = "mock-done-hang", "[DONE], then the connection stays open", .stream = STEPS(OPEN, DO(CONTENT), CLOSING, DO(SILENCE)) },
{ .name = "mock-crlf", "lines end with CRLF", .flags = FAULT_CRLF },
{ .name = "mock-cr", "lines end with CR", .flags = FAULT_CR },
{ .name = "mock-mix", "LF, CRLF and CR in turn", .flags = FAULT_MIX },
{ .name = "mock-bom", "a byte order mark first",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, "\xef\xbb\xbf", 0 }, DO(BODY)),
  STEPS({ STEP_HEAD, SSE, FRAME_CHUNKED }, { STEP_PIECE, "\xef\xbb\xbf", 0 }, DO(ROLE), DO(CONTENT), CLOSING) },
{ .name = "mock-utf8-split", "characters cut between chunks",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED },
	{ STEP_PIECE, "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"mock\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\xe6", 0 }, PAUSE(10),
	{ STEP_PIECE, "\xbc\xa2 \xf0\x9f", 0 }, PAUSE(10), { STEP_PIECE, "\x98\x80\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":8,\"total_tokens\":11}}", 0 }),
  STEPS(OPEN, { STEP_PIECE, "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xe6", 0 }, PAUSE(10),
	{ STEP_PIECE, "\xbc\xa2 \xf0\x9f", 0 }, PAUSE(10), { STEP_PIECE, "\x98\x80\"},\"finish_reason\":null}]}\n\n", 0 }, CLOSING) },
{ .name = "mock-bad-utf8", "bytes that are no UTF-8",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\xff\xfe\"},\"finish_reason\":\"stop\"}]}", 0 }),
  STEPS(OPEN, { STEP_EVENT, CHUNK("\xff\xfe"), 0 }, CLOSING) },
{ .name = "mock-long-line", "a line of 100 MB",
  STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_PIECE, "{\"id\":\"", 0 }, { STEP_FILL, "xxxxxxxxxxxxxxxx", 100 << 20 }, { STEP_PIECE, "\"}", 0 }),
  STEPS(OPEN, { STEP_PIECE, "data: {\"id\":\"", 0 }, { STEP_FILL, "xxxxxxxxxxxxxxxx", 100 << 20 }, { STEP_PIECE, "\"}\n\n", 0 }, CLOSING) },

/* the framing */
{ .name = "mock-gzip-bomb", "Content-Encoding: gzip, 1 MB that grows to 166 MB",
  STEPS({ STEP_HEAD, JSON "Content-Encoding: gzip\r\n", FRAME_CHUNKED }, { STEP_BOMB, NULL, 1 << 20 }),
  STEPS({ STEP_HEAD, SSE "Content-Encoding: gzip\r\n", FRAME_CHUNKED }, { STEP_BOMB, NULL, 1 << 20 }) },
{ .name = "mock-gzip", "says gzip, is plain",
  STEPS({ STEP_WHOLE, "Content-Encoding: gzip\r\n", 0 }), STEPS({ STEP_HEAD, SSE "Content-Encoding: gzip\r\n", FRAME_CHUNKED }, DO(ROLE), DO(CONTENT), CLOSING) },
{ .name = "mock-length-long", "Content-Length says more than comes, then it closes", STEPS({ STEP_HEAD, JSON, 100000 }, DO(BODY), DO(CLOSE)) },
{ .name = "mock-length-short", "Content-Length says less than comes", STEPS({ STEP_HEAD, JSON, 40 }, DO(BODY), DO(CLOSE)) },
{ .name = "mock-length-bad", "two Content-Lengths", STEPS({ STEP_HEAD, JSON "Content-Length: 7\r\n", 2 }, { STEP_PIECE, "{}", 0 }, DO(CLOSE)) },
{ .name = "mock-chunk-bad", "a chunk size that is none", STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, { STEP_RAW, "zz\r\n{}\r\n0\r\n\r\n", 0 }, DO(CLOSE)) },
{ .name = "mock-close-framed", "no length, no chunks: the end is the close",
  STEPS({ STEP_HEAD, JSON, FRAME_CLOSE }, DO(BODY), DO(CLOSE)), STEPS({ STEP_HEAD, SSE, FRAME_CLOSE }, DO(ROLE), DO(CONTENT), CLOSING, DO(CLOSE)) },
{ .name = "mock-two-bodies", "two JSON bodies", STEPS({ STEP_HEAD, JSON, FRAME_CHUNKED }, DO(BODY), DO(BODY)) },
{ .name = "mock-not-http", "bytes that are no HTTP", STEPS({ STEP_RAW, "SSH-2.0-mock\r\n", 0 }, DO(CLOSE)) },
{ .name = "mock-big-headers", "1 MB of one header",
  STEPS({ STEP_RAW, "HTTP/1.1 200 OK\r\nX-Big: ", 0 }, { STEP_RAWFILL, "xxxxxxxxxxxxxxxx", 65536 }, { STEP_RAW, "\r\nContent-Length: 2\r\n\r\n{}", 0 }, DO(CLOSE)) },
{ .name = "mock-many-headers", "10,000 headers",
  STEPS({ STEP_RAW, "HTTP/1.1 200 OK\r\n", 0 }, { STEP_RAWFILL, "X-Many: x\r\n", 10000 }, { STEP_RAW, "Content-Length: 2\r\n\r\n{}", 0 }, DO(CLOSE)) },
{ .name = "mock-evil-headers", "headers meant for our web server, then a right answer",
  STEPS({ STEP_WHOLE, EVIL, 0 }), STEPS({ STEP_HEAD, SSE EVIL, FRAME_CHUNKED }, DO(ROLE), DO(CONTENT), CLOSING) },

/* usage */
{ .name = "mock-usage-missing", "no usage", .usage = "" },
{ .name = "mock-usage-null", "usage: null", .usage = "null" },
{ .name = "mock-usage-negative", "negative counts", .usage = "{\"prompt_tokens\":-5,\"completion_tokens\":-7,\"total_tokens\":-12}" },
{ .name = "mock-usage-huge", "10^18", .usage = "{\"prompt_tokens\":1000000000000000000,\"completion_tokens\":1000000000000000000,\"total_tokens\":2000000000000000000}" },
{ .name = "mock-usage-overflow", "10^30 and a fraction", .usage = "{\"prompt_tokens\":1000000000000000000000000000000,\"completion_tokens\":1.5,\"total_tokens\":1e300}" },
{ .name = "mock-usage-strings", "counts as strings", .usage = "{\"prompt_tokens\":\"9\",\"completion_tokens\":\"12\",\"total_tokens\":\"21\"}" },
{ .name = "mock-usage-zeros", "explicit zeros", .usage = "{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}" },
{ .name = "mock-usage-array", "usage: []", .usage = "[]" },
{ .name = "mock-usage-every", "usage in every event", .flags = FAULT_USAGE_EVERY },
{ .name = "mock-usage-last", "usage in the event that finishes", .flags = FAULT_USAGE_LAST },

{ .name = "mock-chaos", "one of the rows that end by themselves, by chance (--seed)", .flags = FAULT_ANY },
};
/* clang-format on */

static bool ends_in_dash(const char *name)
{
	return name[strlen(name) - 1] == '-';
}

/* The numbers of "8-20", or false. */
static bool read_args(struct str s, int64_t arg[3])
{
	struct str piece;
	int n = 0;

	while (n < 3 && str_next(&s, '-', &piece))
		if (str_int(piece, 0, INT64_MAX, &arg[n++]) < 0)
			return false;
	return n && !s.p;
}

const struct fault *fault_find(struct str model, int64_t arg[3])
{
	arg[0] = arg[1] = arg[2] = 0;
	if (!str_starts(model, "mock-"))
		return &faults[0];
	for (size_t i = 0; i < COUNT(faults); i++) {
		size_t n = strlen(faults[i].name);

		if (str_eq(model, faults[i].name))
			return &faults[i];
		if (ends_in_dash(faults[i].name) &&
		    str_starts(model, faults[i].name) &&
		    read_args((struct str){ model.p + n, model.n - n }, arg))
			return &faults[i];
	}
	arg[0] = arg[1] = arg[2] = 0;
	return &faults[0];
}

const struct fault *fault_at(size_t i)
{
	return i < COUNT(faults) ? &faults[i] : NULL;
}

/* False: silence, a loop, a drip or 100 MB. */
static bool ends(const struct step *s)
{
	for (; s && s->kind != STEP_END; s++)
		if (s->kind == STEP_SILENCE || s->kind == STEP_LOOP ||
		    s->kind == STEP_DRIP || s->n >= 100 << 20)
			return false;
	return true;
}

const struct fault *fault_any(uint64_t n)
{
	for (size_t i = 0; i < COUNT(faults); i++, n++) {
		const struct fault *f = &faults[n % COUNT(faults)];

		if (!ends_in_dash(f->name) && !(f->flags & FAULT_ANY) &&
		    ends(f->whole) && ends(f->stream))
			return f;
	}
	return &faults[0];
}

const struct step *fault_steps(const struct fault *f, bool stream)
{
	if (stream && f->stream)
		return f->stream;
	if (f->whole)
		return f->whole;
	return stream ? right_stream : right_whole;
}
