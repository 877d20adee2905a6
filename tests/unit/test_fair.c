/* test_fair.c - which of the workers takes the next connection. */
#include "../../fcgi/fair.h"

#include "base/clock.h"

#include <stdlib.h>
#include <unistd.h>

#include "rows.h"

#define MAX_INFLIGHT 6000

static const struct {
	const char *label;
	enum shared_state state; /* of the other worker */
	int64_t theirs, ours;    /* requests */
	bool alone;              /* there is no other worker */
	bool take, elsewhere;
} cases[] = {
	/* clang-format off */
	{ "no other",            SHARED_READY,    0,    500,  true,  true,  false },
	{ "both idle",           SHARED_READY,    0,    0,    false, true,  true },
	{ "a little more",       SHARED_READY,    100,  130,  false, true,  true },
	{ "clearly more",        SHARED_READY,    100,  200,  false, false, true },
	{ "much, and as much",   SHARED_READY,    5000, 5300, false, true,  true },
	{ "less",                SHARED_READY,    5000, 10,   false, true,  true },
	{ "the other one stops", SHARED_DRAINING, 0,    500,  false, true,  false },
	{ "both full",           SHARED_READY,    6000, 6000, false, true,  false },
	/* clang-format on */
};

static struct shared *sh;
static struct shared_slot *other;

static void leaves_it_to_who_carries_less(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fair f = { .shared = sh,
				  .worker_id = 1,
				  .silent_ms = 3000 };
		int64_t now_ms = clock_mono_ms();

		if (cases[i].alone)
			f.worker_id = shared_worker_id(other);
		row("%s", cases[i].label);
		shared_enter(other, cases[i].state);
		shared_beat(other);
		shared_load(other, cases[i].theirs, 0);
		ROW_INT(fair_may_take(&f, cases[i].ours, now_ms),
			cases[i].take);
		ROW_INT(fair_elsewhere(&f, MAX_INFLIGHT, now_ms),
			cases[i].elsewhere);
	}
	rows_done();
}

static void waits_only_so_long(void **state)
{
	struct fair f = { .shared = sh, .worker_id = 1, .silent_ms = 3000 };
	int64_t now_ms = clock_mono_ms();
	int left = 0;

	(void)state;
	shared_enter(other, SHARED_READY);
	shared_beat(other);
	shared_load(other, 0, 0);
	while (!fair_may_take(&f, 1000, now_ms) && left < 100)
		left++;
	assert_in_range(left, 1, 5);
	/* One that says nothing any more does not count. */
	assert_true(fair_may_take(&f, 1000, now_ms + 4000));
	assert_true(fair_may_take(&f, 1000, now_ms + 4001));
}

static int set_up(void **state)
{
	static char dir[] = "/tmp/pontage-fair-XXXXXX";
	struct err e = { 0 };

	*state = dir;
	if (!mkdtemp(dir) || !(sh = shared_open(dir, true, &e)))
		return -1;
	other = shared_slot_take(sh, SHARED_RELAY, 1, &e);
	return other ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[64];

	shared_slot_free(sh, other);
	shared_close(sh);
	snprintf(path, sizeof(path), "%s/shared", (const char *)*state);
	unlink(path);
	return rmdir(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_it_to_who_carries_less),
		cmocka_unit_test(waits_only_so_long),
	};

	return cmocka_run_group_tests_name("fair", tests, set_up, tear_down);
}
