/* dialect_openai_enc.c - events to what a client of OpenAI's reads.
 *
 * A chunk an event: https://platform.openai.com/docs/api-reference/chat/streaming.
 * With include_usage every chunk has "usage":null and one with empty choices
 * has the numbers; without it no chunk has the member.
 */
#include "dialect/openai.h"
#include "dialect/vector.h"

static const char *const objects[SHAPE__COUNT][2] = {
	/* whole, chunk */
	[SHAPE_CHAT] = { "chat.completion", "chat.completion.chunk" },
	[SHAPE_COMPLETION] = { "text_completion", "text_completion" },
	[SHAPE_EMBEDDING] = { "list", "list" },
};

void openai_top(const struct enc *x, const char *object, struct jw *w)
{
	jw_object(w, NULL);
	jw_str(w, "id", x->id ? x->id : "");
	jw_str(w, "object", object);
	jw_int(w, "created", x->created_s);
	jw_str(w, "model", x->model ? x->model : "");
	if (x->tier)
		jw_raw(w, "service_tier", str_of(x->tier));
	if (x->fingerprint)
		jw_raw(w, "system_fingerprint", str_of(x->fingerprint));
}

/* --- chunks ----------------------------------------------------------------
 */

struct chunk {
	struct jw w;
	struct buf *out;
	const struct enc *x;
};

static void chunk_open(struct chunk *k, const struct enc *x, struct buf *out)
{
	k->x = x;
	k->out = out;
	buf_str(out, "data: ");
	jw_start(&k->w, out);
	openai_top(x, objects[x->shape][1], &k->w);
	jw_array(&k->w, "choices");
}

static void chunk_close(struct chunk *k, const struct usage *usage)
{
	jw_end(&k->w); /* choices */
	if (usage)
		openai_usage_write(usage, k->x->shape, "usage", &k->w);
	else if (k->x->include_usage)
		jw_null(&k->w, "usage");
	jw_end(&k->w);
	buf_str(k->out, "\n\n");
}

/* Opens a chunk as far as into the delta, or the choice itself. */
static void choice_open(struct chunk *k, const struct enc *x, int choice,
			struct buf *out)
{
	chunk_open(k, x, out);
	jw_object(&k->w, NULL);
	jw_int(&k->w, "index", choice);
	if (x->shape == SHAPE_CHAT)
		jw_object(&k->w, "delta");
}

static void choice_close(struct chunk *k, const char *logprobs, size_t n,
			 const char *finish)
{
	if (k->x->shape == SHAPE_CHAT)
		jw_end(&k->w);
	jw_raw(&k->w, "logprobs",
	       logprobs ? (struct str){ logprobs, n } : STR("null"));
	jw_str(&k->w, "finish_reason", finish);
	jw_end(&k->w);
	chunk_close(k, NULL);
}

static void role(struct enc *x, int choice, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, choice);
	struct chunk k;

	if (!c || c->has_role || x->shape != SHAPE_CHAT)
		return;
	c->has_role = true;
	choice_open(&k, x, choice, out);
	jw_str(&k.w, "role", "assistant");
	jw_str(&k.w, "content", "");
	choice_close(&k, NULL, 0, NULL);
}

static void delta(struct enc *x, const struct ev *ev, const char *name,
		  struct buf *out)
{
	struct chunk k;

	role(x, ev->choice, out);
	choice_open(&k, x, ev->choice, out);
	jw_text(&k.w, name, (struct str){ ev->s ? ev->s : "", ev->n });
	choice_close(&k, NULL, 0, NULL);
}

/* --- tools -----------------------------------------------------------------
 */

static struct enc_tool *tool_find(struct enc_choice *c, int part, int *index)
{
	int i = 0;

	for (struct enc_tool *t = c->tools; t; t = t->next, i++)
		if (t->part == part) {
			*index = i;
			return t;
		}
	return NULL;
}

static void tool_add(struct enc *x, struct enc_choice *c, const struct ev *ev)
{
	struct enc_tool *t = ARENA_NEW(x->mem, struct enc_tool);

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

static void call_open(struct chunk *k, const struct enc *x, int index,
		      const struct enc_tool *t, bool first)
{
	if (x->functions) {
		jw_object(&k->w, "function_call");
	} else {
		jw_array(&k->w, "tool_calls");
		jw_object(&k->w, NULL);
		jw_int(&k->w, "index", index);
		if (first) {
			jw_str(&k->w, "id", t->id);
			jw_str(&k->w, "type",
			       t->custom ? "custom" : "function");
		}
		jw_object(&k->w, t->custom ? "custom" : "function");
	}
	if (first)
		jw_str(&k->w, "name", t->name);
}

static void call_close(struct chunk *k)
{
	jw_end(&k->w); /* function */
	if (k->x->functions)
		return;
	jw_end(&k->w);
	jw_end(&k->w); /* tool_calls */
}

static void tool_piece(struct enc *x, const struct ev *ev, bool first,
		       struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct enc_tool *t;
	struct chunk k;
	int index = 0;

	t = c ? tool_find(c, ev->part, &index) : NULL;
	if (!t)
		return;
	choice_open(&k, x, ev->choice, out);
	call_open(&k, x, index, t, first);
	jw_text(&k.w, t->custom ? "input" : "arguments",
		(struct str){ ev->s ? ev->s : "", ev->n });
	call_close(&k);
	choice_close(&k, NULL, 0, NULL);
}

/* --- an event each, streaming ----------------------------------------------
 */

static void on_text(struct enc *x, const struct ev *ev, struct buf *out)
{
	delta(x, ev, x->shape == SHAPE_CHAT ? "content" : "text", out);
}

static void on_reasoning(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (x->shape == SHAPE_CHAT)
		delta(x, ev, "reasoning_content", out);
}

static void on_refusal(struct enc *x, const struct ev *ev, struct buf *out)
{
	delta(x, ev, x->shape == SHAPE_CHAT ? "refusal" : "text", out);
}

static void on_tool_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);

	if (!c || x->shape != SHAPE_CHAT)
		return;
	role(x, ev->choice, out);
	tool_add(x, c, ev);
	tool_piece(x, ev, true, out);
}

