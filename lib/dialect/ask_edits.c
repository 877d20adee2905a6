/* ask_edits.c - how a body must differ for one upstream, see ask.h. */
#include "dialect/ask.h"
#include "json/jw.h"
#include "json/text.h"

/* What a completion without max_tokens means:
 * https://platform.openai.com/docs/api-reference/completions/create */
#define COMPLETION_TOK 16

/* The edits of one body under way. */
struct edits {
	const struct ask *ask;
	struct arena *arena;
	struct splice_edit *list;
	int n;
};

static void replace(struct edits *x, const struct ask_span *at, struct str with)
{
	x->list[x->n++] = splice_value(at->from, at->to, with);
}

/* At the start of the whole, which has a model and so is never empty. */
static void insert(struct edits *x, const char *name, struct str value)
{
	struct str body = x->ask->body;
	const char *object = memchr(body.p, '{', body.n);

	x->list[x->n++] = splice_insert(body, (size_t)(object - body.p), false,
					name, value, x->arena);
}

static struct str quoted(const char *s, struct arena *arena)
{
	struct buf b;
	struct str text;

	buf_init(&b, 1 << 20);
	jw_quote(&b, str_of(s));
	text = arena_str(arena, buf_span(&b));
	buf_release(&b);
	return text;
}

static struct str number(int64_t v, struct arena *arena)
{
	return str_of(arena_printf(arena, "%lld", (long long)v));
}

static void force_usage(struct edits *x)
{
	const struct ask *a = x->ask;
	const struct ask_span *options = &a->stream_options_at;

	if (!a->stream || a->include_usage)
		return;
	if (!options->given)
		insert(x, "stream_options", STR("{\"include_usage\":true}"));
	else if (options->kind == SCAN_NULL)
		replace(x, options, STR("{\"include_usage\":true}"));
	else if (a->include_usage_at.given)
		replace(x, &a->include_usage_at, STR("true"));
	else
		x->list[x->n++] = splice_insert(
			a->body, options->from, !a->stream_options_members,
			"include_usage", STR("true"), x->arena);
}

/* Lowers what the caller named; true: named it was. */
static bool lower_named(struct edits *x, const struct ask_span *at,
			int64_t asked, int64_t limit)
{
	if (!at->given || asked < 0)
		return false;
	if (asked > limit)
		replace(x, at, number(limit, x->arena));
	return true;
}

static void limit_tokens(struct edits *x, const char *param, int64_t limit)
{
	const struct ask *a = x->ask;
	const struct ask_span *at;
	bool named;

	if (a->kind == ASK_COMPLETION) /* the older one has no other name */
		param = "max_tokens";
	at = !strcmp(param, "max_completion_tokens") ? &a->max_completion_at :
						       &a->max_tokens_at;
	named = lower_named(x, &a->max_tokens_at, a->max_tokens, limit);
	named |=
		lower_named(x, &a->max_completion_at, a->max_completion, limit);
	if (named || a->kind == ASK_EMBEDDING)
		return;
	if (a->kind == ASK_COMPLETION)
		limit = MIN(limit, COMPLETION_TOK);
	if (at->given)
		replace(x, at, number(limit, x->arena));
	else
		insert(x, param, number(limit, x->arena));
}

/* --- what a channel overrides ------------------------------------------------ */

