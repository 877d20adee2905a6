/* tariff_maps.c - the price maps that others keep; see tariff.h.
 *
 * LiteLLM: github.com/BerriAI/litellm, model_prices_and_context_window.json;
 * genai-prices: github.com/pydantic/genai-prices, prices/data.json;
 * models.dev: models.dev/api.json; Portkey: github.com/Portkey-AI/models.
 */
#include "policy/tariff_in.h"

#include "base/clock.h"

static struct json_object *first_of(struct json_object *o)
{
	json_object_object_foreach(o, name, v) {
		(void)name;
		return v;
	}
	return NULL;
}

/* Is there a member of a member of the top that has this name? */
static bool has_inside(struct json_object *top, const char *name)
{
	if (!json_object_is_type(top, json_type_object))
		return false;
	json_object_object_foreach(top, key, v) {
		(void)key;
		if (js_get(v, name))
			return true;
	}
	return false;
}

/* --- LiteLLM: dollars for a token, a flat object of models ------------------- */

static const struct tariff_field litellm_fields[] = {
	/* clang-format off */
	{ "input_cost_per_token",                         LINE_input,          0,      PER_TOKEN,    1 },
	{ "output_cost_per_token",                        LINE_output,         0,      PER_TOKEN,    1 },
	{ "cache_read_input_token_cost",                  LINE_cache_read,     0,      PER_TOKEN,    1 },
	{ "cache_creation_input_token_cost",              LINE_cache_write_5m, 0,      PER_TOKEN,    1 },
	{ "cache_creation_input_token_cost_above_1hr",    LINE_cache_write_1h, 0,      PER_TOKEN,    1 },
	{ "output_cost_per_reasoning_token",              LINE_reasoning,      0,      PER_TOKEN,    1 },
	{ "input_cost_per_audio_token",                   LINE_audio_in,       0,      PER_TOKEN,    1 },
	{ "output_cost_per_audio_token",                  LINE_audio_out,      0,      PER_TOKEN,    1 },
	{ "cache_read_input_audio_token_cost",            LINE_cached_audio,   0,      PER_TOKEN,    1 },
	{ "input_cost_per_image_token",                   LINE_image_in,       0,      PER_TOKEN,    1 },
	{ "output_cost_per_image_token",                  LINE_image_out,      0,      PER_TOKEN,    1 },
	{ "cache_read_input_image_token_cost",            LINE_cached_image,   0,      PER_TOKEN,    1 },
	{ "input_cost_per_token_above_128k_tokens",       LINE_input,          128001, PER_TOKEN,    1 },
	{ "output_cost_per_token_above_128k_tokens",      LINE_output,         128001, PER_TOKEN,    1 },
	{ "cache_read_input_token_cost_above_128k_tokens", LINE_cache_read,    128001, PER_TOKEN,    1 },
	{ "input_cost_per_token_above_200k_tokens",       LINE_input,          200001, PER_TOKEN,    1 },
	{ "output_cost_per_token_above_200k_tokens",      LINE_output,         200001, PER_TOKEN,    1 },
	{ "cache_read_input_token_cost_above_200k_tokens", LINE_cache_read,    200001, PER_TOKEN,    1 },
	{ "cache_creation_input_token_cost_above_200k_tokens", LINE_cache_write_5m, 200001, PER_TOKEN, 1 },
	{ "cache_creation_input_token_cost_above_1hr_above_200k_tokens", LINE_cache_write_1h, 200001, PER_TOKEN, 1 },
	{ "input_cost_per_token_above_272k_tokens",       LINE_input,          272001, PER_TOKEN,    1 },
	{ "output_cost_per_token_above_272k_tokens",      LINE_output,         272001, PER_TOKEN,    1 },
	{ "cache_read_input_token_cost_above_272k_tokens", LINE_cache_read,    272001, PER_TOKEN,    1 },
	{ "input_cost_per_character",                     LINE_character,      0,      PER_TOKEN,    1 },
	{ "input_cost_per_query",                         LINE_request,        0,      PER_MTOKEN,   1 },
	{ "search_context_cost_per_query.search_context_size_medium", LINE_search, 0,  PER_MTOKEN,   1 },
	{ "file_search_cost_per_1k_calls",                LINE_file_search,    0,      PER_THOUSAND, 1 },
	/* clang-format on */
};

/* What the same name means depends on what the model is for. */
static const struct {
	const char *mode;
	struct tariff_field field;
} litellm_modes[] = {
	/* clang-format off */
	{ "image_generation",    { "input_cost_per_image",   LINE_image, 0, PER_MTOKEN, 1 } },
	{ "image_generation",    { "output_cost_per_image",  LINE_image, 0, PER_MTOKEN, 1 } },
	{ "audio_transcription", { "input_cost_per_second",  LINE_time,  0, PER_SECOND, 3600 } },
	{ "audio_speech",        { "output_cost_per_second", LINE_time,  0, PER_SECOND, 3600 } },
	{ "video_generation",    { "output_cost_per_second", LINE_time,  0, PER_SECOND, 3600 } },
	/* clang-format on */
};

