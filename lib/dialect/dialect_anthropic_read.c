/* dialect_anthropic_read.c - a client's body to struct chat.
 *
 * https://platform.claude.com/docs/en/api/messages.  A row for each member and
 * each kind of block; what has no row is kept as it is.  null reads as absent.
 */
#include "dialect/anthropic.h"
#include "dialect/member.h"

#include <math.h>

/* --- blocks ----------------------------------------------------------------
 */

struct place { /* messages[i].content[part] */
	int i, part;
};

static int refuse_block(struct err *e, const struct place *at, const char *want)
{
	char param[64];

	snprintf(param, sizeof(param), "messages[%d].content[%d]", at->i,
		 at->part);
	return member_wrong_type(e, param, want);
}

static int read_content(struct chat *c, struct chat_parts *list,
			struct json_object *v, struct place at, struct err *e);

static int read_text(struct chat *c, struct chat_part *p, struct json_object *o,
		     const struct place *at, struct err *e)
{
	p->text = tree_member(c->mem, o, "text");
	return p->text.p ? 0 : refuse_block(e, at, "an object with its text");
}

static int read_source(struct chat *c, struct chat_part *p,
		       struct json_object *o, const struct place *at,
		       struct err *e)
{
	struct json_object *s = js_get(o, "source");

	p->mime = tree_member(c->mem, s, "media_type");
	p->data = tree_member(c->mem, s, "data");
	p->url = tree_member(c->mem, s, "url");
	p->id = tree_member(c->mem, s, "file_id");
	p->title = tree_member(c->mem, o, "title");
	p->context = tree_member(c->mem, o, "context");
	if (p->data.p || p->url.p || p->id.p)
		return 0;
	return refuse_block(e, at, "an object with its source");
}

/* A document of plain text is text for everybody else. */
static int read_document(struct chat *c, struct chat_part *p,
			 struct json_object *o, const struct place *at,
			 struct err *e)
{
	struct json_object *s = js_get(o, "source");
	const char *type = js_str(s, "type", "");

	if (!strcmp(type, "text")) {
		p->kind = PART_TEXT;
		p->text = tree_member(c->mem, s, "data");
		p->title = tree_member(c->mem, o, "title");
		return p->text.p ?
			       0 :
			       refuse_block(e, at, "an object with its source");
	}
	if (!strcmp(type, "content")) {
		p->kind = PART_OPAQUE;
		p->name = STR("anthropic");
		p->text = tree_json(c->mem, o);
		return 0;
	}
	return read_source(c, p, o, at, e);
}

static int read_call(struct chat *c, struct chat_part *p, struct json_object *o,
		     const struct place *at, struct err *e)
{
	struct json_object *input = js_get(o, "input");

	p->id = tree_member(c->mem, o, "id");
	p->name = tree_member(c->mem, o, "name");
	p->text = input ? tree_json(c->mem, input) : STR("{}");
	return p->id.p && p->name.p ?
		       0 :
		       refuse_block(e, at, "an object with id and name");
}

static int read_result(struct chat *c, struct chat_part *p,
		       struct json_object *o, const struct place *at,
		       struct err *e)
{
	p->id = tree_member(c->mem, o, "tool_use_id");
	p->failed = js_bool(o, "is_error", false);
	if (!p->id.p)
		return refuse_block(e, at, "an object with tool_use_id");
	return read_content(c, &p->content, js_get(o, "content"), *at, e);
}

static int read_thinking(struct chat *c, struct chat_part *p,
			 struct json_object *o, const struct place *at,
			 struct err *e)
{
	(void)at, (void)e;
	p->text = tree_member(c->mem, o, "thinking");
	signed_in("anthropic", tree_member(c->mem, o, "signature"), &p->signer,
		  &p->signature);
	return 0;
}

static int read_redacted(struct chat *c, struct chat_part *p,
			 struct json_object *o, const struct place *at,
			 struct err *e)
{
	(void)at, (void)e;
	p->redacted = true;
	p->text = tree_member(c->mem, o, "data");
	return 0;
}

static int read_opaque(struct chat *c, struct chat_part *p,
		       struct json_object *o, const struct place *at,
		       struct err *e)
{
	(void)at, (void)e;
	p->name = STR("anthropic");
	p->text = tree_json(c->mem, o);
	return 0;
}

