/* dialect_gemini_parts.c - the contents of a client's request to messages.
 *
 * A call and its result may have no ids here: the results of a name answer its
 * calls in their order, and get ids that stay the same from turn to turn.
 */
#include "dialect/gemini.h"

#define NAMES_MAX 512 /* of functions, that are told apart */

struct call {
	struct call *next;
	struct str id;
};

struct named { /* the calls of one function that have no result yet */
	struct named *next;
	struct str name;
	struct call *first, *last;
};

struct reader {
	struct chat *c;
	struct named *names;
	int n_names, n_calls;
	int i, k; /* contents[i].parts[k] */
};

static int refuse(const struct reader *r, struct err *e, const char *want)
{
	char param[64];

	if (r->k < 0)
		snprintf(param, sizeof(param), "contents[%d]", r->i);
	else
		snprintf(param, sizeof(param), "contents[%d].parts[%d]", r->i,
			 r->k);
	return err_param(e, ERR_TYPE, param,
			 "Invalid type for '%s': expected %s.", param, want);
}

/* --- calls and results -----------------------------------------------------
 */

static struct named *named(struct reader *r, struct str name)
{
	struct named *n = r->names;

	while (n &&
	       !(n->name.n == name.n && !memcmp(n->name.p, name.p, name.n)))
		n = n->next;
	if (n || r->n_names >= NAMES_MAX)
		return n;
	n = ARENA_NEW(r->c->mem, struct named);
	n->name = name;
	n->next = r->names;
	r->names = n;
	r->n_names++;
	return n;
}

static int read_call(struct reader *r, struct chat_part *p,
		     struct json_object *v, struct err *e)
{
	struct json_object *args = js_get(v, "args");
	struct call *call = ARENA_NEW(r->c->mem, struct call);
	struct named *n;

	p->name = tree_member(r->c->mem, v, "name");
	p->id = tree_member(r->c->mem, v, "id");
	if (!p->name.p)
		return refuse(r, e, "a functionCall with its name");
	if (!p->id.n)
		p->id = str_of(arena_printf(r->c->mem, "call_%d", r->n_calls));
	r->n_calls++;
	p->text = args ? tree_json(r->c->mem, args) : STR("{}");
	call->id = p->id;
	n = named(r, p->name);
	if (n && n->first)
		n->last->next = call;
	else if (n)
		n->first = call;
	if (n)
		n->last = call;
	return 0;
}

/* The id of the oldest call of this name, which has its result now. */
static struct str answered(struct reader *r, struct str name, struct str id)
{
	struct named *n = named(r, name);
	struct call *call = n ? n->first : NULL;

	if (call && (!id.n || str_same(id, call->id))) {
		n->first = call->next;
		return call->id;
	}
	return id.n ? id :
		      str_of(arena_printf(r->c->mem, "call_%.*s",
					  STR_FMT(name)));
}

static void read_response(struct reader *r, struct chat_part *p,
			  struct json_object *v)
{
	static const char *const only[] = { "output", "result", "error" };
	struct chat_part *text = chat_part(r->c, &p->content, PART_TEXT);
	bool one = json_object_is_type(v, json_type_object) &&
		   json_object_object_length(v) == 1;

	for (size_t i = 0; one && i < COUNT(only); i++) {
		struct str s = tree_member(r->c->mem, v, only[i]);

		if (!s.p)
			continue;
		text->text = s;
		p->failed = !strcmp(only[i], "error");
		return;
	}
	text->text = v ? tree_json(r->c->mem, v) : STR("{}");
}

static int read_media(struct reader *r, struct chat_part *p,
		      struct json_object *v, struct err *e);

static int read_result(struct reader *r, struct chat_part *p,
		       struct json_object *v, struct err *e)
{
	static const char *const media[] = { "inlineData", "fileData" };
	struct json_object *parts = js_get(v, "parts");

