/* limits.c - see limits.h. */
#include "limits.h"

#include "loop.h"

#include "base/clock.h"

/* --- what is asked ----------------------------------------------------------- */

static void add(struct meter_request *r, enum meter_of of, uint64_t who,
		const struct book_limits *l)
{
	if (!l || !(l->rpm || l->tpm || l->rpd || l->concurrency))
		return;
	r->asks[r->n++] = (struct meter_ask){
		.of = of,
		.who = who,
		.limit = { [METER_RPM] = l->rpm,
			   [METER_TPM] = l->tpm,
			   [METER_RPD] = l->rpd,
			   [METER_CONCURRENCY] = l->concurrency },
	};
}

static void add_all(struct meter_request *r, const struct exchange *x)
{
	const struct token *t = x->token;
	const struct book_limits own = { t->rpm, t->tpm, t->concurrency,
					 t->rpd };
	const char *model = x->row.model_asked;
	char user[24];

	snprintf(user, sizeof(user), "%lld", (long long)t->user_id);
	add(r, METER_TOKEN, (uint64_t)t->id, &own);
	if (!x->book->n_caps)
		return;
	add(r, METER_USER, (uint64_t)t->user_id,
	    book_cap(x->book, "user", user));
	add(r, METER_GROUP, meter_name(str_of(t->group)),
	    book_cap(x->book, "group", t->group));
	add(r, METER_MODEL, meter_name(str_of(model)),
	    book_cap(x->book, "model", model));
}

/* Of the tokens that the limits allow, what is left in the tightest. */
static int64_t room_of(const struct loop *l, const struct meter_request *r,
		       int64_t now_ms)
{
	int64_t room = INT64_MAX;
	struct meter_view v;

	for (int i = 0; i < r->n; i++) {
		const struct meter_ask *ask = &r->asks[i];

		if (!ask->limit[METER_TPM])
			continue;
		meter_look(l->shared, ask->of, ask->who, now_ms, &v);
		room = MIN(room, ask->limit[METER_TPM] - v.used[METER_TPM]);
	}
	return room;
}

static int64_t answers(const struct ask *ask)
{
	int64_t prompts = ask->kind == ASK_COMPLETION ? ask->n_inputs : 1;

	return MAX(MAX(ask->n, ask->best_of), 1) * MAX(prompts, 1);
}

/* Takes the tokens that it may use at most.  Who names no limit of its output
 * is not refused for one that we chose: then it takes what is left, and where
 * another has that meanwhile, its prompt alone. */
static bool take(struct exchange *x, struct meter_request *r, int64_t now_ms,
		 struct meter_no *no)
{
	int64_t prompt = x->tokens.prompt.tok;
	int64_t output = bill_reserved_tok(&x->bill) * answers(&x->ask);
	struct loop *l = x->loop;

	if (x->ask.max_tok < 0)
		output = MIN(output, MAX(room_of(l, r, now_ms) - prompt, 0));
	r->tokens = prompt + output;
	if (meter_take(l->shared, l->slot, r, now_ms, x->limits.hold, no))
		return true;
	if (x->ask.max_tok >= 0 || no->what != METER_TPM || !output)
		return false;
	r->tokens = prompt;
	return meter_take(l->shared, l->slot, r, now_ms, x->limits.hold, no);
}

/* --- refusals -------------------------------------------------------------------- */

static const char *const owners[] = {
	[METER_TOKEN] = "this API key",
	[METER_USER] = "this user",
	[METER_GROUP] = "this group",
	[METER_MODEL] = "this model",
};

static const struct what {
	const char *words;
	enum err_code code;
	enum shared_counter counter;
} whats[METER_WHAT__COUNT] = {
	[METER_RPM] = { "requests per min (RPM)", ERR_RATE,
			SHARED_refused_rpm },
	[METER_TPM] = { "tokens per min (TPM)", ERR_RATE_TOKENS,
			SHARED_refused_tpm },
	[METER_RPD] = { "requests per day (RPD)", ERR_RATE,
			SHARED_refused_rpd },
	[METER_CONCURRENCY] = { "requests at once", ERR_RATE,
				SHARED_refused_concurrency },
};

void limits_pause(int64_t ms, char out[static LIMITS_PAUSE])
{
	int64_t s = (ms + 999) / 1000;

	if (ms > 0 && ms < 1000)
		snprintf(out, LIMITS_PAUSE, "%lldms", (long long)ms);
	else if (s < 60)
		snprintf(out, LIMITS_PAUSE, "%llds", (long long)s);
	else if (s < 3600)
		snprintf(out, LIMITS_PAUSE, "%lldm%llds", (long long)(s / 60),
			 (long long)(s % 60));
	else
		snprintf(out, LIMITS_PAUSE, "%lldh%lldm%llds",
			 (long long)(s / 3600), (long long)(s / 60 % 60),
			 (long long)(s % 60));
}

