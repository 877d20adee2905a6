/* dialect_responses_read.c - a client's body to struct chat.
 *
 * https://platform.openai.com/docs/api-reference/responses/create.  A row for
 * each member; what has no row is kept as it is.  null reads as absent.
 */
#include "dialect/allowed.h"
#include "dialect/member.h"
#include "dialect/responses.h"

#include <math.h>

static int wrong_value(struct err *e, const char *param)
{
	return err_param(e, ERR_VALUE, param, "Invalid value for '%s'.", param);
}

/* It comes before the input, wherever it stands in the body. */
static int instructions(struct chat *c, struct json_object *v, struct err *e)
{
	struct chat_msg *first = c->msgs, *last = c->msg_last, *m;

	if (!json_object_is_type(v, json_type_string))
		return member_wrong_type(e, "instructions", "a string");
	c->msgs = c->msg_last = NULL;
	m = chat_msg(c, CHAT_SYSTEM);
	m->next = first;
	c->msg_last = last ? last : m;
	chat_part(c, &m->parts, PART_TEXT)->text = tree_text(c->mem, v);
	return 0;
}

/* --- tools -----------------------------------------------------------------
 */

static void read_tool(struct chat *c, struct json_object *o, int i)
{
	static const char *const gone[] = { "output_schema", "defer_loading",
					    "allowed_callers" };
	const char *type = js_str(o, "type", "");
	bool custom = !strcmp(type, "custom");
	struct json_object *strict = js_get(o, "strict");
	struct chat_tool *t;

	if (strcmp(type, "function") && !custom) {
		t = chat_tool(c, TOOL_OPAQUE);
		t->name = STR("responses");
		t->schema = tree_json(c->mem, o);
		return;
	}
	t = chat_tool(c, custom ? TOOL_CUSTOM : TOOL_FUNCTION);
	t->name = tree_member(c->mem, o, "name");
	t->description = tree_member(c->mem, o, "description");
	t->schema =
		tree_json(c->mem, js_get(o, custom ? "format" : "parameters"));
	if (json_object_is_type(strict, json_type_boolean))
		t->strict = json_object_get_boolean(strict);
	for (size_t g = 0; g < COUNT(gone); g++)
		if (js_get(o, gone[g]))
			chat_lost(c, "tools[%d].%s", i, gone[g]);
}

static int tools(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "tools", "an array of objects");
	for (int i = 0; i < js_len(v); i++) {
		if (!json_object_is_type(js_at(v, i), json_type_object))
			return member_wrong_type(e, "tools",
						 "an array of objects");
		read_tool(c, js_at(v, i), i);
	}
	return 0;
}

static int choice_word(struct chat *c, const char *word, struct err *e)
{
	static const struct {
		const char *word;
		enum tool_choice choice;
	} words[] = {
		{ "auto", CHOICE_AUTO },
		{ "none", CHOICE_NONE },
		{ "required", CHOICE_REQUIRED },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (!strcmp(words[i].word, word)) {
			c->choice = words[i].choice;
			return 0;
		}
	return wrong_value(e, "tool_choice");
}

static int tool_choice(struct chat *c, struct json_object *v, struct err *e)
{
	const char *type = js_str(v, "type", "");
	struct chat_texts names = { 0 };
	bool required;

	if (json_object_is_type(v, json_type_string))
		return choice_word(c, json_object_get_string(v), e);
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "tool_choice",
					 "a string or an object");
	c->choice_json = tree_json(c->mem, v);
	if (!strcmp(type, "function") || !strcmp(type, "custom")) {
		c->choice = CHOICE_NAMED;
		c->choice_custom = !strcmp(type, "custom");
		c->choice_name = tree_member(c->mem, v, "name");
		return c->choice_name.p ? 0 : wrong_value(e, "tool_choice");
	}
	if (!strcmp(type, "allowed_tools") &&
	    allowed_read(c, &names, &required)) {
		allowed_set(c, &names, required);
		return 0;
	}
	c->choice = CHOICE_OPAQUE;
	c->choice_name = STR("responses");
	return 0;
}

/* --- text and reasoning ----------------------------------------------------
 */

/* The members of v but for those that are read elsewhere, by their path. */
static void keep_rest(struct chat *c, const char *path, struct json_object *v,
		      const char *const *known)
{
	json_object_object_foreach(v, name, member) {
		const char *const *k = known;

		while (*k && strcmp(*k, name))
			k++;
		if (member && !*k)
			chat_extra(c, "responses",
				   str_of(arena_printf(c->mem, "%s.%s", path,
						       name)),
				   tree_json(c->mem, member));
	}
}

