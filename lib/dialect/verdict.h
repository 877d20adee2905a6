/* verdict.h - whose fault an upstream's error is, and so who may be asked
 * next; pure.
 *
 * Providers say the same thing with different statuses: no credit is 400,
 * 402, 403 or 429, a prompt that is too long 400, 413 or 500.  Their words
 * count before their status (verdict.def).
 */
#ifndef DIALECT_VERDICT_H
#define DIALECT_VERDICT_H

#include "base/err.h"
#include "dialect/listen.h"

struct verdict {
	enum err_code code;
	int status;         /* of a bad request: what the caller gets */
	const char *asked;  /* its code, where it has one of ours; or NULL */
	const char *before; /* goes before the upstream's words; "": nothing */
};

/* status: of the answer; 200: the error came inside it, and said->status is
 * the one it names, if any. */
struct verdict verdict_of(int status, const struct listen_error *said);

#endif
