/* dialect_openai_whole.c - a whole answer, when all of its events are in. */
#include "dialect/openai.h"

static void call(const struct enc_tool *t, struct jw *w)
{
	jw_str(w, "name", t->name);
	jw_text(w, t->custom ? "input" : "arguments", buf_span(&t->args));
}

static void calls(const struct enc *x, const struct enc_choice *c, struct jw *w)
{
	if (!c->tools)
		return;
	if (x->functions) {
		jw_object(w, "function_call");
		call(c->tools, w);
		jw_end(w);
		return;
	}
	jw_array(w, "tool_calls");
	for (const struct enc_tool *t = c->tools; t; t = t->next) {
		jw_object(w, NULL);
		jw_str(w, "id", t->id);
		jw_str(w, "type", t->custom ? "custom" : "function");
		jw_object(w, t->custom ? "custom" : "function");
		call(t, w);
		jw_end(w);
		if (t->signature)
			openai_signature_write(str_of(t->signature), w);
		jw_end(w);
	}
	jw_end(w);
}

static void message(const struct enc *x, const struct enc_choice *c,
		    struct jw *w)
{
	bool silent = !c->has_text && (c->tools || c->refusal.len || c->audio);

	jw_object(w, "message");
	jw_str(w, "role", "assistant");
	jw_text(w, "content", silent ? STR_NONE : buf_span(&c->text));
	jw_text(w, "refusal",
		c->refusal.len ? buf_span(&c->refusal) : STR_NONE);
	if (c->reasoning.len)
		jw_text(w, "reasoning_content", buf_span(&c->reasoning));
	calls(x, c, w);
	if (c->annotations.len) {
		jw_array(w, "annotations");
		jw_raw(w, NULL, buf_span(&c->annotations));
		jw_end(w);
	}
	if (c->audio)
		jw_raw(w, "audio", str_of(c->audio));
	jw_end(w);
}

static void choice(const struct enc *x, int i, struct jw *w)
{
	const struct enc_choice *c = x->choices[i];
	enum finish f = c->finish ? c->finish : FINISH_STOP;
	bool old = f == FINISH_TOOLS && x->functions;

	jw_object(w, NULL);
	jw_int(w, "index", i);
	if (x->shape == SHAPE_CHAT)
		message(x, c, w);
	else
		jw_text(w, "text", buf_span(&c->text));
	jw_raw(w, "logprobs",
	       c->logprobs.len ? buf_span(&c->logprobs) : STR("null"));
	jw_str(w, "finish_reason", old ? "function_call" : finish_name(f));
	jw_end(w);
}

static void embeddings(struct enc *x, struct buf *out)
{
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "object", "list");
	jw_array(&w, "data");
	if (x->vectors.len)
		jw_raw(&w, NULL, buf_span(&x->vectors));
	jw_end(&w);
	jw_str(&w, "model", x->model ? x->model : "");
	openai_usage_write(&x->usage, x->shape, "usage", &w);
	jw_end(&w);
}

void openai_whole(struct enc *x, struct buf *out)
{
	struct jw w;

	if (x->too_large) {
		dialect_error_body(out, "The answer is too large.",
				   "upstream_error", NULL,
				   "bad_upstream_response");
		return;
	}
	if (x->shape == SHAPE_EMBEDDING) {
		embeddings(x, out);
		return;
	}
	jw_start(&w, out);
	openai_top(x,
		   x->shape == SHAPE_CHAT ? "chat.completion" :
					    "text_completion",
		   &w);
	jw_array(&w, "choices");
	for (int i = 0; i < x->n_choices; i++)
		if (x->choices[i])
			choice(x, i, &w);
	jw_end(&w);
	if (usage_said(&x->usage))
		openai_usage_write(&x->usage, x->shape, "usage", &w);
	jw_end(&w);
}
