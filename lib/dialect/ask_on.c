/* ask_on.c - what single parameters mean, see ask.def. */
#include "dialect/ask_in.h"
#include "json/text.h"

static struct ask_span span_of(const struct scan_hit *h)
{
	return (struct ask_span){ .member = h->member_from,
				  .from = h->from,
				  .to = h->to,
				  .kind = h->kind,
				  .given = true };
}

/* A number as an int64_t, or what null means. */
static int64_t number_of(const struct scan_hit *h, int64_t null)
{
	return h->kind == SCAN_NULL ? null : json_whole(scan_hit_text(h));
}

/* --- for all -------------------------------------------------------------- */

void ask_on_model(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h)
{
	(void)row;
	r->ask->model = json_unescape(scan_hit_text(h), r->arena);
	r->ask->model_at = span_of(h);
}

void ask_on_user(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	(void)row;
	r->ask->user_at = span_of(h);
	if (h->kind == SCAN_STRING)
		r->ask->user = json_unescape(scan_hit_text(h), r->arena);
}

void ask_on_tier(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	(void)row;
	if (h->kind == SCAN_STRING)
		r->ask->service_tier =
			json_unescape(scan_hit_text(h), r->arena);
}

void ask_on_search(struct ask_reader *r, const struct ask_row *row,
		   const struct scan_hit *h)
{
	(void)row;
	if (h->kind == SCAN_OBJECT)
		r->ask->has_search = true;
}

/* --- how it answers ------------------------------------------------------- */

void ask_on_stream(struct ask_reader *r, const struct ask_row *row,
		   const struct scan_hit *h)
{
	(void)row;
	r->ask->stream = h->kind == SCAN_TRUE;
	r->ask->stream_at = span_of(h);
}

void ask_on_stream_options(struct ask_reader *r, const struct ask_row *row,
			   const struct scan_hit *h)
{
	(void)row;
	r->ask->stream_options_at = span_of(h);
	r->ask->stream_options_members = h->count;
}

void ask_on_include_usage(struct ask_reader *r, const struct ask_row *row,
			  const struct scan_hit *h)
{
	(void)row;
	r->ask->include_usage = h->kind == SCAN_TRUE;
	r->ask->include_usage_at = span_of(h);
}

static int64_t lower(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 ? a : MIN(a, b);
}

void ask_on_max_tokens(struct ask_reader *r, const struct ask_row *row,
		       const struct scan_hit *h)
{
	(void)row;
	r->ask->max_tokens = number_of(h, -1);
	r->ask->max_tokens_at = span_of(h);
	r->ask->max_tok = lower(r->ask->max_tok, r->ask->max_tokens);
}

void ask_on_max_completion(struct ask_reader *r, const struct ask_row *row,
			   const struct scan_hit *h)
{
	(void)row;
	r->ask->max_completion = number_of(h, -1);
	r->ask->max_completion_at = span_of(h);
	r->ask->max_tok = lower(r->ask->max_tok, r->ask->max_completion);
}

void ask_on_n(struct ask_reader *r, const struct ask_row *row,
	      const struct scan_hit *h)
{
	(void)row;
	r->ask->n = number_of(h, 1);
}

void ask_on_best_of(struct ask_reader *r, const struct ask_row *row,
		    const struct scan_hit *h)
{
	(void)row;
	r->ask->best_of = number_of(h, 1);
}

void ask_on_logprobs(struct ask_reader *r, const struct ask_row *row,
		     const struct scan_hit *h)
{
	(void)row;
	r->logprobs = h->kind == SCAN_TRUE;
}

void ask_on_top_logprobs(struct ask_reader *r, const struct ask_row *row,
			 const struct scan_hit *h)
{
	(void)row;
	r->top_logprobs = number_of(h, 0) > 0;
}

void ask_on_format_type(struct ask_reader *r, const struct ask_row *row,
			const struct scan_hit *h)
{
	(void)row;
	(void)h;
	r->ask->format = (enum ask_format)(ASK_FORMAT_TEXT + r->word);
}

void ask_on_format(struct ask_reader *r, const struct ask_row *row,
		   const struct scan_hit *h)
{
	if (h->kind == SCAN_OBJECT && !h->open &&
	    r->ask->format == ASK_FORMAT_SCHEMA &&
	    !ask_has(r, h, "json_schema"))
		ask_note_missing(r, row, h, "json_schema");
}

#define METADATA_NAME 64

