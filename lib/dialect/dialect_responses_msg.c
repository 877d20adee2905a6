/* dialect_responses_msg.c - the messages of a request as the items that an
 * upstream reads.
 *
 * A message of the assistant becomes an item for each text, each call and each
 * piece of reasoning; a result is an item of its own.
 */
#include "dialect/calls.h"
#include "dialect/responses.h"

static void text_if(struct jw *w, const char *name, struct str s)
{
	if (s.p)
		jw_text(w, name, s);
}

/* --- parts of a user's content ---------------------------------------------
 */

static void data_url(const struct chat *c, const char *name,
		     const struct chat_part *p, const char *mime, struct jw *w)
{
	struct str type = p->mime.p ? p->mime : str_of(mime);
	size_t n = type.n + p->data.n + 16;
	char *s = arena_alloc(c->mem, n);
	int head = snprintf(s, n, "data:%.*s;base64,", STR_FMT(type));

	if (p->data.n)
		memcpy(s + head, p->data.p, p->data.n);
	jw_text(w, name, (struct str){ s, (size_t)head + p->data.n });
}

static void write_text(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	(void)c;
	jw_str(w, "type", "input_text");
	jw_text(w, "text", p->text);
}

static void write_image(const struct chat *c, const struct chat_part *p,
			struct jw *w)
{
	jw_str(w, "type", "input_image");
	if (p->data.p)
		data_url(c, "image_url", p, "image/jpeg", w);
	else
		text_if(w, "image_url", p->url);
	text_if(w, "file_id", p->id);
	jw_text(w, "detail", p->detail.p ? p->detail : STR("auto"));
}

static void write_file(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	jw_str(w, "type", "input_file");
	text_if(w, "file_id", p->id);
	if (p->data.p) {
		jw_text(w, "filename",
			p->name.p  ? p->name :
			p->title.p ? p->title :
				     STR("file.pdf"));
		data_url(c, "file_data", p, "application/pdf", w);
	} else {
		text_if(w, "file_url", p->url);
	}
}

static void write_audio(const struct chat *c, const struct chat_part *p,
			struct jw *w)
{
	struct str format = p->mime;

	(void)c;
	if (str_starts(format, "audio/"))
		format = (struct str){ format.p + 6, format.n - 6 };
	if (str_eq(format, "mpeg"))
		format = STR("mp3");
	jw_str(w, "type", "input_audio");
	jw_object(w, "input_audio");
	jw_text(w, "data", p->data);
	jw_text(w, "format", format);
	jw_end(w);
}

static void (*const writers[PART__COUNT])(const struct chat *c,
					  const struct chat_part *p,
					  struct jw *w) = {
	[PART_TEXT] = write_text,   [PART_REFUSAL] = write_text,
	[PART_IMAGE] = write_image, [PART_FILE] = write_file,
	[PART_AUDIO] = write_audio,
};

static bool is_ours(struct str name)
{
	return name.p && str_eq(name, "responses");
}

/* Is it said in a content array?  Notes what cannot be said at all. */
static bool in_content(const struct chat *c, const struct chat_part *p, int i)
{
	if (p->kind == PART_OPAQUE && !is_ours(p->name))
		chat_lost(c, "messages[%d]: a part of %.*s", i,
			  STR_FMT(p->name));
	else if (p->kind == PART_AUDIO && !p->data.p)
		chat_lost(c, "messages[%d]: earlier sound", i);
	else
		return p->kind == PART_OPAQUE || writers[p->kind];
	return false;
}

static void write_part(const struct chat *c, const struct chat_part *p, int i,
		       struct jw *w)
{
	if (p->kind == PART_OPAQUE) {
		jw_raw(w, NULL, p->text);
		return;
	}
	jw_object(w, NULL);
	writers[p->kind](c, p, w);
	jw_end(w);
	if (p->cache.p)
		chat_lost(c, "messages[%d]: cache_control", i);
	if (p->context.p)
		chat_lost(c, "messages[%d]: context of a document", i);
}

/* One text alone goes as a string. */
static void write_content(const struct chat *c, const struct chat_parts *list,
			  const char *name, int i, struct jw *w)
{
	const struct chat_part *only = list->first;

	if (!only || (!only->next && only->kind == PART_TEXT)) {
		jw_text(w, name, only ? only->text : STR(""));
		if (only && only->cache.p)
			chat_lost(c, "messages[%d]: cache_control", i);
		return;
	}
	jw_array(w, name);
	for (const struct chat_part *p = list->first; p; p = p->next)
		if (p->kind != PART_TOOL_RESULT && in_content(c, p, i))
			write_part(c, p, i, w);
	jw_end(w);
}

/* --- items -----------------------------------------------------------------
 */

static void write_said(const struct chat *c, const struct chat_part *p, int i,
		       struct jw *w)
{
	bool refusal = p->kind == PART_REFUSAL;

	if (!p->text.n)
		return;
	jw_object(w, NULL);
	jw_str(w, "role", "assistant");
	if (refusal) {
		jw_array(w, "content");
		jw_object(w, NULL);
		jw_str(w, "type", "refusal");
		jw_text(w, "refusal", p->text);
		jw_end(w);
		jw_end(w);
	} else {
		jw_text(w, "content", p->text);
	}
	jw_end(w);
	if (p->cache.p)
		chat_lost(c, "messages[%d]: cache_control", i);
}

