/* test_route_reasons.c - why a channel or key is tried or not; shares, turns,
 * conversations. */
#include "route_world.h"

#include <stdatomic.h>

/* --- reasons -------------------------------------------------------------------- */

/* Ids that are ill, or full, and for how long. */
struct ills {
	struct {
		enum health_of of;
		int64_t id;
		enum health_state state;
		int64_t wait_ms;
		int why;
	} health[4];
	int64_t full_channel, full_key;
};

static void health(void *arg, enum health_of of, int64_t id,
		   struct health_view *v)
{
	const struct ills *ills = arg;

	for (size_t i = 0; i < COUNT(ills->health); i++)
		if (ills->health[i].of == of && ills->health[i].id == id)
			*v = (struct health_view){
				.state = ills->health[i].state,
				.failures = 1,
				.why = ills->health[i].why,
				.wait_ms = ills->health[i].wait_ms
			};
}

static bool room(void *arg, const struct meter_ask *ask, int64_t tokens,
		 int64_t *wait_ms)
{
	const struct ills *ills = arg;

	(void)tokens;
	*wait_ms = 7000;
	return (int64_t)ask->who !=
	       (ask->of == METER_CHANNEL ? ills->full_channel : ills->full_key);
}

/* "1.10:taken 2:cooling": channel, key, why. */
static const char *told(const struct route *r, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (int i = 0; i < r->n_rows; i++) {
		const struct route_row *row = &r->rows[i];

		n += (size_t)snprintf(out + n, size - n, "%s%d", i ? " " : "",
				      (int)row->channel->id);
		if (row->key)
			n += (size_t)snprintf(out + n, size - n, ".%d",
					      (int)row->key->id);
		n += (size_t)snprintf(out + n, size - n, ":%s",
				      route_why_name(row->why));
	}
	return out;
}

static const struct {
	const char *label;
	struct seat seats[SEATS];
	struct ills ills;
	int64_t pinned;
	const char *named;
	const char *want;
	enum err_code code;
	int64_t wait_ms;
} reasons[] = {
	{ "all is well",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 2 },
	    { 0, 1, NULL, false, 1 } },
	  { .full_key = 0 },
	  0,
	  NULL,
	  "1.10:taken 2.20:lower 3.30:lower 2.21:other_key",
	  ERR_NONE,
	  -1 },
	{ "the first cools down",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, true, 1 } },
	  { .health = { { HEALTH_CHANNEL, 1, HEALTH_COOLING, 900,
			  ERR_UP_STATUS } } },
	  0,
	  NULL,
	  "2.20:taken 1:cooling 3:disabled",
	  ERR_NONE,
	  -1 },
	{ "a key fails alone",
	  { { 2, 1, NULL, false, 2 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, "vip", false, 1 } },
	  { .health = { { HEALTH_KEY, 10, HEALTH_COOLING, 900,
			  ERR_UP_RATE } } },
	  0,
	  NULL,
	  "1.11:taken 2.20:lower 1.10:cooling 3:group",
	  ERR_NONE,
	  -1 },
	{ "half open is tried",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, false, 1 } },
	  { .health = { { HEALTH_KEY, 10, HEALTH_TRY, 0, ERR_UP_RATE } } },
	  0,
	  NULL,
	  "1.10:taken 2.20:lower 3.30:lower",
	  ERR_NONE,
	  -1 },
	{ "all are busy",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, true, 1 } },
	  { .health = { { HEALTH_KEY, 10, HEALTH_COOLING, 900, ERR_UP_RATE },
			{ HEALTH_CHANNEL, 2, HEALTH_COOLING, 500,
			  ERR_UP_RATE } } },
	  0,
	  NULL,
	  "1.10:cooling 2:cooling 3:disabled",
	  ERR_UP_RATE,
	  500 },
	{ "all are ill or busy",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, true, 1 } },
	  { .health = { { HEALTH_KEY, 10, HEALTH_COOLING, 900, ERR_UP_RATE },
			{ HEALTH_CHANNEL, 2, HEALTH_COOLING, 500,
			  ERR_UP_TIMEOUT } } },
	  0,
	  NULL,
	  "1.10:cooling 2:cooling 3:disabled",
	  ERR_NO_CHANNEL,
	  500 },
	{ "a channel at its limit, and a key",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 2 },
	    { 0, 1, NULL, false, 1 } },
	  { .full_channel = 1, .full_key = 20 },
	  0,
	  NULL,
	  "2.21:taken 3.30:lower 1:limit 2.20:limit",
	  ERR_NONE,
	  -1 },
	{ "pinned by the token",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, false, 1 } },
	  { .full_key = 0 },
	  2,
	  NULL,
	  "2.20:taken 1:pinned 3:pinned",
	  ERR_NONE,
	  -1 },
	{ "named by an administrator, of any group",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, "vip", false, 1 } },
	  { .full_key = 0 },
	  0,
	  "c3",
	  "3.30:taken 1:pinned 2:pinned",
	  ERR_NONE,
	  -1 },
	{ "named by its id",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, false, 1 } },
	  { .full_key = 0 },
	  0,
	  "2",
	  "2.20:taken 1:pinned 3:pinned",
	  ERR_NONE,
	  -1 },
	{ "named, and another one pinned",
	  { { 2, 1, NULL, false, 1 },
	    { 1, 1, NULL, false, 1 },
	    { 0, 1, NULL, false, 1 } },
	  { .full_key = 0 },
	  1,
	  "2",
	  "1:pinned 2:pinned 3:pinned",
	  ERR_NO_CHANNEL,
	  -1 },
	{ "named, and not there",
	  { { 2, 1, NULL, false, 1 } },
	  { .full_key = 0 },
	  0,
	  "c9",
	  "",
	  ERR_VALUE,
	  -1 },
};

