/* cmd_log.c - the request log: what was asked, what came of it, what it cost.
 */
#include "cmd.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "store/request.h"
#include "store/token.h"
#include "store/user.h"
#include "json/js.h"

struct values {
	const char *token, *user, *model, *request;
	int64_t limit, since_ms;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct request, field)

static const struct out_col cols[] = {
	{ "id", NULL, OUT_INT, COL(id) },
	{ "time", "TIME", OUT_TIME, COL(started_ms) },
	{ "request_id", "REQUEST", OUT_TEXT, COL(request_id) },
	{ "user", "USER", OUT_NAME, COL(user) },
	{ "token", "KEY", OUT_NAME, COL(token) },
	{ "channel", "CHANNEL", OUT_NAME, COL(channel) },
	{ "provider", NULL, OUT_NAME, COL(provider) },
	{ "endpoint", NULL, OUT_TEXT, COL(endpoint) },
	{ "model_asked", "MODEL", OUT_TEXT, COL(model_asked) },
	{ "model_served", NULL, OUT_NAME, COL(model_served) },
	{ "stream", NULL, OUT_BOOL, COL(stream) },
	{ "prompt_tokens", "IN", OUT_INT, COL(prompt_tok) },
	{ "cached_tokens", NULL, OUT_INT, COL(cached_tok) },
	{ "completion_tokens", "OUT", OUT_INT, COL(completion_tok) },
	{ "reasoning_tokens", NULL, OUT_INT, COL(reasoning_tok) },
	{ "source", NULL, OUT_NAME, COL(source) },
	{ "reserved_nusd", NULL, OUT_MONEY, COL(reserved_nusd) },
	{ "cost_nusd", "COST", OUT_MONEY, COL(cost_nusd) },
	{ "overshoot", NULL, OUT_BOOL, COL(overshoot) },
	{ "stopped", NULL, OUT_BOOL, COL(stopped) },
	{ "state", "STATE", OUT_TEXT, COL(state) },
	{ "status", "STATUS", OUT_INT, COL(status) },
	{ "error", "ERROR", OUT_NAME, COL(error) },
	{ "attempts", NULL, OUT_INT, COL(attempts) },
	{ "first_token_ms", NULL, OUT_INT, COL(first_token_ms) },
	{ "total_ms", "MS", OUT_INT, COL(total_ms) },
	{ "address", NULL, OUT_TEXT, COL(address) },
	{ "receipt", NULL, OUT_TEXT, COL(request_id) },
	{ .name = NULL }
};

static const struct out_col show_cols[] = {
	{ "id", NULL, OUT_INT, COL(id) },
	{ "request_id", "request", OUT_TEXT, COL(request_id) },
	{ "time", "time", OUT_TIME, COL(started_ms) },
	{ "state", "state", OUT_TEXT, COL(state) },
	{ "status", "status", OUT_INT, COL(status) },
	{ "error", "error", OUT_NAME, COL(error) },
	{ "user", "user", OUT_NAME, COL(user) },
	{ "token", "key", OUT_NAME, COL(token) },
	{ "address", "address", OUT_TEXT, COL(address) },
	{ "endpoint", "endpoint", OUT_TEXT, COL(endpoint) },
	{ "model_asked", "model asked", OUT_TEXT, COL(model_asked) },
	{ "model_served", "model served", OUT_NAME, COL(model_served) },
	{ "channel", "channel", OUT_NAME, COL(channel) },
	{ "provider", "provider", OUT_NAME, COL(provider) },
	{ "stream", "stream", OUT_BOOL, COL(stream) },
	{ "prompt_tokens", "prompt tokens", OUT_INT, COL(prompt_tok) },
	{ "cached_tokens", "of them cached", OUT_INT, COL(cached_tok) },
	{ "completion_tokens", "answer tokens", OUT_INT, COL(completion_tok) },
	{ "reasoning_tokens", "of them reasoning", OUT_INT,
	  COL(reasoning_tok) },
	{ "source", "counted by", OUT_NAME, COL(source) },
	{ "reserved_nusd", "reserved", OUT_MONEY, COL(reserved_nusd) },
	{ "cost_nusd", "cost", OUT_MONEY, COL(cost_nusd) },
	{ "overshoot", "over its reserve", OUT_BOOL, COL(overshoot) },
	{ "stopped", "stopped by the budget", OUT_BOOL, COL(stopped) },
	{ "first_token_ms", "first byte, ms", OUT_INT, COL(first_token_ms) },
	{ "total_ms", "in all, ms", OUT_INT, COL(total_ms) },
	{ "attempts", "attempts", OUT_INT, COL(attempts) },
	{ "attempts_list", NULL, OUT_RAW, COL(attempts_json) },
	{ "route", NULL, OUT_RAW, COL(route) },
	{ "receipt", NULL, OUT_TEXT, COL(request_id) },
	{ .name = NULL }
};

