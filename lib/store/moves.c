/* moves.c - see moves.h. */
#include "store/moves.h"

#include "base/clock.h"
#include "db/db.h"
#include "sql.h"
#include "store/ledger.h"

struct move {
	const char *kind;
	int64_t from_id, to_id, amount_nusd;
	const char *actor, *reason, *ref;
};

/* One side of it: the entry, and the balance that it changes. */
static int side(struct db *db, int64_t txn_id, int64_t account_id,
		int64_t amount_nusd, struct err *e)
{
	int n = db_run(
		db, db_bind(db, ST_ACCOUNT_ADD, "ii", amount_nusd, account_id),
		e);

	if (n <= 0)
		return n ? -1 :
			   err_set(e, ERR_NOT_FOUND, "there is no account %lld",
				   (long long)account_id);
	n = db_run(db,
		   db_bind(db, ST_ENTRY_ADD, "iii", txn_id, account_id,
			   amount_nusd),
		   e);
	return n < 0 ? -1 : 0;
}

static int64_t post(struct db *db, const struct move *m, struct err *e)
{
	struct sqlite3_stmt *st;
	int64_t id;

	if (db_int(db, db_bind(db, ST_TXN_NEXT, ""), &id, e) < 0)
		return -1;
	st = db_bind(db, ST_TXN_ADD, "isisss", id, m->kind, clock_wall_ms(),
		     m->actor ? m->actor : "", m->reason ? m->reason : "",
		     m->ref);
	if (db_run(db, st, e) < 0 ||
	    side(db, id, m->from_id, -m->amount_nusd, e) < 0 ||
	    side(db, id, m->to_id, m->amount_nusd, e) < 0)
		return -1;
	return id;
}

int64_t moves_grant(struct db *db, int64_t account_id, int64_t amount_nusd,
		    const char *actor, const char *reason, const char *ref,
		    struct err *e)
{
	const struct move m = { amount_nusd > 0 ? "grant" : "adjust",
				LEDGER_ISSUED,
				account_id,
				amount_nusd,
				actor,
				reason,
				ref };
	int64_t id;

	if (amount_nusd == 0 || account_id == LEDGER_ISSUED)
		return err_set(e, ERR_VALUE, "there is nothing to move");
	if (db_begin(db, e) < 0)
		return -1;
	id = post(db, &m, e);
	if (id >= 0)
		return db_commit(db, e) < 0 ? -1 : id;
	db_rollback(db);
	if (e->code == ERR_EXISTS) {
		err_clear(e);
		err_set(e, ERR_EXISTS, "%s has been done already", ref);
	}
	return -1;
}