static int too_large(const struct exchange *x, const struct meter_ask *ask,
		     const struct meter_no *no, int64_t tokens, struct err *e)
{
	return err_set(e, ERR_RATE_TOKENS,
		       "Request too large for %.64s on %s of %s: Limit %lld, "
		       "Requested %lld. The input or output tokens must be "
		       "reduced.",
		       x->row.model_asked, whats[no->what].words,
		       owners[ask->of], (long long)no->limit,
		       (long long)tokens);
}

#define SOON_MS 1000 /* where it depends on when another request ends */

static int refuse(struct exchange *x, const struct meter_request *r,
		  const struct meter_no *no, struct err *e)
{
	const struct meter_ask *ask = &r->asks[no->which];
	const struct what *w = &whats[no->what];
	char pause[LIMITS_PAUSE];

	shared_count(x->loop->slot, w->counter, 1);
	x->retry_ms = no->wait_ms < 0 ? ANSWER_NEVER :
		      no->wait_ms     ? no->wait_ms :
					SOON_MS;
	if (no->wait_ms < 0)
		return too_large(x, ask, no, r->tokens, e);
	limits_pause(x->retry_ms, pause);
	return err_set(e, w->code,
		       "Rate limit reached for %.64s on %s of %s: Limit %lld. "
		       "Please try again in %s.",
		       x->row.model_asked, w->words, owners[ask->of],
		       (long long)no->limit, pause);
}

/* --- what clients read ------------------------------------------------------------- */

/* The limit that leaves least. */
struct tightest {
	int64_t limit, left, reset_ms; /* limit 0: there is none */
};

static void tighten(struct tightest *t, const struct meter_ask *ask,
		    const struct meter_view *v, enum meter_what what)
{
	int64_t left = MAX(ask->limit[what] - v->used[what], 0);

	if (!ask->limit[what] || (t->limit && t->left <= left))
		return;
	*t = (struct tightest){ ask->limit[what], left, v->reset_ms[what] };
}

static void say(struct exchange *x, const char *name, const char *of,
		const char *value)
{
	struct limits *l = &x->limits;

	l->lines[l->n_lines++] = (struct relay_header){
		arena_printf(&x->arena, "x-ratelimit-%s-%s", name, of),
		arena_str(&x->arena, str_of(value)),
	};
}

static void say_all(struct exchange *x, const char *of,
		    const struct tightest *t)
{
	char text[LIMITS_PAUSE];

	if (!t->limit)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)t->limit);
	say(x, "limit", of, text);
	snprintf(text, sizeof(text), "%lld", (long long)t->left);
	say(x, "remaining", of, text);
	limits_pause(t->reset_ms, text);
	say(x, "reset", of, text);
}

static void write_lines(struct exchange *x, const struct meter_request *r,
			int64_t now_ms)
{
	struct tightest requests = { 0 }, tokens = { 0 };
	struct meter_view v;

	for (int i = 0; i < r->n; i++) {
		const struct meter_ask *ask = &r->asks[i];

		meter_look(x->loop->shared, ask->of, ask->who, now_ms, &v);
		tighten(&requests, ask, &v, METER_RPM);
		tighten(&requests, ask, &v, METER_RPD);
		tighten(&tokens, ask, &v, METER_TPM);
	}
	x->limits.lines =
		ARENA_ARRAY(&x->arena, struct relay_header, LIMITS_LINES);
	say_all(x, "requests", &requests);
	say_all(x, "tokens", &tokens);
}

int limits_lines(const struct limits *l, const struct relay_header *h, int n,
		 struct relay_header *out)
{
	int n_out = 0;

	for (int i = 0; i < n; i++)
		if (!l->n_lines || strncmp(h[i].name, "x-ratelimit-", 12) != 0)
			out[n_out++] = h[i];
	for (int i = 0; i < l->n_lines; i++)
		out[n_out++] = l->lines[i];
	return n_out;
}

/* --- begin and end ------------------------------------------------------------------ */

int limits_take(struct exchange *x, struct err *e)
{
	int64_t now_ms = clock_mono_ms();
	struct meter_request r = { .n = 0 };
	struct meter_no no = { .which = 0 };
	bool took;

	add_all(&r, x);
	if (!r.n)
		return 0;
	x->limits.hold = ARENA_NEW(&x->arena, struct meter_hold);
	took = take(x, &r, now_ms, &no);
	write_lines(x, &r, now_ms);
	return took ? 0 : refuse(x, &r, &no, e);
}

void limits_undo(struct exchange *x)
{
	if (x->limits.hold)
		meter_undo(x->loop->shared, x->loop->slot, x->limits.hold);
}

void limits_end(struct exchange *x, int64_t tokens)
{
	if (!x->limits.hold)
		return;
	meter_correct(x->limits.hold, tokens);
	meter_give(x->loop->shared, x->loop->slot, x->limits.hold);
}
