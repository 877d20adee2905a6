/* dialect_gemini_schema.c - JSON Schema as the subset that Gemini reads.
 *
 * https://ai.google.dev/api/caching#Schema.  Any other member is refused by
 * the server.  What can be said in other words is (const, oneOf, allOf, a list
 * of types, null, references); what cannot is named.
 */
#include "dialect/gemini.h"

#include <ctype.h>

#define DEPTH_MAX 24
#define NODES_MAX 4096 /* of one schema, references followed */

struct ref { /* what was referred to on the way */
	const struct ref *up;
	const struct json_object *to;
};

struct at { /* where in the schema we are: for what is lost */
	const struct at *up;
	const char *name;
	int depth;
	const struct ref *refs;
};

struct clean {
	struct arena *mem;
	struct json_object *root;
	const struct chat *lost; /* who wants to know; or NULL */
	bool whole;              /* nothing was lost */
	int nodes;
};

static void print_at(const struct at *at, struct buf *out)
{
	if (at->up) {
		print_at(at->up, out);
		buf_char(out, '.');
	}
	buf_str(out, at->name);
}

static void lose(struct clean *k, const struct at *at, const char *name)
{
	struct buf b;

	k->whole = false;
	if (!k->lost)
		return;
	buf_init(&b, 1u << 16);
	print_at(at, &b);
	chat_lost(k->lost, "%s.%s", b.p, name);
	buf_release(&b);
}

/* --- one object of what it refers to and is made of ------------------------
 */

/* "#/$defs/Point" in the root; NULL: there is no such thing. */
static struct json_object *resolve(const struct clean *k, const char *ref)
{
	struct json_object *o = k->root;
	struct str rest, piece;

	if (ref[0] != '#')
		return NULL;
	if (!ref[1])
		return o;
	rest = str_of(ref + 2);
	while (o && str_next(&rest, '/', &piece))
		o = js_get(o, arena_dup(k->mem, piece));
	return o;
}

static void append(struct json_object *to, struct json_object *list)
{
	for (int i = 0; i < js_len(list); i++)
		json_object_array_add(to, json_object_get(js_at(list, i)));
}

/* Adds the members of from to those of o: properties and required are one
 * list, of any other the later one counts. */
static void merge(struct json_object *o, struct json_object *from)
{
	if (!json_object_is_type(from, json_type_object))
		return;
	json_object_object_foreach(from, name, v) {
		struct json_object *old = js_get(o, name);

		if (!strcmp(name, "properties") && old) {
			struct json_object *both = json_object_new_object();

			merge(both, old);
			merge(both, v);
			json_object_object_add(o, name, both);
		} else if (!strcmp(name, "required") && old) {
			struct json_object *both = json_object_new_array();

			append(both, old);
			append(both, v);
			json_object_object_add(o, name, both);
		} else {
			json_object_object_add(o, name, json_object_get(v));
		}
	}
}

/* Notes the reference on the way; false: there is none, it is a cycle, or the
 * schema grows without end. */
static bool follow(struct clean *k, const struct json_object *to, struct at *at)
{
	struct ref *r;

	if (!to || k->nodes > NODES_MAX)
		return false;
	for (const struct ref *up = at->refs; up; up = up->up)
		if (up->to == to)
			return false;
	r = ARENA_NEW(k->mem, struct ref);
	r->up = at->refs;
	r->to = to;
	at->refs = r;
	return true;
}

static struct json_object *flatten(struct clean *k, struct json_object *o,
				   struct at *at);

static void merge_flat(struct clean *k, struct json_object *flat,
		       struct json_object *o, struct at *at)
{
	struct json_object *inner = flatten(k, o, at);

	merge(flat, inner);
	js_free(inner);
}

/* A new object without $ref and allOf. */
static struct json_object *flatten(struct clean *k, struct json_object *o,
				   struct at *at)
{
	struct json_object *flat = json_object_new_object(), *to, *all;
	const char *ref = js_str(o, "$ref", NULL);

