/* dialect_gemini_enc.c - events to what a client of Gemini's reads.
 *
 * https://ai.google.dev/api/generate-content#GenerateContentResponse.  Text
 * goes as it comes, an object a piece.  A call is one part here: it waits until
 * it can grow no more.  Finish and usage are in the last object, with the
 * parts that waited.  A whole answer is that object with all parts in it.
 */
#include "dialect/gemini.h"

/* --- objects ---------------------------------------------------------------
 */

/* Begins an object of the stream, or the whole answer. */
static void open_object(struct enc *x, struct jw *w, struct buf *out)
{
	if (x->stream && !x->json_array)
		buf_str(out, "data: ");
	else if (x->stream)
		buf_str(out, x->n_blocks ? ",\r\n" : "[");
	x->n_blocks++;
	jw_start(w, out);
	jw_object(w, NULL);
}

static void close_object(struct enc *x, struct jw *w, struct buf *out)
{
	jw_str(w, "modelVersion", x->model ? x->model : "");
	jw_str(w, "responseId", x->id ? x->id : "");
	jw_end(w);
	if (x->stream && !x->json_array)
		buf_str(out, "\r\n\r\n");
}

/* Parts at once, as the only content of the candidate. */
static void put_parts(struct enc *x, int choice, struct str parts,
		      struct buf *out)
{
	struct jw w;

	open_object(x, &w, out);
	jw_array(&w, "candidates");
	jw_object(&w, NULL);
	jw_object(&w, "content");
	jw_array(&w, "parts");
	jw_raw(&w, NULL, parts);
	jw_end(&w);
	jw_str(&w, "role", "model");
	jw_end(&w);
	jw_int(&w, "index", choice);
	jw_end(&w);
	jw_end(&w);
	close_object(x, &w, out);
}

/* --- parts -----------------------------------------------------------------
 */

static void keep(struct enc *x, struct buf *to, struct str s)
{
	buf_add(to, s.p, s.n);
	x->too_large = x->too_large || !buf_ok(to);
}

static void text_part(struct buf *out, struct str s, bool thought,
		      struct str signature)
{
	struct jw w;

	if (out->len)
		buf_char(out, ',');
	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_text(&w, "text", s.p ? s : STR(""));
	if (thought)
		jw_bool(&w, "thought", true);
	if (signature.n)
		jw_text(&w, "thoughtSignature", signature);
	jw_end(&w);
}

/* The arguments are an object here; a model may have written what is none. */
static void call_part(struct buf *out, const struct enc_tool *t)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(t->args.p, t->args.len, &e);
	bool object = json_object_is_type(o, json_type_object);
	struct jw w;

	if (out->len)
		buf_char(out, ',');
	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_object(&w, "functionCall");
	jw_str(&w, "id", t->id);
	jw_str(&w, "name", t->name);
	if (object && !t->custom) {
		jw_raw(&w, "args", buf_span(&t->args));
	} else {
		jw_object(&w, "args");
		if (t->args.len)
			jw_text(&w, "input", buf_span(&t->args));
		jw_end(&w);
	}
	jw_end(&w);
	if (t->signature)
		jw_str(&w, "thoughtSignature", t->signature);
	jw_end(&w);
	js_free(o);
}

/* The text or reasoning that was collected of a whole answer. */
static void end_text(struct enc_choice *c)
{
	struct buf *text = &c->text, *thought = &c->reasoning;
	struct str signature =
		c->signature.len ? buf_span(&c->signature) : STR_NONE;

	if (!text->len && !thought->len && !signature.n)
		return;
	if (thought->len)
		text_part(&c->parts, buf_span(thought), true, signature);
	else
		text_part(&c->parts, buf_span(text), false, signature);
	buf_clear(text);
	buf_clear(thought);
	buf_clear(&c->signature);
}

/* The calls that waited, as parts that go with what comes next. */
static void end_tools(struct enc_choice *c)
{
	for (struct enc_tool *t = c->tools; t; t = t->next) {
		if (t->done)
			continue;
		call_part(&c->parts, t);
		t->done = true;
	}
}

/* Before something else than a call is said: what waited comes first. */
static void flush(struct enc *x, int choice, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, choice);

	end_tools(c);
	if (!x->stream || !c->parts.len)
		return;
	put_parts(x, choice, buf_span(&c->parts), out);
	x->too_large = x->too_large || !buf_ok(&c->parts);
	buf_clear(&c->parts);
}