static bool litellm_is(struct json_object *top)
{
	return has_inside(top, "litellm_provider") ||
	       has_inside(top, "input_cost_per_token");
}

static void litellm_model(struct draft *d, const char *name,
			  struct json_object *o)
{
	const char *mode = js_str(o, "mode", "");
	bool second = false;

	draft_begin(d, js_str(o, "litellm_provider", ""), name);
	draft_fields(d, o, litellm_fields, COUNT(litellm_fields));
	for (size_t i = 0; i < COUNT(litellm_modes); i++) {
		struct json_object *v = js_get(o, litellm_modes[i].field.name);

		if (!v || second || strcmp(mode, litellm_modes[i].mode) != 0)
			continue;
		draft_number(d, v, &litellm_modes[i].field);
		second = true;
	}
	draft_limit(js_either(o, "max_input_tokens", "max_tokens"),
		    &d->price.context_tok);
	draft_limit(js_get(o, "max_output_tokens"), &d->price.max_output_tok);
#define FACTOR(tier)                                                          \
	draft_factor(o, "input_cost_per_token", "input_cost_per_token_" tier, \
		     "output_cost_per_token", "output_cost_per_token_" tier)
	d->price.batch_ppm = FACTOR("batches");
	d->price.flex_ppm = FACTOR("flex");
	d->price.priority_ppm = FACTOR("priority");
#undef FACTOR
	draft_end(d);
}

static void litellm_read(struct draft *d, struct json_object *top)
{
	json_object_object_foreach(top, name, v)
		if (strcmp(name, "sample_spec") != 0)
			litellm_model(d, name, v);
}

const struct tariff_shape tariff_litellm = { "LiteLLM", litellm_is,
					     litellm_read };

/* --- models.dev: dollars for a million, providers of models ------------------ */

static const struct tariff_field modelsdev_fields[] = {
	/* clang-format off */
	{ "cost.input",        LINE_input,          0, PER_MTOKEN, 1 },
	{ "cost.output",       LINE_output,         0, PER_MTOKEN, 1 },
	{ "cost.cache_read",   LINE_cache_read,     0, PER_MTOKEN, 1 },
	{ "cost.cache_write",  LINE_cache_write_5m, 0, PER_MTOKEN, 1 },
	{ "cost.reasoning",    LINE_reasoning,      0, PER_MTOKEN, 1 },
	{ "cost.input_audio",  LINE_audio_in,       0, PER_MTOKEN, 1 },
	{ "cost.output_audio", LINE_audio_out,      0, PER_MTOKEN, 1 },
	{ "cost.context_over_200k.input",       LINE_input,          200001, PER_MTOKEN, 1 },
	{ "cost.context_over_200k.output",      LINE_output,         200001, PER_MTOKEN, 1 },
	{ "cost.context_over_200k.cache_read",  LINE_cache_read,     200001, PER_MTOKEN, 1 },
	{ "cost.context_over_200k.cache_write", LINE_cache_write_5m, 200001, PER_MTOKEN, 1 },
	/* clang-format on */
};

static bool modelsdev_is(struct json_object *top)
{
	return json_object_is_type(top, json_type_object) &&
	       json_object_is_type(js_get(first_of(top), "models"),
				   json_type_object);
}

static void modelsdev_models(struct draft *d, const char *provider,
			     struct json_object *models)
{
	json_object_object_foreach(models, name, m) {
		draft_begin(d, provider, js_str(m, "id", name));
		draft_fields(d, m, modelsdev_fields, COUNT(modelsdev_fields));
		draft_limit(tariff_get(m, "limit.context"),
			    &d->price.context_tok);
		draft_limit(tariff_get(m, "limit.output"),
			    &d->price.max_output_tok);
		draft_end(d);
	}
}

static void modelsdev_read(struct draft *d, struct json_object *top)
{
	json_object_object_foreach(top, name, provider) {
		struct json_object *models = js_get(provider, "models");

		if (json_object_is_type(models, json_type_object))
			modelsdev_models(d, js_str(provider, "id", name),
					 models);
	}
}

const struct tariff_shape tariff_modelsdev = { "models.dev", modelsdev_is,
					       modelsdev_read };

/* --- genai-prices: dollars for a million, with tiers and dates --------------- */

