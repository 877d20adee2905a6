/* price.h - the price book: what a model costs, since when.
 *
 * A row is never changed: a new price is a new row, and the newest that is not
 * in the future counts.  Nano-dollars for a million tokens.
 */
#ifndef STORE_PRICE_H
#define STORE_PRICE_H

#include "base/arena.h"
#include "base/err.h"

struct db;

struct price {
	int64_t id;
	const char *model;
	int64_t from_ms;
	int64_t input_nusd, cached_nusd, output_nusd;
	bool free;
	int64_t context_tok, max_output_tok; /* 0: unknown */
	const char *note;
};

/* Of p all but id counts; from_ms 0: now.  The id, or -1. */
int64_t price_set(struct db *db, const struct price *p, struct err *e);
/* What counts at the time, one row a model, by model: how many, or -1. */
int price_list(struct db *db, int64_t at_ms, struct price **out,
	       struct arena *arena, struct err *e);
/* The same for one model: 1; 0: it has none; -1. */
int price_at(struct db *db, const char *model, int64_t at_ms, struct price *p,
	     struct arena *arena, struct err *e);
/* What counts at the time and what begins later, by model, oldest first: for
 * a snapshot that need not be built anew when a price begins. */
int price_all(struct db *db, int64_t at_ms, struct price **out,
	      struct arena *arena, struct err *e);
/* Every row of a model, newest first. */
int price_history(struct db *db, const char *model, struct price **out,
		  struct arena *arena, struct err *e);
int price_get(struct db *db, int64_t id, struct price *p, struct arena *arena,
	      struct err *e); /* ERR_NOT_FOUND */

#endif
