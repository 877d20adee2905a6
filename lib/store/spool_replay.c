/* spool_replay.c - reading it back; see spool.h. */
#include "store/spool_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/log.h"
#include "shared/shared.h"
#include "sql.h"
#include "store/ledger_in.h"
#include "json/js.h"

#define BATCH 200 /* lines in one commit */

struct reader {
	const char *dir, *name;
	struct db *db;
	FILE *file;
	char *line; /* getline's */
	size_t cap;
	bool ended;
	int64_t lines, unknown, broken;
};

/* --- one line ------------------------------------------------------------------------ */

static void get_field(const struct spool_field *f, struct json_object *o,
		      void *row)
{
	char *p = (char *)row + f->col.at;

	if (f->col.kind == DB_KIND_STR)
		*(const char **)(void *)p = js_str(o, f->name, "");
	else if (f->col.size == sizeof(bool))
		*(bool *)p = js_int(o, f->name, 0) != 0;
	else
		*(int64_t *)(void *)p = js_int(o, f->name, 0);
}

/* NULL: the line is not what was written. */
static struct json_object *parse(struct str line)
{
	char sum[SPOOL_SUM + 1];
	struct err e = { 0 };
	struct str text;

	if (line.n < SPOOL_SUM + 2 || line.p[line.n - 1] != '\n')
		return NULL;
	text = (struct str){ line.p + SPOOL_SUM + 1, line.n - SPOOL_SUM - 2 };
	spool_sum(text, sum);
	if (memcmp(sum, line.p, SPOOL_SUM))
		return NULL;
	return js_parse(text.p, text.n, &e);
}

/* Inside a savepoint.  1: settled, or it was before; 0: unknown; -1. */
static int settle(struct reader *r, struct ledger *l, struct json_object *o,
		  struct err *e)
{
	struct request row = REQUEST_EMPTY;
	struct settle_op op;
	int64_t known;
	int rc;

	for (const struct spool_field *f = spool_fields(); f->name; f++)
		get_field(f, o, &row);
	rc = db_int(
		r->db,
		db_bind(r->db, ST_REQUEST_KNOWN, "is", row.id, row.request_id),
		&known, e);
	if (rc <= 0)
		return rc;
	settle_op_init(&op, l, &row, 0);
	return op.op.run(r->db, &op.op, e) < 0 ? -1 : 1;
}

static bool is_passing(enum err_code code)
{
	return code == ERR_DB_BUSY || code == ERR_STORAGE;
}

static int try_settle(struct reader *r, struct ledger *l, struct json_object *o,
		      struct err *e)
{
	struct err why = { 0 };
	int rc;

	if (db_savepoint(r->db, e) < 0)
		return -1;
	rc = settle(r, l, o, &why);
	if (rc >= 0) {
		r->lines += rc > 0;
		r->unknown += rc == 0;
		return db_release(r->db, e);
	}
	if (db_undo(r->db) < 0 || is_passing(why.code)) {
		*e = why;
		return -1;
	}
	r->broken++;
	log_error("spool.broken", LOG_S("file", r->name),
		  LOG_S("id", js_str(o, "request_id", "")),
		  LOG_S("why", why.msg));
	return 0;
}

static int take_line(struct reader *r, struct ledger *l, struct err *e)
{
	ssize_t n = getline(&r->line, &r->cap, r->file);
	struct json_object *o;
	int rc = 0;

	if (n <= 0) {
		r->ended = true;
		return 0;
	}
	o = parse((struct str){ r->line, (size_t)n });
	if (o) {
		rc = try_settle(r, l, o, e);
	} else if (r->line[n - 1] == '\n') {
		r->broken++;
		log_error("spool.broken", LOG_S("file", r->name),
			  LOG_S("why", "the checksum is wrong"));
	} else { /* it was cut off before it was promised */
		log_warn("spool.cut_off", LOG_S("file", r->name));
	}
	js_free(o);
	return rc;
}

/* --- a file ------------------------------------------------------------------------- */

static int commit_some(struct reader *r, struct err *e)
{
	struct ledger l = { .n = 0 };
	int rc = db_begin(r->db, e);

	if (rc < 0)
		return -1;
	for (int i = 0; i < BATCH && !r->ended && rc == 0; i++)
		rc = take_line(r, &l, e);
	if (rc == 0)
		rc = ledger_before_commit(r->db, &l, e);
	if (rc == 0)
		return db_commit(r->db, e);
	db_rollback(r->db);
	return -1;
}

/* A file with lines that nobody could settle is for a person to read. */
static int drop(const struct reader *r, struct err *e)
{
	char path[SPOOL_PATH + SPOOL_NAME], bad[SPOOL_PATH + SPOOL_NAME + 8];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", r->dir, r->name);
	snprintf(bad, sizeof(bad), "%s.bad", path);
	rc = r->broken ? rename(path, bad) : unlink(path);
	return rc ? err_set(e, ERR_IO, "spool: %s stays: %s", r->name,
			    strerror(errno)) :
		    0;
}

static int replay_open(struct reader *r, struct err *e)
{
	while (!r->ended)
		if (commit_some(r, e) < 0)
			return -1;
	return drop(r, e);
}

static int replay_fd(struct reader *r, int fd, struct err *e)
{
	int rc;

	r->file = fdopen(fd, "r");
	if (!r->file) {
		close(fd);
		return err_set(e, ERR_IO, "spool: %s", strerror(errno));
	}
	rc = replay_open(r, e);
	fclose(r->file); /* and with it goes the lock */
	free(r->line);
	return rc;
}

static void report(const struct reader *r, struct shared_slot *slot,
		   struct spool_replayed *out)
{
	out->lines += r->lines;
	out->unknown += r->unknown;
	out->broken += r->broken;
	out->files++;
	shared_count(slot, SHARED_replayed, r->lines);
	log_warn("spool.replayed", LOG_S("file", r->name),
		 LOG_I("settles", r->lines), LOG_I("unknown", r->unknown),
		 LOG_I("broken", r->broken));
}

int spool_replay_file(const char *dir, const char *name, struct db *db,
		      struct shared_slot *slot, struct spool_replayed *out,
		      struct err *e)
{
	struct reader r = { .dir = dir, .name = name, .db = db };
	char path[SPOOL_PATH + SPOOL_NAME];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 :
					 err_set(e, ERR_IO, "spool: %s: %s",
						 name, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		out->busy++;
		close(fd);
		return 0;
	}
	if (replay_fd(&r, fd, e) < 0)
		return -1;
	report(&r, slot, out);
	return 0;
}

static bool is_spool(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SPOOL_SUFFIX);

	return n > suffix && n < SPOOL_NAME &&
	       !strcmp(name + n - suffix, SPOOL_SUFFIX);
}

int spool_replay(const char *state_dir, struct db *db, struct shared_slot *slot,
		 struct spool_replayed *out, struct err *e)
{
	char path[SPOOL_PATH];
	struct dirent *d;
	DIR *dir;
	int rc = 0;

	*out = (struct spool_replayed){ .lines = 0 };
	spool_path(path, state_dir, "");
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ?
			       0 :
			       err_set(e, ERR_IO, "spool: %s", strerror(errno));
	while (rc == 0 && (d = readdir(dir)))
		if (is_spool(d->d_name))
			rc = spool_replay_file(path, d->d_name, db, slot, out,
					       e);
	closedir(dir);
	return rc;
}
