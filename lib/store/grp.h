/* grp.h - groups of users, and what they pay of the price.
 *
 * A user's group is a name; one without a row pays the price as it is.
 */
#ifndef STORE_GRP_H
#define STORE_GRP_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define GRP_FACTOR_MAX 1000000000LL /* ppm: a thousandfold */

struct grp {
	const char *name;
	int64_t factor_ppm; /* 800000: four fifths */
	const char *note;
	int64_t created_ms;
	int64_t n_users; /* read only: who are in it */
};

/* Makes it, or changes it: factor and note. */
int grp_set(struct db *db, const struct grp *g, struct err *e);
/* Those with a row, by name: how many, or -1. */
int grp_list(struct db *db, struct grp **out, struct arena *arena,
	     struct err *e);
int grp_remove(struct db *db, const char *name,
	       struct err *e); /* ERR_NOT_FOUND */

#endif
