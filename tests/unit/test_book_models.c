/* test_book_models.c - who serves a model: names, patterns, fallbacks; and how
 * long a book takes. */
#include "fixture.h"

#include "base/clock.h"
#include "policy/book.h"
#include "policy/route.h"
#include "policy/sticky.h"
#include "store/channel.h"
#include "store/limit.h"
#include "store/meta.h"
#include "store/model.h"
#include "store/price.h"

#include <time.h>

struct world {
	struct fixture fx;
	struct conf conf;
	struct book *b;
};

static void open_world(struct world *w)
{
	*w = (struct world){ .b = NULL };
	fixture_init(&w->fx, ":memory:");
	MUST(&w->fx, conf_parse(&w->conf, STR(""), &w->fx.e));
}

static void close_world(struct world *w)
{
	book_look_free(w->b);
	conf_release(&w->conf);
	fixture_release(&w->fx);
}

static const struct book *look(struct world *w)
{
	book_look_free(w->b);
	w->b = book_look(w->fx.db, &w->conf, &w->fx.e);
	if (!w->b)
		fail_msg("%s", w->fx.e.msg);
	return w->b;
}

/* models: "asked=upstream asked ..." */
static void add(struct world *w, struct channel *c, const char *models)
{
	struct str rest = str_of(models), one, asked;
	int64_t id;

	c->provider = "compatible";
	c->base_url = "http://up/v1";
	c->origin = "http://up:80";
	c->enabled = true;
	c->groups = "default";
	id = channel_add(w->fx.db, c, &w->fx.e);
	MUST(&w->fx, id);
	while (str_next(&rest, ' ', &one)) {
		struct str upstream = one;

		str_next(&upstream, '=', &asked);
		MUST(&w->fx,
		     channel_model_put(
			     w->fx.db, id, arena_dup(&w->fx.arena, asked),
			     upstream.p ? arena_dup(&w->fx.arena, upstream) :
					  "",
			     &w->fx.e));
	}
}

static void price(struct world *w, const char *model)
{
	struct price p = { .model = model, .from_ms = 1, .free = true };

	MUST(&w->fx, price_set(w->fx.db, &p, &w->fx.e));
}

/* "a:up b:up", highest priority first; "-": nobody knows it. */
static const char *seats(const struct book *b, const char *model, char *out,
			 size_t size)
{
	const struct book_model *m = book_model(b, str_of(model));
	size_t n = 0;

	snprintf(out, size, "%s", m ? "" : "-");
	for (int i = 0; m && i < m->n_seats; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s:%s",
				      i ? " " : "", m->seats[i].channel->name,
				      m->seats[i].upstream);
	return out;
}

static void patterns_serve_what_has_a_price(void **state)
{
	static const struct {
		const char *model, *want;
		bool matches;
	} rows[] = {
		{ "gpt-4o", "exact:up wild:long re:gpt-4o all:x/gpt-4o", true },
		{ "gpt-4o-mini", "wild:long re:gpt-4o-mini all:x/gpt-4o-mini",
		  true },
		{ "gpt-3", "wild:short all:x/gpt-3", true },
		{ "claude", "re:named all:x/claude", true },
		{ "gpt-5-unpriced", "-", true },
		{ "named", "exact:named all:x/named", true },
	};
	struct world w;

	(void)state;
	open_world(&w);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strstr(rows[i].model, "named") &&
		    !strstr(rows[i].model, "unpriced"))
			price(&w, rows[i].model);
	add(&w, &(struct channel){ .name = "all", .priority = 1 }, "*=x/*");
	add(&w, &(struct channel){ .name = "re", .priority = 2 },
	    "re:^gpt-4o re:cl.*e=named");
	add(&w, &(struct channel){ .name = "wild", .priority = 3 },
	    "gpt-*=short gpt-4*=long re:gpt-4o=never");
	add(&w, &(struct channel){ .name = "exact", .priority = 4 },
	    "gpt-4o=up named=named");
	look(&w);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char got[256];

		row("%s", rows[i].model);
		ROW_STR(seats(w.b, rows[i].model, got, sizeof(got)),
			rows[i].want);
		ROW_INT(book_matches(w.b, str_of(rows[i].model)),
			rows[i].matches);
	}
	row("its patterns");
	ROW_INT(book_channel(w.b, STR("wild"))->n_patterns, 3);
	ROW_INT(book_channel(w.b, STR("exact"))->n_patterns, 0);
	close_world(&w);
	rows_done();
}

