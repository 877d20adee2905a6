/* front_in.h - what front.c and front_cgi.c share; nobody else's. */
#ifndef FCGI_FRONT_IN_H
#define FCGI_FRONT_IN_H

#include "front.h"

/* How an answer travels; the functions of front.h, by kind of connection. */
struct wire {
	bool (*keeps)(const struct conn *c);
	enum record_sent (*send)(struct conn *c, const struct str *piece, int n,
				 bool last, size_t *took);
	void (*close)(struct conn *c);
	uint32_t gone; /* see front_gone() */
};

struct conn { /* first member of each kind */
	const struct wire *wire;
	void *owner;
	int fd; /* that the loop watches */
};

/* A body on its way in, and how long it may take. */
struct upload {
	int64_t began_ms, body_ms, min_rate;
	int64_t got, want; /* bytes; want -1: not said */
	/* Of all bodies that are held, and how many may be; NULL: no matter. */
	_Atomic int64_t *all;
	int64_t all_max;
	bool crowded; /* there was no room for it */
};

int upload_too_slow(const struct upload *u, struct err *e);
int upload_whole(const struct upload *u, bool broken, struct err *e);

#endif
