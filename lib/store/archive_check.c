/* archive_check.c - are the files what they were; see archive.h. */
#include "db/db.h"
#include "sql.h"
#include "store/archive_in.h"

static const struct db_cols cols = DB_COLS(
	struct archive_row, DB_INT(archive_row, id), DB_STR(archive_row, month),
	DB_STR(archive_row, file), DB_STR(archive_row, sha256),
	DB_INT(archive_row, last_txn), DB_INT(archive_row, created_ms));

int archive_list(struct db *db, struct archive_row **out, struct arena *arena,
		 struct err *e)
{
	return db_rows(db, db_bind(db, ST_ARCHIVE_LIST, ""), &cols, out, arena,
		       e);
}

/* What an account has at the end of one is what it has before the next. */
static int64_t end_of(const struct archive_account *a, int n, int64_t id)
{
	for (int i = 0; i < n; i++)
		if (a[i].id == id)
			return a[i].balance_nusd;
	return 0; /* it was not there */
}

struct chain {
	struct archive_account *end;
	int n;
	struct arena *arena;
};

static bool continues(const struct chain *c, const struct archive_account *a,
		      int n)
{
	for (int i = 0; i < n; i++)
		if (a[i].opening_nusd != end_of(c->end, c->n, a[i].id))
			return false;
	return true;
}

/* What is wrong with an open file; NULL: an error of ours. */
static const char *check_books(struct chain *c, struct db *file, struct err *e)
{
	struct archive_account *a;
	int found = archive_audit(file, e), n;

	if (found)
		return found < 0 ? NULL : "its audit finds faults";
	n = archive_accounts(file, &a, c->arena, e);
	if (n < 0)
		return NULL;
	if (!continues(c, a, n))
		return "it does not begin where the one before ended";
	c->end = a;
	c->n = n;
	return "good";
}

static const char *check_file(struct chain *c, const char *path,
			      const struct archive_row *r)
{
	struct err e = { 0 };
	struct db *file;
	const char *state;
	char hex[65];

	if (archive_sha256(path, hex, &e) < 0)
		return "it is not there, or cannot be read";
	if (strcmp(hex, r->sha256))
		return "it is not as it was made";
	file = db_open(path, DB_FROZEN, false, &e);
	state = file ? check_books(c, file, &e) : NULL;
	db_close(file);
	return state ? state : "it cannot be opened";
}

int archive_check(struct db *db, const struct conf *conf,
		  struct archive_row *rows, int n, struct err *e)
{
	struct arena arena;
	struct chain c = { .arena = &arena };
	struct archive_account *now;
	int bad = 0, n_now;

	arena_init(&arena);
	for (int i = 0; i < n; i++) {
		struct buf path;

		archive_folder(conf, &path);
		buf_printf(&path, "/%s", rows[i].file);
		rows[i].state = check_file(&c, path.p, &rows[i]);
		buf_release(&path);
		bad += !!strcmp(rows[i].state, "good");
	}
	n_now = archive_accounts(db, &now, &arena, e);
	if (n_now >= 0 && !bad && n && !continues(&c, now, n_now)) {
		rows[n - 1].state = "the database does not begin where it ends";
		bad++;
	}
	arena_release(&arena);
	return n_now < 0 ? -1 : bad;
}
