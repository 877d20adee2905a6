/* dialect_openai_dec.c - what an upstream says, to events.
 *
 * Servers that speak this dialect differ in where usage, reasoning and errors
 * stand and in what they leave out; this reads all of them:
 * console.groq.com/docs (x_groq), openrouter.ai/docs (reasoning, errors in a
 * stream), api-docs.deepseek.com (reasoning_content), docs.x.ai.
 */
#include "dialect/openai.h"
#include "dialect/vector.h"

#define VECTOR_MAX (16u << 20)

static struct str string_of(struct json_object *o)
{
	if (!json_object_is_type(o, json_type_string))
		return STR_NONE;
	return (struct str){ json_object_get_string(o),
			     (size_t)json_object_get_string_len(o) };
}

static struct str text_of(struct json_object *o)
{
	struct str s;

	if (json_object_is_type(o, json_type_string))
		return string_of(o);
	s.p = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&s.n);
	return s;
}

/* --- errors ----------------------------------------------------------------
 */

static void on_error(struct dec *d, struct json_object *o,
		     struct json_object *error)
{
	struct json_object *words = js_either(error, "message", "msg");
	struct json_object *code = js_get(error, "code");
	struct json_object *type = js_get(error, "type");
	struct str s;

	if (json_object_is_type(error, json_type_string))
		s = string_of(error);
	else if (json_object_is_type(words, json_type_string))
		s = string_of(words);
	else
		s = text_of(error);
	if (!code && o)
		code = js_get(o, "code");
	dec_emit(d, &(struct ev){
			    .kind = EV_ERROR,
			    .s = s.p,
			    .n = s.n,
			    .name = type ? json_object_get_string(type) : "",
			    .id = code ? json_object_get_string(code) : "",
		    });
}

static bool has_words(struct json_object *o)
{
	return json_object_is_type(o, json_type_object) ||
	       (json_object_is_type(o, json_type_string) &&
		json_object_get_string_len(o));
}

/* {"error": ..}, {"object":"error","message": ..}, {"detail": ..} ... */
static struct json_object *error_in(struct json_object *o, const char *event)
{
	struct json_object *error = js_get(o, "error");
	struct json_object *groq = js_get(js_get(o, "x_groq"), "error");

	if (has_words(error))
		return error;
	if (has_words(groq))
		return groq;
	if (js_get(o, "choices") || js_get(o, "data") || js_get(o, "usage"))
		return NULL;
	if (!strcmp(event, "error") ||
	    !strcmp(js_str(o, "object", ""), "error"))
		return o;
	if (js_get(o, "detail"))
		return js_get(o, "detail");
	return has_words(js_either(o, "message", "msg")) ? o : NULL;
}

/* --- parts -----------------------------------------------------------------
 */

static int say_array(struct dec *d, int choice, struct json_object *list,
		     enum ev_kind kind, struct err *e);

/* Mistral's content: {"type":"thinking","thinking":[..]}, {"type":"text"}. */
static int say_item(struct dec *d, int choice, struct json_object *item,
		    enum ev_kind kind, struct err *e)
{
	struct json_object *thinking = js_get(item, "thinking");

	if (json_object_is_type(item, json_type_string))
		return dec_say(d, choice, kind, string_of(item), e);
	if (json_object_is_type(thinking, json_type_string))
		return dec_say(d, choice, EV_REASONING, string_of(thinking), e);
	if (thinking)
		return say_array(d, choice, thinking, EV_REASONING, e);
	return dec_say(d, choice, kind, js_text(item, "text"), e);
}

static int say_array(struct dec *d, int choice, struct json_object *list,
		     enum ev_kind kind, struct err *e)
{
	for (int i = 0; i < js_len(list); i++)
		if (say_item(d, choice, js_at(list, i), kind, e) < 0)
			return -1;
	return 0;
}

static void opaque(struct dec *d, int choice, const char *name,
		   struct json_object *o)
{
	struct str s;

