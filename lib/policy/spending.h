/* spending.h - what a key has and has used, for its owner; pure.
 *
 * The first three are what clients of OpenAI's old billing pages and of one-api
 * ask for: dollars and cents as JSON numbers, written exactly, never by way of a
 * float.
 */
#ifndef POLICY_SPENDING_H
#define POLICY_SPENDING_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct token;
struct spend_day;

#define SPENDING_DAYS_MAX 366

/* hard_limit_usd: the key's limit, 100000000 where it has none of its own. */
void spending_subscription(const struct token *t, struct buf *out);
/* total_usage: all that the key has spent, in cents. */
void spending_total(const struct token *t, struct buf *out);
/* total_available: what can still be spent, by the key and by its account. */
void spending_credit(const struct token *t, struct buf *out);

struct spending_range {
	int64_t from_ms, to_ms; /* days, to_ms is not in it */
};

/* from, to: "2026-11-01", both in it, UTC; "": the last 30 days.  -1 with
 * ERR_VALUE. */
int spending_range(const char *from, const char *to, int64_t now_ms,
		   struct spending_range *out, struct err *e);
void spending_days(const struct token *t, const struct spending_range *range,
		   const struct spend_day *days, int n, struct buf *out);

#endif
