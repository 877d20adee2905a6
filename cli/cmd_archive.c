/* cmd_archive.c - closed months of the ledger, in files of their own. */
#include "cmd.h"

#include "base/clock.h"
#include "db/db.h"
#include "store/ageing.h"

struct values {
	const char *month;
};

static const struct out_col cols[] = {
	{ "month", "MONTH", OUT_TEXT, offsetof(struct archive_row, month) },
	{ "file", "FILE", OUT_TEXT, offsetof(struct archive_row, file) },
	{ "last_txn", "LAST TXN", OUT_INT,
	  offsetof(struct archive_row, last_txn) },
	{ "created_ms", "MADE", OUT_TIME,
	  offsetof(struct archive_row, created_ms) },
	{ "state", "STATE", OUT_NAME, offsetof(struct archive_row, state) },
	{ "sha256", NULL, OUT_TEXT, offsetof(struct archive_row, sha256) },
	{ .name = NULL }
};

static int run(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct buf lock;
	int n;

	if (!cli_db(c, e))
		return -1;
	ageing_lock_path(&c->conf, &lock);
	n = archive_month(c->db, &c->conf, lock.p, v->month, clock_wall_ms(),
			  e);
	buf_release(&lock);
	if (n < 0)
		return -1;
	cli_say(c, "%d month%s archived in %s/archive", n, n == 1 ? "" : "s",
		c->conf.state_dir);
	return 0;
}

static int show(struct cli *c, bool check, struct err *e)
{
	struct archive_row *rows = NULL;
	int n, bad = 0;

	if (!cli_db(c, e))
		return -1;
	n = archive_list(c->db, &rows, &c->arena, e);
	if (n >= 0 && check)
		bad = archive_check(c->db, &c->conf, rows, n, e);
	if (n < 0 || bad < 0)
		return -1;
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "nothing is archived: pontage archive run 2026-10");
	c->status = bad > 0;
	return 0;
}

static int list(struct cli *c, const void *values, struct err *e)
{
	(void)values;
	return show(c, false, e);
}

static int check(struct cli *c, const void *values, struct err *e)
{
	(void)values;
	return show(c, true, e);
}

static const struct arg run_args[] = {
	ARG("MONTH", ARG_WORD, offsetof(struct values, month), NULL,
	    "like 2026-10; all closed months up to this one", .max = 16,
	    .required = true),
	{ .name = NULL }
};

static const struct cmd subs[] = {
	CMD("run", "MONTH", "move txns and entries of closed months into files",
	    NULL, run_args, sizeof(struct values), run),
	CMD("list", "", "the files", NULL, NO_ARGS, 0, list),
	CMD("check", "", "look into each file: exits 1 where one is not good",
	    NULL, NO_ARGS, 0, check),
	{ .name = NULL }
};

const struct cmd cmd_archive = {
	.name = "archive",
	.words = "",
	.what = "closed months of the ledger in files: run, list, check",
	.args = NO_ARGS,
	.subs = subs,
};
