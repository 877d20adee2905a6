/* cmd_tick.c - housekeeping, once or for ever. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "shared/shared.h"
#include "store/upkeep.h"

#define FOR_MS  250   /* of summing up, deleting, archiving, in one round */
#define ONCE_MS 60000 /* the same where there is only one */

struct values {
	bool once;
};

struct tick {
	struct cli *c;
	struct upkeep upkeep; /* slot NULL: all are taken */
};

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

		if (t->upkeep.slot)
			shared_beat(t->upkeep.slot);
		if (t->upkeep.slot && now >= pss_ms) {
			shared_report_pss(t->upkeep.slot);
			pss_ms = now + 10000;
		}
		if (now >= due_ms) {
			upkeep_round(&t->upkeep, t->c->db);
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
	struct tick t = { .c = c, .upkeep = { .conf = &c->conf } };
	struct err no_slot = { 0 };
	int r = 0, signals;

	if (!cli_db(c, e))
		return -1;
	if (upkeep_prepare(&c->conf, e) < 0)
		return -1;
	t.upkeep.shared = shared_open(c->conf.state_dir, true, e);
	if (!t.upkeep.shared)
		return -1;
	t.upkeep.slot = shared_slot_take(t.upkeep.shared, SHARED_TICK,
					 generation(), &no_slot);
	if (t.upkeep.slot)
		shared_enter(t.upkeep.slot, SHARED_READY);
	else
		log_warn("tick.no_slot", LOG_S("why", no_slot.msg));
	t.upkeep.ageing.for_ms = v->once ? ONCE_MS : FOR_MS;
	signals = v->once ? -1 : watch_signals();
	if (!v->once && sandbox_enter(&c->conf, e) < 0)
		r = -1;
	else if (v->once)
		c->status = upkeep_round(&t.upkeep, c->db) ? 75 : 0;
	else if (signals < 0)
		r = err_set(e, ERR_IO, "signalfd: %s", strerror(errno));
	else
		for_ever(&t, signals);
	ageing_stop(&t.upkeep.ageing);
	if (t.upkeep.slot)
		shared_slot_free(t.upkeep.shared, t.upkeep.slot);
	shared_close(t.upkeep.shared);
	return r;
}

const struct cmd cmd_tick = {
	.name = "tick",
	.words = "[--once]",
	.what = "housekeeping: settles what dead workers left, sums up hours, "
		"deletes what is old",
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
