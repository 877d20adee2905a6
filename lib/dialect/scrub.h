/* scrub.h - an upstream's own words made safe for a caller.
 *
 * Keys, addresses, host names, mark-up and control characters go; what is
 * left is one line of at most SCRUB_MAX characters of valid UTF-8.  One pass,
 * linear.
 */
#ifndef DIALECT_SCRUB_H
#define DIALECT_SCRUB_H

#include "base/str.h"

#define SCRUB_MAX  200                 /* characters */
#define SCRUB_SIZE (SCRUB_MAX * 4 + 4) /* bytes that hold them */

/* Into out, a C string.  What is taken out reads "[key]", "[address]".
 * Returns the bytes of out; 0: nothing worth reading was left. */
size_t scrub_words(struct str in, char *out, size_t size);

#endif
