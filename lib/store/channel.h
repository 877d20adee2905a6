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

#define CHANNEL_KEY_NAME_MAX 64

struct channel {
	int64_t id;
	const char *name, *provider, *base_url;
	const char *origin; /* scheme://host:port that its keys are bound to */
	bool enabled;       /* the administrator's word */
	const char *state, *reason; /* the gateway's: ok, disabled, cooling */
	int64_t state_ms;           /* since when */
	int64_t priority, weight;
	const char *groups, *allow;    /* comma lists: groups, networks */
	int64_t rpm, tpm, concurrency; /* 0: no limit */
	int64_t key_rpm, key_tpm, key_concurrency; /* of each key */
	const char *rotation; /* round_robin, random, least_used */
	int64_t connect_ms, first_token_ms, idle_ms, total_ms; /* 0: setting */
	const char *proxy;      /* URL; "": none */
	const char *test_model; /* "": its first */
	bool auto_disable;
	const char *tags, *notes;     /* a comma list; free text */
	const char *params, *headers; /* JSON objects; "": none */
	const char *system_prompt;
	int64_t created_ms;
};

struct channel_model {
	int64_t channel_id;
	const char *model; /* as asked for; or a pattern: lib/text/pattern.h */
	const char *upstream; /* the provider's name; "": as it was asked */
};

struct channel_key {
	int64_t id, channel_id;
	struct str sealed; /* STR_NONE: not sealed yet, not usable */
	const char *hint, *name;
	bool enabled;               /* the administrator's word */
	const char *state, *reason; /* the gateway's: ok, disabled */
	int64_t state_ms;           /* since when */
	int64_t probe_ms; /* of the next probe that may bring it back; 0: none */
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

/* Of c all but id, state, reason and times of its own count; NULL texts are
 * their defaults.  The id, or -1: ERR_EXISTS. */
int64_t channel_add(struct db *db, const struct channel *c, struct err *e);
int channel_find(struct db *db, const char *name, struct channel *c,
		 struct arena *arena, struct err *e); /* ERR_NOT_FOUND */
int channel_get(struct db *db, int64_t id, struct channel *c,
		struct arena *arena, struct err *e);
int channel_list(struct db *db, struct channel **out, struct arena *arena,
		 struct err *e); /* how many */
int channel_set(struct db *db, int64_t id, const struct channel_change *c,
		struct err *e);
/* All that an administrator may change, but name, provider, enabled. */
int channel_write(struct db *db, const struct channel *c, struct err *e);
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
int channel_key_get(struct db *db, int64_t key_id, struct channel_key *key,
		    struct arena *arena, struct err *e); /* ERR_NOT_FOUND */
/* Enabled it is well again, whatever the gateway thought. */
int channel_key_enable(struct db *db, int64_t key_id, bool enabled,
		       const char *reason, struct err *e);
/* The gateway's word; writes nothing where it is the same.  1: it was not. */
int channel_key_state(struct db *db, const struct channel_key *key,
		      struct err *e);
int channel_key_name(struct db *db, int64_t key_id, const char *name,
		     struct err *e);
int channel_key_remove(struct db *db, int64_t key_id, struct err *e);
int channel_key_drop(struct db *db, int64_t channel_id, struct err *e);
int channel_keys(struct db *db, int64_t id, struct channel_key **out,
		 struct arena *arena, struct err *e); /* how many */

int channel_all(struct db *db, struct channel_all *out, struct arena *arena,
		struct err *e);

#endif
