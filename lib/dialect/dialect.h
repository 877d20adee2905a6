/* dialect.h - how they speak: a request to bytes and back, bytes to events
 * and back.
 *
 * A dialect is pure: it opens nothing, reads no clock and no settings, and
 * remembers only in `struct dec` and `struct enc`.  `read` and `encode` serve
 * a client that speaks it, `write` and `decode` an upstream.
 *
 *	dec_init(&d, dialect, &mem, SHAPE_CHAT, true, sink, arg);
 *	for each event of the stream:
 *		if (dec_feed(&d, event, p, n, &e) < 0)
 *			...the upstream is broken
 *	dec_eof(&d, &e)
 */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include "base/err.h"
#include "dialect/chat.h"
#include "dialect/ev.h"
#include "dialect/usage_read.h"

struct json_object;
struct enc;
struct dec;

/* How the pieces of a streamed answer are told apart. */
enum framing { FRAMING_SSE, FRAMING_NDJSON };

struct dialect {
	const char *name;
	enum framing framing;
	/* A client's body to c, which is initialised and says the shape.
	 * ERR_TYPE and its like, with the parameter, where c cannot say it. */
	int (*read)(struct json_object *in, struct chat *c, struct err *e);
	void (*encode)(struct enc *x, const struct ev *ev, struct buf *out);
	int (*write)(const struct chat *c, struct buf *out, struct err *e);
	/* event: the name of the SSE event, or "". */
	int (*decode)(struct dec *d, const char *event, const char *p, size_t n,
		      struct err *e);
	/* An encoder that shall go on with a stream whose bytes passed unread:
	 * p is the payload of one of its events. */
	void (*resume)(struct enc *x, const char *p, size_t n);
};

extern const struct dialect dialect_openai, dialect_anthropic, dialect_gemini,
	dialect_responses;

const struct dialect *dialect_find(const char *name); /* NULL: none */

/* --- an answer to events ---------------------------------------------------
 */

#define DEC_CHOICES 128  /* answers to one request */
#define DEC_PARTS   1024 /* parts of one of them */

struct dec_tool {
	struct dec_tool *next;
	int64_t index; /* what the upstream calls it */
	const char *id;
	int part;
	bool has_args; /* some were said */
};

struct dec_choice {
	int n_parts, open;      /* open: the part, or -1 */
	enum ev_kind open_kind; /* EV_TEXT, EV_REASONING, EV_TOOL_START ... */
	struct dec_tool *tools, *tool_last;
	bool finished;
};

struct dec {
	const struct dialect *dialect;
	struct arena *mem; /* for what must be remembered: little */
	enum shape shape;
	bool stream;          /* events; else one whole body */
	bool reasoning_apart; /* out of completion_tokens: xAI */
	void (*sink)(void *arg, const struct ev *ev);
	void *arg;
	/* what happened */
	bool started, ended, failed;
	const char *id;     /* the answer's, "" until it is known */
	bool usage_refused; /* an absurd usage was dropped */
	struct usage usage;
	struct usage_heard said; /* the dialect's own, see usage_read.h */
	int n_choices, n_finished;
	struct dec_choice *choices[DEC_CHOICES];
};

void dec_init(struct dec *d, const struct dialect *dialect, struct arena *mem,
	      enum shape shape, bool stream,
	      void (*sink)(void *arg, const struct ev *ev), void *arg);
/* One event of a stream, or the whole body.  -1: it is not what the dialect
 * says it must be (ERR_UP_BROKEN).  An error that the upstream reports is not
 * that: it is an EV_ERROR, and d->failed. */
int dec_feed(struct dec *d, const char *event, const char *p, size_t n,
	     struct err *e);
/* The bytes are over: EV_END where the answer is complete though nothing said
 * so, -1 where it was cut off. */
int dec_eof(struct dec *d, struct err *e);

/* For dialects.  dec_emit() refuses absurd usage for all of them, and keeps
 * started, ended, failed. */
