/* main.c - relay.fcgi: carries requests to providers.
 *
 * The listening socket is descriptor 0, as FastCGI has it; `pontage serve`,
 * systemd or a web server's process manager puts it there.  Started as a plain
 * CGI program, it carries one request.
 */
#include "front_cgi.h"
#include "loop.h"
#include "prep.h"
#include "probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "count/count_files.h"
#include "crypto/box.h"
#include "crypto/hash.h"
#include "db/db.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define EX_USAGE    64
#define EX_CONFIG   78
#define EX_TEMPFAIL 75

/* Descriptors that neither clients nor upstreams may take: the process's own,
 * and each acceptor's way into the database. */
#define FILES_OWN      64
#define FILES_ACCEPTOR 3

static const char help[] =
	"usage: relay.fcgi [--conf FILE] [--job ID]\n"
	"Carries requests to providers; started by `pontage serve` with the\n"
	"listening socket as descriptor 0.  --job does one job and ends.\n";

/* Provider keys and prompts are in this memory. */
static void hide(const struct conf *conf)
{
	struct rlimit none = { 0, 0 };

	if (conf->core_dumps)
		return;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static int64_t raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 1024;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	getrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)r.rlim_cur;
}

static struct relay_limits limits_of(const struct conf *c)
{
	return (struct relay_limits){
		.connect_ms = c->upstream_connect_ms,
		.first_token_ms = c->upstream_first_token_ms,
		.idle_ms = c->upstream_idle_ms,
		.total_ms = c->upstream_total_ms,
		.deadline_ms = c->deadline_ms,
		.retry_wait_ms = c->retry_wait_ms,
		.hold_back_ms = c->hold_back_ms,
		.keep_alive_ms = c->keep_alive_ms,
		.stall_ms = c->client_stall_ms,
		.max_answer = c->max_answer_bytes,
		.max_event = c->max_event_bytes,
		.max_queue = c->client_queue_bytes,
		.max_attempts = (int)c->max_attempts,
	};
}

/* On the writer's thread; upkeep where no tick does it. */
static void keep_up(struct db *db, void *arg)
{
	struct loop *l = OWNER(arg, struct loop, ledger);

	disk_look(&l->disk);
	spool_catch_up(l->spool, db);
	if (!l->once && upkeep_wanted(&l->upkeep))
		upkeep_worker(&l->upkeep, db);
}

static int open_writer(struct loop *l, struct err *e)
{
	struct writer_conf wc = {
		.path = l->conf->db_path,
		.notify_fd = l->finished.fd,
		.before_commit = ledger_before_commit,
		.after = ledger_after,
		.between = keep_up,
		.lazy = true, /* all of them are 1.3 MB */
		.arg = &l->ledger,
		.spool_put = spool_put,
		.spool_sync = spool_sync,
		.spool_room = spool_room,
		.spool = l->spool,
	};

	l->writer = writer_start(&wc, e);
	return l->writer ? 0 : -1;
}

