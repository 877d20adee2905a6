/* sandbox_in.h - the two halves of sandbox.h. */
#ifndef BASE_SANDBOX_IN_H
#define BASE_SANDBOX_IN_H

#include "base/err.h"

/* 1: on; 0: not built in, or the kernel lacks it; -1. */
int seccomp_enter(struct err *e);
bool seccomp_here(void);

#endif
