/* chat.c - see chat.h. */
#include "dialect/chat.h"

#include <math.h>
#include <stdarg.h>

void chat_init(struct chat *c, struct arena *mem, enum shape shape)
{
	*c = (struct chat){
		.mem = mem,
		.shape = shape,
		.parallel_tools = -1,
		.max_tok = CHAT_UNSET,
		.temperature = NAN,
		.top_p = NAN,
		.frequency_penalty = NAN,
		.presence_penalty = NAN,
		.top_k = CHAT_UNSET,
		.n = CHAT_UNSET,
		.seed = CHAT_UNSET,
		.logprobs = -1,
		.top_logprobs = CHAT_UNSET,
		.format_strict = -1,
		.think_tok = CHAT_UNSET,
		.think_shown = -1,
		.store = -1,
		.echo = -1,
		.best_of = CHAT_UNSET,
		.dimensions = CHAT_UNSET,
	};
}

struct chat_msg *chat_msg(struct chat *c, enum chat_role role)
{
	struct chat_msg *m = ARENA_NEW(c->mem, struct chat_msg);

	m->role = role;
	if (c->msg_last)
		c->msg_last->next = m;
	else
		c->msgs = m;
	c->msg_last = m;
	return m;
}

struct chat_part *chat_part(struct chat *c, struct chat_parts *list,
			    enum part_kind kind)
{
	struct chat_part *p = ARENA_NEW(c->mem, struct chat_part);

	p->kind = kind;
	if (list->last)
		list->last->next = p;
	else
		list->first = p;
	list->last = p;
	return p;
}

struct chat_tool *chat_tool(struct chat *c, enum tool_kind kind)
{
	struct chat_tool *t = ARENA_NEW(c->mem, struct chat_tool);

	t->kind = kind;
	t->strict = -1;
	if (c->tool_last)
		c->tool_last->next = t;
	else
		c->tools = t;
	c->tool_last = t;
	return t;
}

void chat_text(struct chat *c, struct chat_texts *list, struct str s)
{
	struct chat_text *t = ARENA_NEW(c->mem, struct chat_text);

	t->s = arena_str(c->mem, s);
	if (list->last)
		list->last->next = t;
	else
		list->first = t;
	list->last = t;
}

void chat_extra(struct chat *c, const char *dialect, struct str name,
		struct str json)
{
	struct chat_extra *x = ARENA_NEW(c->mem, struct chat_extra);

	x->dialect = dialect;
	x->name = arena_str(c->mem, name);
	x->json = arena_str(c->mem, json);
	if (c->extra_last)
		c->extra_last->next = x;
	else
		c->extras = x;
	c->extra_last = x;
}

static size_t text_of(const struct chat_part *p, char *to)
{
	size_t n = 0;

	for (; p; p = p->next) {
		if (p->kind != PART_TEXT || !p->text.n)
			continue;
		if (to)
			memcpy(to + n, p->text.p, p->text.n);
		n += p->text.n;
	}
	return n;
}

struct str chat_plain(const struct chat *c, const struct chat_parts *list)
{
	size_t n = text_of(list->first, NULL);
	char *s = arena_alloc(c->mem, n + 1);

	text_of(list->first, s);
	return (struct str){ s, n };
}

struct str chat_last_user(const struct chat *c)
{
	const struct chat_msg *last = NULL;

	for (const struct chat_msg *m = c->msgs; m; m = m->next)
		if (m->role == CHAT_USER)
			last = m;
	return last ? chat_plain(c, &last->parts) : STR_NONE;
}

bool chat_data_url(struct str url, struct str *mime, struct str *data)
{
	struct str rest = url, head, piece;
	bool base64 = false;

	if (url.n < 5 || strncasecmp(url.p, "data:", 5))
		return false;
	rest.p += 5;
	rest.n -= 5;
	if (!memchr(rest.p, ',', rest.n) || !str_next(&rest, ',', &head))
		return false;
	*mime = STR_NONE;
	while (str_next(&head, ';', &piece)) {
		if (str_ieq(piece, "base64"))
			base64 = true;
		else if (!mime->p && memchr(piece.p, '/', piece.n))
			*mime = piece;
	}
	if (mime->p && str_ieq(*mime, "image/jpg"))
		*mime = STR("image/jpeg");
	*data = rest.p ? rest : STR("");
	return base64;
}

void chat_lost(const struct chat *c, const char *fmt, ...)
{
	char what[128];
	va_list ap;

	if (!c->lost)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (c->lost->len)
		buf_str(c->lost, ", ");
	buf_str(c->lost, what);
}
