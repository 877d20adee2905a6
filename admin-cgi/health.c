/* health.c - see health.h. */
#include "health.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "shared/health.h"
#include "shared/shared.h"
#include "store/disk.h"
#include "json/jw.h"

#define JSON_TYPE      "application/json"
#define BEATS_MISSED   3 /* a worker may be so late before it counts as gone */
#define FRESH_LEAST_MS 5000 /* however short the beat is */
#define DB_WAIT_MS     1000

struct check {
	const char *name;
	bool ok;
	const char *words; /* what is wrong, for everybody to read */
};

void health_live(const struct admin *a, struct reply *reply)
{
	(void)a;
	reply->type = JSON_TYPE;
	buf_str(&reply->body, "{\"status\":\"ok\"}\n");
}

/* Opened anew: what was good at the start says nothing about now. */
static struct check check_database(const struct admin *a)
{
	struct err e = { 0 };
	struct db *db = db_open(a->conf->db_path, DB_READ, false, &e);
	int schema = -1;

	if (db) {
		db_busy_ms(db, DB_WAIT_MS);
		schema = db_schema(db, &e);
	}
	db_close(db);
	if (e.code) /* paths and causes are for the log */
		log_warn("health.database", LOG_S("why", e.msg));
	if (schema < 0)
		return (struct check){ "database", false,
				       "it cannot be opened; the log of "
				       "admin.fcgi says why" };
	return (struct check){ "database", true, "" };
}

static bool is_fresh(const struct admin *a, const struct shared_view *v)
{
	int64_t most =
		MAX(BEATS_MISSED * a->conf->heartbeat_ms, FRESH_LEAST_MS);

	return clock_mono_ms() - v->beat_mono_ms <= most;
}

static struct check check_relay(const struct admin *a)
{
	struct shared_view v;

	for (int i = 0; i < SHARED_SLOTS; i++)
		if (shared_look(a->shared, i, &v) && v.kind == SHARED_RELAY &&
		    v.state == SHARED_READY && is_fresh(a, &v))
			return (struct check){ "relay", true, "" };
	if (a->on_demand)
		return (struct check){ "relay", true, "" };
	return (struct check){ "relay", false,
			       "no relay worker is ready; is pontage serve "
			       "running?" };
}

/* What runs is settled; new requests are refused. */
static struct check check_disk(const struct admin *a)
{
	bool full = disk_is_full(a->conf);

	return (struct check){ "disk", !full,
			       full ? "it is nearly full: make room" : "" };
}

static void write_check(struct jw *w, const struct check *c)
{
	jw_object(w, c->name);
	jw_bool(w, "ok", c->ok);
	if (!c->ok)
		jw_str(w, "error", c->words);
	jw_end(w);
}

static void write_worker(struct jw *w, const struct shared_view *v)
{
	jw_object(w, NULL);
	jw_str(w, "kind", shared_kind_name(v->kind));
	jw_int(w, "pid", v->pid);
	jw_int(w, "generation", v->generation);
	jw_str(w, "state", shared_state_name(v->state));
	jw_int(w, "heartbeat_age_ms",
	       MAX(clock_mono_ms() - v->beat_mono_ms, 0));
	jw_int(w, "inflight", v->inflight);
	jw_int(w, "streams", v->streams);
	jw_int(w, "pss_kb", v->pss_kb);
	jw_int(w, "requests", v->counters[SHARED_requests]);
	jw_int(w, "commits", v->counters[SHARED_commits]);
	jw_int(w, "db_lock_us", v->counters[SHARED_db_lock_us]);
	jw_int(w, "db_run_us", v->counters[SHARED_db_run_us]);
	jw_int(w, "db_commit_us", v->counters[SHARED_db_commit_us]);
	jw_int(w, "spooled", v->counters[SHARED_spooled]);
	jw_int(w, "replayed", v->counters[SHARED_replayed]);
	jw_end(w);
}

/* Whom the gateway leaves alone; they are no reason to be sent away. */
static void write_cooling(struct jw *w, const struct admin *a)
{
	int64_t now_ms = clock_mono_ms();

	jw_object(w, "cooling");
	jw_int(w, "channels",
	       health_cooling(a->shared, HEALTH_CHANNEL, now_ms));
	jw_int(w, "keys", health_cooling(a->shared, HEALTH_KEY, now_ms));
	jw_end(w);
}

void health_ready(const struct admin *a, struct reply *reply)
{
	const struct check checks[] = { check_database(a), check_relay(a),
					check_disk(a) };
	struct shared_view v;
	struct jw w;
	bool ok = true;

	for (size_t i = 0; i < COUNT(checks); i++)
		ok = ok && checks[i].ok;
	reply->status = ok ? 200 : 503;
	reply->type = JSON_TYPE;
	jw_start(&w, &reply->body);
	jw_object(&w, NULL);
	jw_str(&w, "status", ok ? "ok" : "failing");
	jw_str(&w, "version", PONTAGE_VERSION);
	jw_object(&w, "checks");
	for (size_t i = 0; i < COUNT(checks); i++)
		write_check(&w, &checks[i]);
	jw_end(&w);
	write_cooling(&w, a);
	jw_array(&w, "workers");
	for (int i = 0; i < SHARED_SLOTS; i++)
		if (shared_look(a->shared, i, &v))
			write_worker(&w, &v);
	jw_end(&w);
	jw_end(&w);
	buf_char(&reply->body, '\n');
}
