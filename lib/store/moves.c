/* moves.c - see moves.h. */
#include "store/moves.h"

#include "base/clock.h"
#include "base/nusd.h"
#include "db/db.h"
#include "sql.h"
#include "store/budget.h"
#include "store/ledger.h"

static const struct kind {
	const char *name;
	bool either_way; /* an amount below zero takes money back */
} kinds[] = {
	{ "grant", false },
	{ "topup", false },
	{ "redeem", false },
	{ "adjust", true },
};

/* --- a txn of two entries ------------------------------------------------------ */

static int no_account(int64_t id, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no account %lld",
		       (long long)id);
}

/* The new txn's id. */
static int64_t begin_txn(struct db *db, const struct move *m, struct err *e)
{
	struct sqlite3_stmt *st;
	int64_t id;

	if (db_int(db, db_bind(db, ST_TXN_NEXT, ""), &id, e) < 0)
		return -1;
	st = db_bind(db, ST_TXN_ADD, "isisss", id, m->kind, clock_wall_ms(),
		     m->actor ? m->actor : "", m->reason ? m->reason : "",
		     m->ref);
	return db_run(db, st, e) < 0 ? -1 : id;
}

static int entry(struct db *db, int64_t txn_id, int64_t account_id,
		 int64_t amount_nusd, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_ACCOUNT_ADD, "ii", amount_nusd, account_id);
	int n = db_run(db, st, e);

	if (n <= 0)
		return n ? -1 : no_account(account_id, e);
	st = db_bind(db, ST_ENTRY_ADD, "iii", txn_id, account_id, amount_nusd);
	return db_run(db, st, e) < 0 ? -1 : 0;
}

/* The balances of both sides move with it. */
static int64_t post(struct db *db, const struct move *m, int64_t from_id,
		    struct err *e)
{
	int64_t id = begin_txn(db, m, e);

	if (id < 0 || entry(db, id, from_id, -m->amount_nusd, e) < 0 ||
	    entry(db, id, m->account_id, m->amount_nusd, e) < 0)
		return -1;
	return id;
}

/* --- grants, top-ups, adjustments ------------------------------------------------ */

static int check(const struct move *m, struct err *e)
{
	const struct kind *kind = NULL;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (!strcmp(kinds[i].name, m->kind))
			kind = &kinds[i];
	if (!kind)
		return err_set(e, ERR_VALUE, "%s is no movement", m->kind);
	if (m->amount_nusd == 0 || m->account_id == LEDGER_ISSUED)
		return err_set(e, ERR_VALUE, "there is nothing to move");
	if (m->amount_nusd < 0 && !kind->either_way)
		return err_set(e, ERR_VALUE,
			       "a %s gives: adjust takes money back", m->kind);
	if (m->amount_nusd < -NUSD_MAX || m->amount_nusd > NUSD_MAX)
		return err_set(e, ERR_VALUE, "too much to be moved at once");
	return 0;
}

struct done {
	int64_t txn_id, account_id, amount_nusd;
};

static const struct db_cols done_cols =
	DB_COLS(struct done, DB_INT(done, txn_id), DB_INT(done, account_id),
		DB_INT(done, amount_nusd));

/* The txn that was posted under the ref; 0: none. */
static int64_t done_before(struct db *db, const struct move *m, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_MOVES_BY_REF, "si", m->ref, m->account_id);
	int64_t taken = 0;
	struct done d;
	int rc = db_row(db, st, &done_cols, &d, NULL, e);

	if (rc < 0)
		return -1;
	if (rc && d.amount_nusd == m->amount_nusd)
		return d.txn_id;
	if (db_int(db, db_bind(db, ST_MOVES_REF_TAKEN, "s", m->ref), &taken,
		   e) < 0)
		return -1;
	return taken ? err_set(e, ERR_EXISTS,
			       "%s has been done already, and was something "
			       "else: another amount or another account",
			       m->ref) :
		       0;
}

/* Takes nothing: says whether it could be taken. */
static int check_free(struct db *db, const struct move *m, struct err *e)
{
	int n;

	if (m->amount_nusd > 0 || m->below_zero)
		return 0;
	n = db_run(db,
		   db_bind(db, ST_MOVES_TAKE, "ii", -m->amount_nusd,
			   m->account_id),
		   e);
	if (n <= 0)
		return n ? -1 :
			   err_set(e, ERR_NO_FUNDS,
				   "the account has not that much that is not "
				   "held: take less, or say --below-zero");
	n = db_run(db,
		   db_bind(db, ST_ACCOUNT_ADD, "ii", -m->amount_nusd,
			   m->account_id),
		   e);
	return n < 0 ? -1 : 0;
}

int64_t moves_post(struct db *db, struct move *m, struct err *e)
{
	int64_t id = 0;

	m->again = false;
	if (check(m, e) < 0)
		return -1;
	if (m->ref)
		id = done_before(db, m, e);
	m->again = id > 0;
	if (id || check_free(db, m, e) < 0)
		return id ? id : -1;
	return post(db, m, LEDGER_ISSUED, e);
}

int64_t moves_run(struct db *db, struct move *m, struct err *e)
{
	int64_t id;

	if (db_begin(db, e) < 0)
		return -1;
	id = moves_post(db, m, e);
	if (id >= 0)
		return db_commit(db, e) < 0 ? -1 : id;
	db_rollback(db);
	return -1;
}

int64_t moves_grant(struct db *db, int64_t account_id, int64_t amount_nusd,
		    const char *actor, const char *reason, const char *ref,
		    struct err *e)
{
	struct move m = { .kind = amount_nusd < 0 ? "adjust" : "grant",
			  .account_id = account_id,
			  .amount_nusd = amount_nusd,
			  .actor = actor,
			  .reason = reason,
			  .ref = ref,
			  .below_zero = true };
	int64_t id = moves_run(db, &m, e);

