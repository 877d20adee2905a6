/* front.h - the web server's side: connections, and threads that read them.
 *
 * A connection is in one place at a time: with the loop (idle, or answering)
 * or with a thread of the front (reading a request).  The loop accepts,
 * watches and writes; a thread reads the head and the body, runs the
 * handler, and whoever the handler gave the request to owns it from then on.
 * Nothing here decides anything.
 *
 * front.c is the only file that knows libfcgi, and one of the two with a lock.
 * A plain CGI program has one connection, front_cgi.h's.
 */
#ifndef FCGI_FRONT_H
#define FCGI_FRONT_H

#include "record.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

struct front;
struct conn;

/* A request's head as the web server gave it.  Absent ones are STR_NONE;
 * the texts are there until the handler returns. */
struct head {
	struct str method, uri, path; /* path: uri without the query, raw */
	struct str query;             /* what stands behind the '?' */
	struct str script;            /* SCRIPT_NAME: the program's address */
	struct str address;           /* REMOTE_ADDR, never a header */
	struct str authorization, content_type, content_encoding;
	struct str content_length, idempotency_key, accept;
	struct str channel;  /* X-Pontage-Channel; STR_NONE: not said */
	struct str deadline; /* X-Pontage-Deadline-Ms, the same */
	struct str waited_from, waited_header; /* waited.h */
	int64_t read_wall_ms, read_mono_ms;    /* when it was read */
};

/* Runs on a front's thread, with the head and the whole body.  It takes the
 * body (front keeps nothing of it) and passes the connection on: from its
 * return the connection belongs to somebody else.  e: what was wrong with the
 * request so far (ERR_NONE: nothing); the answer is the handler's business. */
typedef void front_handler(void *thread, struct conn *c,
			   const struct head *head, struct buf *body,
			   const struct err *e);

struct front_hooks {
	front_handler *handle;
	void *(*thread_new)(void *arg); /* a thread's own things */
	void (*thread_free)(void *thread);
	/* Bytes of bodies that are held anywhere; those that are being read
	 * are counted in until the handler has them.  Past max_bodies one is
	 * read to its end but not kept: ERR_OVERLOADED. */
	_Atomic int64_t *body_bytes;
	int64_t max_bodies;
	void *arg;
};

/* The listening socket is made non-blocking; the threads are started. */
struct front *front_open(int listen_fd, const struct conf *conf,
			 const struct front_hooks *hooks);
void front_stop(struct front *f); /* waits for its threads */

/* --- the loop's side --- */

/* The next connection, which the loop watches until it is readable; NULL:
 * none now (*retry_ms > 0: out of descriptors, ask again so much later). */
struct conn *front_accept(struct front *f, int *retry_ms);
int front_fd(const struct conn *c);
/* The event that says that the client is gone: EPOLLRDHUP, or only EPOLLERR
 * where the web server half-closes while it still wants the answer. */
uint32_t front_gone(const struct conn *c);
void front_own(struct conn *c, void *owner); /* a pointer for the loop */
void *front_owner(const struct conn *c);
/* Will the web server send another request on it?  Then it is watched again
 * when the answer is out, otherwise closed. */
bool front_keeps(const struct conn *c);
/* It is readable: a thread reads the request, from front_turn() on.  False:
 * too many wait already; the connection has been closed. */
bool front_read(struct front *f, struct conn *c);
void front_turn(struct front *f); /* at the end of the loop's turn */
/* To be asked again after FRONT_TURN_MS while it says that somebody waits for
 * a thread: those that are held up by slow uploads are replaced. */
#define FRONT_TURN_MS 2
bool front_relieve(struct front *f);
void front_close(struct conn *c);

/* Sends pieces of the answer, never waiting; see record_send().  What it has
 * not taken the caller keeps, and brings again before anything that follows. */
#define FRONT_PIECES RECORD_PIECES
enum record_sent front_send(struct conn *c, const struct str *piece, int n,
			    bool last, size_t *took);
#endif
