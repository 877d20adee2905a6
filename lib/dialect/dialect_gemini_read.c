/* dialect_gemini_read.c - a client's body to struct chat.
 *
 * https://ai.google.dev/api/generate-content.  A row for each member; what has
 * no row is kept as it is.  null reads as absent, snake_case as camelCase.
 */
#include "dialect/allowed.h"
#include "dialect/gemini.h"
#include "dialect/member.h"

#include <ctype.h>
#include <math.h>

/* --- tools -----------------------------------------------------------------
 */

static int read_function(struct chat *c, struct json_object *f, int i, int k,
			 struct err *e)
{
	static const char *const gone[] = { "behavior", "response",
					    "responseJsonSchema" };
	struct json_object *full = gemini_get(f, "parametersJsonSchema");
	struct chat_tool *t;

	if (!json_object_is_type(js_get(f, "name"), json_type_string))
		return member_wrong_type(e, "tools.functionDeclarations",
					 "an array of objects with a name");
	t = chat_tool(c, TOOL_FUNCTION);
	t->name = tree_member(c->mem, f, "name");
	t->description = tree_member(c->mem, f, "description");
	t->schema = full ? tree_json(c->mem, full) :
			   gemini_schema_read(c->mem, js_get(f, "parameters"));
	for (size_t g = 0; g < COUNT(gone); g++)
		if (gemini_get(f, gone[g]))
			chat_lost(c, "tools[%d].functionDeclarations[%d].%s", i,
				  k, gone[g]);
	return 0;
}

static void read_hosted(struct chat *c, const char *name, struct json_object *v)
{
	struct chat_tool *t = chat_tool(c, TOOL_OPAQUE);
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, name, json_object_get(v));
	t->name = STR("gemini");
	t->schema = tree_json(c->mem, o);
	js_free(o);
}

static int read_tool(struct chat *c, struct json_object *o, int i,
		     struct err *e)
{
	struct json_object *list = gemini_get(o, "functionDeclarations");

	if (!json_object_is_type(o, json_type_object))
		return member_wrong_type(e, "tools", "an array of objects");
	if (list && !json_object_is_type(list, json_type_array))
		return member_wrong_type(e, "tools.functionDeclarations",
					 "an array");
	for (int k = 0; k < js_len(list); k++)
		if (read_function(c, js_at(list, k), i, k, e) < 0)
			return -1;
	json_object_object_foreach(o, name, v) {
		if (v && v != list)
			read_hosted(c, name, v);
	}
	return 0;
}

static int tools(struct chat *c, struct json_object *v, struct err *e)
{
	if (json_object_is_type(v, json_type_object))
		return read_tool(c, v, 0, e);
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e, "tools", "an array of objects");
	for (int i = 0; i < js_len(v); i++)
		if (read_tool(c, js_at(v, i), i, e) < 0)
			return -1;
	return 0;
}

#define CALLING "toolConfig.functionCallingConfig"

static void allowed_names(struct chat *c, struct json_object *list)
{
	struct chat_texts names = { 0 };

	for (int i = 0; i < js_len(list); i++)
		chat_text(c, &names, tree_text(c->mem, js_at(list, i)));
	if (names.first && !names.first->next && c->choice == CHOICE_REQUIRED) {
		c->choice = CHOICE_NAMED;
		c->choice_name = names.first->s;
	} else if (names.first && c->choice != CHOICE_NONE) {
		allowed_set(c, &names, c->choice == CHOICE_REQUIRED);
	}
}

static int tool_config(struct chat *c, struct json_object *v, struct err *e)
{
	static const struct {
		const char *mode;
		enum tool_choice choice;
	} modes[] = {
		{ "AUTO", CHOICE_AUTO },
		{ "NONE", CHOICE_NONE },
		{ "ANY", CHOICE_REQUIRED },
		{ "VALIDATED", CHOICE_AUTO },
		{ "MODE_UNSPECIFIED", CHOICE_AUTO },
	};
	struct json_object *f = gemini_get(v, "functionCallingConfig");
	struct json_object *list = gemini_get(f, "allowedFunctionNames");
	const char *mode = js_str(f, "mode", "");

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "toolConfig", "an object");
	for (size_t i = 0; i < COUNT(modes); i++)
		if (!strcasecmp(modes[i].mode, mode))
			c->choice = modes[i].choice;
	if (*mode && c->choice == CHOICE_UNSET)
		return err_param(e, ERR_VALUE, CALLING ".mode",
				 "Invalid value for '" CALLING ".mode'.");
	if (!strcasecmp(mode, "VALIDATED") && !js_len(list))
		chat_lost(c, CALLING ".mode: VALIDATED");
	allowed_names(c, list);
	json_object_object_foreach(v, name, member) {
		if (member && member != f)
			chat_lost(c, "toolConfig.%s", name);
	}
	return 0;
}

