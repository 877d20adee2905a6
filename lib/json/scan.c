/* scan.c - see scan.h.
 *
 * A state says what may come next; steps[] has its function, which reads on
 * as far as it can and returns where it stopped, or NULL when the text is
 * refused.  Strings have a fast path over eight bytes at a time.
 */
#include "json/scan.h"

#include "json/scan_in.h"
#include "json/text.h"

#define NUMBER_MAX 1000 /* characters */

static const struct {
	enum err_code code;
	const char *words;
} rules[SCAN_RULE__COUNT] = {
#define R(name, code, words, sample) [SCAN_##name] = { ERR_##code, words },
#include "json/scan_rules.def"
#undef R
};

_Static_assert(SCAN_RULE__COUNT <= 64, "skip has a bit for each");

const struct scan_limits scan_answer_limits = { .depth = 64,
						.duplicates_ok = true };

static const char *const kind_names[SCAN__COUNT] = {
	[SCAN_NULL] = "null",        [SCAN_FALSE] = "a boolean",
	[SCAN_TRUE] = "a boolean",   [SCAN_NUMBER] = "a number",
	[SCAN_STRING] = "a string",  [SCAN_ARRAY] = "an array",
	[SCAN_OBJECT] = "an object",
};

const char *scan_kind_name(enum scan_kind kind)
{
	return kind_names[kind];
}

/* --- telling -------------------------------------------------------------- */

bool scan_refuse(struct run *r, enum scan_rule rule, text_at p)
{
	struct scan *s = r->s;

	if (s->skip >> rule & 1)
		return false;
	s->rule = rule;
	s->rule_at = scan_offset(r, p);
	return true;
}

static int tell(struct run *r, struct scan_hit *hit)
{
	struct scan *s = r->s;

	hit->path = s->paths->nodes[s->node].path;
	hit->base = r->base;
	hit->depth = s->depth + 1;
	for (int i = 0; i < s->depth && hit->n_index < SCAN_INDEXES; i++)
		if (s->frames[i].array)
			hit->index[hit->n_index++] =
				(int)(s->frames[i].count - 1);
	if (s->on_hit(s->arg, hit, r->e) < 0) {
		s->over = true;
		return -1;
	}
	return 0;
}

static inline bool is_wanted(const struct scan *s)
{
	return s->node >= 0 && s->paths->nodes[s->node].path >= 0;
}

static text_at go_on(struct scan *s, text_at p)
{
	s->state = s->depth ? ST_AFTER : ST_END;
	return p;
}

text_at scan_scalar(struct run *r, enum scan_kind kind, text_at p)
{
	struct scan *s = r->s;
	struct scan_hit hit;

	if (is_wanted(s)) {
		hit = (struct scan_hit){ .kind = kind,
					 .from = s->text_from,
					 .to = scan_offset(r, p) };
		hit.member = s->depth && !s->frames[s->depth - 1].array;
		hit.member_from = hit.member ? s->name_from : hit.from;
		if (tell(r, &hit) < 0)
			return NULL;
	}
	return go_on(s, p);
}

/* --- what stands in the wrong place --------------------------------------- */

