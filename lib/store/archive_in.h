/* archive_in.h - the file of a month: what archive.c needs of archive_file.c. */
#ifndef STORE_ARCHIVE_IN_H
#define STORE_ARCHIVE_IN_H

#include "store/archive.h"

struct archive_account {
	int64_t id;
	const char *kind;
	int64_t owner_id, balance_nusd, floor_nusd, opening_nusd;
};

/* The folder archive in the state folder. */
void archive_folder(const struct conf *conf, struct buf *path);
/* "FOLDER/archive-2026-10.db" and the suffix. */
void archive_path(const struct conf *conf, const char *month,
		  const char *suffix, struct buf *path);
/* A new file under the name .new, with users and accounts. */
int archive_file_make(struct archive *a, struct db *db, const struct conf *conf,
		      struct err *e);
/* The next txns after a->at, which moves.  1: there may be more, 0, -1. */
int archive_file_fill(struct archive *a, struct db *db, struct err *e);
/* Balances and sums; closed and synced. */
int archive_file_close(struct archive *a, struct db *db,
		       const struct conf *conf, struct err *e);
/* Reads back what fill wrote, as fill went. */
int archive_file_compare(struct archive *a, struct db *db, struct err *e);
/* a->to opened again as it lies there; its audit must find nothing. */
int archive_file_reopen(struct archive *a, const struct conf *conf,
			struct err *e);
/* Takes its SHA-256 and gives it its name. */
int archive_file_name(struct archive *a, const struct conf *conf,
		      struct err *e);
int archive_sha256(const char *path, char hex[static 65], struct err *e);
/* Its accounts: how many, or -1. */
int archive_accounts(struct db *db, struct archive_account **out,
		     struct arena *arena, struct err *e);
/* How much the audit of a file finds, or -1. */
int archive_audit(struct db *db, struct err *e);

#endif
