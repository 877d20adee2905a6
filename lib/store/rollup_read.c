/* rollup_read.c - usage for people; see rollup.h. */
#include "db/db.h"
#include "sql.h"
#include "store/rollup.h"

#define U_INT(field) DB_INT(rollup_row, field)
#define X(kind)      U_INT(kind),
static const struct db_cols row_cols =
	DB_COLS(struct rollup_row, DB_STR(rollup_row, name), U_INT(number),
		U_INT(requests), U_INT(streams), U_INT(refused), U_INT(failed),
		U_INT(gone), U_INT(lost), U_INT(prompt_tok), U_INT(cached_tok),
		U_INT(completion_tok), U_INT(reasoning_tok), U_INT(cost_nusd),
		U_INT(upstream_nusd), U_INT(refunded_nusd), U_INT(total_ms),
		ROLLUP_KINDS(X));
#undef X

struct time_row {
	const char *name;
	int64_t number;
	const char *what;
	int64_t bucket, requests;
};

static const struct db_cols time_cols =
	DB_COLS(struct time_row, DB_STR(time_row, name),
		DB_INT(time_row, number), DB_STR(time_row, what),
		DB_INT(time_row, bucket), DB_INT(time_row, requests));

static const struct db_cols error_cols =
	DB_COLS(struct rollup_error, DB_STR(rollup_error, error),
		DB_INT(rollup_error, requests));

static bool is_of(const struct time_row *t, const struct rollup_row *u)
{
	return t->number == u->number && !strcmp(t->name, u->name);
}

static void count(int64_t counts[2][ROLLUP_BUCKETS], const struct time_row *t)
{
	if (t->bucket >= 0 && t->bucket < ROLLUP_BUCKETS)
		counts[!strcmp(t->what, "first")][t->bucket] += t->requests;
}

static void set_times(struct rollup_row *u, const struct time_row *t, int n)
{
	int64_t counts[2][ROLLUP_BUCKETS] = { 0 };

	for (int i = 0; i < n; i++)
		if (is_of(&t[i], u))
			count(counts, &t[i]);
	u->p50_ms = rollup_percentile(counts[0], 50);
	u->p95_ms = rollup_percentile(counts[0], 95);
	u->first50_ms = rollup_percentile(counts[1], 50);
	u->first95_ms = rollup_percentile(counts[1], 95);
}

/* Durations are not kept by user and key. */
static bool has_times(const struct rollup_query *q)
{
	return !q->user_id && strcmp(q->by, "user") && strcmp(q->by, "token");
}

static int read_times(struct db *db, const struct rollup_query *q,
		      int64_t since_ms, struct rollup_answer *out,
		      struct arena *arena, struct err *e)
{
	struct time_row *t = NULL;
	int n = 0;

	if (has_times(q))
		n = db_rows(db,
			    db_bind(db, ST_USAGE_TIMES, "si", q->by, since_ms),
			    &time_cols, &t, arena, e);
	for (int i = 0; i < out->n_rows; i++)
		set_times(&out->rows[i], t, n);
	return MIN(n, 0);
}

static int read_all(struct db *db, const struct rollup_query *q,
		    struct rollup_answer *out, struct arena *arena,
		    struct err *e)
{
	int64_t since_ms = q->since_ms - q->since_ms % ROLLUP_HOUR_MS;

	out->n_rows = db_rows(db,
			      db_bind(db, ST_USAGE_REPORT, "sii", q->by,
				      since_ms, q->user_id),
			      &row_cols, &out->rows, arena, e);
	if (out->n_rows < 0 || read_times(db, q, since_ms, out, arena, e) < 0)
		return -1;
	if (!q->user_id)
		out->n_errors =
			db_rows(db, db_bind(db, ST_USAGE_ERRORS, "i", since_ms),
				&error_cols, &out->errors, arena, e);
	return MIN(out->n_errors, 0);
}

int rollup_read(struct db *db, const struct rollup_query *q,
		struct rollup_answer *out, struct arena *arena, struct err *e)
{
	int rc;

	*out = (struct rollup_answer){ .n_rows = 0 };
	if (db_begin_read(db, e) < 0)
		return -1;
	rc = read_all(db, q, out, arena, e);
	db_rollback(db);
	return rc;
}
