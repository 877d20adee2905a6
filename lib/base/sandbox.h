/* sandbox.h - what a worker gives up once it has opened what it needs.
 *
 * Files: Landlock leaves the database and what lies beside it, without the
 * key files, and what looking up names and checking certificates reads.
 * Calls: seccomp answers EPERM to executing, forking, tracing, mounting and
 * the like, and EAFNOSUPPORT to sockets other than unix and internet ones.
 * A refused call is an error like any other; it never ends the process.
 *
 * Each part works where kernel and build have it; sandbox_text() says which.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/conf.h"

/* Room for what sandbox_text() says. */
#define SANDBOX_TEXT 80

/* Before the first thread is made, after the keys are read and the database
 * has been opened once.  Nothing where `sandbox` is off.  -1: ERR_CONFIG, the
 * kernel has it and it could not be set up. */
int sandbox_enter(const struct conf *c, struct err *e);

int sandbox_landlock(void); /* the kernel's version of Landlock; 0: none */
bool sandbox_seccomp(void); /* built in, and the kernel has it */
/* "Landlock 7, seccomp", "no Landlock, no seccomp": for --version. */
const char *sandbox_text(char text[static SANDBOX_TEXT]);

#endif
