/* channel.h - the ways to providers, with their models and sealed keys.
 *
 * A provider key is sealed by lib/crypto for the relay workers; the plaintext
 * begins with the key's row id, so a key is added first and sealed then.
 */
#ifndef STORE_CHANNEL_H
#define STORE_CHANNEL_H

#include "base/arena.h"
#include "base/err.h"

struct db;

#define CHANNEL_NAME_MAX 64

struct channel {
	int64_t id;
	const char *name, *provider, *base_url;
	const char *origin; /* scheme://host:port that its keys are bound to */
	bool enabled;       /* the administrator's word */
	const char *state, *reason; /* the gateway's: ok, disabled, cooling */
	int64_t priority, weight;
	const char *groups, *allow; /* comma lists: groups, networks */
	int64_t rpm;                /* 0: no limit */
	int64_t created_ms;
};

struct channel_model {
	int64_t channel_id;
	const char *model, *upstream; /* asked for; the provider's name */
};

struct channel_key {
	int64_t id, channel_id;
	struct str sealed; /* STR_NONE: not sealed yet, not usable */
	const char *hint;
	bool enabled;
	const char *reason;
};

/* Everything that routing needs, read in one transaction. */
struct channel_all {
	int64_t version;          /* config_version of what was read */
	struct channel *channels; /* highest priority first, removed: none */
	struct channel_model *models; /* by channel, then model */
	struct channel_key *keys;     /* by channel, then id */
	int n_channels, n_models, n_keys;
};

/* What channel_set() changes: NULL and -1 leave it (priority: INT64_MIN). */
struct channel_change {
	const char *base_url, *origin; /* both or neither */
	const char *groups, *allow;
	const char *state, *reason; /* both or neither */
	int64_t priority, weight, rpm;
	int enabled;
};
#define CHANNEL_KEEP                                     \
	((struct channel_change){ .priority = INT64_MIN, \
				  .weight = -1,          \
				  .rpm = -1,             \
				  .enabled = -1 })

/* Of c all but id, state, reason and created_ms count.  The id, or -1:
 * ERR_EXISTS. */
int64_t channel_add(struct db *db, const struct channel *c, struct err *e);
int channel_find(struct db *db, const char *name, struct channel *c,
		 struct arena *arena, struct err *e); /* ERR_NOT_FOUND */
int channel_get(struct db *db, int64_t id, struct channel *c,
		struct arena *arena, struct err *e);
int channel_list(struct db *db, struct channel **out, struct arena *arena,
		 struct err *e); /* how many */
int channel_set(struct db *db, int64_t id, const struct channel_change *c,
		struct err *e);
/* Takes it out of use; its keys and models are deleted, its row stays for the
 * log. */
int channel_remove(struct db *db, int64_t id, struct err *e);

int channel_model_put(struct db *db, int64_t id, const char *model,
		      const char *upstream, struct err *e);
int channel_model_drop(struct db *db, int64_t id, const char *model,
		       struct err *e); /* model NULL: all */
int channel_models(struct db *db, int64_t id, struct channel_model **out,
		   struct arena *arena, struct err *e); /* how many */

int64_t channel_key_add(struct db *db, int64_t channel_id, const char *hint,
			struct err *e); /* its id */
int channel_key_seal(struct db *db, int64_t key_id, struct str sealed,
		     struct err *e);
int channel_key_enable(struct db *db, int64_t key_id, bool enabled,
		       const char *reason, struct err *e);
int channel_key_drop(struct db *db, int64_t channel_id, struct err *e);
int channel_keys(struct db *db, int64_t id, struct channel_key **out,
		 struct arena *arena, struct err *e); /* how many */

int channel_all(struct db *db, struct channel_all *out, struct arena *arena,
		struct err *e);

#endif
