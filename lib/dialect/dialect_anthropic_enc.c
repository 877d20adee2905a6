/* dialect_anthropic_enc.c - events to what a client of Anthropic's reads.
 *
 * https://platform.claude.com/docs/en/build-with-claude/streaming.  Blocks are
 * numbered and never interleave: the first of several tool calls is written as
 * it comes, those that follow it when it can grow no more.  Stop reason and
 * usage are one event, at the end.  A whole answer is the same blocks, put
 * into a list.
 */
#include "dialect/anthropic.h"

/* --- one event of the stream -----------------------------------------------
 */

static void event_open(struct jw *w, const char *type, struct buf *out)
{
	buf_printf(out, "event: %s\ndata: ", type);
	jw_start(w, out);
	jw_object(w, NULL);
	jw_str(w, "type", type);
}

static void event_close(struct jw *w)
{
	jw_end(w);
	buf_str(w->out, "\n\n");
}

static void write_usage(const struct usage *u, struct jw *w)
{
	int64_t writes =
		MAX(u->cache_write_tok, 0) + MAX(u->cache_write_1h_tok, 0);

	jw_object(w, "usage");
	jw_int(w, "input_tokens", MAX(u->in_tok, 0));
	jw_int(w, "cache_read_input_tokens", MAX(u->cache_read_tok, 0));
	jw_int(w, "cache_creation_input_tokens", writes);
	if (u->cache_write_1h_tok >= 0) {
		jw_object(w, "cache_creation");
		jw_int(w, "ephemeral_5m_input_tokens",
		       MAX(u->cache_write_tok, 0));
		jw_int(w, "ephemeral_1h_input_tokens", u->cache_write_1h_tok);
		jw_end(w);
	}
	jw_int(w, "output_tokens", MAX(u->out_tok, 0));
	if (u->reasoning_tok >= 0) {
		jw_object(w, "output_tokens_details");
		jw_int(w, "thinking_tokens", u->reasoning_tok);
		jw_end(w);
	}
	if (u->searches >= 0 || u->fetches >= 0) {
		jw_object(w, "server_tool_use");
		jw_int(w, "web_search_requests", MAX(u->searches, 0));
		jw_int(w, "web_fetch_requests", MAX(u->fetches, 0));
		jw_end(w);
	}
	jw_end(w);
}

static const char *stop_reason(struct enc *x)
{
	struct enc_choice *c = enc_choice(x, 0);
	enum finish f = c->finish;

	if (c->tools && f != FINISH_LENGTH && f != FINISH_FILTER)
		f = FINISH_TOOLS;
	return anthropic_stop_reason(f);
}

static void write_top(const struct enc *x, struct jw *w)
{
	jw_str(w, "id", x->id ? x->id : "");
	jw_str(w, "type", "message");
	jw_str(w, "role", "assistant");
	jw_str(w, "model", x->model ? x->model : "");
}

/* --- blocks ----------------------------------------------------------------
 */

/* The arguments of a call, which are an object here; a model may have written
 * what is none. */
static struct str input_of(const struct enc_tool *t)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(t->args.p, t->args.len, &e);
	bool object = json_object_is_type(o, json_type_object);

	js_free(o);
	return object ? buf_span(&t->args) : STR("{}");
}

/* A block as it is, or with what was collected of it. */
static void write_block(struct enc *x, bool empty, struct jw *w,
			const char *name)
{
	const struct enc_choice *c = enc_choice(x, 0);
	const struct enc_tool *t = x->block_tool;

	jw_object(w, name);
	if (x->block == EV_TEXT) {
		jw_str(w, "type", "text");
		jw_text(w, "text", empty ? STR("") : buf_span(&c->text));
		if (c->annotations.len && !empty) {
			jw_array(w, "citations");
			jw_raw(w, NULL, buf_span(&c->annotations));
			jw_end(w);
		}
	} else if (x->block == EV_REASONING) {
		jw_str(w, "type", "thinking");
		jw_text(w, "thinking",
			empty ? STR("") : buf_span(&c->reasoning));
		jw_text(w, "signature",
			empty ? STR("") : buf_span(&c->signature));
	} else {
		jw_str(w, "type", "tool_use");
		jw_str(w, "id", t->id);
		jw_str(w, "name", t->name);
		jw_raw(w, "input", empty ? STR("{}") : input_of(t));
	}
	jw_end(w);
}

static void comma(struct enc *x)
{
	if (x->blocks.len)
		buf_char(&x->blocks, ',');
}

