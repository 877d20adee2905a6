/* testprov_in.h - what the files of the test provider share. */
#ifndef PROVIDER_TESTPROV_IN_H
#define PROVIDER_TESTPROV_IN_H

#include "provider/testprov.h"

enum testprov_say {
	SAY_NOTHING, /* the row's error, or silence */
	SAY_ECHO,    /* the last message of the user */
	SAY_FIXED,
	SAY_COUNT, /* numbers, as many as the model's name says */
	SAY_TOOL,
	SAY_JSON,
	SAY_REASON,
	SAY_EMPTY,
	SAY_EMBED,
};

enum testprov_fault {
	FAULT_NONE,
	FAULT_CUT,   /* the connection dies after some pieces */
	FAULT_ERROR, /* an error instead of a piece */
	FAULT_STALL, /* silence after some pieces */
};

struct testprov_model {
	const char *name; /* "-N" and "-MS" at its end are numbers */
	const char *help;
	enum testprov_say say;
	enum testprov_fault fault;
	int64_t fault_at; /* pieces before it */
	int64_t n, gap_ms;
	bool no_usage;
	int status; /* an error's; 0: none comes */
	const char *type, *code, *message;
};

/* What the model says to this request, into t. */
void testprov_prepare(struct testprov *t);
/* One vector for a text, dimensions long, appended as float32s. */
void testprov_vector(struct str text, int64_t dimensions, struct buf *out);
uint64_t testprov_hash(struct str s);

#endif
