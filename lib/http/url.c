/* url.c - see url.h. */
#include "http/url.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* --- the host ---------------------------------------------------------------- */

/* Browsers and resolvers take a host whose last label is a number for an
 * IPv4 address, in any of C's spellings. */
static bool looks_like_ipv4(struct str host)
{
	size_t at = host.n;
	struct str last;
	bool hex;

	while (at && host.p[at - 1] != '.')
		at--;
	last = (struct str){ host.p + at, host.n - at };
	hex = str_starts(last, "0x");
	for (size_t i = hex ? 2 : 0; i < last.n; i++)
		if (!is_digit(last.p[i]) &&
		    !(hex && last.p[i] >= 'a' && last.p[i] <= 'f'))
			return false;
	return last.n > 0;
}

static int check_name(struct str host, struct err *e)
{
	struct str label, rest = host;

	while (str_next(&rest, '.', &label)) {
		if (!label.n || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return err_set(e, ERR_VALUE,
				       "a base URL's host must be a name like "
				       "api.example.com or an address");
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-' &&
			    label.p[i] != '_')
				return err_set(e, ERR_VALUE,
					       "a base URL's host may hold "
					       "letters, digits, '-', '_' and "
					       "'.' only (other alphabets: "
					       "write it as xn--...)");
	}
	return 0;
}

static int take_host(struct url *u, struct str host, struct err *e)
{
	if (!host.n)
		return err_set(e, ERR_VALUE, "the base URL has no host");
	if (host.n >= sizeof(u->host))
		return err_set(e, ERR_VALUE,
			       "the base URL's host is longer than %d bytes",
			       URL_HOST_MAX - 1);
	for (size_t i = 0; i < host.n; i++)
		u->host[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ?
					    host.p[i] | 0x20 :
					    host.p[i]);
	u->host[host.n] = '\0';
	host.p = u->host;
	if (!looks_like_ipv4(host))
		return check_name(host, e);
	if (ip_parse(host, &u->ip) < 0)
		return err_set(e, ERR_VALUE,
			       "an IPv4 address in a base URL must be four "
			       "decimal numbers, like 192.0.2.1");
	u->literal = true;
	return 0;
}

/* "[2001:db8::1]" */
static int take_ipv6(struct url *u, struct str inside, struct err *e)
{
	if (ip_parse(inside, &u->ip) < 0 || !memchr(inside.p, ':', inside.n))
		return err_set(e, ERR_VALUE,
			       "what stands in brackets in a base URL must be "
			       "an IPv6 address without a zone");
	u->literal = true;
	ip_text(&u->ip, u->host);
	return 0;
}

/* --- the rest ---------------------------------------------------------------- */

static int take_port(struct url *u, struct str port, struct err *e)
{
	int64_t v;

	if (!port.n || !is_digit(port.p[0]) || port.p[0] == '0' ||
	    str_int(port, 1, 65535, &v) < 0)
		return err_set(e, ERR_VALUE,
			       "the base URL's port must be 1 to 65535");
	u->port = (int)v;
	return 0;
}

/* "[2001:db8::1]:8080" */
static int take_bracketed(struct url *u, struct str s, struct str *port,
			  struct err *e)
{
	struct str inside;

	s.p++;
	s.n--;
	if (!str_next(&s, ']', &inside) || !s.p)
		return err_set(e, ERR_VALUE,
			       "the base URL has a '[' without a ']'");
	if (s.n && s.p[0] != ':')
		return err_set(e, ERR_VALUE,
			       "only a port may follow the ']' in a base URL");
	if (s.n)
		*port = (struct str){ s.p + 1, s.n - 1 };
	return take_ipv6(u, inside, e);
}

static int take_authority(struct url *u, struct str s, struct err *e)
{
	struct str host = STR(""), port = STR_NONE;
	int r;

	if (s.n && memchr(s.p, '@', s.n))
		return err_set(e, ERR_VALUE,
			       "a base URL must not hold a user or password; "
			       "keys are entered apart from it");
	if (s.n && s.p[0] == '[') {
		r = take_bracketed(u, s, &port, e);
	} else {
		if (s.n && str_next(&s, ':', &host))
			port = s;
		r = take_host(u, host, e);
	}
	return !r && port.p ? take_port(u, port, e) : r;
}

