/* dialect_anthropic_write.c - struct chat to the body that an upstream reads.
 *
 * https://platform.claude.com/docs/en/api/messages.  What cannot be said is
 * named, never dropped silently.
 */
#include "dialect/anthropic.h"

#include <ctype.h>
#include <math.h>

/* --- models ----------------------------------------------------------------
 */

enum thinking { THINK_NONE, THINK_BUDGET, THINK_ADAPTIVE };

/* What a model can do, by a piece of its name; a name without a row is taken
 * for a new model.  platform.claude.com/docs/en/about-claude/models */
static const struct model {
	const char *part;
	int64_t max_tok; /* of output, where nothing is said */
	bool sampling;   /* takes temperature, top_p, top_k */
	enum thinking thinking;
} models[] = {
	/* clang-format off */
	{ "opus-4-8",   16384, false, THINK_ADAPTIVE },
	{ "opus-4-7",   16384, false, THINK_ADAPTIVE },
	{ "opus-4-6",   16384, true,  THINK_ADAPTIVE },
	{ "sonnet-4-6", 16384, true,  THINK_ADAPTIVE },
	{ "opus-4",     16384, true,  THINK_BUDGET },
	{ "sonnet-4",   16384, true,  THINK_BUDGET },
	{ "haiku-4",    16384, true,  THINK_BUDGET },
	{ "3-7-sonnet", 8192,  true,  THINK_BUDGET },
	{ "3-5-",       8192,  true,  THINK_NONE },
	{ "claude-3",   4096,  true,  THINK_NONE },
	{ "claude-2",   4096,  true,  THINK_NONE },
	{ "",           16384, false, THINK_ADAPTIVE },
	/* clang-format on */
};

static const struct model *model_of(const struct chat *c)
{
	const char *name = arena_dup(c->mem, c->model);
	const struct model *m = models;

	while (!strstr(name, m->part))
		m++;
	return m;
}

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

/* --- tools -----------------------------------------------------------------
 */

#define NO_PARAMETERS STR("{\"type\":\"object\",\"properties\":{}}")
#define FREE_TEXT                                              \
	STR("{\"type\":\"object\",\"properties\":{\"input\":{" \
	    "\"type\":\"string\"}},\"required\":[\"input\"]}")

static void write_tool(const struct chat_tool *t, struct jw *w)
{
	bool custom = t->kind == TOOL_CUSTOM;

	if (t->kind == TOOL_OPAQUE) {
		jw_raw(w, NULL, t->schema);
		return;
	}
	jw_object(w, NULL);
	jw_text(w, "name", t->name);
	text_if(w, "description", t->description);
	if (custom)
		jw_raw(w, "input_schema", FREE_TEXT);
	else
		jw_raw(w, "input_schema",
		       t->schema.p ? t->schema : NO_PARAMETERS);
	if (t->strict >= 0 && !custom)
		jw_bool(w, "strict", t->strict);
	raw_if(w, "cache_control", t->cache);
	jw_end(w);
}

static bool has_tools(const struct chat *c)
{
	for (const struct chat_tool *t = c->tools; t; t = t->next)
		if (t->kind != TOOL_OPAQUE || str_eq(t->name, "anthropic"))
			return true;
	return false;
}

static void write_tools(const struct chat *c, struct jw *w)
{
	bool any = has_tools(c);
	int i = 0;

	if (any)
		jw_array(w, "tools");
	for (const struct chat_tool *t = c->tools; t; t = t->next, i++) {
		if (t->kind == TOOL_OPAQUE && !str_eq(t->name, "anthropic"))
			chat_lost(c, "tools[%d]", i);
		else
			write_tool(t, w);
		if (t->kind == TOOL_CUSTOM && t->schema.p)
			chat_lost(c, "tools[%d].custom.format", i);
	}
	if (any)
		jw_end(w);
}

