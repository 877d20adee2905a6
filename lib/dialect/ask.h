/* ask.h - what a caller's body asks for, read in one scan without a tree.
 *
 * ask_read() checks the JSON (json/scan.h) and then every parameter of its
 * endpoint (ask.def: type, range, length, words); members that are not in the
 * table pass.  What routing, pricing and the log need is in struct ask; what
 * must change on the way to an upstream becomes a few edits of the body.
 * Errors are in OpenAI's words with the parameter's JSON path.
 */
#ifndef DIALECT_ASK_H
#define DIALECT_ASK_H

#include "base/arena.h"
#include "base/err.h"
#include "json/scan.h"
#include "json/splice.h"

enum ask_kind { ASK_CHAT, ASK_COMPLETION, ASK_EMBEDDING, ASK__COUNT };

enum ask_format { /* response_format */
		  ASK_FORMAT_NONE,
		  ASK_FORMAT_TEXT,
		  ASK_FORMAT_OBJECT,
		  ASK_FORMAT_SCHEMA,
		  ASK_FORMAT__COUNT
};

/* A member of the body, as byte offsets: a body has 1 GiB at most. */
struct ask_span {
	uint32_t member;   /* the quote before its name */
	uint32_t from, to; /* its value's text, quotes included */
	enum scan_kind kind;
	bool given; /* false: the body does not have it */
};

struct ask {
	enum ask_kind kind;
	struct str body;
	struct str model; /* unescaped */
	bool stream;
	bool include_usage;     /* asked for, in a stream */
	int64_t max_tok;        /* per choice, the lower of both; -1: none */
	int64_t max_tokens;     /* -1: absent or null */
	int64_t max_completion; /* max_completion_tokens, the same */
	int64_t n;              /* choices; 1 where nothing is said */
	int64_t best_of;        /* completions; 1 */
	int64_t n_messages;
	int64_t n_inputs; /* of an embedding, prompts of a completion */
	/* What the upstream reads as text, in bytes after unescaping; a token
	 * id counts as four.  Data of images, sound and files is not in it. */
	int64_t text_bytes;
	int64_t n_images, n_audio, n_files;
	bool has_tools;          /* tools or functions */
	bool has_search;         /* web_search_options */
	struct str service_tier; /* unescaped; { NULL, 0 }: absent */
	bool functions;          /* the old words: functions, function_call */
	bool base64;             /* vectors are wanted as base64 */
	enum ask_format format;
	struct str user;   /* unescaped; { NULL, 0 }: absent */
	bool system_first; /* the first message is the system's or developer's */

	struct ask_span messages_at, first_content_at; /* of a chat */
	struct ask_span model_at, stream_at, stream_options_at,
		include_usage_at, max_tokens_at, max_completion_at, user_at;
	int64_t stream_options_members;
};

/* Reads a body; what it points to lives in body and arena.  -1: refused, with
 * the first thing that is wrong: JSON before parameters. */
int ask_read(struct ask *a, enum ask_kind kind, struct str body,
	     const struct scan_limits *lim, struct arena *arena, struct err *e);

/* A member of the body that an upstream gets otherwise than the caller sent
 * it. */
struct ask_override {
	const char *name;
	struct str value;   /* JSON; { NULL, 0 }: it is taken out */
	struct ask_span at; /* in the body, by ask_find() */
};

/* May nobody but the caller and the gateway say it?  It decides what is asked,
 * what is answered how, or what is paid. */
bool ask_protected(const char *name);
/* Fills in where the members are, in one pass over the body's top. */
void ask_find(const struct ask *a, struct ask_override *o, int n);

/* How the body must differ for one upstream. */
struct ask_change {
	const char *model;       /* its name for the model; NULL: as asked */
	bool force_usage;        /* a stream must end with its usage */
	bool drop_usage;         /* it refuses stream_options: leave it out */
	const char *limit_param; /* its name for the limit below */
	int64_t limit_tok;       /* what can be paid for; -1: no limit.  It
				    only ever lowers what the caller asked */
	/* None of them protected. */
	const struct ask_override *overrides;
	int n_overrides;
	/* The chat begins with these words of the system: before those of the
	 * caller's first message where that is the system's (or developer's),
	 * with an empty line between; else in a message of their own. */
	const char *system; /* NULL, "": none */
};

#define ASK_EDITS 8 /* and one for each override */

/* Fills edits, returns how many; 0: the body goes on as it is. */
int ask_edits(const struct ask *a, const struct ask_change *c,
	      struct arena *arena, struct splice_edit edits[static ASK_EDITS]);

#endif
