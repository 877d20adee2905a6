/* dialect_openai.c - OpenAI's dialect: chat completions, completions and
 * embeddings; the table and what its four functions share. */
#include "dialect/openai.h"

const struct dialect dialect_openai = {
	.name = "openai",
	.framing = FRAMING_SSE,
	.read = openai_read,
	.encode = openai_encode,
	.write = openai_write,
	.decode = openai_decode,
	.resume = openai_resume,
};

/* --- usage -----------------------------------------------------------------
 */

struct count {
	const char *name;
	int64_t n;
};

static void details(struct jw *w, const char *name, const struct count *c,
		    size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || c[i].n >= 0;
	if (!any)
		return;
	jw_object(w, name);
	for (size_t i = 0; i < n; i++)
		if (c[i].n >= 0)
			jw_int(w, c[i].name, c[i].n);
	jw_end(w);
}

void openai_usage_write(const struct usage *u, enum shape shape,
			const char *name, struct jw *w)
{
	const struct count in[] = {
		{ "cached_tokens", u->cache_read_tok },
		{ "cache_write_tokens",
		  u->cache_write_tok < 0 && u->cache_write_1h_tok < 0 ?
			  -1 :
			  MAX(u->cache_write_tok, 0) +
				  MAX(u->cache_write_1h_tok, 0) },
		{ "audio_tokens", u->audio_in_tok },
		{ "image_tokens", u->image_in_tok },
	};
	const struct count out[] = {
		{ "reasoning_tokens", u->reasoning_tok },
		{ "audio_tokens", u->audio_out_tok },
		{ "image_tokens", u->image_out_tok },
	};

	jw_object(w, name);
	jw_int(w, "prompt_tokens", MAX(usage_prompt_tok(u), 0));
	if (shape != SHAPE_EMBEDDING)
		jw_int(w, "completion_tokens", MAX(u->out_tok, 0));
	jw_int(w, "total_tokens", MAX(usage_total_tok(u), 0));
	details(w, "prompt_tokens_details", in, COUNT(in));
	details(w, "completion_tokens_details", out, COUNT(out));
	jw_end(w);
}

void openai_signature_write(struct str signature, struct jw *w)
{
	jw_object(w, "extra_content");
	jw_object(w, "google");
	jw_text(w, "thought_signature", signature);
	jw_end(w);
	jw_end(w);
}

void dialect_error_body(struct buf *out, const char *message, const char *type,
			const char *param, const char *code)
{
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_object(&w, "error");
	jw_str(&w, "message", message ? message : "");
	jw_str(&w, "type", type && *type ? type : NULL);
	jw_str(&w, "param", param && *param ? param : NULL);
	jw_str(&w, "code", code && *code ? code : NULL);
	jw_end(&w);
	jw_end(&w);
}
