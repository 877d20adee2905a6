/* listen.h - listening to an OpenAI answer whose bytes go on as they came.
 *
 * Where client and upstream speak the same dialect nothing is decoded: the
 * listener only hears usage, finish, errors and where the content begins.  It
 * builds no tree and allocates nothing for an event without usage.
 *
 *	listen_init(&l, SHAPE_CHAT, false);
 *	for each `data:` of the stream:
 *		listen_event(&l, p, n, &note)
 *	or, of a whole answer, as it grows:
 *		listen_whole_feed(&l, p, n); ... listen_whole_end(&l, p, n, &note)
 *
 * What is heard is an upstream's word: counts are checked, its error text is
 * to be scrubbed (scrub_words) before anybody reads it.
 */
#ifndef DIALECT_LISTEN_H
#define DIALECT_LISTEN_H

#include "dialect/chat.h"
#include "dialect/ev.h"
#include "dialect/usage_read.h"
#include "json/scan.h"

#define LISTEN_WORDS 512

/* An upstream's error in its own words, unescaped, cut to fit; "": none. */
struct listen_error {
	char message[LISTEN_WORDS];
	char type[64], code[64];
	int status; /* an HTTP status that the body names; 0: none */
};

struct listen_note {
	bool done;          /* [DONE] */
	bool broken;        /* not JSON, or not an object */
	bool error;         /* an error object: l->error */
	bool content;       /* text, reasoning, a tool call, a vector: anything
			       a client would show; a role or "" is none */
	bool usage_only;    /* usage and no choices: hidden from a client that
			       did not ask */
	bool usage;         /* has usage that says something */
	int finished;       /* choices that this event ends */
	int64_t text_bytes; /* of content, as it will be read */
	/* A member "usage": null beside choices, with the comma before it: it
	 * is there because we asked for usage.  null_to 0: none. */
	size_t null_from, null_to;
};

enum listen_word { /* texts that an error may be made of */
		   LISTEN_ERROR,
		   LISTEN_ERROR_MESSAGE,
		   LISTEN_ERROR_MSG,
		   LISTEN_CHOICE_MESSAGE,
		   LISTEN_GROQ,
		   LISTEN_BASE,
		   LISTEN_ERRORS,
		   LISTEN_MESSAGE,
		   LISTEN_MSG,
		   LISTEN_DETAIL,
		   LISTEN_DETAIL_ERROR,
		   LISTEN_DETAIL_MSG, /* up to here: messages, the best first */
		   LISTEN_ERROR_TYPE,
		   LISTEN_TYPE,
		   LISTEN_ERROR_CODE,
		   LISTEN_CHOICE_CODE,
		   LISTEN_ERROR_STATUS,
		   LISTEN_CODE,
		   LISTEN_BASE_CODE,
		   LISTEN_WORD__COUNT
};

/* Who counts what is said, in tokens; without one it is a token for every four
 * bytes.  The same for all texts of a listener. */
struct listen_counter {
	void (*begin)(void *arg); /* an answer begins: nothing is said yet */
	/* A JSON string, with its quotes.  It goes on where the last one with
	 * this key ended, if no other key came between. */
	void (*text)(void *arg, uint32_t key, struct str json);
	int64_t (*tok)(void *arg); /* so far */
	void *arg;
};

struct listen_span { /* of the text under way */
	size_t from, to;
};

/* One text under way: an event, or the whole. */
struct listen_text {
	struct scan scan;
	struct listen_note note;
	bool usage_object, error_object, object_is_error, choices_full, data;
	bool base_failed; /* MiniMax: base_resp.status_code is not 0 */
	int choice;       /* the one under way */
	enum finish pending;
	unsigned int heard; /* a bit for each word */
	struct listen_span words[LISTEN_WORD__COUNT];
	struct listen_span usage; /* the last usage object that says anything */
};

struct listen {
	enum shape shape;
	enum usage_dialect words; /* in which it says its usage */
	/* The caller's, what to judge usage by; prompt_bytes 0: it is not
	 * judged.  The counts are filled in by listen_usage(). */
	struct usage_own own;
	/* The caller's too; NULL: nobody counts.  Of a whole answer he hears
	 * at the end, and only where the upstream's word is not enough. */
	const struct listen_counter *counter;
	bool counted; /* he was told something */
	/* what was heard so far */
	bool done, failed, content;
	bool usage_suspicious; /* the last usage cannot be: count yourself */
	enum usage_flag why;   /* ... it cannot */
	int finished;          /* choices that ended */
	enum finish finish;    /* the last reason */
	int64_t text_bytes;
	bool has_choices;     /* a whole answer: choices or data is there */
	struct usage usage;   /* source: USAGE_UPSTREAM once it is usable */
	struct buf usage_raw; /* the last one as it was said; "": none */
	struct usage_heard said;
	struct listen_error *error; /* the first one; NULL: none */
	/* its own */
	uint64_t ended[2]; /* a bit for each choice that ended */
	bool whole;
	struct listen_text *text; /* NULL: none is under way */
};

/* The struct stays where it is from then on. */
void listen_init(struct listen *l, enum shape shape, bool reasoning_apart);
void listen_release(struct listen *l); /* safe to call twice */

/* After listen_init(); counter may be NULL. */
void listen_count(struct listen *l, const struct listen_counter *counter);

/* One SSE payload.  Returns false where it is broken. */
bool listen_event(struct listen *l, const char *data, size_t n,
		  struct listen_note *note);

/* A whole answer in one growing buffer: all of it so far at each call (the
 * buffer may move).  Only what is new is read.  False: broken already. */
bool listen_whole_feed(struct listen *l, const char *p, size_t n);
bool listen_whole_end(struct listen *l, const char *p, size_t n,
		      struct listen_note *note);

/* The usage to charge when the answer is over: the upstream's where it is
 * usable and can be, else ours of the bytes that were seen, flagged.
 * prompt_tok: our count. */
void listen_usage(const struct listen *l, int64_t prompt_tok, bool complete,
		  struct usage *out);

/* The body of an answer whose status is an error, in any vendor's shape:
 * OpenAI's, {"error":"text"}, {"message":..}, {"detail":..}, {"errors":[..]},
 * plain text, HTML.  Never fails: there is always a message. */
void listen_error_body(const char *p, size_t n, int status,
		       struct listen_error *out);

#endif
