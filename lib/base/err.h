/* err.h - one error: what it is, one sentence for the reader, what it is about.
 *
 * A function that can fail takes `struct err *e` last.  err_set() returns -1,
 * so that a failing path is one line, and asserts that e is clear: nobody
 * overwrites the first cause.  The message goes to a caller: no secrets, no
 * SQL, no paths, and it says what to do.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err_code {
#define E(name, http, type, code, elsewhere, anthropic, gemini) ERR_##name,
#include "base/err.def"
#undef E
	ERR__COUNT
};

struct err {
	enum err_code code; /* ERR_NONE: none */
	char msg[240];
	char param[64]; /* the member it is about, "messages[0].role"; or "" */
};

/* What a code means: a row of err.def. */
struct err_info {
	const char *name;
	int http;
	const char *type, *code; /* OpenAI's words; code may be "" */
	bool elsewhere;          /* may be tried at another channel */
	const char *anthropic, *gemini;
};

/* Sets the error; the text is cut to fit, at a whole character.  -1. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The same with the member it is about. */
int err_param(struct err *e, enum err_code code, const char *param,
	      const char *fmt, ...) PRINTF_LIKE(4, 5);
void err_clear(struct err *e);
const struct err_info *err_info(enum err_code code);

#endif
