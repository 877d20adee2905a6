/* dialect_gemini_dec.c - what an upstream says, to events.
 *
 * https://ai.google.dev/api/generate-content#GenerateContentResponse.  Every
 * object of a stream is an answer of its own; any member may be missing.  Text
 * comes in pieces, a call whole, usage again and again; nothing says that the
 * stream is over but its end.
 */
#include "dialect/gemini.h"

static void opaque(struct dec *d, int choice, const char *name,
		   struct json_object *o)
{
	struct str s = tree_print(o);

	dec_emit(d, &(struct ev){ .kind = EV_OPAQUE,
				  .choice = choice,
				  .name = name,
				  .s = s.p,
				  .n = s.n });
}

/* --- parts -----------------------------------------------------------------
 */

static int say(struct dec *d, int choice, enum ev_kind kind, struct str s,
	       struct err *e)
{
	bool fresh = dec_choice(d, choice)->open < 0;
	int part = dec_open(d, choice, kind);

	if (part < 0)
		return dec_too_many(e);
	if (s.n || (fresh && kind == EV_REASONING))
		dec_emit(d, &(struct ev){ .kind = kind,
					  .choice = choice,
					  .part = part,
					  .s = s.p,
					  .n = s.n });
	return 0;
}

/* Of the open part.  Two signatures never stand in one part: it ends here. */
static void sign(struct dec *d, int choice, struct json_object *part)
{
	struct dec_choice *c = dec_choice(d, choice);
	struct json_object *v = gemini_get(part, "thoughtSignature");
	struct str s = { NULL, 0 };

	if (json_object_is_type(v, json_type_string)) {
		s.p = json_object_get_string(v);
		s.n = (size_t)json_object_get_string_len(v);
	}
	if (!s.n || c->open < 0)
		return;
	dec_emit(d, &(struct ev){ .kind = EV_SIGNATURE,
				  .choice = choice,
				  .part = c->open,
				  .name = "gemini",
				  .s = s.p,
				  .n = s.n });
	dec_close(d, choice);
}

static int on_text(struct dec *d, int choice, struct json_object *part,
		   struct err *e)
{
	bool thought = js_bool(part, "thought", false);
	struct str s = js_text(part, "text");

	if (!s.n && !gemini_get(part, "thoughtSignature"))
		return 0;
	return say(d, choice, thought ? EV_REASONING : EV_TEXT, s, e);
}

/* Older servers give no id; who answers the call needs one that no other call
 * of the conversation has. */
static const char *call_id(struct dec *d, int choice, int part,
			   struct json_object *call)
{
	const char *id = js_str(call, "id", "");

	if (*id)
		return id;
	return choice ? arena_printf(d->mem, "call_%s_%d_%d", d->id, choice,
				     part) :
			arena_printf(d->mem, "call_%s_%d", d->id, part);
}

static int on_call(struct dec *d, int choice, struct json_object *part,
		   struct err *e)
{
	struct json_object *call = gemini_get(part, "functionCall");
	struct json_object *args = js_get(call, "args");
	struct dec_choice *c = dec_choice(d, choice);
	int at = dec_open(d, choice, EV_TOOL_START);
	struct str s = STR("{}");

	if (at < 0)
		return dec_too_many(e);
	if (!c->tools) /* there is one: the finish depends on it */
		c->tools = c->tool_last = ARENA_NEW(d->mem, struct dec_tool);
	if (json_object_is_type(args, json_type_object))
		s = tree_print(args);
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_START,
				  .choice = choice,
				  .part = at,
				  .id = call_id(d, choice, at, call),
				  .name = js_str(call, "name", "") });
	dec_emit(d, &(struct ev){ .kind = EV_TOOL_ARGS,
				  .choice = choice,
				  .part = at,
				  .s = s.p,
				  .n = s.n });
	return 0;
}

static int on_part(struct dec *d, int choice, struct json_object *part,
		   struct err *e)
{
	int ret = 0;

