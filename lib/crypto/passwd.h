/* passwd.h - passwords: argon2id, 64 MiB and two rounds.
 *
 * One call takes 64 MiB and about 60 ms: the caller bounds how many run at
 * once.  PASSWD_MIN and PASSWD_MAX are for new ones; an old password is
 * checked whatever its length.
 */
#ifndef CRYPTO_PASSWD_H
#define CRYPTO_PASSWD_H

#include "base/err.h"
#include "base/str.h"

#define PASSWD_TEXT 128 /* bytes of a hash, '\0' included */
#define PASSWD_MIN  10  /* bytes */
#define PASSWD_MAX  1024

/* -1: too short or too long (ERR_VALUE), or no memory (ERR_OVERLOADED). */
int passwd_hash(struct str password, char at[static PASSWD_TEXT],
		struct err *e);
/* False also for a hash that is none, like the "" of who cannot sign in; that
 * takes as long as a wrong password. */
bool passwd_check(const char *hash, struct str password);
/* Made with other costs than today's: hash again at the next sign-in. */
bool passwd_stale(const char *hash);

/* n characters that are not mistaken for each other, and a '\0', into at,
 * which it returns; almost five bits each. */
char *passwd_random(char *at, size_t n);

#endif
