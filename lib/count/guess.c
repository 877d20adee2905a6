/* guess.c - see guess.h. */
#include "count/guess.h"

enum kind {
	KIND_NONE,
	KIND_LOW,   /* a to z */
	KIND_UP,    /* A to Z */
	KIND_DIGIT, /* 0 to 9 */
	KIND_SIGN,
	KIND_BLANK,
	KIND_LINE,  /* an end of line */
	KIND_REST,  /* a byte inside a character */
	KIND_WIDE2, /* the first byte of a character of two bytes ... */
	KIND_WIDE3,
	KIND_WIDE4,
	KIND__COUNT
};

static unsigned char kinds[256];

/* Thousandths of a token: what the first of a run costs, and what each that
 * follows.  A blank before a word is part of its token. */
static const struct {
	int first, next;
} costs[KIND__COUNT] = {
	[KIND_SIGN] = { 620, 400 },    [KIND_BLANK] = { 0, 60 },
	[KIND_LINE] = { 560, 150 },    [KIND_WIDE3] = { 800, 720 },
	[KIND_WIDE4] = { 1900, 1800 },
};

/* A word: letters and digits that follow each other. */
#define WORD_BYTES  7   /* most words up to here are a token */
#define WORD_MORE   190 /* for each byte behind that */
#define SHAPELESS   16  /* bytes and more, and often another kind of byte: */
#define SHAPELESS_T 640 /* for each of its bytes */
#define TURN        650 /* for a change of kind in other words */
#define WIDE        80  /* for a letter of two bytes */
#define DIGITS      3   /* are a token, and a blank before them another */

/* The later row counts. */
static const struct {
	unsigned char from, to, kind;
} ranges[] = {
	{ 0x00, ' ', KIND_BLANK },  { '\n', '\n', KIND_LINE },
	{ '!', 0x7F, KIND_SIGN },   { 'a', 'z', KIND_LOW },
	{ 'A', 'Z', KIND_UP },      { '0', '9', KIND_DIGIT },
	{ 0x80, 0xBF, KIND_REST },  { 0xC0, 0xDF, KIND_WIDE2 },
	{ 0xE0, 0xEF, KIND_WIDE3 }, { 0xF0, 0xFF, KIND_WIDE4 },
};

__attribute__((constructor)) static void make_kinds(void)
{
	for (size_t i = 0; i < COUNT(ranges); i++)
		for (int c = ranges[i].from; c <= ranges[i].to; c++)
			kinds[c] = ranges[i].kind;
}

static bool in_word(unsigned char kind)
{
	return kind == KIND_LOW || kind == KIND_UP || kind == KIND_DIGIT ||
	       kind == KIND_WIDE2;
}

/* What the run under way costs if it ends here. */
static int64_t run_cost(const struct guess *g)
{
	int64_t n = g->run, turns = g->turns, cost;

	if (!n)
		return 0;
	if (!in_word(g->first))
		return costs[g->first].first + (n - 1) * costs[g->first].next;
	if (g->first == KIND_DIGIT && !turns)
		return (n + DIGITS - 1) / DIGITS * 1000;
	if (n >= SHAPELESS && turns * 5 > n)
		return n * SHAPELESS_T;
	cost = 1000 + turns * TURN + (int64_t)g->wide * WIDE;
	if (n > WORD_BYTES * (turns + 1))
		cost += (n - WORD_BYTES * (turns + 1)) * WORD_MORE;
	return cost;
}

/* A capital before small letters is one word, as are letters of any size. */
static bool is_turn(unsigned char was, unsigned char is)
{
	if (was == is || was == KIND_WIDE2 || is == KIND_WIDE2)
		return false;
	return !(was == KIND_UP && is == KIND_LOW);
}

void guess_cut(struct guess *g)
{
	g->milli_tok += run_cost(g);
	g->run = g->turns = g->wide = 0;
	g->kind = KIND_NONE;
}

void guess_add(struct guess *g, const char *p, size_t n)
{
	unsigned char kind, was;

	for (size_t i = 0; i < n; i++) {
		kind = kinds[(unsigned char)p[i]];
		if (kind == KIND_REST)
			continue;
		was = g->kind;
		if (kind == was || (in_word(kind) && in_word(was))) {
			g->turns += is_turn(was, kind);
		} else {
			guess_cut(g);
			g->first = kind;
			if (was == KIND_BLANK && kind == KIND_DIGIT)
				g->milli_tok += 1000;
		}
		g->run++;
		g->wide += kind == KIND_WIDE2;
		g->kind = kind;
	}
}

int64_t guess_tok(const struct guess *g, int scale)
{
	int64_t milli = g->milli_tok + run_cost(g);

	return (int64_t)(((__int128)milli * scale + 999999) / 1000000);
}
