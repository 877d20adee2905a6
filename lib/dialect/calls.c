/* calls.c - see calls.h. */
#include "dialect/calls.h"

static size_t slot_of(const struct calls *calls, struct str id)
{
	uint64_t h = 14695981039346656037u;
	size_t at;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (unsigned char)id.p[i]) * 1099511628211u;
	at = (size_t)(h ^ h >> 32) & (calls->n - 1);
	while (calls->slot[at] && !str_same(calls->slot[at]->id, id))
		at = (at + 1) & (calls->n - 1);
	return at;
}

void calls_init(struct calls *calls, const struct chat *c)
{
	size_t n = 0;

	for (const struct chat_msg *m = c->msgs; m; m = m->next)
		for (const struct chat_part *p = m->parts.first; p; p = p->next)
			n += p->kind == PART_TOOL_CALL;
	for (calls->n = 4; calls->n < 2 * n;)
		calls->n *= 2;
	calls->slot = ARENA_ARRAY(c->mem, const struct chat_part *, calls->n);
	for (const struct chat_msg *m = c->msgs; m; m = m->next)
		for (const struct chat_part *p = m->parts.first; p; p = p->next)
			if (p->kind == PART_TOOL_CALL && p->id.p)
				calls->slot[slot_of(calls, p->id)] = p;
}

const struct chat_part *calls_find(const struct calls *calls, struct str id)
{
	return id.p ? calls->slot[slot_of(calls, id)] : NULL;
}
