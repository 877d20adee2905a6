/* usage_read.c - see usage_read.h. */
#include "dialect/usage_read.h"

#include <stdatomic.h>

#include "json/scan.h"
#include "json/text.h"

struct reading { /* one object, under way */
	int64_t v[WORD__COUNT];
	int row[WORD__COUNT]; /* that said it; the upper one counts */
	enum service_tier tier;
	bool bad;
	int64_t item_tok; /* an element of a list by modality */
	int item_kind;
	int first; /* row of the dialect */
};

typedef void how_fn(struct reading *r, const struct scan_hit *hit, int row,
		    enum usage_word what);

/* --- how a value is read ---------------------------------------------------
 */

static void say(struct reading *r, int row, enum usage_word what, int64_t v)
{
	if (r->v[what] >= 0 && r->row[what] < row)
		return;
	r->v[what] = v;
	r->row[what] = row;
}

/* A whole number from 0 to USAGE_MAX; else the object is bad, but for null,
 * which was not said. */
static bool whole(struct reading *r, const struct scan_hit *hit, int64_t *v)
{
	struct str s = scan_hit_text(hit);

	if (hit->kind == SCAN_NULL || hit->open)
		return false;
	*v = hit->kind == SCAN_NUMBER && json_is_integer(s) ? json_whole(s) :
							      -1;
	if (*v >= 0 && *v <= USAGE_MAX)
		return true;
	r->bad = true;
	return false;
}

static void how_COUNT(struct reading *r, const struct scan_hit *hit, int row,
		      enum usage_word what)
{
	int64_t v;

	if (whole(r, hit, &v))
		say(r, row, what, v);
}

static void how_ADD(struct reading *r, const struct scan_hit *hit, int row,
		    enum usage_word what)
{
	int64_t v;

	if (whole(r, hit, &v))
		say(r, row, what, MAX(r->v[what], 0) + v);
}

static void how_DIGITS(struct reading *r, const struct scan_hit *hit, int row,
		       enum usage_word what)
{
	int64_t v;

	if (hit->kind != SCAN_STRING)
		how_COUNT(r, hit, row, what);
	else if (!str_int(json_inside(scan_hit_text(hit)), 0, USAGE_MAX, &v))
		say(r, row, what, v);
	else
		r->bad = true;
}

/* 2.1 to milliseconds, rounded up. */
static bool thousandths(struct str s, int64_t *v)
{
	struct str front = s, back = STR_NONE;
	const char *point = memchr(s.p, '.', s.n);
	int64_t rest = 0;

	if (point) {
		front.n = (size_t)(point - s.p);
		back = (struct str){ point + 1, s.n - front.n - 1 };
	}
	if (str_int(front, 0, USAGE_MAX / 1000 - 1, v) < 0)
		return false;
	*v *= 1000;
	for (size_t i = 0, unit = 100; i < back.n; i++, unit /= 10) {
		if (back.p[i] < '0' || back.p[i] > '9')
			return false;
		if (!unit && back.p[i] != '0')
			rest = 1;
		*v += (back.p[i] - '0') * (int64_t)unit;
	}
	*v += rest;
	return true;
}

static void how_SECONDS(struct reading *r, const struct scan_hit *hit, int row,
			enum usage_word what)
{
	int64_t v;

	if (hit->kind == SCAN_NULL || hit->open)
		return;
	if (hit->kind == SCAN_NUMBER && thousandths(scan_hit_text(hit), &v))
		say(r, row, what, v);
	else
		r->bad = true;
}

static void how_TIER(struct reading *r, const struct scan_hit *hit, int row,
		     enum usage_word what)
{
	(void)row, (void)what;
	if (hit->kind == SCAN_STRING)
		r->tier = service_tier_named(json_inside(scan_hit_text(hit)));
}

