/* rollup.h - what the hours sum up to: usage_hour, error_hour, latency_hour.
 *
 * A row of the log that has ended goes into the sums of the hour in which its
 * request began, and is marked in the same transaction: it counts exactly
 * once, and the sums and the unmarked rows together are always all of it.  A
 * refund that comes later changes the sum (moves.h).  Rows may be deleted
 * once they are marked (retention.h).
 */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define ROLLUP_HOUR_MS 3600000LL
#define ROLLUP_DAY_MS  (24 * ROLLUP_HOUR_MS)
#define ROLLUP_LONG_US \
	5000 /* a transaction longer, but for its sync, is logged */

/* --- durations -----------------------------------------------------------------
 *
 * They are counted in buckets, eight to a doubling: 0 to 7 hold one
 * millisecond each, then bucket 8 * k + i (k > 0, i of 0 to 7) those from
 * (8 + i) << (k - 1) ms on, so each is at most an eighth wide.  The last one
 * also holds whatever took longer than 17 hours.  The view request_time in
 * sql/schema says the same.
 */
#define ROLLUP_BUCKETS 192

int rollup_bucket(int64_t ms);
int64_t rollup_bucket_ms(int bucket); /* the least that falls into it */
/* What so many percent did not exceed: the end of the bucket in which that
 * request is; -1: there are none. */
int64_t rollup_percentile(const int64_t counts[static ROLLUP_BUCKETS],
			  int percent);

/* --- what is counted beside prompt and answer ------------------------------------
 *
 * Members of struct usage by the names that request.usage has them under, in
 * the order of the columns: tokens written to caches, of sound and pictures
 * (parts of prompt or answer), and what is not counted in tokens.
 */
/* clang-format off */
#define ROLLUP_KINDS(X)       \
	X(cache_write_tok)    \
	X(cache_write_1h_tok) \
	X(audio_in_tok)       \
	X(audio_out_tok)      \
	X(image_in_tok)       \
	X(image_out_tok)      \
	X(searches)           \
	X(images)             \
	X(audio_ms)           \
	X(characters)
/* clang-format on */

/* --- summing up ------------------------------------------------------------------ */

struct rollup {
	int batch; /* rows of the next transaction; 0: the first */
	int64_t rows, batches, longest_us; /* counted up by each call */
};

/* Sums up what has ended, in short transactions with pauses between them, for
 * at most for_ms; -1 leaves what is committed.  r: { 0 } at first, kept from
 * call to call. */
int rollup_run(struct db *db, struct rollup *r, int64_t for_ms, struct err *e);
/* Rows that have ended and are not in the sums yet; -1. */
int64_t rollup_waiting(struct db *db, struct err *e);

/* Makes the sums anew of the log from the hour of since_ms on, or from where
 * the log is whole (retention.h): the same, unless something was wrong.  Reads
 * the log once a week of it, which stops nobody, and changes an hour in one
 * transaction.  lock_path: a file that keeps rollup_run() of others out.
 * How many hours, or -1: ERR_DB_BUSY where refunds kept coming. */
int rollup_rebuild(struct db *db, const char *lock_path, int64_t since_ms,
		   struct err *e);
/* A descriptor to close; -1 with a clear e: somebody has it. */
int rollup_lock(const char *path, struct err *e);
/* The same, after up to 10 s: tick has it for a moment only.  ERR_DB_BUSY. */
int rollup_lock_wait(const char *path, struct err *e);

/* --- reading ---------------------------------------------------------------------- */

struct rollup_row {
	const char *name; /* of the user, key, channel or model; "" */
	int64_t number;   /* its id, or when the day or hour begins */
	int64_t requests, streams, refused, failed, gone, lost;
	int64_t prompt_tok, cached_tok, completion_tok, reasoning_tok;
#define X(kind) int64_t kind;
	ROLLUP_KINDS(X)
#undef X
	int64_t cost_nusd, upstream_nusd, refunded_nusd;
	int64_t total_ms;               /* of those that ended well */
	int64_t p50_ms, p95_ms;         /* the whole; -1: not known */
	int64_t first50_ms, first95_ms; /* until the first token */
};

struct rollup_error {
	const char *error; /* its code */
	int64_t requests;
};

struct rollup_query {
	const char *by;   /* user, token, channel, model, day, hour; "": all */
	int64_t since_ms; /* from the hour on in which this is */
	int64_t user_id;  /* 0: everybody */
};

struct rollup_answer {
	struct rollup_row *rows; /* most expensive first, or by time */
	int n_rows;
	struct rollup_error *errors; /* most frequent first */
	int n_errors;                /* none where user_id is given */
};

/* In one read transaction.  Durations are not kept by user and key, errors
 * not by user. */
int rollup_read(struct db *db, const struct rollup_query *q,
		struct rollup_answer *out, struct arena *arena, struct err *e);

#endif
