/* args.c - see args.h. */
#include "args.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/nusd.h"
#include "http/cidr.h"

#define WORD_MAX 64 /* letters compared by distance() */

struct reading {
	const struct arg *rows;
	void *to;
	const struct arg *all;
	void *all_to;
	struct arena *arena;
	int position; /* positional words taken so far */
};

static void *place(const struct arg *a, void *to)
{
	return (char *)to + a->at;
}

void args_default(const struct arg *rows, void *to)
{
	for (const struct arg *a = rows; a->name; a++)
		switch (a->kind) {
		case ARG_FLAG: *(bool *)place(a, to) = false; break;
		case ARG_TEXT:
		case ARG_WORD:
		case ARG_LIST:
		case ARG_CIDRS: *(const char **)place(a, to) = NULL; break;
		default: *(int64_t *)place(a, to) = a->def; break;
		}
}

/* Letters changed, left out, added, or two swapped. */
static int distance(const char *a, const char *b)
{
	int na = (int)strlen(a), nb = (int)strlen(b);
	int rows[3][WORD_MAX + 1]; /* this one and the two before */

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (int j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (int i = 1; i <= na; i++) {
		int *now = rows[i % 3];
		const int *before = rows[(i + 2) % 3];
		const int *swap = rows[(i + 1) % 3];

		now[0] = i;
		for (int j = 1; j <= nb; j++) {
			now[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = MIN(now[j], before[j] + 1);
			now[j] = MIN(now[j], now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], swap[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

static bool is_near(const char *word, const char *name)
{
	size_t n = strlen(word), dashes = strspn(word, "-");
	int far = n - dashes < 5 ? 1 : 2;

	if (n - dashes >= 2 && !strncmp(name, word, n))
		return true;
	return distance(word, name) <= far;
}

char *args_near(const char *word, const char *(*next)(const void *arg, int i),
		const void *arg, char at[static ARGS_NEAR])
{
	const char *name;
	size_t n = 0;

	at[0] = '\0';
	for (int i = 0; (name = next(arg, i)); i++) {
		int more;

		if (!is_near(word, name))
			continue;
		more = snprintf(at + n, ARGS_NEAR - n, "%s%s", n ? ", " : "",
				name);
		if (more < 0 || n + (size_t)more >= ARGS_NEAR) {
			at[n] = '\0';
			break;
		}
		n += (size_t)more;
	}
	return at;
}

/* The i-th option of both tables. */
static const char *option_name(const void *arg, int i)
{
	const struct reading *r = arg;
	const struct arg *tables[] = { r->rows, r->all };

	for (size_t t = 0; t < COUNT(tables); t++)
		for (const struct arg *a = tables[t]; a->name; a++)
			if (a->name[0] == '-' && !i--)
				return a->name;
	return NULL;
}

static int unknown(const struct reading *r, struct str name, struct err *e)
{
	char word[WORD_MAX], near[ARGS_NEAR];

	snprintf(word, sizeof(word), "%.*s", STR_FMT(name));
	args_near(word, option_name, r, near);
	if (*near)
		return err_set(e, ERR_USAGE,
			       "there is no option %s; did you mean %s?", word,
			       near);
	return err_set(e, ERR_USAGE, "there is no option %s; --help lists them",
		       word);
}

static int wrong(const struct arg *a, const char *want, struct str v,
		 struct err *e)
{
	return err_set(e, ERR_USAGE, "%s: want %s, got \"%.*s\"", a->name, want,
		       STR_FMT(v));
}

static bool is_printable(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static int put_text(const struct arg *a, char **to, struct str v,
		    struct arena *arena, struct err *e)
{
	if (!v.n || !is_printable(v))
		return wrong(a, "a text on one line", v, e);
	if (a->max && v.n > (size_t)a->max)
		return err_set(e, ERR_USAGE, "%s: at most %lld bytes", a->name,
			       (long long)a->max);
	if (a->kind == ARG_WORD && v.p[strcspn(v.p, ", ")])
		return wrong(a, "a word without spaces and commas", v, e);
	*to = arena_dup(arena, v);
	return 0;
}

/* A network is kept as it was written, and read again by who uses it. */
static int check_piece(const struct arg *a, struct str piece, struct err *e)
{
	struct cidr net;

	if (a->kind != ARG_CIDRS || !cidr_parse(piece, &net))
		return 0;
	return wrong(a, "networks like 192.0.2.0/24 or 2001:db8::/32", piece,
		     e);
}

static int put_list(const struct arg *a, char **to, struct str v,
		    struct arena *arena, struct err *e)
{
	struct str piece, rest = v;
	struct buf b;
	int n = 0, r = 0;

	buf_init(&b, 65536);
	if (*to)
		buf_str(&b, *to);
	while (!r && str_next(&rest, ',', &piece)) {
		piece = str_trim(piece);
		if (!piece.n || !is_printable(piece)) {
			r = wrong(a, "words between commas", v, e);
			break;
		}
		if (b.len)
			buf_char(&b, ',');
		buf_add(&b, piece.p, piece.n);
		r = check_piece(a, piece, e);
		n++;
	}
	if (!r && (!n || !buf_ok(&b)))
		r = wrong(a, "words between commas", v, e);
	if (!r)
		*to = arena_dup(arena, buf_span(&b));
	buf_release(&b);
	return r;
}

static int put_int(const struct arg *a, int64_t *to, struct str v,
		   struct err *e)
{
	int64_t max = a->max ? a->max : INT64_MAX;

	if (!str_int(v, a->min, max, to))
		return 0;
	if (a->max)
		return err_set(e, ERR_USAGE,
			       "%s: want %lld to %lld, got \"%.*s\"", a->name,
			       (long long)a->min, (long long)max, STR_FMT(v));
	return err_set(e, ERR_USAGE,
		       "%s: want a number of at least %lld, got \"%.*s\"",
		       a->name, (long long)a->min, STR_FMT(v));
}

static int put_money(const struct arg *a, int64_t *to, struct str v,
		     struct err *e)
{
	if (!nusd_parse(v, to) && *to >= a->min && (!a->max || *to <= a->max))
		return 0;
	return wrong(a, "dollars with up to nine decimals, like 5 or 0.15", v,
		     e);
}

static int put_duration(const struct arg *a, int64_t *to, struct str v,
			struct err *e)
{
	*to = clock_duration_ms(v.p);
	if (*to >= a->min && *to > 0)
		return 0;
	return wrong(a, "a time like 30s, 15m, 12h or 30d", v, e);
}

static int put(const struct arg *a, void *to, struct str v, struct arena *arena,
	       struct err *e)
{
	void *at = place(a, to);

	switch (a->kind) {
	case ARG_FLAG: *(bool *)at = true; return 0;
	case ARG_PICK: *(int64_t *)at = a->min; return 0;
	case ARG_TEXT:
	case ARG_WORD: return put_text(a, at, v, arena, e);
	case ARG_LIST:
	case ARG_CIDRS: return put_list(a, at, v, arena, e);
	case ARG_INT: return put_int(a, at, v, e);
	case ARG_MONEY: return put_money(a, at, v, e);
	case ARG_DURATION: return put_duration(a, at, v, e);
	case ARG__COUNT: break;
	}
	return err_set(e, ERR_INTERNAL, "%s: of no kind", a->name);
}

static const struct arg *find(const struct reading *r, struct str name,
			      void **to)
{
	for (const struct arg *a = r->rows; a->name; a++)
		if (a->name[0] == '-' && str_eq(name, a->name)) {
			*to = r->to;
			return a;
		}
	for (const struct arg *a = r->all; a->name; a++)
		if (str_eq(name, a->name)) {
			*to = r->all_to;
			return a;
		}
	return NULL;
}

/* One option: the number of words it took, or -1. */
static int read_option(struct reading *r, int n, char *const *argv,
		       struct err *e)
{
	struct str rest = str_of(argv[0]), name;
	bool joined = strchr(argv[0], '=') != NULL;
	const struct arg *a;
	void *to = NULL;
	bool bare;

	str_next(&rest, '=', &name);
	if (str_eq(name, "-h"))
		name = STR("--help");
	a = find(r, name, &to);
	if (!a)
		return unknown(r, name, e);
	bare = a->kind == ARG_FLAG || a->kind == ARG_PICK;
	if (bare && joined)
		return err_set(e, ERR_USAGE, "%s takes no value", a->name);
	if (bare)
		return put(a, to, STR_NONE, r->arena, e) < 0 ? -1 : 1;
	if (joined) /* what follows the first '=' ends with the word */
		return put(a, to, str_of(strchr(argv[0], '=') + 1), r->arena,
			   e) < 0 ?
			       -1 :
			       1;
	if (n < 2)
		return err_set(e, ERR_USAGE, "%s needs a value: %s", a->name,
			       a->value);
	return put(a, to, str_of(argv[1]), r->arena, e) < 0 ? -1 : 2;
}

static const struct arg *positional(const struct arg *rows, int i)
{
	for (const struct arg *a = rows; a->name; a++)
		if (a->name[0] != '-' && !i--)
			return a;
	return NULL;
}

static int read_word(struct reading *r, char *word, struct err *e)
{
	const struct arg *a = positional(r->rows, r->position++);

	if (!a)
		return err_set(e, ERR_USAGE,
			       "\"%s\" is one word too many; --help shows "
			       "what is wanted",
			       word);
	return put(a, r->to, str_of(word), r->arena, e);
}

static int check_required(const struct reading *r, struct err *e)
{
	const struct arg *a = positional(r->rows, r->position);

	if (a && a->required)
		return err_set(e, ERR_USAGE, "%s is missing: %s", a->name,
			       a->help);
	for (a = r->rows; a->name; a++)
		if (a->name[0] == '-' && a->required &&
		    !*(const char **)place(a, r->to))
			return err_set(e, ERR_USAGE, "%s %s is missing: %s",
				       a->name, a->value, a->help);
	return 0;
}

/* "-5.00" and "-" are words. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

int args_read(const struct arg_set *own, const struct arg_set *all, int n,
	      char *const *argv, struct arena *arena, struct err *e)
{
	struct reading r = { .rows = own->rows,
			     .to = own->to,
			     .all = all->rows,
			     .all_to = all->to,
			     .arena = arena };
	bool words_only = false;

	for (int i = 0; i < n;) {
		int took = 1;

		if (!words_only && !strcmp(argv[i], "--"))
			words_only = true;
		else if (words_only || !is_option(argv[i]))
			took = read_word(&r, argv[i], e) < 0 ? -1 : 1;
		else
			took = read_option(&r, n - i, argv + i, e);
		if (took < 0)
			return -1;
		i += took;
	}
	return check_required(&r, e);
}