	if (!json_object_is_type(part, json_type_object))
		return 0;
	if (gemini_get(part, "functionCall")) {
		ret = on_call(d, choice, part, e);
	} else if (js_get(part, "text")) {
		ret = on_text(d, choice, part, e);
	} else {
		dec_close(d, choice);
		opaque(d, choice, "gemini.part", part);
		return 0;
	}
	if (!ret)
		sign(d, choice, part);
	return ret;
}

/* --- candidates ------------------------------------------------------------
 */

/* A stop that is a fault is an error where nothing was said before it: another
 * upstream may do better. */
static void on_reason(struct dec *d, int choice, struct json_object *o)
{
	const char *why =
		js_str(o, "finishReason", js_str(o, "finish_reason", ""));
	const char *words = js_str(o, "finishMessage", why);
	enum finish f = gemini_finish(why);

	if (f == FINISH_NONE && !d->stream)
		f = FINISH_STOP;
	if (f == FINISH_NONE)
		return;
	if (f == FINISH_ERROR && !dec_choice(d, choice)->n_parts) {
		dec_emit(d, &(struct ev){ .kind = EV_ERROR,
					  .s = words,
					  .n = strlen(words),
					  .name = "api_error",
					  .id = why });
		return;
	}
	dec_finish(d, choice, f == FINISH_ERROR ? FINISH_STOP : f);
}

/* What was found, in OpenAI's words; where in the text it belongs is only in
 * the members that are kept beside it. */
static void on_grounding(struct dec *d, int choice, struct json_object *o)
{
	struct json_object *list = gemini_get(
		gemini_get(o, "groundingMetadata"), "groundingChunks");

	for (int i = 0; i < js_len(list); i++) {
		struct json_object *web = js_get(js_at(list, i), "web");
		struct buf b;
		struct jw w;

		if (!js_get(web, "uri"))
			continue;
		buf_init(&b, 1u << 20);
		jw_start(&w, &b);
		jw_object(&w, NULL);
		jw_str(&w, "type", "url_citation");
		jw_object(&w, "url_citation");
		jw_str(&w, "url", js_str(web, "uri", ""));
		jw_str(&w, "title", js_str(web, "title", ""));
		jw_int(&w, "start_index", 0);
		jw_int(&w, "end_index", 0);
		jw_end(&w);
		jw_end(&w);
		if (buf_ok(&b))
			dec_emit(d, &(struct ev){ .kind = EV_ANNOTATION,
						  .choice = choice,
						  .s = b.p,
						  .n = b.len });
		buf_release(&b);
	}
}

/* The members of a candidate that only this dialect knows, as one object. */
static void on_beside(struct dec *d, int choice, struct json_object *o)
{
	struct json_object *rest = json_object_new_object();

	json_object_object_foreach(o, name, v) {
		if (!v || !strcmp(name, "content") || !strcmp(name, "index") ||
		    !strcmp(name, "finishReason") ||
		    !strcmp(name, "finish_reason"))
			continue;
		json_object_object_add(rest, name, json_object_get(v));
	}
	if (json_object_object_length(rest))
		opaque(d, choice, "gemini.candidate", rest);
	js_free(rest);
}

static int on_candidate(struct dec *d, struct json_object *o, struct err *e)
{
	int64_t index = js_int(o, "index", 0);
	struct dec_choice *c = dec_choice(d, index);
	struct json_object *parts = js_get(js_get(o, "content"), "parts");

	if (!c)
		return dec_too_many(e);
	if (c->finished || !json_object_is_type(o, json_type_object))
		return 0;
	for (int i = 0; i < js_len(parts); i++)
		if (on_part(d, (int)index, js_at(parts, i), e) < 0)
			return -1;
	on_grounding(d, (int)index, o);
	on_beside(d, (int)index, o);
	on_reason(d, (int)index, o);
	return 0;
}

/* A prompt that is refused is an answer without candidates. */
static int on_blocked(struct dec *d, struct json_object *feedback,
		      struct err *e)
{
	const char *why = js_str(feedback, "blockReason",
				 js_str(feedback, "block_reason", ""));
	const char *words = js_str(feedback, "blockReasonMessage", NULL);
	const char *s;

