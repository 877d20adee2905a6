/* bill_in.h - what the parts of bill.h share. */
#ifndef POLICY_BILL_IN_H
#define POLICY_BILL_IN_H

#include "policy/bill.h"

/* The price of a line for a prompt of so many tokens, its own or that of the
 * line it falls back to; NULL: it costs nothing.  variant: of a picture. */
const struct price_line *bill_price(const struct book_price *p, enum line l,
				    const char *variant, int64_t prompt_tok);

/* count x price x factors, rounded up; NUSD_MAX at most. */
int64_t bill_amount(const struct bill_line *l);
/* Money that adds up to NUSD_MAX at most. */
int64_t bill_add(int64_t a, int64_t b);

int64_t bill_tier_ppm(const struct book_price *p, enum service_tier t);

#endif
