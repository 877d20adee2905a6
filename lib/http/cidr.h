/* cidr.h - internet addresses and networks.
 *
 * Strict: no octal, no short forms, no zones, no surrounding space.
 * Invariant: an IPv4 address that comes as ::ffff:a.b.c.d is that IPv4
 * address everywhere, so one spelling cannot pass where the other may not.
 */
#ifndef HTTP_CIDR_H
#define HTTP_CIDR_H

#include "base/str.h"

struct sockaddr;

struct ip {
	uint8_t b[16]; /* network order; IPv4: the first four, then zeros */
	bool v6;
};

struct cidr {
	struct ip ip; /* bits past the network are zero */
	int bits;     /* 0 to 32 or 128 */
};

#define IP_TEXT 46 /* enough for ip_text() */

/* 0, or -1: is none. */
int ip_parse(struct str s, struct ip *out);
int ip_of_sockaddr(const struct sockaddr *sa, struct ip *out);
char *ip_text(const struct ip *ip, char at[static IP_TEXT]); /* returns at */

/* "10.0.0.0/8", "10.1.2.3", "2001:db8::/32".  Bits past the network are
 * dropped, as in 10.1.2.3/8. */
int cidr_parse(struct str s, struct cidr *out);
bool cidr_has(const struct cidr *net, const struct ip *ip);

/* A comma list, spaces allowed around its pieces, into at most max places.
 * How many, or -1: a piece is no network, or there are more.  An empty list
 * has none. */
int cidr_list(struct str list, struct cidr *at, int max);
/* Is the address (its text) in one of the list's networks?  False where
 * either is not what it should be: a damaged list lets nobody in. */
bool cidr_list_has(const char *list, struct str address);

/* Not an address of the public internet: loopback, private, link-local,
 * carrier NAT, multicast, broadcast, reserved, documentation, metadata.
 * NAT64, 6to4 and Teredo addresses are what the IPv4 inside them is. */
bool cidr_private(const struct ip *ip);

#endif
