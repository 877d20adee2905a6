/* price.h - the price book: what a model costs, since when, line by line.
 *
 * A row is never changed: a new price is a new row with lines of its own, and
 * the newest that is not in the future counts.  Receipts name the row.
 * Rows of channel 0 are what users pay for a model as they ask for it; rows of
 * a channel are what that channel costs us for the model as it is called there.
 */
#ifndef STORE_PRICE_H
#define STORE_PRICE_H

#include "base/arena.h"
#include "base/err.h"

struct db;

enum line { /* see lines.def */
	    LINE_none = -1,
#define L(name, ...) LINE_##name,
#include "store/lines.def"
#undef L
	    LINE__COUNT
};

enum line_unit { UNIT_TOK, UNIT_CHAR, UNIT_MS, UNIT_EACH, UNIT__COUNT };

struct line_info { /* a row of lines.def */
	const char *name;
	enum line_unit unit;
	enum line part_of; /* LINE_none: of nothing */
	bool tiered;       /* batch, flex and priority apply */
	enum line els[3];  /* whose price counts where it has none */
	const char *what;
};

struct unit_info {
	const char *name; /* what is counted: "token" */
	int64_t per;      /* a price is for so many */
	const char *each; /* the same for people: "1M tokens" */
};

const struct line_info *line_info(enum line l);
const struct unit_info *line_unit(enum line l);
enum line line_named(struct str name); /* LINE_none: there is none */

struct price_line {
	int64_t price_id;
	enum line line;
	const char *variant; /* of a picture: "1024x1024/high"; "": any */
	int64_t from_tok;    /* prompts of so many tokens and more */
	int64_t nusd;        /* for line_unit()->per of them */
};

struct price {
	int64_t id;
	int64_t channel_id; /* 0: what users pay; else what it costs us there */
	const char *model;
	int64_t from_ms;
	bool free;
	int64_t context_tok, max_output_tok; /* 0: unknown */
	int64_t reserve_output_tok; /* where no limit is given; 0: setting */
	int64_t batch_ppm, flex_ppm, priority_ppm; /* 0: not offered */
	const char *note, *actor;
	const struct price_line *lines; /* by line, variant, from_tok */
	int n_lines;
};

/* Of p all but id counts; from_ms 0: now.  Lines come in any order, none
 * twice; the texts may be NULL.  The id, or -1. */
int64_t price_set(struct db *db, const struct price *p, struct err *e);
/* What counts at the time, of all channels, by channel and model: how many,
 * or -1. */
int price_list(struct db *db, int64_t at_ms, struct price **out,
	       struct arena *arena, struct err *e);
/* What users pay for one model: 1; 0: it has no price; -1. */
int price_at(struct db *db, const char *model, int64_t at_ms, struct price *p,
	     struct arena *arena, struct err *e);
/* What counts at the time and what begins later, by channel and model, oldest
 * first: for a snapshot that need not be built anew when a price begins. */
int price_all(struct db *db, int64_t at_ms, struct price **out,
	      struct arena *arena, struct err *e);
/* Every row of a model, of all channels, newest first. */
int price_history(struct db *db, const char *model, struct price **out,
		  struct arena *arena, struct err *e);
int price_get(struct db *db, int64_t id, struct price *p, struct arena *arena,
	      struct err *e); /* ERR_NOT_FOUND */
/* What a line costs, any variant and prompt; -1: it is not named. */
int64_t price_of(const struct price *p, enum line l);

#endif
