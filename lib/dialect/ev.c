/* ev.c - see ev.h. */
#include "dialect/ev.h"

static const char *const kinds[EV__COUNT] = {
	[EV_START] = "start",
	[EV_TEXT] = "text",
	[EV_REASONING] = "reasoning",
	[EV_TOOL_START] = "tool_start",
	[EV_TOOL_ARGS] = "tool_args",
	[EV_BLOCK_END] = "block_end",
	[EV_USAGE] = "usage",
	[EV_FINISH] = "finish",
	[EV_ERROR] = "error",
	[EV_SIGNATURE] = "signature",
	[EV_REFUSAL] = "refusal",
	[EV_ANNOTATION] = "annotation",
	[EV_VECTOR] = "vector",
	[EV_OPAQUE] = "opaque",
	[EV_END] = "end",
};

static const char *const finishes[FINISH__COUNT] = {
	[FINISH_STOP] = "stop",        [FINISH_LENGTH] = "length",
	[FINISH_TOOLS] = "tool_calls", [FINISH_FILTER] = "content_filter",
	[FINISH_PAUSE] = "stop", /* OpenAI has no word for it */
	[FINISH_ERROR] = "error",
};

/* Words that stand in the finish_reason of servers that speak OpenAI's
 * dialect; what is not here is a stop. */
static const struct {
	const char *word;
	enum finish finish;
} synonyms[] = {
	/* clang-format off */
	{ "stop",                         FINISH_STOP },
	{ "length",                       FINISH_LENGTH },
	{ "max_tokens",                   FINISH_LENGTH },
	{ "model_length",                 FINISH_LENGTH },
	{ "max_output_tokens",            FINISH_LENGTH },
	{ "tool_calls",                   FINISH_TOOLS },
	{ "function_call",                FINISH_TOOLS },
	{ "tool_use",                     FINISH_TOOLS },
	{ "content_filter",               FINISH_FILTER },
	{ "sensitive",                    FINISH_FILTER },
	{ "safety",                       FINISH_FILTER },
	{ "error",                        FINISH_ERROR },
	{ "network_error",                FINISH_ERROR },
	{ "insufficient_system_resource", FINISH_ERROR },
	/* clang-format on */
};

const char *ev_name(enum ev_kind kind)
{
	return kinds[kind];
}

const char *finish_name(enum finish f)
{
	return finishes[f];
}

enum finish finish_named(const char *s)
{
	if (!s || !*s)
		return FINISH_NONE;
	for (size_t i = 0; i < COUNT(synonyms); i++)
		if (!strcmp(synonyms[i].word, s))
			return synonyms[i].finish;
	return FINISH_STOP;
}

/* --- for people ------------------------------------------------------------
 */

static void quoted(struct buf *out, const char *s, size_t n)
{
	buf_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_str(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_char(out, s[i]);
	}
	buf_char(out, '"');
}

static void named(struct buf *out, const char *name, const char *s)
{
	if (!s)
		return;
	buf_printf(out, " %s=", name);
	quoted(out, s, strlen(s));
}

void ev_print(const struct ev *ev, struct buf *out)
{
	buf_printf(out, "%s %d.%d", kinds[ev->kind], ev->choice, ev->part);
	named(out, "id", ev->id);
	named(out, "name", ev->name);
	if (ev->custom)
		buf_str(out, " custom");
	if (ev->finish)
		buf_printf(out, " %s", finishes[ev->finish]);
	if (ev->kind == EV_USAGE)
		usage_print(&ev->usage, out);
	if (ev->kind == EV_VECTOR) {
		buf_printf(out, " %zu bytes", ev->n);
	} else if (ev->s) {
		buf_char(out, ' ');
		quoted(out, ev->s, ev->n);
	}
	buf_char(out, '\n');
}
