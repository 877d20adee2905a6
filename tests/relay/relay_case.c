/* relay_case.c - reads a case; see relay_case.h. */
#include "relay_case_in.h"

#include <errno.h>

int case_complain(struct reader *r, const char *what)
{
	return err_set(r->e, ERR_CONFIG, "line %d: %s: \"%.*s\"", r->number,
		       what, (int)MIN(r->line.n, 60), r->line.p);
}

static bool peek_section(const struct reader *r)
{
	return str_starts(r->rest, "== ");
}

bool case_next_line(struct reader *r)
{
	const char *end;

	if (!r->rest.n || peek_section(r))
		return false;
	end = memchr(r->rest.p, '\n', r->rest.n);
	r->line.p = r->rest.p;
	r->line.n = end ? (size_t)(end - r->rest.p) : r->rest.n;
	r->rest.n -= r->line.n + (end ? 1 : 0);
	r->rest.p += r->line.n + (end ? 1 : 0);
	r->number++;
	return true;
}

/* --- small readers --------------------------------------------------------- */

static int add_pair(struct reader *r, struct case_pairs *to, struct str s,
		    char between)
{
	struct case_pair p;

	if (!str_next(&s, between, &p.name) || !s.p)
		return case_complain(r, "want a name and a value");
	p.name = str_trim(p.name);
	p.value = str_trim(s);
	if (to->n == CASE_LINES)
		return case_complain(r, "too many of these");
	to->at[to->n++] = p;
	return 0;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | ' ') : NULL;

	return at ? (int)(at - digits) : -1;
}

bool case_next_hex(struct str s, size_t at, char *byte)
{
	int high = at + 1 < s.n ? hex_digit(s.p[at]) : -1;
	int low = at + 1 < s.n ? hex_digit(s.p[at + 1]) : -1;

	if (high < 0 || low < 0)
		return false;
	*byte = (char)(high << 4 | low);
	return true;
}

/* \n \r \t \\ \xHH; any other backslash stays. */
static struct str unescape(struct reader *r, struct str s)
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	char *out = arena_alloc(r->arena, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = NULL;

		if (s.p[i] == '\\' && i + 1 < s.n)
			at = strchr(from, s.p[i + 1]);
		if (at && *at) {
			out[n++] = to[at - from];
			i++;
		} else if (i + 3 < s.n && s.p[i] == '\\' && s.p[i + 1] == 'x' &&
			   case_next_hex(s, i + 2, &out[n])) {
			n++;
			i += 3;
		} else {
			out[n++] = s.p[i];
		}
	}
	return (struct str){ out, n };
}

static int add_text(struct reader *r, struct case_texts *to, struct str s)
{
	if (to->n == CASE_LINES)
		return case_complain(r, "too many of these");
	to->at[to->n++] = unescape(r, str_trim(s));
	return 0;
}

struct str case_copy(struct reader *r, const struct buf *b)
{
	struct str s = arena_str(r->arena, buf_span(b));

	return s.p ? s : STR("");
}

/* The lines to the end of the section, as a body. */
static struct str rest_of_section(struct reader *r)
{
	struct buf b;
	struct str s;

	buf_init(&b, SIZE_MAX / 2);
	while (case_next_line(r)) {
		bool joined = r->line.n && r->line.p[r->line.n - 1] == '\\';

		buf_add(&b, r->line.p, r->line.n - joined);
		if (!joined)
			buf_char(&b, '\n');
	}
	s = case_copy(r, &b);
	buf_release(&b);
	return s;
}

/* --- setup and rows -------------------------------------------------------- */

bool case_next_word(struct str *s, struct str *word)
{
	while (str_next(s, ' ', word))
		if (word->n)
			return true;
	return false;
}

static int read_words(struct reader *r, struct str rest, struct case_pairs *to)
{
	struct str word;

	while (case_next_word(&rest, &word))
		if (add_pair(r, to, word, '=') < 0)
			return -1;
	return 0;
}

static int read_setup(struct reader *r, int n)
{
	(void)n;
	while (case_next_line(r)) {
		struct str rest = r->line, peek;
		struct case_setup *s = &r->c->setup[r->c->n_setup];

		if (!r->line.n || *r->line.p == '#')
			continue;
		if (++r->c->n_setup > CASE_LINES - 1)
			return case_complain(r, "too many lines");
		if (!case_next_word(&rest, &s->verb))
			return case_complain(r, "want a verb");
		peek = rest;
		if (case_next_word(&peek, &s->name) &&
		    !memchr(s->name.p, '=', s->name.n))
			rest = peek;
		else
			s->name = STR("");
		if (read_words(r, rest, &s->pairs) < 0)
			return -1;
	}
	return 0;
}

