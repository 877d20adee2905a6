/* cidr.c - see cidr.h. */
#include "http/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static struct ip ip_v4(const uint8_t *b)
{
	struct ip ip = { .v6 = false };

	memcpy(ip.b, b, 4);
	return ip;
}

static struct ip ip_v6(const uint8_t *b)
{
	struct ip ip = { .v6 = true };

	if (!memcmp(b, mapped, sizeof(mapped)))
		return ip_v4(b + sizeof(mapped));
	memcpy(ip.b, b, 16);
	return ip;
}

/* was_v6: it was written as one, though it may be a mapped IPv4. */
static int parse(struct str s, struct ip *out, bool *was_v6)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t b[16];

	*out = (struct ip){ 0 };
	if (!s.n || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*was_v6 = strchr(text, ':');
	if (inet_pton(*was_v6 ? AF_INET6 : AF_INET, text, b) != 1)
		return -1;
	*out = *was_v6 ? ip_v6(b) : ip_v4(b);
	return 0;
}

int ip_parse(struct str s, struct ip *out)
{
	bool was_v6;

	return parse(s, out, &was_v6);
}

int ip_of_sockaddr(const struct sockaddr *sa, struct ip *out)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	*out = (struct ip){ 0 };
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		*out = ip_v4((const uint8_t *)&v4.sin_addr);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		*out = ip_v6(v6.sin6_addr.s6_addr);
		return 0;
	}
	return -1;
}

char *ip_text(const struct ip *ip, char at[static IP_TEXT])
{
	inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->b, at, IP_TEXT);
	return at;
}

/* --- networks -------------------------------------------------------------- */

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, (size_t)whole) != 0)
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static void clear_host(struct cidr *net)
{
	for (int i = net->bits; i < 128; i++)
		net->ip.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

int cidr_parse(struct str s, struct cidr *out)
{
	struct str address, bits = s;
	bool was_v6;
	int64_t n, max;

	*out = (struct cidr){ 0 };
	if (!str_next(&bits, '/', &address) ||
	    parse(address, &out->ip, &was_v6) < 0)
		return -1;
	n = max = was_v6 ? 128 : 32;
	if (bits.p) {
		if (!bits.n || bits.p[0] == '-' ||
		    (bits.p[0] == '0' && bits.n > 1) ||
		    str_int(bits, 0, max, &n) < 0)
			return -1;
	}
	if (was_v6 && !out->ip.v6) { /* ::ffff:10.0.0.0/104 is 10.0.0.0/8 */
		if (n < 96)
			return -1;
		n -= 96;
	}
	out->bits = (int)n;
	clear_host(out);
	return 0;
}

bool cidr_has(const struct cidr *net, const struct ip *ip)
{
	return net->ip.v6 == ip->v6 && same_bits(net->ip.b, ip->b, net->bits);
}

int cidr_list(struct str list, struct cidr *at, int max)
{
	struct str piece, rest = list;
	int n = 0;

	if (!str_trim(list).n)
		return 0;
	while (str_next(&rest, ',', &piece)) {
		if (n == max || cidr_parse(str_trim(piece), &at[n]) < 0)
			return -1;
		n++;
	}
	return n;
}

bool cidr_list_has(const char *list, struct str address)
{
	struct str piece, rest = str_of(list);
	bool found = false;
	struct cidr net;
	struct ip ip;

	if (ip_parse(address, &ip) < 0)
		return false;
	while (str_next(&rest, ',', &piece)) {
		if (cidr_parse(str_trim(piece), &net) < 0)
			return false;
		found |= cidr_has(&net, &ip);
	}
	return found;
}

/* --- what is not public ------------------------------------------------------ */

/* From IANA's special-purpose address registries:
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 * https://www.iana.org/assignments/iana-ipv6-special-registry */
static const struct {
	uint8_t b[6];
	int bits;
} private_v4[] = {
	/* clang-format off */
	{ { 0 },            8 },  /* this network */
	{ { 10 },           8 },
	{ { 100, 64 },      10 }, /* carrier NAT */
	{ { 127 },          8 },
	{ { 169, 254 },     16 }, /* link-local; .169.254 is metadata */
	{ { 172, 16 },      12 },
	{ { 192, 0, 0 },    24 },
	{ { 192, 0, 2 },    24 }, /* documentation */
	{ { 192, 88, 99 },  24 }, /* 6to4 relays */
	{ { 192, 168 },     16 },
	{ { 198, 18 },      15 }, /* benchmarks */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 },  24 }, /* documentation */
	{ { 224 },          4 },  /* multicast */
	{ { 240 },          4 },  /* reserved, broadcast */
	/* clang-format on */
}, private_v6[] = {
	/* clang-format off */
	{ { 0x20, 0x01, 0x00, 0x00 },             23 }, /* protocols */
	{ { 0x20, 0x01, 0x0d, 0xb8 },             32 }, /* documentation */
	{ { 0x3f, 0xff },                         20 }, /* documentation */
	/* clang-format on */
};

static bool private_ip4(const uint8_t *b)
{
	for (size_t i = 0; i < COUNT(private_v4); i++)
		if (same_bits(private_v4[i].b, b, private_v4[i].bits))
			return true;
	return false;
}

/* Inside these an IPv4 address is what is really called. */
static const struct {
	uint8_t b[12];
	int bits, at; /* the byte where the IPv4 begins */
	uint8_t flip; /* Teredo writes it inverted */
} around_v4[] = {
	/* clang-format off */
	{ { 0x00, 0x64, 0xff, 0x9b },        96, 12, 0 },    /* NAT64 */
	{ { 0x20, 0x02 },                    16, 2,  0 },    /* 6to4 */
	{ { 0x20, 0x01, 0x00, 0x00 },        32, 12, 0xff }, /* Teredo */
	/* clang-format on */
};

bool cidr_private(const struct ip *ip)
{
	uint8_t v4[4];

	if (!ip->v6)
		return private_ip4(ip->b);
	for (size_t i = 0; i < COUNT(around_v4); i++) {
		if (!same_bits(around_v4[i].b, ip->b, around_v4[i].bits))
			continue;
		for (int k = 0; k < 4; k++)
			v4[k] = ip->b[around_v4[i].at + k] ^ around_v4[i].flip;
		return private_ip4(v4);
	}
	for (size_t i = 0; i < COUNT(private_v6); i++)
		if (same_bits(private_v6[i].b, ip->b, private_v6[i].bits))
			return true;
	return ip->b[0] >> 5 != 1; /* only 2000::/3 is handed out */
}
