/* dialect_anthropic_dec.c - what an upstream says, to events.
 *
 * Streams: https://platform.claude.com/docs/en/build-with-claude/streaming.
 * Blocks come one after the other and are numbered; an event without a row,
 * and a block that only this dialect knows, is kept as it is.
 */
#include "dialect/anthropic.h"

static void opaque(struct dec *d, const char *name, struct json_object *o)
{
	struct str s = tree_print(o);
	char full[80];

	snprintf(full, sizeof(full), "anthropic.%s", name);
	dec_emit(d,
		 &(struct ev){
			 .kind = EV_OPAQUE, .name = full, .s = s.p, .n = s.n });
}

/* --- usage and the end -----------------------------------------------------
 */

static void on_usage(struct dec *d, struct json_object *usage)
{
	struct ev ev = { .kind = EV_USAGE };

	if (!json_object_is_type(usage, json_type_object))
		return;
	switch (usage_hear(USAGE_ANTHROPIC, USAGE_NEEDS_BOTH, tree_print(usage),
			   &d->said, &ev.usage)) {
	case USAGE_GOOD: dec_emit(d, &ev); break;
	case USAGE_UNUSABLE:
		/* half of it is missing: the other half comes later */
		if (ev.usage.flag == FLAG_ABSURD)
			d->usage_refused = true;
		break;
	case USAGE_SAID_NOTHING: break;
	}
}

static void finish(struct dec *d, enum finish f)
{
	struct dec_choice *c = dec_choice(d, 0);

	if (c->finished)
		return;
	dec_close(d, 0);
	c->finished = true;
	d->n_finished++;
	dec_emit(d, &(struct ev){ .kind = EV_FINISH, .finish = f });
}

/* Of the last message_delta, or of a whole message. */
static int on_stop_reason(struct dec *d, struct json_object *o, struct err *e)
{
	const char *why = js_str(o, "stop_reason", "");
	struct json_object *details = js_get(o, "stop_details");

	if (!*why)
		return 0;
	if (dec_say(d, 0, EV_REFUSAL, js_text(details, "explanation"), e) < 0)
		return -1;
	finish(d, anthropic_finish(why));
	return 0;
}

/* --- blocks ----------------------------------------------------------------
 */

/* The tool call of the block that has this index; NULL: it is no such block.
 */
static struct dec_tool *tool_at(struct dec *d, int64_t index)
{
	struct dec_tool *found = NULL;

	for (struct dec_tool *t = dec_choice(d, 0)->tools; t; t = t->next)
		if (t->index == index)
			found = t;
	return found;
}

static void args(struct dec *d, struct dec_tool *t, struct str s)
{
	if (!s.n)
		return;
	t->has_args = true;
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_ARGS,
				  .part = t->part,
				  .s = s.p,
				  .n = s.n });
}

static int on_tool(struct dec *d, struct json_object *block, int64_t index,
		   struct err *e)
{
	struct dec_choice *c = dec_choice(d, 0);
	struct json_object *input = js_get(block, "input");
	int part = dec_open(d, 0, EV_TOOL_START);
	struct dec_tool *t;

	if (part < 0)
		return dec_too_many(e);
	t = ARENA_NEW(d->mem, struct dec_tool);
	t->part = part;
	t->index = index;
	t->id = arena_dup(d->mem, str_of(js_str(block, "id", "")));
	if (c->tools)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_START,
				  .part = part,
				  .id = t->id,
				  .name = js_str(block, "name", "") });
	/* A stream begins with {}; some vendors say all of it here. */
	if (json_object_is_type(input, json_type_object) &&
	    json_object_object_length(input))
		args(d, t, tree_print(input));
	return 0;
}

static int on_text(struct dec *d, struct json_object *block, int64_t index,
		   struct err *e)
{
	struct json_object *list = js_get(block, "citations");

	(void)index;
	if (dec_say(d, 0, EV_TEXT, js_text(block, "text"), e) < 0)
		return -1;
	for (int i = 0; i < js_len(list); i++)
		opaque(d, "citation", js_at(list, i));
	return 0;
}

