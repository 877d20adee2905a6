/* dialect_responses_write.c - struct chat to the body that an upstream reads.
 *
 * https://platform.openai.com/docs/api-reference/responses/create.  What
 * cannot be said is named, never dropped silently.
 */
#include "dialect/allowed.h"
#include "dialect/responses.h"

#include <math.h>

#define OUTPUT_MIN 16 /* max_output_tokens that are accepted */

static void text_if(struct jw *w, const char *name, struct str s)
{
	if (s.p)
		jw_text(w, name, s);
}

static void raw_if(struct jw *w, const char *name, struct str json)
{
	if (json.p)
		jw_raw(w, name, json);
}

/* The shortest decimal that reads as the same number. */
static void double_if(struct jw *w, const char *name, double v)
{
	char s[40];
	int n = 0;

	if (!isfinite(v))
		return;
	for (int digits = 6; digits <= 17; digits++) {
		n = snprintf(s, sizeof(s), "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	jw_raw(w, name, (struct str){ s, (size_t)n });
}

/* Sealed reasoning is refused where a model does not reason; a name without a
 * row is taken for one that does. */
static bool reasons(const struct chat *c)
{
	static const struct {
		const char *part;
		bool reasons;
	} models[] = {
		{ "gpt-3", false }, { "gpt-4", false }, { "chatgpt", false },
		{ "-chat", false }, { "", true },
	};
	const char *name = arena_dup(c->mem, c->model);
	size_t i = 0;

	while (!strstr(name, models[i].part))
		i++;
	return models[i].reasons;
}

/* --- tools -----------------------------------------------------------------
 */

static bool can_say(const struct chat_tool *t)
{
	return t->kind != TOOL_OPAQUE || str_eq(t->name, "responses");
}

/* Here a function is strict where nothing is said; everywhere else not. */
static void write_tool(const struct chat *c, const struct chat_tool *t, int i,
		       struct jw *w)
{
	bool custom = t->kind == TOOL_CUSTOM;

	if (t->kind == TOOL_OPAQUE) {
		jw_raw(w, NULL, t->schema);
		return;
	}
	jw_object(w, NULL);
	jw_str(w, "type", custom ? "custom" : "function");
	jw_text(w, "name", t->name);
	text_if(w, "description", t->description);
	if (custom) {
		raw_if(w, "format", t->schema);
	} else {
		jw_raw(w, "parameters",
		       t->schema.p ? t->schema :
				     STR("{\"type\":\"object\","
					 "\"properties\":{}}"));
		jw_bool(w, "strict", t->strict == 1);
	}
	jw_end(w);
	if (t->cache.p)
		chat_lost(c, "tools[%d].cache_control", i);
}

static void write_tools(const struct chat *c, struct jw *w)
{
	bool open = false;
	int i = 0;

	for (const struct chat_tool *t = c->tools; t; t = t->next, i++) {
		if (!can_say(t)) {
			chat_lost(c, "tools[%d]", i);
			continue;
		}
		if (!open)
			jw_array(w, "tools");
		open = true;
		write_tool(c, t, i, w);
	}
	if (open)
		jw_end(w);
}

static void write_allowed(const struct chat *c, struct jw *w)
{
	struct chat_texts names = { 0 };
	bool required;

	if (!allowed_read(c, &names, &required)) {
		chat_lost(c, "tool_choice");
		return;
	}
	jw_object(w, "tool_choice");
	jw_str(w, "type", "allowed_tools");
	jw_str(w, "mode", required ? "required" : "auto");
	jw_array(w, "tools");
	for (const struct chat_text *t = names.first; t; t = t->next) {
		jw_object(w, NULL);
		jw_str(w, "type", "function");
		jw_text(w, "name", t->s);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

static void write_choice(const struct chat *c, struct jw *w)
{
	static const char *const words[] = {
		[CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_REQUIRED] = "required",
		[CHOICE_OPAQUE] = NULL,
	};

	if (c->choice == CHOICE_UNSET)
		return;
	if (words[c->choice]) {
		jw_str(w, "tool_choice", words[c->choice]);
	} else if (c->choice == CHOICE_ALLOWED) {
		write_allowed(c, w);
	} else if (c->choice == CHOICE_OPAQUE) {
		if (c->choice_name.p && str_eq(c->choice_name, "responses"))
			jw_raw(w, "tool_choice", c->choice_json);
		else
			chat_lost(c, "tool_choice");
	} else {
		jw_object(w, "tool_choice");
		jw_str(w, "type", c->choice_custom ? "custom" : "function");
		jw_text(w, "name", c->choice_name);
		jw_end(w);
	}
}

/* --- extras ----------------------------------------------------------------
 */

/* Members of a chat that mean the same here. */
static const char *const shared[] = {
	"prompt_cache_key",  "prompt_cache_options", "prompt_cache_retention",
	"safety_identifier", "moderation",           "store",
};

static bool is_shared(const struct chat_extra *x)
{
	for (size_t i = 0; i < COUNT(shared); i++)
		if (!strcmp(x->dialect, "openai") && str_eq(x->name, shared[i]))
			return true;
	return false;
}

static bool is_ours(const struct chat_extra *x)
{
	return !strcmp(x->dialect, "responses");
}

static const struct chat_extra *find(const struct chat *c, const char *name)
{
	const struct chat_extra *x = c->extras;

	while (x && !(str_eq(x->name, name) && (is_ours(x) || is_shared(x))))
		x = x->next;
	return x;
}

/* Those of an object that is open: "reasoning.mode" in reasoning. */
static void write_inner(const struct chat *c, const char *path, struct jw *w)
{
	size_t n = strlen(path);

	for (const struct chat_extra *x = c->extras; x; x = x->next)
		if (is_ours(x) && str_starts(x->name, path))
			jw_member(w,
				  (struct str){ x->name.p + n, x->name.n - n },
				  x->json);
}

static bool has_inner(const struct chat *c, const char *path)
{
	for (const struct chat_extra *x = c->extras; x; x = x->next)
		if (is_ours(x) && str_starts(x->name, path))
			return true;
	return false;
}

static void write_extras(const struct chat *c, struct jw *w)
{
	for (const struct chat_extra *x = c->extras; x; x = x->next) {
		bool ours = is_ours(x);

		if (ours && (str_starts(x->name, "reasoning.") ||
			     str_starts(x->name, "text.")))
			continue;
		if (ours || is_shared(x))
			jw_member(w, x->name, x->json);
		else
			chat_lost(c, "%.*s", STR_FMT(x->name));
	}
}

/* --- text and reasoning ----------------------------------------------------
 */

static void write_format(const struct chat *c, struct jw *w)
{
	static const char *const types[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json_object",
		[FORMAT_SCHEMA] = "json_schema",
	};

	if (c->format == FORMAT_UNSET)
		return;
	jw_object(w, "format");
	jw_str(w, "type", types[c->format]);
	if (c->format == FORMAT_SCHEMA) {
		jw_text(w, "name",
			c->format_name.p ? c->format_name : STR("answer"));
		text_if(w, "description", c->format_description);
		raw_if(w, "schema", c->format_schema);
		if (c->format_strict >= 0)
			jw_bool(w, "strict", c->format_strict);
	}
	jw_end(w);
}

static void write_text(const struct chat *c, struct jw *w)
{
	if (c->format == FORMAT_UNSET && !c->verbosity.p &&
	    !has_inner(c, "text."))
		return;
	jw_object(w, "text");
	write_format(c, w);
	text_if(w, "verbosity", c->verbosity);
	write_inner(c, "text.", w);
	jw_end(w);
}

/* A budget of tokens, where no word was given. */
static const char *effort_of(const struct chat *c)
{
	static const struct {
		int64_t up_to;
		const char *word;
	} steps[] = {
		{ 0, "none" },       { 1024, "minimal" },   { 4096, "low" },
		{ 16384, "medium" }, { INT64_MAX, "high" },
	};
	size_t i = 0;

	if (c->effort.p)
		return arena_dup(c->mem, c->effort);
	if (c->think_tok == CHAT_UNSET)
		return NULL;
	while (c->think_tok > steps[i].up_to)
		i++;
	return steps[i].word;
}

static void write_reasoning(const struct chat *c, struct jw *w)
{
	const char *effort = effort_of(c);

	if (!reasons(c)) {
		if (effort && strcmp(effort, "none"))
			chat_lost(c, "reasoning_effort");
		return;
	}
	if (!effort && c->think_shown != 1 && !has_inner(c, "reasoning."))
		return;
	jw_object(w, "reasoning");
	if (effort)
		jw_str(w, "effort", effort);
	if (c->think_shown == 1)
		jw_str(w, "summary", "auto");
	write_inner(c, "reasoning.", w);
	jw_end(w);
}

/* --- the body --------------------------------------------------------------
 */

static void name_lost(const struct chat *c)
{
	const struct {
		const char *name;
		bool lost;
	} members[] = {
		{ "n", c->n != CHAT_UNSET && c->n > 1 },
		{ "seed", c->seed != CHAT_UNSET },
		{ "stop", c->stop.first != NULL },
		{ "top_k", c->top_k != CHAT_UNSET },
		{ "frequency_penalty", isfinite(c->frequency_penalty) },
		{ "presence_penalty", isfinite(c->presence_penalty) },
		{ "logit_bias", c->logit_bias.p != NULL },
		{ "logprobs", c->logprobs == 1 },
		{ "modalities",
		  c->modalities.first &&
			  (c->modalities.first->next ||
			   !str_eq(c->modalities.first->s, "text")) },
		{ "audio", c->audio.p != NULL },
		{ "cache_control", c->cache.p != NULL },
		{ "max_tokens below 16",
		  c->max_tok != CHAT_UNSET && c->max_tok < OUTPUT_MIN },
	};

	for (size_t i = 0; i < COUNT(members); i++)
		if (members[i].lost)
			chat_lost(c, "%s", members[i].name);
}

/* Nothing is kept there that was not asked for; so what the model thought has
 * to come back with the next turn. */
static void write_store(const struct chat *c, struct jw *w)
{
	bool kept =
		c->store == 1 || c->previous.p ||
		(find(c, "store") && str_eq(find(c, "store")->json, "true"));

	if (c->store >= 0)
		jw_bool(w, "store", c->store);
	else if (!kept && !find(c, "store"))
		jw_bool(w, "store", false);
	text_if(w, "previous_response_id", c->previous);
	if (!kept && reasons(c) && !find(c, "include"))
		jw_raw(w, "include", STR("[\"reasoning.encrypted_content\"]"));
}

static void write_rest(const struct chat *c, struct jw *w)
{
	if (c->max_tok != CHAT_UNSET)
		jw_int(w, "max_output_tokens", MAX(c->max_tok, OUTPUT_MIN));
	double_if(w, "temperature", c->temperature);
	double_if(w, "top_p", c->top_p);
	if (c->parallel_tools >= 0 && c->tools)
		jw_bool(w, "parallel_tool_calls", c->parallel_tools);
	raw_if(w, "metadata", c->metadata);
	text_if(w, "user", c->user);
	if (c->service_tier.p && str_eq(c->service_tier, "standard_only"))
		jw_str(w, "service_tier", "default");
	else
		text_if(w, "service_tier", c->service_tier);
	if (c->stream)
		jw_bool(w, "stream", true);
}

int responses_write(const struct chat *c, struct buf *out, struct err *e)
{
	const struct chat_msg *first = responses_instructions(c);
	struct jw w;

	if (c->shape != SHAPE_CHAT)
		return err_set(e, ERR_VALUE,
			       "This model answers chat requests only.");
	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_text(&w, "model", c->model);
	if (first)
		jw_text(&w, "instructions", chat_plain(c, &first->parts));
	responses_write_input(c, &w);
	write_tools(c, &w);
	write_choice(c, &w);
	write_text(c, &w);
	write_reasoning(c, &w);
	write_store(c, &w);
	write_rest(c, &w);
	write_extras(c, &w);
	name_lost(c);
	jw_end(&w);
	if (!buf_ok(out))
		return err_set(e, ERR_TOO_LARGE,
			       "the translated request is too large");
	return 0;
}
