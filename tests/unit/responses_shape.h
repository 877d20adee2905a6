/* responses_shape.h - requests, responses and events as
 * platform.openai.com/docs/api-reference/responses describes them. */
#ifndef TESTS_RESPONSES_SHAPE_H
#define TESTS_RESPONSES_SHAPE_H

#include "base/buf.h"
#include "shape.h"

#define STATUS "=completed|incomplete|failed|in_progress|queued|cancelled"

/* clang-format off */
static const struct shape_row responses_rows[] = {
	{ "Request", "model",              "!s" },
	{ "Request", "input",              "![o" }, /* items: see below */
	{ "Request", "instructions",       "s" },
	{ "Request", "previous_response_id", "s" },
	{ "Request", "max_output_tokens",  "i" },
	{ "Request", "max_tool_calls",     "i" },
	{ "Request", "temperature",        "n" },
	{ "Request", "top_p",              "n" },
	{ "Request", "stream",             "b" },
	{ "Request", "stream_options",     "o" },
	{ "Request", "store",              "b" },
	{ "Request", "background",         "b" },
	{ "Request", "include",            "[=reasoning.encrypted_content|message.output_text.logprobs|web_search_call.action.sources" },
	{ "Request", "tools",              "[o" },
	{ "Request", "tool_choice",        "*" },
	{ "Request", "parallel_tool_calls", "b" },
	{ "Request", "text",               ":Text" },
	{ "Request", "reasoning",          ":Reasoning" },
	{ "Request", "truncation",         "=auto|disabled" },
	{ "Request", "metadata",           "o" },
	{ "Request", "user",               "s" },
	{ "Request", "service_tier",       "=auto|default|flex|scale|priority|fast|ultrafast" },
	{ "Request", "safety_identifier",  "s" },
	{ "Request", "prompt_cache_key",   "s" },
	{ "Text",    "format",             ":Format" },
	{ "Text",    "verbosity",          "=low|medium|high" },
	{ "Format",  "type",               "!=text|json_object|json_schema" },
	{ "Format",  "name",               "s" },
	{ "Format",  "description",        "s" },
	{ "Format",  "schema",             "o" },
	{ "Format",  "strict",             "b" },
	{ "Reasoning", "effort",           "0=none|minimal|low|medium|high|xhigh|max" },
	{ "Reasoning", "summary",          "0=auto|concise|detailed" },
	{ "Reasoning", "context",          "=auto|current_turn|all_turns" },
	{ "Reasoning", "mode",             "=standard|pro" },

	{ "in message", "type",            "=message" },
	{ "in message", "role",            "!=user|assistant|system|developer" },
	{ "in message", "content",         "!*" },
	{ "in function_call", "type",      "!s" },
	{ "in function_call", "call_id",   "!s" },
	{ "in function_call", "name",      "!s" },
	{ "in function_call", "arguments", "!s" },
	{ "in custom_tool_call", "type",   "!s" },
	{ "in custom_tool_call", "call_id", "!s" },
	{ "in custom_tool_call", "name",   "!s" },
	{ "in custom_tool_call", "input",  "!s" },
	{ "in function_call_output", "type", "!s" },
	{ "in function_call_output", "call_id", "!s" },
	{ "in function_call_output", "output", "!*" },
	{ "in custom_tool_call_output", "type", "!s" },
	{ "in custom_tool_call_output", "call_id", "!s" },
	{ "in custom_tool_call_output", "output", "!*" },
	{ "in reasoning", "type",          "!s" },
	{ "in reasoning", "id",            "!s" },
	{ "in reasoning", "summary",       "![:Summary" },
	{ "in reasoning", "encrypted_content", "s" },
	{ "in web_search_call", "type",    "!s" },
	{ "in web_search_call", "id",      "!s" },
	{ "in web_search_call", "status",  "!s" },
	{ "in web_search_call", "action",  "o" },
	{ "in input_text", "type",         "!s" },
	{ "in input_text", "text",         "!s" },
	{ "in input_image", "type",        "!s" },
	{ "in input_image", "|",           "image_url|file_id" },
	{ "in input_image", "image_url",   "s" },
	{ "in input_image", "file_id",     "s" },
	{ "in input_image", "detail",      "!=low|high|auto|original" },
	{ "in input_file", "type",         "!s" },
	{ "in input_file", "|",            "file_id|file_url|file_data" },
	{ "in input_file", "file_id",      "s" },
	{ "in input_file", "file_url",     "s" },
	{ "in input_file", "file_data",    "s" },
	{ "in input_file", "filename",     "s" },
	{ "in input_audio", "type",        "!s" },
	{ "in input_audio", "input_audio", "!:Audio" },
	{ "in refusal", "type",            "!s" },
	{ "in refusal", "refusal",         "!s" },
	{ "Audio",   "data",               "!s" },
	{ "Audio",   "format",             "!=wav|mp3" },
	{ "tool function", "type",         "!s" },
	{ "tool function", "name",         "!s" },
	{ "tool function", "description",  "s" },
	{ "tool function", "parameters",   "!o" },
	{ "tool function", "strict",       "!b" },
	{ "tool custom", "type",           "!s" },
	{ "tool custom", "name",           "!s" },
	{ "tool custom", "description",    "s" },
	{ "tool custom", "format",         "o" },
	{ "tool web_search", "type",       "!s" },
	{ "choice function", "type",       "!s" },
	{ "choice function", "name",       "!s" },
	{ "choice custom", "type",         "!s" },
	{ "choice custom", "name",         "!s" },
	{ "choice allowed_tools", "type",  "!s" },
	{ "choice allowed_tools", "mode",  "!=auto|required" },
	{ "choice allowed_tools", "tools", "![:choice function" },
	{ "choice web_search_preview", "type", "!s" },

	{ "Response", "id",                "!s" },
	{ "Response", "object",            "!=response" },
	{ "Response", "created_at",        "!i" },
	{ "Response", "status",            "!" STATUS },
	{ "Response", "error",             "!0:Failure" },
	{ "Response", "incomplete_details", "!0:Details" },
	{ "Response", "model",             "!s" },
	{ "Response", "output",            "![o" },
	{ "Response", "background",        "b" },
	{ "Response", "instructions",      "!0s" },
	{ "Response", "max_output_tokens", "0i" },
	{ "Response", "max_tool_calls",    "0i" },
	{ "Response", "metadata",          "!0o" },
	{ "Response", "parallel_tool_calls", "!b" },
	{ "Response", "previous_response_id", "0s" },
	{ "Response", "prompt_cache_key",  "0s" },
	{ "Response", "reasoning",         "0:Reasoning" },
	{ "Response", "safety_identifier", "0s" },
	{ "Response", "store",             "b" },
	{ "Response", "temperature",       "!0n" },
	{ "Response", "text",              ":Text" },
	{ "Response", "tool_choice",       "!*" },
	{ "Response", "tools",             "![o" },
	{ "Response", "top_logprobs",      "i" },
	{ "Response", "top_p",             "!0n" },
	{ "Response", "truncation",        "0s" },
	{ "Response", "user",              "0s" },
	{ "Response", "service_tier",      "s" },
	{ "Response", "usage",             "0:Usage" },
	{ "Failure", "code",               "!s" },
	{ "Failure", "message",            "!s" },
	{ "Details", "reason",             "!=max_output_tokens|content_filter" },
	{ "Usage",   "input_tokens",       "!i" },
	{ "Usage",   "input_tokens_details", "!:InDetails" },
	{ "Usage",   "output_tokens",      "!i" },
	{ "Usage",   "output_tokens_details", "!:OutDetails" },
	{ "Usage",   "total_tokens",       "!i" },
	{ "InDetails", "cached_tokens",    "!i" },
	{ "InDetails", "cache_write_tokens", "i" },
	{ "OutDetails", "reasoning_tokens", "!i" },
	{ "Summary", "type",               "!=summary_text" },
	{ "Summary", "text",               "!s" },
	{ "out message", "type",           "!s" },
	{ "out message", "id",             "!s" },
	{ "out message", "status",         "!=completed|in_progress" },
	{ "out message", "role",           "!=assistant" },
	{ "out message", "content",        "![:Said" },
	{ "Said",    "|",                  "text|refusal" },
	{ "Said",    "type",               "!=output_text|refusal" },
	{ "Said",    "text",               "s" },
	{ "Said",    "refusal",            "s" },
	{ "Said",    "annotations",        "[:Annotation" },
	{ "Said",    "logprobs",           "[o" },
	{ "Annotation", "type",            "!=url_citation" },
	{ "Annotation", "url",             "!s" },
	{ "Annotation", "title",           "!s" },
	{ "Annotation", "start_index",     "!i" },
	{ "Annotation", "end_index",       "!i" },
	{ "out reasoning", "type",         "!s" },
	{ "out reasoning", "id",           "!s" },
	{ "out reasoning", "summary",      "![:Summary" },
	{ "out reasoning", "encrypted_content", "s" },
	{ "out function_call", "type",     "!s" },
	{ "out function_call", "id",       "!s" },
	{ "out function_call", "status",   "!=completed|in_progress" },
	{ "out function_call", "call_id",  "!s" },
	{ "out function_call", "name",     "!s" },
	{ "out function_call", "arguments", "!s" },
	{ "out custom_tool_call", "type",  "!s" },
	{ "out custom_tool_call", "id",    "!s" },
	{ "out custom_tool_call", "status", "!=completed|in_progress" },
	{ "out custom_tool_call", "call_id", "!s" },
	{ "out custom_tool_call", "name",  "!s" },
	{ "out custom_tool_call", "input", "!s" },
	{ "out web_search_call", "type",   "!s" },
	{ "out web_search_call", "id",     "!s" },
	{ "out web_search_call", "status", "!s" },
	{ "out web_search_call", "action", "o" },

#define EVENT(t)                                  \
	{ t, "type", "!s" }, { t, "sequence_number", "!i" }
#define ITEM(t)                                   \
	EVENT(t), { t, "output_index", "!i" }
#define PIECE(t)                                  \
	ITEM(t), { t, "item_id", "!s" }
	EVENT("response.created"),     { "response.created", "response", "!:Response" },
	EVENT("response.in_progress"), { "response.in_progress", "response", "!:Response" },
	EVENT("response.completed"),   { "response.completed", "response", "!:Response" },
	EVENT("response.incomplete"),  { "response.incomplete", "response", "!:Response" },
	EVENT("response.failed"),      { "response.failed", "response", "!:Response" },
	EVENT("error"), { "error", "code", "!0s" }, { "error", "message", "!s" }, { "error", "param", "!0s" },
	ITEM("response.output_item.added"), { "response.output_item.added", "item", "!o" },
	ITEM("response.output_item.done"),  { "response.output_item.done", "item", "!o" },
	PIECE("response.content_part.added"), { "response.content_part.added", "content_index", "!i" }, { "response.content_part.added", "part", "!:Said" },
	PIECE("response.content_part.done"),  { "response.content_part.done", "content_index", "!i" },  { "response.content_part.done", "part", "!:Said" },
	PIECE("response.output_text.delta"),  { "response.output_text.delta", "content_index", "!i" },  { "response.output_text.delta", "delta", "!s" }, { "response.output_text.delta", "logprobs", "![o" },
	PIECE("response.output_text.done"),   { "response.output_text.done", "content_index", "!i" },   { "response.output_text.done", "text", "!s" },   { "response.output_text.done", "logprobs", "![o" },
	PIECE("response.output_text.annotation.added"), { "response.output_text.annotation.added", "content_index", "!i" }, { "response.output_text.annotation.added", "annotation_index", "!i" }, { "response.output_text.annotation.added", "annotation", "!:Annotation" },
	PIECE("response.refusal.delta"),      { "response.refusal.delta", "content_index", "!i" },      { "response.refusal.delta", "delta", "!s" },
	PIECE("response.refusal.done"),       { "response.refusal.done", "content_index", "!i" },       { "response.refusal.done", "refusal", "!s" },
	PIECE("response.reasoning_summary_part.added"), { "response.reasoning_summary_part.added", "summary_index", "!i" }, { "response.reasoning_summary_part.added", "part", "!:Summary" },
	PIECE("response.reasoning_summary_part.done"),  { "response.reasoning_summary_part.done", "summary_index", "!i" },  { "response.reasoning_summary_part.done", "part", "!:Summary" },
	PIECE("response.reasoning_summary_text.delta"), { "response.reasoning_summary_text.delta", "summary_index", "!i" }, { "response.reasoning_summary_text.delta", "delta", "!s" },
	PIECE("response.reasoning_summary_text.done"),  { "response.reasoning_summary_text.done", "summary_index", "!i" },  { "response.reasoning_summary_text.done", "text", "!s" },
	PIECE("response.function_call_arguments.delta"), { "response.function_call_arguments.delta", "delta", "!s" },
	PIECE("response.function_call_arguments.done"),  { "response.function_call_arguments.done", "arguments", "!s" },
	PIECE("response.custom_tool_call_input.delta"),  { "response.custom_tool_call_input.delta", "delta", "!s" },
	PIECE("response.custom_tool_call_input.done"),   { "response.custom_tool_call_input.done", "input", "!s" },
	{ NULL, NULL, NULL },
};
/* clang-format on */

