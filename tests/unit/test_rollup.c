/* test_rollup.c - hours are summed up once, and the same when done again. */
#include <sys/wait.h>

#include "history.h"

#include "base/rand.h"
#include "store/moves.h"
#include "store/rollup.h"

/* --- durations ----------------------------------------------------------------- */

static void buckets_are_an_eighth_wide(void **state)
{
	(void)state;
	for (int b = 0; b < ROLLUP_BUCKETS; b++) {
		int64_t from = rollup_bucket_ms(b);
		int64_t to = rollup_bucket_ms(b + 1) - 1;

		row("bucket %d", b);
		ROW_INT(rollup_bucket(from), b);
		ROW_INT(rollup_bucket(to), b);
		ROW_TRUE(to >= from && (to - from) * 8 <= from);
	}
	row("the ends");
	ROW_INT(rollup_bucket(-5), 0);
	ROW_INT(rollup_bucket(rollup_bucket_ms(ROLLUP_BUCKETS)),
		ROLLUP_BUCKETS - 1);
	ROW_INT(rollup_bucket(INT64_MAX), ROLLUP_BUCKETS - 1);
	rows_done();
}

static const struct {
	const char *label;
	int64_t ms[8];
	int n, percent;
	int64_t want;
} percentiles[] = {
	{ "none", { 0 }, 0, 50, -1 },
	{ "one", { 5 }, 1, 50, 5 },
	{ "one, all of it", { 5 }, 1, 100, 5 },
	{ "half of two", { 1, 7 }, 2, 50, 1 },
	{ "most of two", { 1, 7 }, 2, 95, 7 },
	{ "half of three", { 1, 2, 7 }, 3, 50, 2 },
	{ "the end of a bucket", { 100 }, 1, 50, 103 },
	{ "a long one", { 1, 1, 1, 1, 1000000 }, 5, 95, 1048575 },
};

static void percentiles_come_from_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(percentiles); i++) {
		int64_t counts[ROLLUP_BUCKETS] = { 0 };

		row("%s", percentiles[i].label);
		for (int j = 0; j < percentiles[i].n; j++)
			counts[rollup_bucket(percentiles[i].ms[j])]++;
		ROW_INT(rollup_percentile(counts, percentiles[i].percent),
			percentiles[i].want);
	}
	rows_done();
}

static void add_row(struct fixture *fx, const char *id, int64_t total_ms)
{
	struct request r = REQUEST_EMPTY;

	r.request_id = id;
	r.started_ms = 1000;
	r.user_id = fx->user;
	r.account_id = fx->account;
	r.token_id = fx->token;
	r.endpoint = "chat";
	r.model_asked = "m1";
	r.total_ms = total_ms;
	history_end(fx, &r);
}

static void the_database_has_the_same_buckets(void **state)
{
	struct fixture fx;
	char id[32], sql[128];

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	for (int b = 0; b <= ROLLUP_BUCKETS; b++) {
		snprintf(id, sizeof(id), "from%d", b);
		add_row(&fx, id, rollup_bucket_ms(b));
		snprintf(id, sizeof(id), "to%d", b);
		add_row(&fx, id, rollup_bucket_ms(b + 1) - 1);
	}
	for (int b = 0; b <= ROLLUP_BUCKETS; b++) {
		row("bucket %d", b);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM request_time WHERE bucket = %d",
			 b);
		ROW_INT(history_int(&fx, sql), b < ROLLUP_BUCKETS - 1  ? 2 :
					       b == ROLLUP_BUCKETS - 1 ? 4 :
									 0);
	}
	fixture_release(&fx);
	rows_done();
}

/* --- sums -------------------------------------------------------------------------- */

/* All that the three tables say, as one number a row, in one. */
static const char all_sums[] =
	"SELECT count(*) || ':' || group_concat(t, '|') FROM ("
	"SELECT hour_ms || ',' || user_id || ',' || token_id || ',' || "
	"channel_id || ',' || model || ',' || requests || ',' || streams || "
	"',' || refused || ',' || failed || ',' || gone || ',' || lost || ',' "
	"|| prompt_tok || ',' || cached_tok || ',' || completion_tok || ',' || "
	"reasoning_tok || ',' || cache_write_tok || ',' || audio_out_tok || "
	"',' || searches || ',' || audio_ms || ',' || cost_nusd || ',' || upstream_nusd || ',' || "
	"refunded_nusd || ',' || total_ms || ',' || first_ms AS t "
	"FROM usage_hour UNION ALL "
	"SELECT hour_ms || ',' || channel_id || ',' || model || ',' || error "
	"|| ',' || requests FROM error_hour UNION ALL "
	"SELECT hour_ms || ',' || channel_id || ',' || model || ',' || what || "
	"',' || bucket || ',' || requests FROM latency_hour)";

