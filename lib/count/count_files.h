/* count_files.h - where the rank files are: the setting, or "ranks" beside the
 * program. */
#ifndef COUNT_COUNT_FILES_H
#define COUNT_COUNT_FILES_H

#include "base/conf.h"
#include "count/count.h"

struct count *count_open_for(const struct conf *c, int *damaged, struct err *e);
/* What count_text() says of the folder beside the program: for --version. */
const char *count_here(char at[static COUNT_TEXT]);
/* The folder, into at. */
void count_folder(const struct conf *c, struct buf *at);

#endif
