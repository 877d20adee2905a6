/* test_ward.c - keys that their provider refuses: disabled, probed, back. */
#include "fixture.h"

#include "store/channel.h"
#include "store/job.h"
#include "store/ward.h"

#define NOW  1800000000000 /* 08:00 UTC */
#define HOUR 3600000L
#define MIN5 300000L

static const struct conf conf = { .probe_ms = MIN5,
				  .probe_most_ms = 24 * HOUR,
				  .probe_from_hour = 0,
				  .probe_to_hour = 24 };

struct ward_fixture {
	struct fixture fx;
	int64_t channel, keys[2];
};

static void begin(struct ward_fixture *w)
{
	struct channel c = { .name = "main",
			     .provider = "openai",
			     .base_url = "https://api.example.org/v1",
			     .origin = "https://api.example.org:443",
			     .enabled = true,
			     .auto_disable = true,
			     .weight = 1 };
	struct fixture *fx = &w->fx;

	fixture_init(fx, ":memory:");
	w->channel = channel_add(fx->db, &c, &fx->e);
	MUST(fx, w->channel);
	for (int i = 0; i < 2; i++) {
		w->keys[i] =
			channel_key_add(fx->db, w->channel, "sk-..", &fx->e);
		MUST(fx, w->keys[i]);
		MUST(fx, channel_key_seal(fx->db, w->keys[i], STR("sealed"),
					  &fx->e));
	}
}

static struct ward disable(struct ward_fixture *w, int key)
{
	struct ward d = { .channel_id = w->channel,
			  .key_id = w->keys[key],
			  .reason = "401: no",
			  .probe_ms = NOW + MIN5 };

	MUST(&w->fx, ward_put(w->fx.db, &d, NOW, &w->fx.e));
	return d;
}

static struct channel channel_of(struct ward_fixture *w)
{
	struct fixture *fx = &w->fx;
	struct channel c;

	MUST(fx, channel_get(fx->db, w->channel, &c, &fx->arena, &fx->e));
	return c;
}

static struct channel_key key_of(struct ward_fixture *w, int key)
{
	struct fixture *fx = &w->fx;
	struct channel_key k;

	MUST(fx, channel_key_get(fx->db, w->keys[key], &k, &fx->arena, &fx->e));
	return k;
}

static void a_key_fails_alone_and_the_last_with_its_channel(void **state)
{
	struct ward_fixture w = { 0 };
	struct ward d;

	(void)state;
	begin(&w);
	row("the first");
	d = disable(&w, 0);
	ROW_TRUE(d.changed && !d.whole);
	ROW_STR(key_of(&w, 0).state, "disabled");
	ROW_STR(key_of(&w, 0).reason, "401: no");
	ROW_STR(key_of(&w, 1).state, "ok");
	ROW_STR(channel_of(&w).state, "ok");
	row("said twice");
	d = disable(&w, 0);
	ROW_TRUE(!d.changed && !d.whole);
	row("the last");
	d = disable(&w, 1);
	ROW_TRUE(d.changed && d.whole);
	ROW_STR(channel_of(&w).state, "disabled");
	ROW_STR(channel_of(&w).reason, "401: no");
	row("one is back");
	ROW_INT(ward_lift(w.fx.db, w.keys[1], NOW, &w.fx.e), 1);
	ROW_STR(key_of(&w, 1).state, "ok");
	ROW_INT(key_of(&w, 1).probe_ms, 0);
	ROW_STR(key_of(&w, 0).state, "disabled");
	ROW_STR(channel_of(&w).state, "ok");
	ROW_STR(channel_of(&w).reason, "");
	row("back already");
	ROW_INT(ward_lift(w.fx.db, w.keys[1], NOW, &w.fx.e), 0);
	fixture_release(&w.fx);
	rows_done();
}

static void what_an_administrator_switched_off_stays_as_it_is(void **state)
{
	struct ward_fixture w = { 0 };
	struct ward d;

	(void)state;
	begin(&w);
	row("switched off");
	MUST(&w.fx,
	     channel_key_enable(w.fx.db, w.keys[0], false, "rotated", &w.fx.e));
	d = disable(&w, 0);
	ROW_TRUE(!d.changed);
	ROW_STR(key_of(&w, 0).reason, "rotated");
	row("gone");
	w.keys[0] = 999;
	d = disable(&w, 0);
	ROW_TRUE(!d.changed && !d.whole);
	fixture_release(&w.fx);
	rows_done();
}

