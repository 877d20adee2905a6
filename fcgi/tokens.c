/* tokens.c - see tokens.h. */
#include "tokens.h"

#include "exchange.h"
#include "loop.h"

#include "base/log.h"
#include "count/count_files.h"
#include "json/text.h"

#define TURN_BYTES (16 << 10) /* of an answer that are counted at once */
#define ROWS_MAX   8          /* kinds of models that one request may go to */

struct count *tokens_open(const struct conf *c)
{
	char text[COUNT_TEXT];
	struct err e = { 0 };
	int damaged;
	struct count *count = count_open_for(c, &damaged, &e);

	if (damaged)
		log_error("worker.ranks", LOG_S("cause", e.msg));
	log_info("worker.tokens", LOG_S("exact", count_text(count, text)));
	return count;
}

/* --- the prompt ---------------------------------------------------------------- */

/* The kinds of models that it may go to; more than ROWS_MAX, or upstreams that
 * do not read alike: -1. */
static int kinds(const struct exchange *x,
		 const struct count_model *rows[static ROWS_MAX])
{
	int n = 0, at;

	for (int i = 0; i < x->plan.n_candidates; i++) {
		const char *name = x->plan.candidates[i].model;
		const struct count_model *m = count_model(str_of(name));

		/* A deployment has a name of its own. */
		if (!*m->name)
			m = count_model(x->ask.model);
		for (at = 0; at < n && rows[at] != m; at++)
			continue;
		if (at < n)
			continue;
		if (n == ROWS_MAX || (n && m->by != rows[0]->by))
			return -1;
		rows[n++] = m;
	}
	return n;
}

static void begin(void *arg);
static void text(void *arg, uint32_t key, struct str json);

static int64_t tok(void *arg)
{
	const struct tokens *t = arg;

	return count_stream_tok(&t->said);
}

void tokens_prompt(struct exchange *x)
{
	const struct loop *l = x->loop;
	const struct count_model *rows[ROWS_MAX];
	struct tokens *t = &x->tokens;
	struct count_prompt p;
	int n = kinds(x, rows);

	if (n <= 0) {
		rows[0] = count_model(STR(""));
		n = 1;
	}
	t->model = rows[0];
	count_prompt(&t->prompt, l->count, rows[0], buf_span(&x->body),
		     l->conf->count_max_bytes);
	for (int i = 1; i < n; i++) {
		count_prompt(&p, l->count, rows[i], buf_span(&x->body),
			     l->conf->count_max_bytes);
		t->prompt.bound = MAX(t->prompt.bound, p.bound);
	}
	count_stream_init(&t->said, l->count, t->model);
	buf_init(&t->plain, (size_t)l->conf->max_answer_bytes);
	t->counter = (struct listen_counter){ begin, text, tok, t };
	t->counts = true;
	x->plan.counter = &t->counter;
}

/* --- the answer ---------------------------------------------------------------- */

static void begin(void *arg)
{
	struct tokens *t = arg;
	const struct count *c = t->said.c;

	count_stream_release(&t->said);
	count_stream_init(&t->said, c, t->model);
	t->key = 0;
	t->guessed = false;
}

/* Is there time for so much in this turn of the loop? */
static bool may_count(struct tokens *t, size_t n)
{
	int64_t now_ms = OWNER(t, struct exchange, tokens)->loop->poller.now_ms;

	if (now_ms != t->turn_ms)
		t->turn_bytes = 0;
	t->turn_ms = now_ms;
	t->turn_bytes += (int64_t)n;
	return t->turn_bytes <= TURN_BYTES;
}

static void text(void *arg, uint32_t key, struct str json)
{
	struct tokens *t = arg;
	struct str s = json_inside(json);

	if (key != t->key)
		count_stream_cut(&t->said);
	t->key = key;
	if (memchr(s.p, '\\', s.n)) {
		buf_clear(&t->plain);
		json_unescape_to(json, &t->plain);
		s = buf_span(&t->plain);
	}
	if (may_count(t, s.n)) {
		count_stream_feed(&t->said, s.p, s.n);
		return;
	}
	t->guessed = true;
	count_stream_guess(&t->said, s);
}

void tokens_end(struct tokens *t)
{
	if (t->counts)
		count_stream_cut(&t->said);
}

const char *tokens_noted(const struct exchange *x, const struct usage *u,
			 struct arena *arena)
{
	const struct count_prompt *p = &x->tokens.prompt;
	const struct listen *l = &x->relay.listen;
	bool heard = l->counted || !l->text_bytes;
	const char *json = bill_usage_json(u, arena);
	size_t n = strlen(json);

	if (u->source == USAGE_NONE || u->source == USAGE_UPSTREAM || n < 3)
		return json;
	return arena_printf(arena, "%.*s,\"by\":\"%s\"}", (int)n - 1, json,
			    p->exact && !x->tokens.guessed && heard ?
				    count_by_name(p->by) :
				    count_by_name(COUNT_GUESS));
}

void tokens_release(struct tokens *t)
{
	if (!t->counts)
		return;
	count_stream_release(&t->said);
	buf_release(&t->plain);
}
