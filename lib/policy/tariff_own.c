/* tariff_own.c - our own shape, and the ratios of one-api and its kin; see
 * tariff.h. */
#include "policy/tariff_in.h"

#include "base/nusd.h"

/* --- ours: what price export and price list --json write --------------------- */

static struct json_object *own_rows(struct json_object *top)
{
	struct json_object *rows = js_get(top, "prices");

	return js_len(rows) ? rows : top;
}

static bool own_is(struct json_object *top)
{
	struct json_object *first = js_at(own_rows(top), 0);

	return js_get(first, "model") && !js_get(first, "channel_type") &&
	       (js_get(first, "lines") || js_get(first, "free"));
}

static void own_line(struct draft *d, struct json_object *o)
{
	enum line line = line_named(js_text(o, "line"));
	struct str nusd = js_number(js_get(o, "nusd"));
	struct json_object *usd = js_get(o, "usd");
	int64_t from_tok = js_int(o, "from_tok", 0), v;

	if (line == LINE_none) {
		draft_refuse(d, arena_printf(d->arena,
					     "there is no line \"%.40s\"",
					     js_str(o, "line", "")));
		return;
	}
	if (js_int(o, "per", line_unit(line)->per) != line_unit(line)->per ||
	    from_tok < 0 ||
	    nusd_decimal(usd ? js_number(usd) : nusd, usd ? PER_MTOKEN : 0, 1,
			 &v) < 0) {
		draft_refuse(d, arena_printf(d->arena, "%s is no price for %s",
					     line_info(line)->name,
					     line_unit(line)->each));
		return;
	}
	tariff_line(&d->lines, line,
		    arena_dup(d->arena, str_of(js_str(o, "variant", ""))),
		    from_tok, v);
}

static void own_factor(struct draft *d, struct json_object *o, const char *name,
		       int64_t *to)
{
	int64_t v = js_int(o, name, 0);

	if (v < 0 || v > TARIFF_FACTOR_MAX)
		draft_refuse(d,
			     arena_printf(d->arena, "%s is no factor", name));
	else
		*to = v;
}

static void own_row(struct draft *d, struct json_object *o)
{
	struct json_object *lines = js_get(o, "lines");
	struct price *p = &d->price;

	draft_begin(d, "", js_str(o, "model", ""));
	d->channel = arena_dup(d->arena, str_of(js_str(o, "channel", "")));
	p->free = js_bool(o, "free", false);
	draft_limit(js_get(o, "context_tok"), &p->context_tok);
	draft_limit(js_get(o, "max_output_tok"), &p->max_output_tok);
	draft_limit(js_get(o, "reserve_output_tok"), &p->reserve_output_tok);
	own_factor(d, o, "batch_ppm", &p->batch_ppm);
	own_factor(d, o, "flex_ppm", &p->flex_ppm);
	own_factor(d, o, "priority_ppm", &p->priority_ppm);
	p->note = arena_dup(d->arena, str_of(js_str(o, "note", "")));
	for (int i = 0; i < js_len(lines); i++)
		own_line(d, js_at(lines, i));
	if (p->free && d->lines.n)
		draft_refuse(d, "it is free and has a price");
	draft_end(d);
}

static void own_read(struct draft *d, struct json_object *top)
{
	struct json_object *rows = own_rows(top);

	for (int i = 0; i < js_len(rows); i++)
		own_row(d, js_at(rows, i));
}

const struct tariff_shape tariff_own = { "Pontage", own_is, own_read };

/* --- one-api, new-api: ratios, where 1 is 2 dollars for a million ------------- */

#define RATIO_SCALE 9
#define RATIO_BY    2

/* The member by either name, which may hold an object or its text. */
static struct json_object *ratio_map(struct json_object *top, const char *name,
				     const char *other,
				     struct json_object **parsed)
{
	struct json_object *v = js_either(top, name, other);
	struct str text;
	struct err e = { 0 };

	if (!json_object_is_type(v, json_type_string))
		return v;
	text = (struct str){ json_object_get_string(v),
			     (size_t)json_object_get_string_len(v) };
	*parsed = js_parse(text.p, text.n, &e);
	return *parsed;
}

static struct json_object *ratio_top(struct json_object *top)
{
	struct json_object *data = js_get(top, "data");

	return js_either(data, "model_ratio", "ModelRatio") ? data : top;
}

static bool ratios_is(struct json_object *top)
{
	top = ratio_top(top);
	return js_either(top, "ModelRatio", "model_ratio") ||
	       js_either(top, "ModelPrice", "model_price");
}

/* A price that is a multiple of another: exact, as that is an integer. */
static void times(struct draft *d, struct json_object *ratio, enum line line,
		  int64_t input_nusd)
{
	const struct tariff_field f = { line_info(line)->name, line, 0, 0,
					input_nusd };

	draft_number(d, ratio, &f);
}

struct ratio_maps {
	struct json_object *ratio, *output, *cached, *write, *audio, *image;
};

