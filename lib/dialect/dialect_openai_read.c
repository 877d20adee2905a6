/* dialect_openai_read.c - a client's body to struct chat.
 *
 * https://platform.openai.com/docs/api-reference/chat/create, and the
 * completions and embeddings beside it.  A row for each member; what has no
 * row is kept as it is.  null reads as absent everywhere.
 */
#include "dialect/member.h"
#include "dialect/openai.h"

#include <math.h>

static int wrong_value(struct err *e, const char *param)
{
	return err_param(e, ERR_VALUE, param, "Invalid value for '%s'.", param);
}

/* --- members with a shape of their own -------------------------------------
 */

static int messages(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "messages", "an array of objects");
	for (int i = 0; i < js_len(v); i++)
		if (openai_read_message(js_at(v, i), i, c, e) < 0)
			return -1;
	return 0;
}

static int texts(struct chat *c, struct json_object *v, const char *param,
		 struct chat_texts *list, struct err *e)
{
	if (json_object_is_type(v, json_type_string)) {
		chat_text(c, list, tree_text(c->mem, v));
		return 0;
	}
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, param,
					 "a string or an array of strings");
	for (int i = 0; i < js_len(v); i++) {
		struct json_object *s = js_at(v, i);

		if (!json_object_is_type(s, json_type_string))
			return member_wrong_type(e, param,
						 "an array of strings");
		chat_text(c, list, tree_text(c->mem, s));
	}
	return 0;
}

static int stop(struct chat *c, struct json_object *v, struct err *e)
{
	return texts(c, v, "stop", &c->stop, e);
}

static int modalities(struct chat *c, struct json_object *v, struct err *e)
{
	return texts(c, v, "modalities", &c->modalities, e);
}

static int tri(struct json_object *o, const char *name)
{
	struct json_object *v = js_get(o, name);

	return json_object_is_type(v, json_type_boolean) ?
		       json_object_get_boolean(v) :
		       -1;
}

static void function_tool(struct chat *c, struct json_object *f,
			  struct json_object *around)
{
	struct chat_tool *t = chat_tool(c, TOOL_FUNCTION);

	t->name = tree_member(c->mem, f, "name");
	t->description = tree_member(c->mem, f, "description");
	if (js_get(f, "parameters"))
		t->schema = tree_json(c->mem, js_get(f, "parameters"));
	if (js_get(around, "cache_control"))
		t->cache = tree_json(c->mem, js_get(around, "cache_control"));
	t->strict = tri(f, "strict");
}

static void other_tool(struct chat *c, struct json_object *v, const char *type)
{
	struct json_object *f = js_get(v, "custom");
	struct chat_tool *t;

	if (strcmp(type, "custom") || !f) {
		t = chat_tool(c, TOOL_OPAQUE);
		t->name = STR("openai");
		t->schema = tree_json(c->mem, v);
		return;
	}
	t = chat_tool(c, TOOL_CUSTOM);
	t->name = tree_member(c->mem, f, "name");
	t->description = tree_member(c->mem, f, "description");
	if (js_get(f, "format"))
		t->schema = tree_json(c->mem, js_get(f, "format"));
}

static int tools(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "tools", "an array of objects");
	for (int i = 0; i < js_len(v); i++) {
		struct json_object *t = js_at(v, i);
		struct json_object *f = js_get(t, "function");

		if (!json_object_is_type(t, json_type_object))
			return member_wrong_type(e, "tools",
						 "an array of objects");
		if (f && !strcmp(js_str(t, "type", "function"), "function"))
			function_tool(c, f, t);
		else
			other_tool(c, t, js_str(t, "type", ""));
	}
	return 0;
}

static int functions(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "functions", "an array of objects");
	c->functions = true;
	for (int i = 0; i < js_len(v); i++)
		function_tool(c, js_at(v, i), NULL);
	return 0;
}

