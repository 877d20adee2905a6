/* signed.h - what a model signed, carried by clients that speak another
 * dialect than the one that signed it.
 *
 * A signature means something only to its maker.  At a client of another
 * dialect it has the maker's name before it, in letters that are base64 (some
 * clients decode it), and comes back with it.
 */
#ifndef DIALECT_SIGNED_H
#define DIALECT_SIGNED_H

#include "base/arena.h"

/* s, of the dialect signer, for a client that speaks `client`. */
struct str signed_out(struct arena *mem, const char *signer, const char *client,
		      struct str s);
/* The other way: who made what the client sent, and what that is.  An absent
 * one gives two absent ones. */
void signed_in(const char *client, struct str s, struct str *signer,
	       struct str *signature);

#endif