static int read_rows(struct reader *r, int n)
{
	(void)n;
	r->c->rows_given = true;
	while (case_next_line(r)) {
		if (!r->line.n)
			continue;
		if (r->c->n_rows == CASE_LINES)
			return case_complain(r, "too many rows");
		if (read_words(r, r->line, &r->c->rows[r->c->n_rows++]) < 0)
			return -1;
	}
	return 0;
}

/* --- keyed lines: upstream and reply --------------------------------------- */

struct key {
	const char *name;
	int (*read)(struct reader *r, void *to, struct str value);
	size_t at; /* of the member in the section's struct */
};

static int key_str(struct reader *r, void *to, struct str value)
{
	(void)r;
	*(struct str *)to = value;
	return 0;
}

static int key_header(struct reader *r, void *to, struct str value)
{
	return add_pair(r, to, value, ':');
}

static int key_member(struct reader *r, void *to, struct str value)
{
	return add_pair(r, to, value, '=');
}

static int key_text(struct reader *r, void *to, struct str value)
{
	return add_text(r, to, value);
}

static int key_status(struct reader *r, void *to, struct str value)
{
	int64_t v;

	if (str_int(value, 100, 999, &v) < 0)
		return case_complain(r, "want a status");
	*(int *)to = (int)v;
	return 0;
}

static int key_ends(struct reader *r, void *to, struct str value)
{
	*(bool *)to = str_eq(value, "cut");
	if (!str_eq(value, "cut") && !str_eq(value, "whole"))
		return case_complain(r, "ends: want cut or whole");
	return 0;
}

static int key_body(struct reader *r, void *to, struct str value)
{
	if (value.n)
		return case_complain(r, "the body begins on the next line");
	*(struct str *)to = rest_of_section(r);
	return 0;
}

#define AT(member) offsetof(struct case_upstream, member)
static const struct key upstream_keys[] = {
	{ "channel", key_str, AT(channel) },
	{ "path", key_str, AT(path) },
	{ "has", key_header, AT(has) },
	{ "lacks", key_text, AT(lacks) },
	{ "member", key_member, AT(members) },
	{ "no-member", key_text, AT(no_members) },
	{ "body", key_body, AT(body) },
	{ NULL, NULL, 0 },
};
#undef AT

#define AT(member) offsetof(struct case_reply, member)
static const struct key reply_keys[] = {
	{ "status", key_status, AT(status) },
	{ "header", key_header, AT(headers) },
	{ "no-header", key_text, AT(no_headers) },
	{ "contains", key_text, AT(contains) },
	{ "lacks", key_text, AT(lacks) },
	{ "ends", key_ends, AT(cut) },
	{ "body", key_body, AT(body) },
	{ NULL, NULL, 0 },
};
#undef AT

static int read_key(struct reader *r, const struct key *keys, char *to)
{
	struct str value = r->line, name;

	if (!str_next(&value, ':', &name) || !value.p)
		return case_complain(r, "want `key: value`");
	for (; keys->name; keys++)
		if (str_eq(name, keys->name))
			return keys->read(r, to + keys->at, str_trim(value));
	return case_complain(r, "no such key here");
}

static int read_upstream(struct reader *r, int n)
{
	struct case_upstream *u = &r->c->upstream[n - 1];

	u->given = true;
	while (case_next_line(r))
		if (r->line.n && read_key(r, upstream_keys, (char *)u) < 0)
			return -1;
	return 0;
}

static int read_reply(struct reader *r, int n)
{
	(void)n;
	while (case_next_line(r))
		if (r->line.n &&
		    read_key(r, reply_keys, (char *)&r->c->reply) < 0)
			return -1;
	return 0;
}

/* --- the client ------------------------------------------------------------ */

bool case_directive(struct str line, struct str *word, struct str *rest)
{
	if (line.n < 3 || line.p[0] != '[' || line.p[line.n - 1] != ']' ||
	    line.p[1] < 'a' || line.p[1] > 'z')
		return false;
	*rest = (struct str){ line.p + 1, line.n - 2 };
	return str_next(rest, ' ', word);
}

static int client_directive(struct reader *r, struct str word, struct str rest)
{
	struct case_client *c = &r->c->client;
	const struct {
		const char *name;
		int64_t *to;
	} words[] = {
		{ "leave-after-ms", &c->leave_after_ms },
		{ "leave-after-events", &c->leave_after_events },
		{ "read-rate", &c->read_rate },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq(word, words[i].name))
			return str_int(rest, 1, INT32_MAX, words[i].to) < 0 ?
				       case_complain(r, "want a number") :
				       0;
	return case_complain(r, "no such directive here");
}

