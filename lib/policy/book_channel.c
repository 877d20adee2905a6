/* book_channel.c - the channels of a book, with their keys opened. */
#include "policy/book_in.h"

#include "base/log.h"
#include "base/rand.h"
#include "crypto/box.h"
#include "json/js.h"

#include <stdatomic.h>

#define SECRET_MAX 16384 /* a service account's key is the longest */

static const char no_key[] = "it has no key that can be used";

/* --- keys --------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct book_opened *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* What the book before this one opened, if it is the same still. */
static const char *opened_before(const struct book *old,
				 const struct channel *ch,
				 const struct channel_key *key)
{
	const struct book_opened wanted = { .id = key->id };
	const struct book_opened *o = NULL;

	if (old && old->n_opened)
		o = bsearch(&wanted, old->opened, (size_t)old->n_opened,
			    sizeof(*o), by_id);
	if (!o || !str_same(o->sealed, key->sealed) ||
	    strcmp(o->origin, ch->origin) != 0)
		return NULL;
	return o->secret;
}

static const char *open_now(struct book *b, const struct book_maker *how,
			    const struct channel *ch,
			    const struct channel_key *key)
{
	struct box_place place = { "channel_key", key->id, ch->origin };
	struct err e = { 0 };
	struct buf plain;
	const char *out = NULL;

	buf_init(&plain, SECRET_MAX);
	if (!box_open(how->secret, &place, key->sealed, &plain, &e))
		out = arena_dup(&b->arena, buf_span(&plain));
	else
		log_error("book.key", LOG_S("channel", ch->name),
			  LOG_I("key", key->id), LOG_S("cause", e.msg));
	if (plain.len)
		box_wipe(plain.p, plain.len);
	buf_release(&plain);
	return out;
}

static const char *open_key(struct book *b, const struct book_maker *how,
			    const struct channel *ch,
			    const struct channel_key *key)
{
	const char *secret;

	if (!key->enabled || !key->sealed.p)
		return NULL;
	if (!how->secret)
		return how->closed ? "" : NULL;
	secret = opened_before(how->old, ch, key);
	secret = secret ? arena_dup(&b->arena, str_of(secret)) :
			  open_now(b, how, ch, key);
	if (secret)
		b->opened[b->n_opened++] = (struct book_opened){
			.id = key->id,
			.sealed = arena_str(&b->arena, key->sealed),
			.origin = arena_dup(&b->arena, str_of(ch->origin)),
			.secret = secret,
		};
	return secret;
}

/* The keys of one channel stand together. */
static void open_keys(struct book *b, const struct book_maker *how,
		      struct book_channel *to, const struct channel *ch,
		      const struct channel_key *k, int n)
{
	to->keys = ARENA_ARRAY(&b->arena, struct book_key, n + 1);
	to->sick = ARENA_ARRAY(&b->arena, struct book_key, n + 1);
	for (int i = 0; i < n; i++) {
		const char *secret = open_key(b, how, ch, &k[i]);
		bool well = !strcmp(k[i].state, "ok");
		struct book_key key = { .id = k[i].id, .secret = secret };

		if (!secret)
			continue;
		key.name = arena_dup(&b->arena, str_of(k[i].name));
		if (well)
			to->keys[to->n_keys++] = key;
		else
			to->sick[to->n_sick++] = key;
	}
	if (!n && (to->provider->quirks & Q_KEY_OPTIONAL))
		to->keys[to->n_keys++] =
			(struct book_key){ .secret = "", .name = "" };
}

/* --- a channel ----------------------------------------------------------------- */

static const char *why_not(const struct book_maker *how,
			   const struct book_channel *to,
			   const struct channel *ch)
{
	if (!ch->enabled)
		return "it is disabled";
	if (strcmp(ch->state, "disabled") == 0)
		return "the gateway has disabled it";
	if (!to->provider)
		return "its provider is not known to this version";
	if ((to->provider->quirks & Q_BUILT_IN) && !how->conf->test_provider)
		return "the test provider is switched off";
	if (!to->n_keys)
		return no_key;
	return NULL;
}

/* The members of an object.  as_json: their JSON; else what they say. */
static const struct book_change *changes(struct book *b, const char *text,
					 bool as_json, int *n)
{
	struct err e = { 0 };
	struct json_object *o = NULL;
	struct book_change *out;

	*n = 0;
	if (*text)
		o = js_parse(text, strlen(text), &e);
	if (!json_object_is_type(o, json_type_object)) {
		js_free(o);
		return NULL;
	}
	out = ARENA_ARRAY(&b->arena, struct book_change,
			  json_object_object_length(o) + 1);
	json_object_object_foreach(o, name, v) {
		const char *value = NULL;

		if (v && as_json)
			value = json_object_to_json_string_ext(
				v, JSON_C_TO_STRING_PLAIN |
					   JSON_C_TO_STRING_NOSLASHESCAPE);
		else if (v)
			value = json_object_get_string(v);
		out[(*n)++] = (struct book_change){
			.name = arena_dup(&b->arena, str_of(name)),
			.value = value ? arena_dup(&b->arena, str_of(value)) :
					 NULL,
		};
	}
	js_free(o);
	return out;
}

