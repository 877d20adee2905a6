/* archive_file.c - the file of a month, from the first byte to its name. */
#include "store/archive_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "db/db.h"
#include "sql.h"
#include "store/audit.h"
#include "store/meta.h"

#define BATCH 500 /* txns */

void archive_folder(const struct conf *conf, struct buf *path)
{
	buf_init(path, 4096);
	buf_printf(path, "%s/archive", conf->state_dir);
}

int archive_prepare(const struct conf *conf, struct err *e)
{
	struct buf path;
	int rc = 0;

	archive_folder(conf, &path);
	if (mkdir(path.p, 0700) && errno != EEXIST)
		rc = err_set(e, ERR_CONFIG, "%s: %s", path.p, strerror(errno));
	buf_release(&path);
	return rc;
}

void archive_path(const struct conf *conf, const char *month,
		  const char *suffix, struct buf *path)
{
	archive_folder(conf, path);
	buf_printf(path, "/archive-%s.db%s", month, suffix);
}

/* --- rows --------------------------------------------------------------------- */

struct old_user {
	int64_t id;
	const char *name, *role, *group;
	bool enabled;
	int64_t created_ms;
};

static const struct db_cols user_cols =
	DB_COLS(struct old_user, DB_INT(old_user, id), DB_STR(old_user, name),
		DB_STR(old_user, role), DB_STR(old_user, group),
		DB_INT(old_user, enabled), DB_INT(old_user, created_ms));

static const struct db_cols account_cols = DB_COLS(
	struct archive_account, DB_INT(archive_account, id),
	DB_STR(archive_account, kind), DB_INT(archive_account, owner_id),
	DB_INT(archive_account, balance_nusd),
	DB_INT(archive_account, floor_nusd),
	DB_INT(archive_account, opening_nusd));

struct old_txn {
	int64_t id;
	const char *kind;
	int64_t at_ms;
	const char *actor, *reason, *ref; /* ref "": NULL */
};

static const struct db_cols txn_cols =
	DB_COLS(struct old_txn, DB_INT(old_txn, id), DB_STR(old_txn, kind),
		DB_INT(old_txn, at_ms), DB_STR(old_txn, actor),
		DB_STR(old_txn, reason), DB_STR(old_txn, ref));

struct old_entry {
	int64_t txn_id, account_id, amount_nusd;
};

static const struct db_cols entry_cols =
	DB_COLS(struct old_entry, DB_INT(old_entry, txn_id),
		DB_INT(old_entry, account_id), DB_INT(old_entry, amount_nusd));

int archive_accounts(struct db *db, struct archive_account **out,
		     struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_ARCHIVE_ACCOUNTS, ""), &account_cols,
		       out, arena, e);
}

/* Some txns with their entries. */
struct piece {
	struct old_txn *txns;
	struct old_entry *entries;
	int n_txns, n_entries;
	int64_t last;
};

static int read_piece(struct db *db, int64_t after, int64_t last,
		      struct piece *p, struct arena *arena, struct err *e)
{
	*p = (struct piece){ .last = after };
	p->n_txns = db_rows(
		db, db_bind(db, ST_ARCHIVE_TXNS, "iid", after, last, BATCH),
		&txn_cols, &p->txns, arena, e);
	if (p->n_txns <= 0)
		return MIN(p->n_txns, 0);
	p->last = p->txns[p->n_txns - 1].id;
	p->n_entries = db_rows(
		db, db_bind(db, ST_ARCHIVE_ENTRIES, "ii", after, p->last),
		&entry_cols, &p->entries, arena, e);
	return MIN(p->n_entries, 0);
}

static int write_piece(struct db *to, const struct piece *p, struct err *e)
{
	struct sqlite3_stmt *st;

	for (int i = 0; i < p->n_txns; i++) {
		const struct old_txn *t = &p->txns[i];

		st = db_bind(to, ST_TXN_ADD, "isisss", t->id, t->kind, t->at_ms,
			     t->actor, t->reason, *t->ref ? t->ref : NULL);
		if (db_run(to, st, e) < 0)
			return -1;
	}
	for (int i = 0; i < p->n_entries; i++) {
		const struct old_entry *x = &p->entries[i];

		st = db_bind(to, ST_ENTRY_ADD, "iii", x->txn_id, x->account_id,
			     x->amount_nusd);
		if (db_run(to, st, e) < 0)
			return -1;
	}
	return 0;
}

