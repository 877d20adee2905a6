/* dialect_responses_enc.c - events to what a client of the Responses API
 * reads.
 *
 * https://platform.openai.com/docs/api-reference/responses-streaming.  An item
 * is opened by its first piece and closed before the next one is opened; the
 * first of several calls is written as it comes, those that follow it when it
 * can grow no more.  What an item was is kept: its end, and the end of the
 * response, say all of it again.
 *
 * A signature of a call or of a text, which have no place for one here, is a
 * reasoning item of its own after it.
 */
#include "dialect/responses.h"

/* --- one event of the stream -----------------------------------------------
 */

static void event_open(struct enc *x, struct jw *w, const char *type,
		       struct buf *out)
{
	buf_printf(out, "event: %s\ndata: ", type);
	jw_start(w, out);
	jw_object(w, NULL);
	jw_str(w, "type", type);
	jw_int(w, "sequence_number", x->seq++);
}

static void event_close(struct jw *w)
{
	jw_end(w);
	buf_str(w->out, "\n\n");
}

static void whole_event(struct enc *x, const char *type, const char *status,
			struct buf *out)
{
	struct jw w;

	event_open(x, &w, type, out);
	jw_object(&w, "response");
	responses_object(x, status, &w);
	jw_end(&w);
	event_close(&w);
}

/* --- items -----------------------------------------------------------------
 */

enum kind { KIND_TEXT, KIND_REFUSAL, KIND_REASONING, KIND_CALL, KIND__COUNT };

/* How each kind of item is called, and its pieces. */
static const struct kind_words {
	const char *type, *id;
	const char *part, *member; /* of its content */
	const char *event;         /* without "response." and ".delta" */
} words[KIND__COUNT] = {
	[KIND_TEXT] = { "message", "msg", "output_text", "text",
			"output_text" },
	[KIND_REFUSAL] = { "message", "msg", "refusal", "refusal", "refusal" },
	[KIND_REASONING] = { "reasoning", "rs", "summary_text", "text",
			     "reasoning_summary_text" },
	[KIND_CALL] = { "function_call", "fc", NULL, "arguments",
			"function_call_arguments" },
};

static const struct kind_words custom_words = { "custom_tool_call", "ctc", NULL,
						"input",
						"custom_tool_call_input" };

static enum kind kind_of(const struct enc *x)
{
	switch (x->block) {
	case EV_REASONING: return KIND_REASONING;
	case EV_REFUSAL: return KIND_REFUSAL;
	case EV_TOOL_START: return KIND_CALL;
	default: return KIND_TEXT;
	}
}

static const struct kind_words *words_of(const struct enc *x)
{
	if (x->block_tool && x->block_tool->custom)
		return &custom_words;
	return &words[kind_of(x)];
}

/* What has been said of the open item. */
static struct buf *said(struct enc *x)
{
	struct enc_choice *c = enc_choice(x, 0);

	switch (x->block) {
	case EV_REASONING: return &c->reasoning;
	case EV_REFUSAL: return &c->refusal;
	case EV_TOOL_START: return &x->block_tool->args;
	default: return &c->text;
	}
}

static const char *new_id(struct enc *x)
{
	const char *id = x->id ? x->id : "";

	if (!strncmp(id, "resp_", 5))
		id += 5;
	return arena_printf(x->mem, "%s_%s_%d", words_of(x)->id, id,
			    x->n_blocks);
}

static void write_part(struct enc *x, bool empty, struct jw *w,
		       const char *name)
{
	const struct kind_words *k = words_of(x);

	jw_object(w, name);
	jw_str(w, "type", k->part);
	jw_text(w, k->member, empty ? STR("") : buf_span(said(x)));
	if (x->block == EV_TEXT) {
		jw_array(w, "annotations");
		if (!empty && enc_choice(x, 0)->annotations.len)
			jw_raw(w, NULL,
			       buf_span(&enc_choice(x, 0)->annotations));
		jw_end(w);
		jw_raw(w, "logprobs", STR("[]"));
	}
	jw_end(w);
}

static void write_reasoning(struct enc *x, bool empty, struct jw *w)
{
	struct enc_choice *c = enc_choice(x, 0);

	jw_array(w, "summary");
	if (!empty && c->reasoning.len)
		write_part(x, false, w, NULL);
	jw_end(w);
	if (!empty && c->signature.len)
		jw_text(w, "encrypted_content", buf_span(&c->signature));
}