static int open_all(struct loop *l, struct shared **sh, struct err *e)
{
	int64_t files = raise_files();
	struct box_key *key = box_key_load(l->conf->master_key_path, e);
	const char *generation = getenv("PONTAGE_GENERATION");
	int64_t n = 0, spare, kept;

	if (!key)
		return -1;
	if (generation)
		str_int(str_of(generation), 0, INT32_MAX, &n);
	*sh = shared_open(l->conf->state_dir, true, e);
	if (!*sh || !(l->slot = shared_slot_take(*sh, SHARED_RELAY, (int)n, e)))
		return -1;
	l->shared = *sh;
	l->worker_id = shared_worker_id(l->slot);
	l->upkeep = (struct upkeep){ .conf = l->conf,
				     .shared = *sh,
				     .slot = l->slot,
				     .look_ms = clock_mono_ms() + UPKEEP_MS };
	if (upkeep_prepare(l->conf, e) < 0)
		return -1;
	l->spool = spool_open(l->conf->state_dir, l->slot, l->worker_id);
	l->disk.conf = l->conf;
	disk_look(&l->disk);
	l->limits = limits_of(l->conf);
	spare = MIN(FILES_OWN + FILES_ACCEPTOR * l->conf->acceptors_max,
		    files / 2);
	l->max_inflight = MIN(l->conf->max_inflight, (files - spare) / 3);
	l->max_clients = (files - spare) / 3 * 2;
	memory_open(&l->memory);
	l->max_bodies =
		memory_for_bodies(&l->memory, l->conf->max_bodies_bytes);
	l->fair = (struct fair){ .shared = l->once ? NULL : *sh,
				 .worker_id = l->worker_id,
				 .silent_ms = 3 * l->conf->heartbeat_ms };
	l->count = tokens_open(l->conf);
	l->shelf = book_shelf_new(key, l->conf);
	kept = MIN(l->conf->max_connects, l->max_inflight);
	calls_keep(l->calls, kept);
	log_info("worker.start", LOG_I("files", files),
		 LOG_I("max_inflight", l->max_inflight),
		 LOG_I("max_connects", kept),
		 LOG_I("max_bodies", l->max_bodies));
	return 0;
}

static void close_all(struct loop *l, struct shared *sh)
{
	writer_stop(l->writer);
	spool_close(l->spool);
	while (log_ring_drain())
		continue;
	shared_slot_free(sh, l->slot);
	shared_close(sh);
}

/* The writer, made inside the sandbox, as every thread must be.  A connection
 * is open meanwhile: the files beside the database are then all there. */
static int start_writer(struct loop *l, struct err *e)
{
	struct db *db = db_open(l->conf->db_path, DB_READ, false, e);
	int r;

	if (!db)
		return -1;
	r = sandbox_enter(l->conf, e) < 0 ? -1 : open_writer(l, e);
	db_close(db);
	return r;
}

static int serve(struct loop *l, struct err *e)
{
	struct front_hooks hooks;
	struct shared *sh = NULL;
	struct prober *prober;

	loop_open(l);
	if (open_all(l, &sh, e) < 0)
		return -1;
	log_ring_start();
	if (start_writer(l, e) < 0)
		return -1;
	hooks = prep_hooks(l);
	l->front = front_open(STDIN_FILENO, l->conf, &hooks);
	prober = prober_start(l);
	loop_run(l, STDIN_FILENO);
	prober_stop(prober);
	front_stop(l->front);
	close_all(l, sh);
	return 0;
}

/* --- plain CGI ----------------------------------------------------------- */

/* The web server's caller learns that it failed, the log learns why. */
static void say_failed(enum err_code code)
{
	char id[RAND_REQUEST_ID];
	struct err e = { 0 };
	struct answer_error a = { .err = &e, .retry_after_ms = -1 };
	struct buf out;

	err_set(&e, code == ERR_OVERLOADED ? code : ERR_INTERNAL,
		code == ERR_OVERLOADED ?
			"The gateway is overloaded. Try again in a moment." :
			"The gateway does not start; its log says why.");
	rand_request_id(id, clock_wall_ms());
	buf_init(&out, 8192);
	answer_error(&out, &a, id);
	front_cgi_say(out.p, out.len);
	buf_release(&out);
}

static int64_t count_relays(const struct shared *sh)
{
	struct shared_view v;
	int64_t n = 0;

	for (int i = 0; i < SHARED_SLOTS; i++)
		n += shared_look(sh, i, &v) && v.kind == SHARED_RELAY;
	return n;
}

/* Nobody waits for this any more: the client has its answer. */
static void keep_up_once(struct loop *l)
{
	struct err e = { 0 };
	struct db *db;

	l->upkeep.look_ms = 0;
	if (!upkeep_wanted(&l->upkeep))
		return;
	db = db_open(l->conf->db_path, DB_WRITE, false, &e);
	if (!db) {
		log_error("tick.failed", LOG_S("why", e.msg));
		return;
	}
	if (upkeep_worker(&l->upkeep, db))
		probe_one(l);
	db_close(db);
}