static void on_tool_args(struct enc *x, const struct ev *ev, struct buf *out)
{
	tool_piece(x, ev, false, out);
}

/* Google's: ai.google.dev/gemini-api/docs/openai.  Of reasoning there is no
 * place for it. */
static void on_signature(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, ev->choice);
	struct str s = { ev->s, ev->n };
	struct chunk k;
	int index = 0;

	if (!c || x->functions || !tool_find(c, ev->part, &index))
		return;
	choice_open(&k, x, ev->choice, out);
	jw_array(&k.w, "tool_calls");
	jw_object(&k.w, NULL);
	jw_int(&k.w, "index", index);
	openai_signature_write(s, &k.w);
	jw_end(&k.w);
	jw_end(&k.w);
	choice_close(&k, NULL, 0, NULL);
}

static void on_annotation(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct chunk k;

	if (x->shape != SHAPE_CHAT)
		return;
	role(x, ev->choice, out);
	choice_open(&k, x, ev->choice, out);
	jw_array(&k.w, "annotations");
	jw_raw(&k.w, NULL, (struct str){ ev->s, ev->n });
	jw_end(&k.w);
	choice_close(&k, NULL, 0, NULL);
}

static void on_opaque(struct enc *x, const struct ev *ev, struct buf *out)
{
	bool audio = !strcmp(ev->name, "openai.audio");
	bool logprobs = !strcmp(ev->name, "openai.logprobs");
	struct chunk k;

	if (!audio && !logprobs)
		return;
	role(x, ev->choice, out);
	choice_open(&k, x, ev->choice, out);
	if (audio)
		jw_raw(&k.w, "audio", (struct str){ ev->s, ev->n });
	if (x->shape == SHAPE_COMPLETION)
		jw_str(&k.w, "text", "");
	choice_close(&k, logprobs ? ev->s : NULL, ev->n, NULL);
}

static const char *finish_word(const struct enc *x, enum finish f)
{
	return f == FINISH_TOOLS && x->functions ? "function_call" :
						   finish_name(f);
}

static void on_finish(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct chunk k;

	role(x, ev->choice, out);
	choice_open(&k, x, ev->choice, out);
	if (x->shape == SHAPE_COMPLETION)
		jw_str(&k.w, "text", "");
	choice_close(&k, NULL, 0, finish_word(x, ev->finish));
}

static void on_error(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s ? ev->s : "", ev->s ? ev->n : 0 };

	buf_str(out, "data: ");
	dialect_error_body(out, arena_dup(x->mem, s), ev->name, NULL, ev->id);
	buf_str(out, "\n\n");
}

static void on_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct chunk k;

	(void)ev;
	if (x->include_usage && usage_said(&x->usage)) {
		chunk_open(&k, x, out);
		chunk_close(&k, &x->usage);
	}
	buf_str(out, "data: [DONE]\n\n");
}

static void (*const streamed[EV__COUNT])(struct enc *x, const struct ev *ev,
					 struct buf *out) = {
	[EV_TEXT] = on_text,
	[EV_REASONING] = on_reasoning,
	[EV_REFUSAL] = on_refusal,
	[EV_TOOL_START] = on_tool_start,
	[EV_TOOL_ARGS] = on_tool_args,
	[EV_ANNOTATION] = on_annotation,
	[EV_SIGNATURE] = on_signature,
	[EV_OPAQUE] = on_opaque,
	[EV_FINISH] = on_finish,
	[EV_ERROR] = on_error,
	[EV_END] = on_end,
};

/* --- an event each, collected ----------------------------------------------
 */

static void whole_error(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s ? ev->s : "", ev->s ? ev->n : 0 };

	dialect_error_body(out, arena_dup(x->mem, s), ev->name, NULL, ev->id);
}