/* The open item, as it begins or with all that was said of it. */
static void write_item(struct enc *x, bool empty, struct jw *w,
		       const char *name)
{
	const struct kind_words *k = words_of(x);
	const struct enc_tool *t = x->block_tool;

	jw_object(w, name);
	jw_str(w, "type", k->type);
	jw_str(w, "id", x->item);
	if (x->block == EV_REASONING) {
		write_reasoning(x, empty, w);
		jw_end(w);
		return;
	}
	jw_str(w, "status", empty ? "in_progress" : "completed");
	if (t) {
		jw_str(w, "call_id", t->id);
		jw_str(w, "name", t->name);
		jw_text(w, k->member, empty ? STR("") : buf_span(&t->args));
	} else {
		jw_str(w, "role", "assistant");
		jw_array(w, "content");
		if (!empty)
			write_part(x, false, w, NULL);
		jw_end(w);
	}
	jw_end(w);
}

static void item_event(struct enc *x, const char *type, bool empty,
		       struct buf *out)
{
	struct jw w;

	event_open(x, &w, type, out);
	jw_int(&w, "output_index", x->n_blocks);
	write_item(x, empty, &w, "item");
	event_close(&w);
}

/* An event of a part of the open item: begun, a piece, all of it. */
static void part_open(struct enc *x, struct jw *w, const char *type,
		      struct buf *out)
{
	event_open(x, w, type, out);
	jw_str(w, "item_id", x->item);
	jw_int(w, "output_index", x->n_blocks);
	if (x->block == EV_REASONING)
		jw_int(w, "summary_index", 0);
	else if (!x->block_tool)
		jw_int(w, "content_index", 0);
}

static void part_event(struct enc *x, bool empty, struct buf *out)
{
	static const char *const types[2][2] = {
		{ "response.content_part.done", "response.content_part.added" },
		{ "response.reasoning_summary_part.done",
		  "response.reasoning_summary_part.added" },
	};
	struct jw w;

	part_open(x, &w, types[x->block == EV_REASONING][empty], out);
	write_part(x, empty, &w, "part");
	event_close(&w);
}

static void text_event(struct enc *x, bool done, struct str s, struct buf *out)
{
	const struct kind_words *k = words_of(x);
	char type[64];
	struct jw w;

	snprintf(type, sizeof(type), "response.%s.%s", k->event,
		 done ? "done" : "delta");
	part_open(x, &w, type, out);
	jw_text(&w, done ? k->member : "delta", s);
	if (x->block == EV_TEXT)
		jw_raw(&w, "logprobs", STR("[]"));
	event_close(&w);
}

static void keep(struct enc *x, struct buf *to, struct str s)
{
	buf_add(to, s.p, s.n);
	x->too_large = x->too_large || !buf_ok(to);
}

static void block_open(struct enc *x, enum ev_kind kind, struct enc_tool *t,
		       struct buf *out)
{
	x->block = kind;
	x->block_tool = t;
	x->item = new_id(x);
	if (!x->stream)
		return;
	item_event(x, "response.output_item.added", true, out);
	if (kind != EV_REASONING && !t)
		part_event(x, true, out);
}

static void end_events(struct enc *x, struct buf *out)
{
	bool has_part = x->block != EV_REASONING || said(x)->len;

	if (!x->stream)
		return;
	if (has_part)
		text_event(x, true, buf_span(said(x)), out);
	if (has_part && !x->block_tool)
		part_event(x, false, out);
	item_event(x, "response.output_item.done", false, out);
}

/* The end of the open item: all of it, into the list. */
static void item_ends(struct enc *x, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, 0);
	struct jw w;

	end_events(x, out);
	if (x->blocks.len)
		buf_char(&x->blocks, ',');
	jw_start(&w, &x->blocks);
	write_item(x, false, &w, NULL);
	buf_clear(&c->text);
	buf_clear(&c->refusal);
	buf_clear(&c->reasoning);
	buf_clear(&c->signature);
	buf_clear(&c->annotations);
	if (x->block_tool) {
		x->block_tool->done = true;
		buf_release(&x->block_tool->args);
	}
	x->block_tool = NULL;
	x->block = EV_START;
	x->n_blocks++;
}