static const char *sums(struct fixture *fx)
{
	struct buf sql;
	const char *text;

	buf_init(&sql, 1 << 16);
	buf_printf(&sql,
		   "INSERT INTO meta (key, value) VALUES ('sums', (%s)) ON "
		   "CONFLICT (key) DO UPDATE SET value = excluded.value",
		   all_sums);
	MUST(fx, db_exec(fx->db, sql.p, &fx->e));
	buf_release(&sql);
	text = meta_get(fx->db, "sums", &fx->arena, &fx->e);
	assert_non_null(text);
	return text;
}

static const char *const models[] = { "m1", "m2", "m3" };
static const char *const errors[] = { "", "", "", "upstream_timeout",
				      "client_closed_request" };

static const char *const usages[] = {
	"",
	"{\"in_tok\":5,\"cache_write_tok\":7,\"cache_write_1h_tok\":9}",
	"{\"audio_in_tok\":1,\"audio_out_tok\":2,\"searches\":3,\"images\":0}",
	"{\"image_in_tok\":4,\"image_out_tok\":5,\"audio_ms\":6000,"
	"\"characters\":11,\"by\":\"estimate\"}",
};

static void random_request(struct fixture *fx, int i)
{
	struct request r = REQUEST_EMPTY;
	char id[32];

	snprintf(id, sizeof(id), "q%d", i);
	r.request_id = arena_dup(&fx->arena, str_of(id));
	r.started_ms = (int64_t)rand_below(10 * HOUR_MS);
	r.user_id = fx->user;
	r.account_id = fx->account;
	r.token_id = fx->token;
	r.endpoint = "chat";
	r.model_asked = models[rand_below(COUNT(models))];
	r.error = errors[rand_below(COUNT(errors))];
	r.channel_id = (int64_t)rand_below(3);
	r.stream = rand_below(2);
	r.cost_nusd = (int64_t)rand_below(50);
	r.reserved_nusd = 50;
	r.prompt_tok = (int64_t)rand_below(1000);
	r.completion_tok = (int64_t)rand_below(1000);
	r.upstream_nusd = (int64_t)rand_below(20);
	r.usage = usages[rand_below(COUNT(usages))];
	r.total_ms = (int64_t)rand_below(5000);
	r.first_token_ms = r.stream ? r.total_ms / 2 : 0;
	r.state = r.cost_nusd ? "settled" : "void";
	history_end(fx, &r);
}

static void maybe_refund(struct fixture *fx, int i)
{
	char id[32];
	struct refund r = { .request_id = id };

	snprintf(id, sizeof(id), "q%d", i);
	(void)moves_refund(fx->db, &r, &fx->e);
	err_clear(&fx->e);
}

/* What the sums should say, straight from the log. */
static void check_sums(struct fixture *fx)
{
	static const char *const same[][2] = {
		{ "SELECT sum(requests) FROM usage_hour",
		  "SELECT count(*) FROM request WHERE rolled = 1" },
		{ "SELECT sum(cost_nusd) FROM usage_hour",
		  "SELECT sum(cost_nusd) FROM request WHERE rolled = 1" },
		{ "SELECT sum(refunded_nusd) FROM usage_hour",
		  "SELECT sum(refunded_nusd) FROM request WHERE rolled = 1" },
#define KIND(kind)                                                   \
	{ "SELECT sum(" #kind ") FROM usage_hour",                   \
	  "SELECT sum(iif(usage = '', 0, coalesce(usage ->> '" #kind \
	  "', 0))) FROM request WHERE rolled = 1" },
		ROLLUP_KINDS(KIND)
#undef KIND
			{ "SELECT sum(failed + gone) FROM usage_hour",
			  "SELECT sum(requests) FROM error_hour" },
		{ "SELECT sum(requests - refused - failed - gone - lost) "
		  "FROM usage_hour",
		  "SELECT sum(requests) FROM latency_hour WHERE what = "
		  "'total'" },
	};

	for (size_t i = 0; i < COUNT(same); i++)
		ROW_INT(history_int(fx, same[i][0]),
			history_int(fx, same[i][1]));
}

