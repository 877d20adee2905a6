/* provider.c - see provider.h. */
#include "provider/provider.h"

static const struct provider rows[] = {
#define P(id, label, url, path, dialect, auth, limit, quirks) \
	{ id, label, url, path, dialect, AUTH_##auth, limit, quirks },
#include "provider/providers.def"
#undef P
};

const struct provider *provider_at(int i)
{
	return i >= 0 && i < (int)COUNT(rows) ? &rows[i] : NULL;
}

const struct provider *provider_find(const char *id)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].id, id))
			return &rows[i];
	return NULL;
}

static void bearer(const char *key, struct buf *out)
{
	buf_str(out, "Authorization: Bearer ");
	buf_str(out, key);
}

void provider_auth(const struct provider *p, const char *key, struct buf *out)
{
	static void (*const auths[AUTH__COUNT])(const char *, struct buf *) = {
		[AUTH_BEARER] = bearer,
	};

	if (auths[p->auth] && *key)
		auths[p->auth](key, out);
}
