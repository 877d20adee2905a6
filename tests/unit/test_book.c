/* test_book.c - what administrators have set, as the relay sees it. */
#include "fixture.h"

#include "base/clock.h"
#include "crypto/box.h"
#include "policy/book.h"
#include "store/channel.h"
#include "store/grp.h"
#include "store/meta.h"
#include "store/price.h"

struct world {
	struct fixture fx;
	struct box_key *key;
	struct box_public public;
	char key_path[96];
	struct conf conf;
	struct book_shelf *shelf;
};

static void open_world(struct world *w)
{
	char id[BOX_ID];

	fixture_init(&w->fx, NULL);
	MUST(&w->fx, conf_parse(&w->conf, STR(""), &w->fx.e));
	snprintf(w->key_path, sizeof(w->key_path), "%s/key", w->fx.dir);
	MUST(&w->fx, box_key_create(w->key_path, id, &w->public, &w->fx.e));
	w->key = box_key_load(w->key_path, &w->fx.e);
	if (!w->key)
		fail_msg("%s", w->fx.e.msg);
	w->shelf = book_shelf_new(w->key, &w->conf);
}

static void close_world(struct world *w)
{
	book_shelf_free(w->shelf);
	box_key_wipe(w->key);
	conf_release(&w->conf);
	unlink(w->key_path);
	fixture_release(&w->fx);
}

static int64_t add_channel(struct world *w, const char *name,
			   const char *provider, bool enabled, int64_t priority)
{
	struct channel c = { .name = name,
			     .provider = provider,
			     .base_url = "http://up/v1",
			     .origin = "http://up:80",
			     .enabled = enabled,
			     .priority = priority,
			     .weight = 1,
			     .groups = "default",
			     .allow = "" };
	int64_t id = channel_add(w->fx.db, &c, &w->fx.e);

	MUST(&w->fx, id);
	MUST(&w->fx, channel_model_put(w->fx.db, id, "m1", "up-m1", &w->fx.e));
	return id;
}

/* A key sealed for that origin, as the command does it. */
static int64_t add_key(struct world *w, int64_t channel, const char *secret,
		       const char *origin)
{
	int64_t id = channel_key_add(w->fx.db, channel, "sk-..", &w->fx.e);
	struct box_place at = { "channel_key", id, origin };
	struct buf sealed;

	MUST(&w->fx, id);
	buf_init(&sealed, BOX_SEALED_MAX);
	MUST(&w->fx,
	     box_seal(&w->public, &at, str_of(secret), &sealed, &w->fx.e));
	MUST(&w->fx,
	     channel_key_seal(w->fx.db, id, buf_span(&sealed), &w->fx.e));
	buf_release(&sealed);
	return id;
}

static void add_price(struct world *w, int64_t input_nusd, int64_t from_ms)
{
	const struct price_line lines[] = {
		{ 0, LINE_input, "", 0, input_nusd },
		{ 0, LINE_output, "", 0, 2 * input_nusd },
	};
	struct price p = {
		.model = "m1", .from_ms = from_ms, .lines = lines, .n_lines = 2
	};

	MUST(&w->fx, price_set(w->fx.db, &p, &w->fx.e));
}

static int64_t input_nusd(const struct book *b, const char *model)
{
	const struct book_price *p = &book_model(b, str_of(model))->price;

	return p->n_lines ? p->lines[0].nusd : -1;
}

static struct book *take(struct world *w)
{
	struct book *b =
		book_take(w->shelf, w->fx.db,
			  config_version_now(w->fx.db, &w->fx.e), &w->fx.e);

	if (!b)
		fail_msg("%s", w->fx.e.msg);
	return b;
}

static const struct book_channel *channel_of(const struct book *b,
					     const char *name)
{
	for (int i = 0; i < b->n_channels; i++)
		if (!strcmp(b->channels[i].name, name))
			return &b->channels[i];
	fail_msg("no channel %s", name);
	return NULL;
}

/* --- versions --------------------------------------------------------------- */

