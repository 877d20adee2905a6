/* relay_check.c - compares what came with the case; see relay_case.h. */
#include "relay_case.h"

#include "../mock/peek.h"
#include "base/buf.h"

struct str case_expand(struct arena *a, struct str text, const char *key)
{
	static const char mark[] = "$KEY";
	const char *at;
	struct buf b;
	struct str s;

	buf_init(&b, SIZE_MAX / 2);
	while ((at = memmem(text.p, text.n, mark, strlen(mark)))) {
		size_t n = (size_t)(at - text.p);

		buf_add(&b, text.p, n);
		buf_str(&b, key);
		text.p += n + strlen(mark);
		text.n -= n + strlen(mark);
	}
	buf_add(&b, text.p, text.n);
	s = arena_str(a, buf_span(&b));
	buf_release(&b);
	return s;
}

static size_t body_bytes(const struct case_answer *answer)
{
	size_t n = 0;

	for (int i = 0; i < answer->n_ops; i++)
		n += answer->ops[i].bytes.n;
	return n;
}

struct str case_head(struct arena *a, const struct case_answer *answer)
{
	struct buf b;
	struct str s;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%.*s\r\n", STR_FMT(answer->status_line));
	for (int i = 0; i < answer->headers.n; i++)
		buf_printf(&b, "%.*s: %.*s\r\n",
			   STR_FMT(answer->headers.at[i].name),
			   STR_FMT(answer->headers.at[i].value));
	if (answer->stream)
		buf_str(&b, "Transfer-Encoding: chunked\r\n\r\n");
	else if (case_value(&answer->headers, "content-length").p)
		buf_str(&b, "\r\n");
	else
		buf_printf(&b, "Content-Length: %zu\r\n\r\n",
			   body_bytes(answer));
	s = arena_str(a, buf_span(&b));
	buf_release(&b);
	return s;
}

/* --- comparing ------------------------------------------------------------- */

static bool contains(struct str s, struct str part)
{
	return !part.n || (s.n && memmem(s.p, s.n, part.p, part.n));
}

/* "want X" and what there is instead, both cut short. */
static int differs(struct err *e, const char *what, struct str want,
		   struct str got)
{
	return err_set(e, ERR_VALUE, "%s: want \"%.*s\", got \"%.*s\"", what,
		       (int)MIN(want.n, 80), want.p ? want.p : "",
		       (int)MIN(got.n, 80), got.p ? got.p : "");
}

/* Exactly; the difference is shown from a little before where it begins. */
static int check_body(struct str want, struct str got, struct err *e)
{
	size_t same = 0, from;

	if (!want.p || str_same(want, got))
		return 0;
	while (same < MIN(want.n, got.n) && want.p[same] == got.p[same])
		same++;
	from = same > 20 ? same - 20 : 0;
	return differs(e, "body", (struct str){ want.p + from, want.n - from },
		       got.p ? (struct str){ got.p + from, got.n - from } :
			       STR_NONE);
}

static int check_headers(const struct case_pairs *want,
			 const struct case_texts *without,
			 const struct case_pairs *got, struct err *e)
{
	char name[80];

	for (int i = 0; i < want->n; i++) {
		struct str value;

		snprintf(name, sizeof(name), "%.*s", STR_FMT(want->at[i].name));
		value = case_value(got, name);
		if (!value.p || (!str_eq(want->at[i].value, "~") &&
				 !str_same(value, want->at[i].value)))
			return differs(e, name, want->at[i].value, value);
	}
	for (int i = 0; i < without->n; i++) {
		snprintf(name, sizeof(name), "%.*s", STR_FMT(without->at[i]));
		if (case_value(got, name).p)
			return err_set(e, ERR_VALUE, "%s: must not be there",
				       name);
	}
	return 0;
}

int case_check_reply(const struct relay_case *c, int status,
		     const struct case_pairs *headers, struct str body,
		     bool cut, struct err *e)
{
	const struct case_reply *want = &c->reply;

	if (want->status && status != want->status)
		return err_set(e, ERR_VALUE, "status: want %d, got %d: %.*s",
			       want->status, status, (int)MIN(body.n, 120),
			       body.p);
	if (check_headers(&want->headers, &want->no_headers, headers, e) < 0)
		return -1;
	for (int i = 0; i < want->contains.n; i++)
		if (!contains(body, want->contains.at[i]))
			return differs(e, "contains", want->contains.at[i],
				       body);
	for (int i = 0; i < want->lacks.n; i++)
		if (contains(body, want->lacks.at[i]))
			return differs(e, "lacks", want->lacks.at[i], body);
	if (cut != want->cut)
		return err_set(e, ERR_VALUE, "ends: want %s",
			       want->cut ? "cut" : "whole");
	return check_body(want->body, body, e);
}

/* "a.b" inside the body, or STR_NONE. */
static struct str member(struct str body, struct str path)
{
	struct str name;
	char at[80];

	while (str_next(&path, '.', &name)) {
		snprintf(at, sizeof(at), "%.*s", STR_FMT(name));
		body = peek_member(body, at);
	}
	return body;
}

static int check_members(const struct case_upstream *want, struct str body,
			 struct err *e)
{
	for (int i = 0; i < want->members.n; i++) {
		const struct case_pair *p = &want->members.at[i];
		struct str got = member(body, p->name);

		if (!got.p || !str_same(got, p->value))
			return differs(e, "member", p->value, got);
	}
	for (int i = 0; i < want->no_members.n; i++)
		if (member(body, want->no_members.at[i]).p)
			return differs(e, "no-member", STR(""),
				       want->no_members.at[i]);
	return 0;
}

int case_check_upstream(const struct relay_case *c, int n, const char *channel,
			struct str path, const struct case_pairs *headers,
			struct str body, struct err *e)
{
	const struct case_upstream *want;

	if (n >= c->n_attempts)
		return err_set(e, ERR_VALUE, "attempt %d: must not be", n + 1);
	want = &c->upstream[n];
	if (want->channel.p && !str_eq(want->channel, channel))
		return differs(e, "channel", want->channel, str_of(channel));
	if (want->path.p && !str_same(want->path, path))
		return differs(e, "path", want->path, path);
	if (check_headers(&want->has, &want->lacks, headers, e) < 0 ||
	    check_members(want, body, e) < 0)
		return -1;
	return check_body(want->body, body, e);
}
