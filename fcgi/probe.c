/* probe.c - see probe.h.
 *
 * A probe is a chain of steps: taken from the table (writer), its money held
 * (writer), the chat call (loop), the list of models where that failed
 * (loop), settled and told (writer).  It is a request like any other in the
 * log; the operator's account pays.
 */
#include "probe.h"

#include "played.h"
#include "probe_advice.h"
#include "probe_choose.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "db/db.h"
#include "dialect/scrub.h"
#include "store/job.h"
#include "store/meta.h"
#include "store/ward.h"
#include "json/js.h"
#include "json/jw.h"

#define LOOK_MS    250
#define STALE_MS   60000
#define ANSWER_MAX (4 << 20)
#define PROBE_TOK  16 /* output that a test asks for */

enum step { STEP_TAKE, STEP_RESERVE, STEP_CHAT, STEP_MODELS, STEP_END };

struct prober {
	struct loop *loop;
	struct timer look; /* for the next job */
	bool busy;
	int64_t only; /* this job alone; 0: any */
	enum step step;

	struct write_op op; /* take, and tell */
	struct reserve_op reserve;
	struct settle_op settle;
	bool took;
	struct err failed; /* before any call */

	/* the job */
	struct arena arena;
	struct job job;
	struct book *book;
	struct probe_choice choice;
	struct request row;
	struct listen listen;

	/* the call under way */
	struct relay_call call;
	struct rope body;
	struct timer limit;
	struct call *calling;
	struct played *playing;
	struct buf answer;
	int status;
	int64_t began_ms;

	/* what came of it */
	bool ok;
	int64_t ms;
	struct err err;
	int said_status;
	char words[SCRUB_SIZE];
	const char *advice;
	struct str models; /* a JSON array, or nothing */
	struct buf result;
	bool revived; /* the key had been disabled, and works again */
};

/* --- the result ------------------------------------------------------------------ */

static void on_told(struct write_op *op);

static int run_tell(struct db *db, struct write_op *op, struct err *e)
{
	struct prober *p = OWNER(op, struct prober, op);
	int n = 0;

	if (p->ok && p->choice.to.key->id &&
	    strcmp(p->job.kind, "fetch-models") != 0)
		n = ward_lift(db, p->choice.to.key->id, clock_wall_ms(), e);
	p->revived = n > 0;
	shared_count(p->loop->slot, SHARED_jobs, 1);
	return n < 0 ? -1 : job_done(db, p->job.id, p->result.p, e);
}

/* Before the next request asks for it. */
static void tell_revived(struct prober *p)
{
	struct loop *l = p->loop;

	health_good(l->shared, HEALTH_KEY, p->choice.to.key->id);
	health_good(l->shared, HEALTH_CHANNEL, p->choice.to.channel->id);
	shared_count(l->slot, SHARED_revived, 1);
	log_warn("channel.revived",
		 LOG_S("channel", p->choice.to.channel->name),
		 LOG_I("key", p->choice.to.key->id));
}

static void write_result(struct prober *p)
{
	struct jw w;

	buf_clear(&p->result);
	jw_start(&w, &p->result);
	jw_object(&w, NULL);
	jw_bool(&w, "ok", p->ok);
	jw_int(&w, "ms", p->ms);
	jw_str(&w, "model", p->choice.to.model ? p->choice.to.model : "");
	jw_int(&w, "status", p->said_status);
	jw_str(&w, "error", p->ok ? "" : err_info(p->err.code)->code);
	jw_str(&w, "words", p->words);
	jw_str(&w, "advice", p->ok ? "" : p->advice ? p->advice : p->err.msg);
	jw_raw(&w, "models", p->models.p ? p->models : STR("[]"));
	jw_end(&w);
}

static void tell(struct prober *p)
{
	p->step = STEP_END;
	write_result(p);
	log_info("probe.end", LOG_I("job", p->job.id), LOG_I("ok", p->ok),
		 LOG_S("error", p->ok ? "" : err_info(p->err.code)->code),
		 LOG_I("ms", p->ms));
	p->op = (struct write_op){ .run = run_tell, .done = on_told };
	writer_put(p->loop->writer, &p->op);
}

