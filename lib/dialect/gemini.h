/* gemini.h - what the files of Gemini's dialect share; nobody else's.
 *
 * generateContent and streamGenerateContent:
 * https://ai.google.dev/api/generate-content.  The model and whether it
 * streams are said by the address, not by the body.
 */
#ifndef DIALECT_GEMINI_H
#define DIALECT_GEMINI_H

#include "dialect/dialect.h"
#include "dialect/signed.h"
#include "dialect/tree.h"
#include "json/jw.h"

int gemini_read(struct json_object *in, struct chat *c, struct err *e);
int gemini_write(const struct chat *c, struct buf *out, struct err *e);
int gemini_decode(struct dec *d, const char *event, const char *p, size_t n,
		  struct err *e);
void gemini_encode(struct enc *x, const struct ev *ev, struct buf *out);
void gemini_resume(struct enc *x, const char *p, size_t n);

/* A member by its name in camelCase, or the same in snake_case; the server
 * takes both. */
struct json_object *gemini_get(struct json_object *o, const char *name);
struct str gemini_member(struct arena *mem, struct json_object *o,
			 const char *name);
/* A whole number, or a string of digits, as 64 bits are sent; else def. */
int64_t gemini_int(struct json_object *v, int64_t def);

/* "MAX_TOKENS" to FINISH_LENGTH and back; an unknown one is FINISH_STOP. */
enum finish gemini_finish(const char *reason);
const char *gemini_finish_reason(enum finish f);

/* How an error is called: the words of any dialect. */
struct gemini_error {
	const char *word; /* anybody's */
	int code;
	const char *status, *type; /* here; in Anthropic's dialect */
};

const struct gemini_error *gemini_error(const char *word);

/* What a model can do, by a piece of its name. */
enum gemini_thinking { GEMINI_THINKS_NOT, GEMINI_BUDGET, GEMINI_LEVEL };

struct gemini_model {
	const char *part;
	enum gemini_thinking thinking;
	int64_t min_tok, max_tok; /* of a budget */
	bool off;                 /* thinking can be turned off */
	bool minimal;             /* it knows that level */
	bool json_schema;         /* takes JSON Schema as it is */
	bool signs;               /* wants signatures, and what is beside
				     tools may be JSON or media */
};

const struct gemini_model *gemini_model(const struct chat *c);

/* The contents and systemInstruction. */
void gemini_write_contents(const struct chat *c, const struct gemini_model *m,
			   struct jw *w);
/* The contents and systemInstruction of a client's request to c. */
int gemini_read_contents(struct chat *c, struct json_object *v, struct err *e);
int gemini_read_system(struct chat *c, struct json_object *v, struct err *e);

/* --- schemas ---------------------------------------------------------------
 */

/* JSON Schema as the subset that Gemini reads.  True: it says all of it; what
 * it does not say is named in lost (NULL: it is not wanted) as paths below
 * `at`.  Out is left empty where there is nothing to say: no properties. */
bool gemini_schema_write(struct arena *mem, struct str schema, const char *at,
			 struct buf *out, const struct chat *lost);
/* And back, as JSON Schema. */
struct str gemini_schema_read(struct arena *mem, struct json_object *o);

#endif
