/* gemini_shape.h - requests and answers as ai.google.dev/api/generate-content
 * describes them. */
#ifndef TESTS_GEMINI_SHAPE_H
#define TESTS_GEMINI_SHAPE_H

#include "shape.h"

/* clang-format off */
static const struct shape_row gemini_rows[] = {
	{ "Request", "contents",           "![:Content" },
	{ "Request", "systemInstruction",  ":System" },
	{ "Request", "tools",              "[:Tool" },
	{ "Request", "toolConfig",         ":ToolConfig" },
	{ "Request", "safetySettings",     "[:Safety" },
	{ "Request", "generationConfig",   ":Config" },
	{ "Request", "cachedContent",      "s" },
	{ "Request", "serviceTier",        "=standard|flex|priority" },
	{ "Request", "labels",             "o" },
	{ "Request", "store",              "b" },
	{ "Safety",  "category",           "!s" },
	{ "Safety",  "threshold",          "!s" },
	{ "System",  "parts",              "![:Text" },
	{ "System",  "role",               "s" },
	{ "Text",    "text",               "!s" },
	{ "Content", "role",               "!=user|model" },
	{ "Content", "parts",              "![:Part" },
	{ "Part",    "|",                  "text|inlineData|fileData|functionCall|functionResponse|executableCode|codeExecutionResult|toolCall|toolResponse" },
	{ "Part",    "text",               "s" },
	{ "Part",    "inlineData",         ":Blob" },
	{ "Part",    "fileData",           ":File" },
	{ "Part",    "functionCall",       ":Call" },
	{ "Part",    "functionResponse",   ":Result" },
	{ "Part",    "executableCode",     ":Code" },
	{ "Part",    "codeExecutionResult", ":CodeResult" },
	{ "Part",    "toolCall",           "o" },
	{ "Part",    "toolResponse",       "o" },
	{ "Part",    "thought",            "b" },
	{ "Part",    "thoughtSignature",   "s" },
	{ "Part",    "videoMetadata",      "o" },
	{ "Part",    "mediaResolution",    ":Resolution" },
	{ "Resolution", "level",           "!=MEDIA_RESOLUTION_LOW|MEDIA_RESOLUTION_MEDIUM|MEDIA_RESOLUTION_HIGH" },
	{ "Blob",    "mimeType",           "!s" },
	{ "Blob",    "data",               "!s" },
	{ "Blob",    "displayName",        "s" },
	{ "File",    "mimeType",           "s" },
	{ "File",    "fileUri",            "!s" },
	{ "Call",    "id",                 "s" },
	{ "Call",    "name",               "!s" },
	{ "Call",    "args",               "o" },
	{ "Result",  "id",                 "s" },
	{ "Result",  "name",               "!s" },
	{ "Result",  "response",           "!o" },
	{ "Result",  "parts",              "[:Media" },
	{ "Media",   "|",                  "inlineData|fileData" },
	{ "Media",   "inlineData",         ":Blob" },
	{ "Media",   "fileData",           ":File" },
	{ "Code",    "language",           "!s" },
	{ "Code",    "code",               "!s" },
	{ "CodeResult", "outcome",         "!s" },
	{ "CodeResult", "output",          "s" },
	{ "Config",  "temperature",        "n" },
	{ "Config",  "topP",               "n" },
	{ "Config",  "topK",               "n" },
	{ "Config",  "candidateCount",     "i" },
	{ "Config",  "maxOutputTokens",    "i" },
	{ "Config",  "stopSequences",      "[s" },
	{ "Config",  "presencePenalty",    "n" },
	{ "Config",  "frequencyPenalty",   "n" },
	{ "Config",  "seed",               "i" },
	{ "Config",  "responseLogprobs",   "b" },
	{ "Config",  "logprobs",           "i" },
	{ "Config",  "responseMimeType",   "=text/plain|application/json|text/x.enum" },
	{ "Config",  "responseSchema",     ":Schema" },
	{ "Config",  "responseJsonSchema", "o" },
	{ "Config",  "responseModalities", "[=TEXT|IMAGE|AUDIO" },
	{ "Config",  "imageConfig",        "o" },
	{ "Config",  "speechConfig",       "o" },
	{ "Config",  "mediaResolution",    "s" },
	{ "Config",  "thinkingConfig",     ":Thinking" },
	{ "Thinking", "includeThoughts",   "b" },
	{ "Thinking", "thinkingBudget",    "i" },
	{ "Thinking", "thinkingLevel",     "=minimal|low|medium|high|MINIMAL|LOW|MEDIUM|HIGH" },
	{ "Tool",    "functionDeclarations", "[:Function" },
	{ "Tool",    "googleSearch",       "o" },
	{ "Tool",    "urlContext",         "o" },
	{ "Tool",    "codeExecution",      "o" },
	{ "Tool",    "googleMaps",         "o" },
	{ "Tool",    "fileSearch",         "o" },
	{ "Tool",    "computerUse",        "o" },
	{ "Function", "name",              "!s" },
	{ "Function", "description",       "s" },
	{ "Function", "parameters",        ":Schema" },
	{ "Function", "parametersJsonSchema", "o" },
	{ "ToolConfig", "functionCallingConfig", ":Calling" },
	{ "Calling", "mode",               "!=AUTO|ANY|NONE|VALIDATED" },
	{ "Calling", "allowedFunctionNames", "[s" },
	{ "Schema",  "type",               "=string|number|integer|boolean|array|object" },
	{ "Schema",  "format",             "=enum|date-time|float|double|int32|int64" },
	{ "Schema",  "title",              "s" },
	{ "Schema",  "description",        "s" },
	{ "Schema",  "nullable",           "b" },
	{ "Schema",  "enum",               "[s" },
	{ "Schema",  "default",            "*" },
	{ "Schema",  "example",            "*" },
	{ "Schema",  "items",              ":Schema" },
	{ "Schema",  "minItems",           "i" },
	{ "Schema",  "maxItems",           "i" },
	{ "Schema",  "properties",         "{Schema" },
	{ "Schema",  "required",           "[s" },
	{ "Schema",  "propertyOrdering",   "[s" },
	{ "Schema",  "minProperties",      "i" },
	{ "Schema",  "maxProperties",      "i" },
	{ "Schema",  "minimum",            "n" },
	{ "Schema",  "maximum",            "n" },
	{ "Schema",  "minLength",          "i" },
	{ "Schema",  "maxLength",          "i" },
	{ "Schema",  "pattern",            "s" },
	{ "Schema",  "anyOf",              "[:Schema" },

	{ "Answer",  "candidates",         "[:Candidate" },
	{ "Answer",  "promptFeedback",     "o" },
	{ "Answer",  "usageMetadata",      ":Usage" },
	{ "Answer",  "modelVersion",       "!s" },
	{ "Answer",  "responseId",         "!s" },
	{ "Answer",  "|",                  "candidates|promptFeedback" },
	{ "Candidate", "content",          ":Said" },
	{ "Candidate", "finishReason",     "=STOP|MAX_TOKENS|SAFETY|OTHER" },
	{ "Candidate", "finishMessage",    "s" },
	{ "Candidate", "index",            "!i" },
	{ "Candidate", "safetyRatings",    "[o" },
	{ "Candidate", "groundingMetadata", "o" },
	{ "Candidate", "citationMetadata", "o" },
	{ "Candidate", "avgLogprobs",      "n" },
	{ "Candidate", "logprobsResult",   "o" },
	{ "Said",    "role",               "!=model" },
	{ "Said",    "parts",              "[:Part" },
	{ "Usage",   "promptTokenCount",   "!i" },
	{ "Usage",   "cachedContentTokenCount", "i" },
	{ "Usage",   "candidatesTokenCount", "i" },
	{ "Usage",   "thoughtsTokenCount", "i" },
	{ "Usage",   "toolUsePromptTokenCount", "i" },
	{ "Usage",   "totalTokenCount",    "!i" },
	{ "Error",   "error",              "!:Status" },
	{ "Status",  "code",               "!i" },
	{ "Status",  "message",            "!s" },
	{ "Status",  "status",             "!s" },
	{ NULL, NULL, NULL },
};
/* clang-format on */

