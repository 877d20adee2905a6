/* disk.h - is there room on the disk of the state folder?
 *
 * Somebody off the loop looks, at most once a second; everybody may ask.
 * Nearly full, new requests are refused before any upstream is called: what
 * is left is for those that run, to be settled.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdatomic.h>

#include "base/conf.h"
#include "base/err.h"

struct disk {
	const struct conf *conf;
	int64_t next_ms; /* clock_mono_ms() of the next look */
	int level;       /* as the log was told last */
	_Atomic bool full;
};

void disk_look(struct disk *d);
/* Looked at now, without a word to the log. */
bool disk_is_full(const struct conf *conf);
/* ERR_STORAGE where new requests are to be refused; from any thread. */
int disk_check(const struct disk *d, struct err *e);

#endif
