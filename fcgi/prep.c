/* prep.c - see prep.h. */
#include "prep.h"

#include "account.h"
#include "budget.h"
#include "plan.h"
#include "waited.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "policy/who.h"

#include <strings.h>

/* A thread's own. */
struct prep {
	struct loop *loop;
	struct db *db; /* while it is at a request */
	struct token token;
};

/* Ways into the database that nobody uses.  Threads that wait for the bytes of
 * a slow upload have none: there can be hundreds. */
static _Atomic(struct db *) spare_dbs[16];

static struct db *take_db(void)
{
	struct db *db = NULL;

	for (size_t i = 0; i < COUNT(spare_dbs) && !db; i++)
		db = atomic_exchange(&spare_dbs[i], NULL);
	return db;
}

static void give_db(struct db *db)
{
	struct db *none;

	for (size_t i = 0; i < COUNT(spare_dbs); i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&spare_dbs[i], &none, db))
			return;
	}
	db_close(db);
}

static void *thread_new(void *arg)
{
	struct prep *p = mem_alloc(sizeof(*p));

	p->loop = arg;
	return p;
}

static void thread_free(void *thread)
{
	struct prep *p = thread;

	free(p);
}

/* --- refusals ----------------------------------------------------------------- */

/* At most so many log rows a second and key; what is more is only counted.
 * A slot is shared by keys of the same remainder: a little too strict. */
static bool may_log(const struct loop *l, int64_t token_id)
{
	static _Atomic uint64_t slots[1024]; /* second << 16 | rows in it */
	_Atomic uint64_t *slot = &slots[(uint64_t)token_id % COUNT(slots)];
	uint64_t second = (uint64_t)clock_mono_ms() / 1000;
	uint64_t was = atomic_load(slot), is;

	do {
		is = was >> 16 == second ? was + 1 : second << 16 | 1;
		if ((is & 0xffff) > (uint64_t)l->conf->refused_rows_per_s)
			return false;
	} while (!atomic_compare_exchange_weak(slot, &was, is));
	return true;
}

/* Somebody's, who wanted something that costs. */
static bool is_worth_a_row(const struct loop *l, const struct exchange *x)
{
	return x->row.token_id && x->endpoint->act == ACT_RELAY &&
	       may_log(l, x->row.token_id);
}

static void refuse(struct exchange *x, const struct err *e)
{
	struct loop *l = x->loop;

	exchange_refuse(x, e);
	x->refused = is_worth_a_row(l, x);
	shared_count(l->slot, SHARED_refused, 1);
	loop_give(l, x);
}

/* --- who, and how the request may look ------------------------------------------- */

/* A request that has waited long already would only make it worse. */
static int check_age(const struct loop *l, const struct exchange *x,
		     const struct head *head, struct err *e)
{
	if (waited_ms(head, x->client->queued_ms) <= l->conf->queue_age_ms)
		return 0;
	return err_set(e, ERR_OVERLOADED,
		       "The gateway is overloaded: the request waited too "
		       "long. Try again in a moment.");
}

/* Those that are being refused are no reason to refuse the next one. */
static int take_place(struct loop *l, struct exchange *x, struct err *e)
{
	int64_t max = l->max_inflight, others = l->elsewhere;

	if (l->conf->max_requests && !l->once) {
		max = l->conf->max_requests;
		others = fair_others(&l->fair, clock_mono_ms());
	}
	x->working = true;
	if (atomic_fetch_add(&l->working, 1) + others < max)
		return 0;
	x->working = false;
	atomic_fetch_sub(&l->working, 1);
	return err_set(e, ERR_OVERLOADED,
		       "The gateway is overloaded: %lld requests are under "
		       "way. Try again in a moment.",
		       (long long)max);
}

