/* gauge.c - see gauge.h. */
#include "store/gauge.h"

#include "db/db.h"
#include "sql.h"
#include "store/rollup.h"
#include "store/spool.h"

static const struct db_cols cols =
	DB_COLS(struct gauges, DB_INT(gauges, open), DB_INT(gauges, open_nusd),
		DB_INT(gauges, oldest_ms));

int gauge_read(struct db *db, const struct conf *conf, struct gauges *out,
	       struct err *e)
{
	*out = (struct gauges){ .open = 0 };
	if (db_row(db, db_bind(db, ST_GAUGE_OPEN, ""), &cols, out, NULL, e) < 0)
		return -1;
	out->unrolled = rollup_waiting(db, e);
	out->wal_bytes = db_wal_bytes(db);
	spool_waiting(conf->state_dir, &out->spooled, &out->spool_bad);
	return out->unrolled < 0 ? -1 : 0;
}

static const struct db_cols route_cols = DB_COLS(
	struct gauge_routes, DB_INT(gauge_routes, channels),
	DB_INT(gauge_routes, channels_disabled), DB_INT(gauge_routes, keys),
	DB_INT(gauge_routes, keys_disabled));

int gauge_routes(struct db *db, struct gauge_routes *out, struct err *e)
{
	*out = (struct gauge_routes){ .channels = 0 };
	return db_row(db, db_bind(db, ST_GAUGE_ROUTES, ""), &route_cols, out,
		      NULL, e) < 0 ?
		       -1 :
		       0;
}