static void say(struct enc *x, const struct ev *ev, bool thought,
		struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct str s = { ev->s, ev->n };

	if (!s.n)
		return;
	flush(x, ev->choice, out);
	if (!x->stream) {
		if (thought ? c->text.len : c->reasoning.len)
			end_text(c);
		keep(x, thought ? &c->reasoning : &c->text, s);
		return;
	}
	text_part(&c->parts, s, thought, STR_NONE);
	flush(x, ev->choice, out);
}

static void on_text(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (!x->feedback)
		say(x, ev, false, out);
}

static void on_reasoning(struct enc *x, const struct ev *ev, struct buf *out)
{
	say(x, ev, true, out);
}

/* --- calls -----------------------------------------------------------------
 */

static struct enc_tool *tool_find(struct enc_choice *c, int part)
{
	struct enc_tool *t = c->tools;

	while (t && t->part != part)
		t = t->next;
	return t;
}

static void on_tool_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct enc_tool *t = ARENA_NEW(x->mem, struct enc_tool);

	(void)out;
	if (!x->stream)
		end_text(c);
	t->part = ev->part;
	t->custom = ev->custom;
	t->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	t->name = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	buf_init(&t->args, x->max_bytes);
	if (c->tools)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
}

static void on_tool_args(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_tool *t = tool_find(enc_choice(x, ev->choice), ev->part);
	struct str s = { ev->s, ev->n };

	(void)out;
	if (t && !t->done)
		keep(x, &t->args, s);
}

/* --- what stands beside ----------------------------------------------------
 */

/* Of a call: in its part.  Of a text that has gone: in an empty part after it,
 * as the server does. */
static void on_signature(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct enc_tool *t = tool_find(c, ev->part);
	bool ours = ev->name && !strcmp(ev->name, "gemini");
	struct str s = signed_out(x->mem, ev->name ? ev->name : "anthropic",
				  "gemini", (struct str){ ev->s, ev->n });
	bool thought = !ours || x->block == EV_REASONING;

	if (t) {
		if (!t->done)
			t->signature = arena_dup(x->mem, s);
		return;
	}
	if (!x->stream && c->text.len + c->reasoning.len) {
		keep(x, &c->signature, s);
		end_text(c);
		return;
	}
	flush(x, ev->choice, out);
	text_part(&c->parts, STR(""), thought, s);
	if (x->stream)
		flush(x, ev->choice, out);
}

/* A part of this dialect that nobody else knows, or what a candidate has
 * beside its content: as it came. */
static void on_opaque(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct str s = { ev->s, ev->n };

	if (!strcmp(ev->name, "gemini.promptFeedback")) {
		x->feedback = arena_dup(x->mem, s);
	} else if (!strcmp(ev->name, "gemini.candidate") && s.n > 2) {
		/* the members, without the braces */
		if (c->annotations.len)
			buf_char(&c->annotations, ',');
		keep(x, &c->annotations, (struct str){ s.p + 1, s.n - 2 });
	} else if (!strcmp(ev->name, "gemini.part")) {
		flush(x, ev->choice, out);
		if (!x->stream)
			end_text(c);
		if (c->parts.len)
			buf_char(&c->parts, ',');
		keep(x, &c->parts, s);
		if (x->stream)
			flush(x, ev->choice, out);
	}
}

static void on_finish(struct enc *x, const struct ev *ev, struct buf *out)
{
	(void)out;
	enc_choice(x, ev->choice)->finish = ev->finish;
	enc_choice(x, ev->choice)->finished = true;
}

/* --- the beginning and the end ---------------------------------------------
 */

static void on_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	(void)out;
	if (!x->id)
		x->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	if (!x->model)
		x->model = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	x->started = true;
}

static void error_body(const char *word, struct str message, struct buf *out)
{
	const struct gemini_error *error = gemini_error(word ? word : "");
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_object(&w, "error");
	jw_int(&w, "code", error->code);
	jw_text(&w, "message", message);
	jw_str(&w, "status", error->status);
	jw_end(&w);
	jw_end(&w);
}

