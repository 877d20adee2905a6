/* channel_keys.c - the keys of a channel, one by one. */
#include "channel.h"

#include "db/db.h"

#define COL(field) offsetof(struct channel_key, field)

static const struct out_col cols[] = {
	{ "id", "ID", OUT_INT, COL(id) },
	{ "hint", "KEY", OUT_TEXT, COL(hint) },
	{ "name", "NAME", OUT_NAME, COL(name) },
	{ "enabled", "ENABLED", OUT_BOOL, COL(enabled) },
	{ "state", "STATE", OUT_TEXT, COL(state) },
	{ "since", "SINCE", OUT_TIME, COL(state_ms) },
	{ "reason", "REASON", OUT_TEXT, COL(reason) },
	{ "probe", NULL, OUT_TIME, COL(probe_ms) },
	{ .name = NULL }
};

struct keys {
	struct cli *c;
	const struct channel_values *v;
	struct channel ch;
	struct channel_key *all;
	int n;
};

static int read_keys(struct keys *k, struct err *e)
{
	k->n = channel_keys(k->c->db, k->ch.id, &k->all, &k->c->arena, e);
	return MIN(k->n, 0);
}

static int list(struct keys *k, struct err *e)
{
	if (read_keys(k, e) < 0)
		return -1;
	out_rows(&k->c->out, cols, k->all, sizeof(*k->all), k->n,
		 "it has no keys: pontage channel keys CHANNEL add < KEYS");
	return 0;
}

static int add(struct keys *k, struct err *e)
{
	struct str keys[CHANNEL_KEYS_MAX];
	struct cli *c = k->c;
	const struct provider *p = provider_find(k->ch.provider);
	int n;

	if (!p || p->auth == AUTH_NONE)
		return err_set(e, ERR_VALUE, "provider %s asks for no key",
			       k->ch.provider);
	n = channel_read_keys(c, p, keys, e);
	if (n < 0 || db_begin(c->db, e) < 0)
		return -1;
	if (channel_put_keys(c, k->ch.id, k->ch.origin, keys, n, e) < 0) {
		db_rollback(c->db);
		return -1;
	}
	return db_commit(c->db, e) < 0 ? -1 : list(k, e);
}

/* By id, name, or what lists show of it. */
static int find(struct keys *k, int64_t *id, struct err *e)
{
	const char *which = k->v->key;
	int found = 0;

	if (!which)
		return err_set(e, ERR_USAGE, "say which key: its id or name");
	for (int i = 0; i < k->n; i++) {
		const char *number = arena_printf(&k->c->arena, "%lld",
						  (long long)k->all[i].id);

		if (strcmp(number, which) && strcmp(k->all[i].name, which) &&
		    strcmp(k->all[i].hint, which))
			continue;
		*id = k->all[i].id;
		found++;
	}
	if (found == 1)
		return 0;
	return err_set(e, found ? ERR_VALUE : ERR_NOT_FOUND,
		       found ? "several keys of %s are called %s: use the id" :
			       "channel %s has no key %s",
		       k->ch.name, which);
}

static int enable(struct keys *k, int64_t id, struct err *e)
{
	return channel_key_enable(k->c->db, id, true, "", e);
}

static int disable(struct keys *k, int64_t id, struct err *e)
{
	return channel_key_enable(k->c->db, id, false,
				  k->v->text ? k->v->text : "", e);
}

static int drop(struct keys *k, int64_t id, struct err *e)
{
	return channel_key_remove(k->c->db, id, e);
}

static int name(struct keys *k, int64_t id, struct err *e)
{
	return channel_key_name(k->c->db, id, k->v->text ? k->v->text : "", e);
}

static const struct {
	const char *name;
	int (*one)(struct keys *k, int64_t id, struct err *e);
	int (*all)(struct keys *k, struct err *e);
} verbs[] = {
	{ "list", NULL, list },     { "add", NULL, add },
	{ "enable", enable, NULL }, { "disable", disable, NULL },
	{ "remove", drop, NULL },   { "name", name, NULL },
};

int channel_run_keys(struct cli *c, const void *values, struct err *e)
{
	struct keys k = { .c = c, .v = values };
	const char *verb = k.v->verb ? k.v->verb : "list";
	int64_t id = 0;

	if (channel_named(c, k.v->name, &k.ch, e) < 0 || read_keys(&k, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (verbs[i].all)
			return verbs[i].all(&k, e);
		if (find(&k, &id, e) < 0 || verbs[i].one(&k, id, e) < 0)
			return -1;
		return list(&k, e);
	}
	return err_set(e, ERR_USAGE,
		       "want list, add, enable, disable, remove or name, got "
		       "\"%.40s\"",
		       verb);
}
