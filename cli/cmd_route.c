/* cmd_route.c - why a request goes where it goes. */
#include "cmd.h"

#include <sysexits.h>

#include "base/clock.h"
#include "db/db.h"
#include "policy/route.h"
#include "policy/who.h"
#include "store/token.h"
#include "store/user.h"
#include "json/jw.h"

#define OUT_MAX ((size_t)16 << 20)

struct values {
	const char *token, *user, *group, *model, *channel;
	int64_t tokens;
};

#define AT(field)  offsetof(struct values, field)
#define COL(field) offsetof(struct row, field)

struct row {
	int64_t place, key_id, priority, weight, wait_ms;
	const char *channel, *model, *upstream, *why, *words;
};

static const struct out_col cols[] = {
	{ "place", "TRY", OUT_INT, COL(place) },
	{ "channel", "CHANNEL", OUT_TEXT, COL(channel) },
	{ "key", "KEY", OUT_INT, COL(key_id) },
	{ "model", "MODEL", OUT_NAME, COL(model) },
	{ "upstream", "ASKS FOR", OUT_NAME, COL(upstream) },
	{ "priority", "PRIO", OUT_INT, COL(priority) },
	{ "weight", "WEIGHT", OUT_INT, COL(weight) },
	{ "why", NULL, OUT_TEXT, COL(why) },
	{ "words", "WHY", OUT_TEXT, COL(words) },
	{ "wait_ms", NULL, OUT_INT, COL(wait_ms) },
	{ .name = NULL }
};

/* --- the world: what the running installation knows ----------------------------- */

struct world {
	struct shared *sh;
	int64_t now_ms;
};

static void health(void *arg, enum health_of of, int64_t id,
		   struct health_view *v)
{
	const struct world *w = arg;

	health_look(w->sh, of, id, w->now_ms, v);
}

static bool room(void *arg, const struct meter_ask *ask, int64_t tokens,
		 int64_t *wait_ms)
{
	const struct world *w = arg;
	struct meter_view v;

	meter_look(w->sh, ask->of, ask->who, w->now_ms, &v);
	return route_room(ask, tokens, &v, wait_ms);
}

/* --- who asks ------------------------------------------------------------------- */

static int find_token(struct cli *c, const char *which, struct token *t,
		      struct err *e)
{
	int64_t id;

	if (!str_int(str_of(which), 1, INT64_MAX, &id))
		return token_get(c->db, id, t, &c->arena, e);
	return token_named(c->db, which, t, &c->arena, e);
}

static int find_asker(struct cli *c, const struct values *v,
		      struct route_ask *ask, struct err *e)
{
	struct token t = { .models = "" };
	struct user u;

	ask->model = str_of(v->model);
	ask->group = v->group ? v->group : "default";
	if (v->channel)
		ask->channel = str_of(v->channel);
	if (v->token && find_token(c, v->token, &t, e) < 0)
		return -1;
	if (v->user && user_find(c->db, v->user, &u, &c->arena, e) < 0)
		return -1;
	if (v->user)
		ask->group = u.group;
	if (!v->token)
		return 0;
	ask->group = t.group;
	ask->channel_id = t.channel_id;
	ask->models = t.models;
	return who_may_use(&t, ask->model, e);
}

/* --- what is said ------------------------------------------------------------------ */

static const char *wait_text(struct cli *c, const struct route_row *r)
{
	if (r->wait_ms < 0)
		return "";
	return arena_printf(&c->arena, ", %lld.%lld s more",
			    (long long)r->wait_ms / 1000,
			    (long long)r->wait_ms % 1000 / 100);
}

static const char *words_of(struct cli *c, const struct route_row *r)
{
	const char *words = route_why_words(r->why);

	switch (r->why) {
	case ROUTE_DISABLED:
	case ROUTE_NO_KEY: return r->channel->why;
	case ROUTE_GROUP:
		return arena_printf(&c->arena, "%s: %s", words,
				    r->channel->groups);
	case ROUTE_COOLING:
		return arena_printf(&c->arena, "%s%s: %s", words,
				    wait_text(c, r),
				    err_info((enum err_code)r->cause)->code);
	case ROUTE_LIMIT:
		return arena_printf(&c->arena, "%s%s", words, wait_text(c, r));
	default: return words;
	}
}

static struct row *rows_of(struct cli *c, const struct route *r)
{
	struct row *out = ARENA_ARRAY(&c->arena, struct row, r->n_rows + 1);

	for (int i = 0; i < r->n_rows; i++) {
		const struct route_row *from = &r->rows[i];

		out[i] = (struct row){
			.place = from->place,
			.key_id = from->key ? from->key->id : 0,
			.priority = from->channel->priority,
			.weight = from->channel->weight,
			.wait_ms = from->wait_ms,
			.channel = from->channel->name,
			.model = from->model,
			.upstream = from->place ? r->candidates[i].model : "",
			.why = route_why_name(from->why),
			.words = words_of(c, from),
		};
	}
	return out;
}

static int say(struct cli *c, const struct route *r, const struct err *why,
	       struct err *e)
{
	out_rows(&c->out, cols, rows_of(c, r), sizeof(struct row), r->n_rows,
		 "there are no channels yet: pontage channel add");
	if (!why->code)
		return 0;
	c->status = EX_UNAVAILABLE;
	fprintf(stderr, "%s: %s\n", err_info(why->code)->code, why->msg);
	(void)e;
	return 0;
}

static int explain(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const struct route_size size = { .prompt_tok = v->tokens };
	struct route_ask ask = { .explain = true, .limit_tok = v->tokens };
	struct world w = { .now_ms = clock_mono_ms() };
	struct route_world world = { &w, health, room, NULL, NULL };
	struct err why = { 0 }, none = { 0 };
	struct route r;
	struct book *b;

	if (!cli_db(c, e) || find_asker(c, v, &ask, e) < 0)
		return -1;
	b = book_look(c->db, &c->conf, e);
	if (!b)
		return -1;
	w.sh = shared_open(c->conf.state_dir, false, &none);
	if (route_plan(b, &ask, w.sh ? &world : NULL, &c->arena, &r, &why) > 0)
		route_fit(&r, &size);
	say(c, &r, &why, e);
	shared_close(w.sh);
	book_look_free(b);
	return 0;
}

static const struct arg explain_args[] = {
	ARG("--model", ARG_TEXT, AT(model), "MODEL", "that is asked for",
	    .max = 256, .required = true),
	ARG("--token", ARG_TEXT, AT(token), "KEY",
	    "by whom: an API key's name "
	    "or id"),
	ARG("--user", ARG_WORD, AT(user), "NAME", "or a user"),
	ARG("--group", ARG_WORD, AT(group), "G", "or a group (default)"),
	ARG("--channel", ARG_TEXT, AT(channel), "CHANNEL",
	    "as with the header X-Pontage-Channel"),
	ARG("--tokens", ARG_INT, AT(tokens), "N", "how long the prompt is",
	    .max = 1000000000),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("explain", "--model MODEL [--token KEY|--user NAME|--group G]",
	    "which channels would be tried, in which order, and why not the "
	    "others",
	    "Inside a priority weight draws: asked again the order may be "
	    "another.\n",
	    explain_args, sizeof(struct values), explain),
	{ .name = NULL }
};

const struct cmd cmd_route = {
	.name = "route",
	.words = "",
	.what = "why a request goes where it goes: explain",
	.args = NO_ARGS,
	.subs = subs,
};
