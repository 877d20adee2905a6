/* channel_fields.c - what a channel can be told, and whether it is right. */
#include "channel.h"

#include <errno.h>

#include "dialect/ask.h"
#include "http/header.h"
#include "http/url.h"
#include "text/utf8.h"
#include "json/js.h"

#define TEXT_MAX 16384

/* --- checks: -1 and what is wrong ------------------------------------------------ */

static int check_rotation(struct cli *c, const char **text, struct err *e)
{
	static const char *const names[] = { "round_robin", "random",
					     "least_used" };
	(void)c;
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(*text, names[i]))
			return 0;
	return err_set(e, ERR_USAGE,
		       "--rotation: want round_robin, random or least_used, "
		       "got \"%.40s\"",
		       *text);
}

static int check_proxy(struct cli *c, const char **text, struct err *e)
{
	static const char *const schemes[] = { "http://", "socks5h://" };
	struct err why = { 0 };
	struct url u;

	for (size_t i = 0; i < COUNT(schemes); i++) {
		const char *rest = *text + strlen(schemes[i]);

		if (!str_starts(str_of(*text), schemes[i]))
			continue;
		/* A port and no path: what else would be quietly left out. */
		rest = arena_printf(&c->arena, "http://%s", rest);
		if (url_parse(&u, str_of(rest), &why) < 0)
			return err_set(e, ERR_USAGE, "--proxy: %s", why.msg);
		if (u.path.n > 1)
			return err_set(e, ERR_USAGE,
				       "--proxy: want no path behind the port");
		return 0;
	}
	return err_set(e, ERR_USAGE,
		       "--proxy: want http://HOST:PORT, socks5h://HOST:PORT "
		       "or none, got \"%.80s\"",
		       *text);
}

static struct json_object *read_object(const char *option, const char *text,
				       struct err *e)
{
	static const struct scan_limits limits = { .depth = JS_DEPTH };
	struct json_object *o = NULL;
	struct err why = { 0 };
	struct scan s;
	int r;

	scan_init(&s, NULL, &limits, NULL, NULL);
	r = scan_text(&s, str_of(text), &why);
	scan_release(&s);
	if (r == 0)
		o = js_parse(text, strlen(text), &why);
	if (json_object_is_type(o, json_type_object))
		return o;
	js_free(o);
	err_set(e, ERR_USAGE, "%s: want a JSON object, like '{\"a\": 1}'%s%s",
		option, why.code ? ": " : "", why.msg);
	return NULL;
}

static int check_params(struct cli *c, const char **text, struct err *e)
{
	struct json_object *o = read_object("--params", *text, e);
	int r = o ? 0 : -1;

	(void)c;
	if (!o)
		return -1;
	json_object_object_foreach(o, name, v) {
		(void)v;
		if (!r && ask_protected(name))
			r = err_set(e, ERR_USAGE,
				    "--params: \"%.40s\" is the caller's or "
				    "the gateway's to say",
				    name);
	}
	js_free(o);
	return r;
}

static int check_header(const char *name, struct json_object *v, struct err *e)
{
	struct str text = STR_NONE;

	if (v)
		text = (struct str){ json_object_get_string(v),
				     (size_t)json_object_get_string_len(v) };
	if (v && !json_object_is_type(v, json_type_string))
		return err_set(e, ERR_USAGE,
			       "--headers: %.40s: want a text, or null to "
			       "leave the header out",
			       name);
	if (!header_name_ok(str_of(name)) || (v && !header_value_ok(text)))
		return err_set(e, ERR_USAGE,
			       "--headers: \"%.40s\" is no header that can be "
			       "sent",
			       name);
	if (!header_may_change(str_of(name)))
		return err_set(e, ERR_USAGE,
			       "--headers: %.40s is the gateway's to say: it "
			       "carries the key, or how the request is sent",
			       name);
	return 0;
}

static int check_headers(struct cli *c, const char **text, struct err *e)
{
	struct json_object *o = read_object("--headers", *text, e);
	int r = o ? 0 : -1;

	(void)c;
	if (!o)
		return -1;
	json_object_object_foreach(o, name, v) {
		if (!r)
			r = check_header(name, v, e);
	}
	js_free(o);
	return r;
}

