/* cmd_usage.c - what was asked, by whom, and what it cost. */
#include "cmd.h"

#include "base/clock.h"
#include "db/db.h"
#include "store/ageing.h"
#include "store/user.h"

struct values {
	const char *by, *user;
	int64_t since_ms;
};

#define AT(field)  offsetof(struct values, field)
#define ROW(field) offsetof(struct rollup_row, field)

/* For programs: a table for people has no room. */
#define KIND(kind) { #kind, NULL, OUT_INT, ROW(kind) },

/* The first three are picked by what is asked for. */
#define SUM_COLS                                                               \
	{ "requests", "REQUESTS", OUT_INT, ROW(requests) },                    \
		{ "streams", NULL, OUT_INT, ROW(streams) },                    \
		{ "refused", "REFUSED", OUT_INT, ROW(refused) },               \
		{ "failed", "FAILED", OUT_INT, ROW(failed) },                  \
		{ "gone", "GONE", OUT_INT, ROW(gone) },                        \
		{ "lost", "LOST", OUT_INT, ROW(lost) },                        \
		{ "prompt_tok", "PROMPT", OUT_INT, ROW(prompt_tok) },          \
		{ "cached_tok", "CACHED", OUT_INT, ROW(cached_tok) },          \
		{ "completion_tok", "ANSWER", OUT_INT, ROW(completion_tok) },  \
		{ "reasoning_tok", "REASONING", OUT_INT, ROW(reasoning_tok) }, \
		ROLLUP_KINDS(KIND){ "cost_nusd", "COST", OUT_MONEY,            \
				    ROW(cost_nusd) },                          \
		{ "refunded_nusd", "REFUNDED", OUT_MONEY,                      \
		  ROW(refunded_nusd) },                                        \
	{                                                                      \
		"upstream_nusd", "UPSTREAM", OUT_MONEY, ROW(upstream_nusd)     \
	}

#define TIME_COLS                                                        \
	{ "p50_ms", "P50 MS", OUT_INT, ROW(p50_ms) },                    \
		{ "p95_ms", "P95 MS", OUT_INT, ROW(p95_ms) },            \
		{ "first50_ms", "FIRST P50", OUT_INT, ROW(first50_ms) }, \
	{                                                                \
		"first95_ms", "FIRST P95", OUT_INT, ROW(first95_ms)      \
	}

static const struct out_col named_cols[] = {
	{ "name", "NAME", OUT_NAME, ROW(name) },
	{ "id", "ID", OUT_INT, ROW(number) },
	SUM_COLS,
	{ .name = NULL }
};
static const struct out_col timed_cols[] = {
	{ "name", "NAME", OUT_NAME, ROW(name) },
	{ "id", NULL, OUT_INT, ROW(number) },
	SUM_COLS,
	TIME_COLS,
	{ .name = NULL }
};
static const struct out_col dated_cols[] = { { "begin_ms", "BEGIN", OUT_TIME,
					       ROW(number) },
					     SUM_COLS,
					     TIME_COLS,
					     { .name = NULL } };

static const struct by {
	const char *name;
	const struct out_col *cols;
} bys[] = {
	{ "user", named_cols },    { "token", named_cols },
	{ "channel", timed_cols }, { "model", timed_cols },
	{ "day", dated_cols },     { "hour", dated_cols },
};

static const struct out_col error_cols[] = {
	{ "error", "ERROR", OUT_TEXT, offsetof(struct rollup_error, error) },
	{ "requests", "REQUESTS", OUT_INT,
	  offsetof(struct rollup_error, requests) },
	{ .name = NULL }
};

static const struct by *by_named(const char *name, struct err *e)
{
	for (size_t i = 0; i < COUNT(bys); i++)
		if (!strcmp(bys[i].name, name))
			return &bys[i];
	err_set(e, ERR_USAGE,
		"--by: want user, token, channel, model, day or hour, got "
		"\"%s\"",
		name);
	return NULL;
}

static int usage(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const struct by *by = by_named(v->by ? v->by : "day", e);
	struct rollup_query q = { .since_ms = clock_wall_ms() - v->since_ms };
	struct rollup_answer a;
	struct user u = { 0 };

	if (!by || !cli_db(c, e))
		return -1;
	if (v->user && user_find(c->db, v->user, &u, &c->arena, e) < 0)
		return -1;
	q.by = by->name;
	q.user_id = u.id;
	if (rollup_read(c->db, &q, &a, &c->arena, e) < 0)
		return -1;
	out_rows(&c->out, by->cols, a.rows, sizeof(*a.rows), a.n_rows,
		 "no requests");
	if (!c->json && a.n_errors) {
		putchar('\n');
		out_rows(&c->out, error_cols, a.errors, sizeof(*a.errors),
			 a.n_errors, "");
	}
	return 0;
}

/* Of requests that failed, were refused, or whose client or worker was gone. */
static int errors(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct rollup_query q = { .by = "",
				  .since_ms = clock_wall_ms() - v->since_ms };
	struct rollup_answer a;

	if (!cli_db(c, e) || rollup_read(c->db, &q, &a, &c->arena, e) < 0)
		return -1;
	out_rows(&c->out, error_cols, a.errors, sizeof(*a.errors), a.n_errors,
		 "no errors");
	return 0;
}

static int rebuild(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct buf lock;
	int n;

	if (!cli_db(c, e))
		return -1;
	ageing_lock_path(&c->conf, &lock);
	n = rollup_rebuild(c->db, lock.p,
			   v->since_ms ? clock_wall_ms() - v->since_ms : 0, e);
	buf_release(&lock);
	if (n < 0)
		return -1;
	cli_say(c, "%d hour%s summed up anew", n, n == 1 ? "" : "s");
	return 0;
}

#define WEEK_MS (7 * ROLLUP_DAY_MS)

static const struct arg show_args[] = {
	ARG("--by", ARG_WORD, AT(by), "WHAT",
	    "user, token, channel, model, day or hour (day)", .max = 16),
	ARG("--since", ARG_DURATION, AT(since_ms), "TIME",
	    "so long ago, from the full hour on (7d)", .def = WEEK_MS),
	ARG("--user", ARG_WORD, AT(user), "NAME", "of one user only",
	    .max = USER_NAME_MAX),
	{ .name = NULL }
};

static const struct arg errors_args[] = {
	ARG("--since", ARG_DURATION, AT(since_ms), "TIME",
	    "so long ago, from the full hour on (7d)", .def = WEEK_MS),
	{ .name = NULL }
};

static const struct arg rebuild_args[] = {
	ARG("--since", ARG_DURATION, AT(since_ms), "TIME",
	    "so long ago, from the full hour on (all that the log has)"),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("errors", "[--since TIME]",
	    "requests that ended with an error, by it", NULL, errors_args,
	    sizeof(struct values), errors),
	CMD("rebuild", "[--since TIME]",
	    "make the hourly sums anew of the request log", NULL, rebuild_args,
	    sizeof(struct values), rebuild),
	{ .name = NULL }
};

const struct cmd cmd_usage = {
	.name = "usage",
	.words = "[--by WHAT] [--since TIME] [--user NAME]",
	.what = "what was asked and what it cost, by hour; rebuild",
	.args = show_args,
	.size = sizeof(struct values),
	.run = usage,
	.subs = subs,
};
