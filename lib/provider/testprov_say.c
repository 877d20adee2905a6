/* testprov_say.c - what the test provider's models say. */
#include <math.h>

#include "dialect/vector.h"
#include "provider/testprov_in.h"
#include "json/js.h"
#include "json/jw.h"

#define ANSWER_MAX (64u << 20)

/* FNV-1a, 64 bits: the same everywhere, for ever. */
uint64_t testprov_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

void testprov_vector(struct str text, int64_t dimensions, struct buf *out)
{
	uint64_t h = testprov_hash(text) | 1;
	float length = sqrtf((float)dimensions);

	for (int64_t i = 0; i < dimensions; i++) {
		h ^= h << 13; /* xorshift */
		h ^= h >> 7;
		h ^= h << 17;
		vector_add(out, ((float)(h >> 40) / 8388608.0f - 1) / length);
	}
}

/* --- what was asked --------------------------------------------------------
 */

static int64_t part_bytes(const struct chat_part *p)
{
	int64_t n = 0;

	for (; p; p = p->next)
		n += (int64_t)p->text.n + part_bytes(p->content.first);
	return n;
}

static int64_t prompt_bytes(const struct chat *c)
{
	int64_t n = 0;

	for (const struct chat_msg *m = c->msgs; m; m = m->next)
		n += part_bytes(m->parts.first);
	return n;
}

/* The text that a choice answers: of a completion, its own prompt. */
static struct str asked(const struct testprov *t, int choice)
{
	const struct chat_msg *m = t->chat.msgs;
	int64_t each = t->chat.n > 0 ? t->chat.n : 1;
	struct str s;

	if (t->chat.shape == SHAPE_CHAT) {
		s = chat_last_user(&t->chat);
		return s.p ? s : STR("");
	}
	for (int64_t i = choice / each; m && i; i--)
		m = m->next;
	return m ? chat_plain(&t->chat, &m->parts) : STR("");
}

/* --- JSON ------------------------------------------------------------------
 */

static void fill(struct jw *w, const char *name, struct json_object *schema,
		 int depth);

static void fill_object(struct jw *w, const char *name,
			struct json_object *schema, int depth)
{
	struct json_object *properties = js_get(schema, "properties");

	jw_object(w, name);
	if (json_object_is_type(properties, json_type_object) && depth < 16) {
		json_object_object_foreach(properties, key, v)
			fill(w, key, v, depth + 1);
	}
	jw_end(w);
}

static const struct {
	const char *type, *value;
} plain[] = {
	{ "string", "\"text\"" }, { "integer", "1" }, { "number", "1.5" },
	{ "boolean", "true" },    { "array", "[]" },  { "null", "null" },
};

/* A value that a simple schema allows: an enum's first, else one of its type.
 */
static void fill(struct jw *w, const char *name, struct json_object *schema,
		 int depth)
{
	struct json_object *first = js_at(js_get(schema, "enum"), 0);
	const char *type = js_str(schema, "type", "object");

	if (first) {
		jw_raw(w, name, str_of(json_object_to_json_string(first)));
		return;
	}
	for (size_t i = 0; i < COUNT(plain); i++)
		if (!strcmp(plain[i].type, type)) {
			jw_raw(w, name, str_of(plain[i].value));
			return;
		}
	fill_object(w, name, schema, depth);
}

static struct str say_json(struct testprov *t, struct str text)
{
	struct err e = { 0 };
	struct json_object *schema = NULL;
	struct buf b;
	struct jw w;
	struct str s;

	buf_init(&b, ANSWER_MAX);
	jw_start(&w, &b);
	if (t->chat.format_schema.p)
		schema = js_parse(t->chat.format_schema.p,
				  t->chat.format_schema.n, &e);
	if (schema) {
		fill_object(&w, NULL, schema, 0);
	} else {
		jw_object(&w, NULL);
		jw_text(&w, "answer", text);
		jw_end(&w);
	}
	s = arena_str(&t->mem, buf_span(&b));
	js_free(schema);
	buf_release(&b);
	return s;
}

/* --- tools -----------------------------------------------------------------
 */