static void on_error(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s ? ev->s : "", ev->s ? ev->n : 0 };

	if (x->stream && x->json_array)
		buf_str(out, x->n_blocks ? ",\r\n" : "[");
	else if (x->stream)
		buf_str(out, "data: ");
	error_body(ev->name, s, out);
	if (x->stream)
		buf_str(out, x->json_array ? "]" : "\r\n\r\n");
}

static void write_usage(const struct usage *u, struct jw *w)
{
	int64_t tool_tok = MAX(u->tool_prompt_tok, 0);
	int64_t thought_tok = MAX(u->reasoning_tok, 0);

	jw_object(w, "usageMetadata");
	jw_int(w, "promptTokenCount", MAX(usage_prompt_tok(u) - tool_tok, 0));
	if (u->cache_read_tok >= 0)
		jw_int(w, "cachedContentTokenCount", u->cache_read_tok);
	jw_int(w, "candidatesTokenCount", MAX(u->out_tok - thought_tok, 0));
	if (u->reasoning_tok >= 0)
		jw_int(w, "thoughtsTokenCount", thought_tok);
	if (u->tool_prompt_tok >= 0)
		jw_int(w, "toolUsePromptTokenCount", tool_tok);
	jw_int(w, "totalTokenCount", MAX(usage_total_tok(u), 0));
	jw_end(w);
}

static void write_candidate(struct enc *x, int choice, struct jw *w)
{
	struct enc_choice *c = x->choices[choice];

	end_text(c);
	end_tools(c);
	if (!c->parts.len && x->stream)
		buf_str(&c->parts, "{\"text\":\"\"}");
	x->too_large = x->too_large || !buf_ok(&c->parts);
	jw_object(w, NULL);
	jw_object(w, "content");
	if (c->parts.len) {
		jw_array(w, "parts");
		jw_raw(w, NULL, buf_span(&c->parts));
		jw_end(w);
	}
	jw_str(w, "role", "model");
	jw_end(w);
	jw_str(w, "finishReason", gemini_finish_reason(c->finish));
	jw_int(w, "index", choice);
	if (c->annotations.len)
		jw_raw(w, NULL, buf_span(&c->annotations));
	jw_end(w);
}

static void on_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct jw w;

	(void)ev;
	if (x->too_large) {
		error_body("", STR("The answer is too large."), out);
		return;
	}
	open_object(x, &w, out);
	if (x->feedback) {
		jw_raw(&w, "promptFeedback", str_of(x->feedback));
	} else {
		jw_array(&w, "candidates");
		for (int i = 0; i < x->n_choices; i++)
			if (x->choices[i])
				write_candidate(x, i, &w);
		jw_end(&w);
	}
	if (usage_said(&x->usage))
		write_usage(&x->usage, &w);
	close_object(x, &w, out);
	if (x->stream && x->json_array)
		buf_str(out, "]");
}

static void (*const encoders[EV__COUNT])(struct enc *x, const struct ev *ev,
					 struct buf *out) = {
	/* clang-format off */
	[EV_START] = on_start,
	[EV_TEXT] = on_text,
	[EV_REASONING] = on_reasoning,
	[EV_TOOL_START] = on_tool_start,
	[EV_TOOL_ARGS] = on_tool_args,
	[EV_FINISH] = on_finish,
	[EV_ERROR] = on_error,
	[EV_SIGNATURE] = on_signature,
	[EV_REFUSAL] = on_text,
	[EV_OPAQUE] = on_opaque,
	[EV_END] = on_end,
	/* clang-format on */
};

void gemini_encode(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (ev->kind == EV_USAGE)
		usage_merge(&x->usage, &ev->usage);
	if (!encoders[ev->kind] || !enc_choice(x, ev->choice))
		return;
	encoders[ev->kind](x, ev, out);
	if (ev->kind == EV_TEXT || ev->kind == EV_REASONING)
		x->block = ev->kind;
	x->failed = ev->kind == EV_ERROR;
	x->ended = ev->kind == EV_END;
}

void gemini_resume(struct enc *x, const char *p, size_t n)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p, n, &e);

	x->id = arena_dup(x->mem, str_of(js_str(o, "responseId", "")));
	x->model = arena_dup(x->mem, str_of(js_str(o, "modelVersion", "")));
	x->started = true;
	x->n_blocks = 1;
	js_free(o);
}
