/* dialect_responses_items.c - the input of a client's request to messages.
 *
 * https://platform.openai.com/docs/api-reference/responses/create.  What the
 * model made, one item after the other, is one message of the assistant; the
 * results of tools that follow each other are one message too.
 */
#include "dialect/responses.h"

struct place { /* input[i].content[part]; part -1: the item */
	int i, part;
};

static int refuse(struct err *e, const struct place *at, const char *what,
		  const char *want)
{
	char param[64];

	if (at->part < 0)
		snprintf(param, sizeof(param), "input[%d]%s", at->i, what);
	else
		snprintf(param, sizeof(param), "input[%d].content[%d]%s", at->i,
			 at->part, what);
	return err_param(e, ERR_TYPE, param,
			 "Invalid type for '%s': expected %s.", param, want);
}

/* --- content ---------------------------------------------------------------
 */

static void read_image(struct chat *c, struct chat_part *p,
		       struct json_object *o)
{
	struct str url = tree_member(c->mem, o, "image_url");

	p->id = tree_member(c->mem, o, "file_id");
	p->detail = tree_member(c->mem, o, "detail");
	if (!chat_data_url(url, &p->mime, &p->data))
		p->url = url;
}

static void read_file(struct chat *c, struct chat_part *p,
		      struct json_object *o)
{
	struct str data = tree_member(c->mem, o, "file_data");

	p->id = tree_member(c->mem, o, "file_id");
	p->name = tree_member(c->mem, o, "filename");
	p->url = tree_member(c->mem, o, "file_url");
	if (data.p && !chat_data_url(data, &p->mime, &p->data))
		p->data = data;
}

static void read_audio(struct chat *c, struct chat_part *p,
		       struct json_object *o)
{
	struct json_object *v = js_get(o, "input_audio");

	p->data = tree_member(c->mem, v, "data");
	p->mime = str_of(
		arena_printf(c->mem, "audio/%s", js_str(v, "format", "wav")));
}

static void read_opaque(struct chat *c, struct chat_part *p,
			struct json_object *o)
{
	p->name = STR("responses");
	p->text = tree_json(c->mem, o);
}

static const struct part_type {
	const char *type;
	enum part_kind kind;
	const char *member; /* the string that is the text; or ... */
	void (*fn)(struct chat *c, struct chat_part *p, struct json_object *o);
} part_types[] = {
	/* clang-format off */
	{ "input_text",  PART_TEXT,    "text",    NULL },
	{ "output_text", PART_TEXT,    "text",    NULL },
	{ "text",        PART_TEXT,    "text",    NULL },
	{ "refusal",     PART_REFUSAL, "refusal", NULL },
	{ "input_image", PART_IMAGE,   NULL,      read_image },
	{ "input_file",  PART_FILE,    NULL,      read_file },
	{ "input_audio", PART_AUDIO,   NULL,      read_audio },
	{ "",            PART_OPAQUE,  NULL,      read_opaque }, /* the rest */
	/* clang-format on */
};

static int read_part(struct chat *c, struct chat_parts *list,
		     struct json_object *o, const struct place *at,
		     struct err *e)
{
	const char *type = js_str(o, "type", "");
	const struct part_type *t = part_types;
	struct chat_part *p;

	if (!json_object_is_type(o, json_type_object))
		return refuse(e, at, "", "an object");
	while (*t->type && strcmp(t->type, type))
		t++;
	p = chat_part(c, list, t->kind);
	if (t->fn) {
		t->fn(c, p, o);
		return 0;
	}
	p->text = tree_member(c->mem, o, t->member);
	return p->text.p ? 0 : refuse(e, at, "", "an object with its text");
}

static int read_content(struct chat *c, struct chat_parts *list,
			struct json_object *v, struct place at, struct err *e)
{
	if (!v)
		return 0;
	if (json_object_is_type(v, json_type_string)) {
		chat_part(c, list, PART_TEXT)->text = tree_text(c->mem, v);
		return 0;
	}
	if (!json_object_is_type(v, json_type_array))
		return refuse(e, &at, ".content", "a string or an array");
	for (at.part = 0; at.part < js_len(v); at.part++)
		if (read_part(c, list, js_at(v, at.part), &at, e) < 0)
			return -1;
	return 0;
}

/* --- items -----------------------------------------------------------------
 */

/* The message that the item goes on with, or a new one. */
static struct chat_msg *turn(struct chat *c, enum chat_role role)
{
	if (c->msg_last && c->msg_last->role == role)
		return c->msg_last;
	return chat_msg(c, role);
}

static int read_message(struct chat *c, struct json_object *o, struct place at,
			struct err *e)
{
	static const struct {
		const char *name;
		enum chat_role role;
	} roles[] = {
		{ "user", CHAT_USER },
		{ "assistant", CHAT_ASSISTANT },
		{ "system", CHAT_SYSTEM },
		{ "developer", CHAT_DEVELOPER },
	};
	const char *name = js_str(o, "role", "");
	struct chat_msg *m;

	for (size_t i = 0; i < COUNT(roles); i++) {
		if (strcmp(roles[i].name, name))
			continue;
		m = roles[i].role == CHAT_ASSISTANT ?
			    turn(c, CHAT_ASSISTANT) :
			    chat_msg(c, roles[i].role);
		if (js_get(o, "phase"))
			chat_lost(c, "input[%d].phase", at.i);
		return read_content(c, &m->parts, js_get(o, "content"), at, e);
	}
	return refuse(e, &at, ".role",
		      "one of user, assistant, system, developer");
}

