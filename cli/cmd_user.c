/* cmd_user.c - accounts and their money. */
#include "cmd.h"

#include "base/nusd.h"
#include "crypto/passwd.h"
#include "db/db.h"
#include "store/moves.h"
#include "store/user.h"

struct values {
	const char *name, *role, *group, *reason, *ref;
	int64_t enabled, amount_nusd, before, limit;
	bool password, below_zero;
};

#define AT(field) offsetof(struct values, field)

#define NAME_ARG                                            \
	ARG("NAME", ARG_WORD, AT(name), NULL, "the user's", \
	    .max = USER_NAME_MAX, .required = true)
#define ROLE_ARG                                  \
	ARG("--role", ARG_WORD, AT(role), "ROLE", \
	    "root, admin or user (user)", .max = 16)
#define GROUP_ARG                                    \
	ARG("--group", ARG_WORD, AT(group), "GROUP", \
	    "whose channels it may use (default)", .max = 64)

static const struct out_col cols[] = {
	{ "id", "ID", OUT_INT, offsetof(struct user, id) },
	{ "name", "NAME", OUT_TEXT, offsetof(struct user, name) },
	{ "role", "ROLE", OUT_TEXT, offsetof(struct user, role) },
	{ "group", "GROUP", OUT_TEXT, offsetof(struct user, group) },
	{ "enabled", "ENABLED", OUT_BOOL, offsetof(struct user, enabled) },
	{ "balance_nusd", "BALANCE", OUT_MONEY,
	  offsetof(struct user, balance_nusd) },
	{ "held_nusd", "HELD", OUT_MONEY, offsetof(struct user, held_nusd) },
	{ "spent_nusd", "SPENT", OUT_MONEY, offsetof(struct user, spent_nusd) },
	{ .name = NULL }
};

static int find(struct cli *c, const char *name, struct user *u, struct err *e)
{
	struct db *db = cli_db(c, e);

	return db ? user_find(db, name, u, &c->arena, e) : -1;
}

/* Prints the user as the database has it now, or a sentence for people. */
static int show(struct cli *c, int64_t id, const char *said, struct err *e)
{
	struct user u;

	if (user_get(c->db, id, &u, &c->arena, e) < 0)
		return -1;
	if (c->json)
		out_one(&c->out, cols, &u);
	else
		cli_say(c, "user %s %s", u.name, said);
	return 0;
}

/* NULL and a clear e: no password was wanted. */
static char *read_password(struct cli *c, struct err *e)
{
	char *hash = arena_alloc(&c->arena, PASSWD_TEXT);
	struct str password;
	int n = cli_secrets(c, "password", &password, 1, e);

	if (n < 0)
		return NULL;
	if (!n) {
		err_set(e, ERR_USAGE, "no password on standard input");
		return NULL;
	}
	return passwd_hash(password, hash, e) < 0 ? NULL : hash;
}

static int check_role(const char *role, struct err *e)
{
	static const char *const roles[] = { "root", "admin", "user" };

	for (size_t i = 0; role && i < COUNT(roles); i++)
		if (!strcmp(role, roles[i]))
			return 0;
	return role ? err_set(e, ERR_USAGE,
			      "--role: want root, admin or user, got \"%s\"",
			      role) :
		      0;
}

static int add(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const char *passwd = NULL;
	int64_t id;

	if (check_role(v->role, e) < 0 || !cli_db(c, e))
		return -1;
	if (v->password && !(passwd = read_password(c, e)))
		return -1;
	id = user_add(c->db, v->name, v->role, v->group, passwd, e);
	return id < 0 ? -1 : show(c, id, "added", e);
}

static int list(struct cli *c, const void *values, struct err *e)
{
	struct user *rows = NULL;
	int n;

	(void)values;
	if (!cli_db(c, e))
		return -1;
	n = user_list(c->db, &rows, &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, cols, rows, sizeof(*rows), n,
		 "no users yet: pontage user add NAME");
	return 0;
}

