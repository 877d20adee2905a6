/* fixture.h - a database for a test: in a file that goes away, or in memory,
 * with one user who has money and a key. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "rows.h"

#include "base/log.h"
#include "db/db.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "store/moves.h"
#include "store/token.h"
#include "store/user.h"

#define USD 1000000000LL /* in nano-dollars */

struct fixture {
	char dir[64], path[80];
	struct db *db;
	struct arena arena;
	struct err e;
	int64_t user, account, token;
	int findings;
	char found[1024]; /* names of the checks that found something */
};

#define MUST(fx, call)                                          \
	do {                                                    \
		if ((call) < 0)                                 \
			fail_msg("%s: %s", #call, (fx)->e.msg); \
	} while (0)

static inline struct db *fixture_open(struct fixture *fx, enum db_mode mode)
{
	struct db *db = db_open(fx->path, mode, false, &fx->e);

	if (!db)
		fail_msg("open: %s", fx->e.msg);
	return db;
}

static inline void fixture_user(struct fixture *fx, int64_t balance_nusd,
				int64_t limit_nusd)
{
	struct token t = { .name = "k",
			   .hint = "sk-..",
			   .models = "",
			   .cidrs = "",
			   .limit_nusd = limit_nusd };
	uint8_t hash[TOKEN_HASH] = { 7 };
	struct user u;

	fx->user = user_add(fx->db, "ann", NULL, NULL, NULL, &fx->e);
	MUST(fx, fx->user);
	MUST(fx, user_get(fx->db, fx->user, &u, &fx->arena, &fx->e));
	fx->account = u.account_id;
	if (balance_nusd)
		MUST(fx, moves_grant(fx->db, fx->account, balance_nusd, "test",
				     "", NULL, &fx->e));
	t.user_id = fx->user;
	fx->token = token_add(fx->db, &t, hash, &fx->e);
	MUST(fx, fx->token);
}

/* path NULL: a new file in a new folder. */
static inline void fixture_init(struct fixture *fx, const char *path)
{
	memset(fx, 0, sizeof(*fx));
	log_level_set(LOG__COUNT); /* faults are wanted here */
	arena_init(&fx->arena);
	if (!path) {
		snprintf(fx->dir, sizeof(fx->dir), "/tmp/pontage-test-XXXXXX");
		assert_non_null(mkdtemp(fx->dir));
	}
	snprintf(fx->path, sizeof(fx->path), "%s%s", path ? path : fx->dir,
		 path ? "" : "/p.db");
	fx->db = fixture_open(fx, DB_TOOL);
	MUST(fx, db_migrate(fx->db, &fx->e));
}

static inline void fixture_rm(struct fixture *fx, const char *suffix)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", fx->path, suffix);
	unlink(path);
}

static inline void fixture_release(struct fixture *fx)
{
	db_close(fx->db);
	arena_release(&fx->arena);
	if (!fx->dir[0])
		return;
	fixture_rm(fx, "");
	fixture_rm(fx, "-wal");
	fixture_rm(fx, "-shm");
	fixture_rm(fx, ".lock");
	rmdir(fx->dir);
}

static inline void fixture_found(void *arg, const struct audit_finding *f)
{
	struct fixture *fx = arg;
	size_t n = strlen(fx->found);

	snprintf(fx->found + n, sizeof(fx->found) - n, "%s ", f->check);
}

/* What the audit finds: names with a space after each, "" if all is well. */
static inline const char *fixture_audit(struct fixture *fx)
{
	fx->found[0] = '\0';
	fx->findings = audit_run(fx->db, 0, fixture_found, fx, &fx->e);
	MUST(fx, fx->findings);
	return fx->found;
}

/* A request of the fixture's user, ready to be reserved. */
static inline struct request fixture_request(struct fixture *fx, const char *id,
					     int64_t reserved_nusd)
{
	return (struct request){ .request_id = id,
				 .started_ms = 1000,
				 .user_id = fx->user,
				 .account_id = fx->account,
				 .token_id = fx->token,
				 .endpoint = "chat",
				 .model_asked = "m1",
				 .reserved_nusd = reserved_nusd,
				 .worker_id = 1 };
}

static inline int64_t fixture_int(struct fixture *fx, const char *what)
{
	struct token t;

	MUST(fx, token_get(fx->db, fx->token, &t, &fx->arena, &fx->e));
	if (!strcmp(what, "balance"))
		return t.balance_nusd;
	if (!strcmp(what, "held"))
		return t.account_held_nusd;
	if (!strcmp(what, "token_held"))
		return t.held_nusd;
	return t.used_nusd;
}

#endif
