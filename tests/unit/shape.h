/* shape.h - checks JSON against a table of what a provider's page says: every
 * member must have a row, and be what the row says.
 *
 * A row is { "Type", "member", what }.  what: "s" a string, "i" an integer, "n"
 * a number, "b" a boolean, "*" anything, "o" any object, ":Type" an object of
 * that type, "{Type" an object whose members are all of that type, "=a|b" one
 * of these words; "[" before it: an array of them, "0" before it: or null, "!"
 * before it: it must be there.  The member "|" of a type lists members of which
 * exactly one must be there. */
#ifndef TESTS_SHAPE_H
#define TESTS_SHAPE_H

#include "json/js.h"

#include "rows.h"

struct shape_row {
	const char *type, *member, *what;
};

static int shape_bad;

#define SHAPE_BAD(...)                            \
	do {                                      \
		shape_bad++;                      \
		ROW_NOTE_(__LINE__, __VA_ARGS__); \
	} while (0)

static inline void shape_check(const struct shape_row *rows,
			       struct json_object *o, const char *type,
			       const char *path);

static inline bool shape_word(const char *list, const char *word)
{
	struct str rest = str_of(list), piece;

	while (str_next(&rest, '|', &piece))
		if (str_eq(piece, word))
			return true;
	return false;
}

static inline void shape_value(const struct shape_row *rows,
			       struct json_object *v, const char *what,
			       const char *path)
{
	char at[300];
	bool ok = true;

	switch (*what) {
	case '!': shape_value(rows, v, what + 1, path); return;
	case '0':
		if (v)
			shape_value(rows, v, what + 1, path);
		return;
	case '[':
		ok = json_object_is_type(v, json_type_array);
		for (int i = 0; ok && i < js_len(v); i++) {
			snprintf(at, sizeof(at), "%.250s[%d]", path, i);
			shape_value(rows, js_at(v, i), what + 1, at);
		}
		break;
	case ':': shape_check(rows, v, what + 1, path); return;
	case '{':
		ok = json_object_is_type(v, json_type_object);
		if (!ok)
			break;
		json_object_object_foreach(v, name, one) {
			snprintf(at, sizeof(at), "%.150s.%.100s", path, name);
			shape_check(rows, one, what + 1, at);
		}
		break;
	case '=':
		ok = json_object_is_type(v, json_type_string) &&
		     shape_word(what + 1, json_object_get_string(v));
		break;
	case 's': ok = json_object_is_type(v, json_type_string); break;
	case 'i': ok = json_object_is_type(v, json_type_int); break;
	case 'b': ok = json_object_is_type(v, json_type_boolean); break;
	case 'o': ok = json_object_is_type(v, json_type_object); break;
	case 'n':
		ok = json_object_is_type(v, json_type_int) ||
		     json_object_is_type(v, json_type_double);
		break;
	default: break;
	}
	if (!ok)
		SHAPE_BAD("%s is not %s", path, what);
}

static inline void shape_one_of(struct json_object *o, const char *list,
				const char *path)
{
	struct str rest = str_of(list), piece;
	char name[64];
	int n = 0;

	while (str_next(&rest, '|', &piece)) {
		snprintf(name, sizeof(name), "%.*s", STR_FMT(piece));
		n += js_get(o, name) != NULL;
	}
	if (n != 1)
		SHAPE_BAD("%s has %d of %s", path, n, list);
}

static inline void shape_check(const struct shape_row *rows,
			       struct json_object *o, const char *type,
			       const char *path)
{
	char at[300];

	if (!json_object_is_type(o, json_type_object)) {
		SHAPE_BAD("%s is no %s", path, type);
		return;
	}
	for (const struct shape_row *r = rows; r->type; r++) {
		if (strcmp(r->type, type))
			continue;
		if (!strcmp(r->member, "|"))
			shape_one_of(o, r->what, path);
		else if (*r->what == '!' &&
			 !json_object_object_get_ex(o, r->member, NULL))
			SHAPE_BAD("%s has no %s", path, r->member);
	}
	json_object_object_foreach(o, name, v) {
		const struct shape_row *r = rows;

		snprintf(at, sizeof(at), "%.150s.%.100s", path, name);
		while (r->type &&
		       (strcmp(r->type, type) || strcmp(r->member, name)))
			r++;
		if (r->type)
			shape_value(rows, v, r->what, at);
		else
			SHAPE_BAD("%s: %s has no such member", at, type);
	}
}

#endif
