/* responses.h - what the files of the Responses dialect share; nobody else's.
 *
 * https://platform.openai.com/docs/api-reference/responses
 */
#ifndef DIALECT_RESPONSES_H
#define DIALECT_RESPONSES_H

#include "dialect/dialect.h"
#include "dialect/signed.h"
#include "dialect/tree.h"
#include "json/jw.h"

int responses_read(struct json_object *in, struct chat *c, struct err *e);
int responses_write(const struct chat *c, struct buf *out, struct err *e);
int responses_decode(struct dec *d, const char *event, const char *p, size_t n,
		     struct err *e);
void responses_encode(struct enc *x, const struct ev *ev, struct buf *out);
void responses_resume(struct enc *x, const char *p, size_t n);

/* The items of a client's input to c, and of c to an upstream's. */
int responses_read_input(struct chat *c, struct json_object *v, struct err *e);
void responses_write_input(const struct chat *c, struct jw *w);
/* The first message, where it is the instructions; NULL: it is not. */
const struct chat_msg *responses_instructions(const struct chat *c);

/* An item's id and its encrypted content belong together: as one signature. */
struct str responses_seal(struct arena *mem, struct str id, struct str sealed);
bool responses_unseal(struct arena *mem, struct str signature, struct str *id,
		      struct str *sealed);

/* The response as far as it is. */
void responses_object(const struct enc *x, const char *status, struct jw *w);

#endif
