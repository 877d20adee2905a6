/* grp.c - see grp.h. */
#include "store/grp.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

static const struct db_cols cols = DB_COLS(
	struct grp, DB_STR(grp, name), DB_INT(grp, factor_ppm),
	DB_STR(grp, note), DB_INT(grp, created_ms), DB_INT(grp, n_users));

int grp_set(struct db *db, const struct grp *g, struct err *e)
{
	if (g->factor_ppm < 0 || g->factor_ppm > GRP_FACTOR_MAX)
		return err_param(e, ERR_VALUE, "factor",
				 "a factor is from 0 to %lld",
				 (long long)GRP_FACTOR_MAX / 1000000);
	return db_run(db,
		      db_bind(db, ST_GRP_SET, "sisi", g->name, g->factor_ppm,
			      g->note ? g->note : "", clock_wall_ms()),
		      e) < 0 ?
		       -1 :
		       0;
}

int grp_list(struct db *db, struct grp **out, struct arena *arena,
	     struct err *e)
{
	return db_rows(db, db_bind(db, ST_GRP_LIST, ""), &cols, out, arena, e);
}

int grp_remove(struct db *db, const char *name, struct err *e)
{
	int n = db_run(db, db_bind(db, ST_GRP_REMOVE, "s", name), e);

	if (n < 0)
		return -1;
	return n ? 0 :
		   err_set(e, ERR_NOT_FOUND,
			   "the group %.80s has no factor; pontage group list "
			   "shows those that have",
			   name);
}