/* The rule that a byte breaks where nothing of its kind may be. */
static int stray_rule(const struct run *r, int rule, text_at p)
{
	size_t at = scan_offset(r, p);

	if (at < 3 && *p == (unsigned char)"\xEF\xBB\xBF"[at])
		return SCAN_BOM;
	if (*p == '\0')
		return SCAN_NUL;
	if (*p == '\'')
		return SCAN_QUOTE;
	if (*p == '/' || *p == '#')
		return SCAN_COMMENT;
	if (rule != SCAN_VALUE)
		return rule;
	if (*p == '+')
		return SCAN_PLUS;
	return (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z' ? SCAN_WORD : rule;
}

static text_at stray(struct run *r, enum scan_rule rule, text_at p)
{
	return scan_refuse(r, stray_rule(r, rule, p), p) ? NULL : p + 1;
}

/* --- objects and arrays --------------------------------------------------- */

static inline text_at skip_space(text_at p, text_at end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static struct scan_frame *push(struct scan *s)
{
	if (s->depth == s->n_frames) {
		s->n_frames = s->n_frames ? s->n_frames * 2 : 16;
		s->frames = mem_realloc(s->frames, (size_t)s->n_frames *
							   sizeof(*s->frames));
	}
	return &s->frames[s->depth++];
}

static text_at open_container(struct run *r, text_at p)
{
	struct scan *s = r->s;
	struct scan_hit hit = { .from = scan_offset(r, p), .open = true };
	struct scan_frame *f;

	if (s->depth >= s->limits.depth && scan_refuse(r, SCAN_DEPTH, p))
		return NULL;
	hit.kind = *p == '[' ? SCAN_ARRAY : SCAN_OBJECT;
	hit.member = s->depth && !s->frames[s->depth - 1].array;
	hit.member_from = hit.member ? s->name_from : hit.from;
	if (is_wanted(s) && tell(r, &hit) < 0)
		return NULL;
	f = push(s);
	*f = (struct scan_frame){ .from = hit.from,
				  .member_from = hit.member_from,
				  .serial = s->objects++,
				  .node = s->node,
				  .array = *p == '[',
				  .member = hit.member };
	s->state = f->array ? ST_FIRST_VALUE : ST_FIRST_NAME;
	return p + 1;
}

static text_at close_container(struct run *r, text_at p)
{
	struct scan *s = r->s;
	struct scan_frame *f = &s->frames[s->depth - 1];
	struct scan_hit hit;

	if ((*p == ']') != f->array)
		return stray(r, SCAN_COMMA, p);
	s->depth--;
	s->node = f->node;
	if (is_wanted(s)) {
		hit = (struct scan_hit){ .kind = f->array ? SCAN_ARRAY :
							    SCAN_OBJECT,
					 .from = f->from,
					 .to = scan_offset(r, p) + 1,
					 .member = f->member,
					 .member_from = f->member_from,
					 .count = f->count };
		if (tell(r, &hit) < 0)
			return NULL;
	}
	return go_on(s, p + 1);
}

/* --- between values ------------------------------------------------------- */

/* A value is about to begin: counts it and says whether it is wanted. */
static bool begin_value(struct run *r, text_at p)
{
	struct scan *s = r->s;
	struct scan_frame *f;

	s->values++;
	if (s->limits.values && s->values > s->limits.values &&
	    scan_refuse(r, SCAN_VALUES, p))
		return false;
	s->text_from = scan_offset(r, p);
	if (!s->depth) {
		s->node = s->paths ? 0 : -1;
		return true;
	}
	f = &s->frames[s->depth - 1];
	if (f->array) {
		f->count++;
		s->node = f->node < 0 ? -1 : s->paths->nodes[f->node].element;
	}
	return true;
}

/* What a value's first byte makes of it. */
enum opener { OPEN_NOTHING, OPEN_NUMBER, OPEN_WORD, OPEN_STRING, OPEN_INNER };

static const struct {
	unsigned char opener, state;
} openers[256] = {
	['-'] = { OPEN_NUMBER, ST_MINUS },
	['0'] = { OPEN_NUMBER, ST_ZERO },
	['1' ... '9'] = { OPEN_NUMBER, ST_DIGITS },
	['t'] = { OPEN_WORD, ST_WORD },
	['f'] = { OPEN_WORD, ST_WORD },
	['n'] = { OPEN_WORD, ST_WORD },
	['"'] = { OPEN_STRING, ST_STRING },
	['['] = { OPEN_INNER, 0 },
	['{'] = { OPEN_INNER, 0 },
};

static const struct word {
	const char *text;
	enum scan_kind kind;
} words[] = {
	{ "true", SCAN_TRUE },
	{ "false", SCAN_FALSE },
	{ "null", SCAN_NULL },
	{ "", SCAN_NULL }, /* another, where a test lets it pass */
};

#define WORD_OTHER 3

static text_at stray_value(struct run *r, text_at p)
{
	struct scan *s = r->s;

	if (stray_rule(r, SCAN_VALUE, p) != SCAN_WORD)
		return stray(r, SCAN_VALUE, p);
	if (scan_refuse(r, SCAN_WORD, p) || !begin_value(r, p))
		return NULL;
	s->word = WORD_OTHER;
	s->state = ST_WORD;
	return p + 1;
}

static text_at end_of_list(struct run *r, text_at p)
{
	const struct scan *s = r->s;

	if (!s->depth || !s->frames[s->depth - 1].array)
		return stray(r, SCAN_VALUE, p);
	if (s->state != ST_FIRST_VALUE && scan_refuse(r, SCAN_TRAILING, p))
		return NULL;
	return close_container(r, p);
}

static text_at at_value(struct run *r, text_at p)
{
	struct scan *s = r->s;
	unsigned char c;

	p = skip_space(p, r->end);
	if (p == r->end)
		return p;
	c = *p;
	if (!s->depth && c != '{' && stray_rule(r, SCAN_TOP, p) != SCAN_BOM &&
	    scan_refuse(r, SCAN_TOP, p))
		return NULL;
	if (openers[c].opener == OPEN_NOTHING) {
		if (c == ']')
			return end_of_list(r, p);
		return stray_value(r, p);
	}
	if (!begin_value(r, p))
		return NULL;
	if (openers[c].opener == OPEN_INNER)
		return open_container(r, p);
	s->state = openers[c].state;
	s->in_name = false;
	s->left = 1;
	s->word = c == 't' ? 0 : c == 'f' ? 1 : 2;
	return p + 1;
}

static text_at at_name(struct run *r, text_at p)
{
	struct scan *s = r->s;

	p = skip_space(p, r->end);
	if (p == r->end)
		return p;
	if (*p == '}') {
		if (s->state == ST_NAME && scan_refuse(r, SCAN_TRAILING, p))
			return NULL;
		return close_container(r, p);
	}
	if (*p != '"')
		return stray(r, SCAN_NAME, p);
	s->name_from = scan_offset(r, p);
	s->in_name = true;
	s->escaped = false;
	s->state = ST_STRING;
	return p + 1;
}

static text_at at_colon(struct run *r, text_at p)
{
	p = skip_space(p, r->end);
	if (p == r->end)
		return p;
	if (*p != ':')
		return stray(r, SCAN_COLON, p);
	r->s->state = ST_VALUE;
	return p + 1;
}

static text_at after_value(struct run *r, text_at p)
{
	struct scan *s = r->s;

	p = skip_space(p, r->end);
	if (p == r->end)
		return p;
	if (*p == ',') {
		s->state = s->frames[s->depth - 1].array ? ST_VALUE : ST_NAME;
		return p + 1;
	}
	if (*p == ']' || *p == '}')
		return close_container(r, p);
	return stray(r, SCAN_COMMA, p);
}

static text_at at_end(struct run *r, text_at p)
{
	p = skip_space(p, r->end);
	return p == r->end ? p : stray(r, SCAN_TAIL, p);
}

/* --- words and numbers ---------------------------------------------------- */

static text_at in_word(struct run *r, text_at p)
{
	struct scan *s = r->s;
	const struct word *w = &words[s->word];

	if (s->word == WORD_OTHER) {
		while (p < r->end && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
			p++;
		return p < r->end ? scan_scalar(r, w->kind, p) : p;
	}
	for (; p < r->end && w->text[s->left]; p++, s->left++)
		if (*p != (unsigned char)w->text[s->left]) {
			if (scan_refuse(r, SCAN_LITERAL, p))
				return NULL;
			return scan_scalar(r, w->kind, p);
		}
	return w->text[s->left] ? p : scan_scalar(r, w->kind, p);
}

enum { OTHER, DIGIT_0, DIGIT, DOT, LETTER_E, SIGN, CLASS__COUNT };

static const unsigned char number_class[256] = {
	['0'] = DIGIT_0,  ['1' ... '9'] = DIGIT, ['.'] = DOT,  ['e'] = LETTER_E,
	['E'] = LETTER_E, ['+'] = SIGN,          ['-'] = SIGN,
};

/* In the place of a state: the number is over, or may not go on like this. */
enum { OVER = ST__COUNT, NO_DIGIT, NO_ZERO };

static const unsigned char number_next[][CLASS__COUNT] = {
	/* clang-format off */
	/*                 other     0            1-9          .         e         + - */
	[ST_MINUS]    = { NO_DIGIT, ST_ZERO,     ST_DIGITS,   NO_DIGIT, NO_DIGIT, NO_DIGIT },
	[ST_ZERO]     = { OVER,     NO_ZERO,     NO_ZERO,     ST_POINT, ST_E,     OVER },
	[ST_DIGITS]   = { OVER,     ST_DIGITS,   ST_DIGITS,   ST_POINT, ST_E,     OVER },
	[ST_POINT]    = { NO_DIGIT, ST_FRACTION, ST_FRACTION, NO_DIGIT, NO_DIGIT, NO_DIGIT },
	[ST_FRACTION] = { OVER,     ST_FRACTION, ST_FRACTION, OVER,     ST_E,     OVER },
	[ST_E]        = { NO_DIGIT, ST_EXPONENT, ST_EXPONENT, NO_DIGIT, NO_DIGIT, ST_SIGN },
	[ST_SIGN]     = { NO_DIGIT, ST_EXPONENT, ST_EXPONENT, NO_DIGIT, NO_DIGIT, NO_DIGIT },
	[ST_EXPONENT] = { OVER,     ST_EXPONENT, ST_EXPONENT, OVER,     OVER,     OVER },
	/* clang-format on */
};

static text_at in_number(struct run *r, text_at p)
{
	struct scan *s = r->s;
	int next;

	for (; p < r->end; p++) {
		next = number_next[s->state][number_class[*p]];
		if (next == NO_DIGIT && scan_refuse(r, SCAN_DIGIT, p))
			return NULL;
		if (next == NO_ZERO && scan_refuse(r, SCAN_ZERO, p))
			return NULL;
		if (next == NO_ZERO)
			next = ST_DIGITS;
		if (next >= ST__COUNT)
			return scan_scalar(r, SCAN_NUMBER, p);
		if (scan_offset(r, p) - s->text_from >= NUMBER_MAX &&
		    scan_refuse(r, SCAN_LONG, p))
			return NULL;
		s->state = next;
	}
	return p;
}

/* --- the whole ------------------------------------------------------------ */

typedef text_at step_fn(struct run *r, text_at p);

static step_fn *const steps[ST__COUNT] = {
	[ST_MINUS... ST_EXPONENT] = in_number,
	[ST_VALUE] = at_value,
	[ST_FIRST_VALUE] = at_value,
	[ST_NAME] = at_name,
	[ST_FIRST_NAME] = at_name,
	[ST_COLON] = at_colon,
	[ST_AFTER] = after_value,
	[ST_END] = at_end,
	[ST_WORD] = in_word,
	[ST_STRING] = scan_string,
	[ST_ESCAPE] = scan_escape,
	[ST_HEX] = scan_hex,
	[ST_PAIR] = scan_pair,
	[ST_PAIR_U] = scan_pair,
	[ST_UTF8] = scan_utf8,
};

/* Says which rule was broken, and where. */
static int complain(struct scan *s, const char *base, struct err *e)
{
	char param[sizeof(e->param)] = "";
	struct str name = { base + s->name_from, s->name_to - s->name_from };

	s->over = true;
	if (s->rule == SCAN_DUPLICATE)
		json_unescape_cut(name, param, sizeof(param));
	return err_param(e, rules[s->rule].code, param,
			 "We could not parse the JSON body of your request: "
			 "at byte %zu: %s.",
			 s->rule_at + 1, rules[s->rule].words);
}

int scan_feed(struct scan *s, const char *base, size_t n, struct err *e)
{
	struct run r = { s, base, (text_at)base + n, e };
	text_at p = (text_at)base + s->at;

	if (s->over)
		return -1;
	while (p && p < r.end)
		p = steps[s->state](&r, p);
	s->at = n;
	if (p)
		return 0;
	return s->rule < 0 ? -1 : complain(s, base, e);
}

/* Between two texts a scanner, of which a stream has one, waits. */
static void drop_frames(struct scan *s)
{
	free(s->frames);
	s->frames = NULL;
	s->n_frames = 0;
}

int scan_end(struct scan *s, const char *base, size_t n, struct err *e)
{
	struct run r = { s, base, (text_at)base + n, e };

	if (scan_feed(s, base, n, e) < 0)
		return -1;
	drop_frames(s);
	if (s->state == ST_END || !scan_refuse(&r, SCAN_ENDS, r.end))
		return 0;
	return complain(s, base, e);
}

int scan_text(struct scan *s, struct str text, struct err *e)
{
	scan_reset(s);
	return scan_end(s, text.p ? text.p : "", text.n, e);
}

static void to_start(struct scan *s)
{
	s->at = 0;
	s->state = ST_VALUE;
	s->over = false;
	s->node = s->rule = -1;
	s->high = 0;
	s->values = 0;
	s->objects = 0;
	s->depth = 0;
}

void scan_init(struct scan *s, const struct scan_paths *paths,
	       const struct scan_limits *limits, scan_hit_fn *on_hit, void *arg)
{
	*s = (struct scan){ .paths = paths,
			    .limits = *limits,
			    .on_hit = on_hit,
			    .arg = arg,
			    .n_slots = SCAN_NAMES_INLINE };
	to_start(s);
}

void scan_reset(struct scan *s)
{
	scan_names_reset(s);
	to_start(s);
}

void scan_release(struct scan *s)
{
	scan_names_release(s);
	drop_frames(s);
	s->over = true;
}
