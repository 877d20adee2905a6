/* dialect_responses_dec.c - what an upstream says, to events.
 *
 * https://platform.openai.com/docs/api-reference/responses-streaming.  An
 * answer is a list of items; a stream says each item's beginning, its pieces
 * and its end, which has all of it again.  An event without a row says nothing
 * that the items do not.
 */
#include "dialect/responses.h"

static void opaque(struct dec *d, const char *name, struct json_object *o)
{
	struct str s = tree_print(o);

	if (!json_object_is_type(o, json_type_object) &&
	    !json_object_is_type(o, json_type_string))
		return;
	dec_emit(d,
		 &(struct ev){
			 .kind = EV_OPAQUE, .name = name, .s = s.p, .n = s.n });
}

/* --- calls -----------------------------------------------------------------
 */

static struct dec_tool *tool_at(struct dec *d, int64_t index)
{
	struct dec_tool *t = dec_choice(d, 0)->tools;

	while (t && t->index != index)
		t = t->next;
	return t;
}

static void args(struct dec *d, struct dec_tool *t, struct str s)
{
	if (!t || !s.n)
		return;
	t->has_args = true;
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_ARGS,
				  .part = t->part,
				  .s = s.p,
				  .n = s.n });
}

static int call_begins(struct dec *d, struct json_object *item, int64_t index,
		       struct err *e)
{
	struct dec_choice *c = dec_choice(d, 0);
	bool custom = !strcmp(js_str(item, "type", ""), "custom_tool_call");
	struct dec_tool *t;
	int part;

	if (tool_at(d, index))
		return 0;
	part = dec_open(d, 0, EV_TOOL_START);
	if (part < 0)
		return dec_too_many(e);
	t = ARENA_NEW(d->mem, struct dec_tool);
	t->part = part;
	t->index = index;
	t->id = arena_dup(d->mem, str_of(js_str(item, "call_id",
						js_str(item, "id", ""))));
	if (c->tools)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_START,
				  .part = part,
				  .id = t->id,
				  .name = js_str(item, "name", ""),
				  .custom = custom });
	return 0;
}

/* What the pieces did not say. */
static int call_ends(struct dec *d, struct json_object *item, int64_t index,
		     struct err *e)
{
	struct dec_tool *t;

	if (call_begins(d, item, index, e) < 0)
		return -1;
	t = tool_at(d, index);
	if (!t->has_args)
		args(d, t,
		     js_text(item,
			     js_get(item, "input") ? "input" : "arguments"));
	dec_close(d, 0);
	return 0;
}

/* --- messages and reasoning ------------------------------------------------
 */

/* url_citation is flat here, and has an object of its own in a chat. */
static void annotation(struct dec *d, struct json_object *o)
{
	struct json_object *all, *inner;
	struct str s;

	if (strcmp(js_str(o, "type", ""), "url_citation")) {
		opaque(d, "responses.annotation", o);
		return;
	}
	all = json_object_new_object();
	inner = json_object_new_object();
	json_object_object_add(all, "type",
			       json_object_new_string("url_citation"));
	json_object_object_foreach(o, name, v) {
		if (strcmp(name, "type"))
			json_object_object_add(inner, name, json_object_get(v));
	}
	json_object_object_add(all, "url_citation", inner);
	s = tree_print(all);
	dec_emit(d, &(struct ev){ .kind = EV_ANNOTATION, .s = s.p, .n = s.n });
	js_free(all);
}

static int content_part(struct dec *d, struct json_object *part, struct err *e)
{
	struct json_object *list = js_get(part, "annotations");

	if (dec_say(d, 0, EV_TEXT, js_text(part, "text"), e) < 0 ||
	    dec_say(d, 0, EV_REFUSAL, js_text(part, "refusal"), e) < 0)
		return -1;
	for (int i = 0; i < js_len(list); i++)
		annotation(d, js_at(list, i));
	dec_close(d, 0);
	return 0;
}

/* All of it, where nothing came in pieces. */
static int message_ends(struct dec *d, struct json_object *item, int64_t index,
			struct err *e)
{
	struct json_object *list = js_get(item, "content");
	bool spoken = d->stream && dec_choice(d, 0)->open >= 0;

	(void)index;
	for (int i = 0; !spoken && i < js_len(list); i++)
		if (content_part(d, js_at(list, i), e) < 0)
			return -1;
	dec_close(d, 0);
	return 0;
}

static int thoughts(struct dec *d, struct json_object *list, struct err *e)
{
	for (int i = 0; i < js_len(list); i++)
		if ((i && dec_say(d, 0, EV_REASONING, STR("\n\n"), e) < 0) ||
		    dec_say(d, 0, EV_REASONING, js_text(js_at(list, i), "text"),
			    e) < 0)
			return -1;
	return 0;
}