static void keep_tool(struct enc *x, struct enc_choice *c, const struct ev *ev)
{
	int index;
	struct enc_tool *t;

	if (ev->kind == EV_TOOL_START) {
		tool_add(x, c, ev);
		return;
	}
	t = tool_find(c, ev->part, &index);
	if (!t)
		return;
	if (ev->kind == EV_SIGNATURE) {
		t->signature = arena_dup(x->mem, (struct str){ ev->s, ev->n });
		return;
	}
	buf_add(&t->args, ev->s, ev->n);
	x->too_large = x->too_large || !buf_ok(&t->args);
}

static void keep_vector(struct enc *x, const struct ev *ev)
{
	struct jw w;

	if (x->vectors.len)
		buf_char(&x->vectors, ',');
	jw_start(&w, &x->vectors);
	jw_object(&w, NULL);
	jw_str(&w, "object", "embedding");
	jw_int(&w, "index", ev->choice);
	if (x->base64) {
		jw_raw(&w, "embedding", STR("\""));
		vector_base64(&x->vectors, ev->s, ev->n);
		buf_char(&x->vectors, '"');
	} else {
		jw_raw(&w, "embedding", STR(""));
		vector_numbers(&x->vectors, ev->s, ev->n);
	}
	jw_end(&w);
	x->too_large = x->too_large || !buf_ok(&x->vectors);
}

static struct buf *text_for(struct enc_choice *c, const struct ev *ev)
{
	switch (ev->kind) {
	case EV_TEXT: return &c->text;
	case EV_REASONING: return &c->reasoning;
	case EV_REFUSAL: return &c->refusal;
	case EV_ANNOTATION: return &c->annotations;
	default: return NULL;
	}
}

static void keep_opaque(struct enc *x, struct enc_choice *c,
			const struct ev *ev)
{
	struct str s = { ev->s, ev->n };

	if (!strcmp(ev->name, "openai.audio")) {
		c->audio = arena_dup(x->mem, s);
	} else if (!strcmp(ev->name, "openai.logprobs")) {
		buf_clear(&c->logprobs);
		buf_add(&c->logprobs, ev->s, ev->n);
	}
}

static void collect(struct enc *x, const struct ev *ev)
{
	struct enc_choice *c;
	struct buf *b;

	if (ev->kind == EV_VECTOR) {
		keep_vector(x, ev);
		return;
	}
	c = enc_choice(x, ev->choice);
	if (!c)
		return;
	c->has_role = true;
	c->finish = ev->kind == EV_FINISH ? ev->finish : c->finish;
	if (ev->kind == EV_OPAQUE)
		keep_opaque(x, c, ev);
	if (ev->kind == EV_TOOL_START || ev->kind == EV_TOOL_ARGS ||
	    ev->kind == EV_SIGNATURE)
		keep_tool(x, c, ev);
	b = text_for(c, ev);
	if (!b)
		return;
	c->has_text = c->has_text || ev->kind == EV_TEXT;
	if (ev->kind == EV_ANNOTATION && b->len)
		buf_char(b, ',');
	buf_add(b, ev->s, ev->n);
	x->too_large = x->too_large || !buf_ok(b);
}

/* --- the verb --------------------------------------------------------------
 */

static void start(struct enc *x, const struct ev *ev)
{
	if (!x->id)
		x->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	if (!x->model)
		x->model = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	x->started = true;
}

/* What stands at the top of every chunk: kept. */
static bool keep_top(struct enc *x, const struct ev *ev)
{
	struct str s = { ev->s, ev->n };

	if (ev->kind != EV_OPAQUE)
		return false;
	if (!strcmp(ev->name, "openai.service_tier"))
		x->tier = arena_dup(x->mem, s);
	else if (!strcmp(ev->name, "openai.system_fingerprint"))
		x->fingerprint = arena_dup(x->mem, s);
	else
		return false;
	return true;
}

static void encode_whole(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (ev->kind == EV_ERROR)
		whole_error(x, ev, out);
	else if (ev->kind == EV_END)
		openai_whole(x, out);
	else
		collect(x, ev);
}

void openai_encode(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (ev->kind == EV_START) {
		start(x, ev);
		return;
	}
	if (ev->kind == EV_USAGE) {
		usage_merge(&x->usage, &ev->usage);
		return;
	}
	if (keep_top(x, ev))
		return;
	if (!x->stream || x->shape == SHAPE_EMBEDDING)
		encode_whole(x, ev, out);
	else if (streamed[ev->kind])
		streamed[ev->kind](x, ev, out);
	x->failed = ev->kind == EV_ERROR;
	x->ended = ev->kind == EV_END;
}

static const char *raw(struct enc *x, struct json_object *o, const char *name)
{
	struct json_object *v = js_get(o, name);
	struct str s = v ? tree_json(x->mem, v) : STR_NONE;

	return s.n ? arena_dup(x->mem, s) : NULL;
}

void openai_resume(struct enc *x, const char *p, size_t n)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p, n, &e);

	x->id = arena_dup(x->mem, str_of(js_str(o, "id", "")));
	x->model = arena_dup(x->mem, str_of(js_str(o, "model", "")));
	x->created_s = js_int(o, "created", 0);
	x->tier = raw(x, o, "service_tier");
	x->fingerprint = raw(x, o, "system_fingerprint");
	x->started = true;
	js_free(o);
}