static int check_load(struct loop *l, struct exchange *x,
		      const struct head *head, struct err *e)
{
	if (take_place(l, x, e) < 0)
		return -1;
	if (memory_short(&l->memory))
		return err_set(e, ERR_OVERLOADED,
			       "The gateway is overloaded: its memory is used "
			       "up. Try again in a moment.");
	if (atomic_load(&l->body_bytes) > l->max_bodies)
		return err_set(
			e, ERR_OVERLOADED,
			"The gateway is overloaded: too many large "
			"requests are under way. Try again in a moment.");
	return check_age(l, x, head, e);
}

static int check_content(const struct head *head, struct err *e)
{
	struct str rest = head->content_type, type, charset;

	if (head->content_encoding.n &&
	    !str_ieq(head->content_encoding, "identity"))
		return err_set(e, ERR_CONTENT_ENCODING,
			       "Unsupported content encoding: send the body "
			       "uncompressed.");
	if (!rest.p || !str_next(&rest, ';', &type) ||
	    !str_ieq(str_trim(type), "application/json"))
		return err_set(e, ERR_CONTENT_TYPE,
			       "Unsupported content type: '%.*s'. This API "
			       "method only accepts 'application/json' "
			       "requests. Set the header 'Content-Type: "
			       "application/json'.",
			       (int)MIN(head->content_type.n, 64),
			       head->content_type.p ? head->content_type.p :
						      "");
	while (str_next(&rest, ';', &charset)) {
		charset = str_trim(charset);
		if (charset.n > 8 && !strncasecmp(charset.p, "charset=", 8) &&
		    !str_ieq((struct str){ charset.p + 8, charset.n - 8 },
			     "utf-8"))
			return err_set(e, ERR_CONTENT_TYPE,
				       "Unsupported content type: JSON is sent "
				       "in UTF-8.");
	}
	return 0;
}

/* A worker that serves could open it when it started: now descriptors or
 * memory are short. */
static int open_db(struct prep *p, struct err *e)
{
	const struct loop *l = p->loop;
	struct err why = { 0 };

	p->db = take_db();
	if (!p->db) /* with all statements it would be ten times as large */
		p->db = db_open(l->conf->db_path, DB_READ, false, &why);
	if (p->db)
		return 0;
	log_error("relay.database", LOG_S("cause", why.msg));
	if (l->once)
		return err_set(e, why.code, "%s", why.msg);
	return err_set(e, ERR_OVERLOADED,
		       "The gateway cannot reach its database now. Try again "
		       "in a moment.");
}

static int check_who(struct prep *p, struct exchange *x,
		     const struct head *head, struct err *e)
{
	struct token *t = &p->token;
	int rc;

	if (!p->db && open_db(p, e) < 0)
		return -1;
	*t = (struct token){ 0 };
	rc = who_check(p->db, head->authorization, head->address,
		       clock_wall_ms(), t, &x->arena, e);
	x->token = t;
	if (!t->id)
		return rc;
	x->row.user_id = t->user_id;
	x->row.account_id = t->account_id;
	x->row.token_id = t->id;
	x->row.group = t->group;
	return rc;
}

/* --- a request for an upstream --------------------------------------------------------- */

static int read_ask(struct prep *p, struct exchange *x, struct err *e)
{
	const struct conf *c = p->loop->conf;
	struct scan_limits lim = { .depth = (int)c->json_depth,
				   .values = c->json_nodes,
				   .keys = c->json_keys };

	if (ask_read(&x->ask, x->endpoint->asks, buf_span(&x->body), &lim,
		     &x->arena, e) < 0)
		return -1;
	x->row.model_asked = arena_dup(&x->arena, x->ask.model);
	x->row.stream = x->ask.stream;
	return 0;
}

static void reserve(struct prep *p, struct exchange *x)
{
	struct loop *l = p->loop;

	x->row.worker_id = l->worker_id;
	exchange_new_op(x);
	reserve_op_init(&x->op->reserve, &x->row,
			clock_mono_ms() + l->conf->reserve_ms);
	budget_reserve(x);
	x->op->reserve.op.done = loop_reserved;
	once_reserve(x);
	shared_count(l->slot, SHARED_requests, 1);
	writer_put(l->writer, &x->op->reserve.op);
}

