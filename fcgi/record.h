/* record.h - an answer as records of FastCGI, into a socket, without waiting.
 *
 * libfcgi would keep 8 KB for each answer under way and wait for a web server
 * that does not read; here the caller keeps the bytes until the socket has
 * them, and nothing is copied.
 *
 * Invariant: once a record has been begun its content is owed: the bytes that
 * were not taken come first in the next call.
 */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include "base/str.h"

#define RECORD_PIECES 2
#define RECORD_HEAD   8
#define RECORD_TAIL   24 /* the end of stdout, and of the request */

struct record {
	uint16_t id;            /* of the request */
	uint8_t n_head, n_tail; /* their bytes that have not gone */
	uint32_t left;          /* content that the record still owes */
	char head[RECORD_HEAD];
};

enum record_sent {
	RECORD_TAKEN, /* all that fits into one record, or all */
	RECORD_FULL,  /* come again when it is writable */
	RECORD_GONE,  /* nobody is there */
};

void record_init(struct record *r, int id);
/* At most RECORD_PIECES pieces; with `last` the end of the answer follows
 * them.  *took: how many of their bytes have gone. */
enum record_sent record_send(struct record *r, int fd, const struct str *piece,
			     int n, bool last, size_t *took);
bool record_over(const struct record *r); /* the end has gone, too */

#endif
