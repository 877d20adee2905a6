/* count_in.h - what the files of a count share. */
#ifndef COUNT_COUNT_IN_H
#define COUNT_COUNT_IN_H

#include "count/count.h"
#include "text/re.h"

struct count {
	struct count_encoding {
		struct vocab vocab;
		struct re *re; /* NULL: is not here */
	} of[COUNT_BY__COUNT];
};

#endif
