/* main.c - admin.fcgi: health and pages, one request at a time.
 *
 * The listening socket is descriptor 0, as FastCGI has it.  This file alone
 * knows libfcgi; it accepts by itself, because libfcgi's own accept cannot
 * be told to stop or to beat.  Started as a plain CGI program, it answers one
 * request.
 */
#include "route.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/sandbox.h"
#include "db/db.h"
#include "http/cidr.h"
#include "shared/shared.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>

#define PEER_MS    10000      /* wait for the web server, reading and writing */
#define PSS_MS     10000      /* between two looks at our own memory */
#define BODY_MAX   (32 << 20) /* bytes read and thrown away of a body */
#define ANSWER_MAX (REPLY_MAX + 8192)

extern char **environ;

static volatile sig_atomic_t stopping;

static void on_stop(int signo)
{
	(void)signo;
	stopping = 1;
}

/* Blocked but for the waits in ppoll(): a request is never interrupted. */
static void catch_signals(sigset_t *waiting)
{
	static const int which[] = { SIGTERM, SIGINT, SIGUSR1 };
	struct sigaction act = { .sa_handler = on_stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNT(which); i++) {
		sigaction(which[i], &act, NULL);
		sigaddset(&blocked, which[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (size_t i = 0; i < COUNT(which); i++)
		sigdelset(waiting, which[i]);
}

static void hide(const struct conf *conf)
{
	struct rlimit core;

	if (conf->core_dumps || getrlimit(RLIMIT_CORE, &core))
		return;
	core.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &core);
	prctl(PR_SET_DUMPABLE, 0);
}

/* --- one request ----------------------------------------------------------- */

static void read_ask(struct ask *ask, char **envp)
{
	const char *method = FCGX_GetParam("REQUEST_METHOD", envp);
	const char *address = FCGX_GetParam("REMOTE_ADDR", envp);
	char *uri = FCGX_GetParam("REQUEST_URI", envp);

	if (uri)
		uri[strcspn(uri, "?")] = '\0';
	while (uri && uri[0] == '/' && uri[1] == '/')
		uri++;
	ask->method = method ? method : "";
	ask->path = uri ? uri : "";
	ask->address = address ? address : "";
	memcpy(ask->request_id, "req_", 4);
	rand_text(ask->request_id + 4, 22);
}

/* A web server that is still writing would take our answer for a fault. */
static void drop_body(FCGX_Stream *in)
{
	char piece[8192];
	int n, all = 0;

	while (all < BODY_MAX &&
	       (n = FCGX_GetStr(piece, sizeof(piece), in)) > 0)
		all += n;
}

static void make_answer(const struct admin *a, char **envp, struct buf *out)
{
	int64_t began_ms = clock_mono_ms();
	struct ask ask;
	struct reply reply;

	read_ask(&ask, envp);
	log_request(ask.request_id);
	route_answer(a, &ask, &reply);
	buf_init(out, ANSWER_MAX);
	route_write(&ask, &reply, out);
	log_debug("admin.end", LOG_S("method", ask.method),
		  LOG_I("status", reply.status),
		  LOG_I("ms", clock_mono_ms() - began_ms));
	log_request(NULL);
	buf_release(&reply.body);
}

static void answer(const struct admin *a, FCGX_Request *r)
{
	struct buf out;

	drop_body(r->in);
	make_answer(a, r->envp, &out);
	FCGX_PutStr(out.p, (int)out.len, r->out);
	buf_release(&out);
}

/* Plain CGI: the web server throws away what is not read of the body. */
static void answer_once(const struct admin *a)
{
	struct buf out;
	size_t at = 0;
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	make_answer(a, environ, &out);
	while (at < out.len &&
	       (n = write(STDOUT_FILENO, out.p + at, out.len - at)) > 0)
		at += (size_t)n;
	buf_release(&out);
}

static void limit_wait(int fd)
{
	const struct timeval tv = { .tv_sec = PEER_MS / 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void serve_one(const struct admin *a)
{
	int fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);
	FCGX_Request r;

	if (fd < 0) {
		/* EAGAIN: another worker was first. */
		if (errno == EMFILE || errno == ENFILE)
			poll(NULL, 0, 10);
		return;
	}
	limit_wait(fd);
	FCGX_InitRequest(&r, -1, 0);
	/* As if it had been kept open after an earlier request. */
	r.ipcFd = fd;
	r.keepConnection = 1;
	if (FCGX_Accept_r(&r) >= 0) {
		answer(a, &r);
		r.keepConnection = 0; /* a kept one would hold this process */
		FCGX_FClose(r.out);
		FCGX_Detach(&r); /* does not wait for the other side */
		FCGX_Finish_r(&r);
	}
	if (r.ipcFd >= 0)
		FCGX_Free(&r, 1);
}

/* --- the process ----------------------------------------------------------- */

static bool is_cgi(void)
{
	return FCGX_IsCGI() && getenv("GATEWAY_INTERFACE") &&
	       getenv("REQUEST_METHOD");
}

static void run(const struct admin *a, struct shared_slot *slot,
		const sigset_t *waiting)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	const struct timespec beat = { .tv_sec = a->conf->heartbeat_ms / 1000,
				       .tv_nsec = a->conf->heartbeat_ms % 1000 *
						  1000000 };
	int64_t pss_ms = 0;

	shared_enter(slot, SHARED_READY);
	while (!stopping) {
		shared_beat(slot);
		if (clock_mono_ms() >= pss_ms) {
			shared_report_pss(slot);
			pss_ms = clock_mono_ms() + PSS_MS;
		}
		if (ppoll(&p, 1, &beat, waiting) > 0 && !stopping) {
			shared_load(slot, 1, 0);
			serve_one(a);
			shared_load(slot, 0, 0);
		}
	}
	shared_enter(slot, SHARED_DRAINING);
}

static int generation(void)
{
	int64_t n = 0;

	str_int(str_of(getenv("PONTAGE_GENERATION")), 0, INT32_MAX, &n);
	return (int)n;
}

static int start(struct conf *conf, const char *path, struct err *e)
{
	struct cidr allowed[64];

	if (conf_load(conf, path, e) < 0)
		return -1;
	if (log_level_named(conf->log_level) < 0)
		return err_set(e, ERR_CONFIG,
			       "log_level: want debug, info, warn or error");
	log_level_set((enum log_level)log_level_named(conf->log_level));
	if (cidr_list(str_of(conf->metrics_allow), allowed, COUNT(allowed)) < 0)
		return err_set(e, ERR_CONFIG,
			       "metrics_allow: want at most %zu networks like "
			       "10.0.0.0/8, with commas, got \"%s\"",
			       COUNT(allowed), conf->metrics_allow);
	hide(conf);
	if (is_cgi())
		return 0;
	if (FCGX_IsCGI())
		return err_set(e, ERR_CONFIG,
			       "descriptor 0 is no listening socket; pontage "
			       "serve or a web server starts this program");
	if (FCGX_Init())
		return err_set(e, ERR_INTERNAL, "libfcgi does not start");
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	return 0;
}

/* A connection is open meanwhile, so that the files beside the database are
 * all there; one that cannot be opened is for health to say. */
static int close_off(const struct conf *conf, struct err *e)
{
	struct err no_db = { 0 };
	struct db *db = db_open(conf->db_path, DB_READ, false, &no_db);
	int r = sandbox_enter(conf, e);

	db_close(db);
	return r;
}

/* NULL: the settings are found as always. */
static const char *read_args(int argc, char **argv)
{
	/* CGI gives the words of a query as arguments. */
	if (argc == 1 || is_cgi())
		return NULL;
	if (argc == 3 && !strcmp(argv[1], "--conf"))
		return argv[2];
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		char text[SANDBOX_TEXT];

		printf("admin.fcgi %s, %s\n", PONTAGE_VERSION,
		       sandbox_text(text));
		exit(EX_OK);
	}
	fputs("usage: admin.fcgi [--conf FILE]\n"
	      "Answers for health and pages; started by `pontage serve` with "
	      "the\nlistening socket as descriptor 0.\n",
	      stderr);
	exit(argc == 2 && !strcmp(argv[1], "--help") ? EX_OK : EX_USAGE);
}

int main(int argc, char **argv)
{
	const char *path = read_args(argc, argv);
	struct conf conf = { 0 };
	struct admin a = { .conf = &conf };
	struct shared_slot *slot = NULL;
	struct err e = { 0 };
	sigset_t waiting;

	if (!start(&conf, path, &e))
		a.shared = shared_open(conf.state_dir, true, &e);
	/* pontage serve tells its children which generation they are. */
	a.on_demand = !getenv("PONTAGE_GENERATION");
	if (a.shared && is_cgi()) {
		answer_once(&a);
		return EX_OK;
	}
	if (a.shared)
		slot = shared_slot_take(a.shared, SHARED_ADMIN, generation(),
					&e);
	if (!slot || close_off(&conf, &e) < 0) {
		log_error("worker.failed", LOG_S("cause", e.msg));
		return e.code == ERR_CONFIG ? EX_CONFIG : EX_TEMPFAIL;
	}
	catch_signals(&waiting); /* after FCGX_Init(), which takes SIGTERM */
	log_info("worker.start", LOG_S("kind", "admin"));
	run(&a, slot, &waiting);
	shared_slot_free(a.shared, slot);
	shared_close(a.shared);
	conf_release(&conf);
	return EX_OK;
}
