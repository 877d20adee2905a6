/* spool_in.h - what spool.c and spool_replay.c share. */
#ifndef STORE_SPOOL_IN_H
#define STORE_SPOOL_IN_H

#include "base/str.h"
#include "db/db.h"
#include "store/request.h"
#include "store/spool.h"

#define SPOOL_PATH   1024
#define SPOOL_NAME   40
#define SPOOL_SUFFIX ".jsonl"
#define SPOOL_SUM    16 /* hex digits before a line */

struct spool_field { /* a member of a line, and its place in the row */
	const char *name;
	struct db_col col;
};

const struct spool_field *spool_fields(void); /* ends without name */
void spool_path(char at[static SPOOL_PATH], const char *state_dir,
		const char *name);
void spool_sum(struct str text, char at[static SPOOL_SUM + 1]);
/* One file, if it is there; adds to out. */
int spool_replay_file(const char *dir, const char *name, struct db *db,
		      struct shared_slot *slot, struct spool_replayed *out,
		      struct err *e);

#endif