static int set(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	const struct user_change change = { .role = v->role,
					    .group = v->group,
					    .enabled = (int)v->enabled };
	struct user u;

	if (check_role(v->role, e) < 0 || find(c, v->name, &u, e) < 0)
		return -1;
	if (!v->role && !v->group && v->enabled < 0)
		return err_set(e, ERR_USAGE,
			       "nothing to set: --enable, --disable, --role "
			       "or --group");
	if (user_set(c->db, u.id, &change, e) < 0)
		return -1;
	return show(c, u.id, "set", e);
}

static int passwd(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct user_change change = { .enabled = -1 };
	struct user u;

	if (find(c, v->name, &u, e) < 0)
		return -1;
	change.passwd = read_password(c, e);
	if (!change.passwd || user_set(c->db, u.id, &change, e) < 0)
		return -1;
	return show(c, u.id, "has a new password", e);
}

/* One movement of a user's money, and what came of it. */
static int move(struct cli *c, const struct values *v, struct move *m,
		const char *done, struct err *e)
{
	char amount[NUSD_TEXT], balance[NUSD_TEXT];
	struct user u;

	if (find(c, v->name, &u, e) < 0)
		return -1;
	if (!m->amount_nusd)
		return err_set(e, ERR_USAGE, "AMOUNT: 0 moves nothing");
	m->account_id = u.account_id;
	m->actor = cli_actor(c);
	m->reason = v->reason ? v->reason : "";
	m->ref = v->ref;
	if (moves_run(c->db, m, e) < 0 ||
	    user_get(c->db, u.id, &u, &c->arena, e) < 0)
		return -1;
	if (c->json)
		out_one(&c->out, cols, &u);
	if (m->again)
		cli_say(c, "%s: %s was done before, nothing has moved", u.name,
			v->ref);
	else if (!c->json)
		cli_say(c, "%s: $%s %s, the balance is $%s", u.name,
			nusd_text(v->amount_nusd, amount), done,
			nusd_text(u.balance_nusd, balance));
	return 0;
}

static int grant(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct move m = { .kind = "grant", .amount_nusd = v->amount_nusd };

	return move(c, v, &m, "granted", e);
}

static int topup(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct move m = { .kind = "topup", .amount_nusd = v->amount_nusd };

	return move(c, v, &m, "paid in", e);
}

static int adjust(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct move m = { .kind = "adjust",
			  .amount_nusd = v->amount_nusd,
			  .below_zero = v->below_zero };

	return move(c, v, &m, "adjusted", e);
}

static const struct out_col line_cols[] = {
	{ "txn", "TXN", OUT_INT, offsetof(struct moves_line, txn_id) },
	{ "at_ms", "TIME", OUT_TIME, offsetof(struct moves_line, at_ms) },
	{ "kind", "KIND", OUT_TEXT, offsetof(struct moves_line, kind) },
	{ "amount_nusd", "AMOUNT", OUT_MONEY,
	  offsetof(struct moves_line, amount_nusd) },
	{ "balance_nusd", "BALANCE", OUT_MONEY,
	  offsetof(struct moves_line, balance_nusd) },
	{ "actor", "BY", OUT_NAME, offsetof(struct moves_line, actor) },
	{ "reason", "REASON", OUT_NAME, offsetof(struct moves_line, reason) },
	{ "ref", "REF", OUT_NAME, offsetof(struct moves_line, ref) },
	{ .name = NULL }
};

static int ledger(struct cli *c, const void *values, struct err *e)
{
	const struct values *v = values;
	struct moves_line *rows = NULL;
	struct user u;
	int n;

	if (find(c, v->name, &u, e) < 0)
		return -1;
	n = moves_list(c->db, u.account_id, v->before, (int)v->limit, &rows,
		       &c->arena, e);
	if (n < 0)
		return -1;
	out_rows(&c->out, line_cols, rows, sizeof(*rows), n,
		 "nothing has moved yet");
	return 0;
}

