/* relay_world.c - see relay_world.h. */
#include "relay_world.h"

#include <assert.h>

#define WORLD_START_MS 1000 /* so that a time is never 0 */

/* --- struct relay_io -------------------------------------------------------- */

/* "Name:" alone is not sent. */
static void read_lines(struct world *w, struct world_call *to,
		       const char *const *lines)
{
	for (; *lines; lines++) {
		struct str rest = str_of(arena_dup(&w->arena, str_of(*lines)));
		struct case_pair *p = &to->headers.at[to->headers.n++];

		(void)str_next(&rest, ':', &p->name);
		p->value = str_trim(rest);
		to->headers.n -= !p->value.n;
	}
}

static int io_upstream(void *arg, const struct relay_call *call, struct err *e)
{
	struct world *w = arg;
	struct world_call *to = &w->calls[w->n_calls];
	const char *path = strchr(strstr(call->url, "://") + 3, '/');

	assert(w->n_calls < WORLD_CALLS && !w->calling);
	w->n_after_end += w->n_ends;
	*to = (struct world_call){ .to = call->to,
				   .stream = call->stream,
				   .at_ms = w->now_ms };
	to->path = arena_str(&w->arena, str_of(path));
	to->body = arena_str(&w->arena, rope_flatten(call->body, &w->arena));
	read_lines(w, to, call->head);
	if (w->refuse[w->n_calls++])
		return err_set(e, w->refuse[w->n_calls - 1],
			       "cannot be called");
	w->calling = true;
	return 0;
}

static void io_cancel(void *arg)
{
	struct world *w = arg;

	assert(w->calling);
	w->calling = false;
	w->n_cancels++;
	w->n_after_end += w->n_ends;
}

static void io_head(void *arg, int status, const struct relay_header *h, int n)
{
	struct world *w = arg;

	w->n_heads++;
	w->n_after_end += w->n_ends;
	w->status = status;
	for (int i = 0; i < n; i++)
		w->headers.at[w->headers.n++] =
			(struct case_pair){ str_of(h[i].name),
					    arena_str(&w->arena, h[i].value) };
}

static size_t io_data(void *arg, const char *p, size_t n, bool kept)
{
	struct world *w = arg;

	(void)kept;
	assert(w->n_heads == 1);
	w->n_after_end += w->n_ends;
	buf_add(&w->got, p, n);
	w->queued += w->stuck ? n : 0;
	return w->queued;
}

static void io_end(void *arg)
{
	struct world *w = arg;

	assert(!w->calling && w->n_begun == w->n_over);
	w->n_ends++;
}

static void io_timer(void *arg, int64_t at_ms)
{
	struct world *w = arg;

	assert(!at_ms || at_ms >= w->now_ms);
	w->n_after_end += w->n_ends;
	w->timer_ms = at_ms;
}

static void io_more(void *arg)
{
	struct world *w = arg;

	assert(!w->asking);
	w->n_after_end += w->n_ends;
	w->asking = true;
	w->n_asks++;
}

static enum err_code io_attempt(void *arg, const struct candidate *to,
				int64_t *wait_ms)
{
	struct world *w = arg;
	long at = to - w->candidates;

	w->n_looks++;
	assert(w->n_begun == w->n_over && !w->calling);
	if (!w->skip[at] ||
	    (w->skip_ms[at] >= 0 && w->skip_ms[at] <= w->now_ms)) {
		w->n_begun++;
		return ERR_NONE;
	}
	*wait_ms = w->skip_ms[at] < 0 ? -1 : w->skip_ms[at] - w->now_ms;
	return w->skip[at];
}

static void io_attempt_over(void *arg, const struct relay_outcome *o)
{
	struct world *w = arg;

	assert(w->n_over + 1 == w->n_begun);
	w->over[w->n_over++] = *o;
}

static const struct relay_io io = {
	.upstream = io_upstream,
	.cancel = io_cancel,
	.head = io_head,
	.data = io_data,
	.end = io_end,
	.timer = io_timer,
	.more = io_more,
	.attempt = io_attempt,
	.attempt_over = io_attempt_over,
};

/* --- what a test does ------------------------------------------------------- */

static const struct relay_limits usual_limits = {
	.connect_ms = 10000,
	.first_token_ms = 60000,
	.idle_ms = 30000,
	.total_ms = 900000,
	.deadline_ms = 300000,
	.hold_back_ms = 10000,
	.keep_alive_ms = 15000,
	.stall_ms = 20000,
	.max_answer = 1 << 20,
	.max_event = 65536,
	.max_queue = 1000,
	.retry_wait_ms = 2000,
	.max_attempts = 4,
};

