/* main.c - the pontage command: finds the verb, reads its words, runs it. */
#include "cmd.h"
#include "help.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "count/count_files.h"
#include "db/db.h"

static const struct cmd *const verbs[] = {
	&cmd_init,    &cmd_serve,   &cmd_tick,     &cmd_config,   &cmd_user,
	&cmd_token,   &cmd_channel, &cmd_route,    &cmd_fallback, &cmd_model,
	&cmd_limit,   &cmd_price,   &cmd_group,    &cmd_budget,   &cmd_log,
	&cmd_receipt, &cmd_code,    &cmd_refund,   &cmd_usage,    &cmd_archive,
	&cmd_audit,   &cmd_doctor,  &cmd_selftest, &cmd_backup,   &cmd_count,
	NULL
};

struct globals {
	const char *conf;
	bool json, help, version;
};

static const struct arg global_args[] = {
	ARG("--conf", ARG_TEXT, offsetof(struct globals, conf), "FILE",
	    "read the settings from FILE"),
	ARG("--json", ARG_FLAG, offsetof(struct globals, json), NULL,
	    "print JSON: an object, or an array for lists"),
	ARG("--help", ARG_FLAG, offsetof(struct globals, help), NULL,
	    "print this"),
	ARG("--version", ARG_FLAG, offsetof(struct globals, version), NULL,
	    "print the version"),
	{ .name = NULL }
};

/* What a failure means to a script: a code of sysexits.h. */
static int exit_code(enum err_code code)
{
	static const struct {
		enum err_code code;
		int status;
	} rows[] = {
		{ ERR_USAGE, EX_USAGE },
		{ ERR_VALUE, EX_USAGE },
		{ ERR_CONFIG, EX_CONFIG },
		{ ERR_SECRET, EX_CONFIG },
		{ ERR_NOT_FOUND, EX_NOINPUT },
		{ ERR_EXISTS, EX_DATAERR },
		{ ERR_NO_FUNDS, EX_DATAERR },
		{ ERR_STORAGE, EX_CANTCREAT },
		{ ERR_DB_BUSY, EX_TEMPFAIL },
		{ ERR_OVERLOADED, EX_TEMPFAIL },
		{ ERR_IO, EX_IOERR },
		{ ERR_DB, EX_IOERR },
		{ ERR_UP_CONNECT, EX_UNAVAILABLE },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			return rows[i].status;
	return EX_SOFTWARE;
}

static const char *verb_name(const void *arg, int i)
{
	const struct cmd *const *all = arg;

	return all[i] ? all[i]->name : NULL;
}

static const char *sub_name(const void *arg, int i)
{
	const struct cmd *subs = arg;

	return subs[i].name;
}

static int no_verb(const char *what, const char *word, const char *near,
		   struct err *e)
{
	if (*near)
		return err_set(e, ERR_USAGE,
			       "there is no %s \"%.40s\"; did you mean %s?",
			       what, word, near);
	return err_set(e, ERR_USAGE,
		       "there is no %s \"%.40s\"; --help lists them", what,
		       word);
}

/* The verb that argv[*at] names, down to the last of its names; NULL with a
 * clear e: there is none, and help is wanted. */
static const struct cmd *find_verb(struct cli *c, int n, char *const *argv,
				   int *at, struct err *e)
{
	const struct cmd *cmd = NULL;
	char near[ARGS_NEAR];

	if (*at >= n)
		return NULL;
	for (int i = 0; verbs[i]; i++)
		if (!strcmp(verbs[i]->name, argv[*at]))
			cmd = verbs[i];
	if (!cmd) {
		args_near(argv[*at], verb_name, verbs, near);
		no_verb("verb", argv[*at], near, e);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", argv[(*at)++]);
	if (!cmd->subs || *at >= n || argv[*at][0] == '-')
		return cmd;
	for (const struct cmd *s = cmd->subs; s->name; s++)
		if (!strcmp(s->name, argv[*at])) {
			snprintf(c->name, sizeof(c->name), "%s %s", cmd->name,
				 argv[(*at)++]);
			return s;
		}
	args_near(argv[*at], sub_name, cmd->subs, near);
	no_verb("verb", argv[*at], near, e);
	return NULL;
}

/* Options before the verb: all of them are global. */
static int before_verb(struct cli *c, struct globals *g, int n,
		       char *const *argv, struct err *e)
{
	const struct arg_set own = { NO_ARGS, NULL }, all = { global_args, g };
	int i = 0;

	while (i < n && argv[i][0] == '-') {
		if (!strcmp(argv[i], "--conf") && i + 1 < n)
			i++;
		i++;
	}
	if (args_read(&own, &all, i, argv, &c->arena, e) < 0)
		return -1;
	return i;
}

static void print_version(void)
{
	char text[SANDBOX_TEXT];

	char counts[COUNT_TEXT];

	printf("pontage %s, SQLite %s, %s, tokens: %s\n", PONTAGE_VERSION,
	       db_version(), sandbox_text(text), count_here(counts));
}

static int load_conf(struct cli *c, const struct cmd *cmd,
		     const struct globals *g, struct err *e)
{
	int level;

	if (conf_load(&c->conf, g->conf, e) < 0)
		return -1;
	level = log_level_named(c->conf.log_level);
	if (level < 0)
		return err_set(e, ERR_CONFIG,
			       "log_level: want debug, info, warn or error, "
			       "got \"%s\"",
			       c->conf.log_level);
	if (level == LOG_INFO && !cmd->logs)
		level = LOG_WARN;
	log_level_set((enum log_level)level);
	return 0;
}

static int run_verb(struct cli *c, const struct cmd *cmd, struct globals *g,
		    int n, char *const *argv, struct err *e)
{
	void *values = arena_alloc(&c->arena, cmd->size + 1);
	const struct arg_set own = { cmd->args, values };
	const struct arg_set all = { global_args, g };

	args_default(cmd->args, values);
	if (args_read(&own, &all, n, argv, &c->arena, e) < 0)
		return -1;
	c->json = g->json;
	out_init(&c->out, stdout, g->json);
	if (load_conf(c, cmd, g, e) < 0)
		return -1;
	if (cmd->logs) /* it outlives whoever reads its output */
		signal(SIGPIPE, SIG_IGN);
	return cmd->run(c, values, e);
}

static bool wants(int n, char *const *argv, const char *option)
{
	for (int i = 0; i < n && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], option))
			return true;
	return false;
}