void ask_on_metadata(struct ask_reader *r, const struct ask_row *row,
		     const struct scan_hit *h)
{
	char at[ASK_PATH];
	size_t prefix = sizeof("metadata.") - 1;
	struct str name = str_of(ask_path(row, h, "", at));
	size_t chars = 0;

	for (size_t i = prefix; i < name.n; i++)
		chars += ((unsigned char)name.p[i] & 0xC0) != 0x80;
	if (chars > METADATA_NAME)
		ask_note(r, ERR_STRING_LONG, "metadata",
			 "Invalid 'metadata': a name is too long. Expected "
			 "names with maximum length %d.",
			 METADATA_NAME);
}

/* --- tools ---------------------------------------------------------------- */

void ask_on_tools(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h)
{
	(void)row;
	r->ask->has_tools |= h->count > 0;
}

void ask_on_functions(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	ask_on_tools(r, row, h);
	r->ask->functions |= h->kind != SCAN_NULL;
}

void ask_on_function_call(struct ask_reader *r, const struct ask_row *row,
			  const struct scan_hit *h)
{
	(void)row;
	r->ask->functions |= h->kind != SCAN_NULL;
}

void ask_on_tool_type(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	struct str text = scan_hit_text(h);

	(void)row;
	r->tool_function = json_text_is(text, str_of("function"));
	r->tool_custom = json_text_is(text, str_of("custom"));
}

void ask_on_tool_name(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	(void)row;
	r->tool_name_ok =
		ask_is_ident(json_unescape(scan_hit_text(h), r->arena));
}

void ask_on_tool(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	char at[ASK_PATH];

	if (h->open) {
		r->tool_function = r->tool_custom = false;
		r->tool_name_ok = true;
		return;
	}
	if (r->tool_function && !ask_has(r, h, "function"))
		ask_note_missing(r, row, h, "function");
	if (r->tool_custom && !ask_has(r, h, "custom"))
		ask_note_missing(r, row, h, "custom");
	if (!r->tool_function || r->tool_name_ok)
		return;
	ask_path(row, h, "function.name", at);
	ask_note(r, ERR_VALUE, at,
		 "Invalid '%s': string does not match pattern. Expected a "
		 "string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
		 at);
}

/* --- messages ------------------------------------------------------------- */

/* A part's type is also the name of the member that it must have. */
static const struct part {
	const char *name;
	unsigned int roles; /* that may say it */
} parts[PART__COUNT] = {
	[PART_TEXT] = { "text", ~0u },
	[PART_IMAGE] = { "image_url", BIT(ROLE_USER) },
	[PART_AUDIO] = { "input_audio", BIT(ROLE_USER) },
	[PART_FILE] = { "file", BIT(ROLE_USER) },
	[PART_REFUSAL] = { "refusal", BIT(ROLE_ASSISTANT) },
	[PART_VIDEO] = { "video_url", BIT(ROLE_USER) },
};

/* What a message must have, by its role. */
static const struct {
	const char *needs; /* besides content; NULL: nothing */
	bool null_content; /* content may be null, whatever else it has */
} roles[ROLE__COUNT] = {
	[ROLE_FUNCTION] = { "name", true },
	[ROLE_TOOL] = { "tool_call_id", false },
};

/* What an assistant may say in the place of content. */
static const char *const instead[] = { "tool_calls", "function_call", "refusal",
				       "audio" };

void ask_on_messages(struct ask_reader *r, const struct ask_row *row,
		     const struct scan_hit *h)
{
	(void)row;
	r->ask->n_messages = h->count;
	r->ask->messages_at = (struct ask_span){ .member = h->member_from,
						 .from = h->from,
						 .to = h->to,
						 .kind = h->kind,
						 .given = true };
}

static bool first_message(const struct scan_hit *h)
{
	return h->n_index > 0 && h->index[0] == 0;
}

void ask_on_content(struct ask_reader *r, const struct ask_row *row,
		    const struct scan_hit *h)
{
	(void)row;
	if (!first_message(h))
		return;
	r->ask->first_content_at = (struct ask_span){ .member = h->member_from,
						      .from = h->from,
						      .to = h->to,
						      .kind = h->kind,
						      .given = true };
}

void ask_on_role(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	(void)row;
	r->role = r->word;
	if (first_message(h))
		r->ask->system_first =
			r->role == ROLE_SYSTEM || r->role == ROLE_DEVELOPER;
}

static bool needs_content(const struct ask_reader *r, const struct scan_hit *h)
{
	if (roles[r->role].null_content)
		return false;
	if (r->role != ROLE_ASSISTANT)
		return true;
	for (size_t i = 0; i < COUNT(instead); i++)
		if (ask_has(r, h, instead[i]))
			return false;
	return true;
}

