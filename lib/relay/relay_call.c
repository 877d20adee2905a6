/* relay_call.c - what an upstream is sent; see inner.h.
 *
 * Each call is made of the client's own body, which nobody changes: what one
 * channel overrides is not there for the next.
 */
#include "relay/inner.h"

#include "http/header.h"
#include "http/url.h"

/* --- what a channel overrides ------------------------------------------------ */

static void find(struct relay_override *o, const struct ask *ask,
		 const struct book_channel *ch, struct arena *arena)
{
	o->list = ARENA_ARRAY(arena, struct ask_override, ch->n_params);
	for (int i = 0; i < ch->n_params; i++) {
		const struct book_change *p = &ch->params[i];

		if (ask_protected(p->name))
			continue;
		o->list[o->n++] = (struct ask_override){
			.name = p->name,
			.value = p->value ? str_of(p->value) : STR_NONE,
		};
	}
	ask_find(ask, o->list, o->n);
}

void relay_find_overrides(struct relay_plan *plan, struct arena *arena)
{
	const struct candidate *c = plan->candidates;
	struct relay_override *all = NULL;

	for (int i = 0; i < plan->n_candidates; i++) {
		if (!c[i].channel->n_params)
			continue;
		if (!all)
			all = ARENA_ARRAY(arena, struct relay_override,
					  plan->n_candidates);
		/* Its other keys need no second look. */
		for (int k = 0; k < i && !all[i].list; k++)
			if (c[k].channel == c[i].channel)
				all[i] = all[k];
		if (!all[i].list)
			find(&all[i], plan->ask, c[i].channel, arena);
	}
	plan->overrides = all;
}

/* --- the head ---------------------------------------------------------------- */

struct head_line {
	const char *name, *line; /* line: as it is sent where nobody minds */
};

static bool may_change(const struct book_change *h)
{
	return header_may_change(str_of(h->name)) &&
	       (!h->value || header_value_ok(str_of(h->value)));
}

static const struct book_change *change_of(const struct book_channel *ch,
					   const char *name)
{
	for (int i = 0; i < ch->n_headers; i++)
		if (str_ieq(str_of(ch->headers[i].name), name) &&
		    may_change(&ch->headers[i]))
			return &ch->headers[i];
	return NULL;
}

static const char *changed(struct relay *r, const struct book_change *h)
{
	if (!h->value)
		return arena_printf(r->arena, "%s:", h->name);
	return arena_printf(r->arena, "%s: %s", h->name, h->value);
}

static bool is_usual(const struct head_line *usual, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(str_of(name), usual[i].name))
			return true;
	return false;
}

/* Those that the channel adds. */
static int more_lines(struct relay *r, const struct head_line *usual,
		      size_t n_usual, const char **lines)
{
	const struct book_channel *ch = r->at->channel;
	int n = 0;

	for (int i = 0; i < ch->n_headers; i++) {
		const struct book_change *h = &ch->headers[i];

		if (h->value && may_change(h) &&
		    !is_usual(usual, n_usual, h->name))
			lines[n++] = changed(r, h);
	}
	return n;
}

static const char **call_head(struct relay *r)
{
	const struct book_channel *ch = r->at->channel;
	const struct head_line usual[] = {
		{ "Content-Type", "Content-Type: application/json" },
		{ "Accept", r->plan->ask->stream ? "Accept: text/event-stream" :
						   "Accept: application/json" },
		{ "User-Agent", "User-Agent: pontage/" PONTAGE_VERSION },
	};
	const char **lines = ARENA_ARRAY(r->arena, const char *,
					 (int)COUNT(usual) + ch->n_headers + 2);
	struct buf auth;
	int n = 0;

	for (size_t i = 0; i < COUNT(usual); i++) {
		const struct book_change *h = change_of(ch, usual[i].name);

		lines[n++] = h ? changed(r, h) : usual[i].line;
	}
	n += more_lines(r, usual, COUNT(usual), lines + n);
	buf_init(&auth, 16384);
	provider_auth(ch->provider, r->at->key->secret, &auth);
	if (auth.len)
		lines[n++] = arena_dup(r->arena, buf_span(&auth));
	buf_release(&auth);
	return lines;
}

