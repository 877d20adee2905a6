/* route.c - see route.h. */
#include "policy/route.h"

#include "base/rand.h"

static bool may(const struct book_seat *s, const struct route_ask *ask)
{
	const struct book_channel *ch = s->channel;

	return ch->usable && (!ask->channel_id || ask->channel_id == ch->id) &&
	       book_on_list(ch->groups, str_of(ask->group));
}

/* Draws one of the n by weight; a weight of 0 counts as next to nothing. */
static int draw(struct candidate *c, int n)
{
	int64_t total = 0, at;

	for (int i = 0; i < n; i++)
		total += (int64_t)c[i].channel->weight * 1000 + 1;
	at = (int64_t)rand_below((uint64_t)total);
	for (int i = 0; i < n; i++) {
		at -= (int64_t)c[i].channel->weight * 1000 + 1;
		if (at < 0)
			return i;
	}
	return 0;
}

/* Puts those of one priority into the order in which weight draws them. */
static void shuffle(struct candidate *c, int n)
{
	for (; n > 1; c++, n--) {
		int i = draw(c, n);
		struct candidate first = c[i];

		memmove(c + 1, c, sizeof(*c) * (size_t)i);
		c[0] = first;
	}
}

static void order(struct candidate *c, int n)
{
	for (int from = 0, to = 0; from < n; from = to) {
		while (to < n &&
		       c[to].channel->priority == c[from].channel->priority)
			to++;
		shuffle(c + from, to - from);
	}
}

static const struct book_key *pick_key(const struct book_channel *ch)
{
	return &ch->keys[ch->n_keys > 1 ? rand_below((uint64_t)ch->n_keys) : 0];
}

int route_plan(const struct book *b, const struct route_ask *ask,
	       struct arena *arena, struct candidate **out, struct err *e)
{
	const struct book_model *m = book_model(b, ask->model);
	int n = 0;

	if (!m)
		return err_param(e, ERR_MODEL, "model",
				 "The model '%.*s' does not exist or you do "
				 "not have access to it.",
				 (int)MIN(ask->model.n, 64), ask->model.p);
	*out = ARENA_ARRAY(arena, struct candidate, m->n_seats);
	for (int i = 0; i < m->n_seats; i++)
		if (may(&m->seats[i], ask))
			(*out)[n++] = (struct candidate){
				.channel = m->seats[i].channel,
				.key = pick_key(m->seats[i].channel),
				.model = m->seats[i].upstream,
			};
	if (!n)
		return err_set(e, ERR_NO_CHANNEL,
			       "No channel can serve the model '%.*s' now. Try "
			       "again later, or ask the administrator.",
			       (int)MIN(ask->model.n, 64), ask->model.p);
	order(*out, n);
	return n;
}
