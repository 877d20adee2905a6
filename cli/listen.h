/* listen.h - the sockets that the web server connects to.
 *
 * They are made by whoever holds the lock of the state folder, and moved into
 * place when they are ready: a web server finds the old one or the new one,
 * never none.
 */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

#include "base/err.h"

/* The lock that says: this installation is served.  A descriptor, to be held;
 * -1: it is served already, by whom, or the folder is not ours. */
int listen_lock(const char *state_dir, struct err *e);
/* A unix socket at the path, mode 0660, of the group ("": as it comes). */
int listen_open(const char *path, const char *group, struct err *e);
/* One that systemd opened for us, by its path, else by its unit's name for it
 * ("relay", "admin"), else by its place in their order; -1: it gave none. */
int listen_inherited(const char *path, int place);
/* Tells systemd "READY=1" and the like, where it wants to hear it. */
void listen_notify(const char *what);
/* How often systemd wants to hear "WATCHDOG=1", at half of its patience; 0:
 * it does not. */
int64_t listen_watchdog_ms(void);
/* After the last of these: children are not to inherit systemd's offers. */
void listen_forget(void);

#endif