/* The parts that this role may not say. */
static void check_parts(struct ask_reader *r, const struct ask_row *row,
			const struct scan_hit *h)
{
	char member[48], at[ASK_PATH], list[128] = "";
	size_t n = 0;

	for (int i = 0; i < PART__COUNT; i++)
		if (parts[i].roles & BIT(r->role))
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s'%s'", n ? ", " : "",
					      parts[i].name);
	for (int i = 0; i < PART__COUNT; i++) {
		if (r->part_at[i] < 0 || parts[i].roles & BIT(r->role))
			continue;
		snprintf(member, sizeof(member), "content[%d].type",
			 r->part_at[i]);
		ask_note(r, ERR_VALUE, ask_path(row, h, member, at),
			 "Invalid value: '%s'. Supported values are: %s.",
			 parts[i].name, list);
	}
}

static void end_message(struct ask_reader *r, const struct ask_row *row,
			const struct scan_hit *h)
{
	const char *needs = roles[r->role].needs;

	check_parts(r, row, h);
	if (needs && !ask_has(r, h, needs))
		ask_note_missing(r, row, h, needs);
	if (!ask_has(r, h, "content") && needs_content(r, h))
		ask_note_missing(r, row, h, "content");
}

void ask_on_message(struct ask_reader *r, const struct ask_row *row,
		    const struct scan_hit *h)
{
	if (!h->open) {
		if (r->role >= 0 && r->first.code == ERR_NONE)
			end_message(r, row, h);
		return;
	}
	r->role = -1;
	for (int i = 0; i < PART__COUNT; i++)
		r->part_at[i] = -1;
}

void ask_on_part_type(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h)
{
	(void)row;
	(void)h;
	r->part = r->word;
}

static void count_part(struct ask *a, int part)
{
	a->n_images += part == PART_IMAGE;
	a->n_audio += part == PART_AUDIO;
	a->n_files += part == PART_FILE || part == PART_VIDEO;
}

void ask_on_part(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	if (h->open) {
		r->part = -1;
		return;
	}
	if (r->part < 0)
		return;
	if (!ask_has(r, h, parts[r->part].name))
		ask_note_missing(r, row, h, parts[r->part].name);
	if (r->part_at[r->part] < 0)
		r->part_at[r->part] = h->index[h->n_index - 1];
	count_part(r->ask, r->part);
}

/* --- prompts and inputs --------------------------------------------------- */

/* Bytes that stand for a token that came as a number. */
#define TOKEN_BYTES 4

void ask_on_input(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h)
{
	(void)row;
	if (h->open || h->kind == SCAN_NULL)
		return;
	r->ask->n_inputs = 1;
	if (h->kind == SCAN_ARRAY && r->item_kind != SCAN_NUMBER)
		r->ask->n_inputs = h->count;
}

void ask_on_item(struct ask_reader *r, const struct ask_row *row,
		 const struct scan_hit *h)
{
	char at[ASK_PATH];

	if (r->item_kind < 0)
		r->item_kind = (int)h->kind;
	if (r->item_kind != (int)h->kind) {
		ask_path(row, h, "", at);
		ask_note(r, ERR_TYPE, at,
			 "Invalid type for '%s': expected %s like the "
			 "elements before it, but got %s instead.",
			 at, scan_kind_name((enum scan_kind)r->item_kind),
			 scan_kind_name(h->kind));
	}
	if (h->kind == SCAN_NUMBER)
		r->ask->text_bytes += TOKEN_BYTES;
}

void ask_on_token(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h)
{
	(void)row;
	(void)h;
	r->ask->text_bytes += TOKEN_BYTES;
}

void ask_on_encoding(struct ask_reader *r, const struct ask_row *row,
		     const struct scan_hit *h)
{
	(void)row;
	(void)h;
	r->ask->base64 = r->word == 1;
}

/* --- at the end ----------------------------------------------------------- */

void ask_on_all(struct ask_reader *r)
{
	struct ask *a = r->ask;

	if (a->stream_options_at.given &&
	    a->stream_options_at.kind != SCAN_NULL && !a->stream)
		ask_note(r, ERR_VALUE, "stream_options",
			 "The 'stream_options' parameter is only allowed when "
			 "'stream' is enabled.");
	if (r->top_logprobs && !r->logprobs)
		ask_note(r, ERR_VALUE, "top_logprobs",
			 "The 'top_logprobs' parameter is only allowed when "
			 "'logprobs' is enabled.");
	if (a->best_of > 1 && a->stream)
		ask_note(r, ERR_VALUE, "best_of",
			 "Results cannot be streamed with best_of > 1.");
	if (a->best_of > 1 && a->best_of < a->n)
		ask_note(r, ERR_VALUE, "best_of",
			 "Invalid 'best_of': expected a value >= n, which is "
			 "%lld.",
			 (long long)a->n);
}
