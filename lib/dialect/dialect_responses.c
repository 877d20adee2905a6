/* dialect_responses.c - the dialect of OpenAI's Responses API: the table, and
 * what its functions share. */
#include "dialect/responses.h"
#include "dialect/vector.h"

const struct dialect dialect_responses = {
	.name = "responses",
	.framing = FRAMING_SSE,
	.read = responses_read,
	.encode = responses_encode,
	.write = responses_write,
	.decode = responses_decode,
	.resume = responses_resume,
};

/* --- reasoning -------------------------------------------------------------
 */

/* As base64, for some clients decode what others signed; spaces make it a
 * number of fours. */
struct str responses_seal(struct arena *mem, struct str id, struct str sealed)
{
	struct buf plain, b;
	struct str s;

	buf_init(&plain, 64u << 20);
	buf_init(&b, 128u << 20);
	buf_add(&plain, id.p, id.n);
	buf_char(&plain, ':');
	buf_add(&plain, sealed.p, sealed.n);
	while (plain.len % 4)
		buf_char(&plain, ' ');
	vector_base64(&b, plain.p, plain.len);
	s = arena_str(mem, buf_span(&b));
	buf_release(&plain);
	buf_release(&b);
	return s;
}

bool responses_unseal(struct arena *mem, struct str signature, struct str *id,
		      struct str *sealed)
{
	struct buf b;
	struct str rest;
	bool ok;

	buf_init(&b, 64u << 20);
	ok = !vector_from_base64(signature, &b) && memchr(b.p, ':', b.len);
	if (ok) {
		rest = arena_str(mem, str_trim(buf_span(&b)));
		ok = str_next(&rest, ':', id);
		*sealed = rest;
	}
	buf_release(&b);
	return ok;
}

/* --- the response ----------------------------------------------------------
 */

static void write_details(struct jw *w, const char *name, const char *member,
			  int64_t n, const char *other, int64_t m)
{
	jw_object(w, name);
	jw_int(w, member, MAX(n, 0));
	if (other && m >= 0)
		jw_int(w, other, m);
	jw_end(w);
}

static void write_usage(const struct usage *u, struct jw *w)
{
	int64_t writes = u->cache_write_tok < 0 && u->cache_write_1h_tok < 0 ?
				 -1 :
				 MAX(u->cache_write_tok, 0) +
					 MAX(u->cache_write_1h_tok, 0);

	if (!usage_said(u)) {
		jw_null(w, "usage");
		return;
	}
	jw_object(w, "usage");
	jw_int(w, "input_tokens", MAX(usage_prompt_tok(u), 0));
	write_details(w, "input_tokens_details", "cached_tokens",
		      u->cache_read_tok, "cache_write_tokens", writes);
	jw_int(w, "output_tokens", MAX(u->out_tok, 0));
	write_details(w, "output_tokens_details", "reasoning_tokens",
		      u->reasoning_tok, NULL, 0);
	jw_int(w, "total_tokens", MAX(usage_total_tok(u), 0));
	jw_end(w);
}

/* Members of the request that the response repeats, and what they are where
 * the request does not say. */
static const struct {
	const char *name, *unsaid;
} echoed[] = {
	/* clang-format off */
	{ "background",           "false" },
	{ "instructions",         "null" },
	{ "max_output_tokens",    "null" },
	{ "max_tool_calls",       "null" },
	{ "metadata",             "{}" },
	{ "parallel_tool_calls",  "true" },
	{ "previous_response_id", "null" },
	{ "prompt_cache_key",     "null" },
	{ "reasoning",            "{\"effort\":null,\"summary\":null}" },
	{ "safety_identifier",    "null" },
	{ "store",                "true" },
	{ "temperature",          "1.0" },
	{ "text",                 "{\"format\":{\"type\":\"text\"}}" },
	{ "tool_choice",          "\"auto\"" },
	{ "tools",                "[]" },
	{ "top_logprobs",         "0" },
	{ "top_p",                "1.0" },
	{ "truncation",           "\"disabled\"" },
	{ "user",                 "null" },
	/* clang-format on */
};

static void write_echo(struct json_object *in, struct jw *w)
{
	for (size_t i = 0; i < COUNT(echoed); i++) {
		struct json_object *v = js_get(in, echoed[i].name);

		jw_raw(w, echoed[i].name,
		       v ? tree_print(v) : str_of(echoed[i].unsaid));
	}
}

const char *dialect_responses_echo(struct arena *mem, struct json_object *in)
{
	struct buf b;
	struct jw w;
	const char *s;

	buf_init(&b, 64u << 20);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	write_echo(in, &w);
	s = buf_ok(&b) ? arena_dup(mem, (struct str){ b.p + 1, b.len - 1 }) :
			 NULL;
	buf_release(&b);
	return s;
}

static void write_reason(const struct enc *x, const char *status, struct jw *w)
{
	const struct enc_choice *c = x->choices[0];

	if (strcmp(status, "incomplete")) {
		jw_null(w, "incomplete_details");
		return;
	}
	jw_object(w, "incomplete_details");
	jw_str(w, "reason",
	       c && c->finish == FINISH_FILTER ? "content_filter" :
						 "max_output_tokens");
	jw_end(w);
}

void responses_object(const struct enc *x, const char *status, struct jw *w)
{
	jw_str(w, "id", x->id ? x->id : "");
	jw_str(w, "object", "response");
	jw_int(w, "created_at", x->created_s);
	jw_str(w, "status", status);
	if (!strcmp(status, "failed"))
		jw_raw(w, "error",
		       STR("{\"code\":\"server_error\",\"message\":"
			   "\"The upstream gave up.\"}"));
	else
		jw_null(w, "error");
	write_reason(x, status, w);
	jw_str(w, "model", x->model ? x->model : "");
	jw_array(w, "output");
	if (x->blocks.len)
		jw_raw(w, NULL, buf_span(&x->blocks));
	jw_end(w);
	if (x->echo)
		jw_raw(w, NULL, str_of(x->echo));
	else
		write_echo(NULL, w);
	if (x->tier)
		jw_raw(w, "service_tier", str_of(x->tier));
	write_usage(&x->usage, w);
}