/* --- generationConfig ------------------------------------------------------
 */

static int stop_sequences(struct chat *c, struct json_object *v, struct err *e)
{
	bool ok = json_object_is_type(v, json_type_array);

	for (int i = 0; ok && i < js_len(v); i++) {
		struct str s = tree_text(c->mem, js_at(v, i));

		ok = s.p != NULL;
		if (ok)
			chat_text(c, &c->stop, s);
	}
	return ok ? 0 :
		    member_wrong_type(e, "generationConfig.stopSequences",
				      "an array of strings");
}

static int modalities(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return member_wrong_type(e,
					 "generationConfig.responseModalities",
					 "an array of strings");
	for (int i = 0; i < js_len(v); i++) {
		char *s = arena_dup(c->mem, tree_text(c->mem, js_at(v, i)));

		for (char *p = s; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		chat_text(c, &c->modalities, str_of(s));
	}
	return 0;
}

static int mime_type(struct chat *c, struct json_object *v, struct err *e)
{
	struct str s = tree_text(c->mem, v);

	if (!s.p)
		return member_wrong_type(e, "generationConfig.responseMimeType",
					 "a string");
	if (str_eq(s, "application/json")) {
		if (c->format == FORMAT_UNSET)
			c->format = FORMAT_JSON;
	} else if (str_eq(s, "text/plain")) {
		c->format = FORMAT_TEXT;
	} else {
		chat_lost(c, "generationConfig.responseMimeType: %.*s",
			  STR_FMT(s));
	}
	return 0;
}

static int schema(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "generationConfig.responseSchema",
					 "an object");
	c->format = FORMAT_SCHEMA;
	c->format_name = STR("output");
	c->format_schema = gemini_schema_read(c->mem, v);
	return 0;
}

static int json_schema(struct chat *c, struct json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(
			e, "generationConfig.responseJsonSchema", "an object");
	c->format = FORMAT_SCHEMA;
	c->format_name = STR("output");
	c->format_schema = tree_json(c->mem, v);
	return 0;
}

static int thinking(struct chat *c, struct json_object *v, struct err *e)
{
	struct json_object *shown = gemini_get(v, "includeThoughts");
	struct str level = gemini_member(c->mem, v, "thinkingLevel");
	int64_t budget_tok =
		gemini_int(gemini_get(v, "thinkingBudget"), CHAT_UNSET);
	char *s;

	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "generationConfig.thinkingConfig",
					 "an object");
	if (json_object_is_type(shown, json_type_boolean))
		c->think_shown = json_object_get_boolean(shown);
	if (budget_tok >= 0) /* -1: as the model likes */
		c->think_tok = budget_tok;
	if (!level.p || str_ieq(level, "THINKING_LEVEL_UNSPECIFIED"))
		return 0;
	s = arena_dup(c->mem, level);
	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	c->effort = str_of(s);
	return 0;
}

static const struct member config[] = {
	/* clang-format off */
	{ "temperature",        T_DOUBLE, AT(temperature), NULL },
	{ "topP",               T_DOUBLE, AT(top_p), NULL },
	{ "topK",               T_INT,    AT(top_k), NULL },
	{ "candidateCount",     T_INT,    AT(n), NULL },
	{ "maxOutputTokens",    T_INT,    AT(max_tok), NULL },
	{ "seed",               T_INT,    AT(seed), NULL },
	{ "presencePenalty",    T_DOUBLE, AT(presence_penalty), NULL },
	{ "frequencyPenalty",   T_DOUBLE, AT(frequency_penalty), NULL },
	{ "responseLogprobs",   T_TRI,    AT(logprobs), NULL },
	{ "logprobs",           T_INT,    AT(top_logprobs), NULL },
	{ "stopSequences",      T_FN,     0, stop_sequences },
	{ "responseModalities", T_FN,     0, modalities },
	{ "responseMimeType",   T_FN,     0, mime_type },
	{ "responseSchema",     T_FN,     0, schema },
	{ "responseJsonSchema", T_FN,     0, json_schema },
	{ "thinkingConfig",     T_FN,     0, thinking },
	/* clang-format on */
};

