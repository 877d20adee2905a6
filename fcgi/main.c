/* main.c - relay.fcgi: carries requests to providers.
 *
 * The listening socket is descriptor 0, as FastCGI has it; `pontage serve`,
 * systemd or a web server's process manager puts it there.
 */
#include "loop.h"
#include "prep.h"
#include "probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/box.h"
#include "crypto/hash.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define EX_USAGE    64
#define EX_CONFIG   78
#define EX_TEMPFAIL 75

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
		.hold_back_ms = c->hold_back_ms,
		.keep_alive_ms = c->keep_alive_ms,
		.stall_ms = c->client_stall_ms,
		.max_answer = c->max_answer_bytes,
		.max_event = c->max_event_bytes,
		.max_queue = c->client_queue_bytes,
		.max_attempts = (int)c->max_attempts,
	};
}

static int open_writer(struct loop *l, struct err *e)
{
	struct writer_conf wc = {
		.path = l->conf->db_path,
		.notify_fd = l->finished.fd,
		.before_commit = ledger_before_commit,
		.after = ledger_after,
		.arg = &l->ledger,
	};

	l->writer = writer_start(&wc, e);
	return l->writer ? 0 : -1;
}

static int open_all(struct loop *l, struct shared **sh, struct err *e)
{
	int64_t files = raise_files();
	struct box_key *key = box_key_load(l->conf->master_key_path, e);
	const char *generation = getenv("PONTAGE_GENERATION");
	int64_t n = 0;

	if (!key)
		return -1;
	if (generation)
		str_int(str_of(generation), 0, INT32_MAX, &n);
	*sh = shared_open(l->conf->state_dir, true, e);
	if (!*sh || !(l->slot = shared_slot_take(*sh, SHARED_RELAY, (int)n, e)))
		return -1;
	l->worker_id = shared_worker_id(l->slot);
	l->limits = limits_of(l->conf);
	l->max_inflight = MIN(l->conf->max_inflight, files / 3);
	l->shelf = book_shelf_new(key, l->conf);
	log_info("worker.start", LOG_I("files", files),
		 LOG_I("max_inflight", l->max_inflight));
	return 0;
}

static int serve(struct loop *l, struct err *e)
{
	struct front_hooks hooks = prep_hooks(l);
	struct shared *sh = NULL;
	struct prober *prober;

	loop_open(l);
	if (open_all(l, &sh, e) < 0)
		return -1;
	log_ring_start();
	if (open_writer(l, e) < 0)
		return -1;
	l->front = front_open(STDIN_FILENO, l->conf, &hooks);
	prober = prober_start(l);
	loop_run(l, STDIN_FILENO);
	prober_stop(prober);
	front_stop(l->front);
	writer_stop(l->writer);
	while (log_ring_drain())
		continue;
	shared_slot_free(sh, l->slot);
	shared_close(sh);
	return 0;
}

static int one_job(struct loop *l, int64_t id, struct err *e)
{
	struct shared *sh = NULL;

	loop_open(l);
	if (open_all(l, &sh, e) < 0 || open_writer(l, e) < 0)
		return -1;
	probe_once(l, id, e);
	writer_stop(l->writer);
	shared_slot_free(sh, l->slot);
	shared_close(sh);
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
			puts("relay.fcgi " PONTAGE_VERSION);
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

int main(int argc, char **argv)
{
	static struct loop loop;
	struct args args = { 0 };
	static struct conf conf;
	struct err e = { 0 };
	int r;

	if (read_args(&args, argc, argv) < 0) {
		fputs(help, stderr);
		return EX_USAGE;
	}
	if (conf_load(&conf, args.conf, &e) < 0) {
		log_error("worker.conf", LOG_S("cause", e.msg));
		return EX_CONFIG;
	}
	hide(&conf);
	crypto_start();
	if (log_level_named(conf.log_level) >= 0)
		log_level_set((enum log_level)log_level_named(conf.log_level));
	loop.conf = &conf;
	r = args.job ? one_job(&loop, args.job, &e) : serve(&loop, &e);
	if (r < 0)
		log_error("worker.failed", LOG_S("cause", e.msg));
	return r < 0 ? EX_TEMPFAIL : 0;
}
