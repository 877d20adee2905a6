/* allowed.c - see allowed.h. */
#include "dialect/allowed.h"

#include "dialect/tree.h"
#include "json/jw.h"

/* {"type":"allowed_tools","allowed_tools":{"mode":..,"tools":[..]}}, or flat,
 * as in the Responses API. */
bool allowed_read(const struct chat *c, struct chat_texts *names,
		  bool *required)
{
	struct err e = { 0 };
	struct json_object *o =
		js_parse(c->choice_json.p, c->choice_json.n, &e);
	struct json_object *in = js_get(o, "allowed_tools"), *list;
	struct chat *to = &(struct chat){ .mem = c->mem };
	bool ok;

	in = in ? in : o;
	list = js_get(in, "tools");
	*required = !strcmp(js_str(in, "mode", "auto"), "required");
	ok = js_len(list) > 0;
	for (int i = 0; i < js_len(list); i++) {
		struct json_object *t = js_at(list, i);
		struct json_object *f = js_either(t, "function", "custom");
		struct str name = tree_member(c->mem, f ? f : t, "name");

		if (name.p)
			chat_text(to, names, name);
		ok = ok && name.p;
	}
	js_free(o);
	return ok;
}

void allowed_set(struct chat *c, const struct chat_texts *names, bool required)
{
	struct buf b;
	struct jw w;

	buf_init(&b, 16u << 20);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_str(&w, "type", "allowed_tools");
	jw_object(&w, "allowed_tools");
	jw_str(&w, "mode", required ? "required" : "auto");
	jw_array(&w, "tools");
	for (const struct chat_text *t = names->first; t; t = t->next) {
		jw_object(&w, NULL);
		jw_str(&w, "type", "function");
		jw_object(&w, "function");
		jw_text(&w, "name", t->s);
		jw_end(&w);
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	c->choice = CHOICE_ALLOWED;
	c->choice_json = arena_str(c->mem, buf_span(&b));
	buf_release(&b);
}
