/* account.c - see account.h. */
#include "account.h"

#include "loop.h"

#include "base/clock.h"
#include "http/query.h"
#include "policy/receipt.h"
#include "policy/spending.h"
#include "policy/who.h"
#include "store/spend.h"
#include "json/jw.h"

#define BODY_MAX ((size_t)16 << 20)

/* What an answer is made of. */
struct asked {
	struct exchange *x;
	struct db *db;
	const struct head *head;
	const char *name;
	struct buf body;
	int status;
	const char *type;
};

/* --- the models a key may use ------------------------------------------------ */

static const struct book_channel *seen_at(const struct exchange *x,
					  const struct book_model *m)
{
	for (int i = 0; i < m->n_seats; i++)
		if (m->seats[i].channel->usable &&
		    book_on_list(m->seats[i].channel->groups,
				 str_of(x->token->group)))
			return m->price.id ? m->seats[i].channel : NULL;
	return NULL;
}

/* Which channel, or a fallback's, serves it to the key; NULL: it may not see
 * the model. */
static const struct book_channel *may_see(const struct exchange *x,
					  const struct book_model *m)
{
	const struct book_channel *ch = seen_at(x, m);
	struct err e = { 0 };

	if (who_may_use(x->token, str_of(m->name), &e) < 0)
		return NULL;
	for (int i = 0; i < m->n_fallbacks && !ch; i++)
		if (!*m->fallbacks[i].group ||
		    !strcmp(m->fallbacks[i].group, x->token->group))
			ch = seen_at(x, m->fallbacks[i].to);
	return ch;
}

static void put_model(struct jw *w, const struct book_model *m,
		      const struct book_channel *at)
{
	jw_object(w, NULL);
	jw_str(w, "id", m->name);
	jw_str(w, "object", "model");
	jw_int(w, "created", 0);
	jw_str(w, "owned_by", at->provider->id);
	jw_end(w);
}

static int take_book(struct asked *a, struct err *e)
{
	struct exchange *x = a->x;

	x->book = book_take(x->loop->shelf, a->db, x->token->config_version, e);
	return x->book ? 0 : -1;
}

static int list_models(struct asked *a, struct err *e)
{
	const struct exchange *x = a->x;
	const struct book_channel *at;
	struct jw w;

	if (take_book(a, e) < 0)
		return -1;
	jw_start(&w, &a->body);
	jw_object(&w, NULL);
	jw_str(&w, "object", "list");
	jw_array(&w, "data");
	for (int i = 0; i < x->book->n_models; i++) {
		at = may_see(x, x->book->models[i]);
		if (at)
			put_model(&w, x->book->models[i], at);
	}
	jw_end(&w);
	jw_end(&w);
	return 0;
}

static int show_model(struct asked *a, struct err *e)
{
	const struct book_channel *at = NULL;
	const struct book_model *m;
	struct jw w;

	if (take_book(a, e) < 0)
		return -1;
	m = book_model(a->x->book, str_of(a->name));
	if (m)
		at = may_see(a->x, m);
	if (!at)
		return err_param(e, ERR_MODEL, "model",
				 "The model '%.64s' does not exist or you do "
				 "not have access to it.",
				 a->name);
	jw_start(&w, &a->body);
	put_model(&w, m, at);
	return 0;
}

/* --- receipts ------------------------------------------------------------------ */

/* ?format= decides, else what the client would rather have. */
static int wants_text(const struct head *head, bool *text, struct err *e)
{
	char format[16];
	int rc = query_get(head->query, "format", format, sizeof(format), e);

	if (rc < 0)
		return -1;
	*text = rc ? !strcmp(format, "text") :
		     str_starts(head->accept, "text/plain");
	if (rc && !*text && strcmp(format, "json") != 0)
		return err_param(e, ERR_VALUE, "format",
				 "Invalid value for 'format': want json or "
				 "text.");
	return 0;
}

