/* provider.h - who they are: a row of providers.def each. */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/buf.h"
#include "base/err.h"

enum auth {
	AUTH_NONE,   /* nobody asks */
	AUTH_BEARER, /* Authorization: Bearer KEY */
	AUTH__COUNT
};

enum quirk {
	Q_BUILT_IN = BIT(0),        /* answered by relay.fcgi itself */
	Q_REASONING_APART = BIT(1), /* completion_tokens leaves reasoning out */
	Q_NO_USAGE_OPTION = BIT(2), /* refuses stream_options */
	Q_KEY_OPTIONAL = BIT(3),    /* may ask for no key */
};

struct provider {
	const char *id, *label;
	const char *base_url; /* with the version path; "": has none */
	const char *path;     /* added to a base URL that has no path */
	const char *dialect;
	enum auth auth;
	const char *limit_param;
	unsigned int quirks;
};

const struct provider *provider_find(const char *id); /* NULL: none */
const struct provider *provider_at(int i);            /* NULL past the last */

/* The header line that shows the key, appended to out; nothing for
 * AUTH_NONE and for an empty key.  The key holds no control bytes (checked when it was stored). */
void provider_auth(const struct provider *p, const char *key, struct buf *out);

#endif
