/* check.c - see check.h. */
#include "check.h"

#define BODY_MAX (256u << 20)

void check_init(struct check *c, const struct expect *want)
{
	*c = (struct check){ .want = want };
	buf_init(&c->body, BODY_MAX);
	buf_init(&c->text, BODY_MAX);
}

void check_release(struct check *c)
{
	buf_release(&c->body);
	buf_release(&c->text);
}

void check_start(struct check *c, struct str asked)
{
	buf_clear(&c->body);
	buf_clear(&c->text);
	c->asked = asked;
	c->next = 0;
	c->finished = c->done = c->counted = false;
	c->fail = FAIL_NONE;
}

static void bad(struct check *c, enum fail fail)
{
	if (!c->fail)
		c->fail = fail;
}

/* --- JSON, as far as a check needs it -------------------------------------- */

static size_t string_end(struct str s, size_t at)
{
	for (at++; at < s.n && s.p[at] != '"'; at++)
		if (s.p[at] == '\\')
			at++;
	return at;
}

/* Brackets around a place: a bit a level, 1 is '{'. */
struct nest {
	uint64_t kinds;
	int depth;
};

/* False: it closes what is not open, or is too deep. */
static bool bracket(struct nest *n, char c)
{
	if (c == '{' || c == '[') {
		n->kinds = n->kinds << 1 | (c == '{');
		return ++n->depth < 64;
	}
	if (!n->depth-- || (n->kinds & 1) != (c == '}'))
		return false;
	n->kinds >>= 1;
	return true;
}

static bool is_bracket(char c)
{
	return c == '{' || c == '}' || c == '[' || c == ']';
}

/* One object from end to end, strings closed, brackets in pairs. */
static bool whole_object(struct str s)
{
	struct nest n = { 0 };

	if (!s.n || *s.p != '{')
		return false;
	for (size_t at = 0; at < s.n; at++) {
		if (s.p[at] == '"')
			at = string_end(s, at);
		else if (is_bracket(s.p[at]) && !bracket(&n, s.p[at]))
			return false;
		if (!n.depth)
			return at + 1 == s.n;
	}
	return false;
}

/* What follows the first `mark`, or STR_NONE. */
static struct str after(struct str s, const char *mark)
{
	const char *at = memmem(s.p, s.n, mark, strlen(mark));

	if (!at)
		return STR_NONE;
	at += strlen(mark);
	return (struct str){ at, (size_t)(s.p + s.n - at) };
}

static int64_t number_after(struct str s, const char *mark)
{
	int64_t v;

	s = after(s, mark);
	for (size_t n = 0; n < s.n; n++)
		if (s.p[n] < '0' || s.p[n] > '9') {
			s.n = n;
			break;
		}
	return str_int(s, 0, INT64_MAX, &v) < 0 ? -1 : v;
}

/* The text of the member, up to its closing quote, or STR_NONE. */
static struct str text_after(struct str s, const char *mark)
{
	struct str t = after(s, mark);

	if (!t.p)
		return STR_NONE;
	for (size_t at = 0; at < t.n; at++) {
		if (t.p[at] == '"')
			return (struct str){ t.p, at };
		if (t.p[at] == '\\')
			at++;
	}
	return STR_NONE;
}

/* --- what is checked ------------------------------------------------------- */

static void check_usage(struct check *c, struct str s)
{
	int64_t prompt = number_after(s, "\"prompt_tokens\":");
	int64_t completion = number_after(s, "\"completion_tokens\":");
	int64_t asked = (int64_t)c->asked.n;

	c->counted = true;
	if (c->want->usage == USAGE_NONE)
		bad(c, FAIL_WRONG_USAGE);
	if (c->want->usage != USAGE_RIGHT)
		return;
	if (prompt != asked ||
	    completion != (c->want->events && c->want->stream ?
				   c->want->events :
				   asked + (int64_t)strlen("echo: ")))
		bad(c, FAIL_WRONG_USAGE);
}

static void check_echo(struct check *c, struct str text)
{
	static const char echo[] = "echo: ";

	if (!c->want->echo)
		return;
	if (!str_starts(text, echo) ||
	    !str_same((struct str){ text.p + 6, text.n - 6 }, c->asked))
		bad(c, FAIL_WRONG_TEXT);
}

