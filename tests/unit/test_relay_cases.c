/* test_relay_cases.c - the files of tests/relay/cases on buffers: each as it
 * is, then with its answers cut at every byte.
 *
 * What needs the whole program (accounts, prices, the log) is looked at by
 * the runner that plays the same files through the binary.
 */
#include "rows.h"

#include "relay_world.h"

#include "json/js.h"

#include <glob.h>

struct play {
	const struct relay_case *c;
	struct world w;
	size_t cut, said; /* cut: a byte of all answers after which to cut */
	int64_t left_tok; /* of the budget */
};

#define LEAST_TOK 16 /* that are worth an extension */

/* --- setup ------------------------------------------------------------------ */

static void set_limit(struct relay_limits *l, struct str name, struct str value)
{
	const struct {
		const char *name;
		int64_t *at;
	} names[] = {
		{ "upstream_first_token_ms", &l->first_token_ms },
		{ "upstream_idle_ms", &l->idle_ms },
		{ "upstream_total_ms", &l->total_ms },
		{ "deadline_ms", &l->deadline_ms },
		{ "hold_back_ms", &l->hold_back_ms },
		{ "keep_alive_ms", &l->keep_alive_ms },
		{ "max_answer_bytes", &l->max_answer },
		{ "max_event_bytes", &l->max_event },
		{ "client_queue_bytes", &l->max_queue },
		{ "retry_wait_ms", &l->retry_wait_ms },
	};
	int64_t n = 0;

	(void)str_int(value, 0, INT64_MAX, &n);
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(name, names[i].name))
			*names[i].at = n;
	if (str_eq(name, "max_attempts"))
		l->max_attempts = (int)n;
}

/* The upstream's name for the model: "map=asked=real". */
static const char *mapped(struct world *w, const struct case_pairs *pairs)
{
	struct str map = case_value(pairs, "map"), asked;

	if (!map.p)
		return NULL;
	(void)str_next(&map, '=', &asked);
	return str_same(asked, w->ask.model) ? arena_dup(&w->arena, map) : NULL;
}

static int priority_of(const struct candidate *c)
{
	return c->channel->priority;
}

static void sort_candidates(struct world *w)
{
	for (int i = 1; i < w->plan.n_candidates; i++)
		for (int k = i; k && priority_of(&w->candidates[k]) >
					     priority_of(&w->candidates[k - 1]);
		     k--) {
			struct candidate c = w->candidates[k];

			w->candidates[k] = w->candidates[k - 1];
			w->candidates[k - 1] = c;
		}
}

/* {"name":value}: what a channel changes; of headers the texts. */
static int changes(struct world *w, struct str json, bool texts,
		   const struct book_change **to)
{
	struct err e = { 0 };
	struct json_object *all =
		js_parse(json.p ? json.p : "{}", json.p ? json.n : 2, &e);
	struct book_change *list = ARENA_ARRAY(&w->arena, struct book_change,
					       json_object_object_length(all));
	int n = 0;

	json_object_object_foreach(all, name, v) {
		const char *text = !v    ? NULL :
				   texts ? json_object_get_string(v) :
					   json_object_to_json_string(v);

		list[n++] = (struct book_change){
			arena_dup(&w->arena, str_of(name)),
			text ? arena_dup(&w->arena, str_of(text)) : NULL,
		};
	}
	js_free(all);
	*to = list;
	return n;
}

static void set_overrides(struct world *w, struct book_channel *ch,
			  const struct case_pairs *pairs)
{
	struct str system = case_value(pairs, "system-prompt");

	ch->n_params =
		changes(w, case_value(pairs, "params"), false, &ch->params);
	ch->n_headers =
		changes(w, case_value(pairs, "headers"), true, &ch->headers);
	ch->system_prompt = system.p ? arena_dup(&w->arena, system) : "";
	(void)str_int(case_value(pairs, "first-token-ms"), 0, INT32_MAX,
		      &ch->times.first_token_ms);
}

static void set_channel(struct world *w, int i, const struct case_setup *s)
{
	struct book_channel *ch = &w->channels[i];
	struct str key = case_value(&s->pairs, "key");
	int64_t priority = 0;

	(void)str_int(case_value(&s->pairs, "priority"), 0, 1000, &priority);
	ch->priority = (int)priority;
	ch->name = arena_dup(&w->arena, s->name);
	w->keys[i].secret =
		key.p ? arena_dup(&w->arena, key) :
			arena_printf(&w->arena, "sk-upstream-%s", ch->name);
	w->candidates[i].model = mapped(w, &s->pairs);
	if (!w->candidates[i].model)
		w->candidates[i].model = arena_dup(&w->arena, w->ask.model);
	set_overrides(w, ch, &s->pairs);
}