static void write_call(const struct chat *c, const struct chat_part *p, int i,
		       struct jw *w)
{
	jw_object(w, NULL);
	jw_str(w, "type", p->custom ? "custom_tool_call" : "function_call");
	jw_text(w, "call_id", p->id.p ? p->id : STR(""));
	jw_text(w, "name", p->name);
	if (p->custom)
		jw_text(w, "input", p->text.p ? p->text : STR(""));
	else
		jw_text(w, "arguments", p->text.n ? p->text : STR("{}"));
	jw_end(w);
	if (p->cache.p)
		chat_lost(c, "messages[%d]: cache_control", i);
}

/* Only what the upstream sealed itself is believed by it. */
static void write_reasoning(const struct chat *c, const struct chat_part *p,
			    int i, struct jw *w)
{
	struct str id, sealed;

	if (!is_ours(p->signer) ||
	    !responses_unseal(c->mem, p->signature, &id, &sealed)) {
		chat_lost(c, "messages[%d]: reasoning", i);
		return;
	}
	jw_object(w, NULL);
	jw_str(w, "type", "reasoning");
	jw_text(w, "id", id);
	jw_array(w, "summary");
	if (p->text.n) {
		jw_object(w, NULL);
		jw_str(w, "type", "summary_text");
		jw_text(w, "text", p->text);
		jw_end(w);
	}
	jw_end(w);
	jw_text(w, "encrypted_content", sealed);
	jw_end(w);
}

static void write_opaque(const struct chat *c, const struct chat_part *p, int i,
			 struct jw *w)
{
	if (is_ours(p->name))
		jw_raw(w, NULL, p->text);
	else
		chat_lost(c, "messages[%d]: a part of %.*s", i,
			  STR_FMT(p->name));
}

static void write_nothing(const struct chat *c, const struct chat_part *p,
			  int i, struct jw *w)
{
	(void)p, (void)w;
	chat_lost(c, "messages[%d]: a picture, file or sound of the assistant",
		  i);
}

static void (*const item_writers[PART__COUNT])(const struct chat *c,
					       const struct chat_part *p, int i,
					       struct jw *w) = {
	[PART_TEXT] = write_said,           [PART_REFUSAL] = write_said,
	[PART_TOOL_CALL] = write_call,      [PART_OPAQUE] = write_opaque,
	[PART_REASONING] = write_reasoning, [PART_IMAGE] = write_nothing,
	[PART_AUDIO] = write_nothing,       [PART_FILE] = write_nothing,
};

/* There is no word here for a tool that failed: the text says so. */
static void write_failed(const struct chat *c, const struct chat_part *p, int i,
			 struct jw *w)
{
	struct str s = chat_plain(c, &p->content);

	for (const struct chat_part *q = p->content.first; q; q = q->next)
		if (q->kind != PART_TEXT)
			chat_lost(c, "messages[%d]: a failed tool's data", i);
	jw_str(w, "output", arena_printf(c->mem, "Error: %.*s", STR_FMT(s)));
}

static void write_result(const struct chat *c, const struct calls *calls,
			 const struct chat_part *p, int i, struct jw *w)
{
	const struct chat_part *call = calls_find(calls, p->id);
	bool custom = call ? call->custom : p->custom;

	jw_object(w, NULL);
	jw_str(w, "type",
	       custom ? "custom_tool_call_output" : "function_call_output");
	jw_text(w, "call_id", p->id.p ? p->id : STR(""));
	if (p->failed)
		write_failed(c, p, i, w);
	else
		write_content(c, &p->content, "output", i, w);
	jw_end(w);
	if (p->cache.p)
		chat_lost(c, "messages[%d]: cache_control", i);
}

static void write_message(const struct chat *c, const struct chat_msg *m, int i,
			  struct jw *w)
{
	static const char *const roles[] = {
		[CHAT_SYSTEM] = "system",
		[CHAT_DEVELOPER] = "developer",
		[CHAT_USER] = "user",
		[CHAT_TOOL] = "user",
	};

	jw_object(w, NULL);
	jw_str(w, "role", roles[m->role]);
	write_content(c, &m->parts, "content", i, w);
	jw_end(w);
}

/* Of a message that is not the assistant's: results first, each an item; what
 * is an item of this dialect, as it is; the rest is a message. */
static void write_others(const struct chat *c, const struct calls *calls,
			 const struct chat_msg *m, int i, struct jw *w)
{
	bool tools = m->role == CHAT_TOOL, rest = !m->parts.first;

	for (const struct chat_part *p = m->parts.first; p; p = p->next)
		if (p->kind == PART_TOOL_RESULT)
			write_result(c, calls, p, i, w);
		else if (tools && p->kind == PART_OPAQUE)
			write_opaque(c, p, i, w);
		else
			rest = true;
	if (rest)
		write_message(c, m, i, w);
}

const struct chat_msg *responses_instructions(const struct chat *c)
{
	const struct chat_part *p = c->msgs ? c->msgs->parts.first : NULL;

	if (!p || c->msgs->role != CHAT_SYSTEM || !c->msgs->next)
		return NULL;
	for (; p; p = p->next)
		if (p->kind != PART_TEXT || p->cache.p)
			return NULL;
	return c->msgs;
}

void responses_write_input(const struct chat *c, struct jw *w)
{
	const struct chat_msg *skip = responses_instructions(c);
	struct calls calls;
	int i = 0;

	calls_init(&calls, c);
	jw_array(w, "input");
	for (const struct chat_msg *m = c->msgs; m; m = m->next, i++) {
		if (m->name.p)
			chat_lost(c, "messages[%d].name", i);
		if (m == skip)
			continue;
		if (m->role != CHAT_ASSISTANT) {
			write_others(c, &calls, m, i, w);
			continue;
		}
		for (const struct chat_part *p = m->parts.first; p; p = p->next)
			if (item_writers[p->kind])
				item_writers[p->kind](c, p, i, w);
	}
	jw_end(w);
}
