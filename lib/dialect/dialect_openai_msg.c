/* dialect_openai_msg.c - the messages of a request, both ways.
 *
 * https://platform.openai.com/docs/api-reference/chat/create; reasoning_content
 * is DeepSeek's and goes back to it (api-docs.deepseek.com, thinking mode).
 */
#include "dialect/openai.h"

struct place { /* where an error is: messages[i].content[part] */
	int i, part;
};

static int refuse(struct err *e, const struct place *at, const char *what,
		  const char *want)
{
	char param[64];

	snprintf(param, sizeof(param), "messages[%d]%s%s", at->i,
		 *what ? "." : "", what);
	return err_param(e, ERR_TYPE, param,
			 "Invalid type for '%s': expected %s.", param, want);
}

/* --- reading: parts --------------------------------------------------------
 */

static void read_image(struct chat *c, struct chat_part *p,
		       struct json_object *o)
{
	struct json_object *v = js_get(o, "image_url");
	struct str url = json_object_is_type(v, json_type_string) ?
				 tree_text(c->mem, v) :
				 tree_member(c->mem, v, "url");

	p->detail = tree_member(c->mem, v, "detail");
	if (!chat_data_url(url, &p->mime, &p->data))
		p->url = url;
}

static void read_audio(struct chat *c, struct chat_part *p,
		       struct json_object *o)
{
	struct json_object *v = js_get(o, "input_audio");

	p->data = tree_member(c->mem, v, "data");
	p->mime = str_of(
		arena_printf(c->mem, "audio/%s", js_str(v, "format", "wav")));
}

static void read_file(struct chat *c, struct chat_part *p,
		      struct json_object *o)
{
	struct json_object *v = js_get(o, "file");
	struct str data = tree_member(c->mem, v, "file_data");

	p->id = tree_member(c->mem, v, "file_id");
	p->name = tree_member(c->mem, v, "filename");
	if (data.p && !chat_data_url(data, &p->mime, &p->data))
		p->data = data;
}

static void read_opaque(struct chat *c, struct chat_part *p,
			struct json_object *o)
{
	p->name = STR("openai");
	p->text = tree_json(c->mem, o);
}

static const struct part_type {
	const char *type;
	enum part_kind kind;
	const char *member; /* the string that is the text; or ... */
	void (*fn)(struct chat *c, struct chat_part *p, struct json_object *o);
} part_types[] = {
	/* clang-format off */
	{ "text",        PART_TEXT,    "text",    NULL },
	{ "input_text",  PART_TEXT,    "text",    NULL },
	{ "refusal",     PART_REFUSAL, "refusal", NULL },
	{ "image_url",   PART_IMAGE,   NULL,      read_image },
	{ "input_audio", PART_AUDIO,   NULL,      read_audio },
	{ "file",        PART_FILE,    NULL,      read_file },
	{ "",            PART_OPAQUE,  NULL,      read_opaque }, /* the rest */
	/* clang-format on */
};

static int read_part(struct json_object *o, const struct place *at,
		     struct chat *c, struct chat_parts *list, struct err *e)
{
	const char *type = js_str(o, "type", "");
	const struct part_type *t = part_types;
	struct chat_part *p;
	char what[48];

	snprintf(what, sizeof(what), "content[%d]", at->part);
	if (!json_object_is_type(o, json_type_object))
		return refuse(e, at, what, "an object");
	while (*t->type && strcmp(t->type, type))
		t++;
	p = chat_part(c, list, t->kind);
	if (t->fn)
		t->fn(c, p, o);
	else
		p->text = tree_member(c->mem, o, t->member);
	if (!t->fn && !p->text.p)
		return refuse(e, at, what, "an object with its text");
	p->cache = tree_json(c->mem, js_get(o, "cache_control"));
	if (js_get(o, "prompt_cache_breakpoint"))
		chat_lost(c, "messages[%d].%s.prompt_cache_breakpoint", at->i,
			  what);
	return 0;
}

static int read_content(struct json_object *v, struct place at, struct chat *c,
			struct chat_parts *list, struct err *e)
{
	if (!v)
		return 0;
	if (json_object_is_type(v, json_type_string)) {
		chat_part(c, list, PART_TEXT)->text = tree_text(c->mem, v);
		return 0;
	}
	if (!json_object_is_type(v, json_type_array))
		return refuse(e, &at, "content", "a string or an array");
	for (at.part = 0; at.part < js_len(v); at.part++)
		if (read_part(js_at(v, at.part), &at, c, list, e) < 0)
			return -1;
	return 0;
}

/* --- reading: what an assistant's message has beside -----------------------
 */

static void read_reasoning(struct chat *c, struct chat_msg *m,
			   struct json_object *o)
{
	struct json_object *v = js_either(o, "reasoning_content", "reasoning");

