/* call.h - calls of upstreams over HTTP; the owner of libcurl.
 *
 * Streams are spread over several multi handles (one with thousands of idle
 * streams is slow), whole answers share one (they reuse its connections).
 * HTTP/1.1 only.  A name is looked up once at a time however many wait for
 * it, and a call that is cancelled while its name is looked up is kept, dead,
 * until the answer is there: the loop never waits for a resolver.
 *
 * The hooks run inside call_... and timer functions of the loop's thread.
 * From inside a hook only call_cancel() and call_start() may be called: both
 * take effect when libcurl has returned.
 */
#ifndef FCGI_CALL_H
#define FCGI_CALL_H

#include "poller.h"

#include "base/conf.h"
#include "relay/relay.h"

struct calls;
struct call;

struct call_hooks {
	void (*head)(void *arg, int status, const struct relay_header *h,
		     int n);
	/* False: hold the upstream back until call_resume(). */
	bool (*data)(void *arg, const char *p, size_t n);
	/* The last one; the call is gone when it returns. */
	void (*end)(void *arg, struct relay_result r);
};

struct calls *calls_open(struct poller *p, const struct conf *conf);
/* Connections to upstreams that may stay open for reuse, about. */
void calls_keep(struct calls *cs, int64_t n);
void calls_close(struct calls *cs); /* all calls have ended */

/* what->url, head and body stay valid until the call has ended. */
struct call *call_start(struct calls *cs, const struct relay_call *what,
			const struct call_hooks *hooks, void *arg);
void call_cancel(struct call *c); /* no hook is heard any more */
void call_resume(struct call *c);
/* The answer has begun and all of what->body has been read: it may go. */
bool call_sent(const struct call *c);
/* Once a turn of the loop: begins what was started, buries what ended. */
void calls_turn(struct calls *cs);

#endif
