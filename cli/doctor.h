/* doctor.h - the checks of `pontage doctor`. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cmd.h"

struct fetcher;

enum verdict { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_BAD };

/* What a check found; the texts are in the command's arena. */
struct finding {
	enum verdict verdict;
	const char *what; /* what is so */
	const char *cure; /* what to change; "" where nothing is to be */
};

struct doctor {
	struct cli *c;
	const char *url; /* where the web server answers; no slash at its end */
	const char *model; /* to ask for a stream; NULL: none is known */
	bool slow;         /* wait out long silences, too */

	/* its own */
	char key[256];    /* "": there is none */
	char no_key[256]; /* why */
	int64_t token_id; /* of a key that was made for this; 0: given */
	struct fetcher *http;
	bool answers;    /* somebody is at the address */
	char server[64]; /* and says that it is this; "" */
};

struct check {
	const char *name;
	struct finding (*look)(struct doctor *d);
};

/* cure NULL: "". */
struct finding finding(enum verdict verdict, const char *what,
		       const char *cure);

/* Each ends with a row without name. */
extern const struct check doctor_files[];   /* what lies on the disk */
extern const struct check doctor_running[]; /* what runs, what listens */
extern const struct check doctor_public[];  /* what callers meet */

/* A key for doctor_public, where none was given: of the first administrator,
 * for one cent.  doctor_key_end() revokes it. */
void doctor_key_make(struct doctor *d);
void doctor_key_end(struct doctor *d);
/* What a channel of the test provider calls the upstream model that begins
 * so, if it has a price; NULL: none has. */
const char *doctor_test_model(struct doctor *d, const char *begins);

/* What to write into the configuration of a web server, by what it is for. */
enum cure {
	CURE_AUTH,
	CURE_STREAM,
	CURE_BODY,
	CURE_IDLE,
	CURE_KEEP,
	CURE__COUNT
};
const char *doctor_cure(const struct doctor *d, enum cure cure);

#endif
