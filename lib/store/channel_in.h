/* channel_in.h - what the parts of channel.h share. */
#ifndef STORE_CHANNEL_IN_H
#define STORE_CHANNEL_IN_H

#include "store/channel.h"

int channel_keys_all(struct db *db, struct channel_key **out,
		     struct arena *arena, struct err *e);

#endif
