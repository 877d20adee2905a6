/* dialect_gemini.c - Gemini's dialect: the table, and what its functions
 * share. */
#include "dialect/gemini.h"

#include <ctype.h>

const struct dialect dialect_gemini = {
	.name = "gemini",
	.framing = FRAMING_SSE,
	.read = gemini_read,
	.encode = gemini_encode,
	.write = gemini_write,
	.decode = gemini_decode,
	.resume = gemini_resume,
};

/* The first row of a finish is what a client is told. */
static const struct {
	const char *word;
	enum finish finish;
} reasons[] = {
	/* clang-format off */
	{ "STOP",                     FINISH_STOP },
	{ "STOP",                     FINISH_TOOLS },
	{ "STOP",                     FINISH_PAUSE },
	{ "MAX_TOKENS",               FINISH_LENGTH },
	{ "CONTINUATION",             FINISH_LENGTH },
	{ "SAFETY",                   FINISH_FILTER },
	{ "RECITATION",               FINISH_FILTER },
	{ "BLOCKLIST",                FINISH_FILTER },
	{ "PROHIBITED_CONTENT",       FINISH_FILTER },
	{ "SPII",                     FINISH_FILTER },
	{ "LANGUAGE",                 FINISH_FILTER },
	{ "IMAGE_SAFETY",             FINISH_FILTER },
	{ "IMAGE_PROHIBITED_CONTENT", FINISH_FILTER },
	{ "IMAGE_RECITATION",         FINISH_FILTER },
	{ "OTHER",                    FINISH_ERROR },
	{ "MALFORMED_FUNCTION_CALL",  FINISH_ERROR },
	{ "UNEXPECTED_TOOL_CALL",     FINISH_ERROR },
	{ "TOO_MANY_TOOL_CALLS",      FINISH_ERROR },
	{ "MALFORMED_RESPONSE",       FINISH_ERROR },
	/* clang-format on */
};

enum finish gemini_finish(const char *reason)
{
	if (!*reason)
		return FINISH_NONE;
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (!strcmp(reasons[i].word, reason))
			return reasons[i].finish;
	return FINISH_STOP;
}

const char *gemini_finish_reason(enum finish f)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].finish == f)
			return reasons[i].word;
	return "STOP";
}

static const struct gemini_error errors[] = {
	/* clang-format off */
	{ "INVALID_ARGUMENT",      400, "INVALID_ARGUMENT",    "invalid_request_error" },
	{ "invalid_request_error", 400, "INVALID_ARGUMENT",    "invalid_request_error" },
	{ "FAILED_PRECONDITION",   400, "FAILED_PRECONDITION", "invalid_request_error" },
	{ "API_KEY_INVALID",       400, "INVALID_ARGUMENT",    "authentication_error" },
	{ "UNAUTHENTICATED",       401, "UNAUTHENTICATED",     "authentication_error" },
	{ "authentication_error",  401, "UNAUTHENTICATED",     "authentication_error" },
	{ "PERMISSION_DENIED",     403, "PERMISSION_DENIED",   "permission_error" },
	{ "permission_error",      403, "PERMISSION_DENIED",   "permission_error" },
	{ "NOT_FOUND",             404, "NOT_FOUND",           "not_found_error" },
	{ "not_found_error",       404, "NOT_FOUND",           "not_found_error" },
	{ "RESOURCE_EXHAUSTED",    429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "rate_limit_error",      429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "rate_limit_exceeded",   429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "insufficient_quota",    429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "billing_error",         429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "requests",              429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "tokens",                429, "RESOURCE_EXHAUSTED",  "rate_limit_error" },
	{ "CANCELLED",             499, "CANCELLED",           "api_error" },
	{ "UNAVAILABLE",           503, "UNAVAILABLE",         "overloaded_error" },
	{ "overloaded_error",      503, "UNAVAILABLE",         "overloaded_error" },
	{ "upstream_error",        503, "UNAVAILABLE",         "api_error" },
	{ "DEADLINE_EXCEEDED",     504, "DEADLINE_EXCEEDED",   "timeout_error" },
	{ "timeout_error",         504, "DEADLINE_EXCEEDED",   "timeout_error" },
	{ "",                      500, "INTERNAL",            "api_error" },
	/* clang-format on */
};

const struct gemini_error *gemini_error(const char *word)
{
	const struct gemini_error *e = errors;

	while (*e->word && strcmp(e->word, word))
		e++;
	return e;
}

struct json_object *gemini_get(struct json_object *o, const char *name)
{
	struct json_object *v = js_get(o, name);
	char snake[64];
	size_t n = 0;

	if (v)
		return v;
	for (; *name && n < sizeof(snake) - 3; name++) {
		if (isupper((unsigned char)*name))
			snake[n++] = '_';
		snake[n++] = (char)tolower((unsigned char)*name);
	}
	snake[n] = '\0';
	return js_get(o, snake);
}

struct str gemini_member(struct arena *mem, struct json_object *o,
			 const char *name)
{
	return tree_text(mem, gemini_get(o, name));
}

int64_t gemini_int(struct json_object *v, int64_t def)
{
	int64_t n;

	if (json_object_is_type(v, json_type_int))
		return json_object_get_int64(v);
	if (json_object_is_type(v, json_type_double))
		return json_object_get_int64(v);
	if (json_object_is_type(v, json_type_string) &&
	    !str_int(str_of(json_object_get_string(v)), INT64_MIN + 1,
		     INT64_MAX, &n))
		return n;
	return def;
}

/* ai.google.dev/gemini-api/docs/thinking.  A name without a row is taken for
 * a new model. */
static const struct gemini_model models[] = {
	/* clang-format off */
	/* part               thinking           min  max    off    minimal schema signs */
	{ "gemini-1",         GEMINI_THINKS_NOT, 0,   0,     false, false, false, false },
	{ "gemini-2.0",       GEMINI_THINKS_NOT, 0,   0,     false, false, false, false },
	{ "2.5-flash-image",  GEMINI_THINKS_NOT, 0,   0,     false, false, true,  false },
	{ "2.5-flash-lite",   GEMINI_BUDGET,     512, 24576, true,  false, true,  false },
	{ "2.5-flash",        GEMINI_BUDGET,     1,   24576, true,  false, true,  false },
	{ "gemini-2.5",       GEMINI_BUDGET,     128, 32768, false, false, true,  false },
	{ "gemma",            GEMINI_THINKS_NOT, 0,   0,     false, false, false, false },
	{ "-pro",             GEMINI_LEVEL,      0,   0,     false, false, true,  true },
	{ "",                 GEMINI_LEVEL,      0,   0,     false, true,  true,  true },
	/* clang-format on */
};

const struct gemini_model *gemini_model(const struct chat *c)
{
	const char *name = arena_dup(c->mem, c->model);
	const struct gemini_model *m = models;

	while (!strstr(name, m->part))
		m++;
	return m;
}