/* --- all of it ---------------------------------------------------------------- */

static const char *call_url(struct relay *r)
{
	const char *url;
	struct buf b;

	buf_init(&b, 2 * (size_t)URL_MAX);
	url_join(&b, str_of(r->at->channel->base_url),
		 str_of(r->plan->endpoint->upstream_path));
	url = arena_dup(r->arena, buf_span(&b));
	buf_release(&b);
	return url;
}

static struct rope *call_body(struct relay *r)
{
	const struct provider *p = r->at->channel->provider;
	const struct relay_plan *plan = r->plan;
	const struct relay_override *o =
		plan->overrides ? &plan->overrides[r->at - plan->candidates] :
				  &(struct relay_override){ 0 };
	struct ask_change change = {
		.model = r->at->model,
		.force_usage = !(p->quirks & Q_NO_USAGE_OPTION),
		.drop_usage = p->quirks & Q_NO_USAGE_OPTION,
		.limit_param = p->limit_param,
		.limit_tok = plan->money.limit_tok ? plan->money.limit_tok : -1,
		.overrides = o->list,
		.n_overrides = o->n,
		.system = r->at->channel->system_prompt,
	};
	struct splice_edit few[ASK_EDITS], *edits = few;
	struct rope *body = ARENA_NEW(r->arena, struct rope);
	int n;

	if (o->n)
		edits = ARENA_ARRAY(r->arena, struct splice_edit,
				    ASK_EDITS + o->n);
	n = ask_edits(plan->ask, &change, r->arena, edits);
	*body = splice_apply(plan->body, edits, n, r->arena);
	return body;
}

/* What the upstream's usage is judged by. */
static struct usage_own own_count(const struct relay *r)
{
	const char *system = r->at->channel->system_prompt;
	const struct relay_plan *plan = r->plan;
	const struct ask *ask = plan->ask;
	int64_t more = system ? (int64_t)strlen(system) : 0;

	return (struct usage_own){
		.prompt_bytes = MAX(ask->text_bytes, 1) + more,
		.context_tok = r->at->fallback ? r->at->price->context_tok :
						 plan->money.context_tok,
		.prompts = ask->n_inputs,
		.choices = MAX(ask->n, ask->best_of),
		.more_in = ask->n_images || ask->n_audio || ask->n_files,
	};
}

static void reset_answer(struct relay *r)
{
	const struct provider *p = r->at->channel->provider;

	r->up_status = 0;
	r->n_passed = 0;
	r->content_type = STR_NONE;
	r->refusal_code = NULL;
	r->said = "";
	r->refusal_status = 0;
	r->retry_after_ms = -1;
	for (size_t i = 0; i < COUNT(r->pauses); i++)
		r->pauses[i] = (struct relay_pause){ .reset_ms = -1 };
	r->end.reached = false;
	r->cancelled = r->done_seen = r->gathering = false;
	buf_clear(&r->held);
	r->held.max = (size_t)r->plan->limits.max_answer;
	sse_reset(&r->sse);
	listen_release(&r->listen);
	listen_init(&r->listen, r->plan->endpoint->shape,
		    p->quirks & Q_REASONING_APART);
	r->listen.own = own_count(r);
	listen_count(&r->listen, r->plan->counter);
}

static struct book_times times_of(const struct relay *r)
{
	const struct book_times *own = &r->at->channel->times;
	const struct relay_limits *l = &r->plan->limits;

	return (struct book_times){
		.connect_ms = own->connect_ms ? own->connect_ms : l->connect_ms,
		.first_token_ms = own->first_token_ms ? own->first_token_ms :
							l->first_token_ms,
		.idle_ms = own->idle_ms ? own->idle_ms : l->idle_ms,
		.total_ms = own->total_ms ? own->total_ms : l->total_ms,
	};
}

void relay_make_call(struct relay *r)
{
	reset_answer(r);
	r->times = times_of(r);
	r->call = (struct relay_call){
		.to = r->at,
		.url = call_url(r),
		.head = call_head(r),
		.body = call_body(r),
		.stream = r->plan->ask->stream,
		.connect_ms = r->times.connect_ms,
	};
}
