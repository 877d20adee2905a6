/* request.h - one row is everything: the reservation, the line of the log and
 * the head of the receipt.
 *
 * Rows are written by the operations of ledger.h only; here they are read.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define REQUEST_LIST_MAX 1000 /* rows of one list */

struct request {
	int64_t id;
	const char *request_id;
	const char *state; /* open, settled, void, refused, lost */
	int64_t started_ms;
	int64_t user_id, account_id, token_id; /* 0: nobody, none */
	int64_t channel_id;                    /* that answered; 0: none */
	const char *endpoint, *provider, *model_asked, *model_served;
	bool stream;
	int64_t prompt_tok, cached_tok;        /* cached ones are part of it */
	int64_t completion_tok, reasoning_tok; /* so are reasoning ones */
	const char *source; /* upstream, counted, partial; "": nobody counted */
	int64_t reserved_nusd, cost_nusd;
	bool overshoot;           /* cost more than was reserved */
	int64_t price_id, txn_id; /* 0: none */
	int64_t refunded_nusd, refund_txn_id;
	int64_t status;    /* HTTP, as the client saw it */
	const char *error; /* the code; "": none */
	int64_t attempts;
	const char *attempts_json; /* [{"channel","key","error","status",
				      "ms","why"}] */
	int64_t first_token_ms, total_ms;
	const char *address;
	int64_t worker_id;
	int64_t progress_ms, progress_prompt_tok, progress_completion_tok;
	int64_t progress_cost_nusd;
	const char *group;        /* of the user, when it began */
	int64_t factor_ppm;       /* of the price, that the group pays */
	const char *service_tier; /* batch, flex, priority; "": the default */
	const char *usage;        /* what was counted, as JSON: {"in":12,...} */
	const char *usage_raw;    /* as the upstream said it; "": it did not */
	const char *usage_flag;   /* missing, absurd, clamped: why not so */
	const char *lines;        /* of the bill: [{"line":"input",...}] */
	int64_t upstream_nusd;    /* what it cost us */
	bool stopped;             /* by the budget: it ends with "length" */
	const char *route; /* of the refused, failed and retried: which there
			      were and why, as JSON: policy/route.h; or "" */

	const char *user, *token, *channel; /* read only: their names, or "" */
};

/* A row to fill in: the database has no NULLs here. */
#define REQUEST_EMPTY                             \
	((struct request){ .state = "",           \
			   .endpoint = "",        \
			   .provider = "",        \
			   .model_asked = "",     \
			   .model_served = "",    \
			   .source = "",          \
			   .error = "",           \
			   .attempts_json = "",   \
			   .address = "",         \
			   .group = "",           \
			   .factor_ppm = 1000000, \
			   .service_tier = "",    \
			   .usage = "",           \
			   .usage_raw = "",       \
			   .usage_flag = "",      \
			   .lines = "",           \
			   .route = "" })

struct request_filter { /* 0 and NULL: any */
	int64_t user_id, token_id, channel_id;
	const char *model; /* asked or served */
	const char *state, *error;
	int64_t since_ms;  /* started then or later */
	int64_t before_id; /* older than this row: the next page */
	int limit;         /* 0: 50 */
};

/* Newest first: how many, or -1. */
int request_list(struct db *db, const struct request_filter *f,
		 struct request **out, struct arena *arena, struct err *e);
int request_find(struct db *db, const char *request_id, struct request *r,
		 struct arena *arena, struct err *e); /* ERR_NOT_FOUND */

#endif