	s.p = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&s.n);
	dec_emit(d, &(struct ev){ .kind = EV_OPAQUE,
				  .choice = choice,
				  .name = name,
				  .s = s.p,
				  .n = s.n });
}

static int on_text(struct dec *d, int choice, struct json_object *v,
		   struct err *e)
{
	if (json_object_is_type(v, json_type_array))
		return say_array(d, choice, v, EV_TEXT, e);
	return dec_say(d, choice, EV_TEXT, string_of(v), e);
}

static int on_reasoning(struct dec *d, int choice, struct json_object *v,
			struct err *e)
{
	return dec_say(d, choice, EV_REASONING, string_of(v), e);
}

static int on_refusal(struct dec *d, int choice, struct json_object *v,
		      struct err *e)
{
	return dec_say(d, choice, EV_REFUSAL, string_of(v), e);
}

static int on_annotations(struct dec *d, int choice, struct json_object *v,
			  struct err *e)
{
	(void)e;
	for (int i = 0; i < js_len(v); i++) {
		struct str s = text_of(js_at(v, i));

		dec_emit(d, &(struct ev){ .kind = EV_ANNOTATION,
					  .choice = choice,
					  .s = s.p,
					  .n = s.n });
	}
	return 0;
}

static int on_audio(struct dec *d, int choice, struct json_object *v,
		    struct err *e)
{
	(void)e;
	opaque(d, choice, "openai.audio", v);
	return 0;
}

/* --- tool calls ------------------------------------------------------------
 */

/* The call that a fragment belongs to.  Its index says so; without one its
 * id; without both it is the last call.  A new id under an old index is a new
 * call: some servers number them all 0. */
static struct dec_tool *known(struct dec_choice *c, struct json_object *o,
			      const char *id)
{
	bool by_index = js_get(o, "index") != NULL;
	int64_t index = js_int(o, "index", -1);
	struct dec_tool *found = NULL;

	for (struct dec_tool *t = c->tools; t; t = t->next)
		if (by_index ? t->index == index : !*id || !strcmp(t->id, id))
			found = t;
	if (found && *id && *found->id && strcmp(found->id, id))
		return NULL;
	return found;
}

static struct dec_tool *new_tool(struct dec *d, int choice,
				 struct json_object *o, struct json_object *f,
				 const char *id, bool custom)
{
	struct dec_choice *c = dec_choice(d, choice);
	int part = dec_open(d, choice, EV_TOOL_START);
	struct dec_tool *t;

	if (part < 0)
		return NULL;
	t = ARENA_NEW(d->mem, struct dec_tool);
	t->part = part;
	t->index = js_int(o, "index", part);
	/* without an id nobody could say what a result is the result of */
	t->id = *id ? arena_dup(d->mem, str_of(id)) :
		      arena_printf(d->mem, "call_%s_%d", d->id, part);
	if (c->tools)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_START,
				  .choice = choice,
				  .part = part,
				  .id = t->id,
				  .name = js_str(f, "name", ""),
				  .custom = custom });
	return t;
}

static int on_tool(struct dec *d, int choice, struct json_object *o,
		   struct json_object *f, struct err *e)
{
	bool custom = js_get(o, "custom") != NULL;
	struct json_object *args = js_get(f, custom ? "input" : "arguments");
	const char *id = js_str(o, "id", "");
	struct dec_tool *t = known(dec_choice(d, choice), o, id);
	struct str s = args ? text_of(args) : STR_NONE;

	if (!t)
		t = new_tool(d, choice, o, f, id, custom);
	if (!t)
		return dec_too_many(e);
	if (s.n)
		dec_emit(d, &(struct ev){ .kind = EV_TOOL_ARGS,
					  .choice = choice,
					  .part = t->part,
					  .s = s.p,
					  .n = s.n });
	return 0;
}

