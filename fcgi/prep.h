/* prep.h - what an acceptor does with a request before the loop carries it:
 * who, what, where to, at what price.  Pure work and point look-ups; may
 * block. */
#ifndef FCGI_PREP_H
#define FCGI_PREP_H

#include "loop.h"

/* The hooks for front_open(), with the loop as their argument. */
struct front_hooks prep_hooks(struct loop *l);

#endif
