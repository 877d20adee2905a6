/* token.h - API keys: whose, how far, for what. */
#ifndef STORE_TOKEN_H
#define STORE_TOKEN_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define TOKEN_HASH     32 /* bytes */
#define TOKEN_NAME_MAX 64

struct token {
	int64_t id;
	const char *name, *hint; /* hint: "sk-ab...yz" */
	bool enabled;
	int64_t revoked_ms, expires_ms; /* 0: is not; never */
	int64_t limit_nusd;             /* -1: no limit of its own */
	int64_t used_nusd, held_nusd;
	const char *models, *cidrs;    /* comma lists; "": all */
	int64_t rpm, tpm, concurrency; /* 0: no limit */
	int64_t rpd;                   /* requests a day; 0: no limit */
	int64_t channel_id;            /* the only one allowed; 0: all */
	bool reserve_max;
	bool no_keep_alive; /* silent streams get no comments */
	int64_t created_ms;

	/* its user and who pays */
	int64_t user_id;
	const char *user, *role, *group;
	bool user_enabled;
	int64_t account_id, balance_nusd, account_held_nusd, floor_nusd;

	/* token_find() only: how new routes and prices are */
	int64_t config_version;
};

/* The key of that hash with its user and account, all in one look-up, for the
 * relay.  1; 0: no such key; -1. */
int token_find(struct db *db, const uint8_t hash[static TOKEN_HASH],
	       struct token *t, struct arena *arena, struct err *e);

/* Adds a key.  Of t counts: name, hint, user_id, the limits and lists (NULL:
 * ""), expires_ms.  Its id, or -1. */
int64_t token_add(struct db *db, const struct token *t,
		  const uint8_t hash[static TOKEN_HASH], struct err *e);
int token_get(struct db *db, int64_t id, struct token *t, struct arena *arena,
	      struct err *e); /* -1: ERR_NOT_FOUND */
/* By name; ERR_NOT_FOUND, or ERR_VALUE where several have it. */
int token_named(struct db *db, const char *name, struct token *t,
		struct arena *arena, struct err *e);
/* Of one user, or of all (0), in order of id: how many, or -1. */
int token_list(struct db *db, int64_t user_id, struct token **out,
	       struct arena *arena, struct err *e);
/* What it may spend in all; -1: no limit of its own. */
int token_limit(struct db *db, int64_t id, int64_t limit_nusd, struct err *e);
struct token_rates { /* -1: as it is; 0: no limit */
	int64_t rpm, tpm, concurrency, rpd;
	int64_t keep_alive; /* 0 or 1 */
};
int token_rates(struct db *db, int64_t id, const struct token_rates *r,
		struct err *e);
int token_enable(struct db *db, int64_t id, bool enabled, struct err *e);
int token_revoke(struct db *db, int64_t id, struct err *e); /* for ever */

#endif
