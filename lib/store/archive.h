/* archive.h - closed months of the ledger in files of their own.
 *
 * archive/archive-2026-10.db in the state folder is a database of the same schema: the
 * month's txns and entries, every account with what it had before (opening)
 * and after (balance), and the users' names.  `pontage audit --db FILE` checks
 * it by itself.  It is never written again.
 *
 * The order, so that whatever stops it nothing is lost and nothing there
 * twice: the file is made under another name (.new), filled, checked, synced
 * and renamed; then one transaction enters it in the table archive and moves
 * the sums to account.opening_nusd; then the entries are deleted in batches.
 * A file that is not in the table is made anew; entries that the table covers
 * count no more (`pontage audit`, the account's opening), and are deleted by
 * the next round.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

struct db;

#define ARCHIVE_MONTH 8 /* "2026-10" */

struct archive {   /* { 0 } at first, kept from call to call */
	int stage; /* 0: nothing under way */
	char month[ARCHIVE_MONTH];
	int64_t first, last; /* txns */
	int64_t at;          /* what is done of the stage: a txn or a row */
	int64_t settled_nusd, costs_nusd; /* by the entries, by the log */
	int64_t look_ms;                  /* clock_mono_ms() of the next look */
	char sha256[65];
	struct db *to;
	struct buf path; /* of the file, once it has its name */

	/* Tests: called after each step that a crash could follow. */
	void (*on_step)(void *arg, const char *step);
	void *arg;
};

/* Makes the folder.  Before the sandbox. */
int archive_prepare(const struct conf *conf, struct err *e);
/* Goes on with a month, or begins the oldest that conf's archive_months does
 * not keep at now_ms; for about for_ms.  1: there is more to do now, 0, -1:
 * it begins anew with the next call. */
int archive_run(struct archive *a, struct db *db, const struct conf *conf,
		int64_t now_ms, int64_t for_ms, struct err *e);
/* All closed months up to this one ("2026-10"), at once, after a whole audit,
 * whatever conf says of months; `lock_path`: ageing.h.  How many were
 * archived, or -1: ERR_VALUE (it is not over, or no month). */
int archive_month(struct db *db, const struct conf *conf, const char *lock_path,
		  const char *month, int64_t now_ms, struct err *e);
bool archive_busy(const struct archive *a);
void archive_stop(struct archive *a);

struct archive_row {
	int64_t id;
	const char *month, *file, *sha256;
	int64_t last_txn, created_ms;
	const char *state; /* of archive_check(): "good", or what is wrong */
};

/* Oldest first: how many, or -1. */
int archive_list(struct db *db, struct archive_row **out, struct arena *arena,
		 struct err *e);
/* Looks into each file: is it there and as it was made (SHA-256), does its
 * audit find nothing, does it begin with what the one before ended with, and
 * the database with what the last ended with.  How many are not good. */
int archive_check(struct db *db, const struct conf *conf,
		  struct archive_row *rows, int n, struct err *e);

#endif
