/* ask.c - see ask.h. */
#include "ask.h"

#include "peek.h"

#include "json/text.h"

static void read_stream(struct ask *a, struct str v)
{
	a->stream = str_eq(v, "true");
}

static void read_options(struct ask *a, struct str v)
{
	a->include_usage = str_eq(peek_member(v, "include_usage"), "true");
}

static void read_model(struct ask *a, struct str v)
{
	a->model = peek_text(v);
}

static void read_n(struct ask *a, struct str v)
{
	if (str_int(v, 1, 128, &a->n) < 0)
		a->n = 1;
}

static void read_dims(struct ask *a, struct str v)
{
	if (str_int(v, 1, 4096, &a->dims) < 0)
		a->dims = 8;
}

/* A string, or the last text part of an array. */
static void read_content(struct ask *a, struct str v)
{
	struct str part;

	if (!peek_open(&v, '[')) {
		a->text = peek_text(v);
		return;
	}
	while (peek_item(&v, &part)) {
		struct str text = peek_text(peek_member(part, "text"));

		if (text.p)
			a->text = text;
		else if (*part.p == '"')
			a->text = peek_text(part);
	}
}

static void read_messages(struct ask *a, struct str v)
{
	struct str m;

	if (!peek_open(&v, '['))
		return;
	while (peek_item(&v, &m))
		if (str_eq(peek_member(m, "role"), "\"user\""))
			read_content(a, peek_member(m, "content"));
}

static void read_tools(struct ask *a, struct str v)
{
	struct str first;

	if (peek_open(&v, '[') && peek_item(&v, &first))
		a->tool = peek_text(
			peek_member(peek_member(first, "function"), "name"));
}

static void read_format(struct ask *a, struct str v)
{
	a->json = str_starts(peek_text(peek_member(v, "type")), "json");
}

static void read_encoding(struct ask *a, struct str v)
{
	a->base64 = str_eq(v, "\"base64\"");
}

static void read_input(struct ask *a, struct str v)
{
	a->input = v;
	read_content(a, v);
}

static const struct {
	const char *name;
	void (*read)(struct ask *a, struct str v);
} members[] = {
	{ "model", read_model },
	{ "messages", read_messages },
	{ "stream", read_stream },
	{ "stream_options", read_options },
	{ "n", read_n },
	{ "tools", read_tools },
	{ "response_format", read_format },
	{ "prompt", read_content },
	{ "input", read_input },
	{ "encoding_format", read_encoding },
	{ "dimensions", read_dims },
};

/* "call NAME {json}" calls a tool, if there are tools; the models mock-tools
 * and mock-tools2 always call one, or two. */
static void choose_tool(struct ask *a)
{
	struct str rest = a->text, name, word;
	bool two = str_eq(a->model, "mock-tools2");

	if (two || str_eq(a->model, "mock-tools")) {
		if (!a->tool.p)
			a->tool = STR("get_weather");
		a->args = STR("{\\\"city\\\":\\\"Oslo\\\"}");
		if (two)
			a->args2 = STR("{\\\"city\\\":\\\"Rome\\\"}");
		return;
	}
	if (a->tool.p && str_starts(a->text, "call ") &&
	    str_next(&rest, ' ', &word) && str_next(&rest, ' ', &name)) {
		a->tool = name;
		a->args = rest.n ? rest : STR("{}");
		return;
	}
	a->tool = STR_NONE;
}

/* "mod\u0065l" is a model, too. */
static bool is_named(struct str key, const char *name)
{
	return json_text_is((struct str){ key.p - 1, key.n + 2 }, str_of(name));
}

int ask_read(struct ask *a, enum ask_kind kind, struct str body)
{
	struct str key, value;

	*a = (struct ask){ .kind = kind, .n = 1, .dims = 8 };
	if (!peek_open(&body, '{'))
		return -1;
	while (peek_pair(&body, &key, &value))
		for (size_t i = 0; i < COUNT(members); i++)
			if (is_named(key, members[i].name))
				members[i].read(a, value);
	if (!a->text.p)
		a->text = STR("");
	choose_tool(a);
	return a->model.p ? 0 : -1;
}
