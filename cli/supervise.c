/* supervise.c - see supervise.h. */
#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_MAX_MS 10000
#define GOOD_LIFE_MS   10000 /* after so long a death is news, not a habit */
#define READY_MS       5000  /* for the workers of a generation */
#define READY_POLL_MS  10
#define STOP_EXTRA_MS  5000  /* past drain_ms, for the last settles */
#define LOOK_MS        1000L /* between looks at the heartbeats */
#define BEATS_MISSED   3     /* fewer say nothing */

static const char *const kind_names[KID__COUNT] = {
	[KID_RELAY] = "relay.fcgi",
	[KID_ADMIN] = "admin.fcgi",
	[KID_TICK] = "tick",
};

/* The child, up to its exec. */
static void be_kid(const struct supervisor *s, const struct kid *k,
		   pid_t parent)
{
	enum kid_kind kind = k->kind;
	char generation[16];
	char tick[] = "tick";
	char *argv[] = { s->programs[kind], kind == KID_TICK ? tick : NULL,
			 NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* A supervisor that is killed lets its streams end in their time. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	snprintf(generation, sizeof(generation), "%d", k->generation);
	setenv("PONTAGE_GENERATION", generation, 1);
	setpgid(0, 0); /* Ctrl-C is the supervisor's to pass on */
	if (s->fds[kind] >= 0 && dup2(s->fds[kind], STDIN_FILENO) < 0)
		_exit(127);
	execv(argv[0], argv);
	log_error("serve.exec", LOG_S("program", argv[0]),
		  LOG_S("why", strerror(errno)));
	_exit(127);
}

static void start(struct supervisor *s, struct kid *k)
{
	pid_t parent = getpid(), pid;

	k->start_ms = clock_mono_ms();
	pid = fork();
	if (!pid)
		be_kid(s, k, parent);
	if (pid < 0) {
		log_error("serve.fork", LOG_S("why", strerror(errno)),
			  LOG_I("again_ms", k->backoff_ms));
		k->start_ms += k->backoff_ms;
		return;
	}
	k->pid = pid;
	log_info("serve.start", LOG_S("what", kind_names[k->kind]),
		 LOG_I("pid", pid), LOG_I("generation", k->generation));
}

static void add(struct supervisor *s, enum kid_kind kind)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->kids =
			mem_realloc(s->kids, (size_t)s->cap * sizeof(*s->kids));
	}
	s->kids[s->n] = (struct kid){ .kind = kind,
				      .generation = s->newest,
				      .backoff_ms = s->backoff_ms };
	start(s, &s->kids[s->n++]);
}

/* Takes kids out of the table that neither run nor will be started. */
static void forget_gone(struct supervisor *s)
{
	int n = 0;

	for (int i = 0; i < s->n; i++)
		if (s->kids[i].pid || !s->kids[i].leaving)
			s->kids[n++] = s->kids[i];
	s->n = n;
}

/* Relay workers have a softer word for "you have been replaced". */
static void tell_to_leave(const struct kid *k)
{
	if (k->pid)
		kill(k->pid, k->kind == KID_RELAY ? SIGHUP : SIGTERM);
}

/* Tells all up to a generation, or exactly it, to end. */
static void dismiss(struct supervisor *s, int from, int to)
{
	for (int i = 0; i < s->n; i++) {
		struct kid *k = &s->kids[i];

		if (k->leaving || k->generation < from || k->generation > to)
			continue;
		k->leaving = true;
		tell_to_leave(k);
	}
	forget_gone(s);
}

/* A relay keeps a loop, a writer and its acceptors busy: two processors. */
static int64_t relays(const struct conf *conf)
{
	int64_t n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	if (conf->relay_workers)
		return conf->relay_workers;
	return MIN(MAX(n, 1), 64);
}

void supervise_generation(struct supervisor *s, const struct conf *conf)
{
	const int64_t counts[KID__COUNT] = { [KID_RELAY] = relays(conf),
					     [KID_ADMIN] = conf->admin_workers,
					     [KID_TICK] = 1 };

	/* One that was not ready yet has been overtaken. */
	dismiss(s, s->serving + 1, s->newest);
	s->newest++;
	s->backoff_ms = conf->restart_backoff_ms;
	s->stop_ms = conf->drain_ms + STOP_EXTRA_MS;
	s->watchdog_ms =
		MAX(conf->watchdog_ms, BEATS_MISSED * conf->heartbeat_ms);
	s->ready_by_ms = clock_mono_ms() + READY_MS;
	for (int kind = 0; kind < KID__COUNT; kind++)
		for (int64_t i = 0; i < counts[kind]; i++)
			add(s, (enum kid_kind)kind);
}

static void note_death(const struct kid *k, int status, int64_t lived_ms)
{
	bool by_signal = WIFSIGNALED(status);
	int code = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);

	if (k->leaving) {
		log_info("serve.ended", LOG_S("what", kind_names[k->kind]),
			 LOG_I("pid", k->pid),
			 LOG_I(by_signal ? "signal" : "exit", code),
			 LOG_I("lived_ms", lived_ms));
		return;
	}
	log_error("serve.died", LOG_S("what", kind_names[k->kind]),
		  LOG_I("pid", k->pid),
		  LOG_I(by_signal ? "signal" : "exit", code),
		  LOG_S("how", by_signal ? strsignal(code) : ""),
		  LOG_I("lived_ms", lived_ms),
		  LOG_I("again_ms", k->backoff_ms));
}

