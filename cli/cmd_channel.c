/* cmd_channel.c - the ways to providers: the table of verbs, and the verbs
 * that show and switch. */
#include "channel.h"

#include "db/db.h"
#include "json/jw.h"

struct row {
	struct channel ch;
	const char *models; /* names between commas */
	const char *map;    /* JSON: asked name to upstream's */
	const char *keys;   /* JSON: hints */
	int64_t n_models, n_keys;
};

#define AT(field)  offsetof(struct channel_values, field)
#define COL(field) offsetof(struct row, field)

#define COLS_                                                           \
	{ "id", "ID", OUT_INT, COL(ch.id) },                            \
		{ "name", "NAME", OUT_TEXT, COL(ch.name) },             \
		{ "provider", "PROVIDER", OUT_TEXT, COL(ch.provider) }, \
		{ "base_url", "BASE URL", OUT_TEXT, COL(ch.base_url) }, \
		{ "enabled", "ENABLED", OUT_BOOL, COL(ch.enabled) },    \
		{ "state", "STATE", OUT_TEXT, COL(ch.state) },          \
		{ "reason", "REASON", OUT_TEXT, COL(ch.reason) },       \
		{ "priority", "PRIO", OUT_INT, COL(ch.priority) },      \
		{ "weight", "WEIGHT", OUT_INT, COL(ch.weight) },        \
	{                                                               \
		"keys", "KEYS", OUT_INT, COL(n_keys)                    \
	}

static const struct out_col list_cols[] = {
	COLS_,
	{ "", "MODELS", OUT_INT, COL(n_models) },
	{ "models", NULL, OUT_LIST, COL(models) },
	{ .name = NULL }
};

static const struct out_col show_cols[] = {
	COLS_,
	{ "since", NULL, OUT_TIME, COL(ch.state_ms) },
	{ "rotation", "ROTATION", OUT_TEXT, COL(ch.rotation) },
	{ "groups", "GROUPS", OUT_LIST, COL(ch.groups) },
	{ "allow", "MAY REACH", OUT_LIST, COL(ch.allow) },
	{ "proxy", "PROXY", OUT_NAME, COL(ch.proxy) },
	{ "rpm", "RPM", OUT_INT, COL(ch.rpm) },
	{ "tpm", "TPM", OUT_INT, COL(ch.tpm) },
	{ "concurrency", "AT ONCE", OUT_INT, COL(ch.concurrency) },
	{ "key_rpm", "RPM OF A KEY", OUT_INT, COL(ch.key_rpm) },
	{ "key_tpm", "TPM OF A KEY", OUT_INT, COL(ch.key_tpm) },
	{ "key_concurrency", "AT ONCE OF A KEY", OUT_INT,
	  COL(ch.key_concurrency) },
	{ "connect_ms", "CONNECT MS", OUT_INT, COL(ch.connect_ms) },
	{ "first_token_ms", "FIRST TOKEN MS", OUT_INT, COL(ch.first_token_ms) },
	{ "idle_ms", "IDLE MS", OUT_INT, COL(ch.idle_ms) },
	{ "total_ms", "TOTAL MS", OUT_INT, COL(ch.total_ms) },
	{ "auto_disable", "AUTO DISABLE", OUT_BOOL, COL(ch.auto_disable) },
	{ "test_model", "TEST MODEL", OUT_NAME, COL(ch.test_model) },
	{ "params", "PARAMS", OUT_RAW, COL(ch.params) },
	{ "headers", "HEADERS", OUT_RAW, COL(ch.headers) },
	{ "system_prompt", "SYSTEM PROMPT", OUT_NAME, COL(ch.system_prompt) },
	{ "tags", "TAGS", OUT_LIST, COL(ch.tags) },
	{ "notes", "NOTES", OUT_NAME, COL(ch.notes) },
	{ "models", "MODELS", OUT_LIST, COL(models) },
	{ "map", "MAP", OUT_RAW, COL(map) },
	{ "key_hints", "KEY HINTS", OUT_RAW, COL(keys) },
	{ .name = NULL }
};

