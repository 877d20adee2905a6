/* prices.h - prices for a test, short enough for a table. */
#ifndef TESTS_PRICES_H
#define TESTS_PRICES_H

#include "rows.h"

#include "base/nusd.h"
#include "policy/bill.h"

#define USD 1000000000LL /* in nano-dollars */

#define P(...)                                                                \
	{                                                                     \
		.id = 1, .lines = (const struct price_line[]){ __VA_ARGS__ }, \
		.n_lines =                                                    \
			(int)(sizeof((struct price_line[]){ __VA_ARGS__ }) /  \
			      sizeof(struct price_line))                      \
	}
#define AT(name, price)                        \
	{                                      \
		0, LINE_##name, "", 0, (price) \
	}
#define FROM(tok, name, price)                     \
	{                                          \
		0, LINE_##name, "", (tok), (price) \
	}
#define PICTURE(variant, price)                      \
	{                                            \
		0, LINE_image, (variant), 0, (price) \
	}

#endif
