/* route.h - which channels may serve a request, in which order, and why; pure.
 *
 * Candidates of the model asked come first, those of its fallbacks behind.
 * Of one model: the highest priority first; inside a priority weight draws
 * among those that are well, or a conversation's own order where the model is
 * sticky; each channel once, then the other keys of each.
 *
 * What cools or is at its limit is left out.  That is a look, not a promise:
 * whoever tries a candidate asks lib/shared again (health_ask, meter_take with
 * route_meters) right before, and goes on to the next where the answer is no.
 */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "policy/book.h"
#include "shared/health.h"
#include "shared/meter.h"

#define ROUTE_MAX 64 /* candidates; as many attempts as there may be */

/* One upstream that may be tried. */
struct candidate {
	const struct book_channel *channel;
	const struct book_key *key;
	const char *model;               /* the upstream's name for it */
	const struct book_model *serves; /* what was asked, or a fallback */
	const struct book_price *price;  /* what the user pays: of serves */
	const struct book_price *cost;   /* what it costs us */
	bool fallback;                   /* serves is not what was asked */
	bool trial; /* half open: the channel or the key was ill */
};

enum route_why {
#define W(name, word, words) ROUTE_##name,
#include "policy/route.def"
#undef W
	ROUTE_WHY__COUNT
};

/* What became of a channel, or of one of its keys. */
struct route_row {
	const struct book_channel *channel;
	const struct book_key *key; /* NULL: all of the channel */
	const char *model;          /* that it would serve, ours */
	enum route_why why;
	int place;       /* in the order of tries, from 1; 0: it has none */
	int64_t wait_ms; /* cooling, at its limit; -1: not known */
	int cause;       /* an enum err_code: why it cools */
};

struct route {
	struct candidate *candidates;
	int n_candidates;
	struct route_row *rows; /* candidates in their order, then the rest */
	int n_rows;
	int64_t wait_ms; /* none: when one may be there; -1: not known */
};

/* What is asked of the world.  A NULL function: all is well. */
struct route_world {
	void *arg;
	/* health_look(): TRY counts as well.  key_id 0: the channel's. */
	void (*health)(void *arg, enum health_of of, int64_t id,
		       struct health_view *v);
	/* Has it room for so many tokens under its limits?  wait_ms: else when,
	 * -1: not known. */
	bool (*room)(void *arg, const struct meter_ask *ask, int64_t tokens,
		     int64_t *wait_ms);
	/* How much it is used now: what is less goes first. */
	int64_t (*used)(void *arg, int64_t key_id);
	uint64_t (*below)(void *arg, uint64_t n); /* NULL: rand_below() */
};

struct route_ask {
	struct str model;
	const char *group;
	int64_t channel_id; /* the token's only one; 0: any */
	struct str channel; /* that an administrator names; STR_NONE: none */
	const char *models; /* the token's list, for fallbacks; NULL, "": all */
	int64_t limit_tok;  /* about what it counts for limits a minute */
	uint64_t sticky;    /* of the conversation; 0: none */
	bool explain;       /* rows also for channels without the model */
};

/* How many candidates; 0 of them is -1: ERR_MODEL, ERR_NO_PRICE,
 * ERR_NO_CHANNEL, or ERR_UP_RATE where all wait for a provider's limit or for
 * one of ours; ERR_VALUE: no channel is named so.  out->wait_ms and the rows
 * are filled in then too.  All of it in the arena. */
int route_plan(const struct book *b, const struct route_ask *ask,
	       const struct route_world *w, struct arena *arena,
	       struct route *out, struct err *e);

struct route_size { /* what a model must have room for; 0: not known */
	int64_t prompt_tok, output_tok;
};

/* Takes out those whose context is known to be too small, or who say less at
 * once than is asked for; where that would be all it leaves them as they are.
 * How many are left. */
int route_fit(struct route *r, const struct route_size *size);

const char *route_why_name(enum route_why why);  /* "cooling" */
const char *route_why_words(enum route_why why); /* "it cools down" */
/* Short, for the log: [{"channel":"a","key":3,"why":"cooling","wait_ms":9}] */
const char *route_json(const struct route *r, struct arena *arena);

/* The meters of a candidate, its channel's and its key's, where they have
 * limits (or must be counted): 0 to 2 of them. */
int route_meters(const struct candidate *c, struct meter_ask asks[static 2]);

/* Has a meter, as it was looked at, room for a request of so many tokens? */
bool route_room(const struct meter_ask *ask, int64_t tokens,
		const struct meter_view *v, int64_t *wait_ms);

#endif
