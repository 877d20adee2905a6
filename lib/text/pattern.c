/* pattern.c - see pattern.h. */
#include "text/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_MAX 5000 /* of one match; about 100 us */
#define DEEP_MAX  500
#define HEAP_KB   64

struct pattern {
	enum pattern_kind kind;
	char *text;
	size_t n;
	pcre2_code *code;
	pcre2_match_context *bounds;
};

static const char re_prefix[] = "re:";

enum pattern_kind pattern_kind(struct str text)
{
	if (str_starts(text, re_prefix))
		return PATTERN_RE;
	return text.n && memchr(text.p, '*', text.n) ? PATTERN_WILDCARD :
						       PATTERN_EXACT;
}

/* --- wildcards ------------------------------------------------------------------ */

/* Linear but for the last star, which moves on: no worse than n x m. */
static bool covers(struct str w, struct str s)
{
	size_t i = 0, j = 0, star = SIZE_MAX, from = 0;

	while (j < s.n) {
		if (i < w.n && w.p[i] == '*') {
			star = i++;
			from = j;
		} else if (i < w.n && w.p[i] == s.p[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++from;
		} else {
			return false;
		}
	}
	while (i < w.n && w.p[i] == '*')
		i++;
	return i == w.n;
}

struct str pattern_star(struct str text, struct str name)
{
	const char *star = text.n ? memchr(text.p, '*', text.n) : NULL;
	struct str before, rest;

	if (!star || pattern_kind(text) != PATTERN_WILDCARD)
		return STR_NONE;
	before = (struct str){ text.p, (size_t)(star - text.p) };
	rest = (struct str){ star + 1, text.n - before.n - 1 };
	if (name.n < before.n || memcmp(name.p, before.p, before.n) != 0)
		return STR_NONE;
	/* As little as lets the rest have what is left. */
	for (size_t n = 0; before.n + n <= name.n; n++) {
		struct str left = { name.p + before.n + n,
				    name.n - before.n - n };

		if (covers(rest, left))
			return (struct str){ name.p + before.n, n };
	}
	return STR_NONE;
}

/* --- expressions ------------------------------------------------------------------ */

static int compile(struct pattern *p, struct err *e)
{
	const char *text = p->text + sizeof(re_prefix) - 1;
	PCRE2_UCHAR words[120];
	PCRE2_SIZE where;
	int wrong;

	p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
				PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF,
				&wrong, &where, NULL);
	if (!p->code) {
		pcre2_get_error_message(wrong, words, sizeof(words));
		return err_set(e, ERR_VALUE,
			       "\"%.64s\" is no regular expression: %s, after "
			       "%zu characters",
			       text, (char *)words, where);
	}
	p->bounds = pcre2_match_context_create(NULL);
	if (!p->bounds)
		abort();
	pcre2_set_match_limit(p->bounds, STEPS_MAX);
	pcre2_set_depth_limit(p->bounds, DEEP_MAX);
	pcre2_set_heap_limit(p->bounds, HEAP_KB);
	return 0;
}

static bool finds(const struct pattern *p, struct str name)
{
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	int r;

	if (!m)
		abort();
	r = pcre2_match(p->code, (PCRE2_SPTR)name.p, name.n, 0, 0, m,
			p->bounds);
	pcre2_match_data_free(m);
	return r >= 0; /* a limit that was met is below zero too */
}

/* --- both ------------------------------------------------------------------------- */

struct pattern *pattern_new(struct str text, struct err *e)
{
	struct pattern *p;

	if (!text.n || text.n > PATTERN_MAX || memchr(text.p, '\0', text.n)) {
		err_set(e, ERR_VALUE, "a model or pattern has 1 to %d bytes",
			PATTERN_MAX);
		return NULL;
	}
	p = mem_alloc(sizeof(*p));
	p->kind = pattern_kind(text);
	p->n = text.n;
	p->text = mem_alloc(text.n + 1);
	memcpy(p->text, text.p, text.n);
	if (p->kind == PATTERN_RE && compile(p, e) < 0) {
		pattern_free(p);
		return NULL;
	}
	return p;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_context_free(p->bounds);
	pcre2_code_free(p->code);
	free(p->text);
	free(p);
}

bool pattern_has(const struct pattern *p, struct str name)
{
	struct str text = { p->text, p->n };

	if (p->kind == PATTERN_RE)
		return finds(p, name);
	return p->kind == PATTERN_EXACT ? str_same(text, name) :
					  covers(text, name);
}

static size_t literal(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] != '*';
	return n;
}

bool pattern_before(struct str a, struct str b)
{
	enum pattern_kind x = pattern_kind(a), y = pattern_kind(b);

	if (x != y)
		return x < y;
	return literal(a) > literal(b);
}