static int serve_once(struct loop *l, struct err *e)
{
	struct front_hooks hooks;
	struct shared *sh = NULL;

	loop_open(l);
	if (open_all(l, &sh, e) < 0 || start_writer(l, e) < 0)
		return -1;
	l->elsewhere = count_relays(sh) - 1;
	hooks = prep_hooks(l);
	loop_run_once(l, front_cgi_open(l->conf), &hooks);
	keep_up_once(l);
	close_all(l, sh);
	return 0;
}

/* --- the command line ------------------------------------------------------ */

static int one_job(struct loop *l, int64_t id, struct err *e)
{
	struct shared *sh = NULL;

	loop_open(l);
	if (open_all(l, &sh, e) < 0 || start_writer(l, e) < 0)
		return -1;
	probe_once(l, id, e);
	close_all(l, sh);
	return e->code ? -1 : 0;
}

struct args {
	const char *conf;
	int64_t job;
};

static int read_args(struct args *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--version")) {
			char text[SANDBOX_TEXT], counts[COUNT_TEXT];

			printf("relay.fcgi %s, %s, tokens: %s\n",
			       PONTAGE_VERSION, sandbox_text(text),
			       count_here(counts));
			exit(0);
		}
		if (!strcmp(argv[i], "--conf") && more)
			a->conf = argv[++i];
		else if (!strcmp(argv[i], "--job") && more &&
			 !str_int(str_of(argv[i + 1]), 1, INT64_MAX, &a->job))
			i++;
		else
			return -1;
	}
	return 0;
}

/* What lies under the web root may be fetched by anybody. */
static int check_place(const struct conf *conf, struct err *e)
{
	const char *root = getenv("DOCUMENT_ROOT");
	char *web = root && *root ? realpath(root, NULL) : NULL;
	char *state = realpath(conf->state_dir, NULL);
	size_t n = web ? strlen(web) : 0;
	int r = 0;

	if (n > 1 && state && !strncmp(state, web, n) &&
	    (!state[n] || state[n] == '/'))
		r = err_set(e, ERR_CONFIG,
			    "state_dir %s lies under the web root %s, where "
			    "anybody may fetch the database and its keys: "
			    "move it out",
			    state, web);
	free(web);
	free(state);
	return r;
}

static int start(struct loop *l, struct conf *conf, const struct args *args,
		 struct err *e)
{
	if (conf_load(conf, args->conf, e) < 0)
		return -1;
	if (l->once && check_place(conf, e) < 0)
		return -1;
	hide(conf);
	crypto_start();
	if (log_level_named(conf->log_level) >= 0)
		log_level_set((enum log_level)log_level_named(conf->log_level));
	if (l->once)
		conf->stream_multis = 1;
	l->conf = conf;
	return 0;
}

int main(int argc, char **argv)
{
	static struct loop loop;
	struct args args = { 0 };
	static struct conf conf;
	struct err e = { 0 };
	int r;

	loop.once = front_is_cgi();
	/* CGI gives the words of a query as arguments: they are the client's. */
	if (!loop.once && read_args(&args, argc, argv) < 0) {
		fputs(help, stderr);
		return EX_USAGE;
	}
	if (start(&loop, &conf, &args, &e) < 0)
		r = -1;
	else if (args.job)
		r = one_job(&loop, args.job, &e);
	else
		r = loop.once ? serve_once(&loop, &e) : serve(&loop, &e);
	if (r < 0)
		log_error("worker.failed", LOG_S("cause", e.msg));
	if (r < 0 && loop.once)
		say_failed(e.code);
	if (r < 0)
		return e.code == ERR_CONFIG ? EX_CONFIG : EX_TEMPFAIL;
	return 0;
}
