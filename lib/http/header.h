/* header.h - header fields: what may be one, what may pass, what it says. */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include "base/str.h"

#define HEADER_VALUE_MAX 4096 /* bytes of a value that passes */

/* A token as in RFC 9110, 5.6.2. */
bool header_name_ok(struct str name);
/* No control byte but tab: nothing that could end the line. */
bool header_value_ok(struct str value);

/* May this header of an upstream's answer go to a client?  The name it goes
 * under (static, lower case), or NULL.  The list says yes; all else, like
 * X-Accel-Redirect, Set-Cookie, Location or Status, stays here. */
const char *header_passes(const char *name, struct str value);
/* May an administrator set or take out this header of a call to an upstream?
 * Not what carries the key, frames the message or is the connection's. */
bool header_may_change(struct str name);
/* The media type without parameters, as a static text, where it is one that
 * an API answers with; else NULL. */
const char *header_content_type(struct str value);

/* Retry-After: seconds, also with decimals, or a date.  Milliseconds, not
 * negative, a day at most; -1: neither.  wall_now_ms 0: there is no clock,
 * a date counts as neither. */
int64_t header_retry_after_ms(struct str value, int64_t wall_now_ms);
/* Retry-After-Ms: milliseconds, also with decimals (rounded up). */
int64_t header_retry_ms(struct str value);

/* x-ratelimit-reset-*: "1s", "6m0s", "120ms", "1h2m3.5s", also plain seconds;
 * milliseconds, a day at most, rounded up; -1: none of them. */
int64_t header_reset_ms(struct str value);

/* The token of `Authorization: Bearer TOKEN`.  0: *token is it, or STR_NONE
 * where the header is absent or empty; -1: malformed, another scheme, or
 * not printable ASCII. */
int bearer(struct str authorization, struct str *token);

#endif
