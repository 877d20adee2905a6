/* exchange.c - a request on the loop: the relay's world, and its bill. */
#include "exchange.h"

#include "budget.h"
#include "charge.h"
#include "loop.h"
#include "played.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include <errno.h>
#include <sys/epoll.h>

#define OUT_MAX     ((size_t)128 << 20) /* a whole answer and its head fit */
#define TURN_BYTES  (256 << 10)         /* to one client in one turn */
#define HEADERS_MAX (RELAY_PASSED + 16 + LIMITS_LINES) /* of an answer */

struct exchange *exchange_new(struct loop *loop, struct client *client)
{
	struct exchange *x = mem_alloc(sizeof(*x));

	x->loop = loop;
	x->client = client;
	arena_init(&x->arena);
	buf_init(&x->body, 0);
	buf_init(&x->out, OUT_MAX);
	x->row = REQUEST_EMPTY;
	x->retry_ms = -1;
	rand_request_id(x->request_id, clock_wall_ms());
	return x;
}

static void drop_body(struct exchange *x)
{
	atomic_fetch_sub(&x->loop->body_bytes, (int64_t)x->body.len);
	buf_release(&x->body);
}

void exchange_free(struct exchange *x)
{
	if (x->relaying)
		relay_release(&x->relay);
	book_give(x->loop->shelf, x->book);
	atomic_fetch_sub(&x->loop->working, x->working);
	drop_body(x);
	buf_release(&x->out);
	tokens_release(&x->tokens);
	arena_release(&x->arena);
	free(x->op);
	free(x);
}

void exchange_new_op(struct exchange *x)
{
	free(x->op);
	x->op = mem_alloc(sizeof(*x->op));
	x->op->x = x;
}

/* --- the bill -------------------------------------------------------------- */

static void maybe_over(struct exchange *x)
{
	if (x->settled && !x->client && !x->note && !x->extending &&
	    !x->dirty) {
		atomic_fetch_sub(&x->loop->inflight, 1);
		exchange_free(x);
	}
}

static void on_settled(struct write_op *op)
{
	struct exchange *x = OWNER(op, struct exchange_op, settle.op)->x;

	if (op->err.code)
		log_error("bill.settle", LOG_S("id", x->request_id),
			  LOG_S("cause", op->err.msg));
	else
		shared_count(x->loop->slot,
			     strcmp(x->row.state, "void") ? SHARED_settled :
							    SHARED_voided,
			     1);
	x->settled = true;
	maybe_over(x);
}

static void settle(struct exchange *x)
{
	struct loop *l = x->loop;

	timer_set(&l->poller.timers, &x->note_timer, 0);
	charge_end(x);
	limits_end(x, x->row.prompt_tok + x->row.completion_tok);
	attempt_end(x, x->row.prompt_tok + x->row.completion_tok);
	log_info("relay.end", LOG_S("model", x->row.model_asked),
		 LOG_S("channel", x->relay.end.served ?
					  x->relay.end.served->channel->name :
					  ""),
		 LOG_I("status", x->row.status), LOG_S("error", x->row.error),
		 LOG_I("attempts", x->row.attempts),
		 LOG_I("in", x->row.prompt_tok),
		 LOG_I("out", x->row.completion_tok),
		 LOG_I("nusd", x->row.cost_nusd),
		 LOG_I("first_ms", x->row.first_token_ms),
		 LOG_I("ms", x->row.total_ms));
	exchange_new_op(x);
	settle_op_init(&x->op->settle, &l->ledger, &x->row,
		       clock_mono_ms() + l->conf->settle_ms);
	x->op->settle.op.done = on_settled;
	once_settle(x);
	writer_put(l->writer, &x->op->settle.op);
}

static void on_noted(struct write_op *op)
{
	struct note *note = OWNER(op, struct note, op.op);
	struct exchange *x = note->x;

	x->note = NULL;
	arena_release(&note->texts);
	free(note);
	maybe_over(x);
}

