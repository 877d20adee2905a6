/* test_code.c - redemption codes: typed, used once, never guessed. */
#include "history.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "store/code.h"

#define RACERS 100

static void make(struct fixture *fx, struct code *c, int n,
		 char (*out)[CODE_TEXT])
{
	fixture_init(fx, NULL);
	fixture_user(fx, 0, -1);
	MUST(fx, code_create(fx->db, c, n, out, &fx->e));
}

static int64_t redeem(struct fixture *fx, const char *typed,
		      enum code_verdict *why)
{
	struct redeem r = { .typed = str_of(typed),
			    .user_id = fx->user,
			    .account_id = fx->account,
			    .actor = "cli:test" };
	int64_t id = code_redeem(fx->db, &r, &fx->e);

	*why = r.verdict;
	return id;
}

/* --- texts -------------------------------------------------------------------- */

static void what_is_typed_is_read(void **state)
{
	char code[CODE_TEXT], plain[CODE_LENGTH + 1], other[64];
	int n = 0;

	(void)state;
	code_new(code);
	assert_int_equal(strlen(code), CODE_TEXT - 1);
	assert_null(strpbrk(code, "01ILOilo"));
	assert_int_equal(code_read(str_of(code), plain), 0);
	snprintf(other, sizeof(other), "  %s ", plain);
	for (char *p = other; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	assert_int_equal(code_read(str_of(other), plain), 0);
	for (const char *p = code; *p; p++)
		if (*p != '-')
			assert_int_equal(*p, plain[n++]);
	assert_int_equal(code_read(STR(""), plain), -1);
	code[CODE_TEXT - 2] = '\0';
	assert_int_equal(code_read(str_of(code), plain), -1);
	assert_int_equal(code_read((struct str){ "AAAAA\0AAAAA", 11 }, plain),
			 -1);
}

static void each_wrong_character_is_seen(void **state)
{
	static const char digits[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ01";
	char code[CODE_TEXT], good[CODE_LENGTH + 1], out[CODE_LENGTH + 1];

	(void)state;
	assert_int_equal(code_read(str_of(code_new(code)), good), 0);
	for (int i = 0; i < CODE_LENGTH; i++) {
		for (const char *d = digits; *d; d++) {
			char bad[CODE_LENGTH + 1];

			row("%s, place %d: %c", good, i, *d);
			memcpy(bad, good, sizeof(bad));
			bad[i] = *d;
			ROW_INT(code_read(str_of(bad), out),
				*d == good[i] ? 0 : -1);
		}
		for (int j = 0; j < i; j++) {
			char bad[CODE_LENGTH + 1];

			row("%s, places %d and %d changed", good, i, j);
			memcpy(bad, good, sizeof(bad));
			bad[i] = good[j];
			bad[j] = good[i];
			ROW_INT(code_read(str_of(bad), out),
				bad[i] == bad[j] ? 0 : -1);
		}
	}
	rows_done();
}

/* --- use ------------------------------------------------------------------------ */

static const struct {
	const char *label, *sql;
	enum code_verdict want;
} verdicts[] = {
	{ "a good one", "", CODE_OK },
	{ "used", "UPDATE code SET used_ms = 1", CODE_USED },
	{ "expired", "UPDATE code SET expires_ms = 1", CODE_EXPIRED },
	{ "disabled", "UPDATE code SET enabled = 0", CODE_DISABLED },
	{ "used and disabled", "UPDATE code SET enabled = 0, used_ms = 1",
	  CODE_USED },
	{ "not there", "DELETE FROM code", CODE_UNKNOWN },
};

static void reasons_are_for_administrators_only(void **state)
{
	char said[sizeof(((struct err *)0)->msg)] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct code c = { .name = "spring", .amount_nusd = 5 };
		char text[1][CODE_TEXT];
		struct fixture fx;
		enum code_verdict why;
		bool good = verdicts[i].want == CODE_OK;

		row("%s", verdicts[i].label);
		make(&fx, &c, 1, text);
		MUST(&fx, db_exec(fx.db, verdicts[i].sql, &fx.e));
		ROW_INT(redeem(&fx, text[0], &why) > 0, good);
		ROW_INT(why, verdicts[i].want);
		ROW_INT(fixture_int(&fx, "balance"), good ? 5 : 0);
		ROW_TRUE(strlen(code_why(why)) > 3);
		if (!good && *said)
			ROW_STR(fx.e.msg, said); /* one for all of them */
		if (!good)
			snprintf(said, sizeof(said), "%s", fx.e.msg);
		err_clear(&fx.e);
		if (good)
			ROW_INT(redeem(&fx, text[0], &why), -1);
		ROW_INT(fixture_int(&fx, "balance"), good ? 5 : 0);
		err_clear(&fx.e);
		fixture_release(&fx);
	}
	rows_done();
}

static void a_batch_is_made_listed_and_disabled(void **state)
{
	struct code c = { .name = "spring",
			  .amount_nusd = 7,
			  .actor = "cli:test" };
	char text[10][CODE_TEXT];
	struct code *list;
	struct fixture fx;
	enum code_verdict why;

	(void)state;
	make(&fx, &c, 10, text);
	assert_int_equal(
		history_int(&fx, "SELECT count(DISTINCT hash) FROM code"), 10);
	assert_true(redeem(&fx, text[3], &why) > 0);
	assert_int_equal(
		code_list(fx.db, "spring", NULL, &list, &fx.arena, &fx.e), 10);
	assert_string_equal(list[0].state, "open");
	assert_string_equal(list[6].state, "used");
	assert_string_equal(list[6].user, "ann");
	assert_true(list[6].txn_id > 0);
	assert_int_equal(strncmp(list[6].hint, text[3], 2), 0);
	assert_int_equal(strlen(list[6].hint), 7);
	assert_int_equal(
		code_list(fx.db, NULL, "used", &list, &fx.arena, &fx.e), 1);
	assert_int_equal(code_disable(fx.db, NULL, 1, &fx.e), 1);
	assert_int_equal(code_disable(fx.db, "spring", 0, &fx.e), 9);
	assert_int_equal(redeem(&fx, text[5], &why), -1);
	err_clear(&fx.e);
	assert_int_equal(code_disable(fx.db, "autumn", 0, &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	err_clear(&fx.e);
	assert_int_equal(code_disable(fx.db, NULL, 4, &fx.e), 0); /* used */
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

static const struct {
	const char *label;
	struct code c;
	int n;
} wrong[] = {
	{ "no name", { .name = "", .amount_nusd = 1 }, 1 },
	{ "worth nothing", { .name = "x", .amount_nusd = 0 }, 1 },
	{ "worth less", { .name = "x", .amount_nusd = -1 }, 1 },
	{ "none", { .name = "x", .amount_nusd = 1 }, 0 },
	{ "too many", { .name = "x", .amount_nusd = 1 }, CODE_BATCH + 1 },
};

static void a_wrong_batch_is_not_made(void **state)
{
	static char text[CODE_BATCH + 1][CODE_TEXT];
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		row("%s", wrong[i].label);
		ROW_INT(code_create(fx.db, &wrong[i].c, wrong[i].n, text,
				    &fx.e),
			-1);
		ROW_INT(fx.e.code, ERR_VALUE);
		err_clear(&fx.e);
	}
	fixture_release(&fx);
	rows_done();
}

/* --- many at once ----------------------------------------------------------------- */

/* Exits with 1 where it won, 0 where it came too late, else 2. */
static int race(struct fixture *fx, int start, const char *typed)
{
	enum code_verdict why;
	char go;

	fx->db = db_open(fx->path, DB_WRITE, false, &fx->e);
	if (!fx->db)
		return 2;
	db_busy_ms(fx->db, 60000);
	if (read(start, &go, 1) != 0) /* until the parent closes it */
		return 2;
	if (redeem(fx, typed, &why) > 0)
		return 1;
	return why == CODE_USED ? 0 : 2;
}

static void of_many_redeemers_one_wins(void **state)
{
	struct code c = { .name = "spring", .amount_nusd = 5 };
	char text[1][CODE_TEXT];
	int gate[2], status, wins = 0, late = 0;
	pid_t pids[RACERS];
	struct fixture fx;

	(void)state;
	make(&fx, &c, 1, text);
	db_close(fx.db); /* no connection goes through a fork */
	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			close(gate[1]);
			_exit(race(&fx, gate[0], text[0]));
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		wins += WEXITSTATUS(status) == 1;
		late += WEXITSTATUS(status) == 0;
	}
	fx.db = fixture_open(&fx, DB_WRITE);
	assert_int_equal(wins, 1);
	assert_int_equal(late, RACERS - 1);
	assert_int_equal(fixture_int(&fx, "balance"), 5);
	assert_int_equal(history_int(&fx,
				     "SELECT count(*) FROM txn WHERE kind = "
				     "'redeem'"),
			 1);
	assert_string_equal(fixture_audit(&fx), "");
	fixture_release(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_typed_is_read),
		cmocka_unit_test(each_wrong_character_is_seen),
		cmocka_unit_test(reasons_are_for_administrators_only),
		cmocka_unit_test(a_batch_is_made_listed_and_disabled),
		cmocka_unit_test(a_wrong_batch_is_not_made),
		cmocka_unit_test(of_many_redeemers_one_wins),
	};

	crypto_start();
	return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