static void every_candidate_has_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reasons); i++) {
		struct ills ills = reasons[i].ills;
		const struct route_world world = { &ills, health, room, NULL,
						   NULL };
		struct route_ask ask = { .model = STR("m1"),
					 .group = "default",
					 .channel_id = reasons[i].pinned };
		struct err e = { 0 };
		struct route r;
		struct world w;
		char got[512];
		int n = reasons[i].seats[2].groups || reasons[i].seats[2].keys ?
				3 :
				1;

		if (reasons[i].named)
			ask.channel = str_of(reasons[i].named);
		row("%s", reasons[i].label);
		open_world(&w, reasons[i].seats, n);
		for (int k = 0; k < n; k++) {
			static atomic_uint first;

			first = 0;
			w.channels[k].turn = &first;
			w.channels[k].limits.rpm = 1;
			w.channels[k].key_limits.rpm = 1;
		}
		ROW_INT(route_plan(&w.book, &ask, &world, &w.arena, &r, &e) > 0,
			!reasons[i].code);
		ROW_STR(told(&r, got, sizeof(got)), reasons[i].want);
		ROW_INT(e.code, reasons[i].code);
		ROW_INT(r.wait_ms, reasons[i].wait_ms);
		if (r.n_candidates)
			ROW_INT(r.candidates[0].trial,
				ills.health[0].state == HEALTH_TRY);
		arena_release(&w.arena);
	}
	rows_done();
}

static void a_key_that_was_refused_is_named(void **state)
{
	static const struct seat seat = { 1, 1, NULL, false, 1 };
	struct route_ask ask = { .model = STR("m1"), .group = "default" };
	struct book_key sick = { .id = 77, .secret = "", .name = "" };
	struct err e = { 0 };
	struct route r;
	struct world w;
	char got[512];

	(void)state;
	row("one of two");
	open_world(&w, &seat, 1);
	w.channels[0].sick = &sick;
	w.channels[0].n_sick = 1;
	ROW_INT(route_plan(&w.book, &ask, NULL, &w.arena, &r, &e), 1);
	ROW_STR(told(&r, got, sizeof(got)), "1.10:taken 1.77:refused");
	arena_release(&w.arena);
	rows_done();
}