/* So that a crash can be settled near the truth. */
static void on_note_time(struct timer *t, int64_t now_ms)
{
	struct exchange *x = OWNER(t, struct exchange, note_timer);
	struct loop *l = x->loop;

	timer_set(&l->poller.timers, t, now_ms + l->conf->progress_ms);
	if (x->note || !x->relay.end.delivered)
		return;
	x->note = mem_alloc(sizeof(*x->note));
	x->note->x = x;
	arena_init(&x->note->texts);
	charge_note(x);
	x->note->op.op.done = on_noted;
	writer_put(l->writer, &x->note->op.op);
}

/* --- towards the client ------------------------------------------------------- */

static size_t queued(const struct exchange *x)
{
	return x->out.len - x->out_at + x->kept.n;
}

static void let_go(struct exchange *x)
{
	struct client *c = x->client;

	x->client = NULL;
	c->x = NULL;
	x->ended = true;
	timer_set(&x->loop->poller.timers, &x->timer, 0);
	x->kept = STR_NONE;
	x->out_at = x->out.len;
}

static int pieces(const struct exchange *x, struct str p[static FRONT_PIECES])
{
	size_t left = x->out.len - x->out_at;
	int n = 0;

	if (left)
		p[n++] = (struct str){ x->out.p + x->out_at, left };
	if (x->kept.n)
		p[n++] = x->kept;
	return n;
}

/* The buffer goes when it is empty: most of its life a stream waits. */
static void took(struct exchange *x, size_t n)
{
	size_t part = MIN(n, x->out.len - x->out_at);

	x->out_at += part;
	if (x->out_at == x->out.len) {
		buf_release(&x->out);
		x->out_at = 0;
	}
	n -= part;
	x->kept = (struct str){ x->kept.p + n, x->kept.n - n };
}

static void resume(struct exchange *x)
{
	if (!x->held_back || relay_holds_back(&x->relay))
		return;
	x->held_back = false;
	if (x->call)
		call_resume(x->call);
	if (x->played)
		played_resume(x->played);
}

void exchange_resume(struct exchange *x)
{
	resume(x);
	maybe_over(x);
}

static void has_room(struct exchange *x)
{
	if (!(x->held_back || x->relay.paused) ||
	    queued(x) > (size_t)x->loop->conf->client_queue_bytes / 2)
		return;
	relay_on_room(&x->relay, x->loop->poller.now_ms);
	resume(x);
}

static void on_stuck(struct timer *t, int64_t now_ms)
{
	(void)now_ms;
	exchange_client_gone(OWNER(t, struct exchange, timer));
}

/* The relay looks after a client that does not read, but for the last bytes:
 * then it has ended, and the timer is free. */
static void wait_for_room(struct exchange *x)
{
	struct loop *l = x->loop;

	poller_watch(&l->poller, &x->client->watch,
		     EPOLLOUT | front_gone(x->client->conn));
	if (!x->ended)
		return;
	x->timer.fn = on_stuck;
	timer_set(&l->poller.timers, &x->timer,
		  l->poller.now_ms + l->conf->client_stall_ms);
}

/* As much as there is, or the client takes, but no more than its share of a
 * turn: a large answer must not hold up the others. */
static enum record_sent send_some(struct exchange *x, struct client *c)
{
	enum record_sent how = RECORD_TAKEN;
	struct str piece[FRONT_PIECES];
	size_t n, turn = 0;

	if (x->ended && !x->ending)
		c->hangs_up = loop_hangs_up(x->loop, c);
	x->ending = x->ended; /* not to be decided twice */
	do {
		how = front_send(c->conn, piece, pieces(x, piece),
				 x->ended && !c->hangs_up, &n);
		took(x, n);
		shared_count(x->loop->slot, SHARED_bytes_out, (int64_t)n);
		turn += n;
	} while (how == RECORD_TAKEN && queued(x) && turn < TURN_BYTES);
	return queued(x) && how == RECORD_TAKEN ? RECORD_FULL : how;
}

