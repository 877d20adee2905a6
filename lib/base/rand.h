/* rand.h - random numbers from the kernel; they never fail and never repeat
 * after a fork. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include "base/base.h"

void rand_bytes(void *p, size_t n);
/* n random characters of [0-9A-Za-z] and a '\0' into at, which it returns. */
char *rand_text(char *at, size_t n);
/* "req_" and 22 characters: seven say when, so that the index of the request
 * log grows at its end and not all over; fifteen are random (89 bits). */
#define RAND_REQUEST_ID 27
char *rand_request_id(char at[static RAND_REQUEST_ID], int64_t wall_ms);
uint64_t rand_below(uint64_t n); /* 0 to n - 1; n > 0 */

#endif
