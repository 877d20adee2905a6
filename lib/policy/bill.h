/* bill.h - what a request may cost, and what it did cost; pure.
 *
 * A bill has a line for each kind of thing that was counted: count x price x
 * factors, in integers, rounded up to a nano-dollar in each line alone.  The
 * amount is the sum of the lines.  No token stands on two lines: what is part
 * of another line is taken out of it.
 */
#ifndef POLICY_BILL_H
#define POLICY_BILL_H

#include "dialect/ask.h"
#include "dialect/usage.h"
#include "policy/book.h"

struct bill_line {
	enum line line;
	const char *variant; /* of the price that counted; "": any */
	int64_t from_tok;    /* its context tier */
	int64_t count;
	int64_t nusd;       /* for line_unit(line)->per of them */
	int64_t tier_ppm;   /* the provider's batch, flex, priority */
	int64_t factor_ppm; /* the group's */
	int64_t amount_nusd;
};

struct bill {
	struct bill_line lines[LINE__COUNT];
	int n;
	int64_t amount_nusd; /* NUSD_MAX at most, and so each line */
	bool clamped; /* parts were more than their whole, and were cut */
};

/* What the usage costs.  Counts that were not said cost nothing; usage that
 * says nothing gives an empty bill.  image: which picture was made,
 * "size/quality"; NULL: any. */
void bill_make(const struct book_price *p, const struct usage *u,
	       int64_t factor_ppm, struct bill *out);
void bill_make_image(const struct book_price *p, const struct usage *u,
		     int64_t factor_ppm, const char *image, struct bill *out);
/* Only the amount. */
int64_t bill_cost(const struct book_price *p, const struct usage *u,
		  int64_t factor_ppm);

/* What request.lines holds, "" for an empty bill:
 *
 *	[{"line":"input","count":12,"unit":"token","price_nusd":150000000,
 *	  "per":1000000,"factor_ppm":1000000,"amount_nusd":1800}]
 *
 * with "variant", "from_tok" and "tier_ppm" where they say something. */
const char *bill_json(const struct bill *b, struct arena *arena);
/* What request.usage holds: {"in_tok":12,...}, what was said; or "". */
const char *bill_usage_json(const struct usage *u, struct arena *arena);
/* The tier that a body asks for by OpenAI's word, "priority". */
enum service_tier bill_tier(struct str word);

struct bill_ask {
	const struct ask *ask;
	const struct book_price *price;
	int64_t reserve_output_tok; /* where neither client nor price say */
	bool reserve_max;           /* hold the model's maximum instead */
	int64_t factor_ppm;         /* the group's */
	int64_t prompt_tok;         /* at most; 0: a token a byte */
	int64_t prompt_count;       /* our count; 0: bytes / 4 */
	enum service_tier tier;     /* that the body asks for */
	int64_t images, characters, audio_ms, searches; /* at most */
	const char *image;                              /* which; NULL: any */
	const struct book_price *const *others; /* that may serve instead */
	int n_others;
};

/* What to hold: the prompt at the dearest of what it may turn out to be
 * (context tiers, cache writes, sound and pictures where the body has some),
 * the output that the client allows for each choice, what is paid a request;
 * for the dearest of price and others.  -1: the model has no price, or the
 * client asks for more than the model can do. */
int bill_reserve(const struct bill_ask *b, int64_t *nusd, struct err *e);
/* How many answers are made and paid: n or best_of for each prompt. */
int64_t bill_choices(const struct ask *ask);
/* The output tokens of one choice that bill_reserve() holds money for. */
int64_t bill_reserved_tok(const struct bill_ask *b);
/* How many output tokens of each choice the money buys on top of the prompt,
 * at most the model's maximum, else USAGE_MAX; -1: not even the prompt. */
int64_t bill_affordable_tok(const struct bill_ask *b, int64_t nusd);
/* What n output tokens, of all choices together, cost at the dearest; and how
 * many the money buys, USAGE_MAX at most. */
int64_t bill_output_nusd(const struct bill_ask *b, int64_t n_tok);
int64_t bill_output_tok(const struct bill_ask *b, int64_t nusd);

/* Our own count of the prompt: bytes / 4, rounded up. */
int64_t bill_prompt_tok(const struct ask *ask);

#endif