static void a_new_key_brings_its_channel_back(void **state)
{
	struct ward_fixture w = { 0 };
	int64_t id;

	(void)state;
	begin(&w);
	disable(&w, 0);
	disable(&w, 1);
	id = channel_key_add(w.fx.db, w.channel, "sk-new", &w.fx.e);
	row("not usable yet");
	ROW_STR(channel_of(&w).state, "disabled");
	MUST(&w.fx, channel_key_seal(w.fx.db, id, STR("sealed"), &w.fx.e));
	row("sealed");
	ROW_STR(channel_of(&w).state, "ok");
	fixture_release(&w.fx);
	rows_done();
}

/* One a round, each time after as long as it has been disabled already. */
static void probes_come_less_and_less_often(void **state)
{
	static const int64_t due_ms[] = { MIN5, 2 * MIN5, 4 * MIN5, 8 * MIN5 };
	struct ward_fixture w = { 0 };
	struct job j;
	char args[32];

	(void)state;
	begin(&w);
	disable(&w, 0);
	snprintf(args, sizeof(args), "{\"key\":%lld}", (long long)w.keys[0]);
	for (size_t i = 0; i < COUNT(due_ms); i++) {
		int64_t at = NOW + due_ms[i];

		row("probe %zu", i);
		ROW_INT(ward_probe(w.fx.db, &conf, at - 1, &w.fx.e), 0);
		ROW_INT(ward_probe(w.fx.db, &conf, at, &w.fx.e), 1);
		ROW_INT(ward_probe(w.fx.db, &conf, at, &w.fx.e), 0);
		MUST(&w.fx, job_get(w.fx.db, (int64_t)i + 1, &j, &w.fx.arena,
				    &w.fx.e));
		ROW_STR(j.kind, WARD_JOB);
		ROW_STR(j.args, args);
		ROW_INT(j.channel_id, w.channel);
	}
	row("a year later: within a day");
	ROW_INT(ward_probe(w.fx.db, &conf, NOW + 8760LL * HOUR, &w.fx.e), 1);
	ROW_INT(key_of(&w, 0).probe_ms, NOW + 8784LL * HOUR);
	row("a channel that is switched off");
	MUST(&w.fx, channel_remove(w.fx.db, w.channel, &w.fx.e));
	ROW_INT(ward_probe(w.fx.db, &conf, NOW + 99999LL * HOUR, &w.fx.e), 0);
	fixture_release(&w.fx);
	rows_done();
}

static void probes_keep_to_their_hours(void **state)
{
	static const struct {
		const char *label;
		int from, to, at;
		bool want;
	} cases[] = {
		{ "all day", 0, 24, 8, true },
		{ "inside", 8, 9, 8, true },
		{ "before", 9, 12, 8, false },
		{ "its end is not in it", 6, 8, 8, false },
		{ "the night, late", 22, 6, 23, true },
		{ "the night, early", 22, 6, 5, true },
		{ "not the night", 22, 6, 8, false },
		{ "never", 8, 8, 8, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf c = conf;
		struct ward_fixture w = { 0 };

		row("%s", cases[i].label);
		begin(&w);
		disable(&w, 0);
		c.probe_from_hour = cases[i].from;
		c.probe_to_hour = cases[i].to;
		ROW_INT(ward_probe(w.fx.db, &c,
				   NOW + (24 + cases[i].at - 8) * (int64_t)HOUR,
				   &w.fx.e),
			cases[i].want);
		fixture_release(&w.fx);
	}
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_key_fails_alone_and_the_last_with_its_channel),
		cmocka_unit_test(
			what_an_administrator_switched_off_stays_as_it_is),
		cmocka_unit_test(a_new_key_brings_its_channel_back),
		cmocka_unit_test(probes_come_less_and_less_often),
		cmocka_unit_test(probes_keep_to_their_hours),
	};

	return cmocka_run_group_tests_name("ward", tests, NULL, NULL);
}