static void one_ratio(struct draft *d, const char *model, struct json_object *v,
		      const struct ratio_maps *m)
{
	struct json_object *out = js_get(m->output, model);
	int64_t in;

	draft_begin(d, "", model);
	if (nusd_decimal(js_number(v), RATIO_SCALE, RATIO_BY, &in) < 0) {
		draft_refuse(d, "its ratio is no number");
		in = 0;
	}
	tariff_line(&d->lines, LINE_input, "", 0, in);
	times(d, out, LINE_output, in);
	times(d, js_get(m->cached, model), LINE_cache_read, in);
	times(d, js_get(m->write, model), LINE_cache_write_5m, in);
	times(d, js_get(m->audio, model), LINE_audio_in, in);
	times(d, js_get(m->image, model), LINE_image_in, in);
	if (!out && in)
		draft_refuse(d, "its CompletionRatio is not in the file");
	draft_end(d);
}

static void fixed_prices(struct draft *d, struct json_object *map)
{
	static const struct tariff_field f = { "ModelPrice", LINE_request, 0,
					       PER_MTOKEN, 1 };

	json_object_object_foreach(map, model, v) {
		draft_begin(d, "", model);
		draft_number(d, v, &f);
		draft_end(d);
	}
}

/* A fixed price wins, as it does there. */
static void ratio_prices(struct draft *d, const struct ratio_maps *m,
			 struct json_object *fixed)
{
	json_object_object_foreach(m->ratio, model, v)
		if (!js_get(fixed, model))
			one_ratio(d, model, v, m);
}

static void ratios_read(struct draft *d, struct json_object *top)
{
	struct json_object *kept[7] = { NULL }, *fixed;
	struct ratio_maps m;

	top = ratio_top(top);
	m.ratio = ratio_map(top, "ModelRatio", "model_ratio", &kept[0]);
	m.output =
		ratio_map(top, "CompletionRatio", "completion_ratio", &kept[1]);
	m.cached = ratio_map(top, "CacheRatio", "cache_ratio", &kept[2]);
	m.write = ratio_map(top, "CreateCacheRatio", "create_cache_ratio",
			    &kept[3]);
	m.audio = ratio_map(top, "AudioRatio", "audio_ratio", &kept[4]);
	m.image = ratio_map(top, "ImageRatio", "image_ratio", &kept[5]);
	fixed = ratio_map(top, "ModelPrice", "model_price", &kept[6]);
	if (json_object_is_type(fixed, json_type_object))
		fixed_prices(d, fixed);
	if (json_object_is_type(m.ratio, json_type_object))
		ratio_prices(d, &m, fixed);
	for (size_t i = 0; i < COUNT(kept); i++)
		js_free(kept[i]);
}

const struct tariff_shape tariff_ratios = { "one-api ratios", ratios_is,
					    ratios_read };

/* --- one-hub: a list of ratios -------------------------------------------------- */

static struct json_object *list_rows(struct json_object *top)
{
	struct json_object *rows = js_get(top, "data");

	return js_len(rows) ? rows : top;
}

static bool list_is(struct json_object *top)
{
	struct json_object *first = js_at(list_rows(top), 0);

	return js_get(first, "model") && js_get(first, "channel_type") &&
	       js_get(first, "input");
}

/* Of the prompt's price, or of the answer's. */
static const struct {
	const char *name;
	enum line line;
	bool answer;
} extras[] = {
	{ "cached_tokens", LINE_cache_read, false },
	{ "cached_read_tokens", LINE_cache_read, false },
	{ "cached_write_tokens", LINE_cache_write_5m, false },
	{ "input_audio_tokens", LINE_audio_in, false },
	{ "input_image_tokens", LINE_image_in, false },
	{ "reasoning_tokens", LINE_reasoning, true },
	{ "output_audio_tokens", LINE_audio_out, true },
	{ "output_image_tokens", LINE_image_out, true },
};

static void list_row(struct draft *d, struct json_object *o)
{
	static const struct tariff_field fields[] = {
		{ "input", LINE_input, 0, RATIO_SCALE, RATIO_BY },
		{ "output", LINE_output, 0, RATIO_SCALE, RATIO_BY },
	};
	/* a ratio of 1 is 0.002 dollars a call */
	static const struct tariff_field call = { "input", LINE_request, 0, 6,
						  RATIO_BY };
	struct json_object *extra = js_get(o, "extra_ratios");
	int64_t in = 0, out = 0;

	draft_begin(d, "", js_str(o, "model", ""));
	if (!strcmp(js_str(o, "type", ""), "times")) {
		draft_fields(d, o, &call, 1);
		draft_end(d);
		return;
	}
	draft_fields(d, o, fields, COUNT(fields));
	nusd_decimal(js_number(js_get(o, "input")), RATIO_SCALE, RATIO_BY, &in);
	nusd_decimal(js_number(js_get(o, "output")), RATIO_SCALE, RATIO_BY,
		     &out);
	for (size_t i = 0; i < COUNT(extras); i++)
		times(d, js_get(extra, extras[i].name), extras[i].line,
		      extras[i].answer ? out : in);
	draft_end(d);
}

static void list_read(struct draft *d, struct json_object *top)
{
	struct json_object *rows = list_rows(top);

	for (int i = 0; i < js_len(rows); i++)
		list_row(d, js_at(rows, i));
}

const struct tariff_shape tariff_ratio_list = { "one-hub prices", list_is,
						list_read };
