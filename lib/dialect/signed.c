/* signed.c - see signed.h. */
#include "dialect/signed.h"

/* Four letters of base64 are a whole number of bytes: so are these. */
static const struct {
	const char *signer, *prefix;
} prefixes[] = {
	{ "anthropic", "pontage/anthropic///" },
	{ "gemini", "pontage/gemini//" },
	{ "responses", "pontage/responses///" },
};

struct str signed_out(struct arena *mem, const char *signer, const char *client,
		      struct str s)
{
	if (!s.p || !strcmp(signer, client))
		return s;
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (!strcmp(prefixes[i].signer, signer))
			return str_of(arena_printf(
				mem, "%s%.*s", prefixes[i].prefix, STR_FMT(s)));
	return s;
}

void signed_in(const char *client, struct str s, struct str *signer,
	       struct str *signature)
{
	*signature = s;
	*signer = s.p ? str_of(client) : STR_NONE;
	for (size_t i = 0; s.p && i < COUNT(prefixes); i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (!str_starts(s, prefixes[i].prefix))
			continue;
		*signer = str_of(prefixes[i].signer);
		*signature = (struct str){ s.p + n, s.n - n };
	}
}