/* "@FILE" is what the file holds: prompts have lines. */
static int read_prompt(struct cli *c, const char **text, struct err *e)
{
	char at[TEXT_MAX + 1];
	size_t n;
	FILE *f;

	if (**text != '@')
		return 0;
	f = fopen(*text + 1, "re");
	if (!f)
		return err_set(e, ERR_USAGE, "--system-prompt: %s: %s",
			       *text + 1, strerror(errno));
	n = fread(at, 1, sizeof(at), f);
	fclose(f);
	if (n > TEXT_MAX || memchr(at, '\0', n) ||
	    utf8_valid((struct str){ at, n }) != n)
		return err_set(e, ERR_USAGE,
			       "--system-prompt: want at most %d bytes of "
			       "UTF-8",
			       TEXT_MAX);
	*text = arena_dup(&c->arena, (struct str){ at, n });
	return 0;
}

/* --- all of them ------------------------------------------------------------------- */

#define AT(field) offsetof(struct channel_values, field)
#define OF(field) offsetof(struct channel, field)

static const struct text_field {
	size_t from, to;
	int (*check)(struct cli *c, const char **text, struct err *e);
} texts[] = {
	{ AT(groups), OF(groups), NULL },
	{ AT(rotation), OF(rotation), check_rotation },
	{ AT(proxy), OF(proxy), check_proxy },
	{ AT(test_model), OF(test_model), NULL },
	{ AT(tags), OF(tags), NULL },
	{ AT(notes), OF(notes), NULL },
	{ AT(params), OF(params), check_params },
	{ AT(headers), OF(headers), check_headers },
	{ AT(system_prompt), OF(system_prompt), read_prompt },
};

static const struct number_field {
	size_t from, to;
	int64_t keep; /* says nothing */
} numbers[] = {
	{ AT(priority), OF(priority), INT64_MIN },
	{ AT(weight), OF(weight), -1 },
	{ AT(rpm), OF(rpm), -1 },
	{ AT(tpm), OF(tpm), -1 },
	{ AT(concurrency), OF(concurrency), -1 },
	{ AT(key_rpm), OF(key_rpm), -1 },
	{ AT(key_tpm), OF(key_tpm), -1 },
	{ AT(key_concurrency), OF(key_concurrency), -1 },
	{ AT(connect_ms), OF(connect_ms), -1 },
	{ AT(first_token_ms), OF(first_token_ms), -1 },
	{ AT(idle_ms), OF(idle_ms), -1 },
	{ AT(total_ms), OF(total_ms), -1 },
};

static int take_texts(struct cli *c, const struct channel_values *v,
		      struct channel *ch, struct err *e)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct text_field *f = &texts[i];
		const char *text =
			*(const char *const *)((const char *)v + f->from);

		if (!text)
			continue;
		if (!strcmp(text, "none") && f->to != OF(groups))
			text = "";
		if (*text && f->check && f->check(c, &text, e) < 0)
			return -1;
		*(const char **)((char *)ch + f->to) = text;
	}
	return 0;
}

int channel_take(struct cli *c, const struct channel_values *v,
		 struct channel *ch, struct err *e)
{
	if (take_texts(c, v, ch, e) < 0)
		return -1;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		const struct number_field *f = &numbers[i];
		int64_t n = *(const int64_t *)((const char *)v + f->from);

		if (n != f->keep)
			*(int64_t *)((char *)ch + f->to) = n;
	}
	if (!v->auto_disable)
		return 0;
	ch->auto_disable = !strcmp(v->auto_disable, "on");
	if (!ch->auto_disable && strcmp(v->auto_disable, "off") != 0)
		return err_set(e, ERR_USAGE,
			       "--auto-disable: want on or off, got \"%.40s\"",
			       v->auto_disable);
	return 0;
}

/* --- their words ------------------------------------------------------------------- */

#define COUNT_ARG(name, field, what)                                         \
	ARG(name, ARG_INT, AT(field), "N", what " (0: no limit)", .def = -1, \
	    .max = 1000000000)
#define TIME_ARG(name, field, what)                                 \
	ARG(name, ARG_INT, AT(field), "MS",                         \
	    what ", in milliseconds (0: the setting's)", .def = -1, \
	    .max = 86400000)
#define TEXT_ARG(name, field, value, what) \
	ARG(name, ARG_TEXT, AT(field), value, what, .max = TEXT_MAX)