/* Who pays may see it with any key of theirs; for others it does not exist. */
static int find_receipt(struct asked *a, struct receipt *r, struct err *e)
{
	int rc = receipt_read(r, a->db, a->name, &a->x->arena, e);

	if (rc < 0 && e->code != ERR_NOT_FOUND)
		return -1;
	if (rc == 0 && r->row->user_id == a->x->token->user_id)
		return 0;
	err_clear(e);
	return err_set(e, ERR_NOT_FOUND,
		       "There is no receipt %.40s, or it is not yours. The id "
		       "is the header X-Pontage-Receipt of an answer.",
		       a->name);
}

static int show_receipt(struct asked *a, struct err *e)
{
	struct receipt r;
	bool text;

	if (wants_text(a->head, &text, e) < 0 || find_receipt(a, &r, e) < 0)
		return -1;
	if (!receipt_is_final(&r))
		a->status = 202;
	if (text) {
		a->type = "text/plain; charset=utf-8";
		receipt_text(&r, false, &a->body);
	} else {
		receipt_json(&r, false, &a->body);
	}
	return 0;
}

/* --- money ------------------------------------------------------------------------ */

static int show_subscription(struct asked *a, struct err *e)
{
	(void)e;
	spending_subscription(a->x->token, &a->body);
	return 0;
}

static int show_total(struct asked *a, struct err *e)
{
	(void)e;
	spending_total(a->x->token, &a->body);
	return 0;
}

static int show_credit(struct asked *a, struct err *e)
{
	(void)e;
	spending_credit(a->x->token, &a->body);
	return 0;
}

static int show_usage(struct asked *a, struct err *e)
{
	const struct token *t = a->x->token;
	struct spending_range range;
	struct spend_ask ask;
	struct spend_day *days;
	char from[16], to[16];
	int n;

	if (query_get(a->head->query, "from", from, sizeof(from), e) < 0 ||
	    query_get(a->head->query, "to", to, sizeof(to), e) < 0 ||
	    spending_range(from, to, clock_wall_ms(), &range, e) < 0)
		return -1;
	ask = (struct spend_ask){ t->user_id, t->id, range.from_ms,
				  range.to_ms };
	n = spend_days(a->db, &ask, &days, &a->x->arena, e);
	if (n < 0)
		return -1;
	spending_days(t, &range, days, n, &a->body);
	return 0;
}

/* --- all of it ---------------------------------------------------------------------- */

static void answer(struct asked *a)
{
	struct exchange *x = a->x;
	struct relay_header h[] = {
		{ "Content-Type", str_of(a->type) },
		{ "x-request-id", str_of(x->request_id) },
		{ "Cache-Control", STR("no-store") },
	};

	answer_head(&x->out, a->status, h, COUNT(h));
	buf_add(&x->out, a->body.p, a->body.len);
}

int account_answer(struct exchange *x, struct db *db, const struct head *head,
		   const char *name, struct err *e)
{
	static int (*const acts[])(struct asked * a, struct err * e) = {
		[ACT_MODELS] = list_models,
		[ACT_MODEL] = show_model,
		[ACT_RECEIPT] = show_receipt,
		[ACT_SUBSCRIPTION] = show_subscription,
		[ACT_TOTAL] = show_total,
		[ACT_CREDIT] = show_credit,
		[ACT_USAGE] = show_usage,
	};
	struct asked a = { .x = x,
			   .db = db,
			   .head = head,
			   .name = name,
			   .status = 200,
			   .type = "application/json" };
	int rc;

	buf_init(&a.body, BODY_MAX);
	rc = acts[x->endpoint->act](&a, e);
	if (rc == 0 && !buf_ok(&a.body))
		rc = err_set(e, ERR_VALUE,
			     "The answer is too large; ask for less.");
	if (rc == 0)
		answer(&a);
	buf_release(&a.body);
	return rc;
}