static int choice_word(struct chat *c, const char *param, const char *word,
		       struct err *e)
{
	static const struct {
		const char *word;
		enum tool_choice choice;
	} words[] = {
		{ "auto", CHOICE_AUTO },
		{ "none", CHOICE_NONE },
		{ "required", CHOICE_REQUIRED },
		{ "any", CHOICE_REQUIRED },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (!strcmp(words[i].word, word)) {
			c->choice = words[i].choice;
			return 0;
		}
	return wrong_value(e, param);
}

static int tool_choice(struct chat *c, struct json_object *v, struct err *e)
{
	static const struct {
		const char *type;
		enum tool_choice choice;
	} types[] = {
		{ "function", CHOICE_NAMED },
		{ "custom", CHOICE_NAMED },
		{ "allowed_tools", CHOICE_ALLOWED },
	};
	const char *type = js_str(v, "type", "");

	if (json_object_is_type(v, json_type_string))
		return choice_word(c, "tool_choice", json_object_get_string(v),
				   e);
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "tool_choice",
					 "a string or an object");
	c->choice = CHOICE_OPAQUE;
	c->choice_json = tree_json(c->mem, v);
	for (size_t i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			c->choice = types[i].choice;
	if (c->choice != CHOICE_NAMED)
		return 0;
	c->choice_custom = !strcmp(type, "custom");
	c->choice_name = tree_member(c->mem, js_get(v, type), "name");
	return c->choice_name.p ? 0 : wrong_value(e, "tool_choice");
}

static int function_call(struct chat *c, struct json_object *v, struct err *e)
{
	c->functions = true;
	if (json_object_is_type(v, json_type_string))
		return choice_word(c, "function_call",
				   json_object_get_string(v), e);
	c->choice = CHOICE_NAMED;
	c->choice_name = tree_member(c->mem, v, "name");
	return c->choice_name.p ? 0 : wrong_value(e, "function_call");
}

static int response_format(struct chat *c, struct json_object *v, struct err *e)
{
	static const struct {
		const char *type;
		enum chat_format format;
	} types[] = {
		{ "text", FORMAT_TEXT },
		{ "json_object", FORMAT_JSON },
		{ "json_schema", FORMAT_SCHEMA },
	};
	struct json_object *s = js_get(v, "json_schema");
	const char *type = js_str(v, "type", "");

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "response_format", "an object");
	for (size_t i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			c->format = types[i].format;
	if (c->format == FORMAT_UNSET)
		return wrong_value(e, "response_format.type");
	if (c->format != FORMAT_SCHEMA)
		return 0;
	c->format_name = tree_member(c->mem, s, "name");
	c->format_description = tree_member(c->mem, s, "description");
	if (js_get(s, "schema"))
		c->format_schema = tree_json(c->mem, js_get(s, "schema"));
	c->format_strict = tri(s, "strict");
	return 0;
}

static int stream_options(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "stream_options", "an object");
	c->include_usage = tri(v, "include_usage") == 1;
	return 0;
}

/* prompt and input: a text, texts, token numbers or arrays of those. */
static int prompts(struct chat *c, struct json_object *v, const char *param,
		   struct err *e)
{
	bool many = json_object_is_type(v, json_type_array) &&
		    !json_object_is_type(js_at(v, 0), json_type_int);
	int n = many ? js_len(v) : 1;

	for (int i = 0; i < n; i++) {
		struct json_object *o = many ? js_at(v, i) : v;
		bool text = json_object_is_type(o, json_type_string);
		struct chat_part *p;

		if (!text && !json_object_is_type(o, json_type_array))
			return member_wrong_type(
				e, param,
				"a string, an array of strings or "
				"arrays of token numbers");
		p = chat_part(c, &chat_msg(c, CHAT_USER)->parts,
			      text ? PART_TEXT : PART_OPAQUE);
		p->text = text ? tree_text(c->mem, o) : tree_json(c->mem, o);
		if (!text)
			p->name = STR("openai");
	}
	return 0;
}

static int prompt(struct chat *c, struct json_object *v, struct err *e)
{
	return prompts(c, v, "prompt", e);
}

static int input(struct chat *c, struct json_object *v, struct err *e)
{
	return prompts(c, v, "input", e);
}

static int encoding_format(struct chat *c, struct json_object *v, struct err *e)
{
	const char *s = json_object_is_type(v, json_type_string) ?
				json_object_get_string(v) :
				"";

	c->base64 = !strcmp(s, "base64");
	return c->base64 || !strcmp(s, "float") ?
		       0 :
		       wrong_value(e, "encoding_format");
}

/* max_completion_tokens wins, wherever it stands: max_tokens is its old name.
 */
static int max_tokens(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_int))
		return member_wrong_type(e, "max_tokens", "an integer");
	if (c->max_tok == CHAT_UNSET)
		c->max_tok = json_object_get_int64(v);
	return 0;
}

/* --- the table -------------------------------------------------------------
 */

#define CHAT_BIT  BIT(SHAPE_CHAT)
#define TEXT_BIT  BIT(SHAPE_COMPLETION)
#define EMBED_BIT BIT(SHAPE_EMBEDDING)
#define GEN_BITS  (CHAT_BIT | TEXT_BIT)
#define ALL_BITS  (GEN_BITS | EMBED_BIT)

