/* member.h - the members of a client's body, by rows of a table. */
#ifndef DIALECT_MEMBER_H
#define DIALECT_MEMBER_H

#include "dialect/chat.h"
#include "json/js.h"

enum member_type {
	T_FN, /* a function reads it */
	T_STR,
	T_INT,
	T_DOUBLE, /* a whole number too */
	T_TRI,    /* a boolean into an int, where unset is a third thing */
	T_FLAG,
	T_JSON,   /* an object, kept as text */
	T_ANY,    /* whatever it is, kept as text */
	T_OPENAI, /* means the same in a chat: for who writes to OpenAI */
};

struct member {
	const char *name;
	enum member_type type;
	size_t at; /* in struct chat; AT(field) */
	int (*fn)(struct chat *c, struct json_object *v, struct err *e);
};

#define AT(field) offsetof(struct chat, field)

/* Puts the value, which is not null, where its row says.  ERR_TYPE, with the
 * parameter. */
int member_take(struct chat *c, const struct member *m, struct json_object *v,
		struct err *e);
int member_wrong_type(struct err *e, const char *param, const char *want);

#endif
