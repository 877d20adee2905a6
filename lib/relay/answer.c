/* answer.c - see answer.h. */
#include "relay/answer.h"

#include "dialect/dialect.h"

#define WAIT_MAX_MS 86400000 /* a day: the longest limit there is */
/* OpenAI's clients wait no longer than this, and else try again at once. */
#define PATIENCE_MS 60000

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 499, "Client Closed Request" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *reason(int status)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

static bool one_line(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

void answer_head(struct buf *out, int status, const struct relay_header *h,
		 int n)
{
	buf_printf(out, "Status: %d %s\r\n", status, reason(status));
	for (int i = 0; i < n; i++) {
		if (!one_line(h[i].value))
			continue;
		buf_str(out, h[i].name);
		buf_str(out, ": ");
		buf_add(out, h[i].value.p, h[i].value.n);
		buf_str(out, "\r\n");
	}
	buf_str(out, "\r\n");
}

int answer_status(const struct answer_error *a)
{
	return a->status ? a->status : err_info(a->err->code)->http;
}

void answer_error_body(struct buf *out, const struct answer_error *a)
{
	const struct err_info *info = err_info(a->err->code);

	dialect_error_body(out, a->err->msg, info->type, a->err->param,
			   a->code ? a->code : info->code);
}

static bool is_own_limit(enum err_code code)
{
	return code == ERR_RATE || code == ERR_RATE_TOKENS;
}

/* A client that retries by itself would only ask again in vain. */
static bool retries_in_vain(const struct answer_error *a)
{
	return a->err->code == ERR_NO_FUNDS || a->err->code == ERR_IDEM_DONE ||
	       a->retry_after_ms == ANSWER_NEVER ||
	       (is_own_limit(a->err->code) && a->retry_after_ms > PATIENCE_MS);
}

static int64_t wait_of(const struct answer_error *a)
{
	if (a->retry_after_ms >= 0)
		return MIN(a->retry_after_ms, WAIT_MAX_MS);
	if (a->err->code == ERR_IDEM_RUNNING)
		return 1000;
	return answer_status(a) == 503 ? 2000 : -1;
}

/* Seconds for all, milliseconds for OpenAI's clients. */
static int wait_lines(int64_t wait_ms, struct relay_header *h,
		      char text[static ANSWER_TEXT])
{
	char *ms = text + ANSWER_TEXT / 2;

	snprintf(text, ANSWER_TEXT / 2, "%lld",
		 (long long)((wait_ms + 999) / 1000));
	h[0] = (struct relay_header){ "Retry-After", str_of(text) };
	snprintf(ms, ANSWER_TEXT / 2, "%lld", (long long)wait_ms);
	h[1] = (struct relay_header){ "retry-after-ms", str_of(ms) };
	return 2;
}

int answer_error_lines(const struct answer_error *a, const char *request_id,
		       struct relay_header h[static ANSWER_HEADERS],
		       char text[static ANSWER_TEXT])
{
	int64_t wait_ms = wait_of(a);
	int n = 0;

	h[n++] = (struct relay_header){ "Content-Type",
					STR("application/json") };
	h[n++] = (struct relay_header){ "x-request-id", str_of(request_id) };
	if (a->receipt)
		h[n++] = (struct relay_header){ "X-Pontage-Receipt",
						str_of(a->receipt) };
	if (retries_in_vain(a))
		h[n++] =
			(struct relay_header){ "x-should-retry", STR("false") };
	if (wait_ms >= 0)
		n += wait_lines(wait_ms, &h[n], text);
	return n;
}

void answer_error(struct buf *out, const struct answer_error *a,
		  const char *request_id)
{
	struct relay_header h[ANSWER_HEADERS + ANSWER_MORE];
	char text[ANSWER_TEXT];
	int n = answer_error_lines(a, request_id, h, text);

	for (int i = 0; i < MIN(a->n_more, ANSWER_MORE); i++)
		h[n++] = a->more[i];
	answer_head(out, answer_status(a), h, n);
	answer_error_body(out, a);
}