static int read_models(struct cli *c, struct row *r, struct err *e)
{
	struct channel_model *m = NULL;
	struct buf names, map;
	struct jw w;
	int n = channel_models(c->db, r->ch.id, &m, &c->arena, e);

	if (n < 0)
		return -1;
	buf_init(&names, 1 << 20);
	buf_init(&map, 1 << 20);
	jw_start(&w, &map);
	jw_object(&w, NULL);
	for (int i = 0; i < n; i++) {
		buf_printf(&names, "%s%s", i ? "," : "", m[i].model);
		if (*m[i].upstream && strcmp(m[i].model, m[i].upstream))
			jw_str(&w, m[i].model, m[i].upstream);
	}
	jw_end(&w);
	r->models = arena_dup(&c->arena, buf_span(&names));
	r->map = arena_dup(&c->arena, buf_span(&map));
	r->n_models = n;
	buf_release(&names);
	buf_release(&map);
	return 0;
}

static int read_keys(struct cli *c, struct row *r, struct err *e)
{
	struct channel_key *k = NULL;
	struct buf b;
	struct jw w;
	int n = channel_keys(c->db, r->ch.id, &k, &c->arena, e);

	if (n < 0)
		return -1;
	buf_init(&b, 1 << 20);
	jw_start(&w, &b);
	jw_array(&w, NULL);
	for (int i = 0; i < n; i++) {
		jw_object(&w, NULL);
		jw_int(&w, "id", k[i].id);
		jw_str(&w, "hint", k[i].hint);
		jw_str(&w, "name", *k[i].name ? k[i].name : NULL);
		jw_bool(&w, "enabled", k[i].enabled);
		jw_str(&w, "state", k[i].state);
		jw_str(&w, "reason", *k[i].reason ? k[i].reason : NULL);
		jw_end(&w);
	}
	jw_end(&w);
	r->keys = arena_dup(&c->arena, buf_span(&b));
	r->n_keys = n;
	buf_release(&b);
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct channel *all = NULL;
	struct row *rows;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = channel_list(c->db, &all, &c->arena, e);
	if (n < 0)
		return -1;
	rows = ARENA_ARRAY(&c->arena, struct row, n);
	for (int i = 0; i < n; i++) {
		rows[i].ch = all[i];
		if (read_models(c, &rows[i], e) < 0 ||
		    read_keys(c, &rows[i], e) < 0)
			return -1;
	}
	out_rows(&c->out, list_cols, rows, sizeof(*rows), n,
		 "no channels yet: pontage channel add NAME --provider ID");
	return 0;
}

static int print(struct cli *c, const struct channel *ch, struct err *e)
{
	struct row r = { .ch = *ch };

	if (read_models(c, &r, e) < 0 || read_keys(c, &r, e) < 0)
		return -1;
	out_one(&c->out, show_cols, &r);
	return 0;
}

int channel_print(struct cli *c, int64_t id, const char *said, struct err *e)
{
	struct channel ch;

	if (channel_get(c->db, id, &ch, &c->arena, e) < 0)
		return -1;
	if (c->json)
		return print(c, &ch, e);
	cli_say(c, "channel %s (%lld) %s", ch.name, (long long)ch.id, said);
	return 0;
}

static int show(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct channel ch;

	return channel_named(c, v->name, &ch, e) < 0 ? -1 : print(c, &ch, e);
}

static int switch_to(struct cli *c, const char *which,
		     const struct channel_change *to, const char *said,
		     struct err *e)
{
	struct channel ch;

	if (channel_named(c, which, &ch, e) < 0 ||
	    channel_set(c->db, ch.id, to, e) < 0)
		return -1;
	return channel_print(c, ch.id, said, e);
}

/* The gateway's own verdict is forgotten too: it gets a new chance. */
static int enable(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct channel_change to = CHANNEL_KEEP;

	to.enabled = 1;
	to.state = "ok";
	to.reason = "";
	return switch_to(c, v->name, &to, "enabled", e);
}

static int disable(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct channel_change to = CHANNEL_KEEP;

	to.enabled = 0;
	return switch_to(c, v->name, &to, "disabled", e);
}

static int drop(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct channel ch;

	if (channel_named(c, v->name, &ch, e) < 0)
		return -1;
	if (c->json && print(c, &ch, e) < 0)
		return -1;
	if (channel_remove(c->db, ch.id, e) < 0)
		return -1;
	if (!c->json)
		cli_say(c, "channel %s removed, with its keys", ch.name);
	return 0;
}