/* Video is priced as pictures are, documents as text is. */
static const struct modality {
	struct str name;
	enum usage_word in, out, read;
} modalities[] = {
	/* clang-format off */
	{ STR("AUDIO"), WORD_AUDIO_IN, WORD_AUDIO_OUT, WORD_CACHED_AUDIO },
	{ STR("IMAGE"), WORD_IMAGE_IN, WORD_IMAGE_OUT, WORD_CACHED_IMAGE },
	{ STR("VIDEO"), WORD_IMAGE_IN, WORD_IMAGE_OUT, WORD_CACHED_IMAGE },
	/* clang-format on */
};

static void how_MODALITY(struct reading *r, const struct scan_hit *hit, int row,
			 enum usage_word what)
{
	(void)row, (void)what;
	if (hit->kind != SCAN_STRING)
		return;
	for (size_t i = 0; i < COUNT(modalities); i++)
		if (json_text_is(scan_hit_text(hit), modalities[i].name))
			r->item_kind = (int)i;
}

static void how_TOKENS(struct reading *r, const struct scan_hit *hit, int row,
		       enum usage_word what)
{
	int64_t v;

	(void)row, (void)what;
	if (whole(r, hit, &v))
		r->item_tok = v;
}

static void how_ITEM(struct reading *r, const struct scan_hit *hit, int row,
		     enum usage_word what)
{
	const struct modality *m;
	enum usage_word to;

	if (hit->open || r->item_kind < 0) {
		r->item_kind = -1;
		r->item_tok = 0;
		return;
	}
	m = &modalities[r->item_kind];
	to = what == WORD_IN ? m->in : what == WORD_OUT ? m->out : m->read;
	r->item_kind = -1;
	r->v[to] = MAX(r->v[to], 0) + r->item_tok;
	r->row[to] = row;
}

/* --- the table -------------------------------------------------------------
 */

