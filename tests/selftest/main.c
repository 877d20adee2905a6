/* main.c - the gateway against every fault of an upstream.
 *
 *	selftest --programs DIR --upstream PROGRAM [--keep] [WORDS...]
 *
 * `pontage selftest` runs it.  For each fault there are two channels, the
 * first of which has it, and two requests, a whole answer and a stream.  The
 * scorecard goes to standard output; 1: something was not as it must be.
 * WORDS: only the faults whose names have one of them.  --keep leaves the
 * temporary folder for a look.
 */
#include <getopt.h>
#include <signal.h>

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "trial.h"

enum want { SECOND, CUT, FIRST, CALLER, WAITED, SOON };

static const struct fault {
	const char *name, *model;
	enum want want[2]; /* of a whole answer, of a stream */
} faults[] = {
#define T(name, model, whole, stream) { name, model, { whole, stream } },
#include "trials.def"
#undef T
};

static const char *const kinds[2] = { "whole", "stream" };

struct card {
	struct place place;
	int passed, failed;
	char **only;
	int n_only;
};

static bool is_wanted(const struct card *c, const char *name)
{
	for (int i = 0; i < c->n_only; i++)
		if (strcasestr(name, c->only[i]))
			return true;
	return !c->n_only;
}

/* --- channels --------------------------------------------------------------------- */

/* Where the first channel of a fault leads; its model there. */
static const char *lead(const struct place *p, const char *model, char *url,
			size_t size)
{
	const struct {
		const char *name, *url;
		int port;
	} none[] = {
		{ "@refused", "http://127.0.0.1:%d/v1", p->refused },
		{ "@reset", "http://127.0.0.1:%d/v1", p->reset },
		{ "@silent", "http://127.0.0.1:%d/v1", p->silent },
		{ "@plain", "https://127.0.0.1:%d/v1", p->port },
		{ "@nowhere", "http://nowhere.invalid:%d/v1", p->port },
	};

	snprintf(url, size, "http://127.0.0.1:%d/v1", p->port);
	for (size_t i = 0; i < COUNT(none); i++) {
		if (strcmp(none[i].name, model) != 0)
			continue;
		snprintf(url, size, "http%s://%s:%d/v1",
			 none[i].url[4] == 's' ? "s" : "",
			 strstr(none[i].url, "nowhere") ? "nowhere.invalid" :
							  "127.0.0.1",
			 none[i].port);
		return "mock-echo";
	}
	return model;
}

static int add_channel(struct card *c, const char *name, const char *models,
		       const char *to, const char *url, const char *priority,
		       struct err *e)
{
	const char *args[] = { name, url, models, to, priority, NULL };

	return place_say(&c->place,
			 "channel add % --provider compatible --base-url % "
			 "--models % --map % --priority %",
			 args, "sk-upstream-of-the-selftest\n", NULL, e);
}

static int add_first(struct card *c, const char *model, const char *to,
		     struct err *e)
{
	char url[64], map[128];
	const char *real = lead(&c->place, to, url, sizeof(url));

	snprintf(map, sizeof(map), "%s=%s", model, real);
	return add_channel(c, model, model, map, url, "10", e);
}

static int add_second(struct card *c, struct err *e)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1", c->place.port);
	return add_channel(c, "second", "fault-*", "fault-*=mock-echo", url,
			   "0", e);
}

static int set_prices(struct card *c, struct err *e)
{
	struct buf b;
	int r;

	buf_init(&b, 1 << 20);
	buf_str(&b, "{");
	for (size_t i = 0; i < COUNT(faults) * 2; i++)
		buf_printf(&b,
			   "%s\"fault-%zu-%s\":{\"input_cost_per_token\":1e-6,"
			   "\"output_cost_per_token\":2e-6}",
			   i ? "," : "", i / 2, kinds[i % 2]);
	buf_str(&b, "}");
	r = place_say(&c->place, "price import - --apply", NULL, b.p, NULL, e);
	buf_release(&b);
	return r;
}

/* --- the scorecard ------------------------------------------------------------------ */

static const struct rule {
	enum seen seen;
	int64_t attempts;
	bool second; /* channel */
	bool paid;
} rules[] = {
	[SECOND] = { SEEN_ANSWER, 2, true, true },
	[CUT] = { SEEN_BROKEN, 1, false, true },
	[FIRST] = { SEEN_ANSWER, 1, false, true },
	[CALLER] = { SEEN_ERROR, 1, false, false },
	[WAITED] = { SEEN_ANSWER, 2, false, true },
	[SOON] = { SEEN_ERROR, 1, false, false },
};

static const char *missed(const struct trial *t, enum want want)
{
	const struct rule *r = &rules[want];
	bool second = !strcmp(t->channel, "second");

	if (t->seen != r->seen)
		return t->what[0] ? t->what : "want another end";
	if (t->ms > PLACE_ANSWER_MS)
		return "it took too long";
	if (t->attempts != r->attempts)
		return "a wrong number of attempts";
	if (second != r->second)
		return "the wrong channel";
	if (want == CALLER && (t->status < 400 || t->status > 499))
		return "the caller must hear that it is its own fault";
	if ((t->cost_nusd > 0) != r->paid)
		return r->paid ? "it was not charged" : "it was charged";
	return NULL;
}