static inline void responses_check_typed(struct json_object *o,
					 const char *what, const char *def)
{
	char type[64];

	snprintf(type, sizeof(type), "%s %s", what, js_str(o, "type", def));
	shape_check(responses_rows, o, type, type);
}

static inline void responses_check_each(struct json_object *list,
					const char *what, const char *def)
{
	for (int i = 0; i < js_len(list); i++)
		responses_check_typed(js_at(list, i), what, def);
}

static inline void responses_check_request(struct json_object *o)
{
	struct json_object *list = js_get(o, "input");
	struct json_object *choice = js_get(o, "tool_choice");

	shape_check(responses_rows, o, "Request", "");
	for (int i = 0; i < js_len(list); i++) {
		struct json_object *item = js_at(list, i);
		struct json_object *in = js_either(item, "content", "output");

		responses_check_typed(item, "in", "message");
		if (in && !json_object_is_type(in, json_type_string))
			responses_check_each(in, "in", "");
	}
	if (!js_len(list))
		SHAPE_BAD("there is no input");
	responses_check_each(js_get(o, "tools"), "tool", "");
	if (json_object_is_type(choice, json_type_object))
		responses_check_typed(choice, "choice", "");
	if (js_get(o, "max_output_tokens") &&
	    js_int(o, "max_output_tokens", 0) < 16)
		SHAPE_BAD("max_output_tokens is too small");
}

