/* test_price.c - the price book: its lines, and what it was before it had
 * them. */
#include "fixture.h"

#include "policy/bill.h"
#include "sql.h"
#include "store/grp.h"
#include "store/price.h"

#define AT(name, price)                        \
	{                                      \
		0, LINE_##name, "", 0, (price) \
	}

/* --- lines ------------------------------------------------------------------ */

static void lines_come_back_as_they_were(void **state)
{
	const struct price_line lines[] = {
		{ 0, LINE_image, "1x1/high", 0, 7 },
		{ 0, LINE_output, "", 200001, 30 },
		{ 0, LINE_output, "", 0, 20 },
		{ 0, LINE_input, "", 0, 0 },
	};
	struct price p = { .model = "m",
			   .from_ms = 5,
			   .context_tok = 8,
			   .max_output_tok = 4,
			   .reserve_output_tok = 2,
			   .batch_ppm = 500000,
			   .flex_ppm = 600000,
			   .priority_ppm = 2000000,
			   .note = "n",
			   .actor = "who",
			   .lines = lines,
			   .n_lines = 4 };
	struct fixture fx;
	struct price got;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, price_set(fx.db, &p, &fx.e));
	assert_int_equal(price_at(fx.db, "m", 5, &got, &fx.arena, &fx.e), 1);
	ROW_INT(got.reserve_output_tok, 2);
	ROW_INT(got.batch_ppm, 500000);
	ROW_INT(got.flex_ppm, 600000);
	ROW_INT(got.priority_ppm, 2000000);
	ROW_STR(got.note, "n");
	ROW_STR(got.actor, "who");
	assert_int_equal(got.n_lines, 4);
	ROW_INT(got.lines[0].line, LINE_input);
	ROW_INT(got.lines[1].nusd, 20);
	ROW_INT(got.lines[2].from_tok, 200001);
	ROW_STR(got.lines[3].variant, "1x1/high");
	ROW_INT(price_of(&got, LINE_output), 20);
	ROW_INT(price_of(&got, LINE_image), -1);
	fixture_release(&fx);
	rows_done();
}

static void a_line_twice_sets_nothing(void **state)
{
	const struct price_line lines[] = { AT(input, 1), AT(input, 2) };
	struct price p = { .model = "m", .lines = lines, .n_lines = 2 };
	struct price *rows;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	assert_int_equal(price_set(fx.db, &p, &fx.e), -1);
	err_clear(&fx.e);
	assert_int_equal(price_history(fx.db, "m", &rows, &fx.arena, &fx.e), 0);
	assert_false(db_in_txn(fx.db));
	fixture_release(&fx);
}

static void what_is_set_stays(void **state)
{
	static const char *const refused[] = {
		"UPDATE price_line SET nusd = 0",
		"DELETE FROM price_line",
		"UPDATE price SET batch_ppm = 1",
		"DELETE FROM price",
		"INSERT INTO price_line VALUES (1, 'output', '', 0, -1)",
		"INSERT INTO price_line VALUES (1, 'output', '', -1, 1)",
		"INSERT INTO price_line VALUES (1, 'input', '', 0, 1)",
	};
	const struct price_line line = AT(input, 1);
	struct price p = { .model = "m", .lines = &line, .n_lines = 1 };
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, price_set(fx.db, &p, &fx.e));
	for (size_t i = 0; i < COUNT(refused); i++) {
		row("%s", refused[i]);
		ROW_INT(db_exec(fx.db, refused[i], &fx.e), -1);
		err_clear(&fx.e);
	}
	fixture_release(&fx);
	rows_done();
}

static void a_line_of_a_newer_version_is_not_guessed(void **state)
{
	struct price p = { .model = "m", .free = true }, got;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	MUST(&fx, price_set(fx.db, &p, &fx.e));
	MUST(&fx,
	     db_exec(fx.db,
		     "INSERT INTO price_line VALUES (1, 'smell', '', 0, 1)",
		     &fx.e));
	assert_int_equal(price_get(fx.db, 1, &got, &fx.arena, &fx.e), -1);
	assert_non_null(strstr(fx.e.msg, "smell"));
	fixture_release(&fx);
}

static void names_are_those_of_lines(void **state)
{
	(void)state;
	for (int l = 0; l < LINE__COUNT; l++) {
		const struct line_info *info = line_info((enum line)l);

		row("%s", info->name);
		ROW_INT(line_named(str_of(info->name)), l);
		ROW_TRUE(line_unit((enum line)l)->per > 0);
		/* a part has the unit and the tiers of its whole */
		if (info->part_of != LINE_none) {
			ROW_INT(line_info(info->part_of)->unit, info->unit);
			ROW_INT(line_info(info->part_of)->part_of, LINE_none);
			ROW_INT(line_info(info->part_of)->tiered, info->tiered);
		}
		for (size_t i = 0; i < COUNT(info->els); i++)
			if (info->els[i] != LINE_none)
				ROW_INT(line_info(info->els[i])->unit,
					info->unit);
	}
	ROW_INT(line_named(STR("smell")), LINE_none);
	rows_done();
}

/* --- groups ----------------------------------------------------------------- */

