/* log.h - one event, one line, to stderr or through a ring.
 *
 *	log_info("relay.end", LOG_S("model", model), LOG_I("ms", took_ms));
 *	t=2031-05-06T07:08:09.123Z lv=info ev=relay.end req=req_x model=m1 ms=812
 *
 * Values with spaces, quotes or control bytes are quoted and escaped: a line
 * is always one line of printable text.  Never a key, never what a user wrote
 * or a model answered.
 *
 * With log_ring_start() lines go into a bounded ring instead, which one
 * thread drains with log_ring_drain(): a full pipe stops nobody.  Without the
 * ring, who writes waits a tenth of a second for it, then the line is lost.
 * When the ring is full lines are dropped and counted, and the next drained
 * line says how many.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG__COUNT };

struct log_field {
	const char *key;
	const char *s; /* text of n bytes, or NULL: the number i */
	size_t n;
	int64_t i;
};

#define LOG_S(key, text) log_text((key), (text))
#define LOG_STR(key, str) \
	((struct log_field){ (key), (str).p ? (str).p : "", (str).n, 0 })
#define LOG_I(key, number) ((struct log_field){ (key), NULL, 0, (number) })

#define LOG_FIELDS_(...) \
	((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_debug(ev, ...) log_write(LOG_DEBUG, ev, LOG_FIELDS_(__VA_ARGS__))
#define log_info(ev, ...)  log_write(LOG_INFO, ev, LOG_FIELDS_(__VA_ARGS__))
#define log_warn(ev, ...)  log_write(LOG_WARN, ev, LOG_FIELDS_(__VA_ARGS__))
#define log_error(ev, ...) log_write(LOG_ERROR, ev, LOG_FIELDS_(__VA_ARGS__))

struct log_field log_text(const char *key, const char *s);
void log_write(enum log_level level, const char *event,
	       const struct log_field *fields); /* ends with a NULL key */

void log_level_set(enum log_level least);
int log_level_named(const char *name); /* -1: no such level */
/* The request this thread is working for; "" or NULL: none. */
void log_request(const char *id);

void log_ring_start(void);
/* Writes out what waits, in order, as far as it is taken without waiting; from
 * one thread.  False: nothing was written. */
bool log_ring_drain(void);
uint64_t log_dropped(void); /* lines lost since the start */

#endif
