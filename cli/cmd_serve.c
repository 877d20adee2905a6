/* cmd_serve.c - the supervisor: sockets, workers, tick; reload, stop. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "listen.h"
#include "programs.h"
#include "supervise.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "shared/shared.h"

struct serve {
	struct cli *c;
	struct supervisor s;
	struct shared *shared;
	int lock, signals;
	int64_t ping_ms;       /* for systemd's watchdog; 0: it has none */
	char *own[KID__COUNT]; /* the names of sockets that we made */
};

static const char *socket_of(const struct conf *c, int kind)
{
	return kind == KID_RELAY ? c->relay_socket : c->admin_socket;
}

static int send_log_to(const char *file, struct err *e)
{
	int fd;

	if (!*file)
		return 0;
	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set(e, ERR_CONFIG, "log_file %s: %s", file,
			       strerror(errno));
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return 0;
}

/* Children read the same file wherever they are started. */
static void tell_children_conf(const struct conf *c)
{
	char path[PATH_MAX];

	if (*c->path && realpath(c->path, path))
		setenv("PONTAGE_CONF", path, 1);
}

static int migrate(struct cli *c, struct err *e)
{
	struct db *db;
	int had;

	if (access(c->conf.db_path, F_OK) && errno == ENOENT)
		return err_set(e, ERR_CONFIG,
			       "there is no database at %s; run pontage init "
			       "first",
			       c->conf.db_path);
	db = db_open(c->conf.db_path, DB_TOOL, false, e);
	if (!db)
		return -1;
	had = db_migrate(db, e);
	db_close(db);
	if (had < 0)
		return -1;
	/* Every statement once, so that a broken one is found now. */
	db = db_open(c->conf.db_path, DB_WRITE, true, e);
	if (!db)
		return -1;
	db_close(db);
	return 0;
}

static int open_socket(struct serve *v, int kind, struct err *e)
{
	const struct conf *c = &v->c->conf;
	const char *path = socket_of(c, kind);

	v->s.fds[kind] = listen_inherited(path, kind);
	if (v->s.fds[kind] >= 0)
		return 0;
	v->s.fds[kind] = listen_open(path, c->socket_group, e);
	if (v->s.fds[kind] < 0)
		return -1;
	v->own[kind] = mem_dup(path);
	return 0;
}

static bool relay_is_ready(void *arg, pid_t pid)
{
	const struct serve *v = arg;

	return shared_pid_ready(v->shared, pid);
}

static int64_t worker_is_silent(void *arg, pid_t pid, int64_t most)
{
	const struct serve *v = arg;
	struct shared_view seen;

	for (int i = 0; i < SHARED_SLOTS; i++) {
		int64_t ms;

		if (!shared_look(v->shared, i, &seen) || seen.pid != pid ||
		    (seen.kind != SHARED_RELAY && seen.kind != SHARED_ADMIN))
			continue;
		ms = clock_mono_ms() - seen.beat_mono_ms;
		if (ms > most)
			shared_mark_stuck(v->shared, i);
		return ms;
	}
	return -1;
}

static int watch_signals(void)
{
	static const int which[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(which); i++)
		sigaddset(&set, which[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void allow_core(bool wanted)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core))
		return;
	core.rlim_cur = wanted ? core.rlim_max : 0;
	setrlimit(RLIMIT_CORE, &core);
}

static int prepare(struct serve *v, struct err *e)
{
	struct conf *c = &v->c->conf;

	listen_notify("STATUS=starting");
	if (programs_find(c, v->s.programs, e) < 0)
		return -1;
	v->lock = listen_lock(c->state_dir, e);
	if (v->lock < 0 || migrate(v->c, e) < 0)
		return -1;
	v->shared = shared_open(c->state_dir, true, e);
	if (!v->shared || open_socket(v, KID_RELAY, e) < 0 ||
	    open_socket(v, KID_ADMIN, e) < 0 || send_log_to(c->log_file, e) < 0)
		return -1;
	v->ping_ms = listen_watchdog_ms();
	listen_forget();
	tell_children_conf(c);
	allow_core(c->core_dumps);
	v->signals = watch_signals();
	if (v->signals < 0)
		return err_set(e, ERR_IO, "signalfd: %s", strerror(errno));
	return 0;
}

