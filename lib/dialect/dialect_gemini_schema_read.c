/* dialect_gemini_schema_read.c - a Schema of Gemini's as JSON Schema.
 *
 * https://ai.google.dev/api/caching#Schema: types in capitals, numbers that
 * may be strings, nullable instead of a type null.
 */
#include "dialect/gemini.h"

#include <ctype.h>

static const char *const counts[] = { "minItems",      "maxItems",
				      "minLength",     "maxLength",
				      "minProperties", "maxProperties" };

static void read_any(struct json_object *o, const char *name, struct jw *w);

static void read_type(struct json_object *o, struct jw *w)
{
	const char *type = js_str(o, "type", NULL);
	bool nullable = js_bool(o, "nullable", false);
	char lower[24] = "";

	if (!type || !strcasecmp(type, "TYPE_UNSPECIFIED"))
		return;
	for (size_t i = 0; i < sizeof(lower) - 1 && type[i]; i++)
		lower[i] = (char)tolower((unsigned char)type[i]);
	if (!nullable) {
		jw_str(w, "type", lower);
		return;
	}
	jw_array(w, "type");
	jw_str(w, NULL, lower);
	jw_str(w, NULL, "null");
	jw_end(w);
}

static void read_list(struct json_object *list, struct jw *w)
{
	jw_array(w, "anyOf");
	for (int i = 0; i < js_len(list); i++)
		read_any(js_at(list, i), NULL, w);
	jw_end(w);
}

/* The rest, by its name in camelCase. */
static void read_member(struct json_object *o, const char *name, struct jw *w)
{
	struct json_object *v = gemini_get(o, name);

	if (!v)
		return;
	for (size_t i = 0; i < COUNT(counts); i++)
		if (!strcmp(counts[i], name)) {
			jw_int(w, name, gemini_int(v, 0));
			return;
		}
	jw_raw(w, name, tree_print(v));
}

static void read_properties(struct json_object *all, struct jw *w)
{
	if (!json_object_is_type(all, json_type_object))
		return;
	jw_object(w, "properties");
	json_object_object_foreach(all, name, v) {
		read_any(v, name, w);
	}
	jw_end(w);
}

static void read_any(struct json_object *o, const char *name, struct jw *w)
{
	static const char *const rest[] = {
		"title",         "description",   "default",   "enum",
		"minItems",      "maxItems",      "minLength", "maxLength",
		"minProperties", "maxProperties", "minimum",   "maximum",
		"pattern",       "required",
	};
	const char *format = js_str(o, "format", "");

	if (w->depth >= JW_DEPTH - 2) {
		jw_raw(w, name, STR("{}"));
		return;
	}
	jw_object(w, name);
	read_type(o, w);
	if (*format && strcmp(format, "enum"))
		jw_str(w, "format", format);
	for (size_t i = 0; i < COUNT(rest); i++)
		read_member(o, rest[i], w);
	read_properties(js_get(o, "properties"), w);
	if (js_get(o, "items"))
		read_any(js_get(o, "items"), "items", w);
	if (gemini_get(o, "anyOf"))
		read_list(gemini_get(o, "anyOf"), w);
	jw_end(w);
}

struct str gemini_schema_read(struct arena *mem, struct json_object *o)
{
	struct buf b;
	struct jw w;
	struct str s;

	if (!json_object_is_type(o, json_type_object))
		return STR_NONE;
	buf_init(&b, 16u << 20);
	jw_start(&w, &b);
	read_any(o, NULL, &w);
	s = buf_ok(&b) ? arena_str(mem, buf_span(&b)) : STR("{}");
	buf_release(&b);
	return s;
}
