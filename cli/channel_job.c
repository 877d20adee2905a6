/* channel_job.c - what only a relay worker can do: it alone opens the keys.
 *
 * The question is a row of `job`; a worker that lives takes it within a
 * quarter of a second.  With none alive, relay.fcgi is run for this one row.
 */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "programs.h"

#include "base/clock.h"
#include "db/db.h"
#include "shared/shared.h"
#include "store/job.h"
#include "json/js.h"
#include "json/jw.h"

#define POLL_MS  20
#define TAKEN_MS 3000  /* a worker that lives has taken it by then */
#define EXTRA_MS 10000 /* after upstream_total_ms, for everything else */

static bool a_relay_lives(struct cli *c)
{
	struct err e = { 0 };
	struct shared *sh = shared_open(c->conf.state_dir, false, &e);
	struct shared_view v;
	bool lives = false;

	if (!sh)
		return false;
	shared_reap(sh);
	for (int i = 0; i < SHARED_SLOTS && !lives; i++)
		lives = shared_look(sh, i, &v) && v.kind == SHARED_RELAY &&
			v.state == SHARED_READY;
	shared_close(sh);
	return lives;
}

static void be_relay(struct cli *c, const char *program, int64_t id)
{
	const char *number = arena_printf(&c->arena, "%lld", (long long)id);
	char *argv[] = { arena_dup(&c->arena, str_of(program)),
			 arena_dup(&c->arena, STR("--job")),
			 arena_dup(&c->arena, str_of(number)),
			 *c->conf.path ? arena_dup(&c->arena, STR("--conf")) :
					 NULL,
			 arena_dup(&c->arena, str_of(c->conf.path)),
			 NULL };

	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("PONTAGE_LOG_LEVEL", "error", 1);
	execv(program, argv);
	_exit(127);
}

static int run_relay(struct cli *c, int64_t id, struct err *e)
{
	char *programs[KID__COUNT] = { NULL };
	int status = -1, r = programs_find(&c->conf, programs, e);
	pid_t pid = r < 0 ? 0 : fork();

	if (!r && !pid)
		be_relay(c, programs[KID_RELAY], id);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!r && (!WIFEXITED(status) || WEXITSTATUS(status)))
		r = err_set(e, ERR_UP_CONNECT,
			    "relay.fcgi could not do it; its log lines are "
			    "above");
	for (int i = 0; i < KID__COUNT; i++)
		free(programs[i]);
	return r;
}

/* Until the job is done: 1; 0: nobody has taken it in time. */
static int wait_for(struct cli *c, int64_t id, int64_t taken_by_ms,
		    int64_t done_by_ms, struct job *j, struct err *e)
{
	for (;;) {
		int64_t now = clock_mono_ms();

		if (job_get(c->db, id, j, &c->arena, e) < 0)
			return -1;
		if (!strcmp(j->state, "done"))
			return 1;
		if (!strcmp(j->state, "queued") && now > taken_by_ms)
			return 0;
		if (now > done_by_ms)
			return err_set(e, ERR_OVERLOADED,
				       "no result in time; the log of the "
				       "relay workers may say why");
		poll(NULL, 0, POLL_MS);
	}
}

static int ask_relay(struct cli *c, const char *kind, int64_t channel_id,
		     const char *args, struct job *j, struct err *e)
{
	int64_t now = clock_mono_ms(), id;
	int64_t done_by = now + c->conf.upstream_total_ms + EXTRA_MS;
	int r = 0;

	id = job_add(c->db, kind, channel_id, args, e);
	if (id < 0)
		return -1;
	if (a_relay_lives(c))
		r = wait_for(c, id, now + TAKEN_MS, done_by, j, e);
	if (r)
		return r < 0 ? -1 : 0;
	if (run_relay(c, id, e) < 0)
		return -1;
	r = wait_for(c, id, done_by, done_by, j, e);
	return r < 0 ? -1 : 0;
}

static const char *args_of(struct cli *c, const char *model)
{
	const char *text;
	struct buf b;
	struct jw w;

	buf_init(&b, 4096);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	if (model)
		jw_str(&w, "model", model);
	jw_end(&w);
	text = arena_dup(&c->arena, buf_span(&b));
	buf_release(&b);
	return text;
}

const char *channel_text_of(struct json_object *o)
{
	const char *s = json_object_get_string(o);

	return s ? s : "";
}

void channel_print_list(const char *title, struct json_object *names)
{
	int n = js_len(names);

	if (!n)
		return;
	printf("%s:\n", title);
	for (int i = 0; i < n; i++)
		printf("  %s\n", channel_text_of(js_at(names, i)));
}

void channel_explain(const struct channel *ch, struct json_object *o)
{
	const char *words = js_str(o, "words", "");
	const char *advice = js_str(o, "advice", "");
	long long ms = (long long)js_int(o, "ms", 0);

	if (js_bool(o, "ok", false)) {
		printf("channel %s works: %s answered in %lld ms\n", ch->name,
		       js_str(o, "model", "it"), ms);
		return;
	}
	printf("channel %s does not work: %s", ch->name,
	       js_str(o, "error", "unknown"));
	if (js_int(o, "status", 0))
		printf(", status %lld", (long long)js_int(o, "status", 0));
	printf(", after %lld ms\n", ms);
	if (*words)
		printf("the provider says: %s\n", words);
	if (*advice)
		printf("%s\n", advice);
	if (js_int(o, "status", 0) == 404 ||
	    !strcmp(js_str(o, "error", ""), "model_not_found"))
		channel_print_list("it serves these", js_get(o, "models"));
}

struct json_object *channel_result(const struct job *j, struct err *e)
{
	struct json_object *o = js_parse(j->result, strlen(j->result), e);

	if (!o && !e->code)
		err_set(e, ERR_INTERNAL, "the worker's result is no JSON");
	return o;
}

/* NULL: the worker takes the first.  Of the built-in provider's models most
 * show a fault, and the first by name does. */
static const char *model_for(struct cli *c, const struct channel *ch,
			     const char *wanted, struct err *e)
{
	struct channel_model *m = NULL;
	int n;

	if (!wanted && *ch->test_model)
		return ch->test_model;
	if (wanted || strcmp(ch->provider, "test"))
		return wanted;
	n = channel_models(c->db, ch->id, &m, &c->arena, e);
	for (int i = 0; i < n; i++)
		if (!strcmp(m[i].upstream, "test-echo"))
			return m[i].model;
	return NULL;
}

int channel_ask(struct cli *c, const struct channel_values *v, const char *kind,
		struct channel *ch, struct job *j, struct err *e)
{
	const char *model;

	if (channel_named(c, v->name, ch, e) < 0)
		return -1;
	model = model_for(c, ch, v->model, e);
	if (e->code)
		return -1;
	return ask_relay(c, kind, ch->id, args_of(c, model), j, e);
}

int channel_run_test(struct cli *c, const void *values, struct err *e)
{
	struct json_object *o;
	struct channel ch;
	struct job j;

	if (channel_ask(c, values, "test", &ch, &j, e) < 0)
		return -1;
	o = channel_result(&j, e);
	if (!o)
		return -1;
	if (c->json)
		printf("%s\n", j.result);
	else
		channel_explain(&ch, o);
	c->status = js_bool(o, "ok", false) ? EX_OK : EX_UNAVAILABLE;
	js_free(o);
	return 0;
}