static void write_choice(const struct chat *c, struct jw *w)
{
	static const char *const words[] = {
		[CHOICE_AUTO] = "auto",    [CHOICE_NONE] = "none",
		[CHOICE_REQUIRED] = "any", [CHOICE_NAMED] = "tool",
		[CHOICE_OPAQUE] = NULL,
	};
	bool one = c->parallel_tools == 0 && c->choice != CHOICE_NONE;
	enum tool_choice choice = c->choice;

	if (!has_tools(c))
		return;
	if (choice == CHOICE_UNSET && one)
		choice = CHOICE_AUTO;
	if (choice == CHOICE_ALLOWED || choice == CHOICE_OPAQUE) {
		chat_lost(c, "tool_choice");
		choice = one ? CHOICE_AUTO : CHOICE_UNSET;
	}
	if (choice == CHOICE_UNSET)
		return;
	jw_object(w, "tool_choice");
	jw_str(w, "type", words[choice]);
	if (choice == CHOICE_NAMED)
		jw_text(w, "name", c->choice_name);
	if (one)
		jw_bool(w, "disable_parallel_tool_use", true);
	jw_end(w);
}

/* --- thinking --------------------------------------------------------------
 */

static const struct effort {
	const char *word, *here; /* here NULL: no thinking */
	int64_t budget_tok;
} efforts[] = {
	{ "none", NULL, 0 },       { "minimal", "low", 1024 },
	{ "low", "low", 2048 },    { "medium", "medium", 8192 },
	{ "high", "high", 16384 }, { "xhigh", "xhigh", 32768 },
	{ "max", "max", 32768 },
};

/* A call that is forced excludes thinking. */
static bool is_forced(const struct chat *c)
{
	return has_tools(c) &&
	       (c->choice == CHOICE_REQUIRED || c->choice == CHOICE_NAMED);
}

/* The effort that was asked for, in words or as a budget; NULL: none was. */
static const struct effort *effort_of(const struct chat *c)
{
	if (is_forced(c) && (c->effort.p || c->think_tok > 0)) {
		chat_lost(c, "reasoning_effort beside a forced tool_choice");
		return NULL;
	}
	for (size_t i = 0; i < COUNT(efforts); i++) {
		if (c->effort.p ? str_eq(c->effort, efforts[i].word) :
				  c->think_tok != CHAT_UNSET &&
					  c->think_tok <= efforts[i].budget_tok)
			return &efforts[i];
	}
	if (!c->effort.p && c->think_tok != CHAT_UNSET)
		return &efforts[COUNT(efforts) - 1];
	return NULL;
}

static void write_budget(int64_t budget_tok, struct jw *w)
{
	jw_object(w, "thinking");
	jw_str(w, "type", "enabled");
	jw_int(w, "budget_tokens", MAX(budget_tok, 1024));
	jw_end(w);
}

/* Returns the tokens that thinking takes of max_tokens. */
static int64_t write_effort(const struct chat *c, const struct model *m,
			    const struct effort *e, struct jw *w)
{
	int64_t budget_tok;

	if (c->effort.p && !e && !is_forced(c))
		chat_lost(c, "reasoning_effort");
	if (!e)
		return 0;
	if (m->thinking == THINK_NONE) {
		if (e->here)
			chat_lost(c, "reasoning_effort");
		return 0;
	}
	if (!e->here) {
		jw_raw(w, "thinking", STR("{\"type\":\"disabled\"}"));
		return 0;
	}
	if (m->thinking == THINK_ADAPTIVE) {
		jw_raw(w, "thinking",
		       c->think_shown == 0 ?
			       STR("{\"type\":\"adaptive\",\"display\":"
				   "\"omitted\"}") :
			       STR("{\"type\":\"adaptive\",\"display\":"
				   "\"summarized\"}"));
		return 0;
	}
	budget_tok = c->effort.p ? e->budget_tok : c->think_tok;
	write_budget(budget_tok, w);
	return MAX(budget_tok, 1024);
}

static void write_output(const struct chat *c, const struct model *m,
			 const struct effort *e, struct jw *w)
{
	bool effort = e && e->here && m->thinking == THINK_ADAPTIVE;
	bool schema = c->format == FORMAT_SCHEMA && c->format_schema.p;

	if (c->format == FORMAT_JSON)
		chat_lost(c, "response_format");
	if (!effort && !schema)
		return;
	jw_object(w, "output_config");
	if (effort)
		jw_str(w, "effort", e->here);
	if (schema) {
		jw_object(w, "format");
		jw_str(w, "type", "json_schema");
		jw_raw(w, "schema", c->format_schema);
		jw_end(w);
	}
	jw_end(w);
}

/* --- the body --------------------------------------------------------------
 */

