/* played.c - see played.h. */
#include "played.h"

#include "base/clock.h"
#include "provider/testprov.h"

#define HEADERS_MAX 8

struct played {
	struct poller *poller;
	struct timer timer;
	struct testprov script;
	struct arena arena;
	const struct call_hooks *hooks;
	void *arg;
	struct testprov_step step;
	bool more, head_done, hold, dead, inside;
};

static void bury(struct played *p)
{
	timer_set(&p->poller->timers, &p->timer, 0);
	testprov_close(&p->script);
	arena_release(&p->arena);
	poller_bury(p->poller, p);
}

static void give_head(struct played *p)
{
	struct relay_header h[HEADERS_MAX];
	struct str rest = str_of(p->script.headers), line, name;
	int n = 0;

	p->head_done = true;
	while (n < HEADERS_MAX && str_next(&rest, '\r', &line)) {
		if (line.n && line.p[0] == '\n')
			line = (struct str){ line.p + 1, line.n - 1 };
		if (!line.n || !str_next(&line, ':', &name))
			continue;
		h[n++] = (struct relay_header){ arena_dup(&p->arena, name),
						str_trim(line) };
	}
	p->hooks->head(p->arg, p->script.status, h, n);
}

static void schedule(struct played *p)
{
	p->more = testprov_next(&p->script, &p->step);
	timer_set(&p->poller->timers, &p->timer,
		  p->poller->now_ms + (p->more ? p->step.after_ms : 0));
}

static void end(struct played *p)
{
	struct relay_result r = { ERR_NONE, "" };

	if (p->script.end == TESTPROV_CUT)
		r = (struct relay_result){ ERR_UP_BROKEN,
					   "the connection broke" };
	if (p->script.end == TESTPROV_HANG)
		return;
	p->dead = true;
	p->hooks->end(p->arg, r);
	bury(p);
}

static void on_time(struct timer *t, int64_t now_ms)
{
	struct played *p = OWNER(t, struct played, timer);

	(void)now_ms;
	if (p->hold)
		return;
	p->inside = true;
	if (!p->head_done && p->script.status)
		give_head(p);
	if (!p->dead && p->more && p->step.bytes.n)
		p->hold = !p->hooks->data(p->arg, p->step.bytes.p,
					  p->step.bytes.n);
	p->inside = false;
	if (p->dead)
		bury(p);
	else if (!p->more)
		end(p);
	else
		schedule(p);
}

struct played *played_start(struct poller *poller,
			    const struct relay_call *what, const char *path,
			    const struct call_hooks *hooks, void *arg)
{
	struct played *p = mem_alloc(sizeof(*p));

	*p = (struct played){ .poller = poller, .hooks = hooks, .arg = arg };
	p->timer.fn = on_time;
	arena_init(&p->arena);
	testprov_open(&p->script, path,
		      what->body ? rope_flatten(what->body, &p->arena) :
				   STR(""),
		      clock_wall_ms() / 1000);
	schedule(p);
	return p;
}

void played_cancel(struct played *p)
{
	p->dead = true;
	if (!p->inside)
		bury(p);
}

void played_resume(struct played *p)
{
	p->hold = false;
	timer_set(&p->poller->timers, &p->timer, p->poller->now_ms);
}
