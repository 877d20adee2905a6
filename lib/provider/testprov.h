/* testprov.h - the built-in test provider: what it would answer.
 *
 * Pure: a request in, a script of steps out, which the loop plays from timers
 * as if an upstream had sent it.  The same request at the same time always
 * gives the same bytes.  The model's name says what happens:
 * docs/test-provider.md.
 *
 *	testprov_open(&t, "/chat/completions", body, now_s);
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
	int64_t n_pieces, gap_ms; /* of counted models; between two pieces */
	int64_t piece;            /* how many have been said */
	int phase, n_choices;
	struct str *texts; /* what each choice says */
	size_t *at;        /* how far it has said it */
	struct str reasoning, tool, args;
	size_t reasoning_at, args_at;
	int64_t prompt_bytes, out_bytes, reasoning_bytes;
	bool cut_short, opened;
};

/* path: below the base URL, "/chat/completions", "/completions",
 * "/embeddings", "/models".  body: what would go upstream.
 * Never fails: what cannot be answered is a script of an error. */
void testprov_open(struct testprov *t, const char *path, struct str body,
		   int64_t now_s);
bool testprov_next(struct testprov *t, struct testprov_step *step);
void testprov_close(struct testprov *t);

/* The models by name, with a line of help; false past the last. */
bool testprov_row(int i, const char **name, const char **help);

#endif
