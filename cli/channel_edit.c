/* channel_edit.c - adding a channel and changing it. */
#include "channel.h"

#include "db/db.h"
#include "provider/testprov.h"

static const char *provider_name(const void *arg, int i)
{
	const struct provider *p = provider_at(i);

	(void)arg;
	return p ? p->id : NULL;
}

static const struct provider *find_provider(const char *id, struct err *e)
{
	const struct provider *p = provider_find(id);
	char near[ARGS_NEAR];

	if (p)
		return p;
	args_near(id, provider_name, NULL, near);
	if (*near)
		err_set(e, ERR_USAGE,
			"--provider: there is no \"%.40s\"; did you mean %s?",
			id, near);
	else
		err_set(e, ERR_USAGE,
			"--provider: there is no \"%.40s\"; a server that "
			"speaks OpenAI's dialect is \"compatible\"",
			id);
	return NULL;
}

/* What the built-in provider serves, but for the patterns ("test-long-N"):
 * those are given with numbers in --models. */
static const char *test_models(struct cli *c)
{
	const char *name, *help, *all;
	struct buf b;

	buf_init(&b, 65536);
	for (int i = 0; testprov_row(i, &name, &help); i++)
		if (!strstr(name, "-N"))
			buf_printf(&b, "%s%s", b.len ? "," : "", name);
	all = arena_dup(&c->arena, buf_span(&b));
	buf_release(&b);
	return all;
}

/* Ends the transaction: 0 or -1 as it should, with what was done or not. */
static int finish(struct cli *c, int r, struct err *e)
{
	if (r >= 0)
		return db_commit(c->db, e);
	db_rollback(c->db);
	return -1;
}

static int check_name(const char *name, struct err *e)
{
	int64_t number;

	if (!str_int(str_of(name), 0, INT64_MAX, &number))
		return err_set(e, ERR_USAGE,
			       "NAME: \"%s\" reads like an id; take a word",
			       name);
	return 0;
}

static int64_t add_all(struct cli *c, const struct channel_values *v,
		       const struct channel *ch, const struct str *keys, int n,
		       struct err *e)
{
	const char *models = v->models;
	int64_t id;

	if (!models && !v->map && !strcmp(ch->provider, "test"))
		models = test_models(c);
	if (db_begin(c->db, e) < 0)
		return -1;
	id = channel_add(c->db, ch, e);
	if (id >= 0 && (channel_put_models(c, id, models, v->map, e) < 0 ||
			channel_put_keys(c, id, ch->origin, keys, n, e) < 0))
		id = -1;
	return finish(c, id < 0 ? -1 : 0, e) < 0 ? -1 : id;
}

int channel_run_add(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	const struct provider *p = find_provider(v->provider, e);
	struct str keys[CHANNEL_KEYS_MAX];
	struct channel ch = { .name = v->name,
			      .enabled = true,
			      .groups = "default",
			      .weight = 1,
			      .auto_disable = true };
	struct channel_base base;
	int64_t id;
	int n;

	if (!p || check_name(v->name, e) < 0 ||
	    channel_take(c, v, &ch, e) < 0 ||
	    channel_base(c, p, v->base_url, &base, e) < 0 || !cli_db(c, e))
		return -1;
	n = channel_read_keys(c, p, keys, e);
	if (n < 0)
		return -1;
	ch.provider = p->id;
	ch.base_url = base.url;
	ch.origin = base.origin;
	ch.allow = channel_allow(c, base.allow, v->allow);
	id = add_all(c, v, &ch, keys, n, e);
	if (id < 0)
		return -1;
	return channel_print(c, id,
			     "added; pontage channel test shows "
			     "whether it works",
			     e);
}

/* The address part of a change: a new origin takes new keys. */
static int change_base(struct cli *c, const struct channel_values *v,
		       struct channel *ch, bool *new_origin, struct err *e)
{
	const struct provider *p = provider_find(ch->provider);
	struct channel_base base;