	k->nodes++;
	if (ref) {
		to = resolve(k, ref);
		if (follow(k, to, at)) {
			merge_flat(k, flat, to, at);
		} else {
			lose(k, at, "$ref");
			json_object_object_add(
				flat, "type", json_object_new_string("object"));
		}
	}
	all = js_get(o, "allOf");
	for (int i = 0; i < js_len(all) && k->nodes <= NODES_MAX; i++)
		merge_flat(k, flat, js_at(all, i), at);
	merge(flat, o);
	json_object_object_del(flat, "$ref");
	json_object_object_del(flat, "allOf");
	return flat;
}

/* --- writing ---------------------------------------------------------------
 */

static void write_any(struct clean *k, struct json_object *o,
		      const struct at *up, const char *place, const char *name,
		      struct jw *w);

/* Members that go as they are, by the type of their value. */
static const struct {
	const char *name;
	enum json_type type; /* null: any */
} plain[] = {
	/* clang-format off */
	{ "title",            json_type_string },
	{ "description",      json_type_string },
	{ "default",          json_type_null },
	{ "example",          json_type_null },
	{ "minItems",         json_type_int },
	{ "maxItems",         json_type_int },
	{ "minProperties",    json_type_int },
	{ "maxProperties",    json_type_int },
	{ "minLength",        json_type_int },
	{ "maxLength",        json_type_int },
	{ "minimum",          json_type_double },
	{ "maximum",          json_type_double },
	{ "pattern",          json_type_string },
	{ "propertyOrdering", json_type_array },
	/* clang-format on */
};

/* Said by write_any() itself, or nothing that a model could heed. */
static const char *const silent[] = {
	"type",      "nullable",    "enum",     "const",      "format",
	"items",     "properties",  "required", "anyOf",      "oneOf",
	"$schema",   "$id",         "$comment", "$anchor",    "$defs",
	"examples",  "definitions", "strict",   "deprecated", "readOnly",
	"writeOnly",
};

static bool is_silent(const char *name, struct json_object *v)
{
	if (!strcmp(name, "additionalProperties"))
		return json_object_is_type(v, json_type_boolean) &&
		       !json_object_get_boolean(v);
	for (size_t i = 0; i < COUNT(silent); i++)
		if (!strcmp(silent[i], name))
			return true;
	return false;
}

static bool goes_as_it_is(const char *name, struct json_object *v)
{
	for (size_t i = 0; i < COUNT(plain); i++)
		if (!strcmp(plain[i].name, name))
			return plain[i].type == json_type_null ||
			       json_object_is_type(v, plain[i].type) ||
			       (plain[i].type == json_type_double &&
				json_object_is_type(v, json_type_int));
	return false;
}

static void write_plain(struct clean *k, struct json_object *o,
			const struct at *at, struct jw *w)
{
	json_object_object_foreach(o, name, v) {
		if (!v && strcmp(name, "default"))
			continue;
		if (v && goes_as_it_is(name, v))
			jw_raw(w, name, tree_print(v));
		else if (!is_silent(name, v))
			lose(k, at, name);
	}
}

/* Only texts may be listed; others become texts, and are named. */
static void write_enum(struct clean *k, struct json_object *list,
		       const struct at *at, struct jw *w)
{
	bool open = false, texts = true;

	for (int i = 0; i < js_len(list); i++) {
		struct json_object *v = js_at(list, i);
		bool text = json_object_is_type(v, json_type_string);
		struct str s = text ? str_of(json_object_get_string(v)) :
				      tree_print(v);

		if (!v) /* nullable says it */
			continue;
		texts = texts && text && s.n;
		if (!s.n)
			continue;
		if (!open)
			jw_array(w, "enum");
		open = true;
		jw_text(w, NULL, s);
	}
	if (open)
		jw_end(w);
	if (!texts)
		lose(k, at, "enum");
}

static void write_format(struct clean *k, const char *type,
			 struct json_object *v, const struct at *at,
			 struct jw *w)
{
	static const struct {
		const char *type, *format;
	} known[] = {
		{ "string", "enum" },   { "string", "date-time" },
		{ "number", "float" },  { "number", "double" },
		{ "integer", "int32" }, { "integer", "int64" },
	};
	const char *s = json_object_is_type(v, json_type_string) ?
				json_object_get_string(v) :
				NULL;

