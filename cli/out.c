/* out.c - see out.h. */
#include "out.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/nusd.h"
#include "json/jw.h"

#define OUT_MAX  (64 << 20) /* bytes of JSON */
#define TEXT_MAX 512        /* bytes of one value in a table */
#define GAP      2          /* between columns */
#define COLS_MAX 32         /* of a table */

void out_init(struct out *o, FILE *to, bool json)
{
	*o = (struct out){ .to = to, .json = json };
}

static int64_t number(const struct out_col *c, const void *row)
{
	return *(const int64_t *)((const char *)row + c->at);
}

static const char *text(const struct out_col *c, const void *row)
{
	const char *s = *(const char *const *)((const char *)row + c->at);

	return s ? s : "";
}

static bool truth(const struct out_col *c, const void *row)
{
	return *(const bool *)((const char *)row + c->at);
}

/* JSON */

static void json_list(struct jw *w, const char *name, const char *s)
{
	struct str rest = str_of(s), piece;

	jw_array(w, name);
	while (str_next(&rest, ',', &piece))
		if (piece.n)
			jw_text(w, NULL, piece);
	jw_end(w);
}

static void json_time(struct jw *w, const char *name, int64_t ms)
{
	char at[CLOCK_TEXT];

	jw_str(w, name, ms ? clock_text(ms, at) : NULL);
}

static void json_limit(struct jw *w, const char *name, int64_t v)
{
	if (v < 0)
		jw_null(w, name);
	else
		jw_int(w, name, v);
}

static void json_value(struct jw *w, const struct out_col *c, const void *row)
{
	switch (c->kind) {
	case OUT_INT:
	case OUT_MONEY: jw_int(w, c->name, number(c, row)); break;
	case OUT_LIMIT: json_limit(w, c->name, number(c, row)); break;
	case OUT_TIME: json_time(w, c->name, number(c, row)); break;
	case OUT_BOOL: jw_bool(w, c->name, truth(c, row)); break;
	case OUT_TEXT: jw_str(w, c->name, text(c, row)); break;
	case OUT_LIST: json_list(w, c->name, text(c, row)); break;
	case OUT_NAME:
		jw_str(w, c->name, *text(c, row) ? text(c, row) : NULL);
		break;
	case OUT_RAW:
		jw_raw(w, c->name,
		       *text(c, row) ? str_of(text(c, row)) : STR("null"));
		break;
	case OUT__COUNT: break;
	}
}

static void json_row(struct jw *w, const struct out_col *cols, const void *row)
{
	jw_object(w, NULL);
	for (; cols->name; cols++)
		if (*cols->name)
			json_value(w, cols, row);
	jw_end(w);
}

static void print_json(struct out *o, const struct buf *b)
{
	fwrite(b->p, 1, b->len, o->to);
	fputc('\n', o->to);
}

/* Tables */

