/* doctor_key.c - a key and a model for what `pontage doctor` asks. */
#include "doctor.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "db/db.h"
#include "store/channel.h"
#include "store/price.h"
#include "store/token.h"
#include "store/user.h"

#define LIMIT_NUSD 10000000 /* one cent */
#define LIFE_MS    900000   /* should we never come to revoke it */

static const struct user *payer(struct doctor *d, struct err *e)
{
	struct user *all = NULL;
	int n = user_list(d->c->db, &all, &d->c->arena, e);

	for (int i = 0; i < n; i++)
		if (all[i].enabled && !strcmp(all[i].role, "root"))
			return &all[i];
	if (n >= 0)
		err_set(e, ERR_NOT_FOUND,
			"there is no administrator to pay for it; give a key "
			"with --key-stdin");
	return NULL;
}

static int make(struct doctor *d, char key[static KEY_TEXT], struct err *e)
{
	const struct user *u = cli_db(d->c, e) ? payer(d, e) : NULL;
	struct token t = { .name = "doctor",
			   .models = "",
			   .cidrs = "",
			   .limit_nusd = LIMIT_NUSD };
	unsigned char hash[KEY_HASH];
	char hint[KEY_HINT];

	if (!u)
		return -1;
	key_new(key);
	key_hash(str_of(key), hash);
	t.hint = key_hint(str_of(key), hint);
	t.user_id = u->id;
	t.expires_ms = clock_wall_ms() + LIFE_MS;
	d->token_id = token_add(d->c->db, &t, hash, e);
	if (d->token_id > 0)
		return 0;
	d->token_id = 0;
	return -1;
}

void doctor_key_make(struct doctor *d)
{
	char key[KEY_TEXT] = "";
	struct err e = { 0 };

	if (make(d, key, &e) < 0)
		snprintf(d->no_key, sizeof(d->no_key), "%s", e.msg);
	else
		snprintf(d->key, sizeof(d->key), "%s", key);
	secret_wipe(key, sizeof(key));
}

void doctor_key_end(struct doctor *d)
{
	struct err e = { 0 };

	if (token_revoke(d->c->db, d->token_id, &e) < 0)
		fprintf(stderr,
			"pontage: doctor: its key was not revoked (%s); it "
			"expires within 15 minutes\n",
			e.msg);
	d->token_id = 0;
}

static const struct channel *find(const struct channel_all *all, int64_t id)
{
	for (int i = 0; i < all->n_channels; i++)
		if (all->channels[i].id == id)
			return &all->channels[i];
	return NULL;
}

static bool is_test(const struct channel *ch)
{
	return ch && ch->enabled && !strcmp(ch->provider, "test");
}

const char *doctor_test_model(struct doctor *d, const char *begins)
{
	struct channel_all all;
	struct err e = { 0 };
	struct price p;

	if (!d->c->db || channel_all(d->c->db, &all, &d->c->arena, &e) < 0)
		return NULL;
	for (int i = 0; i < all.n_models; i++) {
		const struct channel_model *m = &all.models[i];

		if (is_test(find(&all, m->channel_id)) &&
		    !strncmp(m->upstream, begins, strlen(begins)) &&
		    price_at(d->c->db, m->model, clock_wall_ms(), &p,
			     &d->c->arena, &e) > 0)
			return m->model;
	}
	return NULL;
}
