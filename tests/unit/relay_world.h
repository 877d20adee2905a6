/* relay_world.h - a relay's world for tests: no network, and a clock that
 * only moves when it is told to.
 *
 *	world_init(&w, "{\"model\":\"m1\",...}", 2);
 *	world_start(&w);
 *	world_head(&w, 200, "Content-Type: text/event-stream\n");
 *	world_say(&w, STR("data: ..."));
 *	world_over(&w, ERR_NONE, "");
 *
 * What the upstream says while no call is under way is heard by nobody, as on
 * the real loop.  Timers fire at their time when the clock moves past it.
 */
#ifndef TESTS_RELAY_WORLD_H
#define TESTS_RELAY_WORLD_H

#include "../relay/relay_case.h"
#include "base/buf.h"
#include "relay/relay.h"

#define WORLD_CHANNELS 8
#define WORLD_CALLS    16

struct world_call {
	const struct candidate *to;
	struct str path, body;
	struct case_pairs headers;
	bool stream;
	int64_t at_ms;
};

struct world {
	struct arena arena;
	struct ask ask;
	struct book_channel channels[WORLD_CHANNELS];
	struct book_key keys[WORLD_CHANNELS];
	struct candidate candidates[WORLD_CHANNELS];
	struct relay_plan plan;
	struct relay relay;

	int64_t now_ms, timer_ms; /* timer: 0: none */
	struct world_call calls[WORLD_CALLS];
	int n_calls, n_cancels;
	enum err_code refuse[WORLD_CALLS]; /* a call that fails at once */
	bool calling;                      /* a call is under way */
	/* Candidates that may not be called, and when they may; -1: not said. */
	enum err_code skip[WORLD_CHANNELS];
	int64_t skip_ms[WORLD_CHANNELS];
	int n_looks, n_begun, n_over; /* attempts, as the hooks hear of them */
	struct relay_outcome over[WORLD_CALLS];
	int n_asks; /* for more money */
	bool asking;

	/* what the client got */
	int n_heads, n_ends, status;
	struct case_pairs headers;
	struct buf got;
	bool stuck;    /* the client reads nothing: all that comes is queued */
	size_t queued; /* bytes */
	bool on;       /* what the last relay_on_data() said */
	int n_after_end; /* calls into the world after io->end: wrong */
};

/* A plan for that body, with that many channels "a", "b" ...; its limits may
 * be changed before world_start(). */
void world_init(struct world *w, const char *body, int n_channels);
void world_release(struct world *w);
void world_start(struct world *w);
void world_pass(struct world *w, int64_t ms);
/* Waits as long as anything is going to happen. */
void world_wait(struct world *w);
void world_head(struct world *w, int status, const char *lines);
void world_say(struct world *w, struct str bytes);
void world_over(struct world *w, enum err_code code, const char *why);
void world_leave(struct world *w);
/* Answers what the relay asked: so many tokens, or why not. */
void world_grant(struct world *w, int64_t more_tok);
void world_refuse(struct world *w, enum err_code code);

struct str world_header(const struct world *w, const char *name);
bool world_got(const struct world *w, const char *part);

#endif
