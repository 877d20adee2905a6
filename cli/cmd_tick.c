/* cmd_tick.c - housekeeping, once or for ever. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "shared/shared.h"
#include "store/ledger.h"

#define PAGE_BYTES 4096 /* of the database */

struct values {
	bool once;
};

struct tick {
	struct cli *c;
	struct shared *shared;
	struct shared_slot *slot; /* NULL: all are taken */
};

/* The open requests of workers that died. */
static int sweep(struct tick *t, struct err *e)
{
	int64_t live[SHARED_SLOTS];
	struct ledger_swept swept = { 0 };
	int n;

	shared_reap(t->shared);
	n = shared_live_ids(t->shared, live, SHARED_SLOTS);
	if (ledger_sweep(t->c->db, live, n, &swept, e) < 0)
		return -1;
	if (!swept.settled && !swept.voided)
		return 0;
	shared_count(t->slot, SHARED_swept, swept.settled + swept.voided);
	log_warn("tick.swept", LOG_I("settled", swept.settled),
		 LOG_I("voided", swept.voided),
		 LOG_I("cost_nusd", swept.cost_nusd),
		 LOG_I("released_nusd", swept.released_nusd));
	return 0;
}

static int checkpoint(struct tick *t, struct err *e)
{
	struct db *db = t->c->db;
	int r;

	if (db_wal_bytes(db) < t->c->conf.checkpoint_pages * PAGE_BYTES)
		return 0;
	r = db_checkpoint(db, NULL, e);
	if (r > 0) {
		shared_count(t->slot, SHARED_checkpoints, 1);
		log_debug("tick.checkpoint",
			  LOG_I("wal_bytes", db_wal_bytes(db)));
	}
	return r < 0 ? -1 : 0;
}

static const struct task {
	const char *name;
	int (*run)(struct tick *t, struct err *e);
} tasks[] = {
	{ "sweep", sweep },
	{ "checkpoint", checkpoint },
};

/* One failing task does not keep the others from their work. */
static int one_round(struct tick *t)
{
	int failed = 0;

	for (size_t i = 0; i < COUNT(tasks); i++) {
		struct err e = { 0 };

		if (!tasks[i].run(t, &e))
			continue;
		db_rollback(t->c->db);
		log_error("tick.failed", LOG_S("task", tasks[i].name),
			  LOG_S("why", e.msg));
		failed++;
	}
	return failed;
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void for_ever(struct tick *t, int signals)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };
	int64_t pause_ms = MIN(t->c->conf.tick_ms, t->c->conf.heartbeat_ms);
	int64_t due_ms = 0, pss_ms = 0;

	while (!(p.revents & POLLIN)) {
		int64_t now = clock_mono_ms();

		if (t->slot)
			shared_beat(t->slot);
		if (t->slot && now >= pss_ms) {
			shared_report_pss(t->slot);
			pss_ms = now + 10000;
		}
		if (now >= due_ms) {
			one_round(t);
			due_ms = clock_mono_ms() + t->c->conf.tick_ms;
		}
		poll(&p, 1, (int)pause_ms);
	}
}

static int generation(void)
{
	int64_t n = 0;

	str_int(str_of(getenv("PONTAGE_GENERATION")), 0, INT32_MAX, &n);
	return (int)n;
}

static int tick(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct tick t = { .c = c };
	struct err no_slot = { 0 };
	int r = 0, signals;

	if (!cli_db(c, e))
		return -1;
	t.shared = shared_open(c->conf.state_dir, true, e);
	if (!t.shared)
		return -1;
	t.slot =
		shared_slot_take(t.shared, SHARED_TICK, generation(), &no_slot);
	if (t.slot)
		shared_enter(t.slot, SHARED_READY);
	else
		log_warn("tick.no_slot", LOG_S("why", no_slot.msg));
	signals = v->once ? -1 : watch_signals();
	if (v->once)
		c->status = one_round(&t) ? 75 : 0;
	else if (signals < 0)
		r = err_set(e, ERR_IO, "signalfd: %s", strerror(errno));
	else
		for_ever(&t, signals);
	if (t.slot)
		shared_slot_free(t.shared, t.slot);
	shared_close(t.shared);
	return r;
}

const struct cmd cmd_tick = {
	.name = "tick",
	.words = "[--once]",
	.what = "housekeeping: settles what dead workers left, writes the WAL "
		"back",
	.help = "pontage serve runs it; without serve, a cron line with --once "
		"does.\n",
	.args = (const struct arg[]){ ARG("--once", ARG_FLAG,
					  offsetof(struct values, once), NULL,
					  "one round, then end (cron)"),
				      { .name = NULL } },
	.size = sizeof(struct values),
	.run = tick,
	.logs = true,
};