static void block_close(struct enc *x, struct buf *out)
{
	struct enc_tool *t = x->block_tool;

	if (x->block == EV_START)
		return;
	item_ends(x, out);
	if (!t || !t->signature)
		return;
	block_open(x, EV_REASONING, NULL, out);
	buf_str(&enc_choice(x, 0)->signature, t->signature);
	item_ends(x, out);
}

/* --- tools -----------------------------------------------------------------
 */

static struct enc_tool *tool_find(struct enc *x, int part)
{
	struct enc_tool *t = enc_choice(x, 0)->tools;

	while (t && t->part != part)
		t = t->next;
	return t;
}

/* The calls that waited for the one before them. */
static void flush_tools(struct enc *x, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, 0);

	block_close(x, out);
	for (struct enc_tool *t = c->tools; t; t = t->next) {
		if (t->done)
			continue;
		block_open(x, EV_TOOL_START, t, out);
		if (x->stream && t->args.len)
			text_event(x, false, buf_span(&t->args), out);
		block_close(x, out);
	}
}

static void on_tool_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, 0);
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
	if (x->block == EV_TOOL_START)
		return; /* it waits */
	block_close(x, out);
	block_open(x, EV_TOOL_START, t, out);
}

static void on_tool_args(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_tool *t = tool_find(x, ev->part);
	struct str s = { ev->s, ev->n };

	if (!t || t->done || !s.n)
		return;
	if (x->stream && t == x->block_tool)
		text_event(x, false, s, out);
	keep(x, &t->args, s);
}

/* --- the rest of the items -------------------------------------------------
 */

static void ensure(struct enc *x, enum ev_kind kind, struct buf *out)
{
	if (x->block == kind)
		return;
	flush_tools(x, out);
	block_open(x, kind, NULL, out);
}

/* Text, a refusal or reasoning. */
static void on_text(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s, ev->n };

	if (!s.n)
		return;
	ensure(x, ev->kind, out);
	if (x->stream && x->block == EV_REASONING && !said(x)->len)
		part_event(x, true, out);
	if (x->stream)
		text_event(x, false, s, out);
	keep(x, said(x), s);
}

static void on_signature(struct enc *x, const struct ev *ev, struct buf *out)
{
	const char *signer = ev->name ? ev->name : "anthropic";
	bool ours = !strcmp(signer, "responses");
	struct str s = signed_out(x->mem, signer, ours ? "" : "responses",
				  (struct str){ ev->s, ev->n });
	struct enc_tool *t = tool_find(x, ev->part);

	if (t) {
		if (!t->done)
			t->signature = arena_dup(x->mem, s);
		return;
	}
	ensure(x, EV_REASONING, out);
	keep(x, &enc_choice(x, 0)->signature, s);
	block_close(x, out);
}

/* A call stays open: some of its arguments, or its signature, may come late. */
static void on_block_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	(void)ev;
	if (x->block != EV_TOOL_START)
		block_close(x, out);
}

/* {"type":"url_citation","url_citation":{..}} is flat here. */
static void on_annotation(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(ev->s, ev->n, &e);
	struct json_object *in = js_get(o, js_str(o, "type", ""));
	struct buf *list = &enc_choice(x, 0)->annotations;
	size_t from;
	struct jw w;

	if (!in || x->block != EV_TEXT) {
		js_free(o);
		return;
	}
	if (list->len)
		buf_char(list, ',');
	from = list->len;
	jw_start(&w, list);
	jw_object(&w, NULL);
	jw_str(&w, "type", js_str(o, "type", ""));
	json_object_object_foreach(in, name, v) {
		if (strcmp(name, "type"))
			jw_member(&w, str_of(name),
				  v ? tree_print(v) : STR("null"));
	}
	jw_end(&w);
	x->too_large = x->too_large || !buf_ok(list);
	js_free(o);
	if (!x->stream)
		return;
	part_open(x, &w, "response.output_text.annotation.added", out);
	jw_int(&w, "annotation_index", enc_choice(x, 0)->n_tools++);
	jw_raw(&w, "annotation",
	       (struct str){ list->p + from, list->len - from });
	event_close(&w);
}