static bool same_txn(const struct old_txn *a, const struct old_txn *b)
{
	return a->id == b->id && a->at_ms == b->at_ms &&
	       !strcmp(a->kind, b->kind) && !strcmp(a->actor, b->actor) &&
	       !strcmp(a->reason, b->reason) && !strcmp(a->ref, b->ref);
}

static bool same_piece(const struct piece *a, const struct piece *b)
{
	bool same = a->n_txns == b->n_txns && a->n_entries == b->n_entries;

	for (int i = 0; same && i < a->n_txns; i++)
		same = same_txn(&a->txns[i], &b->txns[i]);
	return same && (!a->n_entries ||
			!memcmp(a->entries, b->entries,
				(size_t)a->n_entries * sizeof(*a->entries)));
}

/* --- making it ------------------------------------------------------------------ */

static int put_all(struct db *to, int st, const struct db_cols *cols,
		   const void *rows, int n, struct err *e)
{
	const char *row = rows;

	for (int i = 0; i < n; i++, row += cols->size)
		if (db_run(to, db_bind_row(to, st, cols, row), e) < 0)
			return -1;
	return 0;
}

static int put_owners(struct archive *a, struct db *db, struct arena *arena,
		      struct err *e)
{
	struct archive_account *accounts;
	struct old_user *users;
	int n_accounts, n = db_rows(db, db_bind(db, ST_ARCHIVE_USERS, ""),
				    &user_cols, &users, arena, e);

	if (n < 0)
		return -1;
	n_accounts = archive_accounts(db, &accounts, arena, e);
	if (n_accounts < 0 || db_begin(a->to, e) < 0 ||
	    put_all(a->to, ST_ARCHIVE_PUT_USER, &user_cols, users, n, e) < 0 ||
	    put_all(a->to, ST_ARCHIVE_PUT_ACCOUNT, &account_cols, accounts,
		    n_accounts, e) < 0 ||
	    meta_set(a->to, "archive_month", a->month, e) < 0)
		return -1;
	return db_commit(a->to, e);
}

static void remove_new(const struct conf *conf, const char *month)
{
	static const char *const suffixes[] = { ".new", ".new-wal", ".new-shm",
						".new-journal", ".new.lock" };

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		struct buf path;

		archive_path(conf, month, suffixes[i], &path);
		(void)unlink(path.p);
		buf_release(&path);
	}
}

/* Until it has its name nobody needs what a crash leaves of it. */
static const char hasty[] = "PRAGMA journal_mode = MEMORY;"
			    "PRAGMA synchronous = OFF";

int archive_file_make(struct archive *a, struct db *db, const struct conf *conf,
		      struct err *e)
{
	struct arena arena;
	struct buf path;
	int rc = -1;

	if (archive_prepare(conf, e) < 0)
		return -1;
	remove_new(conf, a->month);
	archive_path(conf, a->month, ".new", &path);
	a->to = db_open(path.p, DB_TOOL, false, e);
	buf_release(&path);
	arena_init(&arena);
	if (a->to && db_exec(a->to, hasty, e) >= 0 && db_migrate(a->to, e) >= 0)
		rc = put_owners(a, db, &arena, e);
	arena_release(&arena);
	a->at = a->first - 1;
	return rc;
}

int archive_file_fill(struct archive *a, struct db *db, struct err *e)
{
	struct arena arena;
	struct piece p;
	int rc;

	arena_init(&arena);
	rc = read_piece(db, a->at, a->last, &p, &arena, e);
	if (rc == 0 && p.n_txns) {
		rc = db_begin(a->to, e);
		if (rc == 0)
			rc = write_piece(a->to, &p, e);
		if (rc == 0)
			rc = db_commit(a->to, e);
	}
	a->at = p.last;
	arena_release(&arena);
	return rc < 0 ? -1 : p.n_txns > 0;
}