static inline void responses_check_response(struct json_object *o)
{
	shape_check(responses_rows, o, "Response", "");
	responses_check_each(js_get(o, "output"), "out", "");
}

/* --- a stream, as the official client puts it together --------------------- */

struct responses_stream {
	int64_t seq, index; /* of the next event; of the open item */
	bool open, part, ended;
	char type[32]; /* of the open item */
	struct buf text;
	struct buf items; /* that are done, to be compared with the end's */
};

static inline void responses_check_item(struct responses_stream *s,
					const char *type, struct json_object *o)
{
	struct json_object *item = js_get(o, "item");
	bool added = !strcmp(type, "response.output_item.added");
	struct str json;

	responses_check_typed(item, "out", "");
	if (s->open == added)
		SHAPE_BAD("%s: an item is %sopen", type, added ? "" : "not ");
	if (js_int(o, "output_index", -1) != s->index)
		SHAPE_BAD("%s: output_index", type);
	s->open = added;
	snprintf(s->type, sizeof(s->type), "%s", js_str(item, "type", ""));
	buf_clear(&s->text);
	if (added)
		return;
	s->index++;
	json.p = json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN);
	json.n = strlen(json.p);
	if (s->items.len)
		buf_char(&s->items, ',');
	buf_add(&s->items, json.p, json.n);
}