static int dispatch(struct cli *c, int n, char *const *argv, struct err *e)
{
	struct globals g = { 0 };
	const struct cmd *cmd;
	int at = before_verb(c, &g, n, argv, e);

	if (at < 0)
		return -1;
	if (g.version) {
		print_version();
		return 0;
	}
	cmd = find_verb(c, n, argv, &at, e);
	if (!cmd && e->code)
		return -1;
	if (!cmd) {
		help_all(g.help ? stdout : stderr, verbs);
		c->status = g.help ? EX_OK : EX_USAGE;
		return 0;
	}
	if (g.help || wants(n - at, argv + at, "--help") ||
	    wants(n - at, argv + at, "-h")) {
		help_one(stdout, c->name, cmd, global_args);
		return 0;
	}
	if (cmd->subs && !cmd->run) {
		help_one(stderr, c->name, cmd, global_args);
		c->status = EX_USAGE;
		return 0;
	}
	return run_verb(c, cmd, &g, n - at, argv + at, e);
}

struct db *cli_db(struct cli *c, struct err *e)
{
	if (c->db)
		return c->db;
	if (access(c->conf.db_path, F_OK) && errno == ENOENT) {
		err_set(e, ERR_CONFIG,
			"there is no database at %s; pontage init makes it, "
			"--conf names another installation",
			c->conf.db_path);
		return NULL;
	}
	c->db = db_open(c->conf.db_path, DB_WRITE, false, e);
	return c->db;
}

void cli_say(struct cli *c, const char *fmt, ...)
{
	FILE *to = c->json ? stderr : stdout;
	va_list ap;

	va_start(ap, fmt);
	vfprintf(to, fmt, ap);
	va_end(ap);
	fputc('\n', to);
}

const char *cli_actor(struct cli *c)
{
	const struct passwd *pw = getpwuid(getuid());

	return arena_printf(&c->arena, "cli:%s", pw ? pw->pw_name : "?");
}

/* Keys and passwords pass through this process. */
static void guard_secrets(void)
{
	struct rlimit core;

	if (!getrlimit(RLIMIT_CORE, &core)) {
		core.rlim_cur = 0; /* serve raises it again if it may */
		setrlimit(RLIMIT_CORE, &core);
	}
	prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv)
{
	struct cli c = { .name = "" };
	struct err e = { 0 };

	arena_init(&c.arena);
	guard_secrets();
	if (dispatch(&c, argc - 1, argv + 1, &e) < 0) {
		fprintf(stderr, "pontage: %s%s%s\n", c.name,
			*c.name ? ": " : "", e.msg);
		if (!c.status) /* a command may know better */
			c.status = exit_code(e.code);
	}
	if (fflush(stdout) && !c.status) {
		fprintf(stderr, "pontage: %s: standard output: %s\n", c.name,
			strerror(errno));
		c.status = EX_IOERR;
	}
	db_close(c.db);
	conf_release(&c.conf);
	arena_release(&c.arena);
	return c.status;
}