static enum rotation rotation_of(const char *name)
{
	static const char *const names[ROTATE__COUNT] = { "round_robin",
							  "random",
							  "least_used" };

	for (int i = 0; i < ROTATE__COUNT; i++)
		if (!strcmp(names[i], name))
			return (enum rotation)i;
	return ROTATE_ROUND_ROBIN;
}

static void add_rest(struct book *b, struct book_channel *to,
		     const struct channel *ch)
{
	to->rotation = rotation_of(ch->rotation);
	to->turn = ARENA_NEW(&b->arena, _Atomic unsigned int);
	atomic_init(to->turn, (unsigned int)rand_below(UINT32_MAX));
	to->limits = (struct book_limits){ .rpm = ch->rpm,
					   .tpm = ch->tpm,
					   .concurrency = ch->concurrency };
	to->key_limits =
		(struct book_limits){ .rpm = ch->key_rpm,
				      .tpm = ch->key_tpm,
				      .concurrency = ch->key_concurrency };
	to->times = (struct book_times){ ch->connect_ms, ch->first_token_ms,
					 ch->idle_ms, ch->total_ms };
	to->proxy = arena_dup(&b->arena, str_of(ch->proxy));
	to->test_model = arena_dup(&b->arena, str_of(ch->test_model));
	to->auto_disable = ch->auto_disable;
	to->system_prompt = arena_dup(&b->arena, str_of(ch->system_prompt));
	to->params = changes(b, ch->params, true, &to->n_params);
	to->headers = changes(b, ch->headers, false, &to->n_headers);
}

static void add_channel(struct book *b, struct book_channel *to,
			const struct channel *ch)
{
	struct err e = { 0 };

	*to = (struct book_channel){
		.id = ch->id,
		.name = arena_dup(&b->arena, str_of(ch->name)),
		.provider = provider_find(ch->provider),
		.base_url = arena_dup(&b->arena, str_of(ch->base_url)),
		.priority = (int)ch->priority,
		.weight = (int)ch->weight,
		.groups = arena_dup(&b->arena, str_of(ch->groups)),
	};
	add_rest(b, to, ch);
	if (to->provider && !*to->base_url)
		to->base_url = to->provider->base_url;
	if (egress_rule_make(&to->egress, str_of(ch->allow), STR_NONE,
			     &b->arena, &e) < 0)
		log_error("book.allow", LOG_S("channel", ch->name),
			  LOG_S("cause", e.msg));
}

struct span {
	int64_t id; /* of the channel */
	int from, n;
};

static int by_channel(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Keys come by channel, channels by priority. */
static struct span *spans_of(struct book *b, const struct channel_all *all,
			     int *n)
{
	struct span *out = ARENA_ARRAY(&b->arena, struct span, all->n_keys + 1);

	*n = 0;
	for (int i = 0; i < all->n_keys; i++) {
		if (!*n || out[*n - 1].id != all->keys[i].channel_id)
			out[(*n)++] =
				(struct span){ all->keys[i].channel_id, i, 0 };
		out[*n - 1].n++;
	}
	return out;
}

void book_channels(struct book *b, const struct book_maker *how,
		   const struct channel_all *all)
{
	int n;
	const struct span *spans = spans_of(b, all, &n);

	b->n_channels = all->n_channels;
	b->channels =
		ARENA_ARRAY(&b->arena, struct book_channel, b->n_channels + 1);
	b->opened = ARENA_ARRAY(&b->arena, struct book_opened, all->n_keys + 1);
	for (int i = 0; i < b->n_channels; i++) {
		struct book_channel *to = &b->channels[i];
		const struct channel *ch = &all->channels[i];
		const struct span wanted = { ch->id, 0, 0 };
		const struct span *at = bsearch(&wanted, spans, (size_t)n,
						sizeof(*spans), by_channel);

		add_channel(b, to, ch);
		if (to->provider)
			open_keys(b, how, to, ch,
				  all->keys + (at ? at->from : 0),
				  at ? at->n : 0);
		to->why = why_not(how, to, ch);
		to->usable = !to->why;
		to->keyless = to->why == no_key;
	}
	qsort(b->opened, (size_t)b->n_opened, sizeof(*b->opened), by_id);
}
