/* ask_in.h - what the files that read an ask share. */
#ifndef DIALECT_ASK_IN_H
#define DIALECT_ASK_IN_H

#include "dialect/ask.h"

#define ASK_ROWS 128 /* of ask.def, at most */

enum ask_role { /* as the row of messages[].role lists them */
		ROLE_SYSTEM,
		ROLE_ASSISTANT,
		ROLE_USER,
		ROLE_FUNCTION,
		ROLE_TOOL,
		ROLE_DEVELOPER,
		ROLE__COUNT
};

enum ask_part { /* as the row of messages[].content[].type lists them */
		PART_TEXT,
		PART_IMAGE,
		PART_AUDIO,
		PART_FILE,
		PART_REFUSAL,
		PART_VIDEO,
		PART__COUNT
};

#define PART_WORDS "text|image_url|input_audio|file|refusal|video_url"

struct ask_reader;
struct ask_row;

/* A value of the right type, or null where that may be.  Arrays and objects
 * come twice, as in a scan. */
typedef void ask_on_fn(struct ask_reader *r, const struct ask_row *row,
		       const struct scan_hit *h);

struct ask_row {
	unsigned int doors;
	const char *path;
	unsigned int types;
	int64_t min, max;
	unsigned int flags;
	const char *words; /* "a|b"; "": any */
	ask_on_fn *on;
};

/* The rows of one kind of ask. */
struct ask_door {
	const struct scan_paths *paths;
	const struct ask_row *rows[ASK_ROWS];
	int parent[ASK_ROWS]; /* -1: none */
	int n;
};

struct ask_reader {
	struct ask *ask;
	const struct ask_door *door;
	struct arena *arena;
	struct err first; /* the first thing that is wrong */
	/* Which members the open objects had: kind + 1; 0: not yet. */
	unsigned char seen[ASK_ROWS];
	int word; /* which of the row's words the value is; -1: has none */

	int role;                 /* of the message under way; -1: not known */
	int part;                 /* of the part under way, likewise */
	int part_at[PART__COUNT]; /* the first of a kind; -1: none */
	bool tool_function, tool_custom, tool_name_ok;
	bool logprobs, top_logprobs;
	int item_kind; /* of the first element of an input; -1: none yet */
};

/* Notes an error, unless there is one; param: its JSON path. */
void ask_note(struct ask_reader *r, enum err_code code, const char *param,
	      const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The JSON path of a row's value, or of its member: "messages[0].role". */
#define ASK_PATH 128
const char *ask_path(const struct ask_row *row, const struct scan_hit *h,
		     const char *member, char at[static ASK_PATH]);
/* Did the object of this row that was just closed have a member, not null?
 * The member has a row of its own. */
bool ask_has(const struct ask_reader *r, const struct scan_hit *h,
	     const char *member);
void ask_note_missing(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h, const char *member);
bool ask_is_ident(struct str name);

/* The handlers that ask.def names, ask_on.c and ask_media.c. */
ask_on_fn ask_on_model, ask_on_user, ask_on_tier, ask_on_search, ask_on_stream,
	ask_on_stream_options, ask_on_include_usage, ask_on_max_tokens,
	ask_on_max_completion, ask_on_n, ask_on_best_of, ask_on_logprobs,
	ask_on_top_logprobs, ask_on_format, ask_on_format_type, ask_on_metadata,
	ask_on_tools, ask_on_tool, ask_on_tool_type, ask_on_tool_name,
	ask_on_functions, ask_on_function_call, ask_on_messages, ask_on_message,
	ask_on_role, ask_on_content, ask_on_part, ask_on_part_type,
	ask_on_input, ask_on_item, ask_on_token, ask_on_encoding,
	ask_on_image_url, ask_on_video_url;
/* What no single value can say; at the end. */
void ask_on_all(struct ask_reader *r);

#endif