static void print_row(struct card *c, const char *name, const char *kind,
		      const struct trial *t, const char *bad)
{
	char saw[64], cost[NUSD_TEXT];

	if (t->what[0])
		snprintf(saw, sizeof(saw), "%d %s: %.36s", t->status,
			 trial_seen(t->seen), t->what);
	else
		snprintf(saw, sizeof(saw), "%d %s", t->status,
			 trial_seen(t->seen));
	printf("%-4s %-36s %-6s  %-46s %6lld  %lld  %10s  %s\n",
	       bad ? "BAD" : "ok", name, kind, saw, (long long)t->ms,
	       (long long)t->attempts, nusd_text(t->cost_nusd, cost),
	       t->channel);
	if (bad)
		printf("     ^ %s\n", bad);
	fflush(stdout);
	c->passed += !bad;
	c->failed += bad != NULL;
}

static void report(struct card *c, const char *name, const char *kind,
		   struct trial *t, enum want want, struct err *e)
{
	if (!e->code)
		trial_log(&c->place, t, e);
	print_row(c, name, kind, t, e->code ? e->msg : missed(t, want));
}

static void try_fault(struct card *c, size_t i, int kind)
{
	struct err e = { 0 };
	struct trial t = { 0 };
	char model[64];

	snprintf(model, sizeof(model), "fault-%zu-%s", i, kinds[kind]);
	trial_run(&c->place,
		  &(struct trial_ask){ .model = model, .stream = kind == 1 },
		  &t, &e);
	report(c, faults[i].name, kinds[kind], &t, faults[i].want[kind], &e);
}

/* --- what is not the upstream's fault ------------------------------------------------- */

/* A channel that stands alone, with a price. */
static int add_alone(struct card *c, const char *model, struct err *e)
{
	const char *args[] = { model, NULL };
	char map[128], url[64];

	snprintf(map, sizeof(map), "%s=%s", model, model);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1", c->place.port);
	if (add_channel(c, model, model, map, url, "0", e) < 0)
		return -1;
	return place_say(&c->place, "price set % --input 1 --output 2", args,
			 "", NULL, e);
}

static void one_that_comes_back(struct card *c, const char *name)
{
	struct err e = { 0 };
	struct trial t = { 0 };

	if (!add_alone(c, "mock-429-once", &e))
		trial_run(&c->place,
			  &(struct trial_ask){ .model = "mock-429-once" }, &t,
			  &e);
	report(c, name, "whole", &t, WAITED, &e);
}

static void a_deadline(struct card *c, const char *name)
{
	struct err e = { 0 };
	struct trial t = { 0 };
	const char *bad;

	if (!add_alone(c, "mock-delay-500", &e))
		trial_run(&c->place,
			  &(struct trial_ask){ .model = "mock-delay-500",
					       .deadline_ms = 200 },
			  &t, &e);
	if (!e.code)
		trial_log(&c->place, &t, &e);
	bad = e.code ? e.msg : missed(&t, SOON);
	if (!bad && (t.status != 504 || t.ms > 450))
		bad = "want 504 after 200 ms";
	print_row(c, name, "whole", &t, bad);
}

static void a_client_that_leaves(struct card *c, const char *name)
{
	struct err e = { 0 };
	struct trial t = { 0 };
	const char *bad = NULL;

	if (!add_alone(c, "mock-stream-400-10", &e))
		trial_run(&c->place,
			  &(struct trial_ask){ .model = "mock-stream-400-10",
					       .stream = true,
					       .leave_bytes = 2000 },
			  &t, &e);
	if (!e.code)
		trial_log(&c->place, &t, &e);
	snprintf(t.what, sizeof(t.what), "it left");
	if (e.code)
		bad = e.msg;
	else if (strcmp(t.error, "client_closed_request") != 0 ||
		 t.cost_nusd <= 0)
		bad = "want what was delivered on the bill";
	print_row(c, name, "stream", &t, bad);
}

static void kill_it(void *arg)
{
	place_kill(arg);
}

static void a_worker_that_dies(struct card *c, const char *name)
{
	struct err e = { 0 };
	struct trial t = { 0 };
	const char *bad = NULL;

	trial_run(&c->place,
		  &(struct trial_ask){ .model = "mock-stream-400-10",
				       .stream = true,
				       .at_content = kill_it,
				       .arg = &c->place },
		  &t, &e);
	if (!e.code)
		place_start(&c->place, &e);
	if (!e.code)
		place_say(&c->place, "tick --once", NULL, "", NULL, &e);
	if (!e.code)
		trial_log(&c->place, &t, &e);
	snprintf(t.what, sizeof(t.what), "the web server sees it end");
	if (e.code)
		bad = e.msg;
	else if (t.seen != SEEN_CUT)
		bad = "half an answer must look like one";
	print_row(c, name, "stream", &t, bad);
}

