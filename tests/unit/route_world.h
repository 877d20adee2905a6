/* route_world.h - a book of one model and a few channels, for tests of routes.
 */
#ifndef UNIT_ROUTE_WORLD_H
#define UNIT_ROUTE_WORLD_H

#include "rows.h"

#include "policy/route.h"

#define SEATS 4

struct seat {
	int priority, weight;
	const char *groups;
	bool off;
	int keys;
};

/* A book of one model "m1", served by channels 1 to n. */
struct world {
	struct book book;
	struct book_model model, *slot;
	struct book_channel channels[SEATS];
	struct book_key keys[SEATS][4];
	char names[SEATS][8];
	struct book_seat seats[SEATS];
	struct arena arena;
};

static void open_world(struct world *w, const struct seat *seats, int n)
{
	*w = (struct world){ .model = { .name = "m1",
					.price = { .id = 1 },
					.seats = w->seats } };
	arena_init(&w->arena);
	w->model.n_seats = n;
	w->slot = &w->model;
	w->book.slots = &w->slot;
	w->book.n_slots = 1;
	w->book.channels = w->channels;
	w->book.n_channels = n;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 4; k++)
			w->keys[i][k].id = 10 * (i + 1) + k;
		snprintf(w->names[i], sizeof(w->names[i]), "c%d", i + 1);
		w->channels[i] = (struct book_channel){
			.id = i + 1,
			.name = w->names[i],
			.usable = !seats[i].off,
			.priority = seats[i].priority,
			.weight = seats[i].weight,
			.groups = seats[i].groups ? seats[i].groups : "default",
			.keys = w->keys[i],
			.n_keys = MAX(seats[i].keys, 1),
		};
		w->seats[i] = (struct book_seat){ .channel = &w->channels[i],
						  .upstream = "up" };
	}
}

#endif
