/* js.c - see js.h. */
#include "json/js.h"

#include "json/scan.h"

#include <json-c/json_c_version.h>
#include <json-c/json_tokener.h>
#include <limits.h>
#include <math.h>

/* A number at the top ends with the text: json-c wants to be told. */
static struct json_object *parse_all(struct json_tokener *tok, const char *p,
				     size_t n)
{
	struct json_object *o = json_tokener_parse_ex(tok, p, (int)n);

	if (json_tokener_get_error(tok) == json_tokener_continue)
		o = json_tokener_parse_ex(tok, "", 1);
	if (json_tokener_get_error(tok) == json_tokener_success)
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *parse(const char *p, size_t n, int flags)
{
	struct json_tokener *tok = json_tokener_new_ex(JS_DEPTH);
	struct json_object *o = NULL;

	if (!tok)
		abort(); /* out of memory, as in mem_alloc() */
	json_tokener_set_flags(tok, flags);
	if (n < INT_MAX)
		o = parse_all(tok, p, n);
	json_tokener_free(tok);
	return o;
}

/* json-c 0.18 (Debian 13, Fedora 42) takes every byte above 127 for a control
 * character where it is strict (github.com/json-c/json-c/issues/892).  Our
 * scanner is stricter. */
static struct json_object *parse_scanned(const char *p, size_t n)
{
	struct err ignored = { 0 };
	struct scan s;
	bool good;

	scan_init(&s, NULL, &scan_answer_limits, NULL, NULL);
	good = scan_text(&s, (struct str){ p, n }, &ignored) == 0;
	scan_release(&s);
	return good ? parse(p, n, JSON_TOKENER_VALIDATE_UTF8) : NULL;
}

static bool is_ascii(const char *p, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	return all < 0x80;
}

struct json_object *js_parse(const char *p, size_t n, struct err *e)
{
	struct json_object *o;

	if (json_c_version_num() == 18 << 8 && !is_ascii(p, n))
		o = parse_scanned(p, n);
	else
		o = parse(p, n,
			  JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (!o)
		err_set(e, ERR_JSON, "The text is not valid JSON.");
	return o;
}

void js_free(struct json_object *o)
{
	json_object_put(o);
}

struct json_object *js_get(struct json_object *o, const char *name)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, name, &v))
		return NULL;
	return v;
}

struct json_object *js_either(struct json_object *o, const char *name,
			      const char *other)
{
	struct json_object *v = js_get(o, name);

	return v ? v : js_get(o, other);
}

struct str js_text(struct json_object *o, const char *name)
{
	struct json_object *v = js_get(o, name);

	if (!json_object_is_type(v, json_type_string))
		return STR_NONE;
	return (struct str){ json_object_get_string(v),
			     (size_t)json_object_get_string_len(v) };
}

const char *js_str(struct json_object *o, const char *name, const char *def)
{
	struct str s = js_text(o, name);

	return s.p ? s.p : def;
}

/* Whole numbers that a double holds exactly. */
#define DOUBLE_WHOLE 9007199254740992.0

int64_t js_int(struct json_object *o, const char *name, int64_t def)
{
	struct json_object *v = js_get(o, name);
	double d;

	if (json_object_is_type(v, json_type_int))
		return json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_double))
		return def;
	d = json_object_get_double(v); /* 1e2 and 100.0 are 100 */
	return d == trunc(d) && fabs(d) <= DOUBLE_WHOLE ? (int64_t)d : def;
}

bool js_bool(struct json_object *o, const char *name, bool def)
{
	struct json_object *v = js_get(o, name);

	return json_object_is_type(v, json_type_boolean) ?
		       json_object_get_boolean(v) :
		       def;
}

/* json-c keeps the text of what it read as a double. */
struct str js_number(struct json_object *v)
{
	if (json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double))
		return str_of(json_object_get_string(v));
	return STR_NONE;
}

int js_len(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ?
		       (int)json_object_array_length(array) :
		       0;
}

struct json_object *js_at(struct json_object *array, int i)
{
	if (i < 0 || i >= js_len(array))
		return NULL;
	return json_object_array_get_idx(array, (size_t)i);
}
