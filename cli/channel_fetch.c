/* channel_fetch.c - what a provider offers now, beside what a channel has. */
#include "channel.h"

#include <sysexits.h>

#include "db/db.h"
#include "store/job.h"
#include "text/pattern.h"
#include "json/js.h"
#include "json/jw.h"

#define OUT_MAX ((size_t)16 << 20)

struct diff {
	struct channel ch;
	struct json_object *offered; /* names */
	struct channel_model *has;
	int n_has;
	struct json_object *news, *gone, *same; /* names */
};

static bool covers(const struct channel_model *m, const char *offered)
{
	const char *upstream = *m->upstream ? m->upstream : m->model;
	struct err e = { 0 };
	struct pattern *p;
	bool has;

	if (pattern_kind(str_of(m->model)) == PATTERN_EXACT)
		return !strcmp(upstream, offered);
	p = pattern_new(str_of(m->model), &e);
	has = p && pattern_has(p, str_of(offered));
	pattern_free(p);
	return has;
}

static void put(struct json_object *list, const char *name)
{
	json_object_array_add(list, json_object_new_string(name));
}

static void compare(struct diff *d)
{
	d->news = json_object_new_array();
	d->gone = json_object_new_array();
	d->same = json_object_new_array();
	for (int i = 0; i < js_len(d->offered); i++) {
		const char *name = channel_text_of(js_at(d->offered, i));
		bool has = false;

		for (int k = 0; k < d->n_has && !has; k++)
			has = covers(&d->has[k], name);
		if (*name)
			put(has ? d->same : d->news, name);
	}
	for (int k = 0; k < d->n_has; k++) {
		bool offered = false;

		for (int i = 0; i < js_len(d->offered) && !offered; i++)
			offered = covers(&d->has[k],
					 channel_text_of(js_at(d->offered, i)));
		if (!offered)
			put(d->gone, d->has[k].model);
	}
}

/* Inside of a transaction. */
static int write_diff(struct cli *c, const struct diff *d, bool drop,
		      struct err *e)
{
	for (int i = 0; i < js_len(d->news); i++) {
		const char *name = channel_text_of(js_at(d->news, i));

		if (channel_model_put(c->db, d->ch.id, name, name, e) < 0)
			return -1;
	}
	for (int i = 0; drop && i < js_len(d->gone); i++)
		if (channel_model_drop(c->db, d->ch.id,
				       channel_text_of(js_at(d->gone, i)),
				       e) < 0)
			return -1;
	return 0;
}

static int apply(struct cli *c, const struct diff *d, bool drop, struct err *e)
{
	if (db_begin(c->db, e) < 0)
		return -1;
	if (write_diff(c, d, drop, e) == 0)
		return db_commit(c->db, e);
	db_rollback(c->db);
	return -1;
}

static void print_json(const struct diff *d)
{
	const struct {
		const char *name;
		struct json_object *list;
	} lists[] = {
		{ "models", d->offered },
		{ "new", d->news },
		{ "gone", d->gone },
		{ "same", d->same },
	};
	struct buf b;
	struct jw w;

	buf_init(&b, OUT_MAX);
	jw_start(&w, &b);
	jw_object(&w, NULL);
	jw_bool(&w, "ok", true);
	for (size_t i = 0; i < COUNT(lists); i++)
		jw_raw(&w, lists[i].name,
		       str_of(json_object_to_json_string_ext(
			       lists[i].list, JSON_C_TO_STRING_PLAIN)));
	jw_end(&w);
	printf("%s\n", b.p);
	buf_release(&b);
}

static void print_text(const struct diff *d, const struct channel_values *v)
{
	channel_print_list("new", d->news);
	channel_print_list("gone", d->gone);
	channel_print_list("as before", d->same);
	if (js_len(d->news) + js_len(d->gone) && !v->apply && !v->add)
		printf("--apply takes the new and drops those that are gone\n");
}

static int show(struct cli *c, const struct channel_values *v, struct diff *d,
		struct err *e)
{
	int r = 0;

	compare(d);
	if (c->json)
		print_json(d);
	else
		print_text(d, v);
	if (v->apply || v->add)
		r = apply(c, d, v->apply, e);
	js_free(d->news);
	js_free(d->gone);
	js_free(d->same);
	return r;
}

int channel_run_fetch(struct cli *c, const void *values, struct err *e)
{
	const struct channel_values *v = values;
	struct json_object *o;
	struct diff d = { 0 };
	struct job j;
	int r = 0;

	if (channel_ask(c, v, "fetch-models", &d.ch, &j, e) < 0)
		return -1;
	o = channel_result(&j, e);
	if (!o)
		return -1;
	if (js_bool(o, "ok", false)) {
		d.offered = js_get(o, "models");
		d.n_has = channel_models(c->db, d.ch.id, &d.has, &c->arena, e);
		r = d.n_has < 0 ? -1 : show(c, v, &d, e);
	} else {
		c->status = EX_UNAVAILABLE;
		if (c->json)
			printf("%s\n", j.result);
		else
			channel_explain(&d.ch, o);
	}
	js_free(o);
	return r;
}
