/* dialect_openai_write.c - struct chat to the body that an upstream reads.
 *
 * Text alone goes as a string: many compatible servers know no other form.
 */
#include "dialect/openai.h"

#include <math.h>

static const char *const role_names[] = {
	[CHAT_SYSTEM] = "system", [CHAT_DEVELOPER] = "developer",
	[CHAT_USER] = "user",     [CHAT_ASSISTANT] = "assistant",
	[CHAT_TOOL] = "tool",
};

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

static void tri_if(struct jw *w, const char *name, int v)
{
	if (v >= 0)
		jw_bool(w, name, v);
}

static void int_if(struct jw *w, const char *name, int64_t v)
{
	if (v != CHAT_UNSET)
		jw_int(w, name, v);
}

/* The shortest decimal that reads as the same number. */
static void double_if(struct jw *w, const char *name, double v)
{
	char s[40];
	int n = 0;

	if (!isfinite(v))
		return;
	for (int digits = 6; digits <= 17; digits++) {
		n = snprintf(s, sizeof(s), "%.*g", digits, v);
		if (strtod(s, NULL) == v)
			break;
	}
	jw_raw(w, name, (struct str){ s, (size_t)n });
}

/* --- parts -----------------------------------------------------------------
 */

static void data_url(struct jw *w, const struct chat *c, const char *name,
		     const struct chat_part *p)
{
	size_t n = p->mime.n + p->data.n + 16;
	char *s = arena_alloc(c->mem, n);
	int head = snprintf(s, n, "data:%.*s;base64,", STR_FMT(p->mime));

	if (p->data.n)
		memcpy(s + head, p->data.p, p->data.n);
	jw_text(w, name, (struct str){ s, (size_t)head + p->data.n });
}

static void write_text(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	(void)c;
	jw_str(w, "type", "text");
	jw_text(w, "text", p->text);
}

static void write_refusal(const struct chat *c, const struct chat_part *p,
			  struct jw *w)
{
	(void)c;
	jw_str(w, "type", "refusal");
	jw_text(w, "refusal", p->text);
}

static void write_image(const struct chat *c, const struct chat_part *p,
			struct jw *w)
{
	jw_str(w, "type", "image_url");
	jw_object(w, "image_url");
	if (p->data.p)
		data_url(w, c, "url", p);
	else
		jw_text(w, "url", p->url);
	text_if(w, "detail", p->detail);
	jw_end(w);
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

static void write_file(const struct chat *c, const struct chat_part *p,
		       struct jw *w)
{
	jw_str(w, "type", "file");
	jw_object(w, "file");
	text_if(w, "file_id", p->id);
	text_if(w, "filename", p->name);
	if (p->data.p && p->mime.p)
		data_url(w, c, "file_data", p);
	else
		text_if(w, "file_data", p->data);
	jw_end(w);
}

/* Parts of a content array; a kind without a row stands elsewhere in the
 * message, or cannot be said. */
static void (*const writers[PART__COUNT])(const struct chat *c,
					  const struct chat_part *p,
					  struct jw *w) = {
	[PART_TEXT] = write_text,   [PART_REFUSAL] = write_refusal,
	[PART_IMAGE] = write_image, [PART_AUDIO] = write_audio,
	[PART_FILE] = write_file,
};

/* Is it said in the content array?  Notes what cannot be said at all. */
static bool in_content(const struct chat *c, const struct chat_part *p, int i)
{
	if (p->kind == PART_OPAQUE && !str_eq(p->name, "openai")) {
		chat_lost(c, "messages[%d]: a part of %.*s", i,
			  STR_FMT(p->name));
		return false;
	}
	if (p->kind == PART_FILE && p->url.p) {
		chat_lost(c, "messages[%d]: a file's URL", i);
		return false;
	}
	if (p->kind == PART_AUDIO && p->id.p)
		return false; /* beside the content */
	return p->kind == PART_OPAQUE || writers[p->kind];
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
	raw_if(w, "cache_control", p->cache);
	jw_end(w);
}

static void write_content(const struct chat *c, const struct chat_parts *list,
			  int i, struct jw *w)
{
	const struct chat_part *only = NULL;
	int n = 0;

	for (const struct chat_part *p = list->first; p; p = p->next)
		if (in_content(c, p, i)) {
			only = p;
			n++;
		}
	if (!n) {
		jw_null(w, "content");
		return;
	}
	if (n == 1 && only->kind == PART_TEXT && !only->cache.p) {
		jw_text(w, "content", only->text);
		return;
	}
	jw_array(w, "content");
	for (const struct chat_part *p = list->first; p; p = p->next)
		if (in_content(&(struct chat){ .mem = c->mem }, p, i))
			write_part(c, p, w);
	jw_end(w);
}

/* --- messages --------------------------------------------------------------
 */

static const struct chat_part *find(const struct chat_parts *list,
				    enum part_kind kind)
{
	const struct chat_part *p = list->first;