/* "." or "..", also as %2e: what a server would climb up with. */
static bool is_dots(struct str segment)
{
	size_t dots = 0;

	while (segment.n) {
		struct str first = { segment.p, MIN(segment.n, 3) };
		size_t n = segment.p[0] == '.'   ? 1 :
			   str_ieq(first, "%2e") ? 3 :
						   0;

		if (!n)
			return false;
		segment.p += n;
		segment.n -= n;
		dots++;
	}
	return dots == 1 || dots == 2;
}

static int check_path(struct str path, struct err *e)
{
	struct str segment, rest = path;

	for (size_t i = 0; i < path.n; i++)
		if (strchr("\"<>\\^`{|}", path.p[i]))
			return err_set(
				e, ERR_VALUE,
				"the base URL's path holds a '%c', which "
				"must be written as %%%02X",
				path.p[i], (unsigned int)path.p[i]);
	while (path.n && str_next(&rest, '/', &segment))
		if (is_dots(segment))
			return err_set(e, ERR_VALUE,
				       "the base URL's path must not hold . or "
				       "..");
	return 0;
}

static int check_bytes(struct str s, struct err *e)
{
	if (s.n > URL_MAX)
		return err_set(e, ERR_VALUE, "a base URL has at most %d bytes",
			       URL_MAX);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c <= 0x20 || c > 0x7e)
			return err_set(e, ERR_VALUE,
				       "a base URL must not hold spaces, "
				       "control characters or letters outside "
				       "ASCII");
		if (c == '?' || c == '#')
			return err_set(e, ERR_VALUE,
				       "a base URL ends with its path: no '?' "
				       "and no '#'");
	}
	return 0;
}

/* Cuts the scheme off. */
static int take_scheme(struct url *u, struct str *s, struct err *e)
{
	static const struct {
		const char *text;
		bool https;
		int port;
	} schemes[] = {
		{ "https://", true, 443 },
		{ "http://", false, 80 },
	};

	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t n = strlen(schemes[i].text);

		if (!str_ieq((struct str){ s->p, MIN(n, s->n) },
			     schemes[i].text))
			continue;
		u->https = schemes[i].https;
		u->port = schemes[i].port;
		*s = (struct str){ s->p + n, s->n - n };
		return 0;
	}
	return err_set(e, ERR_VALUE,
		       "a base URL begins with https:// or http://");
}

int url_parse(struct url *u, struct str s, struct err *e)
{
	struct str authority;
	const char *slash;

	*u = (struct url){ .path = STR("") };
	if (check_bytes(s, e) < 0 || take_scheme(u, &s, e) < 0)
		return -1;
	slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	authority = (struct str){ s.p, slash ? (size_t)(slash - s.p) : s.n };
	if (slash)
		u->path = (struct str){ slash, s.n - authority.n };
	if (take_authority(u, authority, e) < 0)
		return -1;
	return check_path(u->path, e);
}

char *url_origin(const struct url *u, char at[static URL_ORIGIN])
{
	bool v6 = strchr(u->host, ':');

	snprintf(at, URL_ORIGIN, "%s://%s%s%s:%d", u->https ? "https" : "http",
		 v6 ? "[" : "", u->host, v6 ? "]" : "", u->port);
	return at;
}

void url_join(struct buf *out, struct str base, struct str path)
{
	while (base.n && base.p[base.n - 1] == '/')
		base.n--;
	while (path.n && path.p[0] == '/') {
		path.p++;
		path.n--;
	}
	buf_add(out, base.p, base.n);
	if (!path.n)
		return;
	buf_char(out, '/');
	buf_add(out, path.p, path.n);
}

bool url_is_literal(const struct url *u)
{
	return u->literal;
}

bool url_is_local_literal(const struct url *u)
{
	return u->literal ? cidr_private(&u->ip) :
			    strcmp(u->host, "localhost") == 0;
}