static int sync_path(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return rc == 0 ? 0 :
			 err_set(e, ERR_IO,
				 "the archive cannot be written to disk: %s",
				 strerror(errno));
}

int archive_file_close(struct archive *a, struct db *db,
		       const struct conf *conf, struct err *e)
{
	struct buf path;
	int rc;

	(void)db;
	if (db_begin(a->to, e) < 0 ||
	    db_run(a->to, db_bind(a->to, ST_ARCHIVE_CLOSE_ACCOUNTS, ""), e) <
		    0 ||
	    db_run(a->to, db_bind(a->to, ST_ARCHIVE_CLOSE_COSTS, ""), e) < 0 ||
	    db_commit(a->to, e) < 0 ||
	    db_exec(a->to, "PRAGMA journal_mode = DELETE", e) < 0)
		return -1;
	db_close(a->to);
	a->to = NULL;
	archive_path(conf, a->month, ".new", &path);
	rc = sync_path(path.p, e);
	buf_release(&path);
	return rc;
}

/* --- checking it ------------------------------------------------------------------ */

static void count(void *arg, const struct audit_finding *f)
{
	int *n = arg;

	(void)f;
	(*n)++;
}

int archive_audit(struct db *db, struct err *e)
{
	int n = 0;

	return audit_run(db, 0, count, &n, e) < 0 ? -1 : n;
}

int archive_file_reopen(struct archive *a, const struct conf *conf,
			struct err *e)
{
	struct buf path;
	int n;

	archive_path(conf, a->month, ".new", &path);
	a->to = db_open(path.p, DB_FROZEN, false, e);
	buf_release(&path);
	if (!a->to)
		return -1;
	a->at = a->first - 1;
	n = archive_audit(a->to, e);
	return n <= 0 ? n :
			err_set(e, ERR_DB,
				"the archive of %s has %d faults that the "
				"ledger has too: run `pontage audit`",
				a->month, n);
}

int archive_file_compare(struct archive *a, struct db *db, struct err *e)
{
	struct arena arena;
	struct piece here, there;
	bool same = true;
	int rc;

	arena_init(&arena);
	rc = read_piece(db, a->at, a->last, &here, &arena, e);
	if (rc == 0)
		rc = read_piece(a->to, a->at, a->last, &there, &arena, e);
	if (rc == 0)
		same = same_piece(&here, &there);
	if (!same)
		rc = err_set(e, ERR_IO,
			     "the archive of %s does not read as it was "
			     "written: check the disk",
			     a->month);
	a->at = here.last;
	arena_release(&arena);
	return rc < 0 ? -1 : here.n_txns > 0;
}

static int hash_file(int fd, size_t n, char hex[static 65], struct err *e)
{
	unsigned char hash[HASH_SHA256];
	void *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		return err_set(e, ERR_IO, "the archive cannot be read: %s",
			       strerror(errno));
	hash_sha256(p, n, hash);
	munmap(p, n);
	for (int i = 0; i < HASH_SHA256; i++)
		snprintf(hex + (ptrdiff_t)2 * i, 3, "%02x", hash[i]);
	return 0;
}

int archive_sha256(const char *path, char hex[static 65], struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size)
		rc = err_set(e, ERR_IO, "%s cannot be read", path);
	else
		rc = hash_file(fd, (size_t)st.st_size, hex, e);
	if (fd >= 0)
		close(fd);
	return rc;
}

int archive_file_name(struct archive *a, const struct conf *conf, struct err *e)
{
	struct buf from, to, folder;
	int rc;

	archive_folder(conf, &folder);
	archive_path(conf, a->month, ".new", &from);
	archive_path(conf, a->month, "", &to);
	(void)chmod(from.p, 0440);
	rc = archive_sha256(from.p, a->sha256, e);
	if (rc == 0 && rename(from.p, to.p) < 0)
		rc = err_set(e, ERR_IO, "the archive cannot be named: %s",
			     strerror(errno));
	if (rc == 0)
		rc = sync_path(folder.p, e);
	buf_release(&folder);
	buf_release(&from);
	buf_release(&to);
	return rc;
}