static void a_channel_comes_in_full(void **state)
{
	struct channel c = {
		.name = "full",
		.rotation = "least_used",
		.rpm = 1,
		.tpm = 2,
		.concurrency = 3,
		.key_rpm = 4,
		.key_tpm = 5,
		.key_concurrency = 6,
		.connect_ms = 7,
		.first_token_ms = 8,
		.idle_ms = 9,
		.total_ms = 10,
		.proxy = "http://p:1",
		.test_model = "m",
		.auto_disable = true,
		.params = "{\"a\":{\"b\":[1.50,\"/\"]},\"c\":null}",
		.headers = "{\"X-A\":\"v\",\"Accept\":null}",
		.system_prompt = "Be kind.",
	};
	const struct book_channel *ch;
	struct world w;

	(void)state;
	open_world(&w);
	add(&w, &c, "m");
	ch = book_channel(look(&w), STR("full"));
	row("all of it");
	ROW_INT(ch->rotation, ROTATE_LEAST_USED);
	ROW_INT(ch->limits.rpm * 100 + ch->limits.tpm * 10 +
			ch->limits.concurrency,
		123);
	ROW_INT(ch->key_limits.rpm * 100 + ch->key_limits.tpm * 10 +
			ch->key_limits.concurrency,
		456);
	ROW_INT(ch->times.connect_ms, 7);
	ROW_INT(ch->times.first_token_ms, 8);
	ROW_INT(ch->times.idle_ms, 9);
	ROW_INT(ch->times.total_ms, 10);
	ROW_STR(ch->proxy, "http://p:1");
	ROW_STR(ch->test_model, "m");
	ROW_TRUE(ch->auto_disable);
	ROW_STR(ch->system_prompt, "Be kind.");
	ROW_INT(ch->n_params, 2);
	ROW_STR(ch->params[0].name, "a");
	ROW_STR(ch->params[0].value, "{\"b\":[1.50,\"/\"]}");
	ROW_TRUE(!ch->params[1].value);
	ROW_INT(ch->n_headers, 2);
	ROW_STR(ch->headers[0].value, "v");
	ROW_TRUE(!ch->headers[1].value);
	close_world(&w);
	rows_done();
}

static void settings_fallbacks_and_limits_are_found(void **state)
{
	static const char *const to[] = { "m2", "m3" };
	const struct limit limits[] = { { "user", "7", 1, 2, 3, 4 },
					{ "group", "vip", 5, 0, 0, 0 },
					{ "model", "m1", 0, 6, 0, 0 } };
	const struct model_setting set = { "m1", "prompt", 5000, 3 };
	const struct book_model *m;
	struct world w;

	(void)state;
	open_world(&w);
	add(&w, &(struct channel){ .name = "a" }, "m1 m2");
	MUST(&w.fx, model_setting_set(w.fx.db, &set, &w.fx.e));
	MUST(&w.fx, fallback_set(w.fx.db, "", "m1", to, 2, &w.fx.e));
	MUST(&w.fx, fallback_set(w.fx.db, "vip", "m1", to, 1, &w.fx.e));
	MUST(&w.fx, fallback_set(w.fx.db, "", "gone", to, 1, &w.fx.e));
	for (size_t i = 0; i < COUNT(limits); i++)
		MUST(&w.fx, limit_set(w.fx.db, &limits[i], &w.fx.e));
	m = book_model(look(&w), STR("m1"));
	row("settings");
	ROW_INT(m->sticky, STICKY_PROMPT);
	ROW_INT(m->deadline_ms, 5000);
	ROW_INT(m->max_attempts, 3);
	row("fallbacks");
	ROW_INT(m->n_fallbacks, 3);
	ROW_STR(m->fallbacks[0].to->name, "m2");
	ROW_STR(m->fallbacks[1].to->name, "m3");
	ROW_STR(m->fallbacks[2].group, "vip");
	ROW_TRUE(m->fallbacks[2].to == book_model(w.b, STR("m2")));
	ROW_INT(book_model(w.b, STR("gone"))->n_fallbacks, 1);
	ROW_INT(book_model(w.b, STR("m3"))->n_seats, 0);
	row("limits");
	ROW_INT(book_cap(w.b, "user", "7")->rpd, 4);
	ROW_INT(book_cap(w.b, "group", "vip")->rpm, 5);
	ROW_INT(book_cap(w.b, "model", "m1")->tpm, 6);
	ROW_TRUE(!book_cap(w.b, "user", "vip"));
	row("no fallback of itself, none twice");
	ROW_INT(fallback_set(w.fx.db, "", "m2", to, 2, &w.fx.e), -1);
	err_clear(&w.fx.e);
	row("none");
	MUST(&w.fx, fallback_set(w.fx.db, "", "m1", NULL, 0, &w.fx.e));
	MUST(&w.fx, fallback_set(w.fx.db, "vip", "m1", NULL, 0, &w.fx.e));
	ROW_INT(book_model(look(&w), STR("m1"))->n_fallbacks, 0);
	close_world(&w);
	rows_done();
}

