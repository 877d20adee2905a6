/* dialect_anthropic.c - Anthropic's dialect: the Messages API; the table, and
 * what its functions share. */
#include "dialect/anthropic.h"

const struct dialect dialect_anthropic = {
	.name = "anthropic",
	.framing = FRAMING_SSE,
	.read = anthropic_read,
	.encode = anthropic_encode,
	.write = anthropic_write,
	.decode = anthropic_decode,
	.resume = anthropic_resume,
};

/* The first row of a reason is what a client is told. */
static const struct {
	const char *word;
	enum finish finish;
} reasons[] = {
	{ "end_turn", FINISH_STOP },
	{ "stop_sequence", FINISH_STOP },
	{ "compaction", FINISH_STOP },
	{ "max_tokens", FINISH_LENGTH },
	{ "model_context_window_exceeded", FINISH_LENGTH },
	{ "tool_use", FINISH_TOOLS },
	{ "refusal", FINISH_FILTER },
	{ "pause_turn", FINISH_PAUSE },
};

enum finish anthropic_finish(const char *stop_reason)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (!strcmp(reasons[i].word, stop_reason))
			return reasons[i].finish;
	return FINISH_STOP;
}

const char *anthropic_stop_reason(enum finish f)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].finish == f)
			return reasons[i].word;
	return "end_turn";
}
