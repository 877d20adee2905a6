/* nusd.h - money: int64_t nano-dollars, never a float.
 *
 * 1 USD = 1,000,000,000 nUSD.  Prices are nano-dollars per million tokens.
 */
#ifndef BASE_NUSD_H
#define BASE_NUSD_H

#include "base/str.h"

#define NUSD_PER_USD 1000000000LL
#define NUSD_MAX     1000000000000000000LL /* a billion dollars: no input above */
#define NUSD_TEXT    32

/* n_tok * price / 10^6, rounded up; saturates rather than wraps. */
int64_t nusd_cost(int64_t n_tok, int64_t price_nusd_per_mtok);
int64_t nusd_add(int64_t a, int64_t b); /* saturates */

/* "5", "5.00", "-0.000000001": dollars with up to nine decimals. -1: is not
 * one, or is beyond NUSD_MAX. */
int nusd_parse(struct str s, int64_t *out);
/* "1.5e-07", a number as JSON writes it, times 10^scale times by, rounded to
 * the nearest.  -1: is no number, is below 0, or comes out above NUSD_MAX. */
int nusd_decimal(struct str s, int scale, int64_t by, int64_t *out);
/* "5.00", "0.000000001": at least two decimals; into at, which it returns. */
char *nusd_text(int64_t nusd, char at[static NUSD_TEXT]);

#endif
