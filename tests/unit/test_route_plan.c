/* test_route_plan.c - which channels may serve, in which order. */
#include "route_world.h"

#define ROUNDS 20000

static int plan(struct world *w, const char *group, int64_t channel,
		struct candidate **out, struct err *e)
{
	struct route_ask ask = { .model = STR("m1"),
				 .group = group,
				 .channel_id = channel };
	struct route r;
	int n = route_plan(&w->book, &ask, NULL, &w->arena, &r, e);

	*out = r.candidates;
	return n;
}

/* Ids of the candidates: "1 3 ". */
static const char *ids(const struct candidate *c, int n, char *out)
{
	char *to = out;

	*to = '\0';
	for (int i = 0; i < n; i++)
		to += snprintf(to, 8, "%d ", (int)c[i].channel->id);
	return out;
}

static const struct {
	const char *label;
	struct seat seats[SEATS];
	const char *group;
	int64_t channel;
	const char *want;
} plans[] = {
	{ "highest priority first",
	  { { 9, 1, NULL, false, 1 },
	    { 5, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 } },
	  "default",
	  0,
	  "1 2 3 " },
	{ "not the unusable",
	  { { 9, 1, NULL, true, 1 },
	    { 5, 1, NULL, false, 1 },
	    { 1, 1, NULL, true, 1 } },
	  "default",
	  0,
	  "2 " },
	{ "of the group",
	  { { 9, 1, "vip", false, 1 },
	    { 5, 1, "default,vip", false, 1 },
	    { 1, 1, "default", false, 1 } },
	  "vip",
	  0,
	  "1 2 " },
	{ "blanks around a group",
	  { { 9, 1, " vip , default ", false, 1 },
	    { 5, 1, "default", false, 1 },
	    { 1, 1, "vip", false, 1 } },
	  "vip",
	  0,
	  "1 3 " },
	{ "a part of a group's name is none",
	  { { 9, 1, "vips", false, 1 },
	    { 5, 1, "vi", false, 1 },
	    { 1, 1, "vip", false, 1 } },
	  "vip",
	  0,
	  "3 " },
	{ "another case is another group",
	  { { 9, 1, "VIP", false, 1 },
	    { 5, 1, "vip", false, 1 },
	    { 1, 1, "", false, 1 } },
	  "vip",
	  0,
	  "2 " },
	{ "pinned",
	  { { 9, 1, NULL, false, 1 },
	    { 5, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 } },
	  "default",
	  2,
	  "2 " },
	{ "pinned, and unusable",
	  { { 9, 1, NULL, false, 1 },
	    { 5, 1, NULL, true, 1 },
	    { 1, 1, NULL, false, 1 } },
	  "default",
	  2,
	  "" },
	{ "pinned, of another group",
	  { { 9, 1, NULL, false, 1 },
	    { 5, 1, "vip", false, 1 },
	    { 1, 1, NULL, false, 1 } },
	  "default",
	  2,
	  "" },
	{ "pinned, and does not serve it",
	  { { 9, 1, NULL, false, 1 },
	    { 5, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 } },
	  "default",
	  7,
	  "" },
};

static void only_those_that_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plans); i++) {
		struct candidate *c = NULL;
		struct err e = { 0 };
		struct world w;
		char got[64];
		int n;

		row("%s", plans[i].label);
		open_world(&w, plans[i].seats, 3);
		n = plan(&w, plans[i].group, plans[i].channel, &c, &e);
		ROW_STR(ids(c, MAX(n, 0), got), plans[i].want);
		ROW_INT(e.code, *plans[i].want ? ERR_NONE : ERR_NO_CHANNEL);
		ROW_TRUE(n < 0 || !strcmp(c[0].model, "up"));
		arena_release(&w.arena);
	}
	rows_done();
}

/* How often each of the two is drawn first. */
static void draw_often(const struct seat *seats, int first[2])
{
	int wrong = 0;
	struct world w;

	first[0] = first[1] = 0;
	open_world(&w, seats, 2);
	for (int i = 0; i < ROUNDS; i++) {
		struct candidate *c = NULL;
		struct err e = { 0 };

		wrong += plan(&w, "default", 0, &c, &e) != 2 ||
			 c[0].channel == c[1].channel;
		first[c[0].channel->id - 1]++;
	}
	ROW_INT(wrong, 0);
	arena_release(&w.arena);
}

