/* ask_edits.c - how a body must differ for one upstream, see ask.h. */
#include "dialect/ask.h"
#include "json/jw.h"

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

	buf_init(&b, 1 << 16);
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

int ask_edits(const struct ask *a, const struct ask_change *c,
	      struct arena *arena, struct splice_edit edits[static ASK_EDITS])
{
	struct edits x = { .ask = a, .arena = arena, .list = edits };

	if (c->model && !str_eq(a->model, c->model))
		replace(&x, &a->model_at, quoted(c->model, arena));
	if (c->drop_usage && a->stream_options_at.given)
		splice_remove(a->body, a->stream_options_at.member,
			      a->stream_options_at.to, edits, &x.n);
	else if (c->force_usage && !c->drop_usage)
		force_usage(&x);
	if (c->limit_param && c->limit_tok >= 0)
		limit_tokens(&x, c->limit_param, c->limit_tok);
	return x.n;
}