static void on_settled(struct write_op *op)
{
	tell(OWNER(op, struct prober, settle.op));
}

static void settle(struct prober *p)
{
	struct loop *l = p->loop;
	struct usage u;

	usage_init(&u);
	if (p->ok)
		listen_usage(&p->listen, 1, true, &u);
	p->row.state = p->ok ? "settled" : "void";
	p->row.status = p->said_status;
	p->row.error = p->ok ? "" : err_info(p->err.code)->code;
	p->row.channel_id = p->choice.to.channel->id;
	p->row.provider = p->choice.to.channel->provider->id;
	p->row.model_served = p->choice.to.model;
	p->row.attempts = 1;
	p->row.prompt_tok = MAX(usage_prompt_tok(&u), 0);
	p->row.completion_tok = MAX(u.out_tok, 0);
	p->row.source = p->ok ? "upstream" : "";
	p->row.cost_nusd =
		p->choice.price ? bill_cost(p->choice.price, &u, PPM) : 0;
	p->row.total_ms = p->ms;
	settle_op_init(&p->settle, &l->ledger, &p->row,
		       clock_mono_ms() + l->conf->settle_ms);
	p->settle.op.done = on_settled;
	writer_put(l->writer, &p->settle.op);
}

static void finish(struct prober *p)
{
	p->advice = p->ok ? NULL :
			    probe_advice(p->err.code, p->said_status,
					 p->err.msg, p->words);
	if (p->row.id)
		settle(p);
	else
		tell(p);
}

/* --- calls ------------------------------------------------------------------------- */

static void begin_call(struct prober *p, const char *path, struct str body);

static void ask_models(struct prober *p)
{
	p->step = STEP_MODELS;
	begin_call(p, "/models", STR_NONE);
}

static void read_models(struct prober *p)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p->answer.p, p->answer.len, &e);
	struct json_object *data = js_get(o, "data");
	struct buf out;
	struct jw w;

	buf_init(&out, ANSWER_MAX);
	jw_start(&w, &out);
	jw_array(&w, NULL);
	for (int i = 0; i < js_len(data); i++)
		jw_str(&w, NULL, js_str(js_at(data, i), "id", ""));
	jw_end(&w);
	if (js_len(data) && buf_ok(&out))
		p->models = arena_str(&p->arena, buf_span(&out));
	buf_release(&out);
	js_free(o);
}

static void judge_chat(struct prober *p, struct relay_result r)
{
	struct listen_note note;
	struct listen_error said;

	p->said_status = p->status;
	if (r.code && p->status < 300) {
		err_set(&p->err, r.code, "The upstream failed: %s.", r.why);
	} else if (p->status < 200 || p->status > 299) {
		listen_error_body(p->answer.p, p->answer.len, p->status, &said);
		scrub_words(str_of(said.message), p->words, sizeof(p->words));
		err_set(&p->err, ERR_UP_STATUS, "The upstream answered %d.",
			p->status);
	} else if (!listen_whole_feed(&p->listen, p->answer.p, p->answer.len) ||
		   !listen_whole_end(&p->listen, p->answer.p, p->answer.len,
				     &note) ||
		   note.error || !p->listen.has_choices) {
		if (p->listen.error)
			scrub_words(str_of(p->listen.error->message), p->words,
				    sizeof(p->words));
		err_set(&p->err, ERR_UP_BROKEN,
			"The upstream's answer is none of an API.");
	} else {
		p->ok = true;
	}
}

static void judge_models(struct prober *p)
{
	if (p->status == 200)
		read_models(p);
	if (strcmp(p->job.kind, "fetch-models")) { /* judged before */
		/* The list is there: it was the model that is not. */
		if (p->models.p && p->said_status == 404)
			p->err.code = ERR_MODEL;
		return;
	}
	p->said_status = p->status;
	p->ok = p->models.p != NULL;
	if (!p->ok && !p->err.code)
		err_set(&p->err, ERR_UP_STATUS,
			"The upstream gave no list of models.");
}