	if (!*why)
		return 0;
	dec_choice(d, 0);
	opaque(d, 0, "gemini.promptFeedback", feedback);
	s = words ? words : arena_printf(d->mem, "blocked: %s", why);
	if (say(d, 0, EV_REFUSAL, str_of(s), e) < 0)
		return -1;
	dec_finish(d, 0, FINISH_FILTER);
	return 0;
}

/* --- an answer, or a piece of one ------------------------------------------
 */

static void on_usage(struct dec *d, struct json_object *usage)
{
	struct ev ev = { .kind = EV_USAGE };

	if (!json_object_is_type(usage, json_type_object))
		return;
	switch (usage_hear(USAGE_GEMINI, USAGE_NEEDS_BOTH, tree_print(usage),
			   &d->said, &ev.usage)) {
	case USAGE_GOOD: dec_emit(d, &ev); break;
	case USAGE_UNUSABLE: d->usage_refused = true; break;
	case USAGE_SAID_NOTHING: break;
	}
}

/* The reason, where the details name one: a bad key is a 400 here. */
static const char *reason_of(struct json_object *error)
{
	struct json_object *list = js_get(error, "details");

	for (int i = 0; i < js_len(list); i++) {
		const char *s = js_str(js_at(list, i), "reason", "");

		if (*s)
			return s;
	}
	return js_str(error, "status", "");
}

static void on_error(struct dec *d, struct json_object *error)
{
	struct str s = js_text(error, "message");
	const char *why = reason_of(error);
	const struct gemini_error *how = gemini_error(why);

	if (!*how->word)
		how = gemini_error(js_str(error, "status", ""));
	if (json_object_is_type(error, json_type_string))
		s = str_of(json_object_get_string(error));
	else if (!s.p)
		s = tree_print(error);
	dec_emit(d, &(struct ev){ .kind = EV_ERROR,
				  .s = s.p,
				  .n = s.n,
				  .name = how->type,
				  .id = why });
}

static int on_object(struct dec *d, struct json_object *o, struct err *e)
{
	struct json_object *list = js_get(o, "candidates");
	struct json_object *feedback = gemini_get(o, "promptFeedback");
	struct json_object *usage = gemini_get(o, "usageMetadata");

	if (js_get(o, "error")) {
		on_error(d, js_get(o, "error"));
		return 0;
	}
	if (!list && !feedback && !usage && !d->started)
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream's answer has no candidates");
	dec_emit(d, &(struct ev){ .kind = EV_START,
				  .id = js_str(o, "responseId", ""),
				  .name = js_str(o, "modelVersion", "") });
	if (!js_len(list) && on_blocked(d, feedback, e) < 0)
		return -1;
	for (int i = 0; i < js_len(list) && !d->failed; i++)
		if (on_candidate(d, js_at(list, i), e) < 0)
			return -1;
	on_usage(d, usage);
	return 0;
}

/* A stream that came as an array is a whole body of its pieces. */
static int on_top(struct dec *d, struct json_object *top, struct err *e)
{
	bool many = json_object_is_type(top, json_type_array);
	bool stream = d->stream;
	int ret = 0;

	if (!many && !json_object_is_type(top, json_type_object))
		return err_set(e, ERR_UP_BROKEN,
			       "the upstream sent what is not JSON");
	d->stream = stream || many;
	for (int i = 0; many && i < js_len(top) && !ret; i++)
		ret = on_object(d, js_at(top, i), e);
	if (!many)
		ret = on_object(d, top, e);
	d->stream = stream;
	return ret || stream ? ret : dec_eof(d, e);
}

int gemini_decode(struct dec *d, const char *event, const char *p, size_t n,
		  struct err *e)
{
	struct err why = { 0 };
	struct json_object *top;
	int ret;

	(void)event;
	while (n && p[n - 1] && strchr(" \t\r\n", p[n - 1]))
		n--;
	if (d->stream && !n)
		return 0;
	top = js_parse(p, n, &why);
	ret = on_top(d, top, e);
	js_free(top);
	return ret;
}
