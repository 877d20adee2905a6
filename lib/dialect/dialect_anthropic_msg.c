/* dialect_anthropic_msg.c - the messages of a request, as an upstream reads
 * them.
 *
 * Messages of one side that follow each other are one here, with the results
 * of tools before anything else.
 */
#include "dialect/anthropic.h"

#include <ctype.h>

/* --- parts -----------------------------------------------------------------
 */

static void text_if(struct jw *w, const char *name, struct str s)
{
	if (s.p)
		jw_text(w, name, s);
}

static void raw_if(struct jw *w, const char *name, struct str json)
{
	if (json.p)
		jw_raw(w, name, json);
}

/* Ids of other vendors may hold what is not allowed here; call and result
 * become the same. */
static void write_id(const struct chat *c, const char *name, struct str id,
		     struct jw *w)
{
	char *s = arena_dup(c->mem, id.n ? id : STR("call"));

	for (char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			*p = '_';
	jw_str(w, name, s);
}

static void write_source(const struct chat_part *p, struct jw *w)
{
	jw_object(w, "source");
	if (p->data.p) {
		jw_str(w, "type", "base64");
		jw_text(w, "media_type", p->mime);
		jw_text(w, "data", p->data);
	} else if (p->url.p) {
		jw_str(w, "type", "url");
		jw_text(w, "url", p->url);
	} else {
		jw_str(w, "type", "file");
		jw_text(w, "file_id", p->id);
	}
	jw_end(w);
}

static void write_text(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	(void)c;
	jw_str(w, "type", "text");
	jw_text(w, "text", p->text);
}

static void write_image(const struct chat *c, const struct chat_part *p,
			struct jw *w)
{
	(void)c;
	jw_str(w, "type", "image");
	write_source(p, w);
}

static void write_file(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	struct chat_part pdf = *p;

	(void)c;
	if (pdf.data.p && !pdf.mime.p)
		pdf.mime = STR("application/pdf");
	jw_str(w, "type", "document");
	write_source(&pdf, w);
	text_if(w, "title", p->title.p ? p->title : p->name);
	text_if(w, "context", p->context);
}

/* Arguments are a text there and an object here; a model may have written
 * what is none. */
static void write_call(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	struct err e = { 0 };
	struct json_object *o = js_parse(p->text.p, p->text.n, &e);
	bool object = json_object_is_type(o, json_type_object);

	jw_str(w, "type", "tool_use");
	write_id(c, "id", p->id, w);
	jw_text(w, "name", p->name);
	if (p->custom) {
		jw_object(w, "input");
		jw_text(w, "input", p->text.p ? p->text : STR(""));
		jw_end(w);
	} else {
		jw_raw(w, "input", object ? p->text : STR("{}"));
	}
	if (!object && !p->custom && p->text.n)
		chat_lost(c, "arguments of %.*s that are no JSON object",
			  STR_FMT(p->id));
	js_free(o);
}

static void write_thinking(const struct chat *c, const struct chat_part *p,
			   struct jw *w)
{
	(void)c;
	if (p->redacted) {
		jw_str(w, "type", "redacted_thinking");
		jw_text(w, "data", p->text);
		return;
	}
	jw_str(w, "type", "thinking");
	jw_text(w, "thinking", p->text.p ? p->text : STR(""));
	jw_text(w, "signature", p->signature);
}

static void write_parts(const struct chat *c, const struct chat_parts *list,
			int i, bool results, struct jw *w);

static void write_result(const struct chat *c, const struct chat_part *p,
			 struct jw *w)
{
	const struct chat_part *only = p->content.first;