#define OPTIONS                                                                \
	ARG("--base-url", ARG_TEXT, AT(base_url), "URL",                       \
	    "with the version path, like https://llm.example.org/v1; without " \
	    "a path the provider's is added",                                  \
	    .max = 2048),                                                      \
		ARG("--models", ARG_LIST, AT(models), "A,B",                   \
		    "what it serves, as clients ask for it; gpt-4o* is a "     \
		    "wildcard, re:^gpt a regular expression"),                 \
		ARG("--map", ARG_LIST, AT(map), "A=B",                         \
		    "asked for as A, the provider calls it B; in B of a "      \
		    "wildcard * is what it stood for"),                        \
		ARG("--group", ARG_LIST, AT(groups), "G,H",                    \
		    "user groups that may use it (default)"),                  \
		ARG("--priority", ARG_INT, AT(priority), "N",                  \
		    "higher goes first (0)", .def = INT64_MIN,                 \
		    .min = -1000000, .max = 1000000),                          \
		ARG("--weight", ARG_INT, AT(weight), "N",                      \
		    "share among those of one priority (1)", .def = -1,        \
		    .max = 1000000),                                           \
		ARG("--rotation", ARG_WORD, AT(rotation), "HOW",               \
		    "of its keys: round_robin, random, least_used",            \
		    .max = 16),                                                \
		COUNT_ARG("--rpm", rpm, "requests a minute at most"),          \
		COUNT_ARG("--tpm", tpm, "model tokens a minute"),              \
		COUNT_ARG("--concurrency", concurrency, "requests at once"),   \
		COUNT_ARG("--key-rpm", key_rpm, "the same of each key"),       \
		COUNT_ARG("--key-tpm", key_tpm, "the same of each key"),       \
		COUNT_ARG("--key-concurrency", key_concurrency,                \
			  "the same of each key"),                             \
		TIME_ARG("--connect-ms", connect_ms, "wait for a connection"), \
		TIME_ARG("--first-token-ms", first_token_ms,                   \
			 "wait for the first piece of an answer"),             \
		TIME_ARG("--idle-ms", idle_ms, "silence inside of an answer"), \
		TIME_ARG("--total-ms", total_ms, "a whole answer"),            \
		ARG("--allow", ARG_CIDRS, AT(allow), "CIDR",                   \
		    "private networks that its name or its proxy's may lead "  \
		    "to"),                                                     \
		ARG("--proxy", ARG_TEXT, AT(proxy), "URL",                     \
		    "http://HOST:PORT, socks5h://HOST:PORT, or none",          \
		    .max = 2048),                                              \
		ARG("--test-model", ARG_TEXT, AT(test_model), "MODEL",         \
		    "what tests and probes ask for (its first)", .max = 256),  \
		ARG("--auto-disable", ARG_WORD, AT(auto_disable), "on|off",    \
		    "may the gateway switch keys off that are refused (on)",   \
		    .max = 3),                                                 \
		TEXT_ARG("--params", params, "JSON",                           \
			 "members set in each request; null: taken out"),      \
		TEXT_ARG("--headers", headers, "JSON",                         \
			 "headers set in each request; null: taken out"),      \
		TEXT_ARG("--system-prompt", system_prompt, "TEXT",             \
			 "begins every chat; @FILE reads it"),                 \
		ARG("--tags", ARG_LIST, AT(tags), "A,B",                       \
		    "to change many at once"),                                 \
		TEXT_ARG("--notes", notes, "TEXT", "for people")

const struct arg channel_add_args[] = {
	ARG("NAME", ARG_WORD, AT(name), NULL, "what you call it",
	    .max = CHANNEL_NAME_MAX, .required = true),
	ARG("--provider", ARG_WORD, AT(provider), "ID",
	    "openai, compatible, test, ...", .max = 64, .required = true),
	OPTIONS,
	{ .name = NULL }
};

const struct arg channel_set_args[] = {
	ARG("CHANNEL", ARG_TEXT, AT(name), NULL, "name or id"),
	OPTIONS,
	ARG("--tag", ARG_WORD, AT(tag), "TAG",
	    "instead of CHANNEL: all that have this tag", .max = 64),
	ARG("--keys", ARG_FLAG, AT(keys), NULL,
	    "replace its keys by those on standard input"),
	{ .name = NULL }
};