static const struct row {
	enum usage_dialect dialect;
	const char *path;
	how_fn *how;
	enum usage_word what;
} rows[] = {
#define R(dialect, path, how, what) \
	{ USAGE_##dialect, path, how_##how, WORD_##what },
#include "dialect/usage_words.def"
#undef R
};

enum place { INSIDE, BESIDE, EITHER };

static const struct words {
	enum usage_dialect rows;
	enum place cache, reasoning;
	bool zeros;
} dialects[USAGE_DIALECT__COUNT] = {
#define D(id, rows, cache, reasoning, zeros) \
	[USAGE_##id] = { USAGE_##rows, cache, reasoning, zeros },
#include "dialect/usage_words.def"
#undef D
};

static int first_row(enum usage_dialect d)
{
	int i = 0;

	while (rows[i].dialect != d)
		i++;
	return i;
}

/* Compiled once; whoever loses a race throws his away. */
static const struct scan_paths *paths(enum usage_dialect d, int first)
{
	static const struct scan_paths *_Atomic compiled[USAGE_DIALECT__COUNT];
	const struct scan_paths *p = atomic_load(&compiled[d]), *none = NULL;
	const char *names[COUNT(rows)];
	int n = 0;

	if (p)
		return p;
	for (size_t i = (size_t)first; i < COUNT(rows); i++)
		if (rows[i].dialect == d)
			names[n++] = rows[i].path;
	p = scan_paths_new(names, n);
	if (atomic_compare_exchange_strong(&compiled[d], &none, p))
		return p;
	free((void *)(uintptr_t)p);
	return none;
}

static int on_hit(void *arg, const struct scan_hit *hit, struct err *e)
{
	struct reading *r = arg;
	int i = r->first + hit->path;

	(void)e;
	rows[i].how(r, hit, i, rows[i].what);
	return 0;
}

void usage_heard_init(struct usage_heard *h)
{
	for (int i = 0; i < WORD__COUNT; i++)
		h->v[i] = -1;
	h->tier = TIER_DEFAULT;
}

bool usage_read(enum usage_dialect d, struct str object, struct usage_heard *h)
{
	enum usage_dialect of = dialects[d].rows;
	struct reading r = { .item_kind = -1, .first = first_row(of) };
	struct scan s;
	struct err e = { 0 };
	int rc;

	for (int i = 0; i < WORD__COUNT; i++)
		r.v[i] = -1;
	scan_init(&s, paths(of, r.first), &scan_answer_limits, on_hit, &r);
	rc = scan_text(&s, object, &e);
	scan_release(&s);
	if (rc < 0 || r.bad)
		return false;
	for (int i = 0; i < WORD__COUNT; i++)
		if (r.v[i] >= 0)
			h->v[i] = r.v[i];
	if (r.tier != TIER_DEFAULT)
		h->tier = r.tier;
	return true;
}

enum service_tier service_tier_named(struct str word)
{
	static const struct {
		const char *word;
		enum service_tier tier;
	} names[] = {
		{ "batch", TIER_BATCH },
		{ "flex", TIER_FLEX },
		{ "priority", TIER_PRIORITY },
		{ "ON_DEMAND_FLEX", TIER_FLEX }, /* Vertex */
		{ "ON_DEMAND_PRIORITY", TIER_PRIORITY },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq(word, names[i].word))
			return names[i].tier;
	return TIER_DEFAULT;
}

/* --- words to lines --------------------------------------------------------
 */

/* No part is more than what is left of the whole. */
static void fit(int64_t *part, int64_t *left, struct usage *u)
{
	if (*part <= 0)
		return;
	if (*part > MAX(*left, 0)) {
		*part = MAX(*left, 0);
		u->flag = FLAG_CLAMPED;
	}
	*left -= *part;
}

/* The whole of what was written is cut into an hour's and the rest; where only
 * the parts were said they are the whole. */
static void map_writes(const struct usage_heard *h, struct usage *u)
{
	int64_t all = h->v[WORD_WRITE], left = all;

	u->cache_write_tok = h->v[WORD_WRITE_5M];
	u->cache_write_1h_tok = h->v[WORD_WRITE_1H];
	if (all < 0)
		return;
	fit(&u->cache_write_1h_tok, &left, u);
	if (u->cache_write_tok > left)
		u->flag = FLAG_CLAMPED;
	u->cache_write_tok = left;
}

static void map_cache(const struct usage_heard *h, enum place place,
		      struct usage *u)
{
	u->cache_read_tok = h->v[WORD_READ];
	map_writes(h, u);
	if (place == EITHER && u->cache_read_tok > u->in_tok)
		place = BESIDE;
	if (place != BESIDE && !usage_split_prompt(u))
		u->flag = FLAG_CLAMPED;
}

static void map_output(const struct usage_heard *h, enum place place,
		       struct usage *u)
{
	int64_t left;

	u->reasoning_tok = h->v[WORD_REASONING];
	if (u->reasoning_tok < 0 && h->v[WORD_REASONING_TOP] >= 0) {
		u->reasoning_tok = h->v[WORD_REASONING_TOP];
		if (u->reasoning_tok > u->out_tok)
			place = BESIDE;
	}
	if (place == BESIDE && u->reasoning_tok > 0)
		u->out_tok = MAX(u->out_tok, 0) + u->reasoning_tok;
	left = u->out_tok;
	u->audio_out_tok = h->v[WORD_AUDIO_OUT];
	u->image_out_tok = h->v[WORD_IMAGE_OUT];
	fit(&u->audio_out_tok, &left, u);
	fit(&u->image_out_tok, &left, u);
	fit(&u->reasoning_tok, &left, u);
}

/* Of the whole prompt, cached or not, to its two parts. */
static int64_t uncached(int64_t all, int64_t cached)
{
	return all < 0 ? -1 : MAX(all - MAX(cached, 0), 0);
}

static void map_modalities(const struct usage_heard *h, struct usage *u)
{
	int64_t prompt = usage_prompt_tok(u), read = u->cache_read_tok, left;
	int64_t audio = h->v[WORD_AUDIO_IN], image = h->v[WORD_IMAGE_IN];

	fit(&audio, &prompt, u);
	fit(&image, &prompt, u);
	u->cached_audio_tok = h->v[WORD_CACHED_AUDIO];
	u->cached_image_tok = h->v[WORD_CACHED_IMAGE];
	fit(&u->cached_audio_tok, &read, u);
	fit(&u->cached_image_tok, &read, u);
	/* Where it is not said what of it was cached, as much as can be was
	 * read at the full price. */
	left = MAX(u->in_tok, 0);
	u->audio_in_tok = uncached(audio, u->cached_audio_tok);
	u->image_in_tok = uncached(image, u->cached_image_tok);
	u->audio_in_tok = MIN(u->audio_in_tok, left);
	left -= MAX(u->audio_in_tok, 0);
	u->image_in_tok = MIN(u->image_in_tok, left);
}

static bool complete(const struct usage *u, const struct words *w,
		     enum usage_needs needs)
{
	switch (needs) {
	case USAGE_NEEDS_BOTH:
		return (u->in_tok >= 0 && u->out_tok >= 0) ||
		       (w->zeros && (u->in_tok >= 0 || u->out_tok >= 0));
	case USAGE_NEEDS_INPUT: return u->in_tok >= 0 || w->zeros;
	case USAGE_NEEDS_ANY: break;
	}
	return true;
}

enum usage_result usage_map(const struct usage_heard *h, enum usage_dialect d,
			    enum usage_needs needs, struct usage *u)
{
	const struct words *w = &dialects[d];
	bool any = false;

	usage_init(u);
	u->tier = h->tier;
	for (int i = 0; i < WORD__COUNT; i++)
		any = any || h->v[i] >= 0;
	if (!any)
		return USAGE_SAID_NOTHING;
	u->in_tok = h->v[WORD_IN];
	u->out_tok = h->v[WORD_OUT];
	if (needs != USAGE_NEEDS_BOTH && u->in_tok < 0 && u->out_tok < 0)
		u->in_tok = h->v[WORD_TOTAL];
	u->flag = FLAG_MISSING;
	if (!complete(u, w, needs))
		return USAGE_UNUSABLE;
	u->flag = FLAG_NONE;
	u->tool_prompt_tok = h->v[WORD_TOOL_PROMPT];
	if (u->tool_prompt_tok > 0)
		u->in_tok = MAX(u->in_tok, 0) + u->tool_prompt_tok;
	map_cache(h, w->cache, u);
	map_output(h, w->reasoning, u);
	map_modalities(h, u);
	u->tool_prompt_tok = MIN(u->tool_prompt_tok, MAX(u->in_tok, 0));
	u->searches = h->v[WORD_SEARCHES];
	u->fetches = h->v[WORD_FETCHES];
	u->images = h->v[WORD_IMAGES];
	u->characters = h->v[WORD_CHARACTERS];
	u->audio_ms = h->v[WORD_AUDIO_MS];
	if (!usage_sane(u)) {
		u->flag = FLAG_ABSURD;
		return USAGE_UNUSABLE;
	}
	u->source = USAGE_UPSTREAM;
	return USAGE_GOOD;
}

enum usage_result usage_hear(enum usage_dialect d, enum usage_needs needs,
			     struct str object, struct usage_heard *h,
			     struct usage *u)
{
	if (usage_read(d, object, h))
		return usage_map(h, d, needs, u);
	usage_init(u);
	u->flag = FLAG_ABSURD;
	return USAGE_UNUSABLE;
}

/* --- as it was said --------------------------------------------------------
 */

void usage_raw(struct str object, struct buf *out)
{
	bool in_string = false;

	buf_clear(out);
	for (size_t i = 0; i < object.n; i++) {
		char c = object.p[i];

		if (in_string && c == '\\' && i + 1 < object.n) {
			buf_char(out, c);
			c = object.p[++i];
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && strchr(" \t\r\n", c)) {
			continue;
		}
		buf_char(out, c);
		if (out->len > USAGE_RAW_MAX) {
			buf_clear(out);
			return;
		}
	}
}
