/* dialect_gemini_write.c - struct chat to the body that an upstream reads.
 *
 * https://ai.google.dev/api/generate-content.  What cannot be said is named,
 * never dropped silently.
 */
#include "dialect/allowed.h"
#include "dialect/gemini.h"

#include <ctype.h>
#include <math.h>

#define STOPS_MAX 5 /* stop sequences that are accepted */

struct body {
	const struct chat *c;
	const struct gemini_model *model;
	struct jw *w;
	bool config; /* generationConfig is open */
};

/* --- tools -----------------------------------------------------------------
 */

#define FREE_TEXT                                              \
	STR("{\"type\":\"object\",\"properties\":{\"input\":{" \
	    "\"type\":\"string\"}},\"required\":[\"input\"]}")

static bool is_function(const struct chat_tool *t)
{
	return t->kind != TOOL_OPAQUE;
}

static bool can_say(const struct chat_tool *t)
{
	return is_function(t) || str_eq(t->name, "gemini");
}

static bool has_functions(const struct chat *c)
{
	const struct chat_tool *t = c->tools;

	while (t && !is_function(t))
		t = t->next;
	return t != NULL;
}

/* As the subset where that says all of it, else, if the model knows it, as
 * JSON Schema. */
static void write_schema(struct body *b, struct str schema, const char *at,
			 const char *subset, const char *full)
{
	struct buf out;
	bool whole;

	buf_init(&out, 16u << 20);
	whole = gemini_schema_write(b->c->mem, schema, at, &out,
				    b->model->json_schema ? NULL : b->c);
	if (!whole && b->model->json_schema)
		jw_raw(b->w, full, schema);
	else if (out.len && buf_ok(&out))
		jw_raw(b->w, subset, buf_span(&out));
	else if (!buf_ok(&out))
		chat_lost(b->c, "%s", at);
	buf_release(&out);
}

static void write_function(struct body *b, const struct chat_tool *t, int i)
{
	const char *at = arena_printf(b->c->mem, "tools[%d].parameters", i);
	bool custom = t->kind == TOOL_CUSTOM;

	jw_object(b->w, NULL);
	jw_text(b->w, "name", t->name);
	if (t->description.p)
		jw_text(b->w, "description", t->description);
	if (custom || t->schema.p)
		write_schema(b, custom ? FREE_TEXT : t->schema, at,
			     "parameters", "parametersJsonSchema");
	jw_end(b->w);
	if (custom && t->schema.p)
		chat_lost(b->c, "tools[%d].custom.format", i);
	if (t->cache.p)
		chat_lost(b->c, "tools[%d].cache_control", i);
}

/* One object for all functions, one for each tool of the server. */
static void write_tools(struct body *b)
{
	const struct chat *c = b->c;
	bool any = false, functions = has_functions(c);
	int i = 0;

	for (const struct chat_tool *t = c->tools; t; t = t->next, i++) {
		any = any || can_say(t);
		if (!can_say(t))
			chat_lost(c, "tools[%d]", i);
	}
	if (!any)
		return;
	jw_array(b->w, "tools");
	if (functions) {
		jw_object(b->w, NULL);
		jw_array(b->w, "functionDeclarations");
		i = 0;
		for (const struct chat_tool *t = c->tools; t; t = t->next, i++)
			if (is_function(t))
				write_function(b, t, i);
		jw_end(b->w);
		jw_end(b->w);
	}
	for (const struct chat_tool *t = c->tools; t; t = t->next)
		if (!is_function(t) && can_say(t))
			jw_raw(b->w, NULL, t->schema);
	jw_end(b->w);
}

static bool is_strict(const struct chat *c)
{
	for (const struct chat_tool *t = c->tools; t; t = t->next)
		if (is_function(t) && t->strict == 1)
			return true;
	return false;
}

static void write_choice(struct body *b)
{
	static const char *const modes[] = {
		[CHOICE_UNSET] = NULL,  [CHOICE_AUTO] = "AUTO",
		[CHOICE_NONE] = "NONE", [CHOICE_REQUIRED] = "ANY",
		[CHOICE_NAMED] = "ANY", [CHOICE_ALLOWED] = "AUTO",
		[CHOICE_OPAQUE] = NULL,
	};
	const struct chat *c = b->c;
	const char *mode = modes[c->choice];
	struct chat_texts names = { 0 };
	bool required = false;

	if (!has_functions(c))
		return;
	if (c->choice == CHOICE_NAMED)
		chat_text(&(struct chat){ .mem = c->mem }, &names,
			  c->choice_name);
	if (c->choice == CHOICE_OPAQUE || (c->choice == CHOICE_ALLOWED &&
					   !allowed_read(c, &names, &required)))
		chat_lost(c, "tool_choice");
	if (c->choice == CHOICE_ALLOWED)
		mode = required ? "ANY" : "VALIDATED";
	if ((!mode || !strcmp(mode, "AUTO")) && is_strict(c))
		mode = "VALIDATED";
	if (!mode)
		return;
	jw_object(b->w, "toolConfig");
	jw_object(b->w, "functionCallingConfig");
	jw_str(b->w, "mode", mode);
	if (names.first)
		jw_array(b->w, "allowedFunctionNames");
	for (const struct chat_text *t = names.first; t; t = t->next)
		jw_text(b->w, NULL, t->s);
	if (names.first)
		jw_end(b->w);
	jw_end(b->w);
	jw_end(b->w);
}

