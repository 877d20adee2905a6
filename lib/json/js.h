/* js.h - reads a JSON tree: json-c behind a few words.
 *
 * Give it only text that the scanner let pass, or that we wrote ourselves.
 * A member that is absent, null or of another type reads as absent, a NULL
 * tree as an empty one: a reader is one line.  Strings may hold NULs; what is
 * behind one is seen with js_text() only.
 */
#ifndef JSON_JS_H
#define JSON_JS_H

#include <json-c/json_object.h>
#include <json-c/linkhash.h> /* json_object_object_foreach() */

#include "base/err.h"
#include "base/str.h"

#define JS_DEPTH 64

/* NULL with ERR_JSON where it is no JSON, or nested deeper than JS_DEPTH. */
struct json_object *js_parse(const char *p, size_t n, struct err *e);
void js_free(struct json_object *o); /* NULL is fine */

/* What follows lives as long as the tree. */
struct json_object *js_get(struct json_object *o, const char *name);
struct json_object *js_either(struct json_object *o, const char *name,
			      const char *other);
const char *js_str(struct json_object *o, const char *name, const char *def);
struct str js_text(struct json_object *o, const char *name);
int64_t js_int(struct json_object *o, const char *name, int64_t def);
bool js_bool(struct json_object *o, const char *name, bool def);
/* A number as it was written, "1.5e-07"; else STR_NONE. */
struct str js_number(struct json_object *v);
int js_len(struct json_object *array); /* 0: no array */
struct json_object *js_at(struct json_object *array, int i);

#endif