void dec_emit(struct dec *d, const struct ev *ev);
struct dec_choice *dec_choice(struct dec *d, int64_t index); /* NULL: no */
/* The part of this kind, opened if it is not: BLOCK_END for the last one.
 * -1: too many. */
int dec_open(struct dec *d, int choice, enum ev_kind kind);
void dec_close(struct dec *d, int choice); /* BLOCK_END, if one is open */
/* A text, refusal or reasoning, in the part that is open for it; "": nothing. */
int dec_say(struct dec *d, int choice, enum ev_kind kind, struct str s,
	    struct err *e);
/* FINISH, once; a stop after tool calls is theirs. */
void dec_finish(struct dec *d, int choice, enum finish f);
int dec_too_many(struct err *e); /* parts */

/* --- events to an answer ---------------------------------------------------
 */

struct enc_tool {
	struct enc_tool *next;
	int part;
	const char *id, *name;
	bool custom, done;     /* done: all of it was written */
	const char *signature; /* NULL: none */
	struct buf args;
};

struct enc_choice { /* of a whole answer: what it says so far */
	struct buf text, reasoning, refusal, annotations, logprobs;
	struct buf signature; /* of the reasoning */
	struct buf parts;     /* Gemini's, that have ended, and all before */
	struct enc_tool *tools, *tool_last;
	int n_tools;
	bool has_text, has_role, finished;
	enum finish finish;
	const char *audio;
};

/* Set up by the caller with enc_init(), then what follows it. */
struct enc {
	const struct dialect *dialect;
	struct arena *mem;
	enum shape shape;
	bool stream;
	size_t max_bytes; /* of one text of a whole answer */
	/* the caller's, before the first event */
	const char *id, *model; /* NULL: what EV_START says */
	int64_t created_s;      /* since 1970 */
	bool include_usage;     /* the client asked for it */
	bool functions;         /* the client asked in the old words */
	bool base64;            /* vectors as base64 */
	bool json_array;        /* a stream as one array, not as SSE: Gemini */
	const char *echo;       /* Responses: of dialect_responses_echo() */
	/* what happened */
	bool started, failed, ended, too_large;
	struct usage usage;
	const char *tier, *fingerprint; /* JSON, for the top */
	struct buf vectors;             /* items of an embedding's data */
	struct buf blocks;              /* the content so far: Anthropic's */
	int n_blocks;                   /* that have ended */
	enum ev_kind block;             /* the open one's; EV_START: none */
	struct enc_tool *block_tool;    /* that it is */
	const char *feedback;           /* JSON: why a prompt is blocked */
	int64_t seq;                    /* Responses: of the next event */
	const char *item;               /* Responses: the open item's id */
	int n_choices;
	struct enc_choice *choices[DEC_CHOICES];
};

void enc_init(struct enc *x, const struct dialect *dialect, struct arena *mem,
	      enum shape shape, bool stream);
void enc_release(struct enc *x);
/* Appends what the client reads because of ev; a whole answer comes at EV_END
 * (or EV_ERROR, as an error body). */
void enc_put(struct enc *x, const struct ev *ev, struct buf *out);
struct enc_choice *enc_choice(struct enc *x, int index); /* NULL: no */

/* A stream that passed as it came and is ended by us, for want of money. */
struct enc_stop {
	enum shape shape;
	struct str event;         /* the payload of one of its events */
	int n_choices;            /* that were asked for */
	const uint64_t *finished; /* a bit for each that has ended */
	bool include_usage;
	struct usage usage;
};
/* Appends what its client must still read: a FINISH of FINISH_LENGTH for each
 * choice that has not ended, the usage, the end. */
void enc_stop(const struct dialect *dialect, struct arena *mem,
	      const struct enc_stop *s, struct buf *out);

/* What an answer of the Responses dialect repeats of its request: members, in
 * the arena. */
const char *dialect_responses_echo(struct arena *mem, struct json_object *in);

/* The whole error body of OpenAI's dialect: four keys.  NULL or "": null. */
void dialect_error_body(struct buf *out, const char *message, const char *type,
			const char *param, const char *code);

#endif