static const struct tariff_field genai_fields[] = {
	/* clang-format off */
	{ "input_mtok",            LINE_input,          0, PER_MTOKEN,   1 },
	{ "output_mtok",           LINE_output,         0, PER_MTOKEN,   1 },
	{ "cache_read_mtok",       LINE_cache_read,     0, PER_MTOKEN,   1 },
	{ "cache_write_mtok",      LINE_cache_write_5m, 0, PER_MTOKEN,   1 },
	{ "input_audio_mtok",      LINE_audio_in,       0, PER_MTOKEN,   1 },
	{ "output_audio_mtok",     LINE_audio_out,      0, PER_MTOKEN,   1 },
	{ "cache_audio_read_mtok", LINE_cached_audio,   0, PER_MTOKEN,   1 },
	{ "requests_kcount",       LINE_request,        0, PER_THOUSAND, 1 },
	/* clang-format on */
};

static bool genai_is(struct json_object *top)
{
	return js_len(top) && js_len(js_get(js_at(top, 0), "models"));
}

/* Of dated prices the last that has begun; those by time of day are not. */
static struct json_object *genai_now(struct json_object *prices)
{
	struct json_object *now = NULL;
	char today[CLOCK_TEXT];

	if (!js_len(prices))
		return prices;
	clock_text(clock_wall_ms(), today);
	for (int i = 0; i < js_len(prices); i++) {
		struct json_object *p = js_at(prices, i);
		struct json_object *when = js_get(p, "constraint");
		const char *start = js_str(when, "start_date", "");

		if (js_get(when, "start_time") || js_get(when, "end_time"))
			continue;
		if (!*start || strncmp(start, today, 10) <= 0)
			now = js_get(p, "prices");
	}
	return now;
}

/* A number, or { "base": 1, "tiers": [{ "start": 200000, "price": 2 }] }, where
 * a tier begins behind its start. */
static void genai_price(struct draft *d, struct json_object *v,
			const struct tariff_field *f)
{
	struct json_object *tiers = js_get(v, "tiers");
	struct tariff_field tier = *f;

	if (!json_object_is_type(v, json_type_object)) {
		draft_number(d, v, f);
		return;
	}
	draft_number(d, js_get(v, "base"), f);
	for (int i = 0; i < js_len(tiers); i++) {
		tier.from_tok = js_int(js_at(tiers, i), "start", -1) + 1;
		if (tier.from_tok <= 0)
			draft_refuse(d, "a tier has no start");
		draft_number(d, js_get(js_at(tiers, i), "price"), &tier);
	}
}

static void genai_model(struct draft *d, const char *provider,
			struct json_object *m)
{
	struct json_object *prices = genai_now(js_get(m, "prices"));

	draft_begin(d, provider, js_str(m, "id", ""));
	for (size_t i = 0; i < COUNT(genai_fields); i++)
		genai_price(d, js_get(prices, genai_fields[i].name),
			    &genai_fields[i]);
	draft_limit(js_get(m, "context_window"), &d->price.context_tok);
	draft_end(d);
}

static void genai_read(struct draft *d, struct json_object *top)
{
	for (int i = 0; i < js_len(top); i++) {
		struct json_object *p = js_at(top, i);
		struct json_object *models = js_get(p, "models");

		for (int j = 0; j < js_len(models); j++)
			genai_model(d, js_str(p, "id", ""), js_at(models, j));
	}
}

const struct tariff_shape tariff_genai = { "genai-prices", genai_is,
					   genai_read };

/* --- Portkey: cents for a token ----------------------------------------------- */

#define GO "pricing_config.pay_as_you_go."

static const struct tariff_field portkey_fields[] = {
	/* clang-format off */
	{ GO "request_token.price",                     LINE_input,          0, CENT_TOKEN, 1 },
	{ GO "response_token.price",                    LINE_output,         0, CENT_TOKEN, 1 },
	{ GO "cache_read_input_token.price",            LINE_cache_read,     0, CENT_TOKEN, 1 },
	{ GO "cache_write_input_token.price",           LINE_cache_write_5m, 0, CENT_TOKEN, 1 },
	{ GO "request_audio_token.price",               LINE_audio_in,       0, CENT_TOKEN, 1 },
	{ GO "response_audio_token.price",              LINE_audio_out,      0, CENT_TOKEN, 1 },
	{ GO "additional_units.web_search.price",       LINE_search,         0, CENT_EACH,  1 },
	{ GO "additional_units.file_search.price",      LINE_file_search,    0, CENT_EACH,  1 },
	/* clang-format on */
};

static bool portkey_is(struct json_object *top)
{
	return has_inside(top, "pricing_config");
}

static void portkey_read(struct draft *d, struct json_object *top)
{
	json_object_object_foreach(top, name, v) {
		if (!strcmp(name, "default") || !js_get(v, "pricing_config"))
			continue;
		draft_begin(d, "", name);
		draft_fields(d, v, portkey_fields, COUNT(portkey_fields));
		draft_end(d);
	}
}

const struct tariff_shape tariff_portkey = { "Portkey", portkey_is,
					     portkey_read };
