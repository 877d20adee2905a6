/* prompt_tools.c - tools as the model reads them: OpenAI's Cookbook, "How to
 * count tokens with tiktoken", section 7; and what is not said there. */
#include "count/prompt_in.h"

#include "json/js.h"

/* Tokens, by encoding: those of gpt-4o, and of gpt-4 and gpt-3.5. */
static const struct rule {
	int tool, props, prop, choices, choice, end;
} rules[COUNT_BY__COUNT] = {
	[COUNT_GUESS] = { 10, 3, 3, -3, 3, 12 },
	[COUNT_CL100K] = { 10, 3, 3, -3, 3, 12 },
	[COUNT_O200K] = { 7, 3, 3, -3, 3, 12 },
};

enum {
	MORE = 16, /* of the bound, for all tools together */
	/* Anthropic, "Tool use", adds a text of its own; the older and the
	 * longest model's. */
	CLAUDE = 346,
	CLAUDE_MOST = 700,
	LINE_MAX = 1 << 20,
};

struct tools {
	struct prompt *p;
	const struct rule *rule;
	struct buf line;
	int64_t tok;
};

/* "name:type:description", without the full stop at its end. */
static void add_line(struct tools *t, const char *name, const char *type,
		     struct str description)
{
	if (description.n && description.p[description.n - 1] == '.')
		description.n--;
	buf_clear(&t->line);
	buf_printf(&t->line, "%s:", name);
	if (type)
		buf_printf(&t->line, "%s:", type);
	buf_add(&t->line, description.p ? description.p : "", description.n);
	t->tok += prompt_tokens_of(t->p, buf_span(&t->line));
}

static void add_choices(struct tools *t, struct json_object *list)
{
	const char *s;

	if (!js_len(list))
		return;
	t->tok += t->rule->choices;
	for (int i = 0; i < js_len(list); i++) {
		s = json_object_get_string(js_at(list, i));
		t->tok += t->rule->choice +
			  prompt_tokens_of(t->p, str_of(s ? s : "null"));
	}
}

/* The rule speaks of flat objects; inside of them it is taken again.  depth:
 * js_parse() bounds it. */
static void add_schema(struct tools *t, struct json_object *schema)
{
	struct json_object *props = js_get(schema, "properties");
	struct json_object *items = js_get(schema, "items");

	if (items)
		add_schema(t, items);
	if (!props || !json_object_is_type(props, json_type_object) ||
	    !json_object_object_length(props))
		return;
	t->tok += t->rule->props;
	json_object_object_foreach(props, name, prop) {
		t->tok += t->rule->prop;
		add_choices(t, js_get(prop, "enum"));
		add_line(t, name, js_str(prop, "type", "any"),
			 js_text(prop, "description"));
		add_schema(t, prop);
	}
}

static void add_tool(struct tools *t, struct json_object *tool)
{
	struct json_object *f = js_get(tool, "function");
	const char *json;

	if (!f && js_get(tool, "name"))
		f = tool; /* an element of "functions" */
	t->tok += t->rule->tool;
	if (f) {
		add_line(t, js_str(f, "name", ""), NULL,
			 js_text(f, "description"));
		add_schema(t, js_get(f, "parameters"));
		return;
	}
	json = json_object_to_json_string(tool);
	t->tok += prompt_tokens_of(t->p, str_of(json));
}

/* The text that a vendor puts before tools. */
static void add_foreign(struct prompt *p)
{
	if (p->model->image == IMAGE_AREA) /* Anthropic's */
		prompt_add(p, CLAUDE, CLAUDE_MOST);
	else
		prompt_add(p, 0, CLAUDE_MOST);
}

static int64_t by_rule(struct prompt *p, struct str json)
{
	struct err e = { 0 };
	struct json_object *list = js_parse(json.p, json.n, &e);
	struct tools t = { .p = p, .rule = &rules[p->model->by] };

	if (!list) /* nested too deeply to be read */
		return -1;
	buf_init(&t.line, LINE_MAX);
	for (int i = 0; i < js_len(list); i++)
		add_tool(&t, js_at(list, i));
	buf_release(&t.line);
	js_free(list);
	return t.tok + t.rule->end;
}

/* As JSON they are longer than as the model reads them: names, types and
 * descriptions are the same, and there are more signs between. */
void prompt_tools(struct prompt *p, struct str json)
{
	int64_t tok = -1, bound = (int64_t)json.n;
	bool fits = bound <= p->left;
	struct guess g = { 0 };

	if (fits)
		tok = by_rule(p, json);
	if (tok < 0) {
		guess_add(&g, json.p, json.n);
		tok = guess_tok(&g, p->model->guess);
		p->out->capped = true;
		p->out->exact = false;
	}
	if (p->out->exact)
		bound = prompt_tokens_of(p, json);
	p->left -= fits ? (int64_t)json.n : p->left;
	p->out->tool_tok += tok;
	prompt_add(p, tok, MAX(tok, bound) + MORE);
	if (p->model->by == COUNT_GUESS)
		add_foreign(p);
}
