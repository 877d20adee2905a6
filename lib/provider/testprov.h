/* testprov.h - the built-in test provider: what it would answer.
 *
 * Pure: a request in, a script of steps out, which the loop plays from timers
 * as if an upstream had sent it.  The same request always gives the same
 * bytes.  The model's name says what happens; docs/test-provider.md.
 *
 *	testprov_open(&t, "/chat/completions", body, now_s, &e);
 *	while (testprov_next(&t, &step)) {
 *		wait step.after_ms
 *		first step: status and headers are t.status, t.headers
 *		deliver step.bytes
 *	}
 *	what then: t.end
 */
#ifndef PROVIDER_TESTPROV_H
#define PROVIDER_TESTPROV_H

#include "dialect/dialect.h"

enum testprov_end {
	TESTPROV_CLEAN, /* the body is complete, the connection in order */
	TESTPROV_CUT,   /* the connection dies */
	TESTPROV_HANG,  /* nothing more comes, the connection stays */
};

struct testprov_step {
	int64_t after_ms; /* since the step before; the first: the request */
	struct str bytes; /* of the body; valid until the next call */
};

struct testprov_model;

struct testprov {
	/* for the caller */
	int status;          /* 0: not even a head comes (TESTPROV_HANG) */
	const char *headers; /* "Name: value\r\n" each */
	enum testprov_end end;
	/* its own */
	const struct testprov_model *model;
	struct arena mem;
	struct chat chat;
	struct enc enc;
	struct buf out;
	struct usage usage;
	int64_t pieces, gap_ms; /* of the answer; between two of them */
	int64_t at;             /* the next piece */
	int phase, choice;
	struct str text, reasoning, tool, args;
	size_t text_at;
	int64_t out_bytes;
};

/* path: below the base URL, "/chat/completions", "/completions",
 * "/embeddings", "/models".  body: what would go upstream, already checked.
 * Never fails: what cannot be answered is a script of an error. */
void testprov_open(struct testprov *t, const char *path, struct str body,
		   int64_t now_s);
bool testprov_next(struct testprov *t, struct testprov_step *step);
void testprov_close(struct testprov *t);

/* The models by name, with a line of help; false past the last. */
bool testprov_row(int i, const char **name, const char **help);

#endif
