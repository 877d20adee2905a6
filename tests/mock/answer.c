/* answer.c - see answer.h. */
#include "answer.h"

#include "base/clock.h"
#include "peek.h"

#define CREATED "\"created\":1795262400,\"model\":\""

static void put(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

#define LIT(b, text) buf_add((b), (text), sizeof(text) - 1)

void answer_int(struct buf *b, int64_t v)
{
	char at[24], *p = at + sizeof(at);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(at + sizeof(at) - p));
}

/* --- text ------------------------------------------------------------------ */

/* One level more of escapes: JSON text inside a JSON string. */
static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
}

static void put_text(struct buf *b, const struct ask *a)
{
	if (a->json) {
		LIT(b, "{\\\"echo\\\":\\\"");
		put_escaped(b, a->text);
		LIT(b, "\\\"}");
		return;
	}
	LIT(b, "echo: ");
	put(b, a->text);
}

static int64_t text_bytes(const struct ask *a)
{
	struct buf b;
	int64_t n;

	if (a->tool.p)
		return (int64_t)(a->args.n + a->args2.n);
	if (!a->json)
		return (int64_t)(a->text.n + strlen("echo: "));
	buf_init(&b, SIZE_MAX / 2);
	put_text(&b, a);
	n = (int64_t)b.len;
	buf_release(&b);
	return n;
}

/* Bytes of the piece at the start of s: about `want`, escapes and characters
 * whole. */
