/* book.h - what administrators have set, as the relay sees it: channels with
 * their opened keys, models, prices.
 *
 * A book is immutable.  Whoever works for a request holds the book it was
 * planned with; when the database's config_version moves, the next request
 * builds a new one and the old lives until its last request lets go.
 */
#ifndef POLICY_BOOK_H
#define POLICY_BOOK_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "net/egress.h"
#include "provider/provider.h"
#include "store/price.h"

struct box_key;

enum rotation { /* of the keys of a channel */
		ROTATE_ROUND_ROBIN,
		ROTATE_RANDOM,
		ROTATE_LEAST_USED,
		ROTATE__COUNT
};

struct book_limits { /* 0: none */
	int64_t rpm, tpm, concurrency, rpd;
};

struct book_key {
	int64_t id;
	const char *secret; /* "" where the provider asks for none */
	const char *name;   /* what administrators call it */
};

/* What a channel changes in each request: a member of the body with its JSON,
 * or a header with its text.  value NULL: it is taken out. */
struct book_change {
	const char *name, *value;
};

struct book_channel {
	int64_t id;
	const char *name;
	const struct provider *provider;
	const char *base_url;
	bool usable;     /* enabled, and has a key that opens */
	const char *why; /* it is not usable */
	bool keyless;    /* and that is why */
	int priority, weight;
	const char *groups;        /* comma list */
	struct egress_rule egress; /* counts for the proxy too */
	struct book_key *keys;     /* those that can be used */
	int n_keys;
	struct book_key *sick; /* the gateway disabled them: only for probes */
	int n_sick;

	enum rotation rotation;
	_Atomic unsigned int *turn; /* of round robin; in this process */
	struct book_limits limits, key_limits; /* of all; of each key */
	struct book_times { /* milliseconds; 0: the setting's */
		int64_t connect_ms, first_token_ms, idle_ms, total_ms;
	} times;
	const char *proxy; /* "http://host:port", "socks5h://..."; "": none */
	const char *test_model; /* "": its first */
	bool auto_disable;
	const char *system_prompt; /* goes before every request; "": none */
	const struct book_change *params, *headers;
	int n_params, n_headers;
	int n_patterns; /* of its models */
};

#define PPM 1000000 /* a factor of 1 */

struct book_price { /* a row of the price book, see store/price.h */
	int64_t id; /* 0: there is none */
	bool free;
	int64_t context_tok, max_output_tok;       /* 0: not known */
	int64_t reserve_output_tok;                /* 0: the setting's */
	int64_t batch_ppm, flex_ppm, priority_ppm; /* 0: not offered */
	const struct price_line *lines;
	int n_lines;
};

/* One channel that serves a model, under the upstream's own name for it. */
struct book_seat {
	const struct book_channel *channel;
	const char *upstream;
	const struct book_price *cost; /* what it costs us; NULL: as the list
					  says */
};

struct book_group { /* of users */
	const char *name;
	int64_t factor_ppm; /* of the price */
};

struct book_cap {                  /* limits of all that one of these does */
	const char *scope, *owner; /* "user" its id; "group", "model" a name */
	struct book_limits limits;
};

enum sticky { /* what keeps a conversation on one key */
	      STICKY_OFF,
	      STICKY_KEY,    /* the API key */
	      STICKY_USER,   /* the request's user, else the API key */
	      STICKY_PROMPT, /* prompt_cache_key, else how it begins */
	      STICKY__COUNT
};

struct book_fallback {     /* what serves where a model cannot */
	const char *group; /* "": all that have none of their own */
	const struct book_model *to;
};

struct book_model {
	const char *name;
	struct book_price price;
	struct book_seat *seats; /* highest priority first */
	int n_seats;
	enum sticky sticky;
	int64_t deadline_ms;                   /* 0: the setting's */
	int max_attempts;                      /* 0: the setting's */
	const struct book_fallback *fallbacks; /* by group, in order */
	int n_fallbacks;
	struct book_model *next; /* in its hash slot */
	int place;               /* as it was added */
};

struct book {
	int64_t version;
	struct book_channel *channels;
	int n_channels;
	struct book_model **models; /* in order of name */
	int n_models;
	struct book_group *groups; /* those with a factor */
	int n_groups;
	struct book_cap *caps; /* by scope and owner */
	int n_caps;
	struct book_pattern *patterns; /* of all channels, each text once */
	int n_patterns;

	/* book.c's own */
	struct arena arena;
	struct book_opened *opened; /* by key id: not to be opened again */
	int n_opened;
	int64_t until_ms; /* wall time: a price begins then */
	struct book_model **slots;
	int n_slots, held;
};

struct book_shelf; /* the present book, shared by a process's threads */

/* secret: what opens the provider keys; NULL: keys stay closed. */
struct book_shelf *book_shelf_new(const struct box_key *secret,
				  const struct conf *conf);
void book_shelf_free(struct book_shelf *s);

/* A book at least as new as the version of routes and prices that the caller
 * has seen, held for the caller; built from db where there is none yet. */
struct book *book_take(struct book_shelf *s, struct db *db, int64_t version,
		       struct err *e);
void book_give(struct book_shelf *s, struct book *b); /* NULL: nothing */

/* One that nobody calls with, to explain: sealed keys stay closed, and count
 * as if they opened. */
struct book *book_look(struct db *db, const struct conf *conf, struct err *e);
void book_look_free(struct book *b); /* NULL: nothing */

/* A model that a channel has by name, or one that has a price and that a
 * channel's pattern matches; NULL: neither.  Of one channel the exact name
 * counts before a wildcard, the longer wildcard before the shorter, and both
 * before a regular expression; all channels that match are there. */
const struct book_model *book_model(const struct book *b, struct str name);
/* Does some channel's pattern match a name that has no price? */
bool book_matches(const struct book *b, struct str name);
/* By name, else by id; NULL: there is none. */
const struct book_channel *book_channel(const struct book *b, struct str which);
/* The limits of a user (its id as text), a group or a model; NULL: none. */
const struct book_limits *book_cap(const struct book *b, const char *scope,
				   const char *owner);

/* What the group pays of a price: PPM where it has no factor of its own. */
int64_t book_factor_ppm(const struct book *b, const char *group);
/* What the channel costs us for a model that was asked for, under its name
 * there: the channel's own price, else the list price (which no group's factor
 * changes). */
const struct book_price *book_cost(const struct book *b, struct str model,
				   const struct book_channel *ch,
				   const char *upstream);

/* Is the name on the comma list? */
bool book_on_list(const char *list, struct str name);

#endif