static const struct {
	unsigned int shapes;
	struct member m;
} members[] = {
	/* clang-format off */
	{ ALL_BITS,  { "model",                 T_STR,    AT(model), NULL } },
	{ CHAT_BIT,  { "messages",              .fn = messages } },
	{ TEXT_BIT,  { "prompt",                .fn = prompt } },
	{ EMBED_BIT, { "input",                 .fn = input } },
	{ GEN_BITS,  { "stream",                T_FLAG,   AT(stream), NULL } },
	{ GEN_BITS,  { "stream_options",        .fn = stream_options } },
	{ CHAT_BIT,  { "max_completion_tokens", T_INT,    AT(max_tok), NULL } },
	{ GEN_BITS,  { "max_tokens",            .fn = max_tokens } },
	{ GEN_BITS,  { "temperature",           T_DOUBLE, AT(temperature), NULL } },
	{ GEN_BITS,  { "top_p",                 T_DOUBLE, AT(top_p), NULL } },
	{ GEN_BITS,  { "top_k",                 T_INT,    AT(top_k), NULL } },
	{ GEN_BITS,  { "frequency_penalty",     T_DOUBLE, AT(frequency_penalty), NULL } },
	{ GEN_BITS,  { "presence_penalty",      T_DOUBLE, AT(presence_penalty), NULL } },
	{ GEN_BITS,  { "n",                     T_INT,    AT(n), NULL } },
	{ GEN_BITS,  { "seed",                  T_INT,    AT(seed), NULL } },
	{ GEN_BITS,  { "stop",                  .fn = stop } },
	{ GEN_BITS,  { "logit_bias",            T_ANY ,   AT(logit_bias), NULL } },
	{ CHAT_BIT,  { "logprobs",              T_TRI,    AT(logprobs), NULL } },
	{ TEXT_BIT,  { "logprobs",              T_INT,    AT(top_logprobs), NULL } },
	{ CHAT_BIT,  { "top_logprobs",          T_INT,    AT(top_logprobs), NULL } },
	{ CHAT_BIT,  { "tools",                 .fn = tools } },
	{ CHAT_BIT,  { "functions",             .fn = functions } },
	{ CHAT_BIT,  { "tool_choice",           .fn = tool_choice } },
	{ CHAT_BIT,  { "function_call",         .fn = function_call } },
	{ CHAT_BIT,  { "parallel_tool_calls",   T_TRI,    AT(parallel_tools), NULL } },
	{ CHAT_BIT,  { "response_format",       .fn = response_format } },
	{ CHAT_BIT,  { "reasoning_effort",      T_STR,    AT(effort), NULL } },
	{ CHAT_BIT,  { "verbosity",             T_STR,    AT(verbosity), NULL } },
	{ CHAT_BIT,  { "modalities",            .fn = modalities } },
	{ CHAT_BIT,  { "audio",                 T_ANY ,   AT(audio), NULL } },
	{ ALL_BITS,  { "user",                  T_STR,    AT(user), NULL } },
	{ CHAT_BIT,  { "metadata",              T_ANY ,   AT(metadata), NULL } },
	{ CHAT_BIT,  { "service_tier",          T_STR,    AT(service_tier), NULL } },
	{ CHAT_BIT,  { "cache_control",         T_ANY ,   AT(cache), NULL } },
	{ TEXT_BIT,  { "suffix",                T_STR,    AT(suffix), NULL } },
	{ TEXT_BIT,  { "echo",                  T_TRI,    AT(echo), NULL } },
	{ TEXT_BIT,  { "best_of",               T_INT,    AT(best_of), NULL } },
	{ EMBED_BIT, { "dimensions",            T_INT,    AT(dimensions), NULL } },
	{ EMBED_BIT, { "encoding_format",       .fn = encoding_format } },
	/* clang-format on */
};

static const struct member *find(const char *name, enum shape shape)
{
	for (size_t i = 0; i < COUNT(members); i++)
		if ((members[i].shapes & BIT(shape)) &&
		    !strcmp(members[i].m.name, name))
			return &members[i].m;
	return NULL;
}

int openai_read(struct json_object *in, struct chat *c, struct err *e)
{
	if (!json_object_is_type(in, json_type_object))
		return err_set(e, ERR_TYPE, "The body must be a JSON object.");
	json_object_object_foreach(in, name, v) {
		const struct member *m = find(name, c->shape);
		int ret = 0;

		if (!v)
			continue; /* null: as if it were not there */
		if (!m)
			chat_extra(c, "openai", str_of(name),
				   tree_json(c->mem, v));
		else
			ret = member_take(c, m, v, e);
		if (ret < 0)
			return -1;
	}
	return 0;
}