static size_t piece_bytes(struct str s, size_t want)
{
	size_t at = 0;

	while (at < s.n && at < want) {
		if (s.p[at] == '\\')
			at += at + 1 < s.n && s.p[at + 1] == 'u' ? 6 : 2;
		else
			at++;
		while (at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
			at++;
	}
	return MIN(at, s.n);
}

/* --- usage ----------------------------------------------------------------- */

struct counts {
	int64_t prompt, completion, cached;
};

/* Bytes of the texts, unless the model's name says the numbers. */
static struct counts count(const struct answer *a)
{
	if (!strcmp(a->fault->name, "mock-usage-"))
		return (struct counts){ a->arg[0], a->arg[1], a->arg[2] };
	if (!strcmp(a->fault->name, "mock-stream-"))
		return (struct counts){ (int64_t)a->ask->text.n, a->arg[0], 0 };
	return (struct counts){ (int64_t)a->ask->text.n,
				text_bytes(a->ask) * a->ask->n, 0 };
}

static void put_counts(struct buf *b, struct counts c)
{
	LIT(b, "{\"prompt_tokens\":");
	answer_int(b, c.prompt);
	LIT(b, ",\"completion_tokens\":");
	answer_int(b, c.completion);
	LIT(b, ",\"total_tokens\":");
	answer_int(b, c.prompt + c.completion);
	LIT(b, ",\"prompt_tokens_details\":{\"cached_tokens\":");
	answer_int(b, c.cached);
	LIT(b, "},\"completion_tokens_details\":{\"reasoning_tokens\":0}}");
}

static void put_usage(struct buf *b, const struct answer *a)
{
	if (a->fault->usage && !*a->fault->usage)
		return;
	LIT(b, ",\"usage\":");
	if (a->fault->usage)
		buf_str(b, a->fault->usage);
	else
		put_counts(b, count(a));
}

/* --- a whole answer ---------------------------------------------------------*/

static void put_call(struct buf *b, const struct ask *a, int i)
{
	LIT(b, "{\"id\":\"call_");
	answer_int(b, i);
	LIT(b, "\",\"type\":\"function\",\"function\":{\"name\":\"");
	put(b, a->tool);
	LIT(b, "\",\"arguments\":\"");
	put(b, i ? a->args2 : a->args);
	LIT(b, "\"}}");
}

static void put_message(struct buf *b, const struct answer *a, int64_t bytes)
{
	LIT(b, ",\"message\":{\"role\":\"assistant\",\"content\":");
	if (a->ask->tool.p) {
		LIT(b, "null,\"tool_calls\":[");
		put_call(b, a->ask, 0);
		if (a->ask->args2.p) {
			LIT(b, ",");
			put_call(b, a->ask, 1);
		}
		LIT(b, "]");
	} else {
		LIT(b, "\"");
		if (bytes < 0)
			put_text(b, a->ask);
		for (; bytes > 0; bytes--)
			buf_char(b, (char)('a' + bytes % 26));
		LIT(b, "\"");
	}
	if (a->fault->flags & FAULT_REASONS)
		LIT(b, ",\"reasoning_content\":\"Let me think.\"");
	LIT(b, ",\"refusal\":null,\"annotations\":[]}");
}

static void put_choice(struct buf *b, const struct answer *a, int64_t i,
		       int64_t bytes)
{
	LIT(b, "{\"index\":");
	answer_int(b, i);
	if (a->ask->kind == ASK_COMPLETION) {
		LIT(b, ",\"text\":\"");
		put_text(b, a->ask);
		LIT(b, "\"");
	} else {
		put_message(b, a, bytes);
	}
	LIT(b, ",\"logprobs\":null,\"finish_reason\":\"");
	buf_str(b, a->ask->tool.p ? "tool_calls\"}" : "stop\"}");
}

static void put_base64(struct buf *b, const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 |
			     (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
			     (i + 2 < n ? p[i + 2] : 0);

		buf_char(b, digits[v >> 18]);
		buf_char(b, digits[v >> 12 & 63]);
		buf_char(b, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_char(b, i + 2 < n ? digits[v & 63] : '=');
	}
}

/* Number k of vector i: multiples of 1/64, exact as float and as text. */
static void put_vector(struct buf *b, const struct ask *a, int64_t i)
{
	float *v = mem_alloc((size_t)a->dims * sizeof(float));

	for (int64_t k = 0; k < a->dims; k++)
		v[k] = (float)((i * 31 + k * 7) % 129 - 64) / 64;
	if (a->base64) {
		LIT(b, "\"");
		put_base64(b, (unsigned char *)v,
			   (size_t)a->dims * sizeof(float));
		LIT(b, "\"");
	} else {
		for (int64_t k = 0; k < a->dims; k++)
			buf_printf(b, "%c%.6f", k ? ',' : '[', (double)v[k]);
		LIT(b, "]");
	}
	free(v);
}

/* One vector for a string or an array of tokens, else one for each element. */
static int64_t vectors(struct str input)
{
	struct str item, rest = input;
	int64_t n = 0;

	if (!peek_open(&rest, '['))
		return 1;
	while (peek_item(&rest, &item)) {
		if (*item.p != '"' && *item.p != '[')
			return 1;
		n++;
	}
	return n;
}

static void put_embeddings(struct buf *b, const struct answer *a)
{
	int64_t n = vectors(a->ask->input);

	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (int64_t i = 0; i < n; i++) {
		buf_str(b, i ? "," : "");
		LIT(b, "{\"object\":\"embedding\",\"index\":");
		answer_int(b, i);
		LIT(b, ",\"embedding\":");
		put_vector(b, a->ask, i);
		LIT(b, "}");
	}
	LIT(b, "],\"model\":\"");
	put(b, a->ask->model);
	LIT(b, "\",\"usage\":{\"prompt_tokens\":");
	answer_int(b, (int64_t)a->ask->input.n);
	LIT(b, ",\"total_tokens\":");
	answer_int(b, (int64_t)a->ask->input.n);
	LIT(b, "}}");
}

void answer_body(struct buf *b, const struct answer *a, int64_t bytes)
{
	if (a->ask->kind == ASK_EMBEDDING) {
		put_embeddings(b, a);
		return;
	}
	if (a->ask->kind == ASK_CHAT)
		LIT(b, "{\"id\":\"chatcmpl-mock\","
		       "\"object\":\"chat.completion\"," CREATED);
	else
		LIT(b, "{\"id\":\"cmpl-mock\","
		       "\"object\":\"text_completion\"," CREATED);
	put(b, a->ask->model);
	LIT(b, "\",\"choices\":[");
	for (int64_t i = 0; i < a->ask->n; i++) {
		if (i)
			LIT(b, ",");
		put_choice(b, a, i, bytes);
	}
	LIT(b, "]");
	put_usage(b, a);
	LIT(b, ",\"service_tier\":\"default\","
	       "\"system_fingerprint\":\"fp_mock\"}");
}

/* --- a stream -------------------------------------------------------------- */

static void put_start(struct buf *b, const struct answer *a)
{
	if (a->ask->kind == ASK_COMPLETION)
		LIT(b, "{\"id\":\"cmpl-mock\","
		       "\"object\":\"text_completion\"," CREATED);
	else
		LIT(b, "{\"id\":\"chatcmpl-mock\","
		       "\"object\":\"chat.completion.chunk\"," CREATED);
	put(b, a->ask->model);
	LIT(b, "\",\"system_fingerprint\":\"fp_mock\",\"choices\":[");
}

static void put_end(struct buf *b, const struct answer *a)
{
	LIT(b, "]");
	if (a->fault->flags & FAULT_USAGE_EVERY)
		put_usage(b, a);
	else if (a->ask->include_usage)
		LIT(b, ",\"usage\":null");
	LIT(b, "}");
}

/* An event around a delta, which is JSON in two halves and text between. */
static void put_delta(struct buf *b, const struct answer *a, int64_t choice,
		      const char *before, struct str text, const char *after)
{
	put_start(b, a);
	LIT(b, "{\"index\":");
	answer_int(b, choice);
	if (a->ask->kind == ASK_COMPLETION) {
		LIT(b, ",\"text\":\"");
		put(b, text);
		LIT(b, "\"");
	} else {
		LIT(b, ",\"delta\":{");
		buf_str(b, before);
		put(b, text);
		buf_str(b, after);
		LIT(b, "}");
	}
	LIT(b, ",\"logprobs\":null,\"finish_reason\":null}");
	put_end(b, a);
}

void answer_role(struct buf *b, const struct answer *a, int64_t choice)
{
	put_delta(b, a, choice, "\"role\":\"assistant\",\"content\":", STR(""),
		  a->ask->tool.p ? "null" : "\"\",\"refusal\":null");
}

/* A call is its head and then its arguments in three pieces. */
static bool tool_piece(struct buf *b, const struct answer *a, int64_t choice,
		       int64_t k)
{
	const struct ask *ask = a->ask;
	struct str args = k < 4 ? ask->args : ask->args2;
	char before[160];
	size_t third;

	if (k >= (ask->args2.p ? 8 : 4))
		return false;
	if (k % 4 == 0) {
		snprintf(before, sizeof(before),
			 "\"tool_calls\":[{\"index\":%d,\"id\":\"call_%d\","
			 "\"type\":\"function\",\"function\":{\"name\":\"",
			 (int)(k / 4), (int)(k / 4));
		put_delta(b, a, choice, before, ask->tool,
			  "\",\"arguments\":\"\"}}]");
		return true;
	}
	snprintf(before, sizeof(before),
		 "\"tool_calls\":[{\"index\":%d,\"function\":{\"arguments\":\"",
		 (int)(k / 4));
	third = args.n / 3 + 1;
	for (int64_t i = 1; i < k % 4; i++) {
		size_t n = piece_bytes(args, third);

		args = (struct str){ args.p + n, args.n - n };
	}
	args.n = piece_bytes(args, third);
	put_delta(b, a, choice, before, args, "\"}}]");
	return true;
}

/* At most 64 pieces, of 4 bytes or more, so that a long echo is not slow. */
static bool text_piece(struct buf *b, const struct answer *a, int64_t choice,
		       int64_t k)
{
	struct buf text;
	struct str rest;
	size_t want, n = 0;

	buf_init(&text, SIZE_MAX / 2);
	put_text(&text, a->ask);
	rest = buf_span(&text);
	want = MAX(rest.n / 64 + 1, 4);
	for (int64_t i = 0; i <= k && rest.n; i++) {
		n = i < k ? piece_bytes(rest, want) : 0;
		rest = (struct str){ rest.p + n, rest.n - n };
	}
	rest.n = piece_bytes(rest, want);
	if (rest.n)
		put_delta(b, a, choice, "\"content\":\"", rest, "\"");
	buf_release(&text);
	return rest.n > 0;
}

bool answer_piece(struct buf *b, const struct answer *a, int64_t choice,
		  int64_t k)
{
	if (a->ask->tool.p)
		return tool_piece(b, a, choice, k);
	if (a->fault->flags & FAULT_REASONS) {
		if (k < 2) {
			put_delta(b, a, choice, "\"reasoning_content\":\"",
				  k ? STR("think.") : STR("Let me "), "\"");
			return true;
		}
		k -= 2;
	}
	return text_piece(b, a, choice, k);
}

void answer_paced(struct buf *b, const struct answer *a, int64_t k)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%lld@%lld ", (long long)k,
			 (long long)clock_mono_us());

	put_delta(b, a, 0, "\"content\":\"", (struct str){ text, (size_t)n },
		  "\"");
}

