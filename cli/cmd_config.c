/* cmd_config.c - every setting as it stands, and where it comes from. */
#include "cmd.h"

#include "json/jw.h"

struct line {
	const char *name, *value, *json, *def, *origin, *bounds, *help;
};

static const struct out_col cols[] = {
	{ "name", "SETTING", OUT_TEXT, offsetof(struct line, name) },
	{ "value", NULL, OUT_RAW, offsetof(struct line, json) },
	{ "", "VALUE", OUT_TEXT, offsetof(struct line, value) },
	{ "default", "DEFAULT", OUT_TEXT, offsetof(struct line, def) },
	{ "origin", "FROM", OUT_TEXT, offsetof(struct line, origin) },
	{ "bounds", NULL, OUT_NAME, offsetof(struct line, bounds) },
	{ "help", NULL, OUT_TEXT, offsetof(struct line, help) },
	{ .name = NULL }
};

static const char *origin(struct cli *c, const struct conf_source *s)
{
	switch (s->origin) {
	case CONF_FILE:
		return arena_printf(&c->arena, "%s:%d", c->conf.path, s->line);
	case CONF_ENV: return "environment";
	case CONF_DEFAULT: break;
	}
	return "default";
}

static const char *copy(struct cli *c, const char *s)
{
	return arena_dup(&c->arena, str_of(s));
}

static const char *as_json(struct cli *c, const struct conf_view *v)
{
	struct buf b;
	const char *s;

	if (!v->text)
		return copy(c, v->value);
	buf_init(&b, 65536);
	jw_quote(&b, str_of(v->value));
	s = copy(c, b.p);
	buf_release(&b);
	return s;
}

static int config(struct cli *c, const void *values, struct err *e)
{
	struct line lines[CONF__COUNT];
	struct conf_view v;
	int n = 0;

	(void)values;
	(void)e;
	for (; conf_view(&c->conf, n, &v); n++)
		lines[n] = (struct line){ .name = v.name,
					  .help = v.help,
					  .value = copy(c, v.value),
					  .json = as_json(c, &v),
					  .def = copy(c, v.def),
					  .bounds = copy(c, v.bounds),
					  .origin = origin(c, &v.source) };
	out_rows(&c->out, cols, lines, sizeof(lines[0]), n, "");
	return 0;
}

const struct cmd cmd_config = {
	.name = "config",
	.words = "",
	.what = "every setting: its value, its default, and where it was set",
	.help = "A setting is a line `name = value` in the file, or "
		"PONTAGE_NAME in the\nenvironment, which counts more.\n",
	.args = NO_ARGS,
	.run = config,
};