void world_init(struct world *w, const char *body, int n_channels)
{
	static const struct scan_limits limits = { .depth = 64 };
	struct err e = { 0 };
	char *name = NULL;

	*w = (struct world){ .now_ms = WORLD_START_MS, .on = true };
	arena_init(&w->arena);
	buf_init(&w->got, 256 << 20);
	if (ask_read(&w->ask, ASK_CHAT, str_of(body), &limits, &w->arena, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	for (int i = 0; i < n_channels; i++) {
		name = arena_printf(&w->arena, "%c", 'a' + i);
		w->keys[i] = (struct book_key){
			.id = i + 1,
			.secret =
				arena_printf(&w->arena, "sk-upstream-%s", name),
		};
		w->channels[i] = (struct book_channel){
			.id = i + 1,
			.name = name,
			.provider = provider_find("compatible"),
			.base_url =
				arena_printf(&w->arena, "http://%s/v1", name),
			.usable = true,
		};
		w->candidates[i] = (struct candidate){
			.channel = &w->channels[i],
			.key = &w->keys[i],
			.model = "m1",
		};
	}
	w->plan = (struct relay_plan){
		.endpoint =
			endpoint_find(STR("POST"), STR("/v1/chat/completions"),
				      arena_alloc(&w->arena, 8), 8, &e),
		.ask = &w->ask,
		.body = str_of(body),
		.candidates = w->candidates,
		.n_candidates = n_channels,
		.request_id = "req_1",
		.limits = usual_limits,
	};
}

void world_release(struct world *w)
{
	relay_release(&w->relay);
	buf_release(&w->got);
	arena_release(&w->arena);
}

void world_start(struct world *w)
{
	relay_init(&w->relay, &w->plan, &io, w, &w->arena);
	relay_start(&w->relay, w->now_ms);
}

void world_pass(struct world *w, int64_t ms)
{
	int64_t to_ms = w->now_ms + ms;

	while (w->timer_ms && w->timer_ms <= to_ms) {
		w->now_ms = w->timer_ms;
		w->timer_ms = 0;
		relay_on_timer(&w->relay, w->now_ms);
	}
	w->now_ms = to_ms;
}

void world_wait(struct world *w)
{
	int calls = w->n_calls;

	while (w->timer_ms && w->n_calls == calls)
		world_pass(w, w->timer_ms - w->now_ms);
}

void world_head(struct world *w, int status, const char *lines)
{
	struct str rest = str_of(lines), line;
	struct relay_header h[CASE_LINES];
	int n = 0;

	while (str_next(&rest, '\n', &line)) {
		struct str name;

		if (!line.n)
			continue;
		(void)str_next(&line, ':', &name);
		h[n++] = (struct relay_header){ arena_dup(&w->arena, name),
						str_trim(line) };
	}
	if (w->calling)
		relay_on_head(&w->relay, w->now_ms, status, h, n);
}

void world_say(struct world *w, struct str bytes)
{
	char *copy = mem_alloc(bytes.n + 1); /* it is gone after the call */

	memcpy(copy, bytes.p, bytes.n);
	if (w->calling && bytes.n)
		w->on = relay_on_data(&w->relay, w->now_ms, copy, bytes.n);
	free(copy);
}

void world_over(struct world *w, enum err_code code, const char *why)
{
	if (!w->calling)
		return;
	w->calling = false;
	relay_on_end(&w->relay, w->now_ms, (struct relay_result){ code, why });
}

void world_leave(struct world *w)
{
	relay_on_client_gone(&w->relay, w->now_ms);
}

void world_grant(struct world *w, int64_t more_tok)
{
	if (!w->asking)
		return;
	w->asking = false;
	relay_on_budget(&w->relay, w->now_ms, more_tok, NULL);
	w->on = !relay_holds_back(&w->relay);
}

void world_refuse(struct world *w, enum err_code code)
{
	struct err why = { 0 };

	if (!w->asking)
		return;
	w->asking = false;
	err_set(&why, code, "no");
	relay_on_budget(&w->relay, w->now_ms, 0, &why);
}

struct str world_header(const struct world *w, const char *name)
{
	return case_value(&w->headers, name);
}

bool world_got(const struct world *w, const char *part)
{
	return strstr(w->got.p, part);
}
