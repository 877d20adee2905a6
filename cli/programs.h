/* programs.h - where our other programs are. */
#ifndef CLI_PROGRAMS_H
#define CLI_PROGRAMS_H

#include "supervise.h"

/* The path of each, to be freed; -1: one is not where it should be. */
int programs_find(const struct conf *c, char *out[static KID__COUNT],
		  struct err *e);

#endif