/* What a terminal would act on becomes a question mark. */
static char *printable(struct arena *a, const char *s)
{
	char *copy = arena_dup(a, (struct str){ s, strnlen(s, TEXT_MAX) });

	for (unsigned char *p = (unsigned char *)copy; *p; p++)
		if (*p < 0x20 || *p == 0x7f ||
		    (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			*p = '?';
	return copy;
}

static const char *money(struct arena *a, int64_t v)
{
	char at[NUSD_TEXT];

	return arena_printf(a, "$%s", nusd_text(v, at));
}

/* To the second: who wants more asks for JSON. */
static const char *when(struct arena *a, int64_t ms)
{
	char at[CLOCK_TEXT];

	clock_text(ms, at);
	return arena_printf(a, "%.10s %.8s", at, at + 11);
}

static const char *cell(struct arena *a, const struct out_col *c,
			const void *row)
{
	switch (c->kind) {
	case OUT_INT: return arena_printf(a, "%lld", (long long)number(c, row));
	case OUT_MONEY: return money(a, number(c, row));
	case OUT_LIMIT:
		return number(c, row) < 0 ? "none" : money(a, number(c, row));
	case OUT_TIME: return number(c, row) ? when(a, number(c, row)) : "-";
	case OUT_BOOL: return truth(c, row) ? "yes" : "no";
	default: return *text(c, row) ? printable(a, text(c, row)) : "-";
	}
}

/* Characters, not bytes. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool goes_right(const struct out_col *c)
{
	return c->kind == OUT_INT || c->kind == OUT_MONEY ||
	       c->kind == OUT_LIMIT;
}

static void pad(FILE *to, int n)
{
	if (n > 0)
		fprintf(to, "%*s", n, "");
}

static void put_cell(FILE *to, const char *s, int wide, bool right, bool last)
{
	if (right)
		pad(to, wide - width(s));
	fputs(s, to);
	if (!last)
		pad(to, GAP + (right ? 0 : wide - width(s)));
}

/* Line 0 holds the headings; cells is (rows + 1) x n. */
static void print_cells(FILE *to, const struct out_col *const *cols, int n,
			const char *const *cells, int rows)
{
	int wide[COLS_MAX] = { 0 };

	for (int i = 0; i < n * (rows + 1); i++)
		wide[i % n] = MAX(wide[i % n], width(cells[i]));
	for (int i = 0; i < n * (rows + 1); i++) {
		bool last = i % n == n - 1;

		put_cell(to, cells[i], wide[i % n], goes_right(cols[i % n]),
			 last);
		if (last)
			fputc('\n', to);
	}
}

static void print_table(struct out *o, const struct out_col *cols,
			const void *rows, size_t size, int n_rows)
{
	const struct out_col *shown[COLS_MAX];
	const char **cells;
	struct arena a;
	int n = 0;

	arena_init(&a);
	for (; cols->name && n < (int)COUNT(shown); cols++)
		if (cols->head)
			shown[n++] = cols;
	cells = ARENA_ARRAY(&a, const char *, n *(n_rows + 1));
	for (int i = 0; i < n; i++)
		cells[i] = shown[i]->head;
	for (int j = 0; j < n_rows; j++)
		for (int i = 0; i < n; i++)
			cells[(j + 1) * n + i] =
				cell(&a, shown[i],
				     (const char *)rows + (size_t)j * size);
	print_cells(o->to, shown, n, cells, n_rows);
	arena_release(&a);
}

void out_rows(struct out *o, const struct out_col *cols, const void *rows,
	      size_t size, int n, const char *empty)
{
	struct buf b;
	struct jw w;

	if (!o->json && !n)
		fprintf(o->to, "%s\n", empty);
	else if (!o->json)
		print_table(o, cols, rows, size, n);
	if (!o->json)
		return;
	buf_init(&b, OUT_MAX);
	jw_start(&w, &b);
	jw_array(&w, NULL);
	for (int i = 0; i < n; i++)
		json_row(&w, cols, (const char *)rows + (size_t)i * size);
	jw_end(&w);
	print_json(o, &b);
	buf_release(&b);
}

static void print_lines(struct out *o, const struct out_col *cols,
			const void *row)
{
	struct arena a;
	int wide = 0;

	arena_init(&a);
	for (const struct out_col *c = cols; c->name; c++)
		if (c->head)
			wide = MAX(wide, width(c->head));
	for (; cols->name; cols++) {
		if (!cols->head)
			continue;
		put_cell(o->to, cols->head, wide, false, false);
		fprintf(o->to, "%s\n", cell(&a, cols, row));
	}
	arena_release(&a);
}

void out_one(struct out *o, const struct out_col *cols, const void *row)
{
	struct buf b;
	struct jw w;

	if (!o->json) {
		print_lines(o, cols, row);
		return;
	}
	buf_init(&b, OUT_MAX);
	jw_start(&w, &b);
	json_row(&w, cols, row);
	print_json(o, &b);
	buf_release(&b);
}