	if (!v)
		return;
	for (size_t i = 0; s && i < COUNT(known); i++)
		if (!strcmp(known[i].type, type) &&
		    !strcmp(known[i].format, s)) {
			jw_str(w, "format", s);
			return;
		}
	lose(k, at, "format");
}

static void write_properties(struct clean *k, struct json_object *o,
			     const struct at *at, struct jw *w)
{
	struct json_object *all = js_get(o, "properties");
	struct json_object *must = js_get(o, "required");
	bool open = false;

	if (!json_object_is_type(all, json_type_object) ||
	    !json_object_object_length(all))
		return;
	jw_object(w, "properties");
	json_object_object_foreach(all, name, v) {
		if (k->nodes <= NODES_MAX)
			write_any(k, v, at, "properties", name, w);
	}
	jw_end(w);
	for (int i = 0; i < js_len(must); i++) {
		struct json_object *one = js_at(must, i);

		if (!json_object_is_type(one, json_type_string) ||
		    !js_get(all, json_object_get_string(one))) {
			lose(k, at, "required");
			continue;
		}
		if (!open)
			jw_array(w, "required");
		open = true;
		jw_str(w, NULL, json_object_get_string(one));
	}
	if (open)
		jw_end(w);
}

static void write_items(struct clean *k, struct json_object *o,
			const struct at *at, struct jw *w)
{
	struct json_object *v = js_get(o, "items");

	if (json_object_is_type(v, json_type_object)) {
		write_any(k, v, at, NULL, "items", w);
		return;
	}
	lose(k, at, "items"); /* there must be one */
	jw_raw(w, "items", STR("{\"type\":\"string\"}"));
}

static bool is_null_type(struct json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	       !strcasecmp(json_object_get_string(v), "null");
}

/* What a schema may be: its members of anyOf or oneOf, or its types, but for
 * null; *nullable where null is one.  A new array. */
static struct json_object *choices_of(struct json_object *o, bool *nullable)
{
	struct json_object *list = js_either(o, "anyOf", "oneOf");
	struct json_object *types = js_get(o, "type");
	struct json_object *all = json_object_new_array();

	for (int i = 0; i < js_len(list); i++)
		if (is_null_type(js_get(js_at(list, i), "type")))
			*nullable = true;
		else
			json_object_array_add(all,
					      json_object_get(js_at(list, i)));
	for (int i = 0; !list && i < js_len(types); i++) {
		struct json_object *one;

		if (is_null_type(js_at(types, i))) {
			*nullable = true;
			continue;
		}
		one = json_object_new_object();
		merge(one, o);
		json_object_object_del(one, "description");
		json_object_object_add(one, "type",
				       json_object_get(js_at(types, i)));
		json_object_array_add(all, one);
	}
	return all;
}

/* What it is where it does not say. */
static const char *type_of(struct json_object *o, struct json_object *list)
{
	const char *s = js_str(o, "type", NULL);

	if (s)
		return s;
	if (js_get(o, "properties"))
		return "object";
	if (js_get(o, "items"))
		return "array";
	return js_len(list) ? "string" : NULL;
}

static bool has_null(struct json_object *list)
{
	for (int i = 0; i < js_len(list); i++)
		if (!js_at(list, i))
			return true;
	return false;
}

/* What is left when choices and references are out of the way. */
static void write_flat(struct clean *k, struct json_object *o,
		       const struct at *at, struct jw *w)
{
	struct json_object *list = js_get(o, "enum"), *one = NULL;
	const char *type;
	char lower[24] = "";

	if (!list && json_object_object_get_ex(o, "const", &one)) {
		list = json_object_new_array();
		json_object_array_add(list, json_object_get(one));
		json_object_object_add(o, "enum", list);
	}
	type = type_of(o, list);
	if (!type) {
		lose(k, at, "type");
		type = "string";
	}
	for (size_t i = 0; i < sizeof(lower) - 1 && type[i]; i++) {
		lower[i] = (char)tolower((unsigned char)type[i]);
		lower[i + 1] = '\0';
	}
	jw_str(w, "type", list ? "string" : lower);
	write_plain(k, o, at, w);
	if (list)
		write_enum(k, list, at, w);
	write_format(k, lower, js_get(o, "format"), at, w);
	if (!strcmp(lower, "object"))
		write_properties(k, o, at, w);
	if (!strcmp(lower, "array"))
		write_items(k, o, at, w);
}

