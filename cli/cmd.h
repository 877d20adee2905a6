/* cmd.h - a verb of the command, and what it is given to work with. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "args.h"
#include "out.h"

#include "base/conf.h"

struct db;
struct cli;

/* One verb: it either runs, or has verbs of its own ("user add"). */
struct cmd {
	const char *name;
	const char *words; /* for the usage line: "NAME AMOUNT [options]" */
	const char *what;  /* one line for the list of verbs */
	const char *help;  /* paragraphs after the options; NULL: none */
	const struct arg *args;
	size_t size; /* of the struct that args fill */
	int (*run)(struct cli *c, const void *values, struct err *e);
	const struct cmd *subs; /* ends with a row without name */
	bool logs; /* its log is its output; others say warnings only */
};

/* A verb of a verb, in its table. */
#define CMD(n, w, one, h, a, s, fn)                                    \
	{                                                              \
		.name = (n), .words = (w), .what = (one), .help = (h), \
		.args = (a), .size = (s), .run = (fn)                  \
	}

struct cli {
	char name[64]; /* "channel add", for errors */
	struct conf conf;
	struct arena arena; /* of the process: freed at its end */
	struct out out;
	bool json;
	int status; /* exits with this where the verb succeeds */
	struct db *db;
};

extern const struct cmd cmd_selftest, cmd_code, cmd_refund, cmd_usage,
	cmd_archive;
extern const struct cmd cmd_route, cmd_fallback, cmd_limit, cmd_model;
extern const struct cmd cmd_init, cmd_serve, cmd_tick, cmd_config, cmd_user,
	cmd_token, cmd_channel, cmd_price, cmd_group, cmd_budget, cmd_log,
	cmd_receipt, cmd_audit, cmd_doctor, cmd_backup, cmd_count;

#define NO_ARGS ((const struct arg[]){ { .name = NULL } })

/* The database, opened on first use; NULL: not there, with what to do. */
struct db *cli_db(struct cli *c, struct err *e);
/* For a verb that has done its work and says so to a person, on standard
 * error where standard output is JSON. */
void cli_say(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Who does this: the name of the user who runs the command. */
const char *cli_actor(struct cli *c);

/* Standard input, line by line without their ends, empty ones left out; for
 * secrets, so nothing is echoed where a person types them.  How many, or -1.
 * prompt: what to ask a person for. */
int cli_secrets(struct cli *c, const char *prompt, struct str *lines, int max,
		struct err *e);

#endif