static void sign(struct dec *d, struct str signature)
{
	struct dec_choice *c = dec_choice(d, 0);

	if (signature.n && c->open >= 0)
		dec_emit(d, &(struct ev){ .kind = EV_SIGNATURE,
					  .part = c->open,
					  .s = signature.p,
					  .n = signature.n });
}

/* The text may be left out; the signature is not. */
static int on_thinking(struct dec *d, struct json_object *block, int64_t index,
		       struct err *e)
{
	(void)index;
	if (dec_open(d, 0, EV_REASONING) < 0)
		return dec_too_many(e);
	if (dec_say(d, 0, EV_REASONING, js_text(block, "thinking"), e) < 0)
		return -1;
	sign(d, js_text(block, "signature"));
	return 0;
}

static const struct {
	const char *type;
	int (*fn)(struct dec *d, struct json_object *block, int64_t index,
		  struct err *e);
} blocks[] = {
	{ "text", on_text },
	{ "thinking", on_thinking },
	{ "tool_use", on_tool },
};

static int block_start(struct dec *d, struct json_object *block, int64_t index,
		       struct err *e)
{
	const char *type = js_str(block, "type", "");

	dec_close(d, 0);
	for (size_t i = 0; i < COUNT(blocks); i++)
		if (!strcmp(blocks[i].type, type))
			return blocks[i].fn(d, block, index, e);
	opaque(d, *type ? type : "block", block);
	return 0;
}

static void block_stop(struct dec *d, int64_t index)
{
	struct dec_tool *t = tool_at(d, index);

	if (t && !t->has_args)
		args(d, t, STR("{}"));
	dec_close(d, 0);
}

/* --- deltas ----------------------------------------------------------------
 */

static int delta_text(struct dec *d, struct json_object *o, int64_t index,
		      struct err *e)
{
	(void)index;
	return dec_say(d, 0, EV_TEXT, js_text(o, "text"), e);
}

static int delta_thinking(struct dec *d, struct json_object *o, int64_t index,
			  struct err *e)
{
	(void)index;
	return dec_say(d, 0, EV_REASONING, js_text(o, "thinking"), e);
}

static int delta_signature(struct dec *d, struct json_object *o, int64_t index,
			   struct err *e)
{
	(void)index, (void)e;
	sign(d, js_text(o, "signature"));
	return 0;
}

static int delta_json(struct dec *d, struct json_object *o, int64_t index,
		      struct err *e)
{
	struct dec_tool *t = tool_at(d, index);

	(void)e;
	if (t)
		args(d, t, js_text(o, "partial_json"));
	else
		opaque(d, "input_json_delta", o);
	return 0;
}

static int delta_citation(struct dec *d, struct json_object *o, int64_t index,
			  struct err *e)
{
	(void)index, (void)e;
	opaque(d, "citation", js_get(o, "citation"));
	return 0;
}

static const struct {
	const char *type;
	int (*fn)(struct dec *d, struct json_object *o, int64_t index,
		  struct err *e);
} deltas[] = {
	{ "text_delta", delta_text },
	{ "thinking_delta", delta_thinking },
	{ "signature_delta", delta_signature },
	{ "input_json_delta", delta_json },
	{ "citations_delta", delta_citation },
};

/* --- events ----------------------------------------------------------------
 */

static void on_error(struct dec *d, struct json_object *o)
{
	struct json_object *error = js_either(o, "error", "message");
	struct json_object *details = js_get(error, "details");
	struct str s = js_text(error, "message");

	if (json_object_is_type(error, json_type_string))
		s = str_of(json_object_get_string(error));
	else if (!s.p)
		s = tree_print(error ? error : o);
	dec_emit(d, &(struct ev){ .kind = EV_ERROR,
				  .s = s.p,
				  .n = s.n,
				  .name = js_str(error, "type", ""),
				  .id = js_str(details, "error_code", "") });
}

static int ev_error(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	on_error(d, o);
	return 0;
}