static void bury(struct supervisor *s, struct kid *k, int status)
{
	int64_t now = clock_mono_ms();
	int64_t lived_ms = now - k->start_ms;

	if (lived_ms >= GOOD_LIFE_MS)
		k->backoff_ms = s->backoff_ms;
	note_death(k, status, lived_ms);
	k->pid = 0;
	k->stuck = false;
	k->start_ms = now + k->backoff_ms;
	k->backoff_ms = MIN(2 * k->backoff_ms, BACKOFF_MAX_MS);
}

void supervise_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < s->n; i++)
			if (s->kids[i].pid == pid)
				bury(s, &s->kids[i], status);
	forget_gone(s);
}

/* How many relay workers of the newest generation run, are ready, are meant
 * to be there. */
static void count(const struct supervisor *s, int *run, int *ready, int *all)
{
	*run = *ready = *all = 0;
	for (int i = 0; i < s->n; i++) {
		const struct kid *k = &s->kids[i];

		if (k->kind != KID_RELAY || k->generation != s->newest ||
		    k->leaving)
			continue;
		(*all)++;
		*run += k->pid != 0;
		*ready += k->pid && s->is_ready(s->arg, k->pid);
	}
}

/* The newest generation takes over, is given up, or is waited for. */
static void change_over(struct supervisor *s, int64_t now)
{
	int run, ready, all;

	count(s, &run, &ready, &all);
	if (ready < all && now < s->ready_by_ms)
		return;
	s->ready_by_ms = 0;
	if (!run && s->serving) {
		log_error("serve.generation_failed",
			  LOG_I("generation", s->newest),
			  LOG_I("still_serving", s->serving));
		dismiss(s, s->newest, s->newest);
		s->newest = s->serving;
		return;
	}
	dismiss(s, 0, s->newest - 1);
	s->serving = s->newest;
	log_info("serve.ready", LOG_I("generation", s->newest),
		 LOG_I("relays", all), LOG_I("of_them_ready", ready));
}

static void kill_all(struct supervisor *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->kids[i].pid) {
			log_warn("serve.kill", LOG_I("pid", s->kids[i].pid));
			kill(s->kids[i].pid, SIGKILL);
		}
	s->kill_ms = INT64_MAX; /* once is enough */
}

static int64_t stopping_turn(struct supervisor *s, int64_t now)
{
	if (now >= s->kill_ms)
		kill_all(s);
	return s->kill_ms == INT64_MAX ? -1 : s->kill_ms - now;
}

/* Starts who is due; when the next one is, INT64_MAX: nobody waits. */
static int64_t start_due(struct supervisor *s, int64_t now)
{
	int64_t next = INT64_MAX;

	for (int i = 0; i < s->n; i++) {
		struct kid *k = &s->kids[i];

		if (k->pid || k->leaving)
			continue;
		if (now >= k->start_ms)
			start(s, k);
		if (!k->pid)
			next = MIN(next, MAX(k->start_ms, now + 1));
	}
	return next;
}

/* A stopped process does not see the SIGABRT; one that runs in circles leaves
 * its core, where that is allowed. */
static void end_stuck(struct supervisor *s, struct kid *k)
{
	int64_t silent_ms = s->silent_ms(s->arg, k->pid, s->watchdog_ms);

	if (k->stuck) {
		kill(k->pid, SIGKILL);
		return;
	}
	if (silent_ms <= s->watchdog_ms)
		return;
	log_error("serve.stuck", LOG_S("what", kind_names[k->kind]),
		  LOG_I("pid", k->pid), LOG_I("silent_ms", silent_ms),
		  LOG_I("watchdog_ms", s->watchdog_ms));
	k->stuck = true;
	kill(k->pid, SIGABRT);
}

/* When this process itself was held up, so may the workers have been: they
 * get another second. */
static int64_t look_for_stuck(struct supervisor *s, int64_t now)
{
	bool late = now - s->looked_ms > 2 * LOOK_MS;

	if (now < s->looked_ms + LOOK_MS)
		return s->looked_ms + LOOK_MS;
	s->looked_ms = now;
	for (int i = 0; i < s->n && !late; i++)
		if (s->kids[i].pid)
			end_stuck(s, &s->kids[i]);
	return now + LOOK_MS;
}

int64_t supervise_turn(struct supervisor *s)
{
	int64_t now = clock_mono_ms(), next;

	if (s->kill_ms)
		return stopping_turn(s, now);
	next = MIN(start_due(s, now), look_for_stuck(s, now));
	if (s->ready_by_ms)
		change_over(s, now);
	if (s->ready_by_ms)
		next = MIN(next, now + READY_POLL_MS);
	return next - now;
}

void supervise_stop(struct supervisor *s)
{
	if (s->kill_ms)
		return;
	s->kill_ms = clock_mono_ms() + s->stop_ms;
	s->ready_by_ms = 0;
	dismiss(s, 0, s->newest);
	/* Also those that were leaving in peace. */
	for (int i = 0; i < s->n; i++)
		if (s->kids[i].pid)
			kill(s->kids[i].pid, SIGTERM);
}

bool supervise_serves(const struct supervisor *s)
{
	return s->serving && s->serving == s->newest && !s->kill_ms;
}

bool supervise_all_gone(const struct supervisor *s)
{
	return !s->n;
}

void supervise_release(struct supervisor *s)
{
	for (int kind = 0; kind < KID__COUNT; kind++)
		free(s->programs[kind]);
	free(s->kids);
	*s = (struct supervisor){ 0 };
}