static void block_close(struct enc *x, struct buf *out)
{
	struct enc_choice *c = enc_choice(x, 0);
	struct jw w;

	if (x->block == EV_START)
		return;
	if (x->stream) {
		event_open(&w, "content_block_stop", out);
		jw_int(&w, "index", x->n_blocks);
		event_close(&w);
	} else if (x->block != EV_OPAQUE) {
		comma(x);
		jw_start(&w, &x->blocks);
		write_block(x, false, &w, NULL);
		buf_clear(&c->text);
		buf_clear(&c->reasoning);
		buf_clear(&c->signature);
		buf_clear(&c->annotations);
	}
	if (x->block_tool)
		x->block_tool->done = true;
	x->block_tool = NULL;
	x->block = EV_START;
	x->n_blocks++;
}

static void block_open(struct enc *x, enum ev_kind kind, struct enc_tool *t,
		       struct buf *out)
{
	struct jw w;

	x->block = kind;
	x->block_tool = t;
	if (!x->stream)
		return;
	event_open(&w, "content_block_start", out);
	jw_int(&w, "index", x->n_blocks);
	write_block(x, true, &w, "content_block");
	event_close(&w);
}

/* A piece of the open block. */
static void piece(struct enc *x, const char *type, const char *name,
		  struct str s, struct buf *out)
{
	struct jw w;

	event_open(&w, "content_block_delta", out);
	jw_int(&w, "index", x->n_blocks);
	jw_object(&w, "delta");
	jw_str(&w, "type", type);
	jw_text(&w, name, s);
	jw_end(&w);
	event_close(&w);
}

static void keep(struct enc *x, struct buf *to, struct str s)
{
	buf_add(to, s.p, s.n);
	x->too_large = x->too_large || !buf_ok(to);
}

/* --- tools -----------------------------------------------------------------
 */

static struct enc_tool *tool_add(struct enc *x, const struct ev *ev)
{
	struct enc_choice *c = enc_choice(x, 0);
	struct enc_tool *t = ARENA_NEW(x->mem, struct enc_tool);

	t->part = ev->part;
	t->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	t->name = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	buf_init(&t->args, x->max_bytes);
	if (c->tools)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
	return t;
}

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
			piece(x, "input_json_delta", "partial_json",
			      buf_span(&t->args), out);
		block_close(x, out);
	}
}

static void on_tool_start(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct enc_tool *t = tool_add(x, ev);

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
		piece(x, "input_json_delta", "partial_json", s, out);
	else
		keep(x, &t->args, s);
}

/* --- the rest of the blocks ------------------------------------------------
 */

static void ensure(struct enc *x, enum ev_kind kind, struct buf *out)
{
	if (x->block == kind)
		return;
	flush_tools(x, out);
	block_open(x, kind, NULL, out);
}

static void on_text(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s, ev->n };

	ensure(x, EV_TEXT, out);
	if (x->stream)
		piece(x, "text_delta", "text", s, out);
	else
		keep(x, &enc_choice(x, 0)->text, s);
}

static void on_reasoning(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s, ev->n };

	ensure(x, EV_REASONING, out);
	if (x->stream)
		piece(x, "thinking_delta", "thinking", s, out);
	else
		keep(x, &enc_choice(x, 0)->reasoning, s);
}

static void on_signature(struct enc *x, const struct ev *ev, struct buf *out)
{
	const char *signer = ev->name ? ev->name : "anthropic";
	struct str s = signed_out(x->mem, signer, "anthropic",
				  (struct str){ ev->s, ev->n });

	if (x->block == EV_TEXT || tool_find(x, ev->part))
		return; /* here only reasoning is signed */
	ensure(x, EV_REASONING, out);
	if (x->stream)
		piece(x, "signature_delta", "signature", s, out);
	else
		keep(x, &enc_choice(x, 0)->signature, s);
}

/* A call stays open: some of its arguments may come late. */
static void on_block_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	(void)ev;
	if (x->block != EV_TOOL_START)
		block_close(x, out);
}

static void citation(struct enc *x, struct str s, struct buf *out)
{
	struct buf *to = &enc_choice(x, 0)->annotations;
	struct jw w;

	if (x->block != EV_TEXT)
		return;
	if (!x->stream) {
		if (to->len)
			buf_char(to, ',');
		keep(x, to, s);
		return;
	}
	event_open(&w, "content_block_delta", out);
	jw_int(&w, "index", x->n_blocks);
	jw_object(&w, "delta");
	jw_str(&w, "type", "citations_delta");
	jw_raw(&w, "citation", s);
	jw_end(&w);
	event_close(&w);
}

