/* price.c - see price.h. */
#include "store/price.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"

static const struct db_cols cols =
	DB_COLS(struct price, DB_INT(price, id), DB_STR(price, model),
		DB_INT(price, from_ms), DB_INT(price, input_nusd),
		DB_INT(price, cached_nusd), DB_INT(price, output_nusd),
		DB_INT(price, free), DB_INT(price, context_tok),
		DB_INT(price, max_output_tok), DB_STR(price, note));

/* The same without the id, which the database makes. */
static const struct db_cols set_cols =
	DB_COLS(struct price, DB_STR(price, model), DB_INT(price, from_ms),
		DB_INT(price, input_nusd), DB_INT(price, cached_nusd),
		DB_INT(price, output_nusd), DB_INT(price, free),
		DB_INT(price, context_tok), DB_INT(price, max_output_tok),
		DB_STR(price, note));

int64_t price_set(struct db *db, const struct price *p, struct err *e)
{
	struct price row = *p;

	if (!row.from_ms)
		row.from_ms = clock_wall_ms();
	return db_insert(db, db_bind_row(db, ST_PRICE_SET, &set_cols, &row), e);
}

int price_list(struct db *db, int64_t at_ms, struct price **out,
	       struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_PRICE_LIST, "i", at_ms), &cols, out,
		       arena, e);
}

int price_at(struct db *db, const char *model, int64_t at_ms, struct price *p,
	     struct arena *arena, struct err *e)
{
	return db_row(db, db_bind(db, ST_PRICE_AT, "si", model, at_ms), &cols,
		      p, arena, e);
}

int price_all(struct db *db, int64_t at_ms, struct price **out,
	      struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_PRICE_ALL, "i", at_ms), &cols, out,
		       arena, e);
}

int price_history(struct db *db, const char *model, struct price **out,
		  struct arena *arena, struct err *e)
{
	return db_rows(db, db_bind(db, ST_PRICE_HISTORY, "s", model), &cols,
		       out, arena, e);
}

int price_get(struct db *db, int64_t id, struct price *p, struct arena *arena,
	      struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_PRICE_GET, "i", id), &cols, p, arena,
			e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND, "there is no price %lld",
			    (long long)id);
}
