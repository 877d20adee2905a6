/* anthropic.h - what the files of Anthropic's dialect share; nobody else's.
 *
 * The Messages API: https://platform.claude.com/docs/en/api/messages
 */
#ifndef DIALECT_ANTHROPIC_H
#define DIALECT_ANTHROPIC_H

#include "dialect/dialect.h"
#include "dialect/signed.h"
#include "dialect/tree.h"
#include "json/jw.h"

int anthropic_read(struct json_object *in, struct chat *c, struct err *e);
int anthropic_write(const struct chat *c, struct buf *out, struct err *e);
int anthropic_decode(struct dec *d, const char *event, const char *p, size_t n,
		     struct err *e);
void anthropic_encode(struct enc *x, const struct ev *ev, struct buf *out);
void anthropic_resume(struct enc *x, const char *p, size_t n);

/* The members system and messages. */
void anthropic_write_messages(const struct chat *c, struct jw *w);

/* "end_turn" to FINISH_STOP and back; an unknown one is FINISH_STOP. */
enum finish anthropic_finish(const char *stop_reason);
const char *anthropic_stop_reason(enum finish f);

#endif
