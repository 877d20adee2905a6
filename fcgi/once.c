/* once.c - see once.h. */
#include "once.h"

#include "loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "policy/same.h"

#define KEY_MAX 255

/* --- the key, and what it stands for ---------------------------------------- */

static int check_key(struct str key, struct err *e)
{
	bool good = key.n && key.n <= KEY_MAX;

	for (size_t i = 0; i < key.n; i++)
		good = good && key.p[i] > 0x20 && key.p[i] < 0x7f;
	return good ? 0 :
		      err_param(e, ERR_VALUE, "Idempotency-Key",
				"Idempotency-Key must be 1 to %d visible ASCII "
				"characters, without blanks.",
				KEY_MAX);
}

/* Method and path are the row's: two spellings of an address are one. */
static void hash_request(const struct exchange *x, uint8_t out[IDEM_HASH])
{
	uint8_t body[SAME_HASH];
	struct buf b;

	same_hash(buf_span(&x->body), body);
	buf_init(&b, 4096);
	buf_printf(&b, "%s %s\n", x->endpoint->method, x->endpoint->path);
	buf_add(&b, (const char *)body, sizeof(body));
	hash_sha256(b.p, b.len, out);
	buf_release(&b);
}

static int64_t since_ms(const struct exchange *x)
{
	return x->row.started_ms - x->loop->conf->idempotency_ms;
}

/* --- where it is taken --------------------------------------------------------- */

/* 0: it is free; 1: there is an answer; -1: neither. */
static int judge(const struct idem_found *f, struct err *e)
{
	const char *id = f->request_id ? f->request_id : "";

	switch (f->state) {
	case IDEM_FREE: return 0;
	case IDEM_ANSWERED: return 1;
	case IDEM_OTHER:
		return err_set(
			e, ERR_IDEM_REUSED,
			"This Idempotency-Key was used for another "
			"request (%s). Take a new key for a new request.",
			id);
	case IDEM_RUNNING:
		return err_set(e, ERR_IDEM_RUNNING,
			       "A request with this Idempotency-Key is still "
			       "running (%s). Try again when it has ended.",
			       id);
	case IDEM_DONE:
	default:
		return err_set(
			e, ERR_IDEM_DONE,
			"A request with this Idempotency-Key was "
			"processed already, and its answer was not kept. "
			"GET /receipt/%s says what it cost.",
			id);
	}
}

static void replay(struct exchange *x)
{
	const struct idem_found *f = &x->once->found;
	struct relay_header h[] = {
		{ "Content-Type", str_of(f->type) },
		{ "x-request-id", str_of(x->request_id) },
		{ "X-Pontage-Receipt", str_of(f->request_id) },
		{ "idempotent-replayed", STR("true") },
	};

	buf_clear(&x->out);
	answer_head(&x->out, (int)f->status, h, COUNT(h));
	buf_add(&x->out, f->answer.p, f->answer.n);
	log_info("relay.replayed", LOG_S("first", f->request_id),
		 LOG_I("token", x->row.token_id));
}

int once_begin(struct exchange *x, struct db *db, const struct head *head,
	       struct err *e)
{
	struct once *o;
	int rc;

	if (!head->idempotency_key.p)
		return 0;
	if (check_key(head->idempotency_key, e) < 0)
		return -1;
	o = x->once = ARENA_NEW(&x->arena, struct once);
	o->use.token_id = x->row.token_id;
	o->use.request_id = x->request_id;
	hash_sha256(head->idempotency_key.p, head->idempotency_key.n,
		    o->use.key);
	hash_request(x, o->use.body);
	if (idem_look(db, &o->use, since_ms(x), &o->found, &x->arena, e) < 0)
		return -1;
	rc = judge(&o->found, e);
	if (rc > 0)
		replay(x);
	return rc;
}

/* Streams are not kept; a plain CGI program is ended with its client. */
bool once_runs_on(const struct exchange *x)
{
	return x->once && !x->ask.stream && !x->loop->once &&
	       x->loop->conf->idempotency_answer_bytes > 0;
}

/* --- with the reservation --------------------------------------------------------- */

static int claim(struct db *db, void *arg, struct err *e)
{
	struct exchange *x = arg;
	struct once *o = x->once;
	int rc;

	if (idem_claim(db, &o->use, since_ms(x), &o->found, &x->arena, e) < 0)
		return -1;
	rc = judge(&o->found, e);
	if (rc > 0)
		return err_set(e, ERR_IDEM_DONE, "it was answered meanwhile");
	return rc;
}

void once_reserve(struct exchange *x)
{
	if (x->once)
		x->op->reserve.also = (struct ledger_also){ claim, x };
}

bool once_answered(struct exchange *x)
{
	if (!x->once || x->once->found.state != IDEM_ANSWERED)
		return false;
	replay(x);
	return true;
}

/* --- with the bill ------------------------------------------------------------------ */

/* A whole answer that is small enough. */
static struct str answer_of(const struct exchange *x)
{
	const struct relay_end *end = &x->relay.end;
	struct str whole = buf_span(&x->relay.held);

	if (x->ask.stream || !end->delivered || end->code ||
	    whole.n > (size_t)x->loop->conf->idempotency_answer_bytes)
		return STR_NONE;
	return whole;
}

static int keep_or_release(struct db *db, struct exchange *x, struct err *e)
{
	const struct once *o = x->once;
	const struct request *r = &x->row;

	if (!r->cost_nusd && *r->error)
		return idem_release(db, &o->use, e);
	return idem_keep(db, &o->use, r->status, answer_of(x),
			 "application/json", e);
}

/* Nothing may keep the bill from being written: what goes wrong here for good
 * is only logged, the request's own row tells the rest. */
static int end_claim(struct db *db, void *arg, struct err *e)
{
	struct exchange *x = arg;

	if (!keep_or_release(db, x, e))
		return 0;
	if (e->code == ERR_DB_BUSY || e->code == ERR_STORAGE)
		return -1;
	log_error("idem.end", LOG_S("id", x->request_id), LOG_S("why", e->msg));
	err_clear(e);
	return 0;
}

void once_settle(struct exchange *x)
{
	if (x->once)
		x->op->settle.also = (struct ledger_also){ end_claim, x };
}
