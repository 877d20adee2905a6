/* receipt.h - what a request cost and why, from its row; pure.
 *
 * A line is a count at a price: amount = count * price / per, times the factor
 * in millionths, rounded up.  The lines' sum is what the ledger took, and the
 * receipt says whether it is.
 *
 * Two readers: who paid, and the operator.  Names of channels and keys, the
 * provider, and what the request cost the operator are for the latter alone.
 */
#ifndef POLICY_RECEIPT_H
#define POLICY_RECEIPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct db;
struct price;
struct request;

#define RECEIPT_MAX ((size_t)256 << 10) /* bytes of one, in either form */

struct receipt_line {
	const char *line;    /* a name of store/lines.def; or RECEIPT_NOTED */
	const char *variant; /* of the price: "1024x1024/high"; or "" */
	int64_t from_tok;    /* its context tier */
	int64_t count, price_nusd, per;
	int64_t tier_ppm, factor_ppm; /* the provider's; the group's */
	int64_t amount_nusd;
};
/* All of a request whose worker died: what the last note said, where its
 * counts do not give the amount again. */
#define RECEIPT_NOTED "noted"

struct receipt_attempt {
	const char *channel, *error; /* error "": it answered */
	int64_t status, ms;
};

struct receipt {
	const struct request *row;
	int64_t price_from_ms; /* when the price began; 0: there is none */
	struct receipt_line *lines;
	struct receipt_attempt *attempts;
	int n_lines, n_attempts;
	int64_t sum_nusd; /* of the lines */
	bool adds_up;     /* it is what the ledger took */
};

/* Of the request of that id, in arena: 0, or -1 with ERR_NOT_FOUND. */
int receipt_read(struct receipt *r, struct db *db, const char *id,
		 struct arena *arena, struct err *e);
/* The same of a row that must outlive it; price: the row's, or NULL. */
void receipt_make(struct receipt *r, const struct request *row,
		  const struct price *price, struct arena *arena);
bool receipt_is_final(const struct receipt *r); /* else it still runs */
void receipt_json(const struct receipt *r, bool for_operator, struct buf *out);
void receipt_text(const struct receipt *r, bool for_operator, struct buf *out);

#endif