void exchange_flush(struct exchange *x)
{
	enum record_sent how = RECORD_TAKEN;
	struct client *c = x->client;

	if (c && (queued(x) || x->ended))
		how = send_some(x, c);
	if (how == RECORD_GONE) {
		exchange_client_gone(x);
		return;
	}
	if (how == RECORD_FULL) {
		wait_for_room(x);
		has_room(x);
		return;
	}
	if (c && x->ended) {
		let_go(x);
		loop_answered(x->loop, c);
		maybe_over(x);
		return;
	}
	if (c)
		poller_watch(&x->loop->poller, &c->watch, front_gone(c->conn));
	if (x->relaying)
		has_room(x);
	if (!c)
		maybe_over(x);
}

static void hang_up(struct exchange *x)
{
	struct client *c = x->client;

	let_go(x);
	loop_drop(x->loop, c);
}

/* The answer goes on without its client: the timer stays the relay's. */
static void leave(struct exchange *x)
{
	struct client *c = x->client;

	x->client = NULL;
	c->x = NULL;
	loop_drop(x->loop, c);
}

void exchange_client_gone(struct exchange *x)
{
	if (!x->client)
		return;
	if (x->relaying && !x->ended && once_runs_on(x)) {
		leave(x);
		return;
	}
	hang_up(x);
	if (x->relaying)
		relay_on_client_gone(&x->relay, x->loop->poller.now_ms);
	maybe_over(x);
}

static void on_refused(struct write_op *op)
{
	struct exchange *x = OWNER(op, struct exchange_op, refusal.op)->x;

	x->settled = true;
	maybe_over(x);
}

void exchange_refuse(struct exchange *x, const struct err *e)
{
	struct answer_error a = { .err = e,
				  .retry_after_ms = x->retry_ms,
				  .more = x->limits.lines,
				  .n_more = x->limits.n_lines };

	if (x->row.token_id && x->endpoint && x->endpoint->act == ACT_RELAY)
		a.receipt = x->request_id;
	buf_clear(&x->out);
	answer_error(&x->out, &a, x->request_id);
	x->row.state = "refused";
	x->row.status = answer_status(&a);
	shared_count(x->loop->slot, SHARED_overloaded, x->row.status == 503);
	x->row.error = err_info(e->code)->code;
	x->row.total_ms = clock_wall_ms() - x->row.started_ms;
	x->refused = true;
	log_info("relay.refused", LOG_I("status", x->row.status),
		 LOG_S("error", x->row.error), LOG_S("param", e->param),
		 LOG_S("why", e->code == ERR_OVERLOADED ? e->msg : ""),
		 LOG_I("token", x->row.token_id));
}

void exchange_answer(struct exchange *x)
{
	x->ended = true;
	loop_dirty(x->loop, x);
	if (!x->refused) {
		x->settled = true;
		return;
	}
	exchange_new_op(x);
	refuse_op_init(&x->op->refusal, &x->row);
	x->op->refusal.op.done = on_refused;
	writer_put(x->loop->writer, &x->op->refusal.op);
}

/* --- the relay's world ----------------------------------------------------------- */

static void on_head(void *arg, int status, const struct relay_header *h, int n)
{
	struct exchange *x = arg;

	log_request(x->request_id);
	relay_on_head(&x->relay, x->loop->poller.now_ms, status, h, n);
	log_request(NULL);
}

/* There is no other attempt once bytes have gone to the client, and a prompt
 * can be larger than everything else of a stream. */
static void drop_prompt(struct exchange *x)
{
	x->ask.model = str_of(x->row.model_asked);
	x->ask.user = arena_str(&x->arena, x->ask.user);
	x->ask.body = x->plan.body = STR_NONE;
	drop_body(x);
}

static bool on_data(void *arg, const char *p, size_t n)
{
	struct exchange *x = arg;

	x->held_back = !relay_on_data(&x->relay, x->loop->poller.now_ms, p, n);
	if (x->body.len && x->relay.head_sent && x->call && call_sent(x->call))
		drop_prompt(x);
	return !x->held_back;
}

static void on_end(void *arg, struct relay_result r)
{
	struct exchange *x = arg;

	x->call = NULL;
	x->played = NULL;
	log_request(x->request_id);
	relay_on_end(&x->relay, x->loop->poller.now_ms, r);
	log_request(NULL);
}