/* The shortest decimal that reads as the same number. */
static void write_double(struct jw *w, const char *name, double v)
{
	char s[40];
	int n = 0;

	for (int digits = 6; digits <= 17; digits++) {
		n = snprintf(s, sizeof(s), "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	jw_raw(w, name, (struct str){ s, (size_t)n });
}

/* New models refuse these, and so do those that think. */
static void write_sampling(const struct chat *c, const struct model *m,
			   bool thinks, struct jw *w)
{
	bool may = m->sampling && !thinks;
	bool both = isfinite(c->temperature) && isfinite(c->top_p);

	if (isfinite(c->temperature) && may)
		write_double(w, "temperature", MIN(c->temperature, 1));
	else if (isfinite(c->temperature))
		chat_lost(c, "temperature");
	if (isfinite(c->top_p) && may && !both)
		write_double(w, "top_p", c->top_p);
	else if (isfinite(c->top_p))
		chat_lost(c, "top_p");
	if (c->top_k != CHAT_UNSET && may)
		jw_int(w, "top_k", c->top_k);
	else if (c->top_k != CHAT_UNSET)
		chat_lost(c, "top_k");
}

static bool is_blank(struct str s)
{
	while (s.n && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return !s.n;
}

static void write_stop(const struct chat *c, struct jw *w)
{
	bool open = false;

	for (const struct chat_text *t = c->stop.first; t; t = t->next) {
		if (is_blank(t->s)) {
			chat_lost(c, "stop: one that is blank");
			continue;
		}
		if (!open)
			jw_array(w, "stop_sequences");
		open = true;
		jw_text(w, NULL, t->s);
	}
	if (open)
		jw_end(w);
}

static void name_lost(const struct chat *c)
{
	const struct {
		const char *name;
		bool lost;
	} members[] = {
		{ "n", c->n != CHAT_UNSET && c->n > 1 },
		{ "seed", c->seed != CHAT_UNSET },
		{ "frequency_penalty", isfinite(c->frequency_penalty) },
		{ "presence_penalty", isfinite(c->presence_penalty) },
		{ "logit_bias", c->logit_bias.p != NULL },
		{ "logprobs", c->logprobs > 0 },
		{ "verbosity", c->verbosity.p != NULL },
		{ "modalities",
		  c->modalities.first && c->modalities.first->next },
		{ "audio", c->audio.p != NULL },
		{ "metadata", c->metadata.p != NULL },
	};

	for (size_t i = 0; i < COUNT(members); i++)
		if (members[i].lost)
			chat_lost(c, "%s", members[i].name);
}

static void write_tier(const struct chat *c, struct jw *w)
{
	if (!c->service_tier.p)
		return;
	if (str_eq(c->service_tier, "auto"))
		jw_str(w, "service_tier", "auto");
	else if (str_eq(c->service_tier, "default") ||
		 str_eq(c->service_tier, "standard_only"))
		jw_str(w, "service_tier", "standard_only");
	else
		chat_lost(c, "service_tier");
}

static void write_rest(const struct chat *c, struct jw *w)
{
	write_stop(c, w);
	write_tier(c, w);
	if (c->user.p) {
		jw_object(w, "metadata");
		jw_text(w, "user_id", c->user);
		jw_end(w);
	}
	raw_if(w, "cache_control", c->cache);
	if (c->stream)
		jw_bool(w, "stream", true);
	for (const struct chat_extra *x = c->extras; x; x = x->next)
		if (!strcmp(x->dialect, "anthropic"))
			jw_member(w, x->name, x->json);
		else
			chat_lost(c, "%.*s", STR_FMT(x->name));
	name_lost(c);
}

int anthropic_write(const struct chat *c, struct buf *out, struct err *e)
{
	const struct model *m = model_of(c);
	const struct effort *effort = effort_of(c);
	int64_t max = c->max_tok == CHAT_UNSET ? m->max_tok : c->max_tok;
	int64_t thinks_tok;
	struct jw w;

	if (c->shape != SHAPE_CHAT)
		return err_set(e, ERR_VALUE,
			       "This model answers chat requests only.");
	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_text(&w, "model", c->model);
	anthropic_write_messages(c, &w);
	write_tools(c, &w);
	write_choice(c, &w);
	thinks_tok = write_effort(c, m, effort, &w);
	jw_int(&w, "max_tokens", max + thinks_tok);
	write_output(c, m, effort, &w);
	write_sampling(c, m, thinks_tok > 0, &w);
	write_rest(c, &w);
	jw_end(&w);
	if (!buf_ok(out))
		return err_set(e, ERR_TOO_LARGE,
			       "the translated request is too large");
	return 0;
}
