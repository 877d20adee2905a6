/* arena.h - the memory of one request: taken piece by piece, freed at once.
 *
 * Invariant: what arena_alloc() returns is zeroed, aligned for any type, and
 * stays where it is until arena_release().  One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* the newest first */
	size_t used, total;         /* in the newest; bytes of all blocks */
};

void arena_init(struct arena *a);
void arena_release(struct arena *a); /* safe to call twice */
void arena_wipe(struct arena *a);    /* zeroes it: it held secrets */

void *arena_alloc(struct arena *a, size_t n);
char *arena_dup(struct arena *a, struct str s); /* a C string */
struct str arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) \
	((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

#endif