void answer_finish(struct buf *b, const struct answer *a, int64_t choice)
{
	put_start(b, a);
	LIT(b, "{\"index\":");
	answer_int(b, choice);
	buf_str(b, a->ask->kind == ASK_COMPLETION ? ",\"text\":\"\"" :
						    ",\"delta\":{}");
	LIT(b, ",\"logprobs\":null,\"finish_reason\":\"");
	buf_str(b, a->ask->tool.p ? "tool_calls\"}" : "stop\"}");
	if (a->fault->flags & FAULT_USAGE_LAST) {
		LIT(b, "]");
		put_usage(b, a);
		LIT(b, "}");
		return;
	}
	put_end(b, a);
}

void answer_usage(struct buf *b, const struct answer *a)
{
	put_start(b, a);
	LIT(b, "]");
	put_usage(b, a);
	LIT(b, "}");
}

/* --- errors ---------------------------------------------------------------- */

static const struct status {
	int row, status; /* a row above 999 is the special meaning of one */
	const char *reason, *type, *code, *message;
} statuses[] = {
	/* clang-format off */
	{ 400,  400, "Bad Request",           "invalid_request_error", NULL, "Invalid value for 'mock'." },
	{ 4000, 400, "Bad Request",           "invalid_request_error", "\"context_length_exceeded\"", "This model's maximum context length is 8192 tokens." },
	{ 4001, 400, "Bad Request",           "invalid_request_error", "\"content_filter\"", "The prompt was filtered by the provider's content management policy." },
	{ 401,  401, "Unauthorized",          "invalid_request_error", "\"invalid_api_key\"", "Incorrect API key provided." },
	{ 403,  403, "Forbidden",             "insufficient_permissions", NULL, "You have insufficient permissions for this operation." },
	{ 404,  404, "Not Found",             "invalid_request_error", "\"model_not_found\"", "The model does not exist or you do not have access to it." },
	{ 405,  405, "Method Not Allowed",    "invalid_request_error", "\"method_not_supported\"", "Not allowed to use this method here." },
	{ 408,  408, "Request Timeout",       "server_error", NULL, "The request timed out." },
	{ 409,  409, "Conflict",              "conflict_error", NULL, "Conflict, try again." },
	{ 411,  411, "Length Required",       "invalid_request_error", NULL, "The fake provider wants a Content-Length." },
	{ 413,  413, "Content Too Large",     "invalid_request_error", NULL, "Request too large." },
	{ 422,  422, "Unprocessable Content", "invalid_request_error", NULL, "Unprocessable." },
	{ 429,  429, "Too Many Requests",     "requests", "\"rate_limit_exceeded\"", "Rate limit reached." },
	{ 4290, 429, "Too Many Requests",     "insufficient_quota", "\"insufficient_quota\"", "You exceeded your current quota, please check your plan and billing details." },
	{ 431,  431, "Request Header Fields Too Large", "invalid_request_error", NULL, "Head too large." },
	{ 500,  500, "Internal Server Error", "server_error", NULL, "The server had an error while processing your request." },
	{ 502,  502, "Bad Gateway",           "server_error", NULL, "Bad gateway." },
	{ 503,  503, "Service Unavailable",   "server_error", NULL, "The engine is currently overloaded." },
	{ 504,  504, "Gateway Timeout",       "server_error", NULL, "Gateway timeout." },
	{ 529,  529, "Overloaded",            "overloaded_error", NULL, "Overloaded." },
	/* clang-format on */
};