static void set_money(struct play *p, const struct case_pairs *pairs)
{
	struct relay_money *m = &p->w.plan.money;
	const struct {
		const char *name;
		int64_t *at;
	} names[] = {
		{ "held", &m->held_tok },
		{ "step", &m->step_tok },
		{ "limit", &m->limit_tok },
		{ "left", &p->left_tok },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		(void)str_int(case_value(pairs, names[i].name), 0, INT32_MAX,
			      names[i].at);
}

static void set_up(struct play *p)
{
	struct world *w = &p->w;
	int channels = 0, n = 0;
	int64_t deadline_ms;

	for (int i = 0; i < p->c->n_setup; i++)
		channels += str_eq(p->c->setup[i].verb, "channel");
	world_init(w, p->c->client.body.p, MAX(channels, 1));
	w->candidates[0].model = arena_dup(&w->arena, w->ask.model);
	for (int i = 0; i < p->c->n_setup; i++) {
		const struct case_setup *s = &p->c->setup[i];

		if (str_eq(s->verb, "channel"))
			set_channel(w, n++, s);
		if (str_eq(s->verb, "money"))
			set_money(p, &s->pairs);
		for (int k = 0; str_eq(s->verb, "conf") && k < s->pairs.n; k++)
			set_limit(&w->plan.limits, s->pairs.at[k].name,
				  s->pairs.at[k].value);
	}
	if (str_int(case_value(&p->c->client.headers, "x-pontage-deadline-ms"),
		    1, INT32_MAX, &deadline_ms) == 0)
		w->plan.limits.deadline_ms = deadline_ms;
	sort_candidates(w);
	relay_find_overrides(&w->plan, &w->arena);
}

/* --- playing ---------------------------------------------------------------- */

static int64_t events_of(const struct world *w)
{
	int64_t n = 0;

	for (const char *at = w->got.p; (at = strstr(at, "\n\n")); at += 2)
		n++;
	return n;
}

static void maybe_leave(struct play *p)
{
	const struct case_client *client = &p->c->client;
	bool events = client->leave_after_events &&
		      events_of(&p->w) >= client->leave_after_events;

	if (p->w.n_ends == 0 && events)
		world_leave(&p->w);
}

static void say(struct play *p, struct str bytes)
{
	size_t at = p->cut - p->said;

	if (p->cut >= p->said && at < bytes.n) {
		world_say(&p->w, (struct str){ bytes.p, at });
		bytes.p += at;
		bytes.n -= at;
		p->said += at;
	}
	world_say(&p->w, bytes);
	p->said += bytes.n;
}

static void silence(struct play *p)
{
	if (p->c->client.leave_after_ms) {
		world_pass(&p->w, p->c->client.leave_after_ms);
		world_leave(&p->w);
	}
	world_wait(&p->w);
}

static void answer_asks(struct play *p)
{
	int64_t step = p->w.plan.money.step_tok;
	int64_t got = MIN(p->left_tok, step);

	while (p->w.asking && got >= MIN(step, LEAST_TOK)) {
		p->left_tok -= got;
		world_grant(&p->w, got);
		got = MIN(p->left_tok, step);
	}
	if (p->w.asking)
		world_refuse(&p->w, ERR_NO_FUNDS);
}

static void play_op(struct play *p, const struct case_op *op)
{
	switch (op->kind) {
	case OP_BYTES: say(p, op->bytes); break;
	case OP_PAUSE: world_pass(&p->w, op->ms); break;
	case OP_CLOSE: world_over(&p->w, ERR_UP_BROKEN, "it closed"); break;
	case OP_RESET: world_over(&p->w, ERR_UP_BROKEN, "it was reset"); break;
	case OP_SILENCE:
	case OP_GONE: silence(p); break;
	case OP_REFUSE: world_over(&p->w, ERR_UP_CONNECT, "refused"); break;
	}
	answer_asks(p);
	maybe_leave(p);
}

static void play_head(struct play *p, const struct case_answer *a)
{
	struct buf lines;

	buf_init(&lines, 1 << 20);
	for (int i = 0; i < a->headers.n; i++)
		buf_printf(&lines, "%.*s: %.*s\n",
			   STR_FMT(a->headers.at[i].name),
			   STR_FMT(a->headers.at[i].value));
	world_head(&p->w, a->status, lines.p);
	buf_release(&lines);
}

static void play_answer(struct play *p, int attempt)
{
	const struct case_answer *a = &p->c->answer[attempt];
	bool http = a->raw && a->n_ops && a->ops[0].kind == OP_BYTES;

	if (!a->raw)
		play_head(p, a);
	for (int i = 0; i < a->n_ops && p->w.n_calls == attempt + 1; i++)
		if (!http || a->ops[i].kind != OP_BYTES)
			play_op(p, &a->ops[i]);
	if (p->w.n_calls == attempt + 1)
		world_over(&p->w, http ? ERR_UP_BROKEN : ERR_NONE,
			   http ? "it does not speak HTTP" : "");
}

/* Attempts in order; whatever a call that nobody expects is told is silence. */
static void play(struct play *p)
{
	int played = 0;

	set_up(p);
	world_start(&p->w);
	while (p->w.calling && p->w.n_calls > played) {
		played = p->w.n_calls;
		if (played > p->c->n_attempts)
			world_wait(&p->w);
		else
			play_answer(p, played - 1);
		if (!p->w.calling) /* a pause before the next one */
			world_wait(&p->w);
	}
	world_wait(&p->w);
}

/* --- looking ---------------------------------------------------------------- */

static void check(const struct play *p)
{
	const struct world *w = &p->w;
	struct err e = { 0 };
	bool left = w->relay.end.client_gone;

	if (case_check_reply(p->c, left ? 0 : w->status, &w->headers,
			     buf_span(&w->got), left, &e) < 0)
		ROW_STR(e.msg, "");
	for (int i = 0; i < w->n_calls; i++) {
		const struct world_call *call = &w->calls[i];

		err_clear(&e);
		if (case_check_upstream(p->c, i, call->to->channel->name,
					call->path, &call->headers, call->body,
					&e) < 0)
			ROW_STR(e.msg, "");
	}
	ROW_INT(w->n_calls, p->c->n_attempts);
	ROW_INT(w->n_ends, 1);
	ROW_INT(w->n_after_end, 0);
	ROW_TRUE(!w->calling);
}

static void check_value(const struct relay_end *end, struct str name,
			struct str want)
{
	const char *code = end->code ? err_info(end->code)->code : "";
	int64_t n = 0;

	(void)str_int(want, 0, INT64_MAX, &n);
	if (str_eq(name, "status"))
		ROW_INT(end->status, n);
	else if (str_eq(name, "attempts"))
		ROW_INT(end->n_attempts, n);
	else if (str_eq(name, "error") && str_eq(want, "~"))
		ROW_TRUE(*code);
	else if (str_eq(name, "error"))
		ROW_TRUE(str_eq(want, code));
}

static void check_row(const struct play *p)
{
	for (int i = 0; p->c->n_rows == 1 && i < p->c->rows[0].n; i++)
		check_value(&p->w.relay.end, p->c->rows[0].at[i].name,
			    p->c->rows[0].at[i].value);
}

/* Which end of a line belongs to which event hangs on the cut where CRs are
 * used; what a reader makes of it does not. */
static void without_cr(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++) {
		char c = b->p[i];

		if (c == '\r' && b->p[i + 1] == '\n')
			continue;
		c = c == '\r' ? '\n' : c;
		if (c != '\n' || n < 2 || b->p[n - 1] != '\n' ||
		    b->p[n - 2] != '\n')
			b->p[n++] = c;
	}
	b->len = n;
	if (n)
		b->p[n] = '\0';
}