/* An item of this dialect that nobody else knows: as it came. */
static void on_opaque(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s, ev->n };
	static const char *const types[] = { "response.output_item.added",
					     "response.output_item.done" };
	struct jw w;

	if (!strcmp(ev->name, "openai.service_tier"))
		x->tier = arena_dup(x->mem, s);
	if (strcmp(ev->name, "responses.item"))
		return;
	flush_tools(x, out);
	for (size_t i = 0; x->stream && i < COUNT(types); i++) {
		event_open(x, &w, types[i], out);
		jw_int(&w, "output_index", x->n_blocks);
		jw_raw(&w, "item", s);
		event_close(&w);
	}
	if (x->blocks.len)
		buf_char(&x->blocks, ',');
	keep(x, &x->blocks, s);
	x->n_blocks++;
}

static void on_finish(struct enc *x, const struct ev *ev, struct buf *out)
{
	(void)out;
	enc_choice(x, 0)->finish = ev->finish;
}

/* --- the beginning and the end ---------------------------------------------
 */

static void on_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (!x->id)
		x->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	if (!x->model)
		x->model = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	x->started = true;
	if (!x->stream)
		return;
	whole_event(x, "response.created", "in_progress", out);
	whole_event(x, "response.in_progress", "in_progress", out);
}

static void on_error(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s ? ev->s : "", ev->s ? ev->n : 0 };
	struct jw w;

	if (!x->stream) {
		dialect_error_body(out, arena_dup(x->mem, s), ev->name, NULL,
				   ev->id);
		return;
	}
	event_open(x, &w, "error", out);
	jw_str(&w, "code",
	       ev->id && *ev->id     ? ev->id :
	       ev->name && *ev->name ? ev->name :
				       "server_error");
	jw_text(&w, "message", s);
	jw_null(&w, "param");
	event_close(&w);
}

static const char *status_of(const struct enc *x)
{
	enum finish f = x->choices[0] ? x->choices[0]->finish : FINISH_STOP;

	if (f == FINISH_ERROR)
		return "failed";
	return f == FINISH_LENGTH || f == FINISH_FILTER ? "incomplete" :
							  "completed";
}

static void on_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	const char *status = status_of(x);
	struct jw w;

	(void)ev;
	flush_tools(x, out);
	if (x->too_large || !buf_ok(&x->blocks)) {
		on_error(x,
			 &(struct ev){ .s = "The answer is too large.",
				       .n = 24,
				       .name = "upstream_error",
				       .id = "bad_upstream_response" },
			 out);
		return;
	}
	if (x->stream) {
		whole_event(x, arena_printf(x->mem, "response.%s", status),
			    status, out);
		return;
	}
	jw_start(&w, out);
	jw_object(&w, NULL);
	responses_object(x, status, &w);
	jw_end(&w);
}

static void (*const encoders[EV__COUNT])(struct enc *x, const struct ev *ev,
					 struct buf *out) = {
	/* clang-format off */
	[EV_START] = on_start,
	[EV_TEXT] = on_text,
	[EV_REASONING] = on_text,
	[EV_TOOL_START] = on_tool_start,
	[EV_TOOL_ARGS] = on_tool_args,
	[EV_BLOCK_END] = on_block_end,
	[EV_FINISH] = on_finish,
	[EV_ERROR] = on_error,
	[EV_SIGNATURE] = on_signature,
	[EV_REFUSAL] = on_text,
	[EV_ANNOTATION] = on_annotation,
	[EV_OPAQUE] = on_opaque,
	[EV_END] = on_end,
	/* clang-format on */
};

void responses_encode(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (ev->kind == EV_USAGE)
		usage_merge(&x->usage, &ev->usage);
	/* This dialect has one answer to a request. */
	if (ev->choice || !encoders[ev->kind] || !enc_choice(x, 0))
		return;
	encoders[ev->kind](x, ev, out);
	x->failed = ev->kind == EV_ERROR;
	x->ended = ev->kind == EV_END;
}

/* The event of an item does not say whose response it is: that is known where
 * p is of the response itself. */
void responses_resume(struct enc *x, const char *p, size_t n)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p, n, &e);
	struct json_object *r = js_get(o, "response");

	if (!x->id)
		x->id = arena_dup(x->mem, str_of(js_str(r, "id", "")));
	if (!x->model)
		x->model = arena_dup(x->mem, str_of(js_str(r, "model", "")));
	if (!x->created_s)
		x->created_s = js_int(r, "created_at", 0);
	x->seq = js_int(o, "sequence_number", -1) + 1;
	x->n_blocks = (int)js_int(o, "output_index", -1) + 1;
	x->started = true;
	js_free(o);
}