static int on_tools(struct dec *d, int choice, struct json_object *v,
		    struct err *e)
{
	for (int i = 0; i < js_len(v); i++) {
		struct json_object *o = js_at(v, i);

		if (on_tool(d, choice, o, js_either(o, "function", "custom"),
			    e) < 0)
			return -1;
	}
	return 0;
}

static int on_old_call(struct dec *d, int choice, struct json_object *v,
		       struct err *e)
{
	return on_tool(d, choice, NULL, v, e);
}

/* --- choices ---------------------------------------------------------------
 */

static const struct {
	const char *name, *other; /* other: the same under another name */
	int (*fn)(struct dec *d, int choice, struct json_object *v,
		  struct err *e);
} members[] = {
	{ "reasoning_content", "reasoning", on_reasoning },
	{ "content", NULL, on_text },
	{ "refusal", NULL, on_refusal },
	{ "tool_calls", NULL, on_tools },
	{ "function_call", NULL, on_old_call },
	{ "annotations", NULL, on_annotations },
	{ "audio", NULL, on_audio },
};

static void on_finish(struct dec *d, int choice, struct json_object *o)
{
	const char *why = js_str(o, "finish_reason", "");
	enum finish f = finish_named(why);

	if (f == FINISH_NONE && !d->stream)
		f = FINISH_STOP;
	if (f == FINISH_ERROR && !dec_choice(d, choice)->n_parts)
		dec_emit(d, &(struct ev){ .kind = EV_ERROR,
					  .s = why,
					  .n = strlen(why),
					  .name = "",
					  .id = why });
	else if (f != FINISH_NONE)
		dec_finish(d, choice, f);
}

static int on_message(struct dec *d, int choice, struct json_object *o,
		      struct err *e)
{
	struct json_object *m = js_either(o, "delta", "message");

	if (d->shape == SHAPE_COMPLETION)
		return on_text(d, choice, js_get(o, "text"), e);
	for (size_t i = 0; i < COUNT(members); i++) {
		struct json_object *v = js_get(m, members[i].name);

		if (!v && members[i].other)
			v = js_get(m, members[i].other);
		if (v && members[i].fn(d, choice, v, e) < 0)
			return -1;
	}
	return 0;
}

static int on_choice(struct dec *d, struct json_object *o, int i, struct err *e)
{
	int64_t index = js_int(o, "index", i);
	struct dec_choice *c = dec_choice(d, index);

	if (!c)
		return dec_too_many(e);
	if (has_words(js_get(o, "error"))) {
		on_error(d, NULL, js_get(o, "error"));
		return 0;
	}
	if (c->finished)
		return 0;
	if (on_message(d, (int)index, o, e) < 0)
		return -1;
	if (js_get(o, "logprobs"))
		opaque(d, (int)index, "openai.logprobs", js_get(o, "logprobs"));
	on_finish(d, (int)index, o);
	return 0;
}

/* --- vectors ---------------------------------------------------------------
 */

static int numbers(struct json_object *v, struct buf *out)
{
	if (json_object_is_type(v, json_type_string))
		return vector_from_base64(string_of(v), out);
	for (int i = 0; i < js_len(v); i++)
		vector_add(out, (float)json_object_get_double(js_at(v, i)));
	return 0;
}

static int on_vectors(struct dec *d, struct json_object *list, struct err *e)
{
	struct buf b;
	bool bad = false;

	buf_init(&b, VECTOR_MAX);
	for (int i = 0; i < js_len(list) && !bad; i++) {
		struct json_object *o = js_at(list, i);

		buf_clear(&b);
		bad = numbers(js_get(o, "embedding"), &b) < 0 || !b.len ||
		      !buf_ok(&b);
		if (bad)
			break;
		dec_emit(d, &(struct ev){ .kind = EV_VECTOR,
					  .choice = (int)js_int(o, "index", i),
					  .s = b.p,
					  .n = b.len });
	}
	buf_release(&b);
	return bad ? err_set(e, ERR_UP_BROKEN,
			     "the upstream sent a vector that is none") :
		     0;
}

