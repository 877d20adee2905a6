/* egress.c - see egress.h. */
#include "net/egress.h"

#include "http/url.h"

/* What localhost is, wherever the resolver is asked. */
static const struct cidr localhost[] = {
	{ { { 127, 0, 0, 1 }, false }, 32 },
	{ { { [15] = 1 }, true }, 128 },
};

/* The host that the command line named.  How many networks it makes. */
static int of_base_url(struct str base_url, struct cidr *at)
{
	struct err unheard = { 0 };
	struct url u;

	if (!base_url.n || url_parse(&u, base_url, &unheard) < 0 ||
	    !url_is_local_literal(&u))
		return 0; /* a name: only what the list says */
	if (!u.literal) {
		memcpy(at, localhost, sizeof(localhost));
		return COUNT(localhost);
	}
	*at = (struct cidr){ u.ip, u.ip.v6 ? 128 : 32 };
	return 1;
}

int egress_rule_make(struct egress_rule *rule, struct str allow,
		     struct str base_url, struct arena *arena, struct err *e)
{
	struct cidr nets[EGRESS_MAX + COUNT(localhost)], *kept;
	int n = cidr_list(allow, nets, EGRESS_MAX);

	*rule = (struct egress_rule){ 0 };
	if (n < 0)
		return err_set(e, ERR_VALUE,
			       "the networks that a channel may reach are a "
			       "comma list of at most %d, like "
			       "10.0.0.0/8,fd00::/8",
			       EGRESS_MAX);
	n += of_base_url(base_url, nets + n);
	if (!n)
		return 0;
	kept = ARENA_ARRAY(arena, struct cidr, n);
	memcpy(kept, nets, sizeof(*nets) * (size_t)n);
	*rule = (struct egress_rule){ kept, n };
	return 0;
}

int egress_judge(const struct sockaddr *to, const struct egress_rule *rule,
		 struct err *e)
{
	struct ip ip;

	if (ip_of_sockaddr(to, &ip) < 0)
		return err_set(e, ERR_UP_FORBIDDEN,
			       "The upstream's address is neither IPv4 nor "
			       "IPv6.");
	if (!cidr_private(&ip))
		return 0;
	for (int i = 0; i < rule->n_allow; i++)
		if (cidr_has(&rule->allow[i], &ip))
			return 0;
	return err_set(e, ERR_UP_FORBIDDEN,
		       "The upstream's address is not public. An "
		       "administrator can allow its network: pontage channel "
		       "set NAME --allow CIDR");
}
