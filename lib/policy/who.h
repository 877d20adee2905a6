/* who.h - whose key it is, and whether it may. */
#ifndef POLICY_WHO_H
#define POLICY_WHO_H

#include "store/token.h"

/* Finds the key of an Authorization header and checks, in this order: known,
 * enabled, expiry, owner enabled, address list.  The messages tell a caller
 * what is wrong with the key, never what the lists hold.  -1 with t filled in
 * (t->id not 0) where the key is known but may not. */
int who_check(struct db *db, struct str authorization, struct str address,
	      int64_t wall_ms, struct token *t, struct arena *arena,
	      struct err *e);

/* May the key use this model? */
int who_may_use(const struct token *t, struct str model, struct err *e);

/* May it spend at all?  The reservation decides; this spares the writer those
 * who have nothing left, in the same words. */
int who_has_money(const struct token *t, int64_t wanted_nusd, struct err *e);

#endif
