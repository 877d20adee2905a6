/* gauge.h - what is under way in the ledger just now, and what can be called,
 * in numbers. */
#ifndef STORE_GAUGE_H
#define STORE_GAUGE_H

#include "base/conf.h"
#include "base/err.h"

struct db;

struct gauges {
	int64_t open, open_nusd, oldest_ms; /* reservations; 0: there is none */
	int64_t unrolled;                   /* ended, not in the hourly sums */
	int64_t wal_bytes;
	int64_t spooled, spool_bad; /* files that wait; that nobody can read */
};

struct gauge_routes { /* those that administrators have enabled */
	int64_t channels, keys;
	int64_t channels_disabled, keys_disabled; /* by the gateway */
};
int gauge_routes(struct db *db, struct gauge_routes *out, struct err *e);

int gauge_read(struct db *db, const struct conf *conf, struct gauges *out,
	       struct err *e);

#endif