static void call_over(struct prober *p, struct relay_result r)
{
	p->calling = NULL;
	p->playing = NULL;
	timer_set(&p->loop->poller.timers, &p->limit, 0);
	if (p->step == STEP_CHAT) {
		p->ms = p->loop->poller.now_ms - p->began_ms;
		judge_chat(p, r);
		if (!p->ok && (p->status == 404 || p->status == 400)) {
			ask_models(p);
			return;
		}
	} else {
		if (r.code && !p->err.code && p->status < 300)
			err_set(&p->err, r.code, "The upstream failed: %s.",
				r.why);
		judge_models(p);
	}
	finish(p);
}

static void on_head(void *arg, int status, const struct relay_header *h, int n)
{
	(void)h;
	(void)n;
	((struct prober *)arg)->status = status;
}

static bool on_data(void *arg, const char *bytes, size_t n)
{
	buf_add(&((struct prober *)arg)->answer, bytes, n);
	return true;
}

static void on_end(void *arg, struct relay_result r)
{
	call_over(arg, r);
}

static const struct call_hooks hooks = { on_head, on_data, on_end };

static void on_limit(struct timer *t, int64_t now_ms)
{
	struct prober *p = OWNER(t, struct prober, limit);

	(void)now_ms;
	if (p->calling)
		call_cancel(p->calling);
	if (p->playing)
		played_cancel(p->playing);
	call_over(p, (struct relay_result){ ERR_UP_TIMEOUT,
					    "it said nothing for too long" });
}

static void begin_call(struct prober *p, const char *path, struct str body)
{
	const char **lines = ARENA_ARRAY(&p->arena, const char *, 4);
	struct loop *l = p->loop;
	struct buf auth;
	int n = 0;

	buf_clear(&p->answer);
	p->status = 0;
	buf_init(&auth, 16384);
	provider_auth(p->choice.to.channel->provider, p->choice.to.key->secret,
		      &auth);
	lines[n++] = "Content-Type: application/json";
	lines[n++] = "User-Agent: pontage/" PONTAGE_VERSION;
	if (auth.len)
		lines[n++] = arena_dup(&p->arena, buf_span(&auth));
	buf_release(&auth);
	p->body = splice_apply(body, NULL, 0, &p->arena);
	p->call = (struct relay_call){
		.to = &p->choice.to,
		.url = arena_printf(&p->arena, "%s%s",
				    p->choice.to.channel->base_url, path),
		.head = lines,
		.body = body.p ? &p->body : NULL,
		.connect_ms = l->conf->upstream_connect_ms,
	};
	timer_set(&l->poller.timers, &p->limit, l->poller.now_ms + 30000);
	if (p->choice.to.channel->provider->quirks & Q_BUILT_IN)
		p->playing =
			played_start(&l->poller, &p->call, path, &hooks, p);
	else
		p->calling = call_start(l->calls, &p->call, &hooks, p);
}

static void ask_chat(struct prober *p)
{
	bool embeds = strstr(p->choice.to.model, "embed") != NULL;
	struct buf b;
	struct jw w;

	buf_init(&b, 4096);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "model", p->choice.to.model);
	if (embeds) {
		jw_str(&w, "input", "hi");
	} else {
		jw_array(&w, "messages");
		jw_object(&w, NULL);
		jw_str(&w, "role", "user");
		jw_str(&w, "content", "hi");
		jw_end(&w);
		jw_end(&w);
		jw_int(&w, p->choice.to.channel->provider->limit_param,
		       PROBE_TOK);
	}
	jw_end(&w);
	listen_init(&p->listen, embeds ? SHAPE_EMBEDDING : SHAPE_CHAT, false);
	p->step = STEP_CHAT;
	p->began_ms = p->loop->poller.now_ms;
	begin_call(p, embeds ? "/embeddings" : "/chat/completions",
		   arena_str(&p->arena, buf_span(&b)));
	buf_release(&b);
}

/* --- taking one ------------------------------------------------------------------------- */

static int prepare(struct prober *p, struct db *db, struct err *e)
{
	int64_t version = config_version_now(db, e);

	if (version < 0)
		return -1;
	p->book = book_take(p->loop->shelf, db, version, e);
	if (!p->book)
		return -1;
	return probe_choose(&p->choice, p->book, &p->job, &p->arena, e);
}