static const struct block {
	const char *type;
	enum part_kind kind;
	int (*fn)(struct chat *c, struct chat_part *p, struct json_object *o,
		  const struct place *at, struct err *e);
} blocks[] = {
	/* clang-format off */
	{ "text",              PART_TEXT,        read_text },
	{ "image",             PART_IMAGE,       read_source },
	{ "document",          PART_FILE,        read_document },
	{ "tool_use",          PART_TOOL_CALL,   read_call },
	{ "tool_result",       PART_TOOL_RESULT, read_result },
	{ "thinking",          PART_REASONING,   read_thinking },
	{ "redacted_thinking", PART_REASONING,   read_redacted },
	{ "",                  PART_OPAQUE,      read_opaque }, /* the rest */
	/* clang-format on */
};

static int read_block(struct chat *c, struct chat_parts *list,
		      struct json_object *o, const struct place *at,
		      struct err *e)
{
	const char *type = js_str(o, "type", "");
	const struct block *b = blocks;
	struct chat_part *p;

	if (!json_object_is_type(o, json_type_object))
		return refuse_block(e, at, "an object");
	while (*b->type && strcmp(b->type, type))
		b++;
	p = chat_part(c, list, b->kind);
	p->cache = tree_json(c->mem, js_get(o, "cache_control"));
	return b->fn(c, p, o, at, e);
}

static int read_content(struct chat *c, struct chat_parts *list,
			struct json_object *v, struct place at, struct err *e)
{
	char param[64];

	if (!v)
		return 0;
	if (json_object_is_type(v, json_type_string)) {
		chat_part(c, list, PART_TEXT)->text = tree_text(c->mem, v);
		return 0;
	}
	snprintf(param, sizeof(param), "messages[%d].content", at.i);
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, param,
					 "a string or an array of objects");
	for (at.part = 0; at.part < js_len(v); at.part++)
		if (read_block(c, list, js_at(v, at.part), &at, e) < 0)
			return -1;
	return 0;
}

/* --- messages --------------------------------------------------------------
 */

static int read_message(struct chat *c, struct json_object *o, int i,
			struct err *e)
{
	static const struct {
		const char *name;
		enum chat_role role;
	} roles[] = {
		{ "user", CHAT_USER },
		{ "assistant", CHAT_ASSISTANT },
		{ "system", CHAT_SYSTEM },
	};
	struct place at = { i, 0 };
	const char *name = js_str(o, "role", "");
	char param[64];

	for (size_t k = 0; k < COUNT(roles); k++)
		if (!strcmp(roles[k].name, name))
			return read_content(c,
					    &chat_msg(c, roles[k].role)->parts,
					    js_get(o, "content"), at, e);
	snprintf(param, sizeof(param), "messages[%d].role", i);
	return member_wrong_type(e, param, "one of user, assistant, system");
}

static int messages(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "messages", "an array of objects");
	for (int i = 0; i < js_len(v); i++)
		if (read_message(c, js_at(v, i), i, e) < 0)
			return -1;
	return 0;
}

/* It comes before the messages, wherever it stands in the body. */
static int system_text(struct chat *c, struct json_object *v, struct err *e)
{
	struct chat_msg *first = c->msgs, *last = c->msg_last, *m;

	c->msgs = c->msg_last = NULL;
	m = chat_msg(c, CHAT_SYSTEM);
	m->next = first;
	c->msg_last = last ? last : m;
	if (json_object_is_type(v, json_type_string) ||
	    json_object_is_type(v, json_type_array))
		return read_content(c, &m->parts, v, (struct place){ 0, 0 }, e);
	return member_wrong_type(e, "system",
				 "a string or an array of objects");
}

/* --- tools -----------------------------------------------------------------
 */

static void read_tool(struct chat *c, struct json_object *o)
{
	const char *type = js_str(o, "type", "custom");
	struct json_object *schema = js_get(o, "input_schema");
	struct json_object *strict = js_get(o, "strict");
	struct chat_tool *t;

	if (strcmp(type, "custom")) {
		t = chat_tool(c, TOOL_OPAQUE);
		t->name = STR("anthropic");
		t->schema = tree_json(c->mem, o);
		return;
	}
	t = chat_tool(c, TOOL_FUNCTION);
	t->name = tree_member(c->mem, o, "name");
	t->description = tree_member(c->mem, o, "description");
	t->schema = tree_json(c->mem, schema);
	t->cache = tree_json(c->mem, js_get(o, "cache_control"));
	if (json_object_is_type(strict, json_type_boolean))
		t->strict = json_object_get_boolean(strict);
}

static int tools(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "tools", "an array of objects");
	for (int i = 0; i < js_len(v); i++) {
		if (!json_object_is_type(js_at(v, i), json_type_object))
			return member_wrong_type(e, "tools",
						 "an array of objects");
		read_tool(c, js_at(v, i));
	}
	return 0;
}

