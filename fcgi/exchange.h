/* exchange.h - one request inside relay.fcgi, from its head to its bill.
 *
 * It belongs to one thread at a time: an acceptor fills it in (prep.c), the
 * writer commits its reservation, the loop carries it (loop.c, exchange.c), the
 * writer settles it, and the loop frees it when the client has everything
 * and the bill is in the database.
 */
#ifndef FCGI_EXCHANGE_H
#define FCGI_EXCHANGE_H

#include "attempt.h"
#include "call.h"
#include "front.h"
#include "limits.h"
#include "once.h"
#include "poller.h"
#include "tokens.h"

#include "base/conf.h"
#include "base/rand.h"
#include "policy/bill.h"
#include "policy/book.h"
#include "relay/relay.h"
#include "store/ledger.h"
#include "store/token.h"

struct loop;
struct played;

/* A web server's connection as the loop sees it. */
struct client {
	struct watch watch;
	struct loop *loop;
	struct conn *conn;
	struct exchange *x; /* NULL: it waits for a request */
	bool reading;       /* a thread has it */
	bool closed;        /* by libfcgi, where no request came */
	bool hangs_up;      /* the answer ends with the connection */
	int place;          /* in the loop's list */
	int64_t queued_ms;  /* it came no earlier; 0: nobody knows */
};

/* What the writer does for an exchange, one after the other.  Not inside of it:
 * there is none while a stream runs. */
struct exchange_op {
	union {
		struct reserve_op reserve;
		struct settle_op settle;
		struct refuse_op refusal;
	};
	struct exchange *x;
};

/* What it has delivered by now, on its way to the database. */
struct note {
	struct progress_op op;
	struct arena texts; /* of op */
	struct exchange *x;
};

struct exchange {
	struct exchange *next; /* on its way to the loop; or among the dirty */
	struct loop *loop;
	struct client *client; /* NULL: gone */
	bool lost;             /* the connection broke while it was read */
	bool working;          /* it is counted among those in work */
	struct arena arena;
	struct buf body;
	char request_id[RAND_REQUEST_ID];

	/* what the acceptor found out */
	const struct endpoint *endpoint;
	const struct token *token; /* the acceptor's, while it is there */
	struct book *book;
	struct ask ask;
	struct route route; /* the candidates and why */
	struct book_price price;
	struct bill_ask bill; /* of ask and price */
	struct tokens tokens; /* our counts */
	struct relay_plan plan;
	struct limits limits;   /* of the caller */
	struct attempt attempt; /* the one under way */
	bool last_resort; /* all that could serve cool down: try them anyway */
	int64_t retry_ms; /* where it is refused: when to try again; -1, or
			     ANSWER_NEVER */

	/* the ledger's */
	struct request row;
	struct exchange_op *op;      /* NULL: it runs */
	int64_t wanted_nusd;         /* to be reserved; it may be less */
	struct extending *extending; /* budget.c's; NULL: it asks for nothing */
	struct once *once; /* NULL: the client sent no Idempotency-Key */
	bool refused;      /* the row says so, and is to be written */
	bool settled;      /* the bill is in */
	struct note *note; /* that is being written; NULL: none */
	struct timer note_timer;

	/* the relay's world */
	struct relay relay;
	bool relaying;
	struct timer timer;
	struct call *call;
	struct played *played; /* the test provider's part */

	/* towards the client */
	struct buf out;    /* what it has not got yet */
	size_t out_at;     /* of out, already sent */
	struct str kept;   /* comes after out; lives in the relay */
	bool dirty, ended; /* to be flushed this turn; nothing follows */
	bool ending;       /* its end is on the way to the client */
	bool held_back;    /* the upstream is */
};

struct exchange *exchange_new(struct loop *loop, struct client *client);
void exchange_free(struct exchange *x);
/* A new x->op, instead of the one that is over. */
void exchange_new_op(struct exchange *x);

/* On the loop. */
void exchange_begin(struct exchange *x);  /* the reservation has come back */
void exchange_answer(struct exchange *x); /* out is all there is to say */
/* Makes out the answer to an error, and the row that of a refusal. */
void exchange_refuse(struct exchange *x, const struct err *e);
/* As much as the client takes.  Only for the loop, which has taken it off the
 * list of the dirty; everybody else says loop_dirty(). */
void exchange_flush(struct exchange *x);
void exchange_client_gone(struct exchange *x);
void exchange_stop(struct exchange *x, const struct err *why);
/* The relay may hear its upstream again, or has ended meanwhile. */
void exchange_resume(struct exchange *x);

#endif
