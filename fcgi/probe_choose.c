/* probe_choose.c - see probe_choose.h. */
#include "probe_choose.h"

#include "json/js.h"

static const struct book_channel *find_channel(const struct book *b, int64_t id)
{
	for (int i = 0; i < b->n_channels; i++)
		if (b->channels[i].id == id)
			return &b->channels[i];
	return NULL;
}

static const struct book_key *find_key(const struct book_channel *ch,
				       int64_t id)
{
	for (int i = 0; i < ch->n_keys + ch->n_sick; i++) {
		const struct book_key *k = i < ch->n_keys ?
						   &ch->keys[i] :
						   &ch->sick[i - ch->n_keys];

		if (!id || k->id == id)
			return k;
	}
	return NULL;
}

static const struct book_seat *seat_of(const struct book_model *m,
				       const struct book_channel *ch)
{
	for (int i = 0; i < m->n_seats; i++)
		if (m->seats[i].channel == ch)
			return &m->seats[i];
	return NULL;
}

/* The one of that name, "": the first that the channel serves. */
static void find_model(struct probe_choice *c, const struct book *b,
		       const char *name)
{
	for (int i = 0; i < b->n_models; i++) {
		const struct book_model *m = b->models[i];
		const struct book_seat *s = seat_of(m, c->to.channel);

		if (!s || (*name && strcmp(m->name, name) != 0))
			continue;
		c->model = m->name;
		c->to.model = s->upstream;
		c->price = &m->price;
		return;
	}
}

struct args {
	const char *model;
	int64_t key;
};

static struct args read_args(const struct job *job, struct arena *arena)
{
	struct err ignored = { 0 };
	struct json_object *o =
		js_parse(job->args, strlen(job->args), &ignored);
	struct args a = { arena_dup(arena, str_of(js_str(o, "model", ""))),
			  js_int(o, "key", 0) };

	js_free(o);
	return a;
}

int probe_choose(struct probe_choice *c, const struct book *b,
		 const struct job *job, struct arena *arena, struct err *e)
{
	const struct book_channel *ch = find_channel(b, job->channel_id);
	struct args a = read_args(job, arena);

	*c = (struct probe_choice){ .to = { .channel = ch } };
	if (!ch)
		return err_set(e, ERR_NOT_FOUND, "There is no such channel.");
	c->to.key = ch->provider ? find_key(ch, a.key) : NULL;
	if (!c->to.key)
		return err_set(e, ERR_NO_CHANNEL, "It cannot be called: %s.",
			       ch->why ? ch->why : "that key is not there");
	c->model = *a.model ? a.model : ch->test_model;
	c->to.model = c->model;
	find_model(c, b, c->model);
	if (!*c->to.model && strcmp(job->kind, "fetch-models") != 0)
		return err_set(e, ERR_MODEL,
			       "The channel serves no model yet: give it some "
			       "with pontage channel set NAME --models a,b");
	return 0;
}
