/* tree.h - copies of a JSON tree's values, for what outlives the tree. */
#ifndef DIALECT_TREE_H
#define DIALECT_TREE_H

#include "base/arena.h"
#include "json/js.h"

/* In the arena; STR_NONE where it is no string, or there is none. */
struct str tree_text(struct arena *mem, struct json_object *string);
struct str tree_member(struct arena *mem, struct json_object *o,
		       const char *name);
/* Any value as JSON; STR_NONE of NULL. */
struct str tree_json(struct arena *mem, struct json_object *o);
/* The same without a copy: it lives as long as the tree. */
struct str tree_print(struct json_object *o);

#endif
