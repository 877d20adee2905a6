/* code.h - redemption codes: money that somebody can claim, once.
 *
 *	7Q3HX-KM2PW-ND8RV-4CT9J-ZEF6B
 *
 * 24 random characters of 31 (119 bits; no 0, 1, I, L, O) and a check
 * character that finds every single wrong character and every two that
 * changed places.  Case, spaces and dashes do not matter.  The database has
 * the hash of the 25 characters, as of a key, and a hint for lists.
 */
#ifndef STORE_CODE_H
#define STORE_CODE_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define CODE_LENGTH   25
#define CODE_TEXT     (CODE_LENGTH + 5) /* dashes, and the end */
#define CODE_NAME_MAX 64
#define CODE_BATCH    1000 /* at most at once */

char *code_new(char at[static CODE_TEXT]); /* returns at */
/* What was typed, without dashes and in capitals, into at.  -1: mistyped. */
int code_read(struct str typed, char at[static CODE_LENGTH + 1]);

struct code {
	int64_t id;
	const char *hint, *name; /* name: of its batch */
	int64_t amount_nusd;
	bool enabled;
	const char *actor;                       /* who made it */
	int64_t created_ms, expires_ms, used_ms; /* 0: never; is not */
	int64_t user_id, txn_id;                 /* who used it; 0: nobody */
	const char *user;
	const char *state; /* open, used, disabled, expired */
};

/* Makes n codes of the name, amount_nusd, actor and expires_ms of c: their
 * texts to out, which is the only time they are seen.  -1: none is made. */
int code_create(struct db *db, const struct code *c, int n,
		char (*out)[CODE_TEXT], struct err *e);
/* Newest first; name NULL: all; state NULL: any. */
int code_list(struct db *db, const char *name, const char *state,
	      struct code **out, struct arena *arena, struct err *e);
/* Of one batch, or the one with that id (name NULL), what is not used: how
 * many, or -1 (ERR_NOT_FOUND). */
int code_disable(struct db *db, const char *name, int64_t id, struct err *e);

enum code_verdict {
	CODE_OK,
	CODE_MISTYPED,
	CODE_UNKNOWN,
	CODE_USED,
	CODE_EXPIRED,
	CODE_DISABLED,
	CODE__COUNT
};

struct redeem {
	struct str typed;
	int64_t user_id, account_id;
	const char *actor;
	int64_t amount_nusd;       /* out: what it was worth */
	enum code_verdict verdict; /* out: for an administrator */
};

/* Gives a code's money to a user, once, whoever else tries at the same time.
 * The id of the txn, or -1: ERR_VALUE with one sentence for all reasons but
 * mistyping, so that it says nothing about codes that others have. */
int64_t code_redeem(struct db *db, struct redeem *r, struct err *e);
/* "has been used": what a verdict means, for who may know. */
const char *code_why(enum code_verdict v);

#endif