#define WHICH \
	ARG("CHANNEL", ARG_TEXT, AT(name), NULL, "name or id", .required = true)

static const struct arg which_args[] = { WHICH, { .name = NULL } };

static const struct arg test_args[] = {
	WHICH,
	ARG("--model", ARG_TEXT, AT(model), "MODEL",
	    "ask this one (the first it serves)", .max = 256),
	{ .name = NULL }
};

static const struct arg fetch_args[] = {
	WHICH,
	ARG("--add", ARG_FLAG, AT(add), NULL,
	    "let the channel serve what is new"),
	ARG("--apply", ARG_FLAG, AT(apply), NULL,
	    "the same, and drop what is gone"),
	{ .name = NULL }
};

static const struct arg keys_args[] = {
	WHICH,
	ARG("VERB", ARG_WORD, AT(verb), NULL,
	    "list, add, enable, disable, remove, name", .max = 16),
	ARG("KEY", ARG_TEXT, AT(key), NULL, "its id, name or hint", .max = 64),
	ARG("TEXT", ARG_TEXT, AT(text), NULL, "the name; or why it is disabled",
	    .max = 200),
	{ .name = NULL }
};

static const struct arg health_args[] = {
	ARG("CHANNEL", ARG_TEXT, AT(name), NULL,
	    "name or id, or key:ID; else all"),
	ARG("--reset", ARG_FLAG, AT(reset), NULL,
	    "it, with its keys, is well from now"),
	{ .name = NULL }
};

#define VALUES sizeof(struct channel_values)

static const struct cmd subs[] = {
	CMD("add", "NAME --provider ID [options] < KEYS", "add a channel",
	    "The provider's keys are read from standard input, one a line; "
	    "they are sealed\nat once and never shown again.  A private address "
	    "that is written down as such\n(http://127.0.0.1:11434/v1) is "
	    "allowed, and only that one; a name that leads to\none needs "
	    "--allow.\n\n"
	    "  pontage channel add main --provider openai --models gpt-4o-mini "
	    "< key.txt\n",
	    channel_add_args, VALUES, channel_run_add),
	CMD("list", "", "all channels, as requests try them", NULL, NO_ARGS, 0,
	    list),
	CMD("show", "CHANNEL", "one channel with its models and key hints",
	    NULL, which_args, VALUES, show),
	CMD("set", "CHANNEL|--tag TAG [options]",
	    "change a channel, or all with a tag",
	    "--models replaces the list, --map alone adds to it.  A base URL on "
	    "another host\nwants the keys again, on standard input: they are "
	    "bound to where they go.  none empties a "
	    "text: --proxy none.\n",
	    channel_set_args, VALUES, channel_run_set),
	CMD("test", "CHANNEL [--model MODEL]",
	    "ask the provider one small question, and explain what is wrong",
	    NULL, test_args, VALUES, channel_run_test),
	CMD("keys", "CHANNEL [VERB] [KEY] [TEXT]",
	    "the keys of a channel: one line each",
	    "  pontage channel keys main\n"
	    "  pontage channel keys main add < more-keys.txt\n"
	    "  pontage channel keys main name 7 team-a\n"
	    "  pontage channel keys main disable team-a 'rotated out'\n",
	    keys_args, VALUES, channel_run_keys),
	CMD("health", "[CHANNEL|key:ID] [--reset]",
	    "what cools down, since when and why", NULL, health_args, VALUES,
	    channel_run_health),
	CMD("fetch-models", "CHANNEL [--add|--apply]",
	    "ask the provider for its models, and compare", NULL, fetch_args,
	    VALUES, channel_run_fetch),
	CMD("enable", "CHANNEL", "use it again, whatever the gateway thought",
	    NULL, which_args, VALUES, enable),
	CMD("disable", "CHANNEL", "do not use it until it is enabled", NULL,
	    which_args, VALUES, disable),
	CMD("remove", "CHANNEL", "remove it for ever, with its keys", NULL,
	    which_args, VALUES, drop),
	{ .name = NULL }
};

const struct cmd cmd_channel = {
	.name = "channel",
	.words = "",
	.what = "ways to providers: add, list, show, set, keys, health, test, "
		"fetch-models, enable, disable, remove",
	.args = NO_ARGS,
	.subs = subs,
};