/* A content has parts, a text is not empty, and the other side is next. */
static inline void gemini_check_content(struct json_object *content,
					const char *last, int i)
{
	struct json_object *parts = js_get(content, "parts");

	if (!js_len(parts))
		SHAPE_BAD("contents[%d] has no parts", i);
	if (!strcmp(js_str(content, "role", ""), last))
		SHAPE_BAD("contents[%d] is again of %s", i, last);
	for (int k = 0; k < js_len(parts); k++) {
		struct json_object *p = js_at(parts, k);

		if (js_get(p, "text") && !js_text(p, "text").n &&
		    !js_get(p, "thoughtSignature"))
			SHAPE_BAD("contents[%d] has an empty text", i);
	}
}

/* One of each pair, and what a schema wants beside it. */
static inline void gemini_check_config(struct json_object *config)
{
	struct json_object *thinking = js_get(config, "thinkingConfig");

	if (js_either(config, "responseSchema", "responseJsonSchema") &&
	    !js_get(config, "responseMimeType"))
		SHAPE_BAD("a schema without responseMimeType");
	if (js_get(thinking, "thinkingBudget") &&
	    js_get(thinking, "thinkingLevel"))
		SHAPE_BAD("budget and level");
	if (js_len(js_get(config, "stopSequences")) > 5)
		SHAPE_BAD("more than five stop sequences");
}

static inline void gemini_check_request(struct json_object *o)
{
	struct json_object *list = js_get(o, "contents");
	const char *last = "model"; /* a user begins */

	shape_check(gemini_rows, o, "Request", "");
	for (int i = 0; i < js_len(list); i++) {
		gemini_check_content(js_at(list, i), last, i);
		last = js_str(js_at(list, i), "role", "");
	}
	if (!js_len(list))
		SHAPE_BAD("there are no contents");
	gemini_check_config(js_get(o, "generationConfig"));
}

static inline void gemini_check_answer(struct json_object *o)
{
	shape_check(gemini_rows, o, js_get(o, "error") ? "Error" : "Answer",
		    "");
}

#endif