static void a_fallback_follows_at_its_own_price(void **state)
{
	static const struct seat seats[SEATS] = { { 1, 1, NULL, false, 2 },
						  { 1, 1, NULL, false, 1 } };
	static const struct {
		const char *label, *group, *models, *want;
		bool off;
	} rows[] = {
		{ "after all keys", "default", "",
		  "1.10:taken 1.11:other_key 2.20:fallback", false },
		{ "alone", "default", NULL, "2.20:taken 1:disabled", true },
		{ "not on the key's list", "default", "m1",
		  "1.10:taken 1.11:other_key 2:forbidden", false },
		{ "a group with its own, which nobody serves", "vip", "",
		  "1:group", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_ask ask = { .model = STR("m1"),
					 .group = rows[i].group,
					 .models = rows[i].models };
		struct book_model other = { .name = "m2",
					    .price = { .id = 2 } };
		struct book_model none = { .name = "m3", .price = { .id = 3 } };
		const struct book_fallback to[] = { { "", &other },
						    { "vip", &none } };
		atomic_uint turn = 0;
		struct err e = { 0 };
		struct route r;
		struct world w;
		char got[512];

		row("%s", rows[i].label);
		open_world(&w, seats, 2);
		w.channels[0].turn = &turn;
		w.channels[0].usable = !rows[i].off;
		w.model.n_seats = 1;
		other.seats = &w.seats[1];
		other.n_seats = 1;
		w.model.fallbacks = to;
		w.model.n_fallbacks = 2;
		route_plan(&w.book, &ask, NULL, &w.arena, &r, &e);
		ROW_STR(told(&r, got, sizeof(got)), rows[i].want);
		if (r.n_candidates) {
			const struct candidate *last =
				&r.candidates[r.n_candidates - 1];

			ROW_INT(last->price->id, 1 + last->fallback);
			ROW_STR(last->serves->name,
				last->fallback ? "m2" : "m1");
		}
		arena_release(&w.arena);
	}
	rows_done();
}

static void what_is_too_small_is_left_out(void **state)
{
	static const struct seat seats[SEATS] = { { 2, 1, NULL, false, 1 },
						  { 1, 1, NULL, false, 1 } };
	static const struct {
		const char *label;
		struct route_size size;
		int64_t own_context;
		const char *want;
	} rows[] = {
		{ "it fits", { 1000, 0 }, 0, "1.10:taken 2.20:lower" },
		{ "one has less", { 600, 0 }, 500, "2.20:taken 1.10:context" },
		{ "nobody: it is left as it is",
		  { 1001, 0 },
		  0,
		  "1.10:taken 2.20:lower" },
		{ "nothing is known", { 0, 0 }, 0, "1.10:taken 2.20:lower" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_ask ask = { .model = STR("m1"),
					 .group = "default" };
		struct book_price own = { .id = 9,
					  .context_tok = rows[i].own_context };
		struct err e = { 0 };
		struct route r;
		struct world w;
		char got[512];

		row("%s", rows[i].label);
		open_world(&w, seats, 2);
		w.model.price.context_tok = 1000;
		w.seats[0].cost = &own;
		route_plan(&w.book, &ask, NULL, &w.arena, &r, &e);
		route_fit(&r, &rows[i].size);
		ROW_STR(told(&r, got, sizeof(got)), rows[i].want);
		ROW_INT(r.candidates[0].channel->id, *rows[i].want - '0');
		arena_release(&w.arena);
	}
	rows_done();
}

/* --- shares and conversations --------------------------------------------------------- */

#define DRAWS 10000

static void weights_are_kept_over_many(void **state)
{
	static const struct seat seats[SEATS] = { { 1, 1, NULL, false, 1 },
						  { 1, 2, NULL, false, 1 },
						  { 1, 7, NULL, false, 1 } };
	static const int share[] = { 10, 20, 70 }; /* percent */
	struct route_ask ask = { .model = STR("m1"), .group = "default" };
	int first[3] = { 0 };
	struct world w;

	(void)state;
	open_world(&w, seats, 3);
	for (int i = 0; i < DRAWS; i++) {
		struct err e = { 0 };
		struct arena arena;
		struct route r;

		arena_init(&arena);
		route_plan(&w.book, &ask, NULL, &arena, &r, &e);
		first[r.candidates[0].channel->id - 1]++;
		arena_release(&arena);
	}
	printf("1:2:7 over %d: %d %d %d\n", DRAWS, first[0], first[1],
	       first[2]);
	row("1:2:7");
	for (int i = 0; i < 3; i++)
		ROW_TRUE(abs(first[i] - share[i] * DRAWS / 100) <=
			 DRAWS * 2 / 100);
	arena_release(&w.arena);
	rows_done();
}

static void a_cooled_key_gets_nothing(void **state)
{
	static const struct seat seats[SEATS] = { { 1, 1, NULL, false, 4 },
						  { 1, 1, NULL, false, 1 } };
	struct ills ills = { .health = { { HEALTH_KEY, 11, HEALTH_COOLING, 1,
					   ERR_UP_RATE } } };
	const struct route_world world = { &ills, health, NULL, NULL, NULL };
	struct route_ask ask = { .model = STR("m1"), .group = "default" };
	int wrong = 0;
	struct world w;

	(void)state;
	open_world(&w, seats, 2);
	for (int rotation = 0; rotation < ROTATE__COUNT; rotation++)
		for (int i = 0; i < 1000; i++) {
			struct err e = { 0 };
			struct route r;

			w.channels[0].rotation = (enum rotation)rotation;
			ask.sticky = (uint64_t)(i & 1 ? i : 0);
			route_plan(&w.book, &ask, &world, &w.arena, &r, &e);
			wrong += r.n_candidates != 4;
			for (int k = 0; k < r.n_candidates; k++)
				wrong += r.candidates[k].key->id == 11;
		}
	row("any rotation");
	ROW_INT(wrong, 0);
	arena_release(&w.arena);
	rows_done();
}

static int64_t used(void *arg, int64_t key_id)
{
	return ((const int64_t *)arg)[key_id - 10];
}

static void the_least_used_key_goes_first(void **state)
{
	static const struct seat seat = { 1, 1, NULL, false, 4 };
	int64_t use[4] = { 5, 2, 9, 2 };
	const struct route_world world = { use, NULL, NULL, used, NULL };
	struct route_ask ask = { .model = STR("m1"), .group = "default" };
	int first[4] = { 0 };
	struct world w;

	(void)state;
	open_world(&w, &seat, 1);
	w.channels[0].rotation = ROTATE_LEAST_USED;
	for (int i = 0; i < 1000; i++) {
		struct err e = { 0 };
		struct route r;

		route_plan(&w.book, &ask, &world, &w.arena, &r, &e);
		first[r.candidates[0].key->id - 10]++;
		ROW_INT(r.candidates[3].key->id, 12);
	}
	row("those alike take turns");
	ROW_INT(first[0] + first[2], 0);
	ROW_TRUE(first[1] > 100 && first[3] > 100);
	arena_release(&w.arena);
	rows_done();
}

static void a_conversation_stays_while_it_can(void **state)
{
	static const struct seat seats[SEATS] = { { 1, 1, NULL, false, 2 },
						  { 1, 2, NULL, false, 2 },
						  { 1, 7, NULL, false, 2 } };
	struct ills none = { .full_key = 0 }, ills = none;
	const struct route_world well = { &none, health, NULL, NULL, NULL };
	const struct route_world ill = { &ills, health, NULL, NULL, NULL };
	int first[3] = { 0 }, moved = 0, other = 0, on_ill = 0;
	struct world w;

	(void)state;
	open_world(&w, seats, 3);
	ills.health[0].of = HEALTH_KEY;
	ills.health[0].id = 30;
	ills.health[0].state = HEALTH_COOLING;
	for (int i = 0; i < DRAWS; i++) {
		struct route_ask ask = { .model = STR("m1"),
					 .group = "default",
					 .sticky = (uint64_t)i * 7919 + 1 };
		struct err e = { 0 };
		struct arena arena;
		struct route a, b, c;

		arena_init(&arena);
		route_plan(&w.book, &ask, &well, &arena, &a, &e);
		route_plan(&w.book, &ask, &well, &arena, &b, &e);
		route_plan(&w.book, &ask, &ill, &arena, &c, &e);
		moved += a.candidates[0].key != b.candidates[0].key;
		on_ill += a.candidates[0].key->id == 30;
		other += a.candidates[0].key->id != 30 &&
			 a.candidates[0].key != c.candidates[0].key;
		moved += c.candidates[0].key->id == 30;
		first[a.candidates[0].channel->id - 1]++;
		arena_release(&arena);
	}
	row("it stays, and moves only if its key is ill");
	ROW_INT(moved, 0);
	ROW_INT(other, 0);
	ROW_TRUE(on_ill > DRAWS / 4);
	row("weights are kept");
	ROW_TRUE(abs(first[0] - DRAWS / 10) <= DRAWS / 50);
	ROW_TRUE(abs(first[2] - DRAWS * 7 / 10) <= DRAWS / 50);
	arena_release(&w.arena);
	rows_done();
}

static void a_route_is_told_in_json(void **state)
{
	static const struct seat seats[SEATS] = { { 2, 1, NULL, false, 1 },
						  { 1, 1, NULL, false, 1 } };
	struct ills ills = { .health = { { HEALTH_CHANNEL, 1, HEALTH_COOLING,
					   900, ERR_UP_STATUS } } };
	const struct route_world world = { &ills, health, NULL, NULL, NULL };
	struct route_ask ask = { .model = STR("m1"), .group = "default" };
	struct err e = { 0 };
	struct route r;
	struct world w;

	(void)state;
	open_world(&w, seats, 2);
	row("two");
	route_plan(&w.book, &ask, &world, &w.arena, &r, &e);
	ROW_STR(route_json(&r, &w.arena),
		"[{\"channel\":\"c2\",\"key\":20,\"model\":\"m1\",\"why\":"
		"\"taken\"},{\"channel\":\"c1\",\"model\":\"m1\",\"why\":"
		"\"cooling\",\"wait_ms\":900,\"cause\":\"upstream_failed\"}]");
	arena_release(&w.arena);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_candidate_has_a_reason),
		cmocka_unit_test(a_key_that_was_refused_is_named),
		cmocka_unit_test(a_fallback_follows_at_its_own_price),
		cmocka_unit_test(what_is_too_small_is_left_out),
		cmocka_unit_test(weights_are_kept_over_many),
		cmocka_unit_test(a_cooled_key_gets_nothing),
		cmocka_unit_test(the_least_used_key_goes_first),
		cmocka_unit_test(a_conversation_stays_while_it_can),
		cmocka_unit_test(a_route_is_told_in_json),
	};

	return cmocka_run_group_tests_name("route reasons", tests, NULL, NULL);
}
