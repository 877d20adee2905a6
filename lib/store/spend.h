/* spend.h - what a key has used, by day and model. */
#ifndef STORE_SPEND_H
#define STORE_SPEND_H

#include "base/arena.h"
#include "base/err.h"
#include "store/rollup.h"

struct db;

#define SPEND_DAY_MS 86400000LL /* days are UTC */

struct spend_day {
	int64_t day_ms; /* when it begins */
	const char *model;
	int64_t requests; /* that have ended, refused ones too */
	int64_t prompt_tok, cached_tok, completion_tok, reasoning_tok;
#define X(kind) int64_t kind;
	ROLLUP_KINDS(X)
#undef X
	int64_t cost_nusd, refunded_nusd; /* refunded: of the cost */
};

/* Of one key of one user; both ends at full hours, to_ms is not in it. */
struct spend_ask {
	int64_t user_id, token_id, from_ms, to_ms;
};

/* By day, then by model: how many rows, or -1. */
int spend_days(struct db *db, const struct spend_ask *ask,
	       struct spend_day **out, struct arena *arena, struct err *e);

#endif