/* "17@123456789 ": the number must be the next. */
static int64_t check_number(struct check *c, struct str text)
{
	int64_t k, sent_us;
	struct str piece;

	if (!str_next(&text, '@', &piece) ||
	    str_int(piece, 0, INT64_MAX, &k) < 0 ||
	    !str_next(&text, ' ', &piece) ||
	    str_int(piece, 0, INT64_MAX, &sent_us) < 0 || k != c->next) {
		bad(c, FAIL_GARBLED);
		return 0;
	}
	c->next++;
	return sent_us;
}

static void check_event(struct check *c, struct str s,
			void (*on_event)(void *arg, int64_t sent_us), void *arg)
{
	struct str text;
	int64_t sent_us = 0;

	if (str_eq(s, "[DONE]") && !c->done) {
		c->done = true;
	} else if (c->done || !whole_object(s)) {
		bad(c, FAIL_GARBLED);
	} else if (str_starts(s, "{\"error\"")) {
		bad(c, FAIL_ERROR_EVENT);
	} else {
		text = text_after(s, "\"content\":\"");
		if (!text.p)
			text = text_after(s, "\"text\":\"");
		if (after(s, "\"finish_reason\":\"").p)
			c->finished = true;
		if (after(s, "\"usage\":{").p)
			check_usage(c, s);
		if (!text.n)
			return;
		if (c->want->events)
			sent_us = check_number(c, text);
		else
			buf_add(&c->text, text.p, text.n);
		on_event(arg, sent_us);
	}
}

static void check_line(struct check *c, struct str line,
		       void (*on_event)(void *arg, int64_t sent_us), void *arg)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (str_starts(line, "data: "))
		check_event(c, (struct str){ line.p + 6, line.n - 6 }, on_event,
			    arg);
	else if (line.n && *line.p != ':')
		bad(c, FAIL_GARBLED);
}

void check_take(struct check *c, struct str body,
		void (*on_event)(void *arg, int64_t sent_us), void *arg)
{
	const char *end;

	if (!c->want->stream) {
		buf_add(&c->body, body.p, body.n);
		return;
	}
	while ((end = memchr(body.p, '\n', body.n))) {
		struct str line = { body.p, (size_t)(end - body.p) };

		body.p = end + 1;
		body.n -= line.n + 1;
		if (c->body.len) {
			buf_add(&c->body, line.p, line.n);
			line = buf_span(&c->body);
		}
		check_line(c, line, on_event, arg);
		buf_clear(&c->body);
	}
	buf_add(&c->body, body.p, body.n);
}

static void end_stream(struct check *c)
{
	if (c->body.len)
		bad(c, FAIL_GARBLED);
	if (!c->finished)
		bad(c, FAIL_NO_FINISH);
	if (!c->done)
		bad(c, FAIL_NO_DONE);
	if (c->want->events && c->next != c->want->events)
		bad(c, FAIL_MISSING);
	if (!c->want->events)
		check_echo(c, buf_span(&c->text));
	if (c->want->usage == USAGE_RIGHT && !c->counted)
		bad(c, FAIL_WRONG_USAGE);
}

static void end_whole(struct check *c)
{
	struct str s = buf_span(&c->body), text;

	while (s.n && s.p[s.n - 1] <= ' ')
		s.n--;
	if (!whole_object(s) || !buf_ok(&c->body)) {
		bad(c, FAIL_GARBLED);
		return;
	}
	text = text_after(s, "\"content\":\"");
	check_echo(c, text.p ? text : text_after(s, "\"text\":\""));
	if (after(s, "\"usage\":{").p)
		check_usage(c, s);
	else if (c->want->usage == USAGE_RIGHT)
		bad(c, FAIL_WRONG_USAGE);
}

enum fail check_end(struct check *c)
{
	if (c->want->stream)
		end_stream(c);
	else
		end_whole(c);
	return c->fail;
}

const char *check_word(enum fail fail)
{
	static const char *const words[] = {
#define X(name, word) word,
		FAIL_LIST(X)
#undef X
	};

	return words[fail];
}
