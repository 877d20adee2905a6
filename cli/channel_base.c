/* channel_base.c - a channel's address, as a person writes it; its keys and
 * models.  See channel.h. */
#include "channel.h"

#include "crypto/box.h"
#include "crypto/key.h"
#include "http/url.h"
#include "store/meta.h"
#include "text/pattern.h"

int channel_named(struct cli *c, const char *which, struct channel *ch,
		  struct err *e)
{
	int64_t id;

	if (!cli_db(c, e))
		return -1;
	if (!str_int(str_of(which), 1, INT64_MAX, &id))
		return channel_get(c->db, id, ch, &c->arena, e);
	return channel_find(c->db, which, ch, &c->arena, e);
}

/* Whoever writes a private address down means exactly that one. */
static const char *own_address(struct cli *c, const struct url *u)
{
	char at[IP_TEXT];

	if (!url_is_local_literal(u))
		return "";
	if (!u->literal)
		return "127.0.0.1,::1";
	return arena_printf(&c->arena, "%s", ip_text(&u->ip, at));
}

static int no_base(const struct provider *p, const char *text, struct err *e)
{
	if (text)
		return err_set(e, ERR_USAGE,
			       "--base-url: provider %s answers by itself and "
			       "has no address",
			       p->id);
	return err_set(e, ERR_USAGE,
		       "--base-url is missing: provider %s has no address of "
		       "its own; write it like https://llm.example.org/v1",
		       p->id);
}

int channel_base(struct cli *c, const struct provider *p, const char *text,
		 struct channel_base *out, struct err *e)
{
	bool built_in = p->quirks & Q_BUILT_IN;
	const char *from = text ? text : p->base_url;
	char origin[URL_ORIGIN];
	struct err why = { 0 };
	struct url u;
	int n;

	*out = (struct channel_base){ "", "", "" };
	if (built_in && !text)
		return 0;
	if (built_in || !*from)
		return no_base(p, text, e);
	if (url_parse(&u, str_of(from), &why) < 0)
		return err_set(e, ERR_USAGE, "--base-url: %s", why.msg);
	n = (int)strlen(from);
	while (n && from[n - 1] == '/')
		n--;
	out->url = arena_printf(&c->arena, "%.*s%s", n, from,
				u.path.n <= 1 ? p->path : "");
	out->origin = arena_dup(&c->arena, str_of(url_origin(&u, origin)));
	out->allow = own_address(c, &u);
	if (!u.https && !*out->allow)
		fprintf(stderr,
			"pontage: %s: warning: http sends its keys in the "
			"clear; use https where there is one\n",
			c->name);
	return 0;
}

const char *channel_allow(struct cli *c, const char *a, const char *b)
{
	if (!b || !*b)
		return a;
	return *a ? arena_printf(&c->arena, "%s,%s", a, b) : b;
}

int channel_read_keys(struct cli *c, const struct provider *p,
		      struct str keys[static CHANNEL_KEYS_MAX], struct err *e)
{
	int n;

	if (p->auth == AUTH_NONE)
		return 0;
	n = cli_secrets(c, "the provider's key", keys, CHANNEL_KEYS_MAX, e);
	for (int i = 0; i < n; i++) {
		keys[i] = str_trim(keys[i]);
		for (size_t j = 0; j < keys[i].n; j++)
			if (keys[i].p[j] <= ' ' || keys[i].p[j] > '~')
				return err_set(e, ERR_USAGE,
					       "standard input: key %d holds a "
					       "space or a letter outside "
					       "ASCII",
					       i + 1);
	}
	if (!n)
		return err_set(e, ERR_USAGE,
			       "no key on standard input; give one a line "
			       "(any word, where the server asks for none)");
	return n;
}

static int public_key(struct cli *c, struct box_public *out, struct err *e)
{
	const char *text = meta_get(c->db, "public_key", &c->arena, e);

	if (e->code)
		return -1;
	if (!text)
		return err_set(e, ERR_CONFIG,
			       "this database has no key to seal with; run "
			       "pontage init");
	return box_public_parse(str_of(text), out, e);
}

static int put_key(struct cli *c, const struct box_public *public,
		   int64_t channel_id, const char *origin, struct str key,
		   struct err *e)
{
	struct box_place place = { .table = "channel_key", .origin = origin };
	char hint[KEY_HINT];
	struct buf sealed;
	int r = -1;

	buf_init(&sealed, BOX_SEALED_MAX);
	place.row_id =
		channel_key_add(c->db, channel_id, key_hint(key, hint), e);
	if (place.row_id >= 0 && box_seal(public, &place, key, &sealed, e) >= 0)
		r = channel_key_seal(c->db, place.row_id, buf_span(&sealed), e);
	buf_release(&sealed);
	return r;
}

int channel_put_keys(struct cli *c, int64_t id, const char *origin,
		     const struct str *keys, int n, struct err *e)
{
	struct box_public public;

	if (!n)
		return 0;
	if (public_key(c, &public, e) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (put_key(c, &public, id, origin, keys[i], e) < 0)
			return -1;
	return 0;
}

/* A pattern is the same name there, but where the map says another. */
static int put_model(struct cli *c, int64_t id, struct str model,
		     struct str upstream, struct err *e)
{
	struct pattern *p = pattern_new(model, e);

	if (!p)
		return -1;
	pattern_free(p);
	if (pattern_kind(model) != PATTERN_EXACT && str_same(model, upstream))
		upstream = STR("");
	return channel_model_put(c->db, id, arena_dup(&c->arena, model),
				 arena_dup(&c->arena, upstream), e);
}

int channel_put_models(struct cli *c, int64_t id, const char *models,
		       const char *map, struct err *e)
{
	struct str rest = str_of(models), piece, asked;

	while (str_next(&rest, ',', &piece))
		if (piece.n && put_model(c, id, piece, piece, e) < 0)
			return -1;
	rest = str_of(map);
	while (str_next(&rest, ',', &piece)) {
		struct str upstream = piece;

		if (!str_next(&upstream, '=', &asked) || !asked.n ||
		    !upstream.n)
			return err_set(e, ERR_USAGE,
				       "--map: want asked=upstream, got "
				       "\"%.*s\"",
				       STR_FMT(piece));
		if (put_model(c, id, str_trim(asked), str_trim(upstream), e) <
		    0)
			return -1;
	}
	return 0;
}
