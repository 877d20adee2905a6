/* endpoint.h - the addresses of the relay: a row of endpoints.def each. */
#ifndef RELAY_ENDPOINT_H
#define RELAY_ENDPOINT_H

#include "base/err.h"
#include "base/str.h"
#include "dialect/ask.h"
#include "dialect/chat.h"

enum endpoint_act {
	ACT_RELAY,  /* goes to an upstream */
	ACT_MODELS, /* the models this key may use */
	ACT_MODEL,  /* one of them */
	ACT_RECEIPT,
	ACT_SUBSCRIPTION, /* OpenAI's old billing pages, as one-api has them */
	ACT_TOTAL,
	ACT_CREDIT,
	ACT_USAGE, /* by day and model */
};

struct endpoint {
	const char *name, *method, *path;
	enum endpoint_act act;
	enum ask_kind asks;
	enum shape shape; /* of its answers */
	const char *upstream_path;
};

/* The row for a raw path (as sent, without the query), and what stands after
 * a path that ends in "/", unescaped into name of name_size bytes.  NULL
 * with ERR_UNKNOWN_URL, ERR_METHOD or ERR_BAD_HTTP. */
const struct endpoint *endpoint_find(struct str method, struct str path,
				     char *name, size_t name_size,
				     struct err *e);

#endif
