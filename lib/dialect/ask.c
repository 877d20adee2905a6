/* ask.c - see ask.h: the table of ask.def, applied to what a scan finds. */
#include "dialect/ask.h"

#include <assert.h>
#include <stdarg.h>

#include "dialect/ask_in.h"
#include "json/text.h"

enum { C = BIT(ASK_CHAT), P = BIT(ASK_COMPLETION), E = BIT(ASK_EMBEDDING) };
enum {
	STR = BIT(0),
	INT = BIT(1),
	NUM = BIT(2),
	BOOL = BIT(3),
	ARR = BIT(4),
	OBJ = BIT(5)
};
enum {
	NEED = BIT(0),
	NULLS = BIT(1),
	TEXT = BIT(2),
	RAW = BIT(3),
	FULL = BIT(4),
	IDENT = BIT(5)
};

#define ANY    INT64_MAX
#define LEAST  INT64_MIN
#define TOKENS INT32_MAX

static const struct ask_row rows[] = {
#define A(doors, path, types, min, max, flags, words, on) \
	{ doors, path, types, min, max, flags, words, on },
#include "dialect/ask.def"
#undef A
};

_Static_assert(COUNT(rows) <= ASK_ROWS, "seen has room for every row");

static struct ask_door doors[ASK__COUNT];

/* --- the table made ready ------------------------------------------------- */

/* How much of a path is its parent's. */
static size_t parent_bytes(const char *path)
{
	size_t n = strlen(path);

	if (n >= 2 && path[n - 1] == ']')
		return n - 2;
	while (n && path[n - 1] != '.')
		n--;
	return n ? n - 1 : 0;
}

static int find_row(const struct ask_door *d, const char *path, size_t n)
{
	for (int i = 0; i < d->n; i++)
		if (strlen(d->rows[i]->path) == n &&
		    !memcmp(d->rows[i]->path, path, n))
			return i;
	return -1;
}

static void make_door(struct ask_door *d, unsigned int bit)
{
	const char *paths[ASK_ROWS];

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!(rows[i].doors & bit))
			continue;
		paths[d->n] = rows[i].path;
		d->rows[d->n++] = &rows[i];
	}
	for (int i = 0; i < d->n; i++) {
		d->parent[i] = !*paths[i] ? -1 :
					    find_row(d, paths[i],
						     parent_bytes(paths[i]));
		assert(!*paths[i] || d->parent[i] >= 0);
	}
	d->paths = scan_paths_new(paths, d->n);
}

/* Before any thread is. */
__attribute__((constructor)) static void make_doors(void)
{
	for (int i = 0; i < ASK__COUNT; i++)
		make_door(&doors[i], BIT(i));
}

/* --- saying what is wrong ------------------------------------------------- */