static const struct status *status_find(int64_t row)
{
	static const struct status other = { 0,        0,
					     "Status", "server_error",
					     NULL,     "The mock says so." };

	for (size_t i = 0; i < COUNT(statuses); i++)
		if (statuses[i].row == row)
			return &statuses[i];
	return &other;
}

int answer_status(int64_t status)
{
	const struct status *s = status_find(status);

	return s->status                      ? s->status :
	       status >= 200 && status <= 999 ? (int)status :
						500;
}

const char *answer_reason(int64_t status)
{
	return status == 200 ? "OK" : status_find(status)->reason;
}

void answer_error(struct buf *b, int64_t status, struct str key)
{
	const struct status *s = status_find(status);

	buf_printf(b, "{\"error\":{\"message\":\"%s", s->message);
	if (key.p)
		buf_printf(b, " You sent %.*s to http://10.0.0.7:8000/v1.",
			   STR_FMT(key));
	buf_printf(b, "\",\"type\":\"%s\",\"param\":null,\"code\":%s}}",
		   s->type, s->code ? s->code : "null");
}

void answer_models(struct buf *b)
{
	const struct fault *f;

	LIT(b, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; (f = fault_at(i)); i++)
		if (f->name[strlen(f->name) - 1] != '-')
			buf_printf(b,
				   "%s{\"id\":\"%s\",\"object\":\"model\","
				   "\"created\":1795262400,"
				   "\"owned_by\":\"mock\"}",
				   i ? "," : "", f->name);
	LIT(b, "]}");
}