	p->name = tree_member(r->c->mem, v, "name");
	if (!p->name.p)
		return refuse(r, e, "a functionResponse with its name");
	p->id = answered(r, p->name, tree_member(r->c->mem, v, "id"));
	read_response(r, p, js_get(v, "response"));
	for (int i = 0; i < js_len(parts); i++)
		for (size_t k = 0; k < COUNT(media); k++) {
			struct json_object *m =
				gemini_get(js_at(parts, i), media[k]);

			if (m &&
			    read_media(r,
				       chat_part(r->c, &p->content, PART_FILE),
				       m, e) < 0)
				return -1;
		}
	return 0;
}

/* --- the other parts -------------------------------------------------------
 */

/* inlineData and fileData: the type says what it is. */
static int read_media(struct reader *r, struct chat_part *p,
		      struct json_object *v, struct err *e)
{
	p->mime = gemini_member(r->c->mem, v, "mimeType");
	p->data = gemini_member(r->c->mem, v, "data");
	p->url = gemini_member(r->c->mem, v, "fileUri");
	p->name = gemini_member(r->c->mem, v, "displayName");
	if (!p->data.p && !p->url.p)
		return refuse(r, e, "an object with data or fileUri");
	if (!p->mime.p)
		return p->url.p ? 0 : refuse(r, e, "an object with mimeType");
	if (str_starts(p->mime, "image/"))
		p->kind = PART_IMAGE;
	else if (str_starts(p->mime, "audio/") && p->data.p)
		p->kind = PART_AUDIO;
	return 0;
}

static int read_text(struct reader *r, struct chat_part *p,
		     struct json_object *v, struct err *e)
{
	p->text = tree_text(r->c->mem, v);
	return p->text.p ? 0 : refuse(r, e, "a part with its text");
}

static const struct part_type {
	const char *name;
	enum part_kind kind;
	int (*fn)(struct reader *r, struct chat_part *p, struct json_object *v,
		  struct err *e);
} types[] = {
	/* clang-format off */
	{ "text",             PART_TEXT,        read_text },
	{ "inlineData",       PART_FILE,        read_media },
	{ "fileData",         PART_FILE,        read_media },
	{ "functionCall",     PART_TOOL_CALL,   read_call },
	{ "functionResponse", PART_TOOL_RESULT, read_result },
	/* clang-format on */
};

/* What stands beside any part. */
static void read_beside(struct reader *r, struct chat_part *p,
			struct json_object *o)
{
	static const struct {
		const char *level, *detail;
	} levels[] = {
		{ "MEDIA_RESOLUTION_LOW", "low" },
		{ "MEDIA_RESOLUTION_MEDIUM", "auto" },
		{ "MEDIA_RESOLUTION_HIGH", "high" },
	};
	static const char *const gone[] = { "videoMetadata", "partMetadata" };
	const char *level =
		js_str(gemini_get(o, "mediaResolution"), "level", "");

	for (size_t i = 0; i < COUNT(levels); i++)
		if (!strcmp(levels[i].level, level))
			p->detail = str_of(levels[i].detail);
	for (size_t i = 0; i < COUNT(gone); i++)
		if (gemini_get(o, gone[i]))
			chat_lost(r->c, "contents[%d].parts[%d].%s", r->i, r->k,
				  gone[i]);
	signed_in("gemini", gemini_member(r->c->mem, o, "thoughtSignature"),
		  &p->signer, &p->signature);
}

/* The signature of a streamed text comes in an empty part after it. */
static bool is_after(const struct chat_part *last, const struct chat_part *p)
{
	return last && last->kind == p->kind && !p->text.n && p->signature.p &&
	       !last->signature.p &&
	       (p->kind == PART_TEXT || p->kind == PART_REASONING);
}

static int read_part(struct reader *r, struct chat_parts *list,
		     struct json_object *o, struct err *e)
{
	const struct part_type *t = NULL;
	struct chat_part *p, *last = list->last;

