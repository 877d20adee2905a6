/* doctor.h - the checks of `pontage doctor`. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cmd.h"

enum verdict { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_BAD };

/* What a check found; the texts are in the command's arena. */
struct finding {
	enum verdict verdict;
	const char *what; /* what is so */
	const char *cure; /* what to change; "" where nothing is to be */
};

struct doctor {
	struct cli *c;
	const char *url; /* where the web server answers */
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
extern const struct check doctor_running[]; /* what runs, what answers */

#endif
