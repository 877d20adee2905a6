/* scan_paths.c - the wanted paths as a tree, see scan.h. */
#include "json/scan_in.h"

#include <assert.h>

#include "json/text.h"

static int new_node(struct scan_paths *t, struct str name)
{
	t->nodes[t->n] = (struct scan_node){ .name = name,
					     .child = -1,
					     .next = -1,
					     .element = -1,
					     .any = -1,
					     .path = -1 };
	return t->n++;
}

/* The slot for a name: its node, or the end of the list, -1. */
static int *member_slot(struct scan_paths *t, int node, struct str name)
{
	int *slot = &t->nodes[node].child;

	while (*slot >= 0 && !str_same(t->nodes[*slot].name, name))
		slot = &t->nodes[*slot].next;
	return slot;
}

static int descend(struct scan_paths *t, int *slot, struct str name)
{
	if (*slot < 0)
		*slot = new_node(t, name);
	return *slot;
}

/* One name of a path with the "[]" behind it. */
static int add_name(struct scan_paths *t, int node, struct str name)
{
	int elements = 0;

	while (name.n >= 2 && !memcmp(name.p + name.n - 2, "[]", 2)) {
		name.n -= 2;
		elements++;
	}
	if (str_eq(name, "*"))
		node = descend(t, &t->nodes[node].any, name);
	else if (name.n)
		node = descend(t, member_slot(t, node, name), name);
	while (elements--)
		node = descend(t, &t->nodes[node].element, STR_NONE);
	return node;
}

static size_t count_steps(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == '.' || *path == '[';
	return n;
}

const struct scan_paths *scan_paths_new(const char *const *paths, int n)
{
	struct scan_paths *t;
	size_t nodes = 1;

	for (int i = 0; i < n; i++)
		nodes += count_steps(paths[i]);
	t = mem_alloc(sizeof(*t) + nodes * sizeof(t->nodes[0]));
	new_node(t, STR_NONE);
	for (int i = 0; i < n; i++) {
		struct str rest = str_of(paths[i]), name;
		int node = 0;

		while (str_next(&rest, '.', &name))
			node = add_name(t, node, name);
		assert(t->nodes[node].path < 0); /* a path given twice */
		t->nodes[node].path = i;
	}
	return t;
}

int scan_paths_member(const struct scan_paths *paths, int node, struct str name,
		      bool escaped)
{
	const struct scan_node *of = &paths->nodes[node];
	struct str inside = json_inside(name);
	int i;

	for (i = of->child; i >= 0; i = paths->nodes[i].next) {
		struct str want = paths->nodes[i].name;

		if (escaped ? json_text_is(name, want) :
			      inside.n == want.n &&
				      !memcmp(inside.p, want.p, want.n))
			return i;
	}
	return of->any;
}
