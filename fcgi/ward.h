/* ward.h - keys that their provider refuses: disabled, and brought back.
 *
 * A key fails alone; a channel whose last key fails is disabled with it.  The
 * provider's words stay with them, scrubbed.  Everything is written through
 * the writer, and seen by the next request of every worker.
 */
#ifndef FCGI_WARD_H
#define FCGI_WARD_H

#include "relay/relay.h"

struct loop;

/* The key of that attempt. */
void ward_disable(struct loop *l, const struct relay_outcome *o);

#endif
