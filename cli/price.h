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

struct price_import {
	const char *file, *provider, *models;
	bool builtin, apply, force, missing;
};

extern const struct arg price_import_args[];
int price_import(struct cli *c, const void *values, struct err *e);
int price_export(struct cli *c, const void *values, struct err *e);
/* Puts the prices that come with this version into an empty price book: how
 * many, or -1. */
int price_seed(struct cli *c, struct err *e);

#endif