	if (json_object_is_type(v, json_type_string))
		chat_part(c, &m->parts, PART_REASONING)->text =
			tree_text(c->mem, v);
}

/* What Gemini signed: ai.google.dev/gemini-api/docs/openai. */
static void read_signature(struct chat *c, struct chat_part *p,
			   struct json_object *call)
{
	struct json_object *v = js_get(call, "extra_content");

	p->signature =
		tree_member(c->mem, js_get(v, "google"), "thought_signature");
	if (p->signature.p)
		p->signer = STR("gemini");
}

static int read_calls(struct chat *c, struct chat_msg *m,
		      struct json_object *calls, const struct place *at,
		      struct err *e)
{
	if (calls && !json_object_is_type(calls, json_type_array))
		return refuse(e, at, "tool_calls", "an array of objects");
	for (int i = 0; i < js_len(calls); i++) {
		struct json_object *o = js_at(calls, i);
		struct json_object *f = js_either(o, "function", "custom");
		struct chat_part *p = chat_part(c, &m->parts, PART_TOOL_CALL);

		if (!f)
			return refuse(e, at, "tool_calls",
				      "an array of objects");
		p->custom = !js_get(o, "function");
		p->id = tree_member(c->mem, o, "id");
		p->name = tree_member(c->mem, f, "name");
		p->text = tree_member(c->mem, f,
				      p->custom ? "input" : "arguments");
		read_signature(c, p, o);
	}
	return 0;
}

/* The old words have no ids: the function's name makes one. */
static struct str old_id(struct chat *c, struct str name)
{
	return str_of(arena_printf(c->mem, "call_%.*s", STR_FMT(name)));
}

static void read_old_call(struct chat *c, struct chat_msg *m,
			  struct json_object *f)
{
	struct chat_part *p;

	if (!f)
		return;
	p = chat_part(c, &m->parts, PART_TOOL_CALL);
	p->name = tree_member(c->mem, f, "name");
	p->text = tree_member(c->mem, f, "arguments");
	p->id = old_id(c, p->name.p ? p->name : STR(""));
}

static int read_assistant(struct json_object *o, const struct place *at,
			  struct chat *c, struct chat_msg *m, struct err *e)
{
	struct json_object *audio = js_get(o, "audio");

	read_reasoning(c, m, o);
	if (read_content(js_get(o, "content"), *at, c, &m->parts, e) < 0)
		return -1;
	if (json_object_is_type(js_get(o, "refusal"), json_type_string))
		chat_part(c, &m->parts, PART_REFUSAL)->text =
			tree_member(c->mem, o, "refusal");
	if (audio)
		chat_part(c, &m->parts, PART_AUDIO)->id =
			tree_member(c->mem, audio, "id");
	read_old_call(c, m, js_get(o, "function_call"));
	return read_calls(c, m, js_get(o, "tool_calls"), at, e);
}

static int read_result(struct json_object *o, const struct place *at,
		       struct chat *c, struct chat_msg *m, struct err *e)
{
	struct chat_part *p = chat_part(c, &m->parts, PART_TOOL_RESULT);

	p->id = tree_member(c->mem, o, "tool_call_id");
	p->name = m->name;
	if (!p->id.p)
		p->id = old_id(c, m->name.p ? m->name : STR(""));
	return read_content(js_get(o, "content"), *at, c, &p->content, e);
}

static int read_plain(struct json_object *o, const struct place *at,
		      struct chat *c, struct chat_msg *m, struct err *e)
{
	return read_content(js_get(o, "content"), *at, c, &m->parts, e);
}

static const struct role {
	const char *name;
	enum chat_role role;
	int (*fn)(struct json_object *o, const struct place *at, struct chat *c,
		  struct chat_msg *m, struct err *e);
} roles[] = {
	/* clang-format off */
	{ "system",    CHAT_SYSTEM,    read_plain },
	{ "developer", CHAT_DEVELOPER, read_plain },
	{ "user",      CHAT_USER,      read_plain },
	{ "assistant", CHAT_ASSISTANT, read_assistant },
	{ "tool",      CHAT_TOOL,      read_result },
	{ "function",  CHAT_TOOL,      read_result },
	/* clang-format on */
};

int openai_read_message(struct json_object *o, int i, struct chat *c,
			struct err *e)
{
	struct place at = { i, 0 };
	const char *name = js_str(o, "role", "");
	struct chat_msg *m;

	if (!json_object_is_type(o, json_type_object))
		return refuse(e, &at, "", "an object");
	for (size_t k = 0; k < COUNT(roles); k++) {
		if (strcmp(roles[k].name, name))
			continue;
		m = chat_msg(c, roles[k].role);
		m->name = tree_member(c->mem, o, "name");
		return roles[k].fn(o, &at, c, m, e);
	}
	return refuse(e, &at, "role",
		      "one of system, developer, user, "
		      "assistant, tool");
}
