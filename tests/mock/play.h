/* play.h - plays the steps of a fault into a buffer.
 *
 * No sockets: it fills `out` until there is enough, a pause, or an end, and
 * says which.
 */
#ifndef MOCK_PLAY_H
#define MOCK_PLAY_H

#include "answer.h"
#include "ask.h"
#include "fault.h"
#include "request.h"

enum play_next {
	PLAY_ON,   /* this step is done */
	PLAY_FULL, /* call again when out has been sent; a step: there is more */
	PLAY_WAIT,   /* send what is there, call again at due_us */
	PLAY_SILENT, /* send what is there, then nothing */
	PLAY_END,    /* the answer is whole; the next request may come */
	PLAY_CLOSE,  /* send what is there, then close */
	PLAY_RESET,  /* the same, with an RST */
};

struct play {
	const struct request *request;
	struct ask ask;
	const struct fault *fault;
	int64_t arg[3];
	const struct step *steps;
	int at;           /* the step */
	int64_t count;    /* how far inside the step */
	int64_t start_us; /* of a paced step */
	int64_t due_us;
	int64_t drip_ms;            /* 0: as fast as it goes */
	unsigned lines;             /* written, for line ends in turn */
	bool chunked, plain, close; /* plain: an old client, no chunks */
};

/* Takes the request; its bytes must stay until the end. n: of this request
 * among all; chance: a random number. */
void play_start(struct play *p, const struct request *r, enum ask_kind kind,
		uint64_t n, uint64_t chance);
enum play_next play_run(struct play *p, struct buf *out, int64_t now_us);
/* An answer of the mock itself: JSON or text with a Content-Length. */
void play_plain(struct buf *out, int64_t status, const char *headers,
		struct str body);

#endif
