/* dialect_gemini_msg.c - the messages of a request, as an upstream reads them.
 *
 * Messages of one side that follow each other are one content here, with the
 * results of tools before anything else; a content has parts, and a text is
 * never empty.
 */
#include "dialect/calls.h"
#include "dialect/gemini.h"

#include <ctype.h>

/* What is accepted where the signature of a call is lost:
 * ai.google.dev/gemini-api/docs/thought-signatures */
#define NOT_SIGNED "skip_thought_signature_validator"

#define FILES "https://generativelanguage.googleapis.com/v1beta/"

struct writer {
	const struct chat *c;
	const struct gemini_model *model;
	struct calls calls;
	struct jw *w;
	int i;     /* messages[i] */
	bool step; /* the first call of this content is still to come */
};

/* --- parts -----------------------------------------------------------------
 */

/* By the ending of its address, where nothing else says it. */
static struct str mime_of(const struct chat_part *p)
{
	static const struct {
		const char *end, *mime;
	} ends[] = {
		{ ".png", "image/png" },       { ".webp", "image/webp" },
		{ ".gif", "image/gif" },       { ".heic", "image/heic" },
		{ ".jpg", "image/jpeg" },      { ".jpeg", "image/jpeg" },
		{ ".pdf", "application/pdf" }, { ".txt", "text/plain" },
		{ ".mp4", "video/mp4" },       { ".mp3", "audio/mp3" },
		{ ".wav", "audio/wav" },
	};
	const char *q;
	struct str url = p->url;

	if (p->mime.p)
		return p->mime;
	q = url.p ? memchr(url.p, '?', url.n) : NULL;
	url.n = q ? (size_t)(q - url.p) : url.n;
	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t n = strlen(ends[i].end);

		if (url.p && url.n >= n &&
		    !strncasecmp(url.p + url.n - n, ends[i].end, n))
			return str_of(ends[i].mime);
	}
	return p->kind == PART_IMAGE ? STR("image/jpeg") :
				       STR("application/pdf");
}

static void write_media(struct writer *r, const struct chat_part *p)
{
	bool inlined = p->data.p != NULL;

	jw_object(r->w, inlined ? "inlineData" : "fileData");
	jw_text(r->w, "mimeType", mime_of(p));
	if (inlined)
		jw_text(r->w, "data", p->data);
	else if (p->url.p)
		jw_text(r->w, "fileUri", p->url);
	else
		jw_str(r->w, "fileUri",
		       arena_printf(r->c->mem, FILES "%.*s", STR_FMT(p->id)));
	jw_end(r->w);
}

static void write_image(struct writer *r, const struct chat_part *p)
{
	bool low = p->detail.p && str_eq(p->detail, "low");
	bool high = p->detail.p && str_eq(p->detail, "high");

	write_media(r, p);
	if (!low && !high)
		return;
	if (!r->model->signs) {
		chat_lost(r->c, "messages[%d]: an image's detail", r->i);
		return;
	}
	jw_object(r->w, "mediaResolution");
	jw_str(r->w, "level",
	       low ? "MEDIA_RESOLUTION_LOW" : "MEDIA_RESOLUTION_HIGH");
	jw_end(r->w);
}

static void write_file(struct writer *r, const struct chat_part *p)
{
	write_media(r, p);
	if (p->title.p || p->context.p)
		chat_lost(r->c, "messages[%d]: title and context of a document",
			  r->i);
}

static void write_text(struct writer *r, const struct chat_part *p)
{
	jw_text(r->w, "text", p->text);
}

static void write_thought(struct writer *r, const struct chat_part *p)
{
	jw_text(r->w, "text", p->text.p ? p->text : STR(""));
	if (p->text.n)
		jw_bool(r->w, "thought", true);
}

/* A text that is a JSON object goes as it is; any other in a member. */
static void write_object(struct writer *r, const char *name, const char *member,
			 struct str text, bool wrap)
{
	struct err e = { 0 };
	struct json_object *o = wrap ? NULL : js_parse(text.p, text.n, &e);

	if (json_object_is_type(o, json_type_object)) {
		jw_raw(r->w, name, text);
	} else {
		jw_object(r->w, name);
		if (member)
			jw_text(r->w, member, text);
		jw_end(r->w);
	}
	js_free(o);
}