/* How often each is first, in percent, within two. */
static void inside_a_priority_weight_draws(void **state)
{
	static const struct {
		const char *label;
		struct seat seats[SEATS];
		int first[SEATS]; /* percent */
	} rows[] = {
		{ "alike",
		  { { 1, 1, NULL, false, 1 }, { 1, 1, NULL, false, 1 } },
		  { 50, 50 } },
		{ "three to one",
		  { { 1, 3, NULL, false, 1 }, { 1, 1, NULL, false, 1 } },
		  { 75, 25 } },
		{ "0 is next to nothing",
		  { { 1, 0, NULL, false, 1 }, { 1, 1, NULL, false, 1 } },
		  { 0, 100 } },
		{ "0 alike",
		  { { 1, 0, NULL, false, 1 }, { 1, 0, NULL, false, 1 } },
		  { 50, 50 } },
		{ "priority before weight",
		  { { 2, 1, NULL, false, 1 }, { 1, 1000, NULL, false, 1 } },
		  { 100, 0 } },
		{ "very heavy",
		  { { 1, INT32_MAX, NULL, false, 1 },
		    { 1, INT32_MAX, NULL, false, 1 } },
		  { 50, 50 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int first[2];

		row("%s", rows[i].label);
		draw_often(rows[i].seats, first);
		for (int k = 0; k < 2; k++)
			ROW_TRUE(abs(first[k] * 100 / ROUNDS -
				     rows[i].first[k]) <= 2);
	}
	rows_done();
}

static void the_keys_of_a_channel_take_turns(void **state)
{
	static const struct seat seat = { 1, 1, NULL, false, 4 };
	int used[4] = { 0 };
	struct err e = { 0 };
	struct world w;

	(void)state;
	row("four keys");
	open_world(&w, &seat, 1);
	for (int i = 0; i < ROUNDS; i++) {
		struct candidate *c = NULL;

		ROW_INT(plan(&w, "default", 0, &c, &e), 4);
		used[c[0].key->id - 10]++;
	}
	for (int i = 0; i < 4; i++)
		ROW_TRUE(abs(used[i] * 100 / ROUNDS - 25) <= 2);
	arena_release(&w.arena);
	rows_done();
}

static void an_unknown_model_is_told_apart(void **state)
{
	static const struct seat seat = { 1, 1, NULL, true, 1 };
	struct route_ask ask = { .model = STR("m2"), .group = "default" };
	struct route r;
	struct candidate *c = NULL;
	struct err e = { 0 };
	struct world w;

	(void)state;
	open_world(&w, &seat, 1);
	row("unknown");
	ROW_INT(route_plan(&w.book, &ask, NULL, &w.arena, &r, &e), -1);
	ROW_INT(e.code, ERR_MODEL);
	ROW_STR(e.param, "model");
	row("known, and nobody there");
	err_clear(&e);
	ROW_INT(plan(&w, "default", 0, &c, &e), -1);
	ROW_INT(e.code, ERR_NO_CHANNEL);
	arena_release(&w.arena);
	rows_done();
}

static void a_comma_list_has_names(void **state)
{
	static const struct {
		const char *list, *name;
		bool want;
	} rows[] = {
		{ "a", "a", true },         { "a,b", "b", true },
		{ " a ,\tb ", "b", true },  { "a,,b", "b", true },
		{ "ab", "a", false },       { "a", "ab", false },
		{ "", "a", false },         { "a,b", "c", false },
		{ "A", "a", false },        { "a b", "a", false },
		{ "a/b:c", "a/b:c", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		row("\"%s\" has \"%s\"", rows[i].list, rows[i].name);
		ROW_INT(book_on_list(rows[i].list, str_of(rows[i].name)),
			rows[i].want);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_those_that_may),
		cmocka_unit_test(inside_a_priority_weight_draws),
		cmocka_unit_test(the_keys_of_a_channel_take_turns),
		cmocka_unit_test(an_unknown_model_is_told_apart),
		cmocka_unit_test(a_comma_list_has_names),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