static int tool_choice(struct chat *c, struct json_object *v, struct err *e)
{
	static const struct {
		const char *type;
		enum tool_choice choice;
	} types[] = {
		{ "auto", CHOICE_AUTO },
		{ "any", CHOICE_REQUIRED },
		{ "none", CHOICE_NONE },
		{ "tool", CHOICE_NAMED },
	};
	const char *type = js_str(v, "type", "");

	for (size_t i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			c->choice = types[i].choice;
	c->choice_name = tree_member(c->mem, v, "name");
	if (c->choice == CHOICE_UNSET ||
	    (c->choice == CHOICE_NAMED && !c->choice_name.p))
		return member_wrong_type(
			e, "tool_choice",
			"an object whose type is auto, any, tool or "
			"none");
	if (js_get(v, "disable_parallel_tool_use"))
		c->parallel_tools =
			!js_bool(v, "disable_parallel_tool_use", false);
	return 0;
}

/* --- thinking and format ---------------------------------------------------
 */

static int thinking(struct chat *c, struct json_object *v, struct err *e)
{
	const char *type = js_str(v, "type", "");
	const char *display = js_str(v, "display", "");

	if (!*type)
		return member_wrong_type(e, "thinking",
					 "an object with its type");
	if (!strcmp(type, "enabled"))
		c->think_tok = js_int(v, "budget_tokens", 1024);
	else if (!strcmp(type, "disabled"))
		c->think_tok = 0;
	else if (!c->effort.p) /* adaptive: output_config may say more */
		c->effort = STR("high");
	if (*display)
		c->think_shown = strcmp(display, "omitted") != 0;
	return 0;
}

static int output_config(struct chat *c, struct json_object *v, struct err *e)
{
	struct json_object *format = js_get(v, "format");
	struct str effort = tree_member(c->mem, v, "effort");

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "output_config", "an object");
	if (effort.p)
		c->effort = effort;
	if (js_get(format, "schema")) {
		c->format = FORMAT_SCHEMA;
		c->format_name = STR("output");
		c->format_schema = tree_json(c->mem, js_get(format, "schema"));
	}
	return 0;
}

static int metadata(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "metadata", "an object");
	c->user = tree_member(c->mem, v, "user_id");
	return 0;
}

static int stop_sequences(struct chat *c, struct json_object *v, struct err *e)
{
	for (int i = 0; i < js_len(v); i++) {
		struct str s = tree_text(c->mem, js_at(v, i));

		if (!s.p)
			return member_wrong_type(e, "stop_sequences",
						 "an array of strings");
		chat_text(c, &c->stop, s);
	}
	return json_object_is_type(v, json_type_array) ?
		       0 :
		       member_wrong_type(e, "stop_sequences",
					 "an array of strings");
}

/* --- the table -------------------------------------------------------------
 */

static const struct member members[] = {
	/* clang-format off */
	{ "model",          T_STR,    AT(model), NULL },
	{ "max_tokens",     T_INT,    AT(max_tok), NULL },
	{ "messages",       T_FN,     0, messages },
	{ "system",         T_FN,     0, system_text },
	{ "stream",         T_FLAG,   AT(stream), NULL },
	{ "temperature",    T_DOUBLE, AT(temperature), NULL },
	{ "top_p",          T_DOUBLE, AT(top_p), NULL },
	{ "top_k",          T_INT,    AT(top_k), NULL },
	{ "stop_sequences", T_FN,     0, stop_sequences },
	{ "tools",          T_FN,     0, tools },
	{ "tool_choice",    T_FN,     0, tool_choice },
	{ "thinking",       T_FN,     0, thinking },
	{ "output_config",  T_FN,     0, output_config },
	{ "metadata",       T_FN,     0, metadata },
	{ "service_tier",   T_STR,    AT(service_tier), NULL },
	{ "cache_control",  T_JSON,   AT(cache), NULL },
	/* clang-format on */
};

static const struct member *find(const char *name)
{
	for (size_t i = 0; i < COUNT(members); i++)
		if (!strcmp(members[i].name, name))
			return &members[i];
	return NULL;
}

int anthropic_read(struct json_object *in, struct chat *c, struct err *e)
{
	if (!json_object_is_type(in, json_type_object))
		return err_set(e, ERR_TYPE, "The body must be a JSON object.");
	json_object_object_foreach(in, name, v) {
		const struct member *m = find(name);
		int ret = 0;

		if (!v)
			continue; /* null: as if it were not there */
		if (!m)
			chat_extra(c, "anthropic", str_of(name),
				   tree_json(c->mem, v));
		else
			ret = member_take(c, m, v, e);
		if (ret < 0)
			return -1;
	}
	c->include_usage = c->stream; /* its streams always say it */
	return 0;
}