static void write_call(struct writer *r, const struct chat_part *p)
{
	struct str text = p->text.p ? p->text : STR("");
	struct err e = { 0 };
	struct json_object *o = NULL;

	if (!p->custom && text.n) {
		o = js_parse(text.p, text.n, &e);
		if (!json_object_is_type(o, json_type_object))
			chat_lost(r->c,
				  "arguments of %.*s that are no JSON "
				  "object",
				  STR_FMT(p->id));
	}
	js_free(o);
	jw_object(r->w, "functionCall");
	jw_text(r->w, "id", p->id.p ? p->id : STR(""));
	jw_text(r->w, "name", p->name);
	write_object(r, "args", p->custom ? "input" : NULL, text, p->custom);
	jw_end(r->w);
}

/* Is it a picture or a file, in the result of a tool? */
static bool is_media(const struct chat_part *p)
{
	return p->kind == PART_IMAGE || p->kind == PART_FILE ||
	       p->kind == PART_AUDIO;
}

static bool can_say(const struct writer *r, const struct chat_part *p);

static void write_result(struct writer *r, const struct chat_part *p)
{
	const struct chat_part *call = calls_find(&r->calls, p->id);
	struct str name = call ? call->name : p->name;
	bool open = false;

	jw_object(r->w, "functionResponse");
	jw_text(r->w, "id", p->id);
	jw_text(r->w, "name", name.p ? name : p->id);
	write_object(r, "response", p->failed ? "error" : "output",
		     chat_plain(r->c, &p->content), p->failed);
	for (const struct chat_part *q = p->content.first; q; q = q->next) {
		if (!is_media(q) || !r->model->signs || !can_say(r, q))
			continue;
		if (!open)
			jw_array(r->w, "parts");
		open = true;
		jw_object(r->w, NULL);
		write_media(r, q);
		jw_end(r->w);
	}
	if (open)
		jw_end(r->w);
	jw_end(r->w);
}

static void (*const writers[PART__COUNT])(struct writer *r,
					  const struct chat_part *p) = {
	[PART_TEXT] = write_text,          [PART_REFUSAL] = write_text,
	[PART_IMAGE] = write_image,        [PART_AUDIO] = write_media,
	[PART_FILE] = write_file,          [PART_TOOL_CALL] = write_call,
	[PART_TOOL_RESULT] = write_result, [PART_REASONING] = write_thought,
};

static bool is_ours(const struct chat_part *p)
{
	return p->signer.p && str_eq(p->signer, "gemini");
}

/* A file that only the upstream it was sent to can find. */
static bool is_elsewhere(const struct chat_part *p)
{
	return is_media(p) && !p->data.p && !p->url.p &&
	       !str_starts(p->id, "files/");
}

/* Can it be said here?  Notes what cannot, but an empty text. */
static bool can_say(const struct writer *r, const struct chat_part *p)
{
	const char *what = NULL;

	if (p->kind == PART_TEXT || p->kind == PART_REFUSAL)
		return p->text.n > 0 || (is_ours(p) && p->signature.n);
	if (p->kind == PART_REASONING && !is_ours(p))
		what = "reasoning of another dialect";
	else if (p->kind == PART_OPAQUE && !str_eq(p->name, "gemini"))
		what = "a part of another dialect";
	else if (is_elsewhere(p))
		what = "a file of another upstream";
	else if (p->kind == PART_REASONING)
		return p->text.n || p->signature.n;
	if (what)
		chat_lost(r->c, "messages[%d]: %s", r->i, what);
	return !what;
}

/* New models refuse a step whose first call has no signature. */
static void write_signature(struct writer *r, const struct chat_part *p)
{
	bool first = p->kind == PART_TOOL_CALL && r->step;

	if (is_ours(p) && p->signature.n) {
		jw_text(r->w, "thoughtSignature", p->signature);
	} else if (first && r->model->signs) {
		jw_str(r->w, "thoughtSignature", NOT_SIGNED);
	}
	if (p->kind == PART_TOOL_CALL)
		r->step = false;
	if (p->cache.p)
		chat_lost(r->c, "messages[%d]: cache_control", r->i);
}

