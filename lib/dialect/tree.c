/* tree.c - see tree.h. */
#include "dialect/tree.h"

struct str tree_text(struct arena *mem, struct json_object *string)
{
	struct str s;

	if (!json_object_is_type(string, json_type_string))
		return STR_NONE;
	s.p = json_object_get_string(string);
	s.n = (size_t)json_object_get_string_len(string);
	return arena_str(mem, s);
}

struct str tree_member(struct arena *mem, struct json_object *o,
		       const char *name)
{
	return tree_text(mem, js_get(o, name));
}

struct str tree_print(struct json_object *o)
{
	struct str s;

	if (!o)
		return STR_NONE;
	s.p = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&s.n);
	return s;
}

struct str tree_json(struct arena *mem, struct json_object *o)
{
	struct str s = tree_print(o);

	return s.p ? arena_str(mem, s) : s;
}
