/* openai.h - what the files of OpenAI's dialect share; nobody else's. */
#ifndef DIALECT_OPENAI_H
#define DIALECT_OPENAI_H

#include "dialect/dialect.h"
#include "dialect/tree.h"
#include "dialect/usage_read.h"
#include "json/js.h"
#include "json/jw.h"

int openai_read(struct json_object *in, struct chat *c, struct err *e);
int openai_write(const struct chat *c, struct buf *out, struct err *e);
int openai_decode(struct dec *d, const char *event, const char *p, size_t n,
		  struct err *e);
void openai_encode(struct enc *x, const struct ev *ev, struct buf *out);
void openai_resume(struct enc *x, const char *p, size_t n);

/* One message of a request to c; i: its place, for errors. */
int openai_read_message(struct json_object *m, int i, struct chat *c,
			struct err *e);
void openai_write_messages(const struct chat *c, struct jw *w);

void openai_usage_write(const struct usage *u, enum shape shape,
			const char *name, struct jw *w);
/* extra_content of a call: what Gemini signed. */
void openai_signature_write(struct str signature, struct jw *w);
/* The whole answer, when all of its events are in. */
void openai_whole(struct enc *x, struct buf *out);
/* The members that begin every answer and chunk: id, object, created, model. */
void openai_top(const struct enc *x, const char *object, struct jw *w);

#endif
