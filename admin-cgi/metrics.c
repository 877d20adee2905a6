/* metrics.c - see metrics.h. */
#include "metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "shared/health.h"
#include "shared/shared.h"
#include "store/gauge.h"

#define DB_WAIT_MS 1000

static void head(struct buf *out, const char *name, const char *kind,
		 const char *help)
{
	buf_printf(out, "# HELP pontage_%s %s\n# TYPE pontage_%s %s\n", name,
		   help, name, kind);
}

static void gauge(struct buf *out, const char *name, int64_t n,
		  const char *help)
{
	head(out, name, "gauge", help);
	buf_printf(out, "pontage_%s %lld\n", name, (long long)n);
}

static void put_build(struct buf *out, int schema)
{
	head(out, "build_info", "gauge", "1; the version is in the labels");
	buf_printf(out, "pontage_build_info{version=\"%s\",schema=\"%d\"} 1\n",
		   PONTAGE_VERSION, schema);
}

/* Of all processes since the machine started, dead ones too. */
static void put_counters(const struct admin *a, struct buf *out)
{
	for (int i = 0; i < SHARED_COUNTER__COUNT; i++) {
		enum shared_counter c = (enum shared_counter)i;
		char name[64];

		snprintf(name, sizeof(name), "%s_total",
			 shared_counter_name(c));
		head(out, name, "counter", shared_counter_help(c));
		buf_printf(out, "pontage_%s %lld\n", name,
			   (long long)shared_total(a->shared, c));
	}
}

/* --- processes ----------------------------------------------------------------- */

static int64_t inflight(const struct shared_view *v)
{
	return v->inflight;
}

static int64_t streams(const struct shared_view *v)
{
	return v->streams;
}

static int64_t memory(const struct shared_view *v)
{
	return v->pss_kb * 1024;
}

static int64_t silence_ms(const struct shared_view *v)
{
	return MAX(clock_mono_ms() - v->beat_mono_ms, 0);
}

static int64_t ready(const struct shared_view *v)
{
	return v->state == SHARED_READY;
}

static const struct {
	const char *name, *help;
	int64_t (*of)(const struct shared_view *v);
} gauges[] = {
	{ "process_ready", "1: takes requests", ready },
	{ "process_inflight", "requests under way", inflight },
	{ "process_streams", "streams under way", streams },
	{ "process_memory_bytes", "proportional set size, where it is known",
	  memory },
	{ "process_silence_milliseconds", "since it said that it lives",
	  silence_ms },
};

static void put_processes(const struct admin *a, struct buf *out)
{
	struct shared_view v;

	for (size_t g = 0; g < COUNT(gauges); g++) {
		head(out, gauges[g].name, "gauge", gauges[g].help);
		for (int i = 0; i < SHARED_SLOTS; i++)
			if (shared_look(a->shared, i, &v))
				buf_printf(out,
					   "pontage_%s{kind=\"%s\",pid=\"%d\","
					   "generation=\"%d\"} %lld\n",
					   gauges[g].name,
					   shared_kind_name(v.kind), v.pid,
					   v.generation,
					   (long long)gauges[g].of(&v));
	}
}

/* --- the ledger ------------------------------------------------------------------ */

static void put_ledger(const struct gauges *g, struct buf *out)
{
	int64_t age_ms = g->oldest_ms ? clock_wall_ms() - g->oldest_ms : 0;

	gauge(out, "open_reservations", g->open, "requests that hold money");
	gauge(out, "open_reserved_nanodollars", g->open_nusd,
	      "what they hold, in billionths of a dollar");
	gauge(out, "oldest_reservation_milliseconds", MAX(age_ms, 0),
	      "since the oldest of them began");
	gauge(out, "unsummed_requests", g->unrolled,
	      "requests that have ended and are not in the hourly sums yet");
	gauge(out, "wal_bytes", g->wal_bytes,
	      "size of the database's write-ahead log");
	gauge(out, "spool_files", g->spooled,
	      "files with settlements that wait for the database");
	gauge(out, "spool_bad_files", g->spool_bad,
	      "files with settlements that cannot be settled: look at them");
}

/* --- channels -------------------------------------------------------------------- */

static void put_routes(const struct gauge_routes *r, struct buf *out)
{
	gauge(out, "channels", r->channels, "channels that are enabled");
	gauge(out, "channels_disabled", r->channels_disabled,
	      "of them, those that the gateway has disabled");
	gauge(out, "provider_keys", r->keys, "keys of enabled channels");
	gauge(out, "provider_keys_disabled", r->keys_disabled,
	      "of them, those that their provider refuses");
}

static void put_cooling(const struct admin *a, struct buf *out)
{
	int64_t now_ms = clock_mono_ms();

	gauge(out, "channels_cooling",
	      health_cooling(a->shared, HEALTH_CHANNEL, now_ms),
	      "channels that failed and are left alone for a while");
	gauge(out, "provider_keys_cooling",
	      health_cooling(a->shared, HEALTH_KEY, now_ms),
	      "keys that are left alone, most because the provider asked");
}

/* -1: the log says why. */
static int read_ledger(const struct admin *a, struct gauges *g,
		       struct gauge_routes *r)
{
	struct err e = { 0 };
	struct db *db = db_open(a->conf->db_path, DB_READ, false, &e);
	int schema = -1;

	if (db) {
		db_busy_ms(db, DB_WAIT_MS);
		schema = db_schema(db, &e);
	}
	if (schema >= 0 &&
	    (gauge_read(db, a->conf, g, &e) < 0 || gauge_routes(db, r, &e) < 0))
		schema = -1;
	db_close(db);
	if (schema < 0)
		log_warn("metrics.database", LOG_S("why", e.msg));
	return schema;
}

void metrics_show(const struct admin *a, struct reply *reply)
{
	struct buf *out = &reply->body;
	struct gauge_routes routes;
	struct gauges g;
	int schema = read_ledger(a, &g, &routes);

	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	put_build(out, MAX(schema, 0));
	gauge(out, "database_up", schema >= 0,
	      "1: the database can be read; without it what is in it is left "
	      "out");
	if (schema >= 0) {
		put_ledger(&g, out);
		put_routes(&routes, out);
	}
	put_cooling(a, out);
	put_counters(a, out);
	put_processes(a, out);
}