bool ask_protected(const char *name)
{
	static const char *const names[] = {
		"model",
		"stream",
		"stream_options",
		"messages",
		"prompt",
		"input",
		"n",
		"best_of",
		"max_tokens",
		"max_completion_tokens",
		"service_tier",
		"encoding_format",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The body has passed the scanner: what opens is closed. */
static size_t past_string(struct str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++)
		at += s.p[at] == '\\';
	return at + 1;
}

static size_t past_nested(struct str s, size_t at)
{
	int depth = 0;

	while (at < s.n) {
		char c = s.p[at];

		if (c == '"') {
			at = past_string(s, at);
			continue;
		}
		at++;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (!depth)
			break;
	}
	return at;
}

static size_t past_value(struct str s, size_t at)
{
	if (s.p[at] == '"')
		return past_string(s, at);
	if (s.p[at] == '{' || s.p[at] == '[')
		return past_nested(s, at);
	while (at < s.n && !strchr(",}] \t\r\n", s.p[at]))
		at++;
	return at;
}

static size_t past_space(struct str s, size_t at)
{
	while (at < s.n && strchr(": \t\r\n,", s.p[at]))
		at++;
	return at;
}

void ask_find(const struct ask *a, struct ask_override *o, int n)
{
	struct str body = a->body;
	const char *object = memchr(body.p, '{', body.n);
	size_t at = past_space(body, (size_t)(object - body.p) + 1);

	while (at < body.n && body.p[at] == '"') {
		size_t name_to = past_string(body, at);
		size_t from = past_space(body, name_to);
		size_t to = past_value(body, from);
		struct str name = { body.p + at, name_to - at };

		for (int i = 0; i < n; i++)
			if (json_text_is(name, str_of(o[i].name)))
				o[i].at = (struct ask_span){ .member = at,
							     .from = from,
							     .to = to,
							     .given = true };
		at = past_space(body, to);
	}
}

/* Removals come in order of appearance: so wants splice_remove(). */
static void remove_all(struct edits *x, const struct ask_change *c)
{
	const struct ask_span *next = NULL;
	size_t past = 0;

	do {
		next = NULL;
		if (c->drop_usage && x->ask->stream_options_at.given &&
		    x->ask->stream_options_at.member >= past)
			next = &x->ask->stream_options_at;
		for (int i = 0; i < c->n_overrides; i++) {
			const struct ask_override *o = &c->overrides[i];

			if (!o->value.p && o->at.given &&
			    o->at.member >= past &&
			    (!next || o->at.member < next->member))
				next = &o->at;
		}
		if (next) {
			splice_remove(x->ask->body, next->member, next->to,
				      x->list, &x->n);
			past = next->to;
		}
	} while (next);
}

static void set_all(struct edits *x, const struct ask_change *c)
{
	for (int i = 0; i < c->n_overrides; i++) {
		const struct ask_override *o = &c->overrides[i];

		if (o->value.p && o->at.given)
			replace(x, &o->at, o->value);
		else if (o->value.p)
			insert(x, o->name, o->value);
	}
}

static void add_system(struct edits *x, const char *words)
{
	const struct ask *a = x->ask;
	const struct ask_span *first = &a->first_content_at;
	struct str text = quoted(words, x->arena);
	const char *before = "{\"role\":\"system\",\"content\":", *after = "},";
	size_t at = a->messages_at.from + 1;

	if (!a->messages_at.given)
		return;
	if (a->system_first && first->kind == SCAN_STRING) {
		at = first->from + 1;
		text = json_inside(text);
		before = "";
		after = first->to - first->from > 2 ? "\\n\\n" : "";
	} else if (a->system_first && first->kind == SCAN_ARRAY) {
		at = first->from + 1;
		before = "{\"type\":\"text\",\"text\":";
	}
	x->list[x->n++] =
		splice_value(at, at,
			     str_of(arena_printf(x->arena, "%s%.*s%s", before,
						 STR_FMT(text), after)));
}

int ask_edits(const struct ask *a, const struct ask_change *c,
	      struct arena *arena, struct splice_edit edits[static ASK_EDITS])
{
	struct edits x = { .ask = a, .arena = arena, .list = edits };

	if (c->model && !str_eq(a->model, c->model))
		replace(&x, &a->model_at, quoted(c->model, arena));
	if (c->drop_usage || c->n_overrides)
		remove_all(&x, c);
	if (c->force_usage && !c->drop_usage)
		force_usage(&x);
	if (c->limit_param && c->limit_tok >= 0)
		limit_tokens(&x, c->limit_param, c->limit_tok);
	set_all(&x, c);
	if (c->system && *c->system)
		add_system(&x, c->system);
	return x.n;
}
