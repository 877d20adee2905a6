/* count.c - see count.h: the encodings, and which model reads which. */
#include "count/count.h"

#include "count/count_in.h"

#include <ctype.h>

static const struct {
	const char *name, *expression;
} known[COUNT_BY__COUNT] = {
	[COUNT_GUESS] = { "estimate", NULL },
#define N(name, file, expression) [COUNT_##name] = { file, expression },
#include "count/encodings.def"
#undef N
};

static const struct count_model models[] = {
#define M(name, by, guess, image, a, b) \
	{ name, COUNT_##by, guess, IMAGE_##image, a, b },
#include "count/models.def"
#undef M
};

static int open_one(struct count *c, const char *dir, int by, struct err *e)
{
	struct count_encoding *of = &c->of[by];
	struct buf path;
	int r;

	buf_init(&path, 4096);
	buf_printf(&path, "%s/%s.ranks", dir, known[by].name);
	r = vocab_open(&of->vocab, path.p, e);
	buf_release(&path);
	if (r <= 0)
		return r;
	of->re = re_new(known[by].expression, e);
	return of->re ? 1 : -1;
}

struct count *count_open(const char *dir, int *damaged, struct err *e)
{
	struct count *c = mem_alloc(sizeof(*c));

	*damaged = 0;
	for (int i = COUNT_GUESS + 1; i < COUNT_BY__COUNT && !*damaged; i++)
		if (open_one(c, dir, i, e) < 0)
			*damaged = -1;
	return c;
}

void count_close(struct count *c)
{
	for (int i = 0; c && i < COUNT_BY__COUNT; i++) {
		vocab_close(&c->of[i].vocab);
		re_free(c->of[i].re);
	}
	free(c);
}

bool count_has(const struct count *c, enum count_by by)
{
	return c && c->of[by].re;
}

const char *count_by_name(enum count_by by)
{
	return known[by].name;
}

const char *count_source(const struct count *c, enum count_by by)
{
	return count_has(c, by) ? c->of[by].vocab.head->source : "";
}

const char *count_text(const struct count *c, char at[static COUNT_TEXT])
{
	size_t n = 0;

	for (int i = COUNT_GUESS + 1; i < COUNT_BY__COUNT; i++)
		if (count_has(c, (enum count_by)i))
			n += (size_t)snprintf(at + n, COUNT_TEXT - n, "%s%s",
					      n ? ", " : "", known[i].name);
	if (!n)
		snprintf(at, COUNT_TEXT, "estimates only");
	return at;
}

/* --- models ----------------------------------------------------------------- */

static bool is_model(struct str name, const char *pattern)
{
	size_t n = strlen(pattern);
	bool whole = n && pattern[n - 1] == '$';

	n -= whole;
	if (name.n < n || memcmp(name.p, pattern, n) != 0)
		return false;
	/* A dated form goes on with a year. */
	return !whole || name.n == n ||
	       (name.n > n + 2 && name.p[n] == '-' && name.p[n + 1] == '2' &&
		isdigit((unsigned char)name.p[n + 2]));
}

const struct count_model *count_model(struct str name)
{
	size_t i = 0;

	for (size_t at = name.n; at; at--)
		if (name.p[at - 1] == '/') {
			name = (struct str){ name.p + at, name.n - at };
			break;
		}
	if (str_starts(name, "ft:"))
		name = (struct str){ name.p + 3, name.n - 3 };
	while (!is_model(name, models[i].name))
		i++;
	return &models[i];
}