/* --- speed --------------------------------------------------------------------- */

#define CHANNELS 500
#define MODELS   50

/* The processor's time, not the clock's: others are at work here too. */
static int64_t build_us(struct world *w, int64_t *read_us)
{
	int64_t best = INT64_MAX;

	*read_us = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		struct channel_all all;
		struct arena arena;
		clock_t was = clock();

		look(w);
		best = MIN(best, (int64_t)(clock() - was));
		arena_init(&arena);
		was = clock();
		MUST(&w->fx, channel_all(w->fx.db, &all, &arena, &w->fx.e));
		*read_us = MIN(*read_us, (int64_t)(clock() - was));
		arena_release(&arena);
	}
	return best;
}

static void add_many(struct world *w, const char *more)
{
	char name[32];

	MUST(&w->fx, db_begin(w->fx.db, &w->fx.e));
	for (int c = 0; c < CHANNELS; c++) {
		struct buf b;

		buf_init(&b, 65536);
		for (int m = 0; m < MODELS; m++)
			buf_printf(&b, "%smodel-%d", m ? " " : "",
				   (c % 10) * MODELS + m);
		buf_str(&b, more);
		snprintf(name, sizeof(name), "c%d%s", c, *more ? "p" : "");
		add(w, &(struct channel){ .name = name, .priority = c % 5 },
		    arena_dup(&w->fx.arena, buf_span(&b)));
		buf_release(&b);
	}
	MUST(&w->fx, db_commit(w->fx.db, &w->fx.e));
}

/* Nanoseconds of a plan. */
static int64_t plan_ns(const struct book *b, const char *model, int n)
{
	const struct route_ask ask = { .model = str_of(model),
				       .group = "default" };
	clock_t was = clock();

	for (int i = 0; i < n; i++) {
		struct err e = { 0 };
		struct arena arena;
		struct route r;

		arena_init(&arena);
		route_plan(b, &ask, NULL, &arena, &r, &e);
		arena_release(&arena);
	}
	return (int64_t)(clock() - was) * 1000 / n;
}

/* Printed, not asserted: the machine may be busy. */
static void a_large_book_is_built_fast(void **state)
{
	int64_t us, read_us;
	char name[32];
	struct world w;

	(void)state;
	open_world(&w);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "model-%d", i);
		price(&w, arena_dup(&w.fx.arena, str_of(name)));
	}
	add_many(&w, "");
	us = build_us(&w, &read_us);
	printf("%d channels x %d models: %lld us, %lld of it to read them\n",
	       CHANNELS, MODELS, (long long)us, (long long)read_us);
	printf("a plan among %d channels: %lld ns\n", CHANNELS / 10,
	       (long long)plan_ns(w.b, "model-7", 2000));
	row("all of them");
	ROW_INT(w.b->n_models, 500);
	ROW_INT(book_model(w.b, STR("model-7"))->n_seats, CHANNELS / 10);
	ROW_INT(book_model(w.b, STR("model-7"))->seats[0].channel->priority, 0);
	add_many(&w, " model-1* re:^(m|o|d|e|l)+-2");
	us = build_us(&w, &read_us);
	printf("twice as many, each with two patterns: %lld us, %lld of it to "
	       "read them\n",
	       (long long)us, (long long)read_us);
	row("with patterns");
	ROW_INT(w.b->n_patterns, 2);
	ROW_INT(book_model(w.b, STR("model-77"))->n_seats, CHANNELS / 5);
	ROW_INT(book_model(w.b, STR("model-100"))->n_seats,
		CHANNELS + CHANNELS / 10);
	close_world(&w);
	rows_done();
}