	jw_str(w, "type", "tool_result");
	write_id(c, "tool_use_id", p->id, w);
	if (only && !only->next && only->kind == PART_TEXT) {
		jw_text(w, "content", only->text);
	} else if (only) {
		jw_array(w, "content");
		write_parts(c, &p->content, 0, false, w);
		jw_end(w);
	}
	if (p->failed)
		jw_bool(w, "is_error", true);
}

static void (*const writers[PART__COUNT])(const struct chat *c,
					  const struct chat_part *p,
					  struct jw *w) = {
	[PART_TEXT] = write_text,          [PART_REFUSAL] = write_text,
	[PART_IMAGE] = write_image,        [PART_FILE] = write_file,
	[PART_TOOL_CALL] = write_call,     [PART_TOOL_RESULT] = write_result,
	[PART_REASONING] = write_thinking,
};

/* Can it be said here?  An empty text is refused by the server; thinking
 * without its signature is not believed by it. */
static bool can_say(const struct chat *c, const struct chat_part *p, int i)
{
	const char *what = NULL;

	if (p->kind == PART_TEXT || p->kind == PART_REFUSAL)
		return p->text.n > 0;
	if (p->kind == PART_AUDIO)
		what = "sound";
	else if (p->kind == PART_REASONING && !p->redacted && !p->signature.n)
		what = "reasoning without a signature";
	else if (p->kind == PART_REASONING && p->signer.p &&
		 !str_eq(p->signer, "anthropic"))
		what = "reasoning of another dialect";
	else if (p->kind == PART_OPAQUE && !str_eq(p->name, "anthropic"))
		what = "a part of another dialect";
	if (what)
		chat_lost(c, "messages[%d]: %s", i, what);
	return !what;
}

static void write_part(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	if (p->kind == PART_OPAQUE) {
		jw_raw(w, NULL, p->text);
		return;
	}
	jw_object(w, NULL);
	writers[p->kind](c, p, w);
	if (p->kind != PART_REASONING)
		raw_if(w, "cache_control", p->cache);
	jw_end(w);
}

static void write_parts(const struct chat *c, const struct chat_parts *list,
			int i, bool results, struct jw *w)
{
	for (const struct chat_part *p = list->first; p; p = p->next)
		if ((p->kind == PART_TOOL_RESULT) == results &&
		    can_say(c, p, i))
			write_part(c, p, w);
}

/* --- messages --------------------------------------------------------------
 */

static bool is_system(const struct chat_msg *m)
{
	return m->role == CHAT_SYSTEM || m->role == CHAT_DEVELOPER;
}

static bool has_any(const struct chat_msg *m)
{
	const struct chat quiet = { 0 }; /* notes nothing twice */
	const struct chat_part *p = m->parts.first;

	while (p && !can_say(&quiet, p, 0))
		p = p->next;
	return p != NULL;
}

/* All of them, also those in the middle: first of all, as text. */
static void write_system(const struct chat *c, struct jw *w)
{
	bool open = false;
	int i = 0;

	for (const struct chat_msg *m = c->msgs; m; m = m->next, i++) {
		if (!is_system(m) || !has_any(m))
			continue;
		if (!open)
			jw_array(w, "system");
		open = true;
		write_parts(c, &m->parts, i, false, w);
	}
	if (open)
		jw_end(w);
}

/* The last message of the same side that begins with m. */
static const struct chat_msg *side_end(const struct chat_msg *m)
{
	bool assistant = m->role == CHAT_ASSISTANT;

	while (m->next && (is_system(m->next) ||
			   (m->next->role == CHAT_ASSISTANT) == assistant))
		m = m->next;
	return m;
}

static void write_side(const struct chat *c, const struct chat_msg *from,
		       const struct chat_msg *to, int i, struct jw *w)
{
	bool any = false;

	for (const struct chat_msg *m = from; m != to->next; m = m->next)
		any = any || (!is_system(m) && has_any(m));
	if (!any)
		return;
	jw_object(w, NULL);
	jw_str(w, "role", from->role == CHAT_ASSISTANT ? "assistant" : "user");
	jw_array(w, "content");
	for (int results = 1; results >= 0; results--) {
		int k = i;

		for (const struct chat_msg *m = from; m != to->next;
		     m = m->next, k++)
			if (!is_system(m))
				write_parts(c, &m->parts, k, results, w);
	}
	jw_end(w);
	jw_end(w);
}

void anthropic_write_messages(const struct chat *c, struct jw *w)
{
	const struct chat_msg *m = c->msgs;
	int i = 0;

	write_system(c, w);
	jw_array(w, "messages");
	while (m) {
		const struct chat_msg *end = is_system(m) ? m : side_end(m);

		if (!is_system(m))
			write_side(c, m, end, i, w);
		for (; m != end->next; m = m->next, i++)
			if (m->name.p)
				chat_lost(c, "messages[%d].name", i);
	}
	jw_end(w);
}
