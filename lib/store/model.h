/* model.h - what holds for a model, whichever channel serves it, and what
 * serves where it cannot. */
#ifndef STORE_MODEL_H
#define STORE_MODEL_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define FALLBACKS_MAX 16 /* of one model for one group */

struct model_setting {
	const char *model;
	const char *sticky;   /* off, key, user, prompt */
	int64_t deadline_ms;  /* 0: the setting's */
	int64_t max_attempts; /* 0: the setting's */
};

struct fallback {
	const char *group; /* "": all that have none of their own */
	const char *model;
	int64_t place; /* 1 is tried first */
	const char *to_model;
};

/* Adds or changes it; what says nothing is removed. */
int model_setting_set(struct db *db, const struct model_setting *m,
		      struct err *e);
/* 1; 0: there is none, and m says so; -1. */
int model_setting_get(struct db *db, const char *model, struct model_setting *m,
		      struct arena *arena, struct err *e);
int model_setting_list(struct db *db, struct model_setting **out,
		       struct arena *arena, struct err *e); /* how many */

/* In place of those that were there, in one transaction; n 0: none is left.
 * -1: ERR_VALUE where a model is its own fallback, or there twice. */
int fallback_set(struct db *db, const char *group, const char *model,
		 const char *const *to, int n, struct err *e);
/* By model, group and place: how many, or -1. */
int fallback_list(struct db *db, struct fallback **out, struct arena *arena,
		  struct err *e);

#endif
