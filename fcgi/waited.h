/* waited.h - how long a request waited before a worker read it.
 *
 * The web server says when it came, in PONTAGE_T0: as seconds.milliseconds of
 * the moment when it was sent to us, body and all (nginx); or the word
 * "header", and X-Pontage-T0 holds "t=" and the microseconds when its first
 * line was read (Apache's mod_headers, which replaces what a client wrote).
 * Without PONTAGE_T0 the header is the client's, and nobody's word.
 *
 * Apache's moment lies before the body, which a client may send slowly.  So a
 * request has waited no longer than our own queue can have held it.
 */
#ifndef FCGI_WAITED_H
#define FCGI_WAITED_H

#include "front.h"

/* In ms, at the moment when the head was read.  queued_ms: clock_mono_ms()
 * before which it cannot have stood in our queue.  0: not said. */
int64_t waited_ms(const struct head *h, int64_t queued_ms);

#endif