void ask_note(struct ask_reader *r, enum err_code code, const char *param,
	      const char *fmt, ...)
{
	char msg[sizeof(r->first.msg)];
	va_list ap;

	if (r->first.code != ERR_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_param(&r->first, code, param, "%s", msg);
}

/* A member's name as it reads, for a path. */
static size_t name_of(const struct scan_hit *h, char *at, size_t size)
{
	const char *from = h->base + h->member_from;
	const char *end = from + 1;

	while (*end != '"')
		end += 1 + (*end == '\\');
	return json_unescape_cut((struct str){ from, (size_t)(end + 1 - from) },
				 at, size);
}

const char *ask_path(const struct ask_row *row, const struct scan_hit *h,
		     const char *member, char at[static ASK_PATH])
{
	size_t n = 0;
	int index = 0;

	for (const char *p = row->path; *p && n < ASK_PATH - 24; p++) {
		if (*p == '*')
			n += name_of(h, at + n, ASK_PATH - n);
		else if (*p == '[')
			n += (size_t)snprintf(at + n, ASK_PATH - n, "[%d",
					      h->index[index++]);
		else
			at[n++] = *p;
	}
	snprintf(at + n, ASK_PATH - n, "%s%s", *row->path && *member ? "." : "",
		 member);
	return at;
}

void ask_note_missing(struct ask_reader *r, const struct ask_row *row,
		      const struct scan_hit *h, const char *member)
{
	char at[ASK_PATH];

	ask_path(row, h, member, at);
	ask_note(r, ERR_MISSING, at, "Missing required parameter: '%s'.", at);
}

/* --- types ---------------------------------------------------------------- */

static const char *const one_name[] = { "string",  "integer", "decimal",
					"boolean", "array",   "object" };
static const char *const many_name[] = { "strings",  "integers", "decimals",
					 "booleans", "arrays",   "objects" };

static unsigned int type_of(const struct scan_hit *h)
{
	static const unsigned int types[SCAN__COUNT] = {
		[SCAN_FALSE] = BOOL, [SCAN_TRUE] = BOOL, [SCAN_NUMBER] = NUM,
		[SCAN_STRING] = STR, [SCAN_ARRAY] = ARR, [SCAN_OBJECT] = OBJ,
	};

	if (h->kind == SCAN_NUMBER && json_is_integer(scan_hit_text(h)))
		return NUM | INT;
	return types[h->kind];
}

/* "an array of objects", "one of a string or array of objects". */
static void expected(const struct ask_door *d, const struct ask_row *row,
		     struct buf *out)
{
	unsigned int left = row->types;
	char path[ASK_PATH];
	int element, n = snprintf(path, sizeof(path), "%s[]", row->path);

	if (left & (left - 1))
		buf_str(out, "one of ");
	element = find_row(d, path, (size_t)n);
	buf_str(out,
		strchr("aeiou", *one_name[__builtin_ctz(left)]) ? "an " : "a ");
	for (int i = 0; left; i++) {
		if (!(left & BIT(i)))
			continue;
		buf_str(out, one_name[i]);
		left &= ~BIT(i);
		if (BIT(i) == ARR && element >= 0)
			buf_printf(out, " of %s",
				   many_name[__builtin_ctz(
					   d->rows[element]->types)]);
		if (left)
			buf_str(out, left & (left - 1) ? ", " : " or ");
	}
}

static const char *got_name(const struct scan_hit *h, unsigned int type)
{
	if (h->kind != SCAN_NUMBER)
		return scan_kind_name(h->kind);
	return type & INT ? "an integer" : "a decimal";
}

static bool check_type(struct ask_reader *r, const struct ask_row *row,
		       const struct scan_hit *h)
{
	unsigned int type;
	char at[ASK_PATH];
	struct buf words;

	if (h->kind == SCAN_NULL && row->flags & NULLS)
		return true;
	type = type_of(h);
	if (type & row->types)
		return true;
	if (r->first.code != ERR_NONE)
		return false;
	buf_init(&words, 200);
	expected(r->door, row, &words);
	ask_path(row, h, "", at);
	ask_note(r, ERR_TYPE, at,
		 "Invalid type for '%s': expected %s, but got %s instead.", at,
		 words.p, got_name(h, type));
	buf_release(&words);
	return false;
}

/* --- ranges --------------------------------------------------------------- */

/* A number as it stands, or its beginning. */
#define SHOWN 32

static bool check_number(struct ask_reader *r, const struct ask_row *row,
			 const struct scan_hit *h)
{
	struct str text = scan_hit_text(h);
	bool integer = !(row->types & NUM);
	bool low = json_compare(text, row->min) < 0;
	char at[ASK_PATH];

	if (!low && json_compare(text, row->max) <= 0)
		return true;
	ask_path(row, h, "", at);
	ask_note(r,
		 integer ? (low ? ERR_INT_LOW : ERR_INT_HIGH) :
			   (low ? ERR_NUM_LOW : ERR_NUM_HIGH),
		 at,
		 "Invalid '%s': %s %s value. Expected a value %s %lld, but "
		 "got %.*s%s instead.",
		 at, integer ? "integer" : "decimal",
		 low ? "below minimum" : "above maximum",
		 low ? ">=" : "<=", (long long)(low ? row->min : row->max),
		 (int)MIN(text.n, SHOWN), text.p, text.n > SHOWN ? "..." : "");
	return false;
}

static bool check_count(struct ask_reader *r, const struct ask_row *row,
			const struct scan_hit *h)
{
	bool array = h->kind == SCAN_ARRAY;
	char at[ASK_PATH];

	if (h->count > row->max) {
		ask_path(row, h, "", at);
		ask_note(r, array ? ERR_ARRAY_LONG : ERR_VALUE, at,
			 "Invalid '%s': %s. Expected %s with maximum length "
			 "%lld, but got one with length %lld instead.",
			 at, array ? "array too long" : "too many properties",
			 scan_kind_name(h->kind), (long long)row->max,
			 (long long)h->count);
		return false;
	}
	if (!array || h->count >= row->min)
		return true;
	ask_path(row, h, "", at);
	ask_note(r, ERR_EMPTY_ARRAY, at,
		 "Invalid '%s': empty array. Expected an array with minimum "
		 "length %lld, but got an empty array instead.",
		 at, (long long)row->min);
	return false;
}

bool ask_is_ident(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool check_words(struct ask_reader *r, const struct ask_row *row,
			const struct scan_hit *h)
{
	struct str rest = str_of(row->words), word, text = scan_hit_text(h);
	char at[ASK_PATH], got[SHOWN + 1];
	struct buf list;

	for (int i = 0; str_next(&rest, '|', &word); i++) {
		if (!json_text_is(text, word))
			continue;
		r->word = i;
		return true;
	}
	buf_init(&list, 200);
	for (rest = str_of(row->words); str_next(&rest, '|', &word);)
		buf_printf(&list, "%s'%.*s'",
			   !list.len ? "" :
			   rest.p    ? ", " :
				       " and ",
			   STR_FMT(word));
	json_unescape_cut(text, got, sizeof(got));
	ask_note(r, ERR_VALUE, ask_path(row, h, "", at),
		 "Invalid value: '%s'. Supported values are: %s.", got, list.p);
	buf_release(&list);
	return false;
}

static bool check_length(struct ask_reader *r, const struct ask_row *row,
			 const struct scan_hit *h)
{
	bool alone = row->types == STR;
	int64_t min = alone ? row->min : !!(row->flags & FULL);
	int64_t max = alone ? row->max : ANY;
	struct str text = scan_hit_text(h);
	char at[ASK_PATH];
	int64_t n;

	if (text.n == 2 && min) {
		ask_path(row, h, "", at);
		ask_note(r, ERR_STRING_SHORT, at,
			 "Invalid '%s': empty string. Expected a string with "
			 "minimum length %lld, but got an empty string "
			 "instead.",
			 at, (long long)min);
		return false;
	}
	if (max == ANY)
		return true;
	n = (int64_t)json_text_chars(text);
	if (n <= max)
		return true;
	ask_path(row, h, "", at);
	ask_note(r, ERR_STRING_LONG, at,
		 "Invalid '%s': string too long. Expected a string with "
		 "maximum length %lld, but got a string with length %lld "
		 "instead.",
		 at, (long long)max, (long long)n);
	return false;
}

static bool check_string(struct ask_reader *r, const struct ask_row *row,
			 const struct scan_hit *h)
{
	char at[ASK_PATH];

	if (*row->words && !check_words(r, row, h))
		return false;
	if (!check_length(r, row, h))
		return false;
	if (!(row->flags & IDENT) ||
	    ask_is_ident(json_unescape(scan_hit_text(h), r->arena)))
		return true;
	ask_path(row, h, "", at);
	ask_note(r, ERR_VALUE, at,
		 "Invalid '%s': string does not match pattern. Expected a "
		 "string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
		 at);
	return false;
}

/* A whole value: its type, then what its kind is checked for. */
static bool check(struct ask_reader *r, const struct ask_row *row,
		  const struct scan_hit *h)
{
	r->word = -1;
	if (!check_type(r, row, h))
		return false;
	switch (h->kind) {
	case SCAN_NUMBER: return check_number(r, row, h);
	case SCAN_STRING: return check_string(r, row, h);
	case SCAN_ARRAY:
	case SCAN_OBJECT: return check_count(r, row, h);
	default: return true;
	}
}

/* --- members -------------------------------------------------------------- */

static void forget_members(struct ask_reader *r, int row)
{
	for (int i = 0; i < r->door->n; i++)
		if (r->door->parent[i] == row)
			r->seen[i] = 0;
}

static const char *last_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static void check_needed(struct ask_reader *r, const struct scan_hit *h)
{
	const struct ask_door *d = r->door;

	for (int i = 0; i < d->n; i++)
		if (d->parent[i] == h->path && d->rows[i]->flags & NEED &&
		    !r->seen[i])
			ask_note_missing(r, d->rows[h->path], h,
					 last_name(d->rows[i]->path));
}

bool ask_has(const struct ask_reader *r, const struct scan_hit *h,
	     const char *member)
{
	const struct ask_door *d = r->door;

	for (int i = 0; i < d->n; i++)
		if (d->parent[i] == h->path &&
		    !strcmp(last_name(d->rows[i]->path), member))
			return r->seen[i] > SCAN_NULL + 1;
	return false;
}

static void count_text(struct ask *a, const struct ask_row *row,
		       const struct scan_hit *h)
{
	struct str text = scan_hit_text(h);

	if (h->kind == SCAN_STRING && row->flags & TEXT)
		a->text_bytes += (int64_t)json_text_bytes(text);
	if (h->kind >= SCAN_ARRAY && row->flags & RAW)
		a->text_bytes += (int64_t)text.n;
}

/* --- the whole ------------------------------------------------------------ */

static int on_hit(void *arg, const struct scan_hit *h, struct err *e)
{
	struct ask_reader *r = arg;
	const struct ask_row *row = r->door->rows[h->path];
	bool good;

	(void)e; /* broken JSON further on is said first */
	if (h->open) {
		forget_members(r, h->path);
		good = check_type(r, row, h);
	} else {
		r->seen[h->path] = (unsigned char)(h->kind + 1);
		if (h->kind == SCAN_OBJECT && row->types & OBJ)
			check_needed(r, h);
		count_text(r->ask, row, h);
		good = check(r, row, h);
	}
	if (good && row->on)
		row->on(r, row, h);
	return 0;
}

static void init(struct ask *a, enum ask_kind kind, struct str body)
{
	*a = (struct ask){ .kind = kind,
			   .body = body,
			   .max_tok = -1,
			   .max_tokens = -1,
			   .max_completion = -1,
			   .n = 1,
			   .best_of = 1 };
}

int ask_read(struct ask *a, enum ask_kind kind, struct str body,
	     const struct scan_limits *lim, struct arena *arena, struct err *e)
{
	struct ask_reader r = {
		.ask = a, .door = &doors[kind], .arena = arena, .item_kind = -1
	};
	struct scan s;
	int rc;

	init(a, kind, body);
	scan_init(&s, r.door->paths, lim, on_hit, &r);
	rc = scan_text(&s, body, e);
	scan_release(&s);
	if (rc < 0)
		return -1;
	if (r.first.code == ERR_NONE)
		ask_on_all(&r);
	if (r.first.code == ERR_NONE)
		return 0;
	return err_param(e, r.first.code, r.first.param, "%s", r.first.msg);
}