static size_t bytes_of(const struct relay_case *c)
{
	size_t n = 0;

	for (int i = 0; i < c->n_attempts; i++)
		for (int k = 0; k < c->answer[i].n_ops; k++)
			n += c->answer[i].ops[k].bytes.n;
	return n;
}

/* Each cut; of very long answers, some. */
static void cut_everywhere(const struct relay_case *c, struct buf *want,
			   const char *path)
{
	size_t n = bytes_of(c), step = MAX(n / 4000, 1);
	bool cr = memchr(want->p, '\r', want->len);

	if (cr)
		without_cr(want);
	for (size_t cut = 1; cut < n; cut += step) {
		struct play p = { .c = c, .cut = cut };

		row("%s, cut at %zu", path, cut);
		play(&p);
		if (cr)
			without_cr(&p.w.got);
		ROW_TRUE(p.w.got.len == want->len &&
			 !memcmp(p.w.got.p, want->p, want->len));
		world_release(&p.w);
	}
}

static void run_file(const char *path, bool cuts)
{
	struct play p = { .cut = SIZE_MAX };
	struct arena arena;
	struct err e = { 0 };

	arena_init(&arena);
	row("%s", path);
	p.c = relay_case_load(path, &arena, &e);
	if (!p.c) {
		ROW_STR(e.msg, "");
	} else if (p.c->n_attempts && !p.c->client.read_rate &&
		   str_eq(p.c->client.path, "/v1/chat/completions")) {
		play(&p);
		check(&p);
		check_row(&p);
		if (cuts && p.c->client.leave_after_events == 0)
			cut_everywhere(p.c, &p.w.got, path);
		world_release(&p.w);
	}
	arena_release(&arena);
}

static void run_all(bool cuts)
{
	glob_t found = { 0 };

	assert_int_equal(glob("tests/relay/cases/*.case", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i], cuts);
	globfree(&found);
	rows_done();
}

static void the_client_gets_what_the_file_says(void **state)
{
	(void)state;
	run_all(false);
}

static void it_gets_the_same_however_answers_are_cut(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_client_gets_what_the_file_says),
		cmocka_unit_test(it_gets_the_same_however_answers_are_cut),
	};

	return cmocka_run_group_tests_name("relay cases", tests, NULL, NULL);
}