int case_read_headers(struct reader *r, struct case_pairs *to)
{
	while (case_next_line(r) && r->line.n)
		if (add_pair(r, to, r->line, ':') < 0)
			return -1;
	return 0;
}

static int read_client(struct reader *r, int n)
{
	struct case_client *c = &r->c->client;
	struct str word, rest;
	bool more;

	(void)n;
	while ((more = case_next_line(r)) &&
	       case_directive(r->line, &word, &rest))
		if (client_directive(r, word, rest) < 0)
			return -1;
	rest = r->line;
	if (!more || !str_next(&rest, ' ', &c->method) || !rest.n)
		return case_complain(r, "want METHOD and path");
	c->path = rest;
	if (case_read_headers(r, &c->headers) < 0)
		return -1;
	c->body = rest_of_section(r);
	return 0;
}

/* --- the file -------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*read)(struct reader *r, int n);
	bool numbered;
} sections[] = {
	{ "setup", read_setup, false },
	{ "client", read_client, false },
	{ "upstream", read_upstream, true },
	{ "answer", case_read_answer, true },
	{ "reply", read_reply, false },
	{ "rows", read_rows, false },
};

/* "== name", "== name 2": the number, 0 without one; -1: it is wrong. */
static int read_section(struct reader *r, struct str s)
{
	struct str name;
	int64_t n = 0;

	if (!str_next(&s, ' ', &name))
		return case_complain(r, "want the name of a section");
	if (s.p && str_int(s, 1, CASE_ATTEMPTS, &n) < 0)
		return case_complain(r, "want the number of an attempt");
	for (size_t i = 0; i < COUNT(sections); i++) {
		if (!str_eq(name, sections[i].name))
			continue;
		if (sections[i].numbered != (n > 0))
			return case_complain(r, n ? "has no number" :
						    "wants a number");
		r->c->n_attempts = MAX(r->c->n_attempts, (int)n);
		return sections[i].read(r, (int)n);
	}
	return case_complain(r, "no such section");
}

static int check_whole(struct reader *r)
{
	const struct relay_case *c = r->c;

	if (!c->client.method.p)
		return err_set(r->e, ERR_CONFIG, "there is no == client");
	if (!c->reply.status && !c->client.leave_after_ms &&
	    !c->client.leave_after_events)
		return err_set(r->e, ERR_CONFIG, "there is no status in reply");
	for (int i = 0; i < c->n_attempts; i++)
		if (!c->answer[i].given)
			return err_set(r->e, ERR_CONFIG,
				       "there is no == answer %d", i + 1);
	return 0;
}

struct relay_case *relay_case_parse(struct str text, struct arena *a,
				    struct err *e)
{
	struct reader r = { .arena = a, .rest = text, .e = e };
	const char *end;

	r.c = ARENA_NEW(a, struct relay_case);
	while (case_next_line(&r))
		;
	r.c->title = (struct str){ text.p, (size_t)(r.rest.p - text.p) };
	while (r.rest.n) {
		end = memchr(r.rest.p, '\n', r.rest.n);
		r.line.p = r.rest.p + 3;
		r.line.n =
			(size_t)((end ? end : r.rest.p + r.rest.n) - r.line.p);
		r.rest.n -= r.line.n + 3 + (end ? 1 : 0);
		r.rest.p += r.line.n + 3 + (end ? 1 : 0);
		r.number++;
		if (read_section(&r, r.line) < 0)
			return NULL;
	}
	return check_whole(&r) < 0 ? NULL : r.c;
}

struct relay_case *relay_case_load(const char *path, struct arena *a,
				   struct err *e)
{
	FILE *f = fopen(path, "re");
	struct buf b;
	struct str text;
	char at[4096];
	size_t n;

	if (!f) {
		err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
		return NULL;
	}
	buf_init(&b, 64 << 20);
	while ((n = fread(at, 1, sizeof(at), f)))
		buf_add(&b, at, n);
	fclose(f);
	text = arena_str(a, buf_span(&b));
	buf_release(&b);
	return relay_case_parse(text, a, e);
}

struct str case_value(const struct case_pairs *pairs, const char *name)
{
	for (int i = 0; i < pairs->n; i++)
		if (str_ieq(pairs->at[i].name, name))
			return pairs->at[i].value;
	return STR_NONE;
}
