/* member.c - see member.h. */
#include "dialect/member.h"

#include "dialect/tree.h"

int member_wrong_type(struct err *e, const char *param, const char *want)
{
	return err_param(e, ERR_TYPE, param,
			 "Invalid type for '%s': expected %s.", param, want);
}

int member_take(struct chat *c, const struct member *m, struct json_object *v,
		struct err *e)
{
	static const struct {
		enum json_type json;
		const char *name;
	} wants[] = {
		[T_STR] = { json_type_string, "a string" },
		[T_INT] = { json_type_int, "an integer" },
		[T_DOUBLE] = { json_type_double, "a number" },
		[T_TRI] = { json_type_boolean, "a boolean" },
		[T_FLAG] = { json_type_boolean, "a boolean" },
		[T_JSON] = { json_type_object, "an object" },
	};
	void *to = (char *)c + m->at;
	bool whole = json_object_is_type(v, json_type_int);

	if (m->fn)
		return m->fn(c, v, e);
	if (m->type < COUNT(wants) &&
	    !json_object_is_type(v, wants[m->type].json) &&
	    !(m->type == T_DOUBLE && whole))
		return member_wrong_type(e, m->name, wants[m->type].name);
	switch (m->type) {
	case T_STR: *(struct str *)to = tree_text(c->mem, v); break;
	case T_INT: *(int64_t *)to = json_object_get_int64(v); break;
	case T_DOUBLE: *(double *)to = json_object_get_double(v); break;
	case T_TRI: *(int *)to = json_object_get_boolean(v); break;
	case T_FLAG: *(bool *)to = json_object_get_boolean(v); break;
	default: *(struct str *)to = tree_json(c->mem, v);
	}
	return 0;
}