static int reasoning_ends(struct dec *d, struct json_object *item,
			  int64_t index, struct err *e)
{
	struct dec_choice *c = dec_choice(d, 0);
	struct str sealed = js_text(item, "encrypted_content"), signer, s;
	bool spoken = d->stream && c->open >= 0;

	(void)index;
	if (!spoken && (thoughts(d, js_get(item, "summary"), e) < 0 ||
			thoughts(d, js_get(item, "content"), e) < 0))
		return -1;
	if (sealed.n) {
		int part = dec_open(d, 0, EV_REASONING);

		if (part < 0)
			return dec_too_many(e);
		signed_in("", sealed, &signer, &s);
		if (!signer.n) {
			signer = STR("responses");
			s = responses_seal(d->mem, js_text(item, "id"), sealed);
		}
		dec_emit(d, &(struct ev){ .kind = EV_SIGNATURE,
					  .part = part,
					  .name = signer.p,
					  .s = s.p,
					  .n = s.n });
	}
	dec_close(d, 0);
	return 0;
}

static int nothing(struct dec *d, struct json_object *item, int64_t index,
		   struct err *e)
{
	(void)d, (void)item, (void)index, (void)e;
	return 0;
}

/* An item of this dialect that nobody else knows. */
static int other_ends(struct dec *d, struct json_object *item, int64_t index,
		      struct err *e)
{
	(void)index, (void)e;
	opaque(d, "responses.item", item);
	return 0;
}

static const struct item {
	const char *type;
	int (*begins)(struct dec *d, struct json_object *item, int64_t index,
		      struct err *e);
	int (*ends)(struct dec *d, struct json_object *item, int64_t index,
		    struct err *e);
} items[] = {
	{ "message", nothing, message_ends },
	{ "reasoning", nothing, reasoning_ends },
	{ "function_call", call_begins, call_ends },
	{ "custom_tool_call", call_begins, call_ends },
	{ "", nothing, other_ends }, /* the rest */
};

static const struct item *item_of(struct json_object *item)
{
	const char *type = js_str(item, "type", "");
	const struct item *i = items;

	while (*i->type && strcmp(i->type, type))
		i++;
	return i;
}

/* --- events ----------------------------------------------------------------
 */

static int ev_start(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *r = js_get(o, "response");

	(void)e;
	dec_choice(d, 0);
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(r, "id", ""),
				  .name = js_str(r, "model", "") });
	return 0;
}

static int ev_item_added(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *item = js_get(o, "item");

	dec_close(d, 0);
	return item_of(item)->begins(d, item, js_int(o, "output_index", 0), e);
}

static int ev_item_done(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *item = js_get(o, "item");

	return item_of(item)->ends(d, item, js_int(o, "output_index", 0), e);
}

/* The first one belongs to its item; another is a text of its own. */
static int ev_part_added(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	if (js_int(o, "content_index", 0) > 0)
		dec_close(d, 0);
	return 0;
}

static int ev_text(struct dec *d, struct json_object *o, struct err *e)
{
	return dec_say(d, 0, EV_TEXT, js_text(o, "delta"), e);
}

static int ev_refusal(struct dec *d, struct json_object *o, struct err *e)
{
	return dec_say(d, 0, EV_REFUSAL, js_text(o, "delta"), e);
}

static int ev_thought(struct dec *d, struct json_object *o, struct err *e)
{
	return dec_say(d, 0, EV_REASONING, js_text(o, "delta"), e);
}

static int ev_summary_added(struct dec *d, struct json_object *o, struct err *e)
{
	return js_int(o, "summary_index", 0) > 0 ?
		       dec_say(d, 0, EV_REASONING, STR("\n\n"), e) :
		       0;
}

static int ev_args(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	args(d, tool_at(d, js_int(o, "output_index", 0)), js_text(o, "delta"));
	return 0;
}

static int ev_annotation(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	annotation(d, js_get(o, "annotation"));
	return 0;
}

static int on_response(struct dec *d, struct json_object *r, struct err *e);

static int ev_terminal(struct dec *d, struct json_object *o, struct err *e)
{
	ev_start(d, o, e);
	return on_response(d, js_get(o, "response"), e);
}

/* {"type":"error","code":..,"message":..}, or with an object of its own. */
static void on_error(struct dec *d, struct json_object *error)
{
	struct str s = js_text(error, "message");
	const char *code = js_str(error, "code", "");

	if (json_object_is_type(error, json_type_string))
		s = str_of(json_object_get_string(error));
	else if (!s.p)
		s = tree_print(error);
	dec_emit(d,
		 &(struct ev){
			 .kind = EV_ERROR,
			 .s = s.p,
			 .n = s.n,
			 .name = js_get(error, "code") &&
						 !strcmp(js_str(error, "type",
								"error"),
							 "error") ?
					 code :
					 js_str(error, "type", ""),
			 .id = code });
}

static int ev_error(struct dec *d, struct json_object *o, struct err *e)
{
	(void)e;
	on_error(d, js_get(o, "error") ? js_get(o, "error") : o);
	return 0;
}