static void groups_have_a_factor(void **state)
{
	struct grp g = { .name = "default", .factor_ppm = 1200000 }, *rows;
	struct fixture fx;

	(void)state;
	fixture_init(&fx, ":memory:");
	fixture_user(&fx, 0, -1);
	MUST(&fx, grp_set(fx.db, &g, &fx.e));
	g.factor_ppm = 0;
	g.note = "free for all";
	MUST(&fx, grp_set(fx.db, &g, &fx.e));
	assert_int_equal(grp_list(fx.db, &rows, &fx.arena, &fx.e), 1);
	assert_int_equal(rows[0].factor_ppm, 0);
	assert_int_equal(rows[0].n_users, 1);
	assert_string_equal(rows[0].note, "free for all");
	g.factor_ppm = -1;
	assert_int_equal(grp_set(fx.db, &g, &fx.e), -1);
	err_clear(&fx.e);
	g.factor_ppm = GRP_FACTOR_MAX + 1;
	assert_int_equal(grp_set(fx.db, &g, &fx.e), -1);
	err_clear(&fx.e);
	MUST(&fx, grp_remove(fx.db, "default", &fx.e));
	assert_int_equal(grp_remove(fx.db, "default", &fx.e), -1);
	assert_int_equal(fx.e.code, ERR_NOT_FOUND);
	fixture_release(&fx);
}

/* --- from the first schema ---------------------------------------------------- */

static const char old_prices[] =
	"PRAGMA user_version = 1;"
	"INSERT INTO price (id, model, from_ms, input_nusd, cached_nusd,"
	" output_nusd, free, context_tok, max_output_tok, note) VALUES"
	" (1, 'a', 100, 150000000, 75000000, 600000000, 0, 128000, 16384, 'x'),"
	" (2, 'a', 200, 100000000, 100000000, 400000000, 0, 0, 0, ''),"
	" (3, 'b', 100, 0, 0, 0, 1, 0, 0, 'free'),"
	" (4, 'e', 100, 20000000, 20000000, 0, 0, 0, 0, '');";

/* As the first version charged. */
static int64_t old_cost(int64_t in, int64_t cached, int64_t out,
			const int64_t nusd[3])
{
	return (in * nusd[0] + 999999) / 1000000 +
	       (cached * nusd[1] + 999999) / 1000000 +
	       (out * nusd[2] + 999999) / 1000000;
}

static void check_old(struct fixture *fx, int64_t id, const int64_t nusd[3])
{
	struct book_price bp;
	struct usage u;
	struct price p;

	row("price %lld", (long long)id);
	MUST(fx, price_get(fx->db, id, &p, &fx->arena, &fx->e));
	ROW_INT(price_of(&p, LINE_input), nusd[0]);
	ROW_INT(price_of(&p, LINE_cache_read), nusd[1]);
	ROW_INT(price_of(&p, LINE_output), nusd[2]);
	ROW_INT(p.channel_id, 0);
	bp = (struct book_price){ .id = id,
				  .lines = p.lines,
				  .n_lines = p.n_lines };
	usage_init(&u);
	u.in_tok = 1234;
	u.cache_read_tok = 567;
	u.out_tok = 89;
	ROW_INT(bill_cost(&bp, &u, PPM), old_cost(1234, 567, 89, nusd));
}

static void old_prices_keep_their_meaning(void **state)
{
	static const int64_t a1[] = { 150000000, 75000000, 600000000 },
			     a2[] = { 100000000, 100000000, 400000000 },
			     e1[] = { 20000000, 20000000, 0 };
	struct fixture fx = { .path = ":memory:" };
	struct price p, *rows;

	(void)state;
	arena_init(&fx.arena);
	fx.db = fixture_open(&fx, DB_TOOL);
	MUST(&fx, db_exec(fx.db, sql_schema[0].text, &fx.e));
	MUST(&fx, db_exec(fx.db, old_prices, &fx.e));
	assert_int_equal(db_migrate(fx.db, &fx.e), 1);
	assert_int_equal(db_schema(fx.db, &fx.e), SQL_SCHEMA_VERSION);
	check_old(&fx, 1, a1);
	check_old(&fx, 2, a2);
	check_old(&fx, 4, e1);

	row("which counts when");
	ROW_INT(price_at(fx.db, "a", 99, &p, &fx.arena, &fx.e), 0);
	ROW_INT(price_at(fx.db, "a", 199, &p, &fx.arena, &fx.e), 1);
	ROW_INT(p.id, 1);
	ROW_INT(p.context_tok, 128000);
	ROW_INT(p.max_output_tok, 16384);
	ROW_STR(p.note, "x");
	ROW_INT(price_at(fx.db, "a", 200, &p, &fx.arena, &fx.e), 1);
	ROW_INT(p.id, 2);
	ROW_INT(price_history(fx.db, "a", &rows, &fx.arena, &fx.e), 2);

	row("free");
	ROW_INT(price_at(fx.db, "b", 200, &p, &fx.arena, &fx.e), 1);
	ROW_TRUE(p.free);
	ROW_INT(p.n_lines, 0);
	ROW_STR(fixture_audit(&fx), "");
	fixture_release(&fx);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_as_they_were),
		cmocka_unit_test(a_line_twice_sets_nothing),
		cmocka_unit_test(what_is_set_stays),
		cmocka_unit_test(a_line_of_a_newer_version_is_not_guessed),
		cmocka_unit_test(names_are_those_of_lines),
		cmocka_unit_test(groups_have_a_factor),
		cmocka_unit_test(old_prices_keep_their_meaning),
	};

	return cmocka_run_group_tests_name("price", tests, NULL, NULL);
}
