/* test_who.c - whose key it is, and whether it may. */
#include "fixture.h"

#include "crypto/key.h"
#include "policy/who.h"

#define NOW_MS 1000000

struct world {
	struct fixture fx;
	char key[KEY_TEXT], header[KEY_TEXT + 32];
	int64_t token;
};

/* What stands against a key, in the order in which it is looked at. */
enum fault {
	OFF = BIT(0),
	EXPIRED = BIT(1),
	OWNER_OFF = BIT(2),
	ELSEWHERE = BIT(3),
};

static void open_world(struct world *w, unsigned int faults)
{
	struct token t = { .name = "k2", .hint = "sk-..", .limit_nusd = -1 };
	struct user_change off = USER_KEEP;
	uint8_t hash[TOKEN_HASH];

	fixture_init(&w->fx, ":memory:");
	fixture_user(&w->fx, USD, -1);
	key_hash(str_of(key_new(w->key)), hash);
	snprintf(w->header, sizeof(w->header), "Bearer %s", w->key);
	t.user_id = w->fx.user;
	t.expires_ms = faults & EXPIRED ? NOW_MS : NOW_MS + 1;
	t.cidrs = faults & ELSEWHERE ? "10.0.0.0/8" : "192.0.2.0/24";
	w->token = token_add(w->fx.db, &t, hash, &w->fx.e);
	MUST(&w->fx, w->token);
	if (faults & OFF)
		MUST(&w->fx, token_enable(w->fx.db, w->token, false, &w->fx.e));
	off.enabled = 0;
	if (faults & OWNER_OFF)
		MUST(&w->fx, user_set(w->fx.db, w->fx.user, &off, &w->fx.e));
}

static int check(struct world *w, const char *header, const char *address,
		 struct token *t, struct err *e)
{
	return who_check(w->fx.db, str_of(header), str_of(address), NOW_MS, t,
			 &w->fx.arena, e);
}

