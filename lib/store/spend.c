/* spend.c - see spend.h. */
#include "store/spend.h"

#include "db/db.h"
#include "sql.h"

#define X(kind) DB_INT(spend_day, kind),
static const struct db_cols day_cols = DB_COLS(
	struct spend_day, DB_INT(spend_day, day_ms), DB_STR(spend_day, model),
	DB_INT(spend_day, requests), DB_INT(spend_day, prompt_tok),
	DB_INT(spend_day, cached_tok), DB_INT(spend_day, completion_tok),
	DB_INT(spend_day, reasoning_tok), DB_INT(spend_day, cost_nusd),
	DB_INT(spend_day, refunded_nusd), ROLLUP_KINDS(X));
#undef X

int spend_days(struct db *db, const struct spend_ask *ask,
	       struct spend_day **out, struct arena *arena, struct err *e)
{
	return db_rows(db,
		       db_bind(db, ST_SPEND_DAYS, "iiii", ask->from_ms,
			       ask->to_ms, ask->user_id, ask->token_id),
		       &day_cols, out, arena, e);
}