/* A block of this dialect that nobody else knows: as it came. */
static void on_opaque(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s, ev->n };
	struct jw w;

	if (!strcmp(ev->name, "anthropic.citation")) {
		citation(x, s, out);
		return;
	}
	if (strcmp(ev->name, "anthropic.redacted_thinking"))
		return;
	flush_tools(x, out);
	x->block = EV_OPAQUE;
	if (!x->stream) {
		comma(x);
		keep(x, &x->blocks, s);
		return;
	}
	event_open(&w, "content_block_start", out);
	jw_int(&w, "index", x->n_blocks);
	jw_raw(&w, "content_block", s);
	event_close(&w);
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
	struct jw w;

	if (!x->id)
		x->id = arena_dup(x->mem, str_of(ev->id ? ev->id : ""));
	if (!x->model)
		x->model = arena_dup(x->mem, str_of(ev->name ? ev->name : ""));
	x->started = true;
	if (!x->stream)
		return;
	event_open(&w, "message_start", out);
	jw_object(&w, "message");
	write_top(x, &w);
	jw_raw(&w, "content", STR("[]"));
	jw_null(&w, "stop_reason");
	jw_null(&w, "stop_sequence");
	/* The numbers come at the end, and replace these. */
	jw_raw(&w, "usage", STR("{\"input_tokens\":0,\"output_tokens\":0}"));
	jw_end(&w);
	event_close(&w);
	event_open(&w, "ping", out);
	event_close(&w);
}

static void error_body(struct enc *x, const char *type, struct str message,
		       struct buf *out)
{
	struct jw w;

	(void)x;
	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_str(&w, "type", "error");
	jw_object(&w, "error");
	jw_str(&w, "type", type && *type ? type : "api_error");
	jw_text(&w, "message", message);
	jw_end(&w);
	jw_end(&w);
}

static void on_error(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct str s = { ev->s ? ev->s : "", ev->s ? ev->n : 0 };

	if (x->stream)
		buf_str(out, "event: error\ndata: ");
	error_body(x, ev->name, s, out);
	if (x->stream)
		buf_str(out, "\n\n");
}

static void whole(struct enc *x, struct buf *out)
{
	struct jw w;

	if (x->too_large || !buf_ok(&x->blocks)) {
		error_body(x, "api_error", STR("The answer is too large."),
			   out);
		return;
	}
	jw_start(&w, out);
	jw_object(&w, NULL);
	write_top(x, &w);
	jw_array(&w, "content");
	if (x->blocks.len)
		jw_raw(&w, NULL, buf_span(&x->blocks));
	jw_end(&w);
	jw_str(&w, "stop_reason", stop_reason(x));
	jw_null(&w, "stop_sequence");
	write_usage(&x->usage, &w);
	jw_end(&w);
}

static void on_end(struct enc *x, const struct ev *ev, struct buf *out)
{
	struct jw w;

	(void)ev;
	flush_tools(x, out);
	if (!x->stream) {
		whole(x, out);
		return;
	}
	event_open(&w, "message_delta", out);
	jw_object(&w, "delta");
	jw_str(&w, "stop_reason", stop_reason(x));
	jw_null(&w, "stop_sequence");
	jw_end(&w);
	write_usage(&x->usage, &w);
	event_close(&w);
	event_open(&w, "message_stop", out);
	event_close(&w);
}

static void (*const encoders[EV__COUNT])(struct enc *x, const struct ev *ev,
					 struct buf *out) = {
	/* clang-format off */
	[EV_START] = on_start,
	[EV_TEXT] = on_text,
	[EV_REASONING] = on_reasoning,
	[EV_TOOL_START] = on_tool_start,
	[EV_TOOL_ARGS] = on_tool_args,
	[EV_BLOCK_END] = on_block_end,
	[EV_FINISH] = on_finish,
	[EV_ERROR] = on_error,
	[EV_SIGNATURE] = on_signature,
	[EV_REFUSAL] = on_text,
	[EV_OPAQUE] = on_opaque,
	[EV_END] = on_end,
	/* clang-format on */
};

void anthropic_encode(struct enc *x, const struct ev *ev, struct buf *out)
{
	if (ev->kind == EV_USAGE)
		usage_merge(&x->usage, &ev->usage);
	/* This dialect has one answer to a request. */
	if (ev->choice || !encoders[ev->kind])
		return;
	encoders[ev->kind](x, ev, out);
	x->failed = ev->kind == EV_ERROR;
	x->ended = ev->kind == EV_END;
}

/* The blocks that passed are counted by the last one's number; which kind it
 * is does not matter for its end. */
void anthropic_resume(struct enc *x, const char *p, size_t n)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p, n, &e);

	x->n_blocks = (int)js_int(o, "index", 0);
	if (!strcmp(js_str(o, "type", ""), "content_block_stop"))
		x->n_blocks++;
	else if (js_get(o, "index"))
		x->block = EV_TEXT;
	x->started = true;
	js_free(o);
}
