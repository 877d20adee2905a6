/* price.h - prices on the command line: how they are shown. */
#ifndef CLI_PRICE_H
#define CLI_PRICE_H

#include "cmd.h"

#include "store/price.h"

/* Rows of the price book as a table, or as an array of JSON objects. */
int price_print(struct cli *c, const struct price *p, int n, const char *empty,
		struct err *e);
/* One of them, with every line. */
int price_print_one(struct cli *c, const struct price *p, struct err *e);

extern const struct cmd price_cmd_import, price_cmd_export;

#endif
