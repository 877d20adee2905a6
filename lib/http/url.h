/* url.h - the base URL of an upstream, read strictly.
 *
 * http or https, a host, perhaps a port, perhaps a path; nothing else.  What
 * libraries read in different ways is refused: users and passwords, spaces,
 * backslashes, bytes outside ASCII, IPv4 addresses in odd spellings
 * (2130706433, 0x7f.1, 017700000001), "." and ".." in the path.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/buf.h"
#include "base/err.h"
#include "http/cidr.h"

#define URL_MAX      2048 /* bytes */
#define URL_HOST_MAX 254  /* a host with its '\0' */
#define URL_ORIGIN   280  /* enough for url_origin() */

struct url {
	bool https;
	char host[URL_HOST_MAX]; /* lower case; IPv6 without brackets */
	bool literal;            /* the host is an address: ip */
	struct ip ip;
	int port;        /* 80 or 443 where it was not given */
	struct str path; /* "" or from '/', inside the text that was read */
};

/* -1: ERR_VALUE, with a sentence that says what is wrong. */
int url_parse(struct url *u, struct str s, struct err *e);

/* "https://api.example.com:443": always with port; what keys are bound to. */
char *url_origin(const struct url *u, char at[static URL_ORIGIN]);

/* base and path with exactly one slash between them, appended to out. */
void url_join(struct buf *out, struct str base, struct str path);

bool url_is_literal(const struct url *u); /* an address, not a name */
/* An address that is not of the public internet, or localhost: what an
 * administrator means when writing it down, and a redirect must not reach. */
bool url_is_local_literal(const struct url *u);

#endif