static void each_row_counts_once_whatever_happens(void **state)
{
	struct rollup r = { .batch = 7 };
	const char *before;
	struct fixture fx;
	char lock[100];

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000000, -1);
	snprintf(lock, sizeof(lock), "%s.lock", fx.path);
	for (int i = 0; i < 300; i++) {
		row("step %d", i);
		random_request(&fx, i);
		if (rand_below(3) == 0)
			maybe_refund(&fx, (int)rand_below(300));
		if (rand_below(20) == 0)
			MUST(&fx, rollup_run(fx.db, &r, 10, &fx.e));
		if (rand_below(20) == 0)
			check_sums(&fx);
	}
	MUST(&fx, rollup_run(fx.db, &r, 5000, &fx.e));
	ROW_INT(rollup_waiting(fx.db, &fx.e), 0);
	ROW_INT(r.rows, 300);
	check_sums(&fx);
	row("rebuilt");
	before = sums(&fx);
	ROW_INT(rollup_rebuild(fx.db, lock, 0, &fx.e), 10);
	ROW_STR(sums(&fx), before);
	MUST(&fx,
	     db_exec(fx.db,
		     "UPDATE usage_hour SET cost_nusd = 1, requests = 2;"
		     "DELETE FROM latency_hour WHERE bucket > 50;"
		     "INSERT INTO error_hour VALUES (3600000, 9, 'x', 'y', "
		     "3), (900000000, 9, 'x', 'y', 3)",
		     &fx.e));
	MUST(&fx, rollup_rebuild(fx.db, lock, 0, &fx.e));
	MUST(&fx, db_exec(fx.db,
			  "DELETE FROM error_hour WHERE hour_ms = "
			  "900000000",
			  &fx.e));
	ROW_STR(sums(&fx), before);
	ROW_STR(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

/* In a process of its own: everything is given back, one by one. */
static void refund_all(struct fixture *fx, int n)
{
	fx->db = db_open(fx->path, DB_WRITE, false, &fx->e);
	for (int i = 0; fx->db && i < n; i++) {
		maybe_refund(fx, i);
		usleep(200);
	}
	db_close(fx->db);
	_exit(fx->db ? 0 : 1);
}

/* A refund between reading the log and writing the sums is noticed. */
static void refunds_that_come_meanwhile_are_not_lost(void **state)
{
	enum { N = 400 };
	int status, rebuilt = 0;
	struct rollup r = { 0 };
	struct fixture fx;
	char lock[96];
	pid_t pid;

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000 * USD, -1);
	MUST(&fx, db_exec(fx.db, "PRAGMA synchronous = OFF", &fx.e));
	snprintf(lock, sizeof(lock), "%s/ageing.lock", fx.dir);
	for (int i = 0; i < N; i++)
		random_request(&fx, i);
	MUST(&fx, rollup_run(fx.db, &r, 60000, &fx.e));
	db_close(fx.db);
	pid = fork();
	if (!pid)
		refund_all(&fx, N);
	fx.db = fixture_open(&fx, DB_WRITE);
	while (!waitpid(pid, &status, WNOHANG)) {
		struct err e = { 0 };
		int n = rollup_rebuild(fx.db, lock, 0, &e);

		ROW_TRUE(n > 0 || e.code == ERR_DB_BUSY);
		rebuilt += n > 0;
	}
	ROW_INT(status, 0);
	ROW_TRUE(rebuilt > 0);
	ROW_TRUE(history_int(&fx, "SELECT sum(refunded_nusd) FROM request") >
		 0);
	check_sums(&fx);
	ROW_STR(fixture_audit(&fx), "");
	(void)unlink(lock);
	fixture_release(&fx);
	rows_done();
}

static void a_rebuild_touches_the_asked_hours_only(void **state)
{
	struct rollup r = { 0 };
	struct fixture fx;
	char lock[100];

	(void)state;
	fixture_init(&fx, NULL);
	fixture_user(&fx, 1000, -1);
	snprintf(lock, sizeof(lock), "%s.lock", fx.path);
	history_spend(&fx, "a", HOUR_MS / 2, 10);
	history_spend(&fx, "b", HOUR_MS * 3 / 2, 20);
	MUST(&fx, rollup_run(fx.db, &r, 1000, &fx.e));
	MUST(&fx, db_exec(fx.db, "UPDATE usage_hour SET cost_nusd = 1", &fx.e));
	assert_int_equal(rollup_rebuild(fx.db, lock, HOUR_MS + 5, &fx.e), 1);
	assert_int_equal(history_int(&fx, "SELECT cost_nusd FROM usage_hour "
					  "WHERE hour_ms = 0"),
			 1);
	assert_int_equal(history_int(&fx, "SELECT cost_nusd FROM usage_hour "
					  "WHERE hour_ms = 3600000"),
			 20);
	fixture_release(&fx);
}

