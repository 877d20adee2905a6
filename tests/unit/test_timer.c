/* test_timer.c - what should happen later, against a plain list. */
#include "rows.h"

#include "base/rand.h"

#include "../../fcgi/timer.h"

#define MANY 300

struct note {
	struct timer timer;
	int id, fired;
	int64_t at_ms;
	struct note *unset, *again; /* what it does to others, to itself */
};

static struct timers timers;
static char order[256];

static void on_time(struct timer *t, int64_t now_ms)
{
	struct note *n = (struct note *)t;
	size_t used = strlen(order);

	n->fired++;
	n->at_ms = now_ms;
	snprintf(order + used, sizeof(order) - used, "%d ", n->id);
	if (n->unset)
		timer_set(&timers, &n->unset->timer, 0);
	if (n->again)
		timer_set(&timers, &n->again->timer, now_ms + 10);
}

static void begin(struct note *n, int count)
{
	timers_release(&timers);
	order[0] = '\0';
	for (int i = 0; i < count; i++)
		n[i] = (struct note){ .timer.fn = on_time, .id = i };
}

static void they_fire_in_order_of_time(void **state)
{
	struct note n[4];

	(void)state;
	begin(n, 4);
	row("four");
	ROW_INT(timers_wait(&timers, 5), -1);
	timer_set(&timers, &n[0].timer, 40);
	timer_set(&timers, &n[1].timer, 10);
	timer_set(&timers, &n[2].timer, 30);
	timer_set(&timers, &n[3].timer, 20);
	ROW_INT(timers_wait(&timers, 5), 5);
	ROW_INT(timers_wait(&timers, 10), 0);
	ROW_INT(timers_wait(&timers, 99), 0);
	timers_run(&timers, 9);
	ROW_STR(order, "");
	timers_run(&timers, 30);
	ROW_STR(order, "1 3 2 ");
	ROW_INT(n[1].at_ms, 30);
	ROW_INT(timers_wait(&timers, 30), 10);
	timers_run(&timers, 99);
	ROW_STR(order, "1 3 2 0 ");
	ROW_INT(timers_wait(&timers, 99), -1);

	row("far off");
	timer_set(&timers, &n[0].timer, INT64_MAX);
	ROW_INT(timers_wait(&timers, 0), 60000);
	rows_done();
}

static void a_timer_moves_and_goes(void **state)
{
	struct note n[3];

	(void)state;
	begin(n, 3);
	row("later, sooner, not at all");
	for (int i = 0; i < 3; i++)
		timer_set(&timers, &n[i].timer, 10 + i);
	timer_set(&timers, &n[0].timer, 50);
	timer_set(&timers, &n[2].timer, 5);
	timer_set(&timers, &n[1].timer, 0);
	timer_set(&timers, &n[1].timer, 0);
	ROW_INT(n[1].timer.at_ms, 0);
	timers_run(&timers, 20);
	ROW_STR(order, "2 ");
	ROW_INT(n[2].timer.at_ms, 0);
	timers_run(&timers, 50);
	ROW_STR(order, "2 0 ");
	rows_done();
}

static void one_may_set_and_unset_others(void **state)
{
	struct note n[3];

	(void)state;
	begin(n, 3);
	row("the first stops the second and sets itself");
	n[0].unset = &n[1];
	n[0].again = &n[0];
	for (int i = 0; i < 3; i++)
		timer_set(&timers, &n[i].timer, 10);
	timers_run(&timers, 10);
	ROW_INT(n[0].fired, 1);
	ROW_INT(n[1].fired, 0);
	ROW_INT(n[2].fired, 1);
	timers_run(&timers, 20);
	ROW_INT(n[0].fired, 2);
	n[0].again = NULL;
	timers_run(&timers, 30);
	ROW_INT(timers.n, 0);
	rows_done();
}

/* Random settings, then the order must be that of the times. */
static void many_keep_their_order(void **state)
{
	static struct note n[MANY];
	int64_t last = 0;

	(void)state;
	row("many");
	begin(n, MANY);
	for (int i = 0; i < 20 * MANY; i++)
		timer_set(&timers, &n[rand_below(MANY)].timer,
			  (int64_t)rand_below(1000));
	for (int i = 0; i < MANY; i++)
		n[i].at_ms = n[i].timer.at_ms;
	while (timers.n) {
		struct timer *t = timers.heap[0];

		ROW_TRUE(t->at_ms >= last);
		last = t->at_ms;
		for (int i = 0; i < timers.n; i++)
			ROW_INT(timers.heap[i]->place, i);
		timer_set(&timers, t, 0);
	}
	for (int i = 0; i < MANY; i++)
		ROW_INT(n[i].timer.at_ms, 0);
	timers_release(&timers);
	rows_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_fire_in_order_of_time),
		cmocka_unit_test(a_timer_moves_and_goes),
		cmocka_unit_test(one_may_set_and_unset_others),
		cmocka_unit_test(many_keep_their_order),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