static const struct call_hooks hooks = { on_head, on_data, on_end };

static int io_upstream(void *arg, const struct relay_call *what, struct err *e)
{
	struct exchange *x = arg;

	(void)e;
	x->held_back = false;
	if (what->to->channel->provider->quirks & Q_BUILT_IN)
		x->played = played_start(&x->loop->poller, what,
					 x->endpoint->upstream_path, &hooks, x);
	else
		x->call = call_start(x->loop->calls, what, &hooks, x);
	return 0;
}

static void io_cancel(void *arg)
{
	struct exchange *x = arg;

	if (x->call)
		call_cancel(x->call);
	if (x->played)
		played_cancel(x->played);
	x->call = NULL;
	x->played = NULL;
}

static void io_head(void *arg, int status, const struct relay_header *h, int n)
{
	struct relay_header all[HEADERS_MAX];
	struct exchange *x = arg;

	if (x->relay.end.delivered)
		attempt_good(x, x->relay.at);
	n = limits_lines(&x->limits, h, n, all);
	answer_head(&x->out, status, all, n);
	loop_dirty(x->loop, x);
}

static size_t io_data(void *arg, const char *p, size_t n, bool kept)
{
	struct exchange *x = arg;

	if (!x->client)
		return 0;
	if (kept)
		x->kept = (struct str){ p, n };
	else
		buf_add(&x->out, p, n);
	loop_dirty(x->loop, x);
	return queued(x);
}

static void io_end(void *arg)
{
	struct exchange *x = arg;

	x->ended = true;
	if (x->relay.end.client_gone && x->client)
		hang_up(x); /* it is there, but does not read */
	x->loop->n_streams -= x->ask.stream;
	loop_dirty(x->loop, x);
	settle(x);
}

static void io_timer(void *arg, int64_t at_ms)
{
	struct exchange *x = arg;

	timer_set(&x->loop->poller.timers, &x->timer, at_ms);
}

static void io_more(void *arg)
{
	budget_more(arg);
}

static enum err_code io_attempt(void *arg, const struct candidate *to,
				int64_t *wait_ms)
{
	return attempt_begin(arg, to, wait_ms);
}

static void io_attempt_over(void *arg, const struct relay_outcome *o)
{
	attempt_over(arg, o);
}

static const struct relay_io io = {
	.attempt = io_attempt,
	.attempt_over = io_attempt_over,
	.upstream = io_upstream,
	.cancel = io_cancel,
	.head = io_head,
	.data = io_data,
	.end = io_end,
	.timer = io_timer,
	.more = io_more,
};

static void on_time(struct timer *t, int64_t now_ms)
{
	struct exchange *x = OWNER(t, struct exchange, timer);

	log_request(x->request_id);
	relay_on_timer(&x->relay, now_ms);
	log_request(NULL);
}

void exchange_begin(struct exchange *x)
{
	struct loop *l = x->loop;

	if (x->op->reserve.op.err.code) {
		limits_undo(x);
		if (!once_answered(x))
			exchange_refuse(x, &x->op->reserve.op.err);
		exchange_answer(x);
		return;
	}
	shared_count(l->slot, SHARED_reserved, 1);
	free(x->op);
	x->op = NULL;
	x->timer.fn = on_time;
	x->note_timer.fn = on_note_time;
	x->relaying = true;
	budget_begin(x);
	l->n_streams += x->ask.stream;
	relay_init(&x->relay, &x->plan, &io, x, &x->arena);
	if (x->client)
		poller_watch(&l->poller, &x->client->watch,
			     front_gone(x->client->conn));
	timer_set(&l->poller.timers, &x->note_timer,
		  l->poller.now_ms + l->conf->progress_ms);
	x->plan.wall_ms = clock_wall_ms();
	log_request(x->request_id);
	relay_start(&x->relay, l->poller.now_ms);
	log_request(NULL);
}

void exchange_stop(struct exchange *x, const struct err *why)
{
	if (x->relaying)
		relay_on_stop(&x->relay, x->loop->poller.now_ms, why);
}
