/* chat.h - a request to a model, typed, whatever dialect it came in.
 *
 * Everything lives in the arena that chat_init() was given, or in memory that
 * outlives it.  A text that is absent has p == NULL; an empty one has not.
 * Numbers that were not given are NAN or CHAT_UNSET, switches are -1.
 * Members in JSON are the client's own text and valid.
 */
#ifndef DIALECT_CHAT_H
#define DIALECT_CHAT_H

#include "base/arena.h"
#include "base/buf.h"

#define CHAT_UNSET INT64_MIN

/* What kind of request of a dialect it is. */
enum shape {
	SHAPE_CHAT,
	SHAPE_COMPLETION, /* a prompt to continue: one message for each */
	SHAPE_EMBEDDING,  /* texts to embed: one message for each */
	SHAPE__COUNT
};

enum chat_role {
	CHAT_SYSTEM,
	CHAT_DEVELOPER,
	CHAT_USER,
	CHAT_ASSISTANT,
	CHAT_TOOL, /* its parts are PART_TOOL_RESULT */
	CHAT_ROLE__COUNT
};

enum part_kind {
	PART_TEXT,
	PART_IMAGE,
	PART_AUDIO,
	PART_FILE,
	PART_TOOL_CALL,
	PART_TOOL_RESULT,
	PART_REASONING,
	PART_REFUSAL,
	PART_OPAQUE, /* only the dialect called name understands text */
	PART__COUNT
};

struct chat_parts {
	struct chat_part *first, *last;
};

struct chat_part {
	enum part_kind kind;
	struct chat_part *next;
	struct str text;      /* of TEXT, REASONING, REFUSAL; the arguments of a
			    TOOL_CALL (JSON, perhaps broken: a model wrote
			    it); JSON of OPAQUE */
	struct str id;        /* the call's, of TOOL_CALL and TOOL_RESULT; FILE:
			    of an uploaded one; AUDIO: of an earlier answer */
	struct str name;      /* the tool's; the file's; OPAQUE: the dialect */
	struct str url;       /* IMAGE, AUDIO, FILE: where, if not in data */
	struct str data;      /* IMAGE, AUDIO, FILE: base64, without a prefix */
	struct str mime;      /* of data, "image/png"; AUDIO: "audio/wav" */
	struct str detail;    /* IMAGE: low, high, auto */
	struct str signature; /* REASONING, TOOL_CALL, TEXT: goes back as is */
	struct str signer;    /* whose it is: a dialect; absent: unknown */
	struct str cache;     /* cache_control, as JSON */
	struct str title, context; /* FILE: of a document */
	struct chat_parts content; /* TOOL_RESULT: what the tool said */
	bool custom;               /* TOOL_CALL: text is not JSON */
	bool failed;               /* TOOL_RESULT: the tool failed */
	bool redacted;             /* REASONING: text is sealed */
};

struct chat_msg {
	enum chat_role role;
	struct chat_msg *next;
	struct str name;
	struct chat_parts parts;
};

enum tool_kind {
	TOOL_FUNCTION,
	TOOL_CUSTOM, /* takes free text */
	TOOL_OPAQUE, /* a hosted tool of the dialect called name */
};

struct chat_tool {
	enum tool_kind kind;
	struct chat_tool *next;
	struct str name, description;
	struct str schema; /* FUNCTION: parameters; CUSTOM: format; OPAQUE:
			      all of it; JSON */
	struct str cache;  /* cache_control, as JSON */
	int strict;        /* -1: not said */
};

enum tool_choice {
	CHOICE_UNSET,
	CHOICE_AUTO,
	CHOICE_NONE,
	CHOICE_REQUIRED, /* any tool, but one */
	CHOICE_NAMED,    /* the one called choice_name */
	CHOICE_ALLOWED,  /* among choice_json's, in OpenAI's words */
	CHOICE_OPAQUE,   /* choice_json; choice_name: whose, absent: OpenAI's */
};

enum chat_format { FORMAT_UNSET, FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

/* A member that only one dialect knows. */
struct chat_extra {
	struct chat_extra *next;
	const char *dialect;
	struct str name, json;
};

struct chat_text {
	struct chat_text *next;
	struct str s;
};

struct chat_texts {
	struct chat_text *first, *last;
};

struct chat {
	struct arena *mem;
	enum shape shape;
	struct str model;
	struct chat_msg *msgs, *msg_last;

	struct chat_tool *tools, *tool_last;
	enum tool_choice choice;
	bool choice_custom; /* the named tool is a custom one */
	struct str choice_name, choice_json;
	int parallel_tools; /* -1: not said */
	bool functions;     /* asked in the old words: answer in them */

	int64_t max_tok; /* output, reasoning inside */
	double temperature, top_p, frequency_penalty, presence_penalty;
	int64_t top_k, n, seed;
	struct chat_texts stop;
	struct str logit_bias; /* JSON */
	int logprobs;          /* -1: not said */
	int64_t top_logprobs;  /* COMPLETION: logprobs itself */

	enum chat_format format;
	struct str format_name, format_description, format_schema; /* JSON */
	int format_strict;

	struct str effort;    /* none, minimal, low ... max */
	int64_t think_tok;    /* a budget; 0: no reasoning */
	int think_shown;      /* -1: not said */
	struct str verbosity; /* low, medium, high */

	struct chat_texts modalities;
	struct str audio; /* JSON: voice and format of the answer */
	struct str user;
	struct str metadata; /* JSON */
	struct str service_tier;
	struct str cache; /* cache_control of the whole request, as JSON */
	bool stream, include_usage;

	struct str previous; /* the id of the answer that this goes on from */
	int store;           /* may the answer be kept? -1: not said */

	struct str suffix; /* COMPLETION */
	int echo;          /* COMPLETION: -1: not said */
	int64_t best_of;
	int64_t dimensions; /* EMBEDDING */
	bool base64;        /* EMBEDDING: vectors as base64 */

	struct chat_extra *extras, *extra_last;
	struct buf *lost; /* where write() says what it could not carry; or
			     NULL */
};

void chat_init(struct chat *c, struct arena *mem, enum shape shape);

/* Append a new one, zeroed but for what is given. */
struct chat_msg *chat_msg(struct chat *c, enum chat_role role);
struct chat_part *chat_part(struct chat *c, struct chat_parts *list,
			    enum part_kind kind);
struct chat_tool *chat_tool(struct chat *c, enum tool_kind kind);
void chat_text(struct chat *c, struct chat_texts *list, struct str s);
void chat_extra(struct chat *c, const char *dialect, struct str name,
		struct str json);

/* The texts of a list of parts, one after the other, in the arena. */
struct str chat_plain(const struct chat *c, const struct chat_parts *list);
/* The text of the last message of the user; STR_NONE: there is none. */
struct str chat_last_user(const struct chat *c);

/* "data:image/png;base64,AAAA" to mime and base64; false: is no such URL, or
 * not in base64.  image/jpg becomes image/jpeg. */
bool chat_data_url(struct str url, struct str *mime, struct str *data);

/* Notes that a member cannot be carried: "tools[2].strict". */
void chat_lost(const struct chat *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