static int read_format(struct chat *c, struct json_object *v, struct err *e)
{
	static const struct {
		const char *type;
		enum chat_format format;
	} types[] = {
		{ "text", FORMAT_TEXT },
		{ "json_object", FORMAT_JSON },
		{ "json_schema", FORMAT_SCHEMA },
	};
	const char *type = js_str(v, "type", "");
	struct json_object *strict = js_get(v, "strict");

	for (size_t i = 0; i < COUNT(types); i++)
		if (!strcmp(types[i].type, type))
			c->format = types[i].format;
	if (c->format == FORMAT_UNSET)
		return wrong_value(e, "text.format.type");
	if (c->format != FORMAT_SCHEMA)
		return 0;
	c->format_name = tree_member(c->mem, v, "name");
	c->format_description = tree_member(c->mem, v, "description");
	c->format_schema = tree_json(c->mem, js_get(v, "schema"));
	if (json_object_is_type(strict, json_type_boolean))
		c->format_strict = json_object_get_boolean(strict);
	return 0;
}

static int text(struct chat *c, struct json_object *v, struct err *e)
{
	static const char *const known[] = { "format", "verbosity", NULL };
	struct json_object *format = js_get(v, "format");

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "text", "an object");
	c->verbosity = tree_member(c->mem, v, "verbosity");
	keep_rest(c, "text", v, known);
	return format ? read_format(c, format, e) : 0;
}

static int reasoning(struct chat *c, struct json_object *v, struct err *e)
{
	static const char *const known[] = { "effort", "summary",
					     "generate_summary", NULL };

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "reasoning", "an object");
	c->effort = tree_member(c->mem, v, "effort");
	if (js_either(v, "summary", "generate_summary"))
		c->think_shown = 1;
	keep_rest(c, "reasoning", v, known);
	return 0;
}

static int top_logprobs(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_int))
		return member_wrong_type(e, "top_logprobs", "an integer");
	c->top_logprobs = json_object_get_int64(v);
	c->logprobs = 1;
	return 0;
}

/* What is so anyway need not be said. */
static int background(struct chat *c, struct json_object *v, struct err *e)
{
	(void)e;
	if (json_object_get_boolean(v))
		chat_extra(c, "responses", STR("background"), STR("true"));
	return 0;
}

static int truncation(struct chat *c, struct json_object *v, struct err *e)
{
	(void)e;
	if (strcmp(json_object_get_string(v), "disabled"))
		chat_extra(c, "responses", STR("truncation"),
			   tree_json(c->mem, v));
	return 0;
}

/* --- the table -------------------------------------------------------------
 */

static const struct member members[] = {
	/* clang-format off */
	{ "model",                T_STR,    AT(model), NULL },
	{ "input",                T_FN,     0, responses_read_input },
	{ "instructions",         T_FN,     0, instructions },
	{ "previous_response_id", T_STR,    AT(previous), NULL },
	{ "max_output_tokens",    T_INT,    AT(max_tok), NULL },
	{ "temperature",          T_DOUBLE, AT(temperature), NULL },
	{ "top_p",                T_DOUBLE, AT(top_p), NULL },
	{ "top_logprobs",         T_FN,     0, top_logprobs },
	{ "stream",               T_FLAG,   AT(stream), NULL },
	{ "store",                T_TRI,    AT(store), NULL },
	{ "tools",                T_FN,     0, tools },
	{ "tool_choice",          T_FN,     0, tool_choice },
	{ "parallel_tool_calls",  T_TRI,    AT(parallel_tools), NULL },
	{ "text",                 T_FN,     0, text },
	{ "reasoning",            T_FN,     0, reasoning },
	{ "metadata",             T_JSON,   AT(metadata), NULL },
	{ "user",                 T_STR,    AT(user), NULL },
	{ "service_tier",         T_STR,    AT(service_tier), NULL },
	{ "background",           T_FN,     0, background },
	{ "truncation",           T_FN,     0, truncation },
	{ "prompt_cache_key",     T_OPENAI, 0, NULL },
	{ "prompt_cache_options", T_OPENAI, 0, NULL },
	{ "prompt_cache_retention", T_OPENAI, 0, NULL },
	{ "safety_identifier",    T_OPENAI, 0, NULL },
	{ "moderation",           T_OPENAI, 0, NULL },
	/* clang-format on */
};

static int read_member(struct chat *c, const char *name, struct json_object *v,
		       struct err *e)
{
	const struct member *m = NULL;

	for (size_t i = 0; i < COUNT(members) && !m; i++)
		if (!strcmp(members[i].name, name))
			m = &members[i];
	if (m && m->type != T_OPENAI)
		return member_take(c, m, v, e);
	chat_extra(c, m ? "openai" : "responses", str_of(name),
		   tree_json(c->mem, v));
	return 0;
}

int responses_read(struct json_object *in, struct chat *c, struct err *e)
{
	if (!json_object_is_type(in, json_type_object))
		return err_set(e, ERR_TYPE, "The body must be a JSON object.");
	json_object_object_foreach(in, name, v) {
		if (v && read_member(c, name, v, e) < 0)
			return -1;
	}
	c->include_usage = c->stream; /* its streams always say it */
	return 0;
}