static void a_book_is_built_when_something_changed(void **state)
{
	struct book *first, *again, *next;
	struct world w;

	(void)state;
	open_world(&w);
	row("the same, as long as nothing changes");
	first = take(&w);
	again = take(&w);
	ROW_TRUE(first == again);
	ROW_INT(first->n_channels, 0);
	ROW_TRUE(!db_in_txn(w.fx.db));
	book_give(w.shelf, again);

	row("what concerns no channel changes nothing");
	MUST(&w.fx, user_add(w.fx.db, "bob", NULL, NULL, NULL, &w.fx.e));
	again = take(&w);
	ROW_TRUE(first == again);
	book_give(w.shelf, again);

	row("a channel more");
	add_channel(&w, "a", "compatible", true, 1);
	next = take(&w);
	ROW_TRUE(next != first);
	ROW_TRUE(next->version > first->version);
	ROW_INT(next->version, config_version_now(w.fx.db, &w.fx.e));
	ROW_INT(next->n_channels, 1);

	row("the old one lives until it is given back");
	ROW_INT(first->n_channels, 0);
	ROW_INT(first->held, 1);
	book_give(w.shelf, first);
	ROW_INT(next->held, 2);
	book_give(w.shelf, next);
	book_give(w.shelf, NULL);
	close_world(&w);
	rows_done();
}

static void a_price_begins_at_its_time(void **state)
{
	int64_t now_ms = clock_wall_ms();
	struct book *b, *later;
	struct world w;

	(void)state;
	open_world(&w);
	add_channel(&w, "a", "compatible", true, 1);
	row("no price");
	b = take(&w);
	ROW_INT(book_model(b, STR("m1"))->price.id, 0);
	ROW_INT(b->until_ms, INT64_MAX);
	book_give(w.shelf, b);

	row("one now, one soon, one later");
	add_price(&w, 100, now_ms - 1000);
	add_price(&w, 300, now_ms + 100000);
	add_price(&w, 200, clock_wall_ms() + 150);
	b = take(&w);
	ROW_INT(input_nusd(b, "m1"), 100);
	ROW_TRUE(b->until_ms < now_ms + 100000);

	row("soon");
	while (clock_wall_ms() < b->until_ms)
		usleep(10000);
	later = take(&w);
	ROW_TRUE(later != b);
	ROW_INT(later->version, b->version);
	ROW_INT(input_nusd(later, "m1"), 200);
	ROW_INT(later->until_ms, now_ms + 100000);
	ROW_INT(input_nusd(b, "m1"), 100);
	book_give(w.shelf, b);
	book_give(w.shelf, later);
	close_world(&w);
	rows_done();
}

/* --- channels --------------------------------------------------------------- */

static const struct {
	const char *name, *provider;
	bool off;
	const char *state;  /* NULL: as it is at first */
	const char *secret; /* NULL: no key */
	const char *origin; /* of the key */
	bool key_off;
	const char *why; /* NULL: it is usable */
} channels[] = {
	{ "good", "openai", false, NULL, "sk-good", "http://up:80", false,
	  NULL },
	{ "off", "openai", true, NULL, "sk-off", "http://up:80", false,
	  "it is disabled" },
	{ "state", "openai", false, "disabled", "sk-state", "http://up:80",
	  false, "the gateway has disabled it" },
	{ "cooling", "openai", false, "cooling", "sk-cooling", "http://up:80",
	  false, NULL },
	{ "keyless", "openai", false, NULL, NULL, NULL, false,
	  "it has no key that can be used" },
	{ "local", "compatible", false, NULL, NULL, NULL, false, NULL },
	{ "strange", "of-the-future", false, NULL, NULL, NULL, false,
	  "its provider is not known to this version" },
	{ "test", "test", false, NULL, NULL, NULL, false,
	  "the test provider is switched off" },
	{ "moved", "openai", false, NULL, "sk-moved", "http://other:80", false,
	  "it has no key that can be used" },
	{ "key off", "openai", false, NULL, "sk-x", "http://up:80", true,
	  "it has no key that can be used" },
};

