/* meta.h - what belongs to the installation: name and value. */
#ifndef STORE_META_H
#define STORE_META_H

#include "base/arena.h"
#include "base/err.h"

struct db;

/* NULL: not there (e is clear), or an error (it is not). */
const char *meta_get(struct db *db, const char *key, struct arena *arena,
		     struct err *e);
int meta_set(struct db *db, const char *key, const char *value, struct err *e);

/* Moves whenever a channel, a key of one, a model or a price does; -1. */
int64_t config_version_now(struct db *db, struct err *e);

#endif