/* What a reload cannot change. */
static void warn_of_moved(const struct conf *was, const struct conf *now)
{
	const struct {
		const char *name, *was, *now;
	} rows[] = {
		{ "state_dir", was->state_dir, now->state_dir },
		{ "db_path", was->db_path, now->db_path },
		{ "relay_socket", was->relay_socket, now->relay_socket },
		{ "admin_socket", was->admin_socket, now->admin_socket },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].was, rows[i].now))
			log_warn("serve.needs_restart",
				 LOG_S("setting", rows[i].name));
}

static int read_again(struct serve *v, struct conf *new, struct err *e)
{
	const char *path = v->c->conf.path;

	if (conf_load(new, *path ? path : NULL, e) < 0)
		return -1;
	if (log_level_named(new->log_level) < 0)
		return err_set(e, ERR_CONFIG,
			       "log_level: want debug, info, warn or error");
	return send_log_to(new->log_file, e);
}

static void reload(struct serve *v)
{
	struct conf new = { 0 };
	struct err e = { 0 };

	if (read_again(v, &new, &e) < 0) {
		log_error("serve.reload_refused", LOG_S("why", e.msg));
		conf_release(&new);
		return;
	}
	log_info("serve.reload");
	warn_of_moved(&v->c->conf, &new);
	conf_release(&v->c->conf);
	v->c->conf = new;
	log_level_set((enum log_level)log_level_named(new.log_level));
	supervise_generation(&v->s, &v->c->conf);
}

static void on_signal(struct serve *v, uint32_t signo)
{
	switch (signo) {
	case SIGCHLD: supervise_reap(&v->s); break;
	case SIGHUP: reload(v); break;
	default:
		log_info("serve.stop", LOG_I("signal", signo));
		listen_notify("STOPPING=1");
		supervise_stop(&v->s);
		break;
	}
}

static void run_until_stopped(struct serve *v)
{
	struct signalfd_siginfo info;
	bool told = false;

	supervise_generation(&v->s, &v->c->conf);
	while (!supervise_all_gone(&v->s)) {
		int64_t wait_ms = supervise_turn(&v->s);
		struct pollfd p = { .fd = v->signals, .events = POLLIN };

		if (!told && supervise_serves(&v->s)) {
			listen_notify("READY=1\nSTATUS=serving");
			told = true;
		}
		if (v->ping_ms) {
			listen_notify("WATCHDOG=1");
			wait_ms = wait_ms < 0 ? v->ping_ms :
						MIN(wait_ms, v->ping_ms);
		}
		poll(&p, 1, (int)MIN(wait_ms, INT_MAX));
		while (read(v->signals, &info, sizeof(info)) ==
		       (ssize_t)sizeof(info))
			on_signal(v, info.ssi_signo);
	}
}

static int serve(struct cli *c, const void *values, struct err *e)
{
	struct serve v = { .c = c, .lock = -1, .signals = -1 };
	int r;

	(void)values;
	v.s.is_ready = relay_is_ready;
	v.s.silent_ms = worker_is_silent;
	v.s.arg = &v;
	for (int kind = 0; kind < KID__COUNT; kind++)
		v.s.fds[kind] = -1;
	r = prepare(&v, e);
	if (!r) {
		log_info("serve.begin", LOG_S("version", PONTAGE_VERSION),
			 LOG_S("conf", c->conf.path));
		run_until_stopped(&v);
		log_info("serve.end");
	}
	for (int kind = 0; kind < KID__COUNT; kind++)
		if (v.own[kind]) {
			unlink(v.own[kind]);
			free(v.own[kind]);
		}
	shared_close(v.shared);
	supervise_release(&v.s);
	return r;
}

const struct cmd cmd_serve = {
	.name = "serve",
	.words = "",
	.what = "run the gateway: opens its sockets, starts the workers and "
		"tick, restarts what dies",
	.help = "SIGHUP replaces all workers under the settings as they are "
		"then, without\nfailing a request; a wrong setting leaves "
		"everything as it is and says why in\nthe log.  SIGTERM lets "
		"open streams end, for drain_ms at most.\n",
	.args = NO_ARGS,
	.run = serve,
	.logs = true,
};