	if (id > 0 && m.again)
		return err_set(e, ERR_EXISTS, "%s has been done already", ref);
	return id;
}

/* --- refunds --------------------------------------------------------------------- */

struct paid { /* what a request paid, and who */
	int64_t id;
	const char *state;
	int64_t account_id, token_id, cost_nusd, refund_txn_id;
	bool rolled;
};

static const struct db_cols paid_cols =
	DB_COLS(struct paid, DB_INT(paid, id), DB_STR(paid, state),
		DB_INT(paid, account_id), DB_INT(paid, token_id),
		DB_INT(paid, cost_nusd), DB_INT(paid, refund_txn_id),
		DB_INT(paid, rolled));

static int find_paid(struct db *db, const char *request_id, struct paid *p,
		     struct arena *arena, struct err *e)
{
	int rc = db_row(db, db_bind(db, ST_MOVES_REFUNDABLE, "s", request_id),
			&paid_cols, p, arena, e);

	return rc ? MIN(rc, 0) :
		    err_set(e, ERR_NOT_FOUND,
			    "there is no request %s in the log", request_id);
}

static int check_refund(const struct paid *p, const struct refund *r,
			struct err *e)
{
	char cost[NUSD_TEXT];

	if (!strcmp(p->state, "open"))
		return err_set(e, ERR_VALUE, "%s has not ended yet",
			       r->request_id);
	if (p->refund_txn_id)
		return err_set(e, ERR_EXISTS,
			       "%s has been refunded already (txn %lld): "
			       "adjust the balance for more",
			       r->request_id, (long long)p->refund_txn_id);
	if (!p->cost_nusd)
		return err_set(e, ERR_VALUE, "%s cost nothing", r->request_id);
	if (r->amount_nusd < 0 || r->amount_nusd > p->cost_nusd)
		return err_set(e, ERR_VALUE, "%s cost $%s: refund no more",
			       r->request_id, nusd_text(p->cost_nusd, cost));
	return 0;
}

/* What counts use, but for accounts. */
static int take_off(struct db *db, const struct paid *p, int64_t txn_id,
		    int64_t amount_nusd, struct err *e)
{
	int n = db_run(db,
		       db_bind(db, ST_MOVES_REFUND_ROW, "iii", amount_nusd,
			       txn_id, p->id),
		       e);

	if (n <= 0)
		return n ? -1 : err_set(e, ERR_DB, "internal error");
	if (p->token_id && db_run(db,
				  db_bind(db, ST_MOVES_REFUND_TOKEN, "ii",
					  amount_nusd, p->token_id),
				  e) < 0)
		return -1;
	if (budget_refund(db, p->id, amount_nusd, e) < 0)
		return -1;
	if (!p->rolled)
		return 0;
	n = db_run(db,
		   db_bind(db, ST_MOVES_REFUND_HOUR, "ii", amount_nusd, p->id),
		   e);
	return n < 0 ? -1 : 0; /* 0: its hour is no longer kept */
}

static int64_t refund(struct db *db, struct refund *r, struct arena *arena,
		      struct err *e)
{
	struct move m = { .kind = "refund",
			  .actor = r->actor,
			  .reason = r->reason };
	struct paid p;
	int64_t id;

	if (find_paid(db, r->request_id, &p, arena, e) < 0 ||
	    check_refund(&p, r, e) < 0)
		return -1;
	if (!r->amount_nusd)
		r->amount_nusd = p.cost_nusd;
	m.account_id = p.account_id;
	m.amount_nusd = r->amount_nusd;
	id = post(db, &m, LEDGER_REVENUE, e);
	if (id < 0 || take_off(db, &p, id, r->amount_nusd, e) < 0)
		return -1;
	return id;
}

int64_t moves_refund(struct db *db, struct refund *r, struct err *e)
{
	struct arena arena;
	int64_t id;

	if (db_begin(db, e) < 0)
		return -1;
	arena_init(&arena);
	id = refund(db, r, &arena, e);
	arena_release(&arena);
	if (id >= 0)
		return db_commit(db, e) < 0 ? -1 : id;
	db_rollback(db);
	return -1;
}

/* --- an account's entries ----------------------------------------------------------- */

static const struct db_cols line_cols =
	DB_COLS(struct moves_line, DB_INT(moves_line, txn_id),
		DB_INT(moves_line, at_ms), DB_STR(moves_line, kind),
		DB_STR(moves_line, actor), DB_STR(moves_line, reason),
		DB_STR(moves_line, ref), DB_INT(moves_line, amount_nusd));

static int list(struct db *db, int64_t account_id, int64_t before_id, int limit,
		struct moves_line **out, struct arena *arena, struct err *e)
{
	struct sqlite3_stmt *st =
		db_bind(db, ST_MOVES_BALANCE, "ii", before_id, account_id);
	int64_t balance_nusd;
	int n, rc = db_int(db, st, &balance_nusd, e);

	if (rc <= 0)
		return rc ? -1 : no_account(account_id, e);
	n = db_rows(
		db,
		db_bind(db, ST_MOVES_LIST, "iid", account_id, before_id, limit),
		&line_cols, out, arena, e);
	for (int i = 0; i < n; i++) {
		(*out)[i].balance_nusd = balance_nusd;
		balance_nusd -= (*out)[i].amount_nusd;
	}
	return n;
}

int moves_list(struct db *db, int64_t account_id, int64_t before_id, int limit,
	       struct moves_line **out, struct arena *arena, struct err *e)
{
	int n;

	if (db_begin_read(db, e) < 0)
		return -1;
	n = list(db, account_id, before_id ? before_id : INT64_MAX, limit, out,
		 arena, e);
	db_rollback(db);
	return n;
}