/* "call NAME {...}" names the tool and its arguments. */
static bool told_to_call(struct str s, struct str *name, struct str *args)
{
	const char *at = s.n ? memmem(s.p, s.n, "call ", 5) : NULL;
	struct str rest;

	if (!at)
		return false;
	rest = (struct str){ at + 5, s.n - (size_t)(at + 5 - s.p) };
	if (!str_next(&rest, ' ', name) || !name->n)
		return false;
	*args = rest.n && *rest.p == '{' ? rest : STR("{}");
	return true;
}

/* False: there is nothing to call, so it talks. */
static bool prepare_tool(struct testprov *t)
{
	const struct chat *c = &t->chat;
	struct str name, args;

	if (!c->tools || c->choice == CHOICE_NONE ||
	    (c->msg_last && c->msg_last->role == CHAT_TOOL))
		return false;
	t->tool = c->tools->name;
	t->args = STR("{}");
	if (c->choice == CHOICE_NAMED)
		t->tool = c->choice_name;
	if (told_to_call(asked(t, 0), &name, &args)) {
		t->tool = name;
		t->args = args;
	}
	return true;
}

static struct str tool_text(struct testprov *t)
{
	const struct chat_msg *last = t->chat.msg_last;
	const struct chat_part *p = last ? last->parts.first : NULL;
	struct str s;

	if (!last || last->role != CHAT_TOOL || !p)
		return STR("There is no tool to call.");
	s = chat_plain(&t->chat, &p->content);
	return str_of(arena_printf(&t->mem, "The tool said: %.*s", STR_FMT(s)));
}

/* --- texts -----------------------------------------------------------------
 */

static struct str say_count(struct testprov *t)
{
	struct buf b;
	struct str s;

	buf_init(&b, ANSWER_MAX);
	for (int64_t i = 1; i <= t->n_pieces; i++) {
		if (i > 1)
			buf_char(&b, ' ');
		buf_int(&b, i);
	}
	s = arena_str(&t->mem, buf_span(&b));
	buf_release(&b);
	return s;
}

static struct str text(struct testprov *t, int choice)
{
	switch (t->model->say) {
	case SAY_ECHO:
	case SAY_REASON: return asked(t, choice);
	case SAY_FIXED: return STR("Hello from the test provider.");
	case SAY_COUNT: return choice ? t->texts[0] : say_count(t);
	case SAY_JSON: return say_json(t, asked(t, choice));
	case SAY_TOOL: return t->tool.p ? STR_NONE : tool_text(t);
	default: return STR_NONE;
	}
}

/* A limit of tokens is one of bytes here: four to a token. */
static void limit(struct testprov *t, struct str *s)
{
	size_t max;

	if (t->chat.max_tok < 0 || t->chat.max_tok > INT32_MAX)
		return;
	max = (size_t)t->chat.max_tok * 4;
	if (s->n <= max)
		return;
	while (max && ((unsigned char)s->p[max] & 0xc0) == 0x80)
		max--;
	s->n = max;
	t->cut_short = true;
}

static int count_choices(const struct chat *c)
{
	int64_t each = c->n > 0 ? MIN(c->n, DEC_CHOICES) : 1, n = 0;

	if (c->shape == SHAPE_CHAT)
		return (int)each;
	for (const struct chat_msg *m = c->msgs; m && n < DEC_CHOICES;
	     m = m->next)
		n += each;
	return (int)MAX(MIN(n, DEC_CHOICES), 1);
}

void testprov_prepare(struct testprov *t)
{
	t->prompt_bytes = prompt_bytes(&t->chat);
	t->n_choices = count_choices(&t->chat);
	t->texts = ARENA_ARRAY(&t->mem, struct str, t->n_choices);
	t->at = ARENA_ARRAY(&t->mem, size_t, t->n_choices);
	if (t->model->say == SAY_TOOL)
		prepare_tool(t);
	if (t->model->say == SAY_REASON)
		t->reasoning = STR("I am asked something. I say it back.");
	for (int i = 0; i < t->n_choices; i++) {
		t->texts[i] = text(t, i);
		limit(t, &t->texts[i]);
	}
}