/* A key by its id or its name. */
static int find_token(struct cli *c, const char *which, int64_t *id,
		      struct err *e)
{
	struct token t;
	int r;

	if (!str_int(str_of(which), 1, INT64_MAX, id))
		r = token_get(c->db, *id, &t, &c->arena, e);
	else
		r = token_named(c->db, which, &t, &c->arena, e);
	*id = r < 0 ? 0 : t.id;
	return r;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct request_filter f = { .model = v->model, .limit = (int)v->limit };
	struct request *rows = NULL;
	struct user u;
	int n;

	if (!cli_db(c, e) ||
	    (v->token && find_token(c, v->token, &f.token_id, e) < 0))
		return -1;
	if (v->user) {
		if (user_find(c->db, v->user, &u, &c->arena, e) < 0)
			return -1;
		f.user_id = u.id;
	}
	if (v->since_ms)
		f.since_ms = clock_wall_ms() - v->since_ms;
	n = request_list(c->db, &f, &rows, &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, cols, rows, sizeof(*rows), n, "no such requests");
	return 0;
}

static void print_attempts(const char *json)
{
	struct err e = { 0 };
	struct json_object *all = js_parse(json, strlen(json), &e);

	for (int i = 0; i < js_len(all); i++) {
		struct json_object *a = js_at(all, i);
		const char *error = js_str(a, "error", "");
		const char *why = js_str(a, "why", "");

		printf("  attempt %d: channel %s, key %lld, status %lld, %s, "
		       "%lld ms%s%s\n",
		       i + 1, js_str(a, "channel", "?"),
		       (long long)js_int(a, "key", 0),
		       (long long)js_int(a, "status", 0), *error ? error : "ok",
		       (long long)js_int(a, "ms", 0), *why ? ": " : "", why);
	}
	js_free(all);
}

/* All that there were when it was planned, and why each was tried or not. */
static void print_route(const char *json)
{
	struct err e = { 0 };
	struct json_object *all = js_parse(json, strlen(json), &e);

	for (int i = 0; i < js_len(all); i++) {
		struct json_object *a = js_at(all, i);
		long long wait_ms = (long long)js_int(a, "wait_ms", -1);

		printf("  channel %s, key %lld: %s", js_str(a, "channel", "?"),
		       (long long)js_int(a, "key", 0), js_str(a, "why", "?"));
		if (wait_ms >= 0)
			printf(", %lld ms more", wait_ms);
		printf("\n");
	}
	js_free(all);
}

static int show(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct request r;

	if (!cli_db(c, e) ||
	    request_find(c->db, v->request, &r, &c->arena, e) < 0)
		return -1;
	out_one(&c->out, show_cols, &r);
	if (!c->json && *r.attempts_json)
		print_attempts(r.attempts_json);
	if (!c->json && *r.route)
		print_route(r.route);
	return 0;
}

static const struct arg list_args[] = {
	ARG("--limit", ARG_INT, AT(limit), "N", "so many at most (50)",
	    .def = 50, .min = 1, .max = REQUEST_LIST_MAX),
	ARG("--token", ARG_TEXT, AT(token), "KEY", "of this key: name or id"),
	ARG("--user", ARG_TEXT, AT(user), "NAME", "of this user"),
	ARG("--model", ARG_TEXT, AT(model), "MODEL", "asked for or served"),
	ARG("--since", ARG_DURATION, AT(since_ms), "TIME",
	    "the last 30s, 15m, 12h, 30d"),
	{ .name = NULL }
};

static const struct arg show_args[] = {
	ARG("REQUEST", ARG_WORD, AT(request), NULL,
	    "its id: x-request-id of the answer", .max = 64, .required = true),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("list", "[--limit N] [--token KEY] [--user NAME] [--since TIME]",
	    "the newest requests", NULL, list_args, sizeof(struct values),
	    list),
	CMD("show", "REQUEST", "one request with its attempts", NULL, show_args,
	    sizeof(struct values), show),
	{ .name = NULL }
};

const struct cmd cmd_log = {
	.name = "log",
	.words = "",
	.what = "the request log: list, show",
	.args = NO_ARGS,
	.subs = subs,
};
