/* budget.h - what a key, a user or a group may spend in a day, a week, a month
 * (UTC, weeks begin on Monday), or at all.
 *
 * held_nusd is the sum of their open requests, in whatever window those began;
 * used_nusd the sum of what settled ones cost, less refunds, that started in
 * the present window.  A request belongs to the group in which its user was
 * when it began.  The total of a key is its own limit (token.h).
 *
 * A window is rolled by the first request that comes after its end, in that
 * request's transaction; a clock that goes back by more than an hour takes the
 * budget back to the window before, as the log has it.
 */
#ifndef STORE_BUDGET_H
#define STORE_BUDGET_H

#include "base/arena.h"
#include "base/err.h"

struct db;
struct held;
struct hold_of;

struct budget {
	int64_t id;
	const char *scope;  /* token, user, group */
	const char *owner;  /* the id of the key or user; the group's name */
	const char *period; /* day, week, month, total */
	int64_t limit_nusd;
	int64_t start_ms, end_ms; /* of the window */
	int64_t seen_ms; /* no request that counts started after this window */
	int64_t used_nusd, held_nusd;
	int64_t forgotten_nusd; /* of used: by rows no longer in the log */

	const char *name; /* budget_list() only: of the key, user or group */
};

/* The window of a period at a time; false: there is no such period. */
bool budget_window(const char *period, int64_t at_ms, int64_t *start_ms,
		   int64_t *end_ms);

/* Sets a limit, new or not; what was spent in the present window counts. */
int budget_set(struct db *db, const char *scope, const char *owner,
	       const char *period, int64_t limit_nusd, int64_t now_ms,
	       struct err *e);
int budget_remove(struct db *db, const char *scope, const char *owner,
		  const char *period, struct err *e); /* ERR_NOT_FOUND */
/* All, or somebody's: how many, or -1.  As their windows were last used. */
int budget_list(struct db *db, struct budget **out, struct arena *arena,
		struct err *e);
int budget_list_of(struct db *db, const struct hold_of *of, struct budget **out,
		   struct arena *arena, struct err *e);
/* What is spent of it by now: nothing where the window has ended. */
int64_t budget_used(const struct budget *b, int64_t now_ms);

/* --- for what moves money, inside its transaction --------------------------- */

/* How many concern somebody. */
int budget_count(struct db *db, const struct hold_of *of, int64_t *n,
		 struct err *e);
/* Of all that concern somebody: in how many there was room, or -1. */
int budget_hold(struct db *db, const struct hold_of *of, int64_t amount_nusd,
		int64_t now_ms, struct err *e);
/* Moves those that need it to their window at now_ms. */
int budget_roll(struct db *db, const struct hold_of *of, int64_t now_ms,
		struct err *e);
/* When a request ends: gives back what it held, takes the cost. */
int budget_settle(struct db *db, int64_t id, const struct held *h,
		  int64_t cost_nusd, struct err *e);
/* Before budget_settle() of a request that started after a window's end. */
int budget_roll_request(struct db *db, int64_t id, int64_t started_ms,
			struct err *e);
/* For a request that gets so much of its cost back. */
int budget_refund(struct db *db, int64_t id, int64_t amount_nusd,
		  struct err *e);
/* Before the rows of requests first to last are deleted that have ended. */
int budget_forget(struct db *db, int64_t first, int64_t last, struct err *e);

#endif
