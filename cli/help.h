/* help.h - what --help prints, made of the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cmd.h"

void help_all(FILE *to, const struct cmd *const *verbs);
/* name: "channel add". */
void help_one(FILE *to, const char *name, const struct cmd *cmd,
	      const struct arg *all);

#endif
