/* same.h - do two requests say the same?
 *
 * The order of members, blanks and the spelling of strings do not matter:
 * {"a":1,"b":"x"} and {"b": "\u0078", "a": 1} are the same.  Numbers are as
 * they are written: 1 and 1.0 may be two things to an upstream.
 */
#ifndef POLICY_SAME_H
#define POLICY_SAME_H

#include "base/str.h"

#define SAME_HASH 32 /* bytes */

/* A hash of what a JSON text says, which the strict scanner has let pass.  In
 * linear time but for the sorting of names; memory for 33 bytes a value. */
void same_hash(struct str json, uint8_t out[static SAME_HASH]);

#endif
