/* price.c - see price.h. */
#include "store/price.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

static const struct db_cols cols = DB_COLS(
	struct price, DB_INT(price, id), DB_INT(price, channel_id),
	DB_STR(price, model), DB_INT(price, from_ms), DB_INT(price, free),
	DB_INT(price, context_tok), DB_INT(price, max_output_tok),
	DB_INT(price, reserve_output_tok), DB_INT(price, batch_ppm),
	DB_INT(price, flex_ppm), DB_INT(price, priority_ppm),
	DB_STR(price, note), DB_STR(price, actor));

/* The same without the id, which the database makes. */
static const struct db_cols set_cols = DB_COLS(
	struct price, DB_INT(price, channel_id), DB_STR(price, model),
	DB_INT(price, from_ms), DB_INT(price, free), DB_INT(price, context_tok),
	DB_INT(price, max_output_tok), DB_INT(price, reserve_output_tok),
	DB_INT(price, batch_ppm), DB_INT(price, flex_ppm),
	DB_INT(price, priority_ppm), DB_STR(price, note), DB_STR(price, actor));

/* A line as it is stored, with its name. */
struct stored {
	const char *line, *variant;
	int64_t from_tok, nusd;
};

static const struct db_cols line_cols =
	DB_COLS(struct stored, DB_STR(stored, line), DB_STR(stored, variant),
		DB_INT(stored, from_tok), DB_INT(stored, nusd));

/* --- what a line is ------------------------------------------------------- */

static const struct line_info infos[] = {
#define L(name, unit, counter, part, tier, a, b, c, what)   \
	[LINE_##name] = { #name,                            \
			  UNIT_##unit,                      \
			  LINE_##part,                      \
			  tier,                             \
			  { LINE_##a, LINE_##b, LINE_##c }, \
			  what },
#include "store/lines.def"
#undef L
};

static const struct unit_info units[] = {
	[UNIT_TOK] = { "token", 1000000, "1M tokens" },
	[UNIT_CHAR] = { "character", 1000000, "1M characters" },
	[UNIT_MS] = { "ms", 3600000, "1 hour" },
	[UNIT_EACH] = { "each", 1, "each" },
};

const struct line_info *line_info(enum line l)
{
	return &infos[l];
}

const struct unit_info *line_unit(enum line l)
{
	return &units[infos[l].unit];
}

enum line line_named(struct str name)
{
	for (int i = 0; i < LINE__COUNT; i++)
		if (str_eq(name, infos[i].name))
			return (enum line)i;
	return LINE_none;
}

int64_t price_of(const struct price *p, enum line l)
{
	for (int i = 0; i < p->n_lines; i++)
		if (p->lines[i].line == l && !p->lines[i].from_tok &&
		    !*p->lines[i].variant)
			return p->lines[i].nusd;
	return -1;
}

/* --- writing -------------------------------------------------------------- */

static int set_lines(struct db *db, int64_t id, const struct price *p,
		     struct err *e)
{
	for (int i = 0; i < p->n_lines; i++) {
		const struct price_line *l = &p->lines[i];

		if (db_run(db,
			   db_bind(db, ST_PRICE_LINE_SET, "issii", id,
				   infos[l->line].name,
				   l->variant ? l->variant : "", l->from_tok,
				   l->nusd),
			   e) < 0)
			return -1;
	}
	return 0;
}

static int64_t set_all(struct db *db, const struct price *p, struct err *e)
{
	struct price row = *p;
	int64_t id;

	row.note = row.note ? row.note : "";
	row.actor = row.actor ? row.actor : "";
	if (!row.from_ms)
		row.from_ms = clock_wall_ms();
	id = db_insert(db, db_bind_row(db, ST_PRICE_SET, &set_cols, &row), e);
	return id < 0 || set_lines(db, id, p, e) < 0 ? -1 : id;
}

int64_t price_set(struct db *db, const struct price *p, struct err *e)
{
	bool inside = db_in_txn(db);
	int64_t id;

	if (!inside && db_begin(db, e) < 0)
		return -1;
	id = set_all(db, p, e);
	if (inside)
		return id;
	if (id < 0)
		db_rollback(db);
	else if (db_commit(db, e) < 0)
		id = -1;
	return id;
}

/* --- reading -------------------------------------------------------------- */

static int by_line(const void *a, const void *b)
{
	const struct price_line *x = a, *y = b;
	int c = (int)x->line - (int)y->line;

	c = c ? c : strcmp(x->variant, y->variant);
	return c ? c :
		   (x->from_tok > y->from_tok) - (x->from_tok < y->from_tok);
}

/* A line whose name a newer version brought is not ours to charge by. */
static int read_lines(struct db *db, struct price *p, struct arena *arena,
		      struct err *e)
{
	struct stored *rows = NULL;
	struct price_line *lines;
	int n = db_rows(db, db_bind(db, ST_PRICE_LINES, "i", p->id), &line_cols,
			&rows, arena, e);

	if (n < 0)
		return -1;
	lines = ARENA_ARRAY(arena, struct price_line, n + 1);
	p->lines = lines;
	for (int i = 0; i < n; i++) {
		enum line l = line_named(str_of(rows[i].line));

		if (l == LINE_none)
			return err_set(e, ERR_DB,
				       "price %lld has a line \"%.40s\" that "
				       "this version does not know",
				       (long long)p->id, rows[i].line);
		lines[i] =
			(struct price_line){ p->id, l, rows[i].variant,
					     rows[i].from_tok, rows[i].nusd };
	}
	p->n_lines = n;
	if (n)
		qsort(lines, (size_t)n, sizeof(*lines), by_line);
	return 0;
}

static int read_rows(struct db *db, struct sqlite3_stmt *st, struct price **out,
		     struct arena *arena, struct err *e)
{
	int n = db_rows(db, st, &cols, out, arena, e);

	for (int i = 0; i < n; i++)
		if (read_lines(db, &(*out)[i], arena, e) < 0)
			return -1;
	return n;
}

static int read_row(struct db *db, struct sqlite3_stmt *st, struct price *p,
		    struct arena *arena, struct err *e)
{
	int rc = db_row(db, st, &cols, p, arena, e);

	return rc > 0 && read_lines(db, p, arena, e) < 0 ? -1 : rc;
}

int price_list(struct db *db, int64_t at_ms, struct price **out,
	       struct arena *arena, struct err *e)
{
	return read_rows(db, db_bind(db, ST_PRICE_LIST, "i", at_ms), out, arena,
			 e);
}

int price_at(struct db *db, const char *model, int64_t at_ms, struct price *p,
	     struct arena *arena, struct err *e)
{
	return read_row(db, db_bind(db, ST_PRICE_AT, "si", model, at_ms), p,
			arena, e);
}

int price_all(struct db *db, int64_t at_ms, struct price **out,
	      struct arena *arena, struct err *e)
{
	return read_rows(db, db_bind(db, ST_PRICE_ALL, "i", at_ms), out, arena,
			 e);
}

int price_history(struct db *db, const char *model, struct price **out,
		  struct arena *arena, struct err *e)
{
	return read_rows(db, db_bind(db, ST_PRICE_HISTORY, "s", model), out,
			 arena, e);
}

int price_get(struct db *db, int64_t id, struct price *p, struct arena *arena,
	      struct err *e)
{
	int rc = read_row(db, db_bind(db, ST_PRICE_GET, "i", id), p, arena, e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no price %lld",
			    (long long)id);
}