	*new_origin = false;
	if (!p)
		return err_set(e, ERR_VALUE,
			       "this version knows no provider %s",
			       ch->provider);
	if (!v->base_url) {
		if (v->allow)
			ch->allow = v->allow;
		return 0;
	}
	if (channel_base(c, p, v->base_url, &base, e) < 0)
		return -1;
	*new_origin = strcmp(base.origin, ch->origin) != 0;
	ch->base_url = base.url;
	ch->origin = base.origin;
	if (v->allow || *new_origin) /* what was allowed was the old one */
		ch->allow = channel_allow(c, base.allow, v->allow);
	return 0;
}

/* Inside of a transaction. */
static int write_one(struct cli *c, const struct channel_values *v,
		     const struct channel *ch, struct err *e)
{
	if (channel_write(c->db, ch, e) < 0)
		return -1;
	if (v->models && channel_model_drop(c->db, ch->id, NULL, e) < 0)
		return -1;
	return channel_put_models(c, ch->id, v->models, v->map, e);
}

static int write_keys(struct cli *c, const struct channel *ch,
		      const struct str *keys, int n, struct err *e)
{
	if (n && channel_key_drop(c->db, ch->id, e) < 0)
		return -1;
	return channel_put_keys(c, ch->id, ch->origin, keys, n, e);
}

static int set_one(struct cli *c, const struct channel_values *v, struct err *e)
{
	struct str keys[CHANNEL_KEYS_MAX];
	struct channel ch;
	bool new_origin;
	int n = 0, r;

	if (channel_named(c, v->name, &ch, e) < 0 ||
	    change_base(c, v, &ch, &new_origin, e) < 0 ||
	    channel_take(c, v, &ch, e) < 0)
		return -1;
	if (new_origin && !c->json)
		fprintf(stderr, "the address is another one: its keys are "
				"wanted again, on standard input\n");
	if (v->keys || new_origin)
		n = channel_read_keys(c, provider_find(ch.provider), keys, e);
	if (n < 0 || db_begin(c->db, e) < 0)
		return -1;
	r = write_one(c, v, &ch, e);
	if (r >= 0)
		r = write_keys(c, &ch, keys, n, e);
	if (finish(c, r, e) < 0)
		return -1;
	return channel_print(c, ch.id, "set", e);
}

static bool has_tag(const struct channel *ch, const char *tag)
{
	struct str rest = str_of(ch->tags), one;

	while (str_next(&rest, ',', &one))
		if (str_eq(str_trim(one), tag))
			return true;
	return false;
}

/* All or none of them. */
static int write_tagged(struct cli *c, const struct channel_values *v,
			struct channel *all, int n, struct err *e)
{
	int done = 0;

	for (int i = 0; i < n; i++) {
		if (!has_tag(&all[i], v->tag))
			continue;
		if (v->allow)
			all[i].allow = v->allow;
		if (channel_take(c, v, &all[i], e) < 0 ||
		    write_one(c, v, &all[i], e) < 0)
			return -1;
		done++;
	}
	if (!done)
		return err_set(e, ERR_NOT_FOUND, "no channel has the tag %s",
			       v->tag);
	return done;
}

static int set_tagged(struct cli *c, const struct channel_values *v,
		      struct err *e)
{
	struct channel *all = NULL;
	int n, done;

	if (v->keys || v->base_url)
		return err_set(e, ERR_USAGE,
			       "--keys and --base-url are for one channel");
	if (!cli_db(c, e) || db_begin(c->db, e) < 0)
		return -1;
	n = channel_list(c->db, &all, &c->arena, e);
	done = n < 0 ? -1 : write_tagged(c, v, all, n, e);
	if (finish(c, done, e) < 0)
		return -1;
	cli_say(c, "%d channel%s with the tag %s set", done,
		done == 1 ? "" : "s", v->tag);
	return 0;
}

int channel_run_set(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;

	if (!v->name == !v->tag)
		return err_set(e, ERR_USAGE,
			       "say which: a channel's name or id, or --tag "
			       "TAG");
	return v->tag ? set_tagged(c, v, e) : set_one(c, v, e);
}