static void a_locked_database(struct card *c, const char *name)
{
	struct err e = { 0 };
	struct trial t = { 0 };
	struct db *db;
	char path[128];
	const char *bad = NULL;

	snprintf(path, sizeof(path), "%s/pontage.db", c->place.dir);
	db = db_open(path, DB_WRITE, false, &e);
	if (db && !db_exec(db, "BEGIN IMMEDIATE", &e)) {
		trial_run(&c->place,
			  &(struct trial_ask){ .model = "mock-429-once" }, &t,
			  &e);
		db_exec(db, "ROLLBACK", &e);
	}
	db_close(db);
	t.attempts = 0;
	if (e.code)
		bad = e.msg;
	else if (t.status != 503 || t.retry_after_s < 0 || t.ms > 2000)
		bad = "want 503 with Retry-After, soon";
	print_row(c, name, "whole", &t, bad);
}

static const struct extra {
	const char *name;
	void (*run)(struct card *c, const char *name);
} extras[] = {
	{ "429 once, there is no other channel", one_that_comes_back },
	{ "the caller's deadline", a_deadline },
	{ "the client leaves in the middle", a_client_that_leaves },
	{ "kill -9 of the worker in the middle", a_worker_that_dies },
	{ "the database is locked", a_locked_database },
};

/* --- all of it ------------------------------------------------------------------------- */

static int set_up(struct card *c, struct err *e)
{
	if (place_open(&c->place, e) < 0 || add_second(c, e) < 0 ||
	    set_prices(c, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(faults) * 2; i++) {
		char model[64];

		snprintf(model, sizeof(model), "fault-%zu-%s", i / 2,
			 kinds[i % 2]);
		if (is_wanted(c, faults[i / 2].name) &&
		    add_first(c, model, faults[i / 2].model, e) < 0)
			return -1;
	}
	return place_start(&c->place, e);
}

static void audit(struct card *c)
{
	struct err e = { 0 };
	bool bad;

	place_stop(&c->place, &e);
	bad = e.code || place_say(&c->place, "audit", NULL, "", NULL, &e);
	printf("%-4s the worker ends well, the books balance\n",
	       bad ? "BAD" : "ok");
	if (bad)
		printf("     ^ %s\n", e.msg);
	c->passed += !bad;
	c->failed += bad;
}

static void try_all(struct card *c)
{
	printf("%-4s %-36s %-6s  %-46s %6s  %s  %10s  %s\n", "", "fault",
	       "asked", "the caller saw", "ms", "#", "cost $", "served by");
	for (size_t i = 0; i < COUNT(faults); i++)
		for (int kind = 0; kind < 2; kind++)
			if (is_wanted(c, faults[i].name))
				try_fault(c, i, kind);
	for (size_t i = 0; i < COUNT(extras); i++)
		if (is_wanted(c, extras[i].name))
			extras[i].run(c, extras[i].name);
	audit(c);
}

static const struct option names[] = {
	{ "programs", required_argument, NULL, 'p' },
	{ "upstream", required_argument, NULL, 'u' },
	{ "keep", no_argument, NULL, 'k' },
	{ 0 },
};

/* The programs are tried with settings of their own. */
static void forget_settings(void)
{
	char name[128];

	for (char **p = environ; *p;) {
		size_t n = strcspn(*p, "=");

		snprintf(name, sizeof(name), "%.*s", (int)n, *p);
		if (str_starts(str_of(name), "PONTAGE_") && n < sizeof(name) &&
		    !unsetenv(name))
			p = environ;
		else
			p++;
	}
}

int main(int argc, char **argv)
{
	struct card c = { .passed = 0 };
	struct err e = { 0 };
	bool keep = false;
	int64_t began_ms = clock_mono_ms();
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (opt == 'p')
			c.place.programs = optarg;
		else if (opt == 'u')
			c.place.upstream = optarg;
		else if (opt == 'k')
			keep = true;
	}
	if (!c.place.programs || !c.place.upstream) {
		fprintf(stderr, "usage: pontage selftest [--keep] [WORDS]\n");
		return 64;
	}
	c.only = argv + optind;
	c.n_only = argc - optind;
	signal(SIGPIPE, SIG_IGN);
	forget_settings();
	if (set_up(&c, &e) < 0) {
		fprintf(stderr, "selftest: %s\n", e.msg);
		c.failed++;
	} else {
		try_all(&c);
	}
	place_close(&c.place, keep);
	if (keep)
		printf("kept %s\n", c.place.dir);
	printf("selftest: %d passed, %d failed in %lld s\n", c.passed, c.failed,
	       (long long)(clock_mono_ms() - began_ms) / 1000);
	return c.failed > 0;
}
