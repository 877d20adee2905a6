/* channel_health.c - what the running installation thinks of channels and keys.
 */
#include "channel.h"

#include "base/clock.h"
#include "db/db.h"
#include "shared/health.h"

struct row {
	const char *channel, *key, *state, *why, *reason;
	int64_t key_id, failures, wait_ms, since_ms;
};

#define COL(field) offsetof(struct row, field)

static const struct out_col cols[] = {
	{ "channel", "CHANNEL", OUT_TEXT, COL(channel) },
	{ "key_id", NULL, OUT_INT, COL(key_id) },
	{ "key", "KEY", OUT_NAME, COL(key) },
	{ "state", "STATE", OUT_TEXT, COL(state) },
	{ "failures", "FAILURES", OUT_INT, COL(failures) },
	{ "why", "WHY", OUT_NAME, COL(why) },
	{ "wait_ms", "WAIT MS", OUT_INT, COL(wait_ms) },
	{ "since", "SINCE", OUT_TIME, COL(since_ms) },
	{ "reason", "REASON", OUT_NAME, COL(reason) },
	{ .name = NULL }
};

struct look {
	struct cli *c;
	int64_t key_id;    /* only this one; 0: all of the channel */
	struct shared *sh; /* NULL: nothing runs */
	struct row *rows;
	int n;
};

static const char *state_of(bool enabled, const char *state,
			    const struct health_view *v)
{
	static const char *const names[HEALTH_STATE__COUNT] = {
		[HEALTH_WELL] = "well",
		[HEALTH_COOLING] = "cooling",
		[HEALTH_TRY] = "trial",
	};

	if (!enabled)
		return "off";
	return strcmp(state, "disabled") ? names[v->state] : "disabled";
}

static void fill(struct look *l, struct row *r, enum health_of of, int64_t id,
		 struct health_view *v)
{
	int64_t now_ms = clock_mono_ms();

	*v = (struct health_view){ .state = HEALTH_WELL };
	if (l->sh)
		health_look(l->sh, of, id, now_ms, v);
	r->failures = v->failures;
	r->wait_ms = v->wait_ms;
	r->why = "";
	if (v->failures && v->why > 0 && v->why < ERR__COUNT)
		r->why = err_info((enum err_code)v->why)->code;
	if (v->failures && v->since_ms)
		r->since_ms = clock_wall_ms() - (now_ms - v->since_ms);
}

static int look_at(struct look *l, const struct channel *ch,
		   const struct channel_key *k, int n)
{
	struct health_view v;
	struct row *r;

	if (!l->key_id) {
		r = &l->rows[l->n++];
		fill(l, r, HEALTH_CHANNEL, ch->id, &v);
		r->channel = ch->name;
		r->key = "";
		r->reason = ch->reason;
		r->state = state_of(ch->enabled, ch->state, &v);
	}
	for (int i = 0; i < n; i++) {
		if (l->key_id && l->key_id != k[i].id)
			continue;
		r = &l->rows[l->n++];
		fill(l, r, HEALTH_KEY, k[i].id, &v);
		r->channel = ch->name;
		r->key_id = k[i].id;
		r->key = *k[i].name ? k[i].name : k[i].hint;
		r->reason = k[i].reason;
		r->state = state_of(k[i].enabled, k[i].state, &v);
	}
	return 0;
}

static int reset_key(struct look *l, const struct channel_key *k, struct err *e)
{
	struct channel_key key = *k;

	if (l->key_id && l->key_id != k->id)
		return 0;
	key.state = "ok";
	key.reason = k->enabled ? "" : k->reason;
	key.probe_ms = 0;
	if (channel_key_state(l->c->db, &key, e) < 0)
		return -1;
	if (l->sh)
		health_good(l->sh, HEALTH_KEY, k->id);
	return 0;
}

/* What cools may be tried at once, what the gateway switched off is on. */
static int reset(struct look *l, const struct channel *ch,
		 const struct channel_key *k, int n, struct err *e)
{
	struct channel_change to = CHANNEL_KEEP;

	for (int i = 0; i < n; i++)
		if (reset_key(l, &k[i], e) < 0)
			return -1;
	if (l->key_id)
		return 0;
	to.state = "ok";
	to.reason = "";
	if (strcmp(ch->state, "ok") &&
	    channel_set(l->c->db, ch->id, &to, e) < 0)
		return -1;
	if (l->sh)
		health_good(l->sh, HEALTH_CHANNEL, ch->id);
	return 0;
}

static int each(struct look *l, const struct channel_values *v,
		struct channel *all, int n, struct err *e)
{
	struct channel_key *keys = NULL;
	int n_keys;

	for (int i = 0; i < n; i++) {
		n_keys = channel_keys(l->c->db, all[i].id, &keys, &l->c->arena,
				      e);
		if (n_keys < 0)
			return -1;
		if (v->reset && reset(l, &all[i], keys, n_keys, e) < 0)
			return -1;
		/* Read anew what was changed. */
		if (v->reset && (channel_get(l->c->db, all[i].id, &all[i],
					     &l->c->arena, e) < 0 ||
				 channel_keys(l->c->db, all[i].id, &keys,
					      &l->c->arena, e) != n_keys))
			return -1;
		look_at(l, &all[i], keys, n_keys);
	}
	return 0;
}

/* A channel by name or id; or "key:7". */
static int find(struct look *l, const char *which, struct channel *ch,
		struct err *e)
{
	struct channel_key key;

	if (!str_starts(str_of(which), "key:"))
		return channel_named(l->c, which, ch, e);
	if (str_int(str_of(which + 4), 1, INT64_MAX, &l->key_id) < 0)
		return err_set(e, ERR_USAGE, "want key:ID, got \"%.40s\"",
			       which);
	if (!cli_db(l->c, e) ||
	    channel_key_get(l->c->db, l->key_id, &key, &l->c->arena, e) < 0)
		return -1;
	return channel_get(l->c->db, key.channel_id, ch, &l->c->arena, e);
}

int channel_run_health(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct look l = { .c = c };
	struct channel_all counted;
	struct channel *all = NULL;
	struct err none = { 0 };
	int n = 1, r;

	if (v->reset && !v->name)
		return err_set(e, ERR_USAGE,
			       "--reset: say which: CHANNEL or key:ID");
	all = ARENA_NEW(&c->arena, struct channel);
	if (v->name && find(&l, v->name, all, e) < 0)
		return -1;
	if (!cli_db(c, e) || channel_all(c->db, &counted, &c->arena, e) < 0)
		return -1;
	if (!v->name) {
		all = counted.channels;
		n = counted.n_channels;
	}
	l.rows = ARENA_ARRAY(&c->arena, struct row,
			     counted.n_channels + counted.n_keys + 1);
	l.sh = shared_open(c->conf.state_dir, false, &none);
	r = each(&l, v, all, n, e);
	if (!l.sh && !c->json)
		fprintf(stderr, "nothing runs here, or has since the boot: no "
				"channel cools down\n");
	shared_close(l.sh);
	if (r < 0)
		return -1;
	out_rows(&c->out, cols, l.rows, sizeof(*l.rows), l.n,
		 "no channels yet: pontage channel add NAME --provider ID");
	return 0;
}
