/* tariff.h - prices as people and other programs write them.
 *
 * Reads our own JSON and the public price maps into rows of the price book,
 * and says which of them cannot be right.  Numbers are read as decimals, never
 * as floats, and rounded to a nano-dollar.
 */
#ifndef POLICY_TARIFF_H
#define POLICY_TARIFF_H

#include "base/buf.h"
#include "store/price.h"

#define TARIFF_FACTOR_MAX 1000000000LL /* ppm */

/* The lines of one price, while they are gathered. */
struct tariff_lines {
	struct arena *arena;
	struct price_line *p;
	int n, max;
};

void tariff_lines_init(struct tariff_lines *l, struct arena *arena);
void tariff_line(struct tariff_lines *l, enum line line, const char *variant,
		 int64_t from_tok, int64_t nusd);
/* "0.04", or "1024x1024/high=0.17,1024x1024=0.04": pictures. */
int tariff_images(struct tariff_lines *l, struct str text, struct err *e);
/* "200001:input=2.5,output=15": what differs from a size of the prompt on;
 * several behind each other. */
int tariff_tiers(struct tariff_lines *l, struct str text, struct err *e);
/* Gives them to the price, in order.  -1: a line is there twice. */
int tariff_lines_end(struct tariff_lines *l, struct price *p, struct err *e);

struct tariff_row {
	struct price price;
	const char *provider; /* as the map calls it; "": it names none */
	const char *channel;  /* whose cost it is; "": what users pay */
	const char *refused;  /* why it is no price; NULL: it is one */
	const char *doubt;    /* why it is hardly meant so; NULL: it may be */
};

struct tariff {            /* in the arena */
	const char *shape; /* what kind of map it was */
	struct tariff_row *rows;
	int n, max;
};

struct tariff_ask {
	const char *provider; /* only its prices; NULL: all */
};

/* Reads a price map.  A model that several providers have at different prices
 * is refused: the ask has to name one.  -1: it is no JSON, or no map that is
 * known. */
int tariff_read(struct str text, const struct tariff_ask *ask,
		struct arena *arena, struct tariff *t, struct err *e);
/* The list that came with this version: what vendors published, see
 * seed.def. */
int tariff_builtin(struct arena *arena, struct tariff *t, struct err *e);

/* Why the price is hardly meant so; NULL: it may be. */
const char *tariff_doubt(const struct price *p, struct arena *arena);
/* Do they charge and limit the same? */
bool tariff_same(const struct price *a, const struct price *b);

#endif