static const struct arg add_args[] = {
	NAME_ARG,
	ROLE_ARG,
	GROUP_ARG,
	ARG("--password-stdin", ARG_FLAG, AT(password), NULL,
	    "read a password from standard input; without one the user cannot "
	    "sign in to the pages"),
	{ .name = NULL }
};

static const struct arg set_args[] = {
	NAME_ARG,
	ARG("--enable", ARG_PICK, AT(enabled), NULL, "let its keys work",
	    .def = -1, .min = 1),
	ARG("--disable", ARG_PICK, AT(enabled), NULL,
	    "refuse all of its keys from now on", .def = -1, .min = 0),
	ROLE_ARG,
	GROUP_ARG,
	{ .name = NULL }
};

#define REASON_ARG                                    \
	ARG("--reason", ARG_TEXT, AT(reason), "TEXT", \
	    "what the ledger says of it", .max = 200)
#define REF_ARG                                                            \
	ARG("--ref", ARG_TEXT, AT(ref), "REF",                             \
	    "what must not happen twice, like an invoice's number: given " \
	    "again, nothing moves",                                        \
	    .max = 200)

static const struct arg grant_args[] = {
	NAME_ARG,
	ARG("AMOUNT", ARG_MONEY, AT(amount_nusd), NULL,
	    "dollars, like 5 or 0.25", .max = NUSD_MAX, .required = true),
	REASON_ARG,
	REF_ARG,
	{ .name = NULL }
};

static const struct arg adjust_args[] = {
	NAME_ARG,
	ARG("AMOUNT", ARG_MONEY, AT(amount_nusd), NULL,
	    "dollars; -2.50 takes money back", .min = -NUSD_MAX,
	    .max = NUSD_MAX, .required = true),
	ARG("--reason", ARG_TEXT, AT(reason), "TEXT",
	    "what the ledger says of it", .max = 200, .required = true),
	REF_ARG,
	ARG("--below-zero", ARG_FLAG, AT(below_zero), NULL,
	    "take it also where the balance has not that much free"),
	{ .name = NULL }
};

static const struct arg ledger_args[] = {
	NAME_ARG,
	ARG("--limit", ARG_INT, AT(limit), "N", "entries at most (50)",
	    .def = 50, .min = 1, .max = 10000),
	ARG("--before", ARG_INT, AT(before), "TXN", "older than this one only",
	    .min = 1),
	{ .name = NULL }
};

static const struct arg name_args[] = { NAME_ARG, { .name = NULL } };

static const struct cmd subs[] = {
	CMD("add", "NAME [--role ROLE] [--group GROUP] [--password-stdin]",
	    "add a user, with an account that holds nothing yet", NULL,
	    add_args, sizeof(struct values), add),
	CMD("list", "", "everybody, with balances", NULL, NO_ARGS, 0, list),
	CMD("set", "NAME [--enable|--disable] [--role ROLE] [--group GROUP]",
	    "change a user", NULL, set_args, sizeof(struct values), set),
	CMD("grant", "NAME AMOUNT [--reason TEXT] [--ref REF]",
	    "give a user money to spend", NULL, grant_args,
	    sizeof(struct values), grant),
	CMD("topup", "NAME AMOUNT [--reason TEXT] [--ref REF]",
	    "enter money that a user has paid", NULL, grant_args,
	    sizeof(struct values), topup),
	CMD("adjust", "NAME AMOUNT --reason TEXT [--ref REF] [--below-zero]",
	    "correct a balance, either way", NULL, adjust_args,
	    sizeof(struct values), adjust),
	CMD("ledger", "NAME [--limit N] [--before TXN]",
	    "what has moved, newest first, with the balance after it", NULL,
	    ledger_args, sizeof(struct values), ledger),
	CMD("passwd", "NAME", "set a new password, read from standard input",
	    NULL, name_args, sizeof(struct values), passwd),
	{ .name = NULL }
};

const struct cmd cmd_user = {
	.name = "user",
	.words = "",
	.what = "users and their money: add, list, set, grant, ledger, ...",
	.args = NO_ARGS,
	.subs = subs,
};
