/* egress.h - which addresses may be called.
 *
 * Judged is the address that a connection goes to, at the moment of
 * connecting, never a name: names change their mind.  The public internet is
 * free; anything else must be covered by the channel's rule.
 */
#ifndef NET_EGRESS_H
#define NET_EGRESS_H

#include "base/arena.h"
#include "base/err.h"
#include "http/cidr.h"

#define EGRESS_MAX 64 /* networks in a rule */

struct egress_rule {
	const struct cidr *allow; /* networks that are not public */
	int n_allow;
};

/* The rule of a channel, in the arena.  allow: its comma list.  base_url:
 * where its host is a private address or localhost, exactly that is allowed
 * too; STR_NONE where it was not the command line that set it.  -1:
 * ERR_VALUE, a piece of the list is no network; the rule then allows none. */
int egress_rule_make(struct egress_rule *rule, struct str allow,
		     struct str base_url, struct arena *arena, struct err *e);

/* 0, or -1: ERR_UP_FORBIDDEN, with what an administrator can do.  The message
 * does not name the address. */
int egress_judge(const struct sockaddr *to, const struct egress_rule *rule,
		 struct err *e);

#endif
