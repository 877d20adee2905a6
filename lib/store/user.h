/* user.h - who may sign in and who owns keys, each with an account. */
#ifndef STORE_USER_H
#define STORE_USER_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define USER_NAME_MAX 64 /* bytes */

struct user {
	int64_t id;
	const char *name, *role, *group; /* role: root, admin, user */
	bool enabled;
	const char *passwd; /* "": cannot sign in */
	int64_t created_ms;
	int64_t account_id, balance_nusd, held_nusd;
	int64_t spent_nusd; /* by all of its keys */
};

/* What user_set() changes: NULL and -1 leave it as it is.  (An enabled of 0
 * disables: begin with USER_KEEP.) */
struct user_change {
	const char *role, *group, *passwd;
	int enabled;
};
#define USER_KEEP ((struct user_change){ .enabled = -1 })

/* The id of the new user, or -1: ERR_EXISTS, ERR_VALUE.  role NULL: user;
 * group NULL: default; passwd NULL: cannot sign in. */
int64_t user_add(struct db *db, const char *name, const char *role,
		 const char *group, const char *passwd, struct err *e);
/* 0, or -1: ERR_NOT_FOUND.  Names are the same in either case. */
int user_find(struct db *db, const char *name, struct user *u,
	      struct arena *arena, struct err *e);
int user_get(struct db *db, int64_t id, struct user *u, struct arena *arena,
	     struct err *e);
/* By name: how many, or -1. */
int user_list(struct db *db, struct user **out, struct arena *arena,
	      struct err *e);
int user_set(struct db *db, int64_t id, const struct user_change *c,
	     struct err *e);

#endif