static void write_choices(struct clean *k, struct json_object *o,
			  struct json_object *all, const struct at *at,
			  struct jw *w)
{
	static const char *const texts[] = { "title", "description" };
	int n = js_len(all);

	for (size_t i = 0; i < COUNT(texts); i++)
		if (js_get(o, texts[i]))
			jw_raw(w, texts[i], tree_print(js_get(o, texts[i])));
	jw_array(w, "anyOf");
	for (int i = 0; i < n; i++)
		write_any(k, js_at(all, i), at, NULL, NULL, w);
	jw_end(w);
}

/* The members of a schema, in an object that is open. */
static void write_members(struct clean *k, struct json_object *o, struct at *at,
			  struct jw *w)
{
	bool nullable =
		js_bool(o, "nullable", false) || has_null(js_get(o, "enum"));
	struct json_object *all = choices_of(o, &nullable);
	struct json_object *flat = json_object_new_object();
	int n = js_len(all);

	merge(flat, o);
	if (n == 1) { /* unwrapped: what stands around it counts too */
		struct json_object *inner = flatten(k, js_at(all, 0), at);

		json_object_object_del(flat, "anyOf");
		json_object_object_del(flat, "oneOf");
		merge(flat, inner);
		js_free(inner);
	}
	if (n > 1)
		write_choices(k, o, all, at, w);
	else
		write_flat(k, flat, at, w);
	if (nullable)
		jw_bool(w, "nullable", true);
	js_free(flat);
	js_free(all);
}

static void write_any(struct clean *k, struct json_object *o,
		      const struct at *up, const char *place, const char *name,
		      struct jw *w)
{
	struct at mid = { up, place, up->depth, up->refs };
	struct at at = { place ? &mid : up, name ? name : "anyOf",
			 up->depth + 1, up->refs };
	struct json_object *flat;

	jw_object(w, name);
	if (!json_object_is_type(o, json_type_object) || at.depth > DEPTH_MAX ||
	    k->nodes > NODES_MAX) {
		lose(k, &at, "type"); /* true: anything */
		jw_str(w, "type", "string");
		jw_end(w);
		return;
	}
	flat = flatten(k, o, &at);
	write_members(k, flat, &at, w);
	js_free(flat);
	jw_end(w);
}

/* An object without properties is refused: there is nothing to say. */
static bool says_nothing(struct json_object *flat)
{
	struct json_object *all = js_get(flat, "properties");

	return !js_either(flat, "anyOf", "oneOf") && !js_get(flat, "enum") &&
	       !js_get(flat, "items") &&
	       (!json_object_is_type(all, json_type_object) ||
		!json_object_object_length(all)) &&
	       !strcasecmp(js_str(flat, "type", "object"), "object");
}

bool gemini_schema_write(struct arena *mem, struct str schema, const char *at,
			 struct buf *out, const struct chat *lost)
{
	struct err e = { 0 };
	struct json_object *o =
		schema.p ? js_parse(schema.p, schema.n, &e) : NULL;
	struct clean k = { mem, o, lost, true, 0 };
	struct at top = { NULL, at, 0, NULL };
	struct json_object *flat;
	struct jw w;

	if (!json_object_is_type(o, json_type_object)) {
		js_free(o);
		return true;
	}
	flat = flatten(&k, o, &top);
	if (!says_nothing(flat)) {
		jw_start(&w, out);
		jw_object(&w, NULL);
		write_members(&k, flat, &top, &w);
		jw_end(&w);
	}
	if (k.nodes > NODES_MAX) { /* half of it would say another thing */
		buf_clear(out);
		k.whole = false;
		if (lost)
			chat_lost(lost, "%s: a schema of too many parts", at);
	}
	js_free(flat);
	js_free(o);
	return k.whole;
}