static void add_row(struct world *w, size_t i)
{
	struct channel_change change = CHANNEL_KEEP;
	int64_t key = 0,
		id = add_channel(w, channels[i].name, channels[i].provider,
				 !channels[i].off, 100 - (int64_t)i);

	if (channels[i].secret)
		key = add_key(w, id, channels[i].secret, channels[i].origin);
	/* A new key is a new chance: what is said is said after it. */
	change.state = channels[i].state;
	change.reason = channels[i].state;
	if (change.state)
		MUST(&w->fx, channel_set(w->fx.db, id, &change, &w->fx.e));
	if (channels[i].key_off)
		MUST(&w->fx,
		     channel_key_enable(w->fx.db, key, false, "no", &w->fx.e));
}

static void a_channel_has_its_own_cost(void **state)
{
	const struct price_line line = { .line = LINE_input, .nusd = 7 };
	struct price p = { .lines = &line, .n_lines = 1 };
	struct world w;
	struct book *b;

	(void)state;
	open_world(&w);
	p.channel_id = add_channel(&w, "a", "compatible", true, 1);
	add_channel(&w, "b", "compatible", true, 1);
	add_price(&w, 100, 1);

	row("under another name than its own for the model");
	p.model = "m1";
	MUST(&w.fx, price_set(w.fx.db, &p, &w.fx.e));
	b = take(&w);
	ROW_INT(book_cost(b, STR("m1"), channel_of(b, "a"), "up-m1")->id, 1);
	ROW_INT(input_nusd(b, "m1"), 100);
	book_give(w.shelf, b);

	row("under its own");
	p.model = "up-m1";
	MUST(&w.fx, price_set(w.fx.db, &p, &w.fx.e));
	b = take(&w);
	ROW_INT(book_cost(b, STR("m1"), channel_of(b, "a"), "up-m1")
			->lines[0]
			.nusd,
		7);
	ROW_INT(book_cost(b, STR("m1"), channel_of(b, "b"), "up-m1")->id, 1);
	ROW_INT(book_cost(b, STR("none"), channel_of(b, "b"), "up-m1")->id, 0);
	ROW_INT(input_nusd(b, "m1"), 100);
	book_give(w.shelf, b);
	close_world(&w);
	rows_done();
}

static void a_group_pays_its_factor(void **state)
{
	struct grp g = { .name = "vip", .factor_ppm = 800000 };
	struct world w;
	struct book *b;

	(void)state;
	open_world(&w);
	b = take(&w);
	ROW_INT(book_factor_ppm(b, "vip"), PPM);
	book_give(w.shelf, b);
	MUST(&w.fx, grp_set(w.fx.db, &g, &w.fx.e));
	b = take(&w);
	ROW_INT(book_factor_ppm(b, "vip"), 800000);
	ROW_INT(book_factor_ppm(b, "default"), PPM);
	book_give(w.shelf, b);
	MUST(&w.fx, grp_remove(w.fx.db, "vip", &w.fx.e));
	b = take(&w);
	ROW_INT(book_factor_ppm(b, "vip"), PPM);
	book_give(w.shelf, b);
	close_world(&w);
	rows_done();
}

static void an_unusable_channel_has_a_reason(void **state)
{
	const struct book_channel *ch;
	struct world w;
	struct book *b;

	(void)state;
	open_world(&w);
	w.conf.test_provider = false;
	for (size_t i = 0; i < COUNT(channels); i++)
		add_row(&w, i);
	b = take(&w);
	for (size_t i = 0; i < COUNT(channels); i++) {
		const char *why = channels[i].why;

		row("%s", channels[i].name);
		ch = channel_of(b, channels[i].name);
		ROW_STR(ch->why ? ch->why : "", why ? why : "");
		ROW_INT(ch->usable, !why);
	}
	row("the keys");
	ROW_STR(channel_of(b, "good")->keys[0].secret, "sk-good");
	ROW_STR(channel_of(b, "local")->keys[0].secret, "");
	ROW_INT(channel_of(b, "moved")->n_keys, 0);
	ROW_INT(book_model(b, STR("m1"))->n_seats, b->n_channels);
	book_give(w.shelf, b);

	row("the test provider, switched on");
	w.conf.test_provider = true;
	add_channel(&w, "one more", "compatible", true, 1);
	b = take(&w);
	ROW_INT(channel_of(b, "test")->usable, true);
	book_give(w.shelf, b);
	close_world(&w);
	rows_done();
}

