/* tariff_in.h - what the readers of price maps share. */
#ifndef POLICY_TARIFF_IN_H
#define POLICY_TARIFF_IN_H

#include "policy/tariff.h"
#include "json/js.h"

/* A price under way. */
struct draft {
	struct arena *arena;
	struct tariff *to;
	const struct tariff_ask *ask;
	struct price price;
	struct tariff_lines lines;
	const char *provider; /* "": the map names none */
	const char *channel;  /* whose cost it is; "": what users pay */
	const char *why;      /* it is refused; the first reason */
};

/* A member that holds a price: times by x 10^scale it is nano-dollars of the
 * line's unit.  name: of members inside one another, "limit.context". */
struct tariff_field {
	const char *name;
	enum line line;
	int64_t from_tok;
	int scale;
	int64_t by;
};

/* Scales of the numbers that are met. */
#define PER_TOKEN    15 /* dollars for one */
#define PER_MTOKEN   9  /* dollars for a million; for one of what is counted */
#define CENT_TOKEN   13 /* cents for a token */
#define CENT_EACH    7  /* cents for one */
#define PER_SECOND   9  /* by 3,600: dollars for a second */
#define PER_THOUSAND 6  /* dollars for a thousand */

struct json_object *tariff_get(struct json_object *o, const char *path);

void draft_begin(struct draft *d, const char *provider, const char *model);
void draft_fields(struct draft *d, struct json_object *o,
		  const struct tariff_field *fields, size_t n);
/* One number; absent: nothing. */
void draft_number(struct draft *d, struct json_object *v,
		  const struct tariff_field *f);
void draft_refuse(struct draft *d, const char *why);
void draft_limit(struct json_object *v, int64_t *to);
/* What a tier's price is of the usual, in millionths; 0 where prompt and
 * answer do not agree. */
int64_t draft_factor(struct json_object *o, const char *in, const char *in_tier,
		     const char *out, const char *out_tier);
void draft_end(struct draft *d);

/* The shapes.  Each looks at the top of a text, and reads it. */
struct tariff_shape {
	const char *name;
	bool (*is)(struct json_object *top);
	void (*read)(struct draft *d, struct json_object *top);
};

extern const struct tariff_shape tariff_own, tariff_ratios, tariff_ratio_list,
	tariff_genai, tariff_modelsdev, tariff_litellm, tariff_portkey;

#endif