/* --- generationConfig: opened by its first member --------------------------
 */

static struct jw *config(struct body *b)
{
	if (!b->config)
		jw_object(b->w, "generationConfig");
	b->config = true;
	return b->w;
}

/* The shortest decimal that reads as the same number. */
static void double_if(struct body *b, const char *name, double v)
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
	jw_raw(config(b), name, (struct str){ s, (size_t)n });
}

static void int_if(struct body *b, const char *name, int64_t v)
{
	if (v != CHAT_UNSET)
		jw_int(config(b), name, v);
}

static void write_stop(struct body *b)
{
	bool open = false;
	int i = 0;

	for (const struct chat_text *t = b->c->stop.first; t;
	     t = t->next, i++) {
		if (!t->s.n || i >= STOPS_MAX) {
			chat_lost(b->c, "stop[%d]", i);
			continue;
		}
		if (!open)
			jw_array(config(b), "stopSequences");
		open = true;
		jw_text(b->w, NULL, t->s);
	}
	if (open)
		jw_end(b->w);
}

static void write_sampling(struct body *b)
{
	const struct chat *c = b->c;

	double_if(b, "temperature", c->temperature);
	double_if(b, "topP", c->top_p);
	int_if(b, "topK", c->top_k);
	int_if(b, "candidateCount", c->n);
	int_if(b, "maxOutputTokens", c->max_tok);
	write_stop(b);
	int_if(b, "seed", c->seed);
	double_if(b, "presencePenalty", c->presence_penalty);
	double_if(b, "frequencyPenalty", c->frequency_penalty);
	if (c->logprobs >= 0)
		jw_bool(config(b), "responseLogprobs", c->logprobs);
	int_if(b, "logprobs", c->top_logprobs);
}

static void write_format(struct body *b)
{
	const struct chat *c = b->c;
	struct buf out;

	if (c->format != FORMAT_JSON && c->format != FORMAT_SCHEMA)
		return;
	if (!b->model->signs && has_functions(c)) {
		chat_lost(c, "response_format beside tools");
		return;
	}
	jw_str(config(b), "responseMimeType", "application/json");
	if (c->format != FORMAT_SCHEMA || !c->format_schema.p)
		return;
	if (b->model->json_schema) {
		jw_raw(b->w, "responseJsonSchema", c->format_schema);
		return;
	}
	buf_init(&out, 16u << 20);
	gemini_schema_write(c->mem, c->format_schema,
			    "response_format.json_schema.schema", &out, c);
	if (out.len && buf_ok(&out))
		jw_raw(b->w, "responseSchema", buf_span(&out));
	else
		chat_lost(c, "response_format.json_schema.schema");
	buf_release(&out);
}