/* --- conversations --------------------------------------------------------------- */

static uint64_t number(struct world *w, enum sticky how, const char *body,
		       int64_t token)
{
	static const struct scan_limits lim = { .depth = 64 };
	struct ask a;

	MUST(&w->fx, ask_read(&a, ASK_CHAT, str_of(body), &lim, &w->fx.arena,
			      &w->fx.e));
	return sticky_number(how, &a, token);
}

#define SAYS(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define BODY(more, messages) \
	"{\"model\":\"m\"," more "\"messages\":[" messages "]}"

static void a_conversation_has_one_number(void **state)
{
	static const struct {
		const char *label;
		enum sticky how;
		const char *a, *b;
		int64_t token_a, token_b;
		bool same;
	} rows[] = {
		/* clang-format off */
		{ "by key", STICKY_KEY, BODY("", SAYS("user", "x")), BODY("", SAYS("user", "y")), 1, 1, true },
		{ "another key", STICKY_KEY, BODY("", SAYS("user", "x")), BODY("", SAYS("user", "x")), 1, 2, false },
		{ "by user", STICKY_USER, BODY("\"user\":\"u\",", SAYS("user", "x")), BODY("\"user\":\"u\",", SAYS("user", "y")), 1, 1, true },
		{ "another user", STICKY_USER, BODY("\"user\":\"u\",", SAYS("user", "x")), BODY("\"user\":\"v\",", SAYS("user", "x")), 1, 1, false },
		{ "no user: the key", STICKY_USER, BODY("", SAYS("user", "x")), BODY("", SAYS("user", "y")), 1, 1, true },
		{ "the same cache key", STICKY_PROMPT, BODY("\"prompt_cache_key\":\"k\",", SAYS("user", "x")), BODY("\"prompt_cache_key\":\"k\",", SAYS("user", "y")), 1, 2, true },
		{ "another cache key", STICKY_PROMPT, BODY("\"prompt_cache_key\":\"k\",", SAYS("user", "x")), BODY("\"prompt_cache_key\":\"l\",", SAYS("user", "x")), 1, 1, false },
		{ "the next turn", STICKY_PROMPT, BODY("", SAYS("system", "s") "," SAYS("user", "x")), BODY("", SAYS("system", "s") "," SAYS("user", "x") "," SAYS("assistant", "a") "," SAYS("user", "y")), 1, 1, true },
		{ "another question", STICKY_PROMPT, BODY("", SAYS("system", "s") "," SAYS("user", "x")), BODY("", SAYS("system", "s") "," SAYS("user", "y")), 1, 1, false },
		{ "another system", STICKY_PROMPT, BODY("", SAYS("system", "s") "," SAYS("user", "x")), BODY("", SAYS("system", "t") "," SAYS("user", "x")), 1, 1, false },
		{ "other settings", STICKY_PROMPT, BODY("\"n\":1,", SAYS("user", "x")), BODY("\"temperature\":1,", SAYS("user", "x")), 1, 1, true },
		{ "off", STICKY_OFF, BODY("", SAYS("user", "x")), BODY("", SAYS("user", "y")), 1, 2, true },
		/* clang-format on */
	};
	struct world w;

	(void)state;
	open_world(&w);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t a =
			number(&w, rows[i].how, rows[i].a, rows[i].token_a);
		uint64_t b =
			number(&w, rows[i].how, rows[i].b, rows[i].token_b);

		row("%s", rows[i].label);
		ROW_INT(a == b, rows[i].same);
		ROW_INT(!a, rows[i].how == STICKY_OFF);
	}
	close_world(&w);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_serve_what_has_a_price),
		cmocka_unit_test(a_channel_comes_in_full),
		cmocka_unit_test(settings_fallbacks_and_limits_are_found),
		cmocka_unit_test(a_large_book_is_built_fast),
		cmocka_unit_test(a_conversation_has_one_number),
	};

	return cmocka_run_group_tests_name("book models", tests, NULL, NULL);
}