/* "top_p" is "topP". */
static bool same_name(const char *name, const char *camel)
{
	for (; *name && *camel; name++, camel++) {
		if (*name == '_' && isupper((unsigned char)*camel))
			name++;
		if (tolower((unsigned char)*name) !=
		    tolower((unsigned char)*camel))
			return false;
	}
	return !*name && !*camel;
}

static const char *camel(struct arena *mem, const char *name)
{
	char *s = arena_dup(mem, str_of(name)), *to = s;

	for (const char *p = name; *p; p++)
		if (*p == '_' && islower((unsigned char)p[1]))
			*to++ = (char)toupper((unsigned char)*++p);
		else
			*to++ = *p;
	*to = '\0';
	return s;
}

static int take(struct chat *c, const struct member *m, struct json_object *v,
		struct err *e)
{
	void *to = (char *)c + m->at;
	char param[64];
	int64_t n = gemini_int(v, CHAT_UNSET);

	snprintf(param, sizeof(param), "generationConfig.%s", m->name);
	switch (m->type) {
	case T_FN: return m->fn(c, v, e);
	case T_INT:
		if (n == CHAT_UNSET)
			return member_wrong_type(e, param, "an integer");
		*(int64_t *)to = n;
		return 0;
	case T_DOUBLE:
		if (!json_object_is_type(v, json_type_double) &&
		    !json_object_is_type(v, json_type_int))
			return member_wrong_type(e, param, "a number");
		*(double *)to = json_object_get_double(v);
		return 0;
	default:
		if (!json_object_is_type(v, json_type_boolean))
			return member_wrong_type(e, param, "a boolean");
		*(int *)to = json_object_get_boolean(v);
		return 0;
	}
}

/* What has no row is an extra by its whole path. */
static int generation_config(struct chat *c, struct json_object *v,
			     struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return member_wrong_type(e, "generationConfig", "an object");
	json_object_object_foreach(v, name, member) {
		size_t i = 0;

		if (!member)
			continue;
		while (i < COUNT(config) && !same_name(name, config[i].name))
			i++;
		if (i == COUNT(config))
			chat_extra(c, "gemini",
				   str_of(arena_printf(c->mem,
						       "generationConfig.%s",
						       camel(c->mem, name))),
				   tree_json(c->mem, member));
		else if (take(c, &config[i], member, e) < 0)
			return -1;
	}
	return 0;
}

/* --- the body --------------------------------------------------------------
 */

static int service_tier(struct chat *c, struct json_object *v, struct err *e)
{
	struct str s = tree_text(c->mem, v);

	if (!s.p)
		return member_wrong_type(e, "serviceTier", "a string");
	c->service_tier = str_ieq(s, "standard") ? STR("default") : s;
	return 0;
}

/* Of countTokens; else the address says it. */
static int model(struct chat *c, struct json_object *v, struct err *e)
{
	struct str s = tree_text(c->mem, v);

	if (!s.p)
		return member_wrong_type(e, "model", "a string");
	if (str_starts(s, "models/"))
		s = (struct str){ s.p + 7, s.n - 7 };
	c->model = s;
	return 0;
}

/* countTokens may have the whole request in it. */
static int nested(struct chat *c, struct json_object *v, struct err *e)
{
	return gemini_read(v, c, e);
}

static const struct {
	const char *name;
	int (*fn)(struct chat *c, struct json_object *v, struct err *e);
} members[] = {
	/* clang-format off */
	{ "contents",               gemini_read_contents },
	{ "systemInstruction",      gemini_read_system },
	{ "tools",                  tools },
	{ "toolConfig",             tool_config },
	{ "generationConfig",       generation_config },
	{ "serviceTier",            service_tier },
	{ "model",                  model },
	{ "generateContentRequest", nested },
	/* clang-format on */
};

static int read_member(struct chat *c, const char *name, struct json_object *v,
		       struct err *e)
{
	for (size_t i = 0; i < COUNT(members); i++)
		if (same_name(name, members[i].name))
			return members[i].fn(c, v, e);
	chat_extra(c, "gemini", str_of(camel(c->mem, name)),
		   tree_json(c->mem, v));
	return 0;
}

int gemini_read(struct json_object *in, struct chat *c, struct err *e)
{
	if (!json_object_is_type(in, json_type_object))
		return err_set(e, ERR_TYPE, "The body must be a JSON object.");
	json_object_object_foreach(in, name, v) {
		if (v && read_member(c, name, v, e) < 0)
			return -1;
	}
	c->include_usage = true; /* its answers always say it */
	return 0;
}