static int ev_message_start(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *m = js_get(o, "message");

	(void)e;
	dec_choice(d, 0);
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(m, "id", ""),
				  .name = js_str(m, "model", "") });
	on_usage(d, js_get(m, "usage"));
	return 0;
}

static int ev_block_start(struct dec *d, struct json_object *o, struct err *e)
{
	return block_start(d, js_get(o, "content_block"), js_int(o, "index", 0),
			   e);
}

static int ev_block_delta(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *delta = js_get(o, "delta");
	const char *type = js_str(delta, "type", "");

	for (size_t i = 0; i < COUNT(deltas); i++)
		if (!strcmp(deltas[i].type, type))
			return deltas[i].fn(d, delta, js_int(o, "index", 0), e);
	opaque(d, "delta", o);
	return 0;
}

static int ev_block_stop(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	block_stop(d, js_int(o, "index", 0));
	return 0;
}

static int ev_message_delta(struct dec *d, struct json_object *o, struct err *e)
{
	if (on_stop_reason(d, js_get(o, "delta"), e) < 0)
		return -1;
	on_usage(d, js_get(o, "usage"));
	return 0;
}

/* The end: what did not say why it stopped has stopped in order. */
static int ev_message_stop(struct dec *d, struct json_object *o, struct err *e)
{
	(void)o, (void)e;
	finish(d, FINISH_STOP);
	dec_emit(d, &(struct ev){ .kind = EV_END });
	return 0;
}

static int ev_ping(struct dec *d, struct json_object *o, struct err *e)
{
	(void)d, (void)o, (void)e;
	return 0;
}

/* A whole answer is all of it at once. */
static int ev_message(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *content = js_get(o, "content");

	dec_choice(d, 0);
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(o, "id", ""),
				  .name = js_str(o, "model", "") });
	for (int i = 0; i < js_len(content); i++) {
		if (block_start(d, js_at(content, i), i, e) < 0)
			return -1;
		block_stop(d, i);
	}
	if (on_stop_reason(d, o, e) < 0)
		return -1;
	finish(d, FINISH_STOP);
	on_usage(d, js_get(o, "usage"));
	dec_emit(d, &(struct ev){ .kind = EV_END });
	return 0;
}

static const struct {
	const char *type;
	bool whole; /* stands alone, not in a stream */
	int (*fn)(struct dec *d, struct json_object *o, struct err *e);
} events[] = {
	/* clang-format off */
	{ "message_start",       false, ev_message_start },
	{ "content_block_start", false, ev_block_start },
	{ "content_block_delta", false, ev_block_delta },
	{ "content_block_stop",  false, ev_block_stop },
	{ "message_delta",       false, ev_message_delta },
	{ "message_stop",        false, ev_message_stop },
	{ "ping",                false, ev_ping },
	{ "message",             true,  ev_message },
	/* clang-format on */
};

static int on_object(struct dec *d, const char *event, struct json_object *o,
		     struct err *e)
{
	const char *type = js_str(o, "type", event);

	if (js_get(o, "error") || !strcmp(type, "error"))
		return ev_error(d, o, e);
	for (size_t i = 0; i < COUNT(events); i++) {
		if (strcmp(events[i].type, type) ||
		    events[i].whole == d->stream)
			continue;
		if (d->stream && !d->started && events[i].fn != ev_ping &&
		    events[i].fn != ev_message_start)
			break;
		return events[i].fn(d, o, e);
	}
	if (!d->stream || !d->started)
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer is no message");
	opaque(d, *type ? type : "event", o);
	return 0;
}

int anthropic_decode(struct dec *d, const char *event, const char *p, size_t n,
		     struct err *e)
{
	struct err why = { 0 };
	struct json_object *o;
	int ret;

	while (n && strchr(" \t\r\n", p[n - 1]) && p[n - 1])
		n--;
	if (d->stream && !n)
		return 0;
	o = js_parse(p, n, &why);
	if (json_object_is_type(o, json_type_object))
		ret = on_object(d, event ? event : "", o, e);
	else
		ret = err_set(e, ERR_UP_BROKEN,
			      "the upstream sent what is not JSON");
	js_free(o);
	return ret;
}
