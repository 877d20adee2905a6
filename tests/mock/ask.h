/* ask.h - what a request to the fake provider wants; pure. */
#ifndef MOCK_ASK_H
#define MOCK_ASK_H

#include "base/str.h"

enum ask_kind { ASK_CHAT, ASK_COMPLETION, ASK_EMBEDDING };

/* Spans point into the body; texts are as written there, escapes and all. */
struct ask {
	enum ask_kind kind;
	struct str model;
	struct str text;       /* the last user message, or the prompt */
	struct str input;      /* of embeddings: the JSON value */
	struct str tool, args; /* the call that is wanted, or STR_NONE */
	struct str args2;      /* of a second, parallel call */
	int64_t n;             /* choices, 1 to 128 */
	int64_t dims;          /* of an embedding, 1 to 4096 */
	bool stream, include_usage, json, base64;
};

/* -1: the body is no object with a model; *a is still usable. */
int ask_read(struct ask *a, enum ask_kind kind, struct str body);

#endif
