/* test_store.c - users, keys, channels, prices, jobs, the request log. */
#include "fixture.h"

#include "store/channel.h"
#include "store/job.h"
#include "store/meta.h"
#include "store/price.h"

/* --- users ---------------------------------------------------------------------- */

static const struct {
	const char *label, *name, *role;
	int want;
} users[] = {
	/* clang-format off */
	{ "a name",             "bob",        NULL,    ERR_NONE },
	{ "an address",         "b@x.org",    "admin", ERR_NONE },
	{ "Chinese",            "小明",       "user",  ERR_NONE },
	{ "no name",            "",           NULL,    ERR_VALUE },
	{ "a space",            "bob b",      NULL,    ERR_VALUE },
	{ "a control character", "bob\n",     NULL,    ERR_VALUE },
	{ "a role that is none", "eve",       "king",  ERR_VALUE },
	{ "there already",      "ann",        NULL,    ERR_EXISTS },
	{ "in capitals",        "ANN",        NULL,    ERR_EXISTS },
	/* clang-format on */
};

static void users_are_added_with_an_account(void **state)
{
	struct fixture fx;
	struct user u;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	for (size_t i = 0; i < COUNT(users); i++) {
		row("%s", users[i].label);
		err_clear(&fx.e);
		user_add(fx.db, users[i].name, users[i].role, NULL, "pw",
			 &fx.e);
		ROW_INT(fx.e.code, users[i].want);
		ROW_TRUE(!db_in_txn(fx.db));
		err_clear(&fx.e);
		if (users[i].want)
			continue;
		MUST(&fx,
		     user_find(fx.db, users[i].name, &u, &fx.arena, &fx.e));
		ROW_STR(u.role, users[i].role ? users[i].role : "user");
		ROW_STR(u.group, "default");
		ROW_STR(u.passwd, "pw");
		ROW_TRUE(u.enabled && u.account_id > LEDGER_OPERATOR);
	}
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

static void users_change_only_where_told(void **state)
{
	struct user_change c = USER_KEEP;
	struct fixture fx;
	struct user u, *all;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 700, -1);
	c.group = "vip";
	MUST(&fx, user_set(fx.db, fx.user, &c, &fx.e));
	c = USER_KEEP;
	c.enabled = 0;
	MUST(&fx, user_set(fx.db, fx.user, &c, &fx.e));
	MUST(&fx, user_find(fx.db, "Ann", &u, &fx.arena, &fx.e));
	assert_string_equal(u.group, "vip");
	assert_string_equal(u.role, "user");
	assert_false(u.enabled);
	assert_int_equal(u.balance_nusd, 700);
	assert_int_equal(user_set(fx.db, 99, &c, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	assert_int_equal(user_find(fx.db, "nobody", &u, &fx.arena, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	assert_int_equal(user_list(fx.db, &all, &fx.arena, &fx.e), 1);
	assert_string_equal(all[0].name, "ann");
	fixture_release(&fx);
}

/* --- keys ------------------------------------------------------------------------- */

static void a_key_is_found_with_its_user(void **state)
{
	uint8_t hash[TOKEN_HASH] = { 7 }, other[TOKEN_HASH] = { 8 };
	struct user_change off = USER_KEEP;
	struct token t, *all;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 700, 50);
	off.enabled = 0;
	MUST(&fx, user_set(fx.db, fx.user, &off, &fx.e));
	assert_int_equal(token_find(fx.db, other, &t, &fx.arena, &fx.e), 0);
	assert_int_equal(token_find(fx.db, hash, &t, &fx.arena, &fx.e), 1);
	assert_string_equal(t.user, "ann");
	assert_string_equal(t.role, "user");
	assert_string_equal(t.group, "default");
	assert_int_equal(t.limit_nusd, 50);
	assert_int_equal(t.balance_nusd, 700);
	assert_int_equal(t.account_id, fx.account);
	assert_true(t.enabled);
	assert_false(t.user_enabled);
	MUST(&fx, token_enable(fx.db, t.id, false, &fx.e));
	MUST(&fx, token_revoke(fx.db, t.id, &fx.e));
	assert_int_equal(token_find(fx.db, hash, &t, &fx.arena, &fx.e), 1);
	assert_false(t.enabled);
	assert_true(t.revoked_ms > 0);
	t.name = "k";
	assert_int_equal(token_add(fx.db, &t, hash, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	err_clear(&fx.e);
	MUST(&fx, token_named(fx.db, "k", &t, &fx.arena, &fx.e));
	assert_true(token_add(fx.db, &t, other, &fx.e) > 0);
	assert_int_equal(token_named(fx.db, "k", &t, &fx.arena, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_VALUE);
	err_clear(&fx.e);
	assert_int_equal(token_list(fx.db, 0, &all, &fx.arena, &fx.e), 2);
	assert_int_equal(token_list(fx.db, fx.user, &all, &fx.arena, &fx.e), 2);
	assert_int_equal(token_list(fx.db, 99, &all, &fx.arena, &fx.e), 0);
	fixture_release(&fx);
}

/* --- channels ---------------------------------------------------------------------- */

static int64_t channel(struct fixture *fx, const char *name, int64_t priority)
{
	struct channel c = { .name = name,
			     .provider = "openai",
			     .base_url = "https://api.openai.com/v1",
			     .origin = "https://api.openai.com:443",
			     .enabled = true,
			     .priority = priority,
			     .weight = 1,
			     .groups = "default" };
	int64_t id = channel_add(fx->db, &c, &fx->e);

	MUST(fx, id);
	return id;
}

static void channels_keep_keys_and_models(void **state)
{
	struct channel_change c = CHANNEL_KEEP;
	struct channel_all all;
	struct channel one;
	struct fixture fx;
	int64_t low, high, key;

	(void)state;
	fixture_init(&fx, ":memory:");
	low = channel(&fx, "low", -5);
	high = channel(&fx, "high", 5);
	MUST(&fx, channel_model_put(fx.db, low, "m2", "m2", &fx.e));
	MUST(&fx, channel_model_put(fx.db, low, "m1", "m1", &fx.e));
	MUST(&fx, channel_model_put(fx.db, low, "m1", "real-m1", &fx.e));
	key = channel_key_add(fx.db, low, "sk-..1", &fx.e);
	MUST(&fx, key);
	MUST(&fx, channel_key_add(fx.db, high, "sk-..2", &fx.e));
	MUST(&fx,
	     channel_key_seal(fx.db, key, ((struct str){ "\0ab", 3 }), &fx.e));
	c.state = "disabled";
	c.reason = "401";
	c.rpm = 60;
	MUST(&fx, channel_set(fx.db, low, &c, &fx.e));
	MUST(&fx, channel_all(fx.db, &all, &fx.arena, &fx.e));
	assert_int_equal(all.n_channels, 2);
	assert_int_equal(all.channels[0].id, high);
	assert_string_equal(all.channels[1].reason, "401");
	assert_int_equal(all.channels[1].priority, -5);
	assert_int_equal(all.channels[1].rpm, 60);
	assert_int_equal(all.channels[1].weight, 1);
	assert_true(all.channels[1].enabled);
	assert_int_equal(all.n_models, 2);
	assert_string_equal(all.models[0].model, "m1");
	assert_string_equal(all.models[0].upstream, "real-m1");
	assert_int_equal(all.n_keys, 2);
	assert_int_equal(all.keys[0].sealed.n, 3);
	assert_memory_equal(all.keys[0].sealed.p, "\0ab", 3);
	assert_null(all.keys[1].sealed.p);
	MUST(&fx, channel_remove(fx.db, low, &fx.e));
	assert_int_equal(channel_find(fx.db, "low", &one, &fx.arena, &fx.e),
			 -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	MUST(&fx, channel_all(fx.db, &all, &fx.arena, &fx.e));
	assert_int_equal(all.n_channels, 1);
	assert_int_equal(all.n_models, 0);
	assert_int_equal(all.n_keys, 1);
	assert_true(channel(&fx, "low", 0) > high); /* the name is free */
	one = (struct channel){
		.name = "high", .provider = "", .base_url = "", .origin = ""
	};
	assert_int_equal(channel_add(fx.db, &one, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_EXISTS);
	fixture_release(&fx);
}

/* What must, and what must not, make workers read everything anew. */
static const struct {
	const char *label, *sql;
	bool moves;
} moves[] = {
	/* clang-format off */
	{ "a channel added", "INSERT INTO channel (name, provider, base_url, origin, created_ms) VALUES ('x', '', '', '', 0)", true },
	{ "a channel set", "UPDATE channel SET weight = 9", true },
	{ "groups of a channel", "UPDATE channel SET grps = 'vip'", true },
	{ "a model added", "INSERT INTO channel_model VALUES (1, 'm', 'm')", true },
	{ "a model set", "UPDATE channel_model SET upstream = 'n'", true },
	{ "a model dropped", "DELETE FROM channel_model", true },
	{ "a key added", "INSERT INTO channel_key (channel_id, hint) VALUES (1, '')", true },
	{ "a key disabled", "UPDATE channel_key SET enabled = 0", true },
	{ "a key dropped", "DELETE FROM channel_key", true },
	{ "a price", "INSERT INTO price (model, from_ms) VALUES ('m', 0)", true },
	{ "a user", "UPDATE user SET grp = 'vip'", false },
	{ "a token", "UPDATE token SET enabled = 0", false },
	{ "money", "UPDATE account SET held_nusd = 1", false },
	{ "a job", "INSERT INTO job (kind, created_ms) VALUES ('test', 0)", false },
	/* clang-format on */
};

static void the_config_version_moves_with_routes_and_prices(void **state)
{
	struct fixture fx;
	int64_t before;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	for (size_t i = 0; i < COUNT(moves); i++) {
		row("%s", moves[i].label);
		before = config_version_now(fx.db, &fx.e);
		MUST(&fx, db_exec(fx.db, moves[i].sql, &fx.e));
		ROW_INT(config_version_now(fx.db, &fx.e) > before,
			moves[i].moves);
	}
	fixture_release(&fx);
	rows_done();
}

/* --- prices ------------------------------------------------------------------------ */

static void the_newest_price_that_has_begun_counts(void **state)
{
	static const struct {
		const char *model;
		int64_t from_ms, input_nusd;
	} book[] = { { "a", 100, 1 },
		     { "a", 200, 2 },
		     { "a", 200, 3 },
		     { "a", 300, 4 },
		     { "b", 250, 9 } };
	static const struct {
		int64_t at_ms, want; /* 0: no price */
		int list, all;
	} asks[] = { { 99, 0, 0, 5 },  { 100, 1, 1, 5 }, { 199, 1, 1, 5 },
		     { 200, 3, 1, 3 }, { 299, 3, 2, 3 }, { 300, 4, 2, 2 } };
	struct price p, *rows;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	for (size_t i = 0; i < COUNT(book); i++) {
		const struct price_line line = { .line = LINE_input,
						 .nusd = book[i].input_nusd };

		p = (struct price){ .model = book[i].model,
				    .from_ms = book[i].from_ms,
				    .lines = &line,
				    .n_lines = 1 };
		MUST(&fx, price_set(fx.db, &p, &fx.e));
	}
	for (size_t i = 0; i < COUNT(asks); i++) {
		row("at %lld", (long long)asks[i].at_ms);
		p.n_lines = 0;
		ROW_INT(price_at(fx.db, "a", asks[i].at_ms, &p, &fx.arena,
				 &fx.e),
			asks[i].want != 0);
		ROW_INT(MAX(price_of(&p, LINE_input), 0), asks[i].want);
		ROW_INT(price_list(fx.db, asks[i].at_ms, &rows, &fx.arena,
				   &fx.e),
			asks[i].list);
		ROW_INT(price_all(fx.db, asks[i].at_ms, &rows, &fx.arena,
				  &fx.e),
			asks[i].all);
	}
	assert_int_equal(price_history(fx.db, "a", &rows, &fx.arena, &fx.e), 4);
	assert_int_equal(price_of(&rows[0], LINE_input), 4);
	assert_int_equal(price_of(&rows[1], LINE_input), 3);
	MUST(&fx, price_get(fx.db, rows[0].id, &p, &fx.arena, &fx.e));
	assert_int_equal(price_get(fx.db, 99, &p, &fx.arena, &fx.e), -1);
	fixture_release(&fx);
	rows_done();
}

/* --- jobs --------------------------------------------------------------------------- */

static void a_job_is_taken_by_one(void **state)
{
	struct fixture fx;
	struct job j;
	int64_t a, b;

	(void)state;
	fixture_init(&fx, ":memory:");
	assert_int_equal(job_waits(fx.db, &fx.e), 0);
	a = job_add(fx.db, "test", 7, "{}", &fx.e);
	b = job_add(fx.db, "fetch-models", 7, "{}", &fx.e);
	assert_int_equal(job_waits(fx.db, &fx.e), 1);
	assert_int_equal(job_take(fx.db, 1, 1000, &j, &fx.arena, &fx.e), 1);
	assert_int_equal(j.id, a);
	assert_string_equal(j.state, "taken");
	assert_int_equal(job_take_id(fx.db, a, 2, &j, &fx.arena, &fx.e), 0);
	assert_int_equal(job_take_id(fx.db, b, 2, &j, &fx.arena, &fx.e), 1);
	assert_int_equal(job_take(fx.db, 3, 1000, &j, &fx.arena, &fx.e), 0);
	/* left behind by a worker that died */
	assert_int_equal(job_take(fx.db, 3, -1000, &j, &fx.arena, &fx.e), 1);
	assert_int_equal(j.id, a);
	assert_int_equal(j.taken_by, 3);
	MUST(&fx, job_done(fx.db, a, "{\"ok\":true}", &fx.e));
	assert_int_equal(job_done(fx.db, a, "{}", &fx.e), -1);
	err_clear(&fx.e);
	MUST(&fx, job_get(fx.db, a, &j, &fx.arena, &fx.e));
	assert_string_equal(j.state, "done");
	assert_string_equal(j.result, "{\"ok\":true}");
	fixture_release(&fx);
}

/* --- the log ------------------------------------------------------------------------- */

/* Row i started at i seconds, of user i % 3, key i % 5, model m<i % 2>. */
static void fill(struct fixture *fx, int n)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL "
		 "SELECT i + 1 FROM c WHERE i < %d) INSERT INTO request "
		 "(request_id, state, started_ms, user_id, account_id, "
		 "token_id, endpoint, model_asked, model_served, error) "
		 "SELECT 'r' || i, 'void', i * 1000, i %% 3, 4, i %% 5, "
		 "'chat', 'm' || (i %% 2), 'up', "
		 "CASE i %% 10 WHEN 0 THEN 'bad' ELSE '' END FROM c",
		 n);
	MUST(fx, db_exec(fx->db, sql, &fx->e));
}

static const struct {
	const char *label;
	struct request_filter f;
	int want_n;
	const char *first; /* the newest that is listed */
} lists[] = {
	/* clang-format off */
	{ "everything, cut at 50", { 0 }, 50, "r3000" },
	{ "more of it", { .limit = 700 }, 700, "r3000" },
	{ "too many", { .limit = 5000 }, REQUEST_LIST_MAX, "r3000" },
	{ "a user", { .user_id = 2, .limit = 1000 }, 1000, "r2999" },
	{ "a key", { .token_id = 4, .limit = 1000 }, 600, "r2999" },
	{ "a user's key", { .user_id = 1, .token_id = 4, .limit = 1000 }, 200, "r2989" },
	{ "a model", { .model = "m0", .limit = 10 }, 10, "r3000" },
	{ "a model as served", { .model = "up", .limit = 10 }, 10, "r3000" },
	{ "no such model", { .model = "m9" }, 0, NULL },
	{ "an error", { .error = "bad", .limit = 1000 }, 300, "r3000" },
	{ "a state", { .state = "open" }, 0, NULL },
	{ "since", { .since_ms = 2995000, .limit = 1000 }, 6, "r3000" },
	{ "since the beginning", { .since_ms = 1, .limit = 1000 }, 1000, "r3000" },
	{ "since tomorrow", { .since_ms = 9000000 }, 0, NULL },
	{ "the next page", { .before_id = 2000, .limit = 10 }, 10, "r1999" },
	{ "a page within a time", { .before_id = 2000, .since_ms = 1990000 }, 10, "r1999" },
	{ "a channel", { .channel_id = 3 }, 0, NULL },
	/* clang-format on */
};

static void the_log_is_filtered_newest_first(void **state)
{
	struct request *rows;
	struct fixture fx;
	int n;

	(void)state;
	fixture_init(&fx, ":memory:");
	fill(&fx, 3000);
	for (size_t i = 0; i < COUNT(lists); i++) {
		row("%s", lists[i].label);
		n = request_list(fx.db, &lists[i].f, &rows, &fx.arena, &fx.e);
		ROW_INT(n, lists[i].want_n);
		if (n > 0)
			ROW_STR(rows[0].request_id, lists[i].first);
		for (int j = 1; j < n; j++)
			ROW_TRUE(rows[j].id < rows[j - 1].id);
	}
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_added_with_an_account),
		cmocka_unit_test(users_change_only_where_told),
		cmocka_unit_test(a_key_is_found_with_its_user),
		cmocka_unit_test(channels_keep_keys_and_models),
		cmocka_unit_test(
			the_config_version_moves_with_routes_and_prices),
		cmocka_unit_test(the_newest_price_that_has_begun_counts),
		cmocka_unit_test(a_job_is_taken_by_one),
		cmocka_unit_test(the_log_is_filtered_newest_first),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