static inline void responses_check_end(struct responses_stream *s,
				       struct json_object *o)
{
	struct json_object *r = js_get(o, "response");
	const char *all = json_object_to_json_string_ext(
		js_get(r, "output"), JSON_C_TO_STRING_PLAIN);
	struct buf want;

	buf_init(&want, 1u << 20);
	buf_printf(&want, "[%s]", s->items.len ? s->items.p : "");
	ROW_STR(all, want.p);
	ROW_TRUE(!s->open);
	responses_check_response(r);
	s->ended = true;
	buf_release(&want);
}

/* The pieces of a part are what its end says. */
static inline void responses_check_piece(struct responses_stream *s,
					 const char *type,
					 struct json_object *o)
{
	static const char *const members[] = { "text", "refusal", "arguments",
					       "input" };
	struct str d = js_text(o, "delta");
	size_t n = strlen(type);

	if (!s->open || js_int(o, "output_index", -1) != s->index)
		SHAPE_BAD("%s: of no open item", type);
	buf_add(&s->text, d.p, d.n);
	if (n < 5 || strcmp(type + n - 5, ".done"))
		return;
	for (size_t i = 0; i < COUNT(members); i++)
		if (js_get(o, members[i]))
			ROW_STR(js_str(o, members[i], ""), s->text.p);
}

static inline void responses_check_event(struct responses_stream *s,
					 struct json_object *o)
{
	const char *type = js_str(o, "type", "");

	shape_check(responses_rows, o, type, type);
	if (js_int(o, "sequence_number", -1) != s->seq++)
		SHAPE_BAD("%s: sequence_number", type);
	if (s->ended)
		SHAPE_BAD("%s after the end", type);
	if (s->seq == 1 && strcmp(type, "error") &&
	    strcmp(type, "response.created"))
		SHAPE_BAD("%s comes first", type);
	if (!strncmp(type, "response.output_item.", 21))
		responses_check_item(s, type, o);
	else if (!strcmp(type, "error"))
		s->ended = true;
	else if (!js_get(o, "response"))
		responses_check_piece(s, type, o);
	else if (strcmp(type, "response.created") &&
		 strcmp(type, "response.in_progress"))
		responses_check_end(s, o);
}

#endif
