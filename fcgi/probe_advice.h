/* probe_advice.h - what an administrator should do about a failed probe. */
#ifndef FCGI_PROBE_ADVICE_H
#define FCGI_PROBE_ADVICE_H

#include "base/err.h"

/* One or two sentences for a failure: our code, the upstream's status (0: it
 * gave none), our sentence, the upstream's words.  Never NULL. */
const char *probe_advice(enum err_code code, int status, const char *sentence,
			 const char *words);

#endif