static int read_call(struct chat *c, struct json_object *o, struct place at,
		     struct err *e)
{
	bool custom = !strcmp(js_str(o, "type", ""), "custom_tool_call");
	struct chat_part *p =
		chat_part(c, &turn(c, CHAT_ASSISTANT)->parts, PART_TOOL_CALL);

	p->custom = custom;
	p->id = tree_member(c->mem, o, "call_id");
	p->name = tree_member(c->mem, o, "name");
	p->text = tree_member(c->mem, o, custom ? "input" : "arguments");
	return p->id.p && p->name.p ?
		       0 :
		       refuse(e, &at, "", "an object with call_id and name");
}

static int read_result(struct chat *c, struct json_object *o, struct place at,
		       struct err *e)
{
	struct chat_part *p =
		chat_part(c, &turn(c, CHAT_TOOL)->parts, PART_TOOL_RESULT);

	p->custom = !strcmp(js_str(o, "type", ""), "custom_tool_call_output");
	p->id = tree_member(c->mem, o, "call_id");
	if (!p->id.p)
		return refuse(e, &at, "", "an object with call_id");
	return read_content(c, &p->content, js_get(o, "output"), at, e);
}

static void join(struct json_object *list, struct buf *out)
{
	for (int i = 0; i < js_len(list); i++) {
		struct str s = js_text(js_at(list, i), "text");

		if (out->len && s.n)
			buf_str(out, "\n\n");
		buf_add(out, s.p, s.n);
	}
}

/* Our own encoder puts the signature of a call or a text behind it. */
static bool is_for_last(const struct chat_part *last, const struct chat_part *p)
{
	return last && !p->text.n && str_eq(p->signer, "gemini") &&
	       !last->signature.p &&
	       (last->kind == PART_TOOL_CALL || last->kind == PART_TEXT);
}

static int read_reasoning(struct chat *c, struct json_object *o,
			  struct place at, struct err *e)
{
	struct chat_parts *list = &turn(c, CHAT_ASSISTANT)->parts;
	struct chat_part *last = list->last, *p;
	struct str sealed = tree_member(c->mem, o, "encrypted_content");
	struct buf b;

	(void)at, (void)e;
	p = chat_part(c, list, PART_REASONING);
	buf_init(&b, 64u << 20);
	join(js_get(o, "summary"), &b);
	join(js_get(o, "content"), &b);
	p->text = arena_str(c->mem, buf_span(&b));
	p->id = tree_member(c->mem, o, "id");
	buf_release(&b);
	if (!sealed.p)
		return 0;
	signed_in("", sealed, &p->signer, &p->signature);
	if (!p->signer.n) { /* as the upstream made it */
		p->signer = STR("responses");
		p->signature = responses_seal(c->mem, p->id.p ? p->id : STR(""),
					      sealed);
	}
	if (is_for_last(last, p)) {
		last->signature = p->signature;
		last->signer = p->signer;
		last->next = NULL;
		list->last = last;
	}
	return 0;
}

/* What the upstream's own tools made and were given: at its place. */
static int read_other(struct chat *c, struct json_object *o, struct place at,
		      struct err *e)
{
	const char *type = js_str(o, "type", "");
	size_t n = strlen(type);
	bool output = n > 7 && !strcmp(type + n - 7, "_output");

	(void)at, (void)e;
	read_opaque(
		c,
		chat_part(c,
			  &turn(c, output ? CHAT_TOOL : CHAT_ASSISTANT)->parts,
			  PART_OPAQUE),
		o);
	return 0;
}

static const struct item {
	const char *type;
	int (*fn)(struct chat *c, struct json_object *o, struct place at,
		  struct err *e);
} items[] = {
	/* clang-format off */
	{ "message",                 read_message },
	{ "function_call",           read_call },
	{ "custom_tool_call",        read_call },
	{ "function_call_output",    read_result },
	{ "custom_tool_call_output", read_result },
	{ "reasoning",               read_reasoning },
	{ "",                        read_other }, /* the rest */
	/* clang-format on */
};

static int read_item(struct chat *c, struct json_object *o, int i,
		     struct err *e)
{
	struct place at = { i, -1 };
	const char *type =
		js_str(o, "type", js_get(o, "role") ? "message" : "");
	const struct item *t = items;

	if (!json_object_is_type(o, json_type_object))
		return refuse(e, &at, "", "an object");
	if (!*type)
		return refuse(e, &at, ".type", "a string");
	while (*t->type && strcmp(t->type, type))
		t++;
	return t->fn(c, o, at, e);
}

int responses_read_input(struct chat *c, struct json_object *v, struct err *e)
{
	if (json_object_is_type(v, json_type_string)) {
		chat_part(c, &chat_msg(c, CHAT_USER)->parts, PART_TEXT)->text =
			tree_text(c->mem, v);
		return 0;
	}
	if (!json_object_is_type(v, json_type_array))
		return err_param(e, ERR_TYPE, "input",
				 "Invalid type for 'input': expected a string "
				 "or an array of objects.");
	for (int i = 0; i < js_len(v); i++)
		if (read_item(c, js_at(v, i), i, e) < 0)
			return -1;
	return 0;
}