	if (!json_object_is_type(o, json_type_object))
		return refuse(r, e, "an object");
	for (size_t i = 0; i < COUNT(types) && !t; i++)
		if (gemini_get(o, types[i].name))
			t = &types[i];
	p = chat_part(r->c, list, t ? t->kind : PART_OPAQUE);
	if (!t) {
		p->name = STR("gemini");
		p->text = tree_json(r->c->mem, o);
		return 0;
	}
	if (t->fn(r, p, gemini_get(o, t->name), e) < 0)
		return -1;
	read_beside(r, p, o);
	if (p->kind == PART_TEXT && js_bool(o, "thought", false)) {
		p->kind = PART_REASONING;
		if (!p->signer.p)
			p->signer = STR("gemini");
	}
	if (is_after(last, p)) {
		last->signature = p->signature;
		last->signer = p->signer;
		last->next = NULL;
		list->last = last;
	}
	return 0;
}

/* --- contents --------------------------------------------------------------
 */

static int read_parts(struct reader *r, struct chat_msg *m,
		      struct json_object *o, struct err *e)
{
	struct json_object *parts = js_get(o, "parts");
	const struct chat_part *p;

	if (json_object_is_type(o, json_type_string)) {
		chat_part(r->c, &m->parts, PART_TEXT)->text =
			tree_text(r->c->mem, o);
		return 0;
	}
	if (json_object_is_type(parts, json_type_object))
		return read_part(r, &m->parts, parts, e);
	if (parts && !json_object_is_type(parts, json_type_array))
		return refuse(r, e, "an object with an array of parts");
	for (r->k = 0; r->k < js_len(parts); r->k++)
		if (read_part(r, &m->parts, js_at(parts, r->k), e) < 0)
			return -1;
	r->k = -1;
	p = m->parts.first;
	while (p && p->kind == PART_TOOL_RESULT)
		p = p->next;
	if (m->role == CHAT_USER && m->parts.first && !p)
		m->role = CHAT_TOOL;
	return 0;
}

static int read_content(struct reader *r, struct json_object *o, struct err *e)
{
	static const struct {
		const char *name;
		enum chat_role role;
	} roles[] = {
		{ "user", CHAT_USER },     { "model", CHAT_ASSISTANT },
		{ "function", CHAT_USER }, { "tool", CHAT_USER },
		{ "system", CHAT_SYSTEM },
	};
	const char *role = js_str(o, "role", "user");

	if (!json_object_is_type(o, json_type_object))
		return refuse(r, e, "an object");
	for (size_t i = 0; i < COUNT(roles); i++)
		if (!strcmp(roles[i].name, role))
			return read_parts(r, chat_msg(r->c, roles[i].role), o,
					  e);
	return refuse(r, e, "a role of user or model");
}

int gemini_read_contents(struct chat *c, struct json_object *v, struct err *e)
{
	struct reader r = { .c = c, .k = -1 };

	if (json_object_is_type(v, json_type_object))
		return read_content(&r, v, e);
	if (!json_object_is_type(v, json_type_array))
		return err_param(e, ERR_TYPE, "contents",
				 "Invalid type for 'contents': expected an "
				 "array of objects.");
	for (r.i = 0; r.i < js_len(v); r.i++)
		if (read_content(&r, js_at(v, r.i), e) < 0)
			return -1;
	return 0;
}

/* It comes before the contents, wherever it stands in the body. */
int gemini_read_system(struct chat *c, struct json_object *v, struct err *e)
{
	struct chat_msg *first = c->msgs, *last = c->msg_last, *m;
	struct reader r = { .c = c, .k = -1 };

	c->msgs = c->msg_last = NULL;
	m = chat_msg(c, CHAT_SYSTEM);
	m->next = first;
	c->msg_last = last ? last : m;
	if (json_object_is_type(v, json_type_string) ||
	    json_object_is_type(v, json_type_object))
		return read_parts(&r, m, v, e);
	return err_param(e, ERR_TYPE, "systemInstruction",
			 "Invalid type for 'systemInstruction': expected an "
			 "object.");
}
