/* channel.h - what the verbs of `pontage channel` share. */
#ifndef CLI_CHANNEL_H
#define CLI_CHANNEL_H

#include "cmd.h"

#include "provider/provider.h"
#include "store/channel.h"

#define CHANNEL_KEYS_MAX 256 /* on standard input */

struct channel_values {
	const char *name, *provider, *base_url, *models, *groups, *map, *allow;
	const char *model; /* to test with */
	const char *rotation, *proxy, *test_model, *tags, *notes;
	const char *params, *headers, *system_prompt, *auto_disable;
	const char *tag; /* all that have it */
	int64_t priority, weight;
	int64_t rpm, tpm, concurrency;
	int64_t key_rpm, key_tpm, key_concurrency;
	int64_t connect_ms, first_token_ms, idle_ms, total_ms;
	bool keys, add, apply, reset;

	/* channel keys */
	const char *verb, *key, *text;
};

#define CHANNEL_AT(field) offsetof(struct channel_values, field)
extern const struct arg channel_add_args[], channel_set_args[];

/* By name, or by id. */
int channel_named(struct cli *c, const char *which, struct channel *ch,
		  struct err *e);
/* A base URL as it is stored: with the version path, with the origin that its
 * keys are bound to, and the private address that it names itself. */
struct channel_base {
	const char *url, *origin, *allow;
};
int channel_base(struct cli *c, const struct provider *p, const char *text,
		 struct channel_base *out, struct err *e);
/* The networks of two comma lists in one. */
const char *channel_allow(struct cli *c, const char *a, const char *b);

/* Takes over what the values say, but for name, provider, address, allow,
 * models and keys; "none" empties a text.  -1: ERR_USAGE, what is wrong. */
int channel_take(struct cli *c, const struct channel_values *v,
		 struct channel *ch, struct err *e);

/* Standard input's keys: how many, or -1. */
int channel_read_keys(struct cli *c, const struct provider *p,
		      struct str keys[static CHANNEL_KEYS_MAX], struct err *e);
/* Inside a transaction: stores them sealed, bound to the origin. */
int channel_put_keys(struct cli *c, int64_t id, const char *origin,
		     const struct str *keys, int n, struct err *e);
/* models and map: comma lists, either may be NULL. */
int channel_put_models(struct cli *c, int64_t id, const char *models,
		       const char *map, struct err *e);

/* The verbs that are in files of their own. */
int channel_run_add(struct cli *c, const void *values, struct err *e);
int channel_run_set(struct cli *c, const void *values, struct err *e);
int channel_run_test(struct cli *c, const void *values, struct err *e);
int channel_run_fetch(struct cli *c, const void *values, struct err *e);
int channel_run_health(struct cli *c, const void *values, struct err *e);
int channel_run_keys(struct cli *c, const void *values, struct err *e);

/* Asks a relay worker, which alone opens keys; j is the answered job. */
struct job;
struct json_object;
int channel_ask(struct cli *c, const struct channel_values *v, const char *kind,
		struct channel *ch, struct job *j, struct err *e);
struct json_object *channel_result(const struct job *j, struct err *e);
void channel_explain(const struct channel *ch, struct json_object *result);
void channel_print_list(const char *title, struct json_object *names);
const char *channel_text_of(struct json_object *o);
/* Prints it, after a verb has changed it; said: for people. */
int channel_print(struct cli *c, int64_t id, const char *said, struct err *e);

#endif