/* A broken key is not the same as none: it fails alone, and closes a channel
 * that could do without. */
static void a_key_opens_only_for_its_origin(void **state)
{
	struct channel_change moved = CHANNEL_KEEP;
	const struct book_channel *ch;
	struct world w;
	struct book *b;
	int64_t id;

	(void)state;
	open_world(&w);
	id = add_channel(&w, "a", "compatible", true, 1);
	add_key(&w, id, "sk-1", "http://up:80");
	add_key(&w, id, "sk-2", "http://up:8080");
	add_key(&w, id, "sk-3", "http://up:80");
	row("two of three");
	b = take(&w);
	ch = channel_of(b, "a");
	ROW_INT(ch->n_keys, 2);
	ROW_STR(ch->keys[0].secret, "sk-1");
	ROW_STR(ch->keys[1].secret, "sk-3");
	book_give(w.shelf, b);

	row("moved, and the keys stay behind");
	moved.base_url = "http://evil/v1";
	moved.origin = "http://evil:80";
	MUST(&w.fx, channel_set(w.fx.db, id, &moved, &w.fx.e));
	b = take(&w);
	ROW_INT(channel_of(b, "a")->usable, false);
	ROW_STR(channel_of(b, "a")->base_url, "http://evil/v1");
	book_give(w.shelf, b);

	row("nobody has the key of the keys");
	book_shelf_free(w.shelf);
	w.shelf = book_shelf_new(NULL, &w.conf);
	b = take(&w);
	ROW_INT(channel_of(b, "a")->usable, false);
	book_give(w.shelf, b);
	close_world(&w);
	rows_done();
}

static void models_are_found_by_name(void **state)
{
	const struct book_model *m;
	struct world w;
	struct book *b;
	int64_t id;
	char name[16];

	(void)state;
	open_world(&w);
	id = add_channel(&w, "low", "compatible", true, 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "x%d", 49 - i);
		MUST(&w.fx,
		     channel_model_put(w.fx.db, id, name, name, &w.fx.e));
	}
	add_channel(&w, "high", "compatible", true, 9);
	b = take(&w);
	row("two serve it, the higher first");
	m = book_model(b, STR("m1"));
	ROW_INT(m->n_seats, 2);
	ROW_STR(m->seats[0].channel->name, "high");
	ROW_STR(m->seats[0].upstream, "up-m1");
	row("all");
	ROW_INT(b->n_models, 51);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		ROW_TRUE(book_model(b, str_of(name)));
	}
	for (int i = 1; i < b->n_models; i++)
		ROW_TRUE(strcmp(b->models[i - 1]->name, b->models[i]->name) <
			 0);
	row("none");
	ROW_TRUE(!book_model(b, STR("m")));
	ROW_TRUE(!book_model(b, STR("M1")));
	ROW_TRUE(!book_model(b, STR("")));
	book_give(w.shelf, b);

	row("a removed channel is not in it");
	MUST(&w.fx, channel_remove(w.fx.db, id, &w.fx.e));
	b = take(&w);
	ROW_INT(b->n_channels, 1);
	ROW_TRUE(!book_model(b, STR("x7")));
	book_give(w.shelf, b);
	close_world(&w);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_book_is_built_when_something_changed),
		cmocka_unit_test(a_price_begins_at_its_time),
		cmocka_unit_test(a_channel_has_its_own_cost),
		cmocka_unit_test(a_group_pays_its_factor),
		cmocka_unit_test(an_unusable_channel_has_a_reason),
		cmocka_unit_test(a_key_opens_only_for_its_origin),
		cmocka_unit_test(models_are_found_by_name),
	};

	return cmocka_run_group_tests_name("book", tests, NULL, NULL);
}
