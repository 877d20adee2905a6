/* limit.h - limits of a user, a group or a model: of all its callers together.
 * Those of an API key are in its own row, those of channels in theirs. */
#ifndef STORE_LIMIT_H
#define STORE_LIMIT_H

#include "base/arena.h"
#include "base/err.h"

struct db;

struct limit {
	const char *scope;                  /* user, group, model */
	const char *owner;                  /* the user's id as text; a name */
	int64_t rpm, tpm, concurrency, rpd; /* 0: none */
};

/* Adds or changes it; all zero: it is none, and removed. */
int limit_set(struct db *db, const struct limit *l, struct err *e);
/* 1; 0: there is none; -1. */
int limit_get(struct db *db, const char *scope, const char *owner,
	      struct limit *l, struct arena *arena, struct err *e);
/* By scope and owner: how many, or -1. */
int limit_list(struct db *db, struct limit **out, struct arena *arena,
	       struct err *e);
int limit_drop(struct db *db, const char *scope, const char *owner,
	       struct err *e); /* ERR_NOT_FOUND */

#endif