static const struct {
	const char *type;
	int (*fn)(struct dec *d, struct json_object *o, struct err *e);
} events[] = {
	/* clang-format off */
	{ "response.output_text.delta",            ev_text },
	{ "response.function_call_arguments.delta", ev_args },
	{ "response.custom_tool_call_input.delta", ev_args },
	{ "response.reasoning_summary_text.delta", ev_thought },
	{ "response.reasoning_text.delta",         ev_thought },
	{ "response.refusal.delta",                ev_refusal },
	{ "response.created",                      ev_start },
	{ "response.queued",                       ev_start },
	{ "response.in_progress",                  ev_start },
	{ "response.output_item.added",            ev_item_added },
	{ "response.output_item.done",             ev_item_done },
	{ "response.content_part.added",           ev_part_added },
	{ "response.reasoning_summary_part.added", ev_summary_added },
	{ "response.output_text.annotation.added", ev_annotation },
	{ "response.completed",                    ev_terminal },
	{ "response.incomplete",                   ev_terminal },
	{ "response.failed",                       ev_terminal },
	{ "response.cancelled",                    ev_terminal },
	{ "error",                                 ev_error },
	/* clang-format on */
};

/* --- the response ----------------------------------------------------------
 */

static void on_usage(struct dec *d, struct json_object *usage)
{
	struct ev ev = { .kind = EV_USAGE };

	if (!json_object_is_type(usage, json_type_object))
		return;
	switch (usage_hear(USAGE_OPENAI, USAGE_NEEDS_BOTH, tree_print(usage),
			   &d->said, &ev.usage)) {
	case USAGE_GOOD: dec_emit(d, &ev); break;
	case USAGE_UNUSABLE: d->usage_refused = true; break;
	case USAGE_SAID_NOTHING: break;
	}
}

static void finish(struct dec *d, struct json_object *r)
{
	struct json_object *why = js_get(r, "incomplete_details");
	struct dec_choice *c = dec_choice(d, 0);
	enum finish f = c->tools ? FINISH_TOOLS : FINISH_STOP;

	if (!strcmp(js_str(r, "status", ""), "incomplete"))
		f = strcmp(js_str(why, "reason", ""), "content_filter") ?
			    FINISH_LENGTH :
			    FINISH_FILTER;
	dec_close(d, 0);
	c->finished = true;
	d->n_finished++;
	dec_emit(d, &(struct ev){ .kind = EV_FINISH, .finish = f });
}

/* The end of a stream, or the whole answer.  Some servers say the items only
 * here. */
static int on_response(struct dec *d, struct json_object *r, struct err *e)
{
	struct json_object *list = js_get(r, "output");
	const char *status = js_str(r, "status", "completed");
	bool stream = d->stream, unsaid = !dec_choice(d, 0)->n_parts;

	if (js_get(r, "error")) {
		on_usage(d, js_get(r, "usage"));
		on_error(d, js_get(r, "error"));
		return 0;
	}
	if (!strcmp(status, "failed") || !strcmp(status, "cancelled")) {
		dec_emit(d, &(struct ev){ .kind = EV_ERROR,
					  .s = status,
					  .n = strlen(status),
					  .name = "server_error",
					  .id = status });
		return 0;
	}
	d->stream = false;
	for (int i = 0; unsaid && i < js_len(list); i++)
		if (item_of(js_at(list, i))->ends(d, js_at(list, i), i, e) < 0)
			return -1;
	d->stream = stream;
	/* Before the end it is only what was asked for. */
	if (json_object_is_type(js_get(r, "service_tier"), json_type_string))
		opaque(d, "openai.service_tier", js_get(r, "service_tier"));
	finish(d, r);
	on_usage(d, js_get(r, "usage"));
	dec_emit(d, &(struct ev){ .kind = EV_END });
	return 0;
}

static int on_object(struct dec *d, const char *event, struct json_object *o,
		     struct err *e)
{
	const char *type = js_str(o, "type", event);
	bool whole = js_get(o, "output") || js_get(o, "status");

	if (js_get(o, "error") && !whole && !js_get(o, "response"))
		return ev_error(d, o, e);
	for (size_t i = 0; d->stream && i < COUNT(events); i++)
		if (!strcmp(events[i].type, type)) {
			if (!d->started && !js_get(o, "response") &&
			    events[i].fn != ev_error)
				break;
			dec_choice(d, 0);
			return events[i].fn(d, o, e);
		}
	if (d->stream && d->started)
		return 0;
	if (d->stream || !whole)
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer is no response");
	dec_choice(d, 0);
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(o, "id", ""),
				  .name = js_str(o, "model", "") });
	return on_response(d, o, e);
}

int responses_decode(struct dec *d, const char *event, const char *p, size_t n,
		     struct err *e)
{
	struct err why = { 0 };
	struct json_object *o;
	int ret;

	while (n && p[n - 1] && strchr(" \t\r\n", p[n - 1]))
		n--;
	if (d->stream && (!n || str_eq((struct str){ p, n }, "[DONE]")))
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