/* Before model, channels and money: the answer that is there was paid. */
/* What is left of the disk is for what runs. */
static int check_room(struct loop *l, struct err *e)
{
	if (disk_check(&l->disk, e) == 0)
		return 0;
	shared_count(l->slot, SHARED_storage_refused, 1);
	return -1;
}

static int replayed(struct prep *p, struct exchange *x, const struct head *head,
		    struct err *e)
{
	int rc = once_begin(x, p->db, head, e);

	if (rc > 0)
		loop_give(p->loop, x);
	return rc;
}

static int relay_request(struct prep *p, struct exchange *x,
			 const struct head *head, struct err *e)
{
	int rc;

	if (check_content(head, e) < 0 || read_ask(p, x, e) < 0)
		return -1;
	rc = replayed(p, x, head, e);
	if (rc)
		return MIN(rc, 0);
	if (check_room(p->loop, e) < 0)
		return -1;
	x->book = book_take(p->loop->shelf, p->db, x->token->config_version, e);
	if (!x->book || who_may_use(x->token, x->ask.model, e) < 0 ||
	    plan_make(x, head, e) < 0)
		return -1;
	/* A free model needs no money; the rest is for the reservation. */
	if (x->row.reserved_nusd &&
	    who_has_money(x->token, x->row.reserved_nusd, e) < 0)
		return -1;
	if (limits_take(x, e) < 0)
		return -1;
	reserve(p, x);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

static int act(struct prep *p, struct exchange *x, const struct head *head,
	       const char *name, struct err *e)
{
	if (x->endpoint->act == ACT_RELAY)
		return relay_request(p, x, head, e);
	if (account_answer(x, p->db, head, name, e) < 0)
		return -1;
	loop_give(p->loop, x);
	return 0;
}

/* What is wrong with the address is said before what is wrong with the key,
 * and both before what is wrong with the body. */
static int prepare(struct prep *p, struct exchange *x, const struct head *head,
		   const struct err *so_far, struct err *e)
{
	char name[512];

	if (head->uri.n > (size_t)p->loop->conf->max_uri_bytes)
		return err_set(e, ERR_BAD_HTTP, "The address is too long.");
	x->endpoint =
		endpoint_find(head->method, head->path, name, sizeof(name), e);
	if (!x->endpoint)
		return -1;
	x->row.endpoint = x->endpoint->name;
	if (check_load(p->loop, x, head, e) < 0 || check_who(p, x, head, e) < 0)
		return -1;
	if (so_far->code) {
		*e = *so_far;
		return -1;
	}
	return act(p, x, head, name, e);
}

static void handle(void *thread, struct conn *c, const struct head *head,
		   struct buf *body, const struct err *so_far)
{
	struct prep *p = thread;
	struct exchange *x = exchange_new(p->loop, front_owner(c));
	struct err e = { 0 };

	x->body = *body;
	atomic_fetch_add(&p->loop->body_bytes, (int64_t)x->body.len);
	shared_count(p->loop->slot, SHARED_bytes_in, (int64_t)x->body.len);
	x->row.request_id = x->request_id;
	x->row.started_ms = clock_wall_ms();
	x->row.address = arena_dup(&x->arena, head->address);
	if (so_far->code == ERR_CLIENT_GONE) {
		x->lost = true;
		loop_give(p->loop, x);
		return;
	}
	log_request(x->request_id);
	if (prepare(p, x, head, so_far, &e) < 0)
		refuse(x, &e);
	if (p->db)
		give_db(p->db);
	p->db = NULL;
	log_request(NULL);
}

struct front_hooks prep_hooks(struct loop *l)
{
	return (struct front_hooks){ .handle = handle,
				     .thread_new = thread_new,
				     .thread_free = thread_free,
				     .body_bytes = &l->body_bytes,
				     .max_bodies = l->max_bodies,
				     .arg = l };
}