static void names_that_are_made_up_are_not_kept(void **state)
{
	struct rollup r = { 0 };
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	for (int i = 0; i < 50; i++) {
		struct request q = REQUEST_EMPTY;
		struct refuse_op op;
		char id[16];

		snprintf(id, sizeof(id), "made-up-%d", i);
		q.request_id = q.model_asked = id;
		q.endpoint = "chat";
		q.error = "model_not_found";
		refuse_op_init(&op, &q);
		assert_int_equal(
			writer_now(fx.db, &(struct writer_conf){ 0 }, &op.op),
			0);
	}
	MUST(&fx, rollup_run(fx.db, &r, 1000, &fx.e));
	assert_int_equal(history_int(&fx, "SELECT count(*) * 100 + "
					  "sum(refused) FROM usage_hour"),
			 150);
	assert_int_equal(history_int(&fx, "SELECT count(*) * 100 + "
					  "sum(requests) FROM error_hour"),
			 150);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

/* --- reading ------------------------------------------------------------------------ */

static const struct {
	const char *by;
	int n;
	const char *first;
	int64_t cost_nusd, p50_ms;
} reports[] = {
	{ "", 1, "", 60, 103 },        { "user", 1, "ann", 60, -1 },
	{ "token", 1, "k", 60, -1 },   { "model", 1, "m1", 60, 103 },
	{ "channel", 1, "", 60, 103 }, { "day", 2, "", 30, 103 },
	{ "hour", 3, "", 10, 103 },
};

static void check_report(struct fixture *fx, size_t i)
{
	struct rollup_query q = { .by = reports[i].by };
	struct rollup_answer a;

	MUST(fx, rollup_read(fx->db, &q, &a, &fx->arena, &fx->e));
	ROW_INT(a.n_rows, reports[i].n);
	ROW_STR(a.rows[0].name, reports[i].first);
	ROW_INT(a.rows[0].cost_nusd, reports[i].cost_nusd);
	ROW_INT(a.rows[0].p50_ms, reports[i].p50_ms);
	q.since_ms = HOUR_MS + 7; /* the whole hour counts */
	MUST(fx, rollup_read(fx->db, &q, &a, &fx->arena, &fx->e));
	q.user_id = fx->user + 1;
	MUST(fx, rollup_read(fx->db, &q, &a, &fx->arena, &fx->e));
	ROW_INT(a.n_rows, 0);
}

static void usage_is_what_is_summed_up_and_what_is_not(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 1000, -1);
	history_spend(&fx, "a", HOUR_MS / 2, 10);
	history_spend(&fx, "b", HOUR_MS * 3 / 2, 20);
	for (int pass = 0; pass < 2; pass++) {
		struct rollup r = { 0 };

		if (pass)
			MUST(&fx, db_exec(fx.db,
					  "UPDATE request SET rolled = 0; "
					  "DELETE FROM usage_hour; "
					  "DELETE FROM latency_hour;",
					  &fx.e));
		MUST(&fx, rollup_run(fx.db, &r, 1000, &fx.e));
		if (!pass)
			history_spend(&fx, "c", DAY_MS, 30); /* not yet in */
		for (size_t i = 0; i < COUNT(reports); i++) {
			row("pass %d, by %s", pass, reports[i].by);
			check_report(&fx, i);
		}
	}
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_an_eighth_wide),
		cmocka_unit_test(percentiles_come_from_counts),
		cmocka_unit_test(the_database_has_the_same_buckets),
		cmocka_unit_test(each_row_counts_once_whatever_happens),
		cmocka_unit_test(a_rebuild_touches_the_asked_hours_only),
		cmocka_unit_test(names_that_are_made_up_are_not_kept),
		cmocka_unit_test(usage_is_what_is_summed_up_and_what_is_not),
		cmocka_unit_test(refunds_that_come_meanwhile_are_not_lost),
	};

	return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