static int run_take(struct db *db, struct write_op *op, struct err *e)
{
	struct prober *p = OWNER(op, struct prober, op);
	int64_t worker = p->loop->worker_id;
	int n = p->only ? job_take_id(db, p->only, worker, &p->job, &p->arena,
				      e) :
			  job_take(db, worker, STALE_MS, &p->job, &p->arena, e);

	p->took = n > 0;
	if (p->took)
		prepare(p, db, &p->failed); /* its own error, not the op's */
	return MIN(n, 0);
}

static void forget_job(struct prober *p)
{
	book_give(p->loop->shelf, p->book);
	listen_release(&p->listen);
	buf_release(&p->answer);
	buf_release(&p->result);
	arena_release(&p->arena);
	p->book = NULL;
	p->busy = false;
}

static void on_told(struct write_op *op)
{
	struct prober *p = OWNER(op, struct prober, op);

	if (p->revived && !op->err.code)
		tell_revived(p);
	forget_job(p);
}

static void on_reserved(struct write_op *op)
{
	struct prober *p = OWNER(op, struct prober, reserve.op);

	if (op->err.code) {
		p->err = op->err;
		p->row.id = 0;
		finish(p);
	} else {
		ask_chat(p);
	}
}

static void on_taken(struct write_op *op)
{
	struct prober *p = OWNER(op, struct prober, op);

	if (!p->took) {
		forget_job(p);
		return;
	}
	if (p->failed.code) {
		p->err = p->failed;
		tell(p);
		return;
	}
	if (!strcmp(p->job.kind, "fetch-models")) {
		p->began_ms = p->loop->poller.now_ms;
		ask_models(p);
		return;
	}
	p->row.started_ms = clock_wall_ms();
	p->row.model_asked = p->choice.model;
	p->row.price_id = p->choice.price ? p->choice.price->id : 0;
	p->row.account_id = LEDGER_OPERATOR;
	p->row.endpoint = "probe";
	p->row.worker_id = p->loop->worker_id;
	p->step = STEP_RESERVE;
	reserve_op_init(&p->reserve, &p->row,
			clock_mono_ms() + p->loop->conf->reserve_ms);
	p->reserve.op.done = on_reserved;
	writer_put(p->loop->writer, &p->reserve.op);
}

static void take(struct prober *p)
{
	struct loop *l = p->loop;
	struct timer look = p->look;
	char *id;

	*p = (struct prober){
		.loop = l, .look = look, .busy = true, .only = p->only
	};
	arena_init(&p->arena);
	listen_init(&p->listen, SHAPE_CHAT, false);
	buf_init(&p->answer, ANSWER_MAX);
	buf_init(&p->result, ANSWER_MAX + 4096);
	p->limit.fn = on_limit;
	id = arena_alloc(&p->arena, RAND_REQUEST_ID);
	rand_request_id(id, clock_wall_ms());
	p->row = REQUEST_EMPTY;
	p->row.request_id = id;
	p->op = (struct write_op){ .run = run_take, .done = on_taken };
	writer_put(l->writer, &p->op);
}

static void on_look(struct timer *t, int64_t now_ms)
{
	struct prober *p = OWNER(t, struct prober, look);

	timer_set(&p->loop->poller.timers, t, now_ms + LOOK_MS);
	if (!p->busy && !p->loop->draining)
		take(p);
}

struct prober *prober_start(struct loop *l)
{
	struct prober *p = mem_alloc(sizeof(*p));

	p->loop = l;
	p->look.fn = on_look;
	timer_set(&l->poller.timers, &p->look, l->poller.now_ms + LOOK_MS);
	return p;
}

void prober_stop(struct prober *p)
{
	timer_set(&p->loop->poller.timers, &p->look, 0);
	if (!p->busy)
		free(p);
}

void probe_one(struct loop *l)
{
	struct prober p = { .loop = l };

	take(&p);
	while (p.busy)
		loop_turn(l);
}

int probe_once(struct loop *l, int64_t job_id, struct err *e)
{
	struct prober p = { .loop = l, .only = job_id };

	take(&p);
	while (p.busy)
		loop_turn(l);
	return p.took ? 0 : err_set(e, ERR_NOT_FOUND, "there is no such job");
}