static void write_modalities(struct body *b)
{
	const struct chat_text *t = b->c->modalities.first;

	if (!t || (!t->next && str_ieq(t->s, "text")))
		return;
	jw_array(config(b), "responseModalities");
	for (; t; t = t->next) {
		char *s = arena_dup(b->c->mem, t->s);

		for (char *p = s; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		jw_str(b->w, NULL, s);
	}
	jw_end(b->w);
}

/* --- thinking --------------------------------------------------------------
 */

static const struct effort {
	const char *word, *level;
	int64_t up_to_tok, budget_tok; /* up to which a budget is this */
} efforts[] = {
	/* clang-format off */
	{ "none",    "minimal", 0,         0 },
	{ "minimal", "minimal", 512,       1024 },
	{ "low",     "low",     2048,      1024 },
	{ "medium",  "medium",  12000,     8192 },
	{ "high",    "high",    INT64_MAX, 24576 },
	{ "xhigh",   "high",    0,         INT64_MAX },
	{ "max",     "high",    0,         INT64_MAX },
	/* clang-format on */
};

/* The effort that was asked for, in words or as a budget; NULL: none was. */
static const struct effort *effort_of(const struct chat *c)
{
	for (size_t i = 0; i < COUNT(efforts); i++)
		if (c->effort.p ? str_eq(c->effort, efforts[i].word) :
				  c->think_tok != CHAT_UNSET &&
					  c->think_tok <= efforts[i].up_to_tok)
			return &efforts[i];
	if (c->effort.p)
		chat_lost(c, "reasoning_effort: %.*s", STR_FMT(c->effort));
	return NULL;
}

static void write_level(struct body *b, const struct effort *e)
{
	bool off = e == &efforts[0];
	const char *level = e->level;

	if (off)
		chat_lost(b->c, "reasoning_effort: none; this model always "
				"thinks");
	if (!strcmp(level, "minimal") && !b->model->minimal)
		level = "low";
	jw_str(b->w, "thinkingLevel", level);
}

static void write_budget(struct body *b, const struct effort *e)
{
	const struct gemini_model *m = b->model;
	int64_t want = b->c->effort.p ? e->budget_tok : b->c->think_tok;
	int64_t tok = MIN(MAX(want, m->min_tok), m->max_tok);

	if (!want && m->off)
		tok = 0;
	else if (!want)
		chat_lost(b->c, "reasoning_effort: none; this model always "
				"thinks");
	else if (tok != want && !b->c->effort.p)
		chat_lost(b->c, "thinking.budget_tokens above %lld",
			  (long long)m->max_tok);
	jw_int(b->w, "thinkingBudget", tok);
}

static void write_thinking(struct body *b)
{
	const struct chat *c = b->c;
	const struct effort *e = effort_of(c);
	bool off = e == &efforts[0];
	bool shown = c->think_shown == 1 || (e && !off && c->think_shown < 0);

	if (!e && !shown)
		return;
	if (b->model->thinking == GEMINI_THINKS_NOT) {
		if (!off)
			chat_lost(c, "reasoning_effort");
		return;
	}
	jw_object(config(b), "thinkingConfig");
	if (e && b->model->thinking == GEMINI_LEVEL)
		write_level(b, e);
	else if (e)
		write_budget(b, e);
	if (shown)
		jw_bool(b->w, "includeThoughts", true);
	jw_end(b->w);
}

/* --- the rest --------------------------------------------------------------
 */

#define IN_CONFIG "generationConfig."

static bool is_ours(const struct chat_extra *x)
{
	return !strcmp(x->dialect, "gemini");
}

static void write_extras(struct body *b, bool config_ones)
{
	size_t n = strlen(IN_CONFIG);

	for (const struct chat_extra *x = b->c->extras; x; x = x->next) {
		bool in = is_ours(x) && str_starts(x->name, IN_CONFIG);
		struct str name = x->name;

		if (in != config_ones)
			continue;
		if (in) {
			name.p += n;
			name.n -= n;
			jw_member(config(b), name, x->json);
		} else if (is_ours(x)) {
			jw_member(b->w, name, x->json);
		} else {
			chat_lost(b->c, "%.*s", STR_FMT(name));
		}
	}
}

static void write_tier(struct body *b)
{
	static const struct {
		const char *word, *here; /* here NULL: as if nothing was said */
	} tiers[] = {
		{ "default", "standard" },       { "flex", "flex" },
		{ "priority", "priority" },      { "auto", NULL },
		{ "standard_only", "standard" },
	};

	if (!b->c->service_tier.p)
		return;
	for (size_t i = 0; i < COUNT(tiers); i++)
		if (str_eq(b->c->service_tier, tiers[i].word)) {
			if (tiers[i].here)
				jw_str(b->w, "serviceTier", tiers[i].here);
			return;
		}
	chat_lost(b->c, "service_tier");
}

static void name_lost(const struct chat *c)
{
	const struct {
		const char *name;
		bool lost;
	} members[] = {
		{ "parallel_tool_calls", c->parallel_tools == 0 && c->tools },
		{ "logit_bias", c->logit_bias.p != NULL },
		{ "verbosity", c->verbosity.p != NULL },
		{ "audio", c->audio.p != NULL },
		{ "user", c->user.p != NULL },
		{ "metadata", c->metadata.p != NULL },
		{ "cache_control", c->cache.p != NULL },
		{ "previous_response_id", c->previous.p != NULL },
		{ "store", c->store == 1 },
	};

	for (size_t i = 0; i < COUNT(members); i++)
		if (members[i].lost)
			chat_lost(c, "%s", members[i].name);
}

int gemini_write(const struct chat *c, struct buf *out, struct err *e)
{
	struct jw w;
	struct body b = { .c = c, .model = gemini_model(c), .w = &w };

	if (c->shape != SHAPE_CHAT)
		return err_set(e, ERR_VALUE,
			       "This model answers chat requests only.");
	jw_start(&w, out);
	jw_object(&w, NULL);
	gemini_write_contents(c, b.model, &w);
	write_tools(&b);
	write_choice(&b);
	write_sampling(&b);
	write_format(&b);
	write_modalities(&b);
	write_thinking(&b);
	write_extras(&b, true);
	if (b.config)
		jw_end(&w);
	write_tier(&b);
	write_extras(&b, false);
	name_lost(c);
	jw_end(&w);
	if (!buf_ok(out))
		return err_set(e, ERR_TOO_LARGE,
			       "the translated request is too large");
	return 0;
}