static void checks_come_in_order(void **state)
{
	static const struct {
		const char *label;
		unsigned int faults;
		enum err_code code;
		const char *says;
	} rows[] = {
		{ "good", 0, ERR_NONE, "" },
		{ "disabled", OFF, ERR_BAD_KEY, "disabled" },
		{ "expired", EXPIRED, ERR_BAD_KEY, "expired" },
		{ "owner disabled", OWNER_OFF, ERR_ACCOUNT_OFF, "deactivated" },
		{ "another address", ELSEWHERE, ERR_ADDRESS, "address" },
		{ "all", OFF | EXPIRED | OWNER_OFF | ELSEWHERE, ERR_BAD_KEY,
		  "disabled" },
		{ "all but disabled", EXPIRED | OWNER_OFF | ELSEWHERE,
		  ERR_BAD_KEY, "expired" },
		{ "the last two", OWNER_OFF | ELSEWHERE, ERR_ACCOUNT_OFF,
		  "deactivated" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct world w;
		struct token t;

		row("%s", rows[i].label);
		open_world(&w, rows[i].faults);
		ROW_INT(check(&w, w.header, "192.0.2.7", &t, &e),
			rows[i].code ? -1 : 0);
		ROW_INT(e.code, rows[i].code);
		ROW_TRUE(strstr(e.msg, rows[i].says));
		ROW_TRUE(!strstr(e.msg, "10.0.0.0"));
		ROW_INT(t.id, w.token); /* known, whatever is wrong with it */
		fixture_release(&w.fx);
	}
	rows_done();
}

static void a_header_is_read_strictly(void **state)
{
	static const struct {
		const char *label, *before, *after;
		enum err_code code;
	} rows[] = {
		{ "as it is", "Bearer ", "", ERR_NONE },
		{ "the scheme in any case", "bEARER ", "", ERR_NONE },
		{ "no scheme", "", "", ERR_BAD_KEY },
		{ "another scheme", "Basic ", "", ERR_BAD_KEY },
		{ "two keys", "Bearer a ", "", ERR_BAD_KEY },
		{ "more", "Bearer ", " x", ERR_BAD_KEY },
		{ "a letter more", "Bearer ", "x", ERR_BAD_KEY },
		{ "a control byte", "Bearer ", "\x01", ERR_BAD_KEY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char header[200];
		struct err e = { 0 };
		struct world w;
		struct token t;

		row("%s", rows[i].label);
		open_world(&w, 0);
		snprintf(header, sizeof(header), "%s%s%s", rows[i].before,
			 w.key, rows[i].after);
		check(&w, header, "192.0.2.7", &t, &e);
		ROW_INT(e.code, rows[i].code);
		ROW_INT(t.id, rows[i].code ? 0 : w.token);
		ROW_TRUE(!strstr(e.msg, w.key));
		fixture_release(&w.fx);
	}
	rows_done();
}

static void no_key_and_an_unknown_key_differ(void **state)
{
	char typo[KEY_TEXT + 32];
	struct err e = { 0 };
	struct world w;
	struct token t;

	(void)state;
	open_world(&w, 0);
	row("none");
	ROW_INT(check(&w, "", "192.0.2.7", &t, &e), -1);
	ROW_INT(e.code, ERR_NO_KEY);

	row("a typing error");
	err_clear(&e);
	snprintf(typo, sizeof(typo), "%s", w.header);
	typo[20] = typo[20] == 'a' ? 'b' : 'a';
	ROW_INT(check(&w, typo, "192.0.2.7", &t, &e), -1);
	ROW_INT(e.code, ERR_BAD_KEY);
	ROW_TRUE(strstr(e.msg, "typing error"));

	row("unknown");
	err_clear(&e);
	snprintf(typo, sizeof(typo), "Bearer %s", key_new(w.key));
	ROW_INT(check(&w, typo, "192.0.2.7", &t, &e), -1);
	ROW_INT(e.code, ERR_BAD_KEY);
	ROW_TRUE(!strstr(e.msg, "typing error"));

	row("an address that is none");
	err_clear(&e);
	ROW_INT(check(&w, w.header, "", &t, &e), -1);
	fixture_release(&w.fx);
	rows_done();
}

static void a_key_has_its_models(void **state)
{
	static const struct {
		const char *models, *model;
		enum err_code code;
	} rows[] = {
		{ "", "anything", ERR_NONE },
		{ "m1,m2", "m2", ERR_NONE },
		{ "m1,m2", "m3", ERR_MODEL_FORBIDDEN },
		{ "m1", "m", ERR_MODEL_FORBIDDEN },
		{ "m1", "M1", ERR_MODEL_FORBIDDEN },
		{ "m1", "", ERR_MODEL_FORBIDDEN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct token t = { .models = rows[i].models };
		struct err e = { 0 };

		row("\"%s\" and \"%s\"", rows[i].models, rows[i].model);
		who_may_use(&t, str_of(rows[i].model), &e);
		ROW_INT(e.code, rows[i].code);
	}
	rows_done();
}

static void money_is_the_key_s_and_the_account_s(void **state)
{
	static const struct {
		const char *label;
		struct token t;
		const char *says;
	} rows[] = {
		{ "plenty", { .limit_nusd = -1, .balance_nusd = 1 }, NULL },
		{ "none", { .limit_nusd = -1 }, "balance" },
		{ "all held",
		  { .limit_nusd = -1,
		    .balance_nusd = 5,
		    .account_held_nusd = 5 },
		  "balance" },
		{ "at the floor",
		  { .limit_nusd = -1, .balance_nusd = 5, .floor_nusd = 5 },
		  "balance" },
		{ "a floor below zero",
		  { .limit_nusd = -1, .balance_nusd = -4, .floor_nusd = -5 },
		  NULL },
		{ "the key's limit",
		  { .limit_nusd = 5, .used_nusd = 5, .balance_nusd = 9 },
		  "limit" },
		{ "the key's limit, held",
		  { .limit_nusd = 5,
		    .used_nusd = 3,
		    .held_nusd = 2,
		    .balance_nusd = 9 },
		  "limit" },
		{ "a limit of nothing",
		  { .limit_nusd = 0, .balance_nusd = 9 },
		  "limit" },
		{ "the key may, the account cannot",
		  { .limit_nusd = 5, .balance_nusd = 0 },
		  "balance" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };

		row("%s", rows[i].label);
		ROW_INT(who_has_money(&rows[i].t, 250000000, &e),
			rows[i].says ? -1 : 0);
		ROW_INT(e.code, rows[i].says ? ERR_NO_FUNDS : ERR_NONE);
		ROW_TRUE(!rows[i].says || strstr(e.msg, rows[i].says));
		ROW_TRUE(!rows[i].says || strstr(e.msg, "may cost $0.25"));
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_come_in_order),
		cmocka_unit_test(a_header_is_read_strictly),
		cmocka_unit_test(no_key_and_an_unknown_key_differ),
		cmocka_unit_test(a_key_has_its_models),
		cmocka_unit_test(money_is_the_key_s_and_the_account_s),
	};

	return cmocka_run_group_tests_name("who", tests, NULL, NULL);
}