	while (p && p->kind != kind)
		p = p->next;
	return p;
}

static void write_calls(const struct chat_parts *list, struct jw *w)
{
	if (!find(list, PART_TOOL_CALL))
		return;
	jw_array(w, "tool_calls");
	for (const struct chat_part *p = list->first; p; p = p->next) {
		if (p->kind != PART_TOOL_CALL)
			continue;
		jw_object(w, NULL);
		jw_text(w, "id", p->id);
		jw_str(w, "type", p->custom ? "custom" : "function");
		jw_object(w, p->custom ? "custom" : "function");
		jw_text(w, "name", p->name);
		jw_text(w, p->custom ? "input" : "arguments",
			p->text.p ? p->text : STR(""));
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

static void write_assistant(const struct chat *c, const struct chat_msg *m,
			    int i, struct jw *w)
{
	const struct chat_part *audio = find(&m->parts, PART_AUDIO);
	struct buf reasoning;

	buf_init(&reasoning, 64u << 20);
	for (const struct chat_part *p = m->parts.first; p; p = p->next) {
		if (p->kind != PART_REASONING)
			continue;
		if (p->redacted)
			chat_lost(c, "messages[%d]: sealed reasoning", i);
		else
			buf_add(&reasoning, p->text.p, p->text.n);
	}
	if (reasoning.len)
		jw_text(w, "reasoning_content", buf_span(&reasoning));
	if (audio && audio->id.p) {
		jw_object(w, "audio");
		jw_text(w, "id", audio->id);
		jw_end(w);
	}
	write_calls(&m->parts, w);
	buf_release(&reasoning);
}

/* There is no word here for a tool that failed: the text says so. */
static void write_failed(const struct chat *c, const struct chat_part *p, int i,
			 struct jw *w)
{
	struct str s = chat_plain(c, &p->content);
	struct buf b;

	for (const struct chat_part *q = p->content.first; q; q = q->next)
		if (q->kind != PART_TEXT)
			chat_lost(c, "messages[%d]: a failed tool's data", i);
	buf_init(&b, s.n + sizeof("Error: "));
	buf_str(&b, "Error: ");
	buf_add(&b, s.p, s.n);
	jw_text(w, "content", buf_span(&b));
	buf_release(&b);
}

/* Each result of a tool is a message of its own here. */
static void write_results(const struct chat *c, const struct chat_msg *m, int i,
			  struct jw *w)
{
	for (const struct chat_part *p = m->parts.first; p; p = p->next) {
		if (p->kind != PART_TOOL_RESULT)
			continue;
		jw_object(w, NULL);
		jw_str(w, "role", "tool");
		jw_text(w, "tool_call_id", p->id);
		if (p->failed)
			write_failed(c, p, i, w);
		else if (p->content.first)
			write_content(c, &p->content, i, w);
		else
			jw_str(w, "content", "");
		jw_end(w);
	}
}

static bool only_results(const struct chat_msg *m)
{
	const struct chat_part *p = m->parts.first;

	while (p && p->kind == PART_TOOL_RESULT)
		p = p->next;
	return m->parts.first && !p;
}

/* Is there nothing but what others alone understand?  Notes it. */
static bool only_lost(const struct chat *c, const struct chat_msg *m, int i)
{
	const struct chat_part *p = m->parts.first;

	while (p && (p->kind == PART_TOOL_RESULT ||
		     (p->kind == PART_OPAQUE && !str_eq(p->name, "openai"))))
		p = p->next;
	if (!m->parts.first || p)
		return false;
	for (p = m->parts.first; p; p = p->next)
		in_content(c, p, i);
	return true;
}

void openai_write_messages(const struct chat *c, struct jw *w)
{
	int i = 0;

	jw_array(w, "messages");
	for (const struct chat_msg *m = c->msgs; m; m = m->next, i++) {
		write_results(c, m, i, w);
		if (only_results(m) || only_lost(c, m, i))
			continue;
		jw_object(w, NULL);
		jw_str(w, "role", role_names[m->role]);
		text_if(w, "name", m->name);
		write_content(c, &m->parts, i, w);
		if (m->role == CHAT_ASSISTANT)
			write_assistant(c, m, i, w);
		jw_end(w);
	}
	jw_end(w);
}

/* --- tools and formats -----------------------------------------------------
 */

static void write_tool(const struct chat_tool *t, struct jw *w)
{
	bool custom = t->kind == TOOL_CUSTOM;

	if (t->kind == TOOL_OPAQUE) {
		jw_raw(w, NULL, t->schema);
		return;
	}
	jw_object(w, NULL);
	jw_str(w, "type", custom ? "custom" : "function");
	jw_object(w, custom ? "custom" : "function");
	jw_text(w, "name", t->name);
	text_if(w, "description", t->description);
	raw_if(w, custom ? "format" : "parameters", t->schema);
	tri_if(w, "strict", t->strict);
	jw_end(w);
	raw_if(w, "cache_control", t->cache);
	jw_end(w);
}

static bool can_say(const struct chat_tool *t)
{
	return t->kind != TOOL_OPAQUE || str_eq(t->name, "openai");
}

static void write_tools(const struct chat *c, struct jw *w)
{
	const struct chat_tool *first = c->tools;
	int i = 0;

	while (first && !can_say(first)) {
		chat_lost(c, "tools[%d]", i++);
		first = first->next;
	}
	if (!first) /* an empty array is an error */
		return;
	jw_array(w, "tools");
	for (const struct chat_tool *t = first; t; t = t->next, i++)
		if (can_say(t))
			write_tool(t, w);
		else
			chat_lost(c, "tools[%d]", i);
	jw_end(w);
}

static void write_choice(const struct chat *c, struct jw *w)
{
	static const char *const words[] = {
		[CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_REQUIRED] = "required",
		[CHOICE_OPAQUE] = NULL,
	};
	const char *type = c->choice_custom ? "custom" : "function";

	if (c->choice == CHOICE_UNSET)
		return;
	if (words[c->choice]) {
		jw_str(w, "tool_choice", words[c->choice]);
		return;
	}
	if (c->choice == CHOICE_OPAQUE && c->choice_name.p) {
		chat_lost(c, "tool_choice");
		return;
	}
	if (c->choice != CHOICE_NAMED) {
		raw_if(w, "tool_choice", c->choice_json);
		return;
	}
	jw_object(w, "tool_choice");
	jw_str(w, "type", type);
	jw_object(w, type);
	jw_text(w, "name", c->choice_name);
	jw_end(w);
	jw_end(w);
}

static void write_format(const struct chat *c, struct jw *w)
{
	static const char *const types[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json_object",
		[FORMAT_SCHEMA] = "json_schema",
	};

	if (c->format == FORMAT_UNSET)
		return;
	jw_object(w, "response_format");
	jw_str(w, "type", types[c->format]);
	if (c->format == FORMAT_SCHEMA) {
		jw_object(w, "json_schema");
		jw_text(w, "name",
			c->format_name.p ? c->format_name : STR("answer"));
		text_if(w, "description", c->format_description);
		raw_if(w, "schema", c->format_schema);
		tri_if(w, "strict", c->format_strict);
		jw_end(w);
	}
	jw_end(w);
}

static void write_texts(const struct chat_texts *list, const char *name,
			struct jw *w)
{
	if (!list->first)
		return;
	jw_array(w, name);
	for (const struct chat_text *t = list->first; t; t = t->next)
		jw_text(w, NULL, t->s);
	jw_end(w);
}

/* A budget of tokens, where no word was given. */
static void write_effort(const struct chat *c, struct jw *w)
{
	static const struct {
		int64_t up_to;
		const char *word;
	} steps[] = {
		{ 0, "none" },       { 1024, "minimal" },   { 4096, "low" },
		{ 16384, "medium" }, { INT64_MAX, "high" },
	};

	text_if(w, "reasoning_effort", c->effort);
	if (c->effort.p || c->think_tok == CHAT_UNSET)
		return;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (c->think_tok <= steps[i].up_to) {
			jw_str(w, "reasoning_effort", steps[i].word);
			return;
		}
}

/* --- the body --------------------------------------------------------------
 */

/* prompt and input: one text as it is, several as an array. */
static void write_prompts(const struct chat *c, const char *name, struct jw *w)
{
	bool many = c->msgs && c->msgs->next;

	if (many)
		jw_array(w, name);
	for (const struct chat_msg *m = c->msgs; m; m = m->next) {
		const struct chat_part *p = m->parts.first;
		const char *as = many ? NULL : name;

		if (p && p->kind == PART_OPAQUE)
			jw_raw(w, as, p->text);
		else
			jw_text(w, as, chat_plain(c, &m->parts));
	}
	if (many)
		jw_end(w);
}

static void write_sampling(const struct chat *c, struct jw *w)
{
	bool chat = c->shape == SHAPE_CHAT;

	int_if(w, chat ? "max_completion_tokens" : "max_tokens", c->max_tok);
	double_if(w, "temperature", c->temperature);
	double_if(w, "top_p", c->top_p);
	int_if(w, "top_k", c->top_k);
	double_if(w, "frequency_penalty", c->frequency_penalty);
	double_if(w, "presence_penalty", c->presence_penalty);
	int_if(w, "n", c->n);
	int_if(w, "seed", c->seed);
	if (c->stop.first && !c->stop.first->next)
		jw_text(w, "stop", c->stop.first->s);
	else
		write_texts(&c->stop, "stop", w);
	raw_if(w, "logit_bias", c->logit_bias);
	tri_if(w, "logprobs", c->logprobs);
	int_if(w, chat ? "top_logprobs" : "logprobs", c->top_logprobs);
}

static void write_chat(const struct chat *c, struct jw *w)
{
	openai_write_messages(c, w);
	write_sampling(c, w);
	write_tools(c, w);
	write_choice(c, w);
	tri_if(w, "parallel_tool_calls", c->tools ? c->parallel_tools : -1);
	write_format(c, w);
	write_effort(c, w);
	text_if(w, "verbosity", c->verbosity);
	write_texts(&c->modalities, "modalities", w);
	raw_if(w, "audio", c->audio);
	raw_if(w, "metadata", c->metadata);
	text_if(w, "service_tier", c->service_tier);
	raw_if(w, "cache_control", c->cache);
}

static void write_completion(const struct chat *c, struct jw *w)
{
	write_prompts(c, "prompt", w);
	write_sampling(c, w);
	text_if(w, "suffix", c->suffix);
	tri_if(w, "echo", c->echo);
	int_if(w, "best_of", c->best_of);
}

static void write_embedding(const struct chat *c, struct jw *w)
{
	write_prompts(c, "input", w);
	int_if(w, "dimensions", c->dimensions);
	if (c->base64)
		jw_str(w, "encoding_format", "base64");
}

int openai_write(const struct chat *c, struct buf *out, struct err *e)
{
	static void (*const shapes[SHAPE__COUNT])(const struct chat *c,
						  struct jw *w) = {
		[SHAPE_CHAT] = write_chat,
		[SHAPE_COMPLETION] = write_completion,
		[SHAPE_EMBEDDING] = write_embedding,
	};
	struct jw w;

	jw_start(&w, out);
	jw_object(&w, NULL);
	jw_text(&w, "model", c->model);
	shapes[c->shape](c, &w);
	text_if(&w, "user", c->user);
	if (c->stream)
		jw_bool(&w, "stream", true);
	if (c->stream && c->include_usage)
		jw_raw(&w, "stream_options", STR("{\"include_usage\":true}"));
	for (const struct chat_extra *x = c->extras; x; x = x->next)
		if (!strcmp(x->dialect, "openai"))
			jw_member(&w, x->name, x->json);
		else
			chat_lost(c, "%.*s", STR_FMT(x->name));
	jw_end(&w);
	if (!buf_ok(out))
		return err_set(e, ERR_TOO_LARGE,
			       "the translated request is too large");
	return 0;
}