static void write_part(struct writer *r, const struct chat_part *p)
{
	if (p->kind == PART_OPAQUE) {
		jw_raw(r->w, NULL, p->text);
		return;
	}
	jw_object(r->w, NULL);
	writers[p->kind](r, p);
	write_signature(r, p);
	jw_end(r->w);
}

/* --- messages --------------------------------------------------------------
 */

enum pass { PASS_RESULTS, PASS_MEDIA, PASS_REST, PASS__COUNT };

static bool is_system(const struct chat_msg *m)
{
	return m->role == CHAT_SYSTEM || m->role == CHAT_DEVELOPER;
}

/* Older models read the media of a result only beside it. */
static void write_result_media(struct writer *r, const struct chat_part *p)
{
	if (p->kind != PART_TOOL_RESULT || r->model->signs)
		return;
	for (const struct chat_part *q = p->content.first; q; q = q->next)
		if (is_media(q) && can_say(r, q))
			write_part(r, q);
}

static void write_pass(struct writer *r, const struct chat_parts *list,
		       enum pass pass)
{
	for (const struct chat_part *p = list->first; p; p = p->next) {
		bool result = p->kind == PART_TOOL_RESULT;

		if (pass == PASS_MEDIA)
			write_result_media(r, p);
		else if (result == (pass == PASS_RESULTS) && can_say(r, p))
			write_part(r, p);
	}
}

static bool has_any(const struct writer *r, const struct chat_msg *m)
{
	const struct chat quiet = { 0 }; /* notes nothing twice */
	const struct writer q = { .c = &quiet, .model = r->model };
	const struct chat_part *p = m->parts.first;

	while (p && !can_say(&q, p))
		p = p->next;
	return p != NULL;
}

/* All of them, also those in the middle: first of all, as text. */
static void write_system(struct writer *r)
{
	bool open = false;

	r->i = 0;
	for (const struct chat_msg *m = r->c->msgs; m; m = m->next, r->i++) {
		if (!is_system(m) || !has_any(r, m))
			continue;
		if (!open) {
			jw_object(r->w, "systemInstruction");
			jw_array(r->w, "parts");
		}
		open = true;
		write_pass(r, &m->parts, PASS_REST);
	}
	if (open) {
		jw_end(r->w);
		jw_end(r->w);
	}
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

/* A content without parts is refused: a space stands for nothing. */
static void write_side(struct writer *r, const struct chat_msg *from,
		       const struct chat_msg *to)
{
	int start = r->i;
	bool any = false;

	for (const struct chat_msg *m = from; m != to->next; m = m->next)
		any = any || (!is_system(m) && has_any(r, m));
	if (!any && from->role == CHAT_ASSISTANT)
		return;
	jw_object(r->w, NULL);
	jw_str(r->w, "role", from->role == CHAT_ASSISTANT ? "model" : "user");
	jw_array(r->w, "parts");
	r->step = true;
	for (enum pass pass = 0; pass < PASS__COUNT; pass++) {
		r->i = start;
		for (const struct chat_msg *m = from; m != to->next;
		     m = m->next, r->i++)
			if (!is_system(m))
				write_pass(r, &m->parts, pass);
	}
	if (!any)
		jw_raw(r->w, NULL, STR("{\"text\":\" \"}"));
	jw_end(r->w);
	jw_end(r->w);
	r->i = start;
}

void gemini_write_contents(const struct chat *c, const struct gemini_model *m,
			   struct jw *w)
{
	struct writer r = { .c = c, .model = m, .w = w };
	const struct chat_msg *at = c->msgs;

	calls_init(&r.calls, c);
	write_system(&r);
	r.i = 0;
	jw_array(w, "contents");
	while (at && is_system(at)) {
		at = at->next;
		r.i++;
	}
	if (!at || at->role == CHAT_ASSISTANT) /* a user begins */
		jw_raw(w, NULL,
		       STR("{\"role\":\"user\",\"parts\":[{\"text\":\" \"}]}"));
	while (at) {
		const struct chat_msg *end = side_end(at);

		write_side(&r, at, end);
		for (; at != end->next; at = at->next, r.i++)
			if (at->name.p)
				chat_lost(c, "messages[%d].name", r.i);
	}
	jw_end(w);
}
