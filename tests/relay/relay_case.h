/* relay_case.h - one request's life as a text file: tests/relay/cases/X.case.
 *
 * Lines before the first section say in words what the case shows.  Sections
 * are verbatim, to the line before the next "== "; what is a body ends with
 * its newline, and a line that ends in a backslash has none.
 *
 *	== setup
 *	channel a priority=10 models=m1 map=m1=real key=sk-upstream-a
 *	price m1 input=1.00 output=2.00
 *	conf hold_back_ms=200
 *	token limit=1.00
 *	money held=8 step=8 left=16 limit=0
 *
 * A word, a name, then name=value: what `pontage channel add`, `price set`,
 * `token create` and the configuration take.  Without a channel there is one,
 * "a", that serves the model asked; without a price the model costs 1 and 2
 * dollars a million.  The provider is "compatible" if nothing is said.  A
 * channel's key is sk-upstream-NAME if it has none; every channel has a port
 * of its own at the scripted upstream.  "money" is for a runner that has no
 * accounts, and says in tokens what price, limit and settings come to: those
 * that are held, asked for at a time, left then; told to the upstream.
 *
 *	== client
 *	[leave-after-ms 100]	(or [leave-after-events 2], [read-rate 1000])
 *	POST /v1/chat/completions
 *	Authorization: Bearer $KEY
 *
 *	{"model":"m1","messages":[{"role":"user","content":"hi"}]}
 *	== upstream 1
 *	channel: a
 *	path: /v1/chat/completions
 *	has: content-type: application/json	(this header, with this value)
 *	lacks: cookie				(no such header)
 *	member: model="real"		(JSON text of a member; a.b inside)
 *	no-member: user
 *	body:
 *	{"model":"real","messages":[{"role":"user","content":"hi"}]}
 *	== answer 1
 *	HTTP/1.1 200 OK
 *	Content-Type: text/event-stream
 *
 *	data: {"id":"x"\
 *	[pause 20]
 *	}
 *
 *	[reset]
 *
 * $KEY is the caller's token.  "upstream N" is what attempt N must receive,
 * and "answer N" what is then said; neither for N: there must be no attempt
 * N.  An event stream goes out in chunks, one for the bytes between two
 * directives, and is ended well if no directive ends it; any other answer
 * has the Content-Length of all its bytes.  Directives, on lines of their
 * own:
 *
 *	[pause MS] [close] [reset] [silence] [gone]	(until the gateway leaves)
 *	[bytes EF BB BF] [fill N TEXT] [crlf]		(lines from here end so)
 *	[raw]	first in the section: bytes as they are, no head, no framing
 *	[refuse]	alone: nobody listens at the channel of this attempt
 *
 *	== reply
 *	status: 200
 *	header: content-type: text/event-stream	("~": any value)
 *	no-header: set-cookie
 *	contains: "finish_reason":"stop"	(\n \r \t \\ \xHH)
 *	lacks: sk-upstream
 *	ends: cut		(or whole, which is the rule)
 *	body:
 *	...
 *	== rows
 *	status=200 attempts=2 error= prompt_tokens=9 cost_nusd=123 stream=true
 *
 * A line of rows is a row of the log with these members at least; "~" is any
 * value that is not empty.  No section: the log is not looked at; an empty
 * one: there is no row.
 */
#ifndef RELAY_CASE_H
#define RELAY_CASE_H

#include "base/arena.h"
#include "base/err.h"

#define CASE_LINES    24
#define CASE_ATTEMPTS 8
#define CASE_OPS      48

struct case_pair {
	struct str name, value;
};

struct case_pairs {
	struct case_pair at[CASE_LINES];
	int n;
};

struct case_texts {
	struct str at[CASE_LINES];
	int n;
};

struct case_setup {
	struct str verb, name;
	struct case_pairs pairs;
};

enum case_op_kind {
	OP_BYTES,
	OP_PAUSE,
	OP_CLOSE,
	OP_RESET,
	OP_SILENCE, /* says nothing more, keeps the connection */
	OP_GONE,    /* waits until the gateway has left; else the case fails */
	OP_REFUSE,
};

struct case_op {
	enum case_op_kind kind;
	struct str bytes;
	int64_t ms;
};

struct case_answer {
	bool given, raw, stream; /* raw: no status, no headers */
	int status;
	struct str status_line;
	struct case_pairs headers;
	struct case_op ops[CASE_OPS]; /* the body, or all if raw */
	int n_ops;
};

struct case_upstream {
	bool given;
	struct str channel, path; /* p is NULL where not said */
	struct case_pairs has, members;
	struct case_texts lacks, no_members;
	struct str body;
};

struct case_client {
	struct str method, path;
	struct case_pairs headers;
	struct str body;
	int64_t leave_after_ms, leave_after_events, read_rate; /* 0: no */
};

struct case_reply {
	int status;
	struct case_pairs headers;
	struct case_texts no_headers, contains, lacks;
	struct str body; /* p is NULL where not said */
	bool cut;
};

struct relay_case {
	struct str title;
	struct case_setup setup[CASE_LINES];
	int n_setup;
	struct case_client client;
	struct case_upstream upstream[CASE_ATTEMPTS]; /* [0] is attempt 1 */
	struct case_answer answer[CASE_ATTEMPTS];
	int n_attempts;
	struct case_reply reply;
	bool rows_given;
	struct case_pairs rows[CASE_LINES];
	int n_rows;
};

/* Texts of the case are in the arena.  The error names the line. */
struct relay_case *relay_case_parse(struct str text, struct arena *a,
				    struct err *e);
/* Reads a file; $KEY is still $KEY in it. */
struct relay_case *relay_case_load(const char *path, struct arena *a,
				   struct err *e);

/* The value of a pair (names are compared without case), else STR_NONE. */
struct str case_value(const struct case_pairs *pairs, const char *name);
/* The text with every $KEY replaced. */
struct str case_expand(struct arena *a, struct str text, const char *key);
/* The bytes of an answer's head, for a socket. */
struct str case_head(struct arena *a, const struct case_answer *answer);

/* Is the reply what the case wants?  body: without framing; cut: the
 * connection closed before its end.  -1: no, with what is missing. */
int case_check_reply(const struct relay_case *c, int status,
		     const struct case_pairs *headers, struct str body,
		     bool cut, struct err *e);
/* Did attempt n (from 0) get what it must?  channel: its name. */
int case_check_upstream(const struct relay_case *c, int n, const char *channel,
			struct str path, const struct case_pairs *headers,
			struct str body, struct err *e);

#endif
