/* history.h - a past for tests: requests that have ended, at chosen times. */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include "fixture.h"

#include "base/buf.h"
#include "db/writer.h"
#include "store/meta.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)

/* Reserves what r says and ends it as r says, in two commits. */
static inline void history_end(struct fixture *fx, struct request *r)
{
	struct ledger l = { .n = 0 };
	const struct writer_conf conf = { .before_commit = ledger_before_commit,
					  .after = ledger_after,
					  .arg = &l };
	struct request end = *r;
	struct reserve_op hold;
	struct settle_op settle;

	reserve_op_init(&hold, r, 0);
	if (writer_now(fx->db, &conf, &hold.op) < 0)
		fail_msg("reserve: %s", hold.op.err.msg);
	end.id = r->id;
	settle_op_init(&settle, &l, &end, 0);
	if (writer_now(fx->db, &conf, &settle.op) < 0)
		fail_msg("settle: %s", settle.op.err.msg);
}

/* A request of the fixture's user that cost so much. */
static inline void history_spend(struct fixture *fx, const char *id,
				 int64_t started_ms, int64_t cost_nusd)
{
	struct request r = fixture_request(fx, id, cost_nusd);
	struct request e = REQUEST_EMPTY;

	e.request_id = r.request_id;
	e.user_id = r.user_id;
	e.account_id = r.account_id;
	e.token_id = r.token_id;
	e.endpoint = r.endpoint;
	e.model_asked = r.model_asked;
	e.reserved_nusd = cost_nusd;
	e.worker_id = 1;
	e.started_ms = started_ms;
	e.cost_nusd = cost_nusd;
	e.prompt_tok = 10;
	e.completion_tok = cost_nusd;
	e.total_ms = 100;
	e.first_token_ms = 10;
	e.status = 200;
	history_end(fx, &e);
}

/* The first column of the first row of a query, by way of meta. */
static inline int64_t history_int(struct fixture *fx, const char *select)
{
	struct buf sql;
	int64_t n = 0;

	buf_init(&sql, 1 << 16);
	buf_printf(&sql,
		   "INSERT INTO meta (key, value) "
		   "VALUES ('test', coalesce((%s), 0)) "
		   "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		   select);
	MUST(fx, db_exec(fx->db, sql.p, &fx->e));
	buf_release(&sql);
	str_int(str_of(meta_get(fx->db, "test", &fx->arena, &fx->e)), INT64_MIN,
		INT64_MAX, &n);
	return n;
}

#endif