/* --- a chunk, or the whole -------------------------------------------------
 */

static void on_usage(struct dec *d, struct json_object *o)
{
	struct json_object *u = js_get(o, "usage");
	struct json_object *first = js_at(js_get(o, "choices"), 0);
	struct ev ev = { .kind = EV_USAGE };

	if (!u && d->stream) /* of a whole answer it is something else */
		u = js_get(js_get(o, "x_groq"), "usage");
	if (!u)
		u = js_get(first, "usage");
	if (!json_object_is_type(u, json_type_object))
		return;
	switch (usage_hear(d->reasoning_apart ? USAGE_XAI : USAGE_OPENAI,
			   d->shape == SHAPE_EMBEDDING ? USAGE_NEEDS_INPUT :
							 USAGE_NEEDS_BOTH,
			   text_of(u), &d->said, &ev.usage)) {
	case USAGE_GOOD: dec_emit(d, &ev); break;
	case USAGE_UNUSABLE: d->usage_refused = true; break;
	case USAGE_SAID_NOTHING: break;
	}
}

static const char *const tops[][2] = {
	{ "service_tier", "openai.service_tier" },
	{ "system_fingerprint", "openai.system_fingerprint" },
};

static void on_start(struct dec *d, struct json_object *o)
{
	if (d->started)
		return;
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(o, "id", ""),
				  .name = js_str(o, "model", "") });
	for (size_t i = 0; i < COUNT(tops); i++)
		if (json_object_is_type(js_get(o, tops[i][0]),
					json_type_string))
			opaque(d, 0, tops[i][1], js_get(o, tops[i][0]));
}

static int on_object(struct dec *d, const char *event, struct json_object *o,
		     struct err *e)
{
	struct json_object *choices = js_get(o, "choices");
	struct json_object *error = error_in(o, event);

	if (error) {
		on_error(d, o, error);
		return 0;
	}
	if (!d->stream && !choices && !js_get(o, "data"))
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer has no choices");
	on_start(d, o);
	for (int i = 0; i < js_len(choices) && !d->failed; i++)
		if (on_choice(d, js_at(choices, i), i, e) < 0)
			return -1;
	if (d->shape == SHAPE_EMBEDDING &&
	    on_vectors(d, js_get(o, "data"), e) < 0)
		return -1;
	on_usage(d, o);
	if (!d->stream)
		dec_emit(d, &(struct ev){ .kind = EV_END });
	return 0;
}

/* [DONE]: what did not say why it ended has ended in order. */
static void on_done(struct dec *d)
{
	for (int i = 0; i < DEC_CHOICES; i++)
		if (d->choices[i])
			dec_finish(d, i, FINISH_STOP);
	dec_emit(d, &(struct ev){ .kind = EV_END });
}

static struct str trimmed(const char *p, size_t n)
{
	while (n && strchr(" \t\r\n", p[0]) && p[0]) {
		p++;
		n--;
	}
	while (n && p[n - 1] && strchr(" \t\r\n", p[n - 1]))
		n--;
	return (struct str){ p, n };
}

int openai_decode(struct dec *d, const char *event, const char *p, size_t n,
		  struct err *e)
{
	struct str s = trimmed(p, n);
	struct json_object *o, *top;
	struct err why = { 0 };
	int ret;

	if (d->stream && !s.n)
		return 0;
	if (d->stream && str_eq(s, "[DONE]")) {
		on_done(d);
		return 0;
	}
	top = js_parse(s.p, s.n, &why);
	o = json_object_is_type(top, json_type_array) ? js_at(top, 0) : top;
	if (json_object_is_type(o, json_type_object))
		ret = on_object(d, event ? event : "", o, e);
	else
		ret = err_set(e, ERR_UP_BROKEN,
			      "the upstream sent what is not JSON");
	js_free(top);
	return ret;
}
